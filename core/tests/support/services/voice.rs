//! A voice that says each word in a third of a second, and gives it five times as fast.

use trunkline_core::time::Micros;

use super::{Answering, Health, REFUSED, Script, Tells};
use crate::support::settings::ms;

/// From a request to the first sound.
const FIRST_SOUND: Micros = ms(100);
/// From one word to the next, and its audio.
const BURST: Micros = ms(60);
const WORD_BYTES: u64 = 2_400;

/// It is given a sentence; what it tells. What a script says of a reply that is said
/// word for word is of the voice.
pub fn given(request: u32, text: &str, answering: Option<&Answering>, health: Health) -> Script {
    match health {
        Health::Well => {}
        Health::Hangs => return Vec::new(),
        Health::Away => return vec![(REFUSED, Tells::SpeechFailed { request })],
    }
    let set = answering.filter(|answering| answering.set).map(|answering| &answering.reply);
    if set.is_some_and(|reply| reply.mute || reply.never_announced) {
        return Vec::new();
    }
    let latency = set.and_then(|reply| reply.latency);
    let mut at = latency.unwrap_or(FIRST_SOUND);
    let mut script = Vec::new();
    for _ in text.split(' ') {
        script.push((at, Tells::Sound { request, bytes: WORD_BYTES }));
        at = at + BURST;
    }
    if set.is_some_and(|reply| reply.stalls) {
        return script;
    }
    let broken = set.is_some_and(|reply| reply.fails.is_some());
    let end = if broken { Tells::SpeechFailed { request } } else { Tells::SpeechEnded { request } };
    script.push((at, end));
    script
}
