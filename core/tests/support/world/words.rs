//! The caller's words straight from the recogniser, which brings them as they grow:
//! where a test is about the words, no audio is sent for them.

use trunkline_core::pii::Personal;
use trunkline_core::pipeline::Heard;
use trunkline_core::time::Micros;

use super::{Coming, World};
use crate::support::services::Tells;
use crate::support::settings::ms;

/// Time that a spoken word takes.
pub const WORD: Micros = ms(250);
/// Audio between two interim results.
const INTERIM: Micros = ms(300);
/// From the first sound until it is taken for speech.
const NOTICED: Micros = ms(60);
/// Silence that ends a run of speech.
const SILENCE: Micros = ms(500);

impl World {
    /// The caller says this, in so many words, and is then silent: the recogniser
    /// brings it as it grows, and whole once the silence was long enough. Answers
    /// when the last word is over.
    pub fn say(&mut self, words: &str) -> Micros {
        let end = self.speak(words);
        self.settle(words, end);
        end
    }

    /// The same without an end that the recogniser would notice.
    pub fn speak(&mut self, words: &str) -> Micros {
        let words: Vec<&str> = words.split_whitespace().collect();
        let takes = Micros(WORD.0 * words.len() as u64);
        let lag = self.services.takes.recogniser;
        self.hears_in(NOTICED + lag, Heard::SpeechStarted);
        let mut heard = Micros::ZERO;
        while heard < takes {
            heard = heard + INTERIM;
            let by_then = usize::try_from(heard.0 / WORD.0).unwrap().min(words.len());
            let text = Personal::new(words[..by_then].join(" "));
            self.hears_in(heard + lag, Heard::Interim { text });
        }
        self.now + takes
    }

    /// The recogniser takes what ended at `end` for over, half a second later.
    pub fn settle(&mut self, words: &str, end: Micros) {
        let text = Personal::new(words);
        let over = Heard::Final { text, to_ms: end.as_millis(), ends: true };
        let at = end + SILENCE + self.services.takes.recogniser;
        self.hears_in(at.since(self.now), over);
    }

    /// The recogniser tells this after a while.
    pub fn hears_in(&mut self, after: Micros, event: Heard) {
        let Some(session) = &self.services.session else {
            return;
        };
        let connection = session.listening.connection;
        let (serial, tells) = (self.model.serial, Tells::Heard { connection, event });
        self.schedule(self.now + after, Coming::Service { serial, tells });
    }
}
