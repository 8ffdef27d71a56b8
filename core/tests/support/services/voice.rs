//! A voice that says each word in a third of a second, and gives it much faster.

use super::{Answering, Health, Latencies, REFUSED, Script, Tells};

/// Audio of a word.
const WORD_BYTES: u64 = 2_400;

/// It is given a sentence; what it tells. What a script says of a reply that is said
/// word for word is of the voice.
pub fn given(
    request: u32,
    text: &str,
    answering: Option<&Answering>,
    takes: Latencies,
    health: Health,
) -> Script {
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
    let mut at = latency.unwrap_or(takes.first_audio);
    let mut script = Vec::new();
    for _ in text.split(' ') {
        script.push((at, Tells::Sound { request, bytes: WORD_BYTES }));
        at = at + takes.word;
    }
    if set.is_some_and(|reply| reply.stalls) {
        return script;
    }
    let broken = set.is_some_and(|reply| reply.fails.is_some());
    let end = if broken { Tells::SpeechFailed { request } } else { Tells::SpeechEnded { request } };
    script.push((at, end));
    script
}
