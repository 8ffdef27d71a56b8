//! When the agent speaks and when it is quiet, as the caller hears it.

use trunkline_core::time::Micros;

use super::report::Stretch;
use super::script::Wait;

/// How long a pause must be to end what the agent says.
const PAUSE: Micros = Micros::from_millis(Wait::PAUSE_MS);

/// A change in what is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// The first audible frame after quiet.
    Speaking,
    /// Quiet for long enough; what was said before it.
    Quiet(Stretch),
}

/// What the caller has heard of the agent.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// Since when the agent has been speaking without a pause.
    pub(super) since: Option<Micros>,
    /// The agent's last audible frame.
    pub(super) last: Option<Micros>,
}

impl Hearing {
    /// One frame was heard.
    pub(super) fn note(&mut self, audible: bool, now: Micros) -> Option<Turned> {
        if audible {
            self.last = Some(now);
            if self.since.is_some() {
                return None;
            }
            self.since = Some(now);
            return Some(Turned::Speaking);
        }
        if now.since(self.last?) < PAUSE {
            return None;
        }
        self.rest().map(Turned::Quiet)
    }

    /// What was being said, if anything; it is over now.
    pub(super) fn rest(&mut self) -> Option<Stretch> {
        let from_ms = self.since.take()?.as_millis();
        let to_ms = self.last.map_or(from_ms, Micros::as_millis);
        Some(Stretch { from_ms, to_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_pause_belongs_to_the_utterance() {
        let mut hearing = Hearing::default();
        let ms = Micros::from_millis;
        assert_eq!(hearing.note(false, ms(0)), None);
        assert_eq!(hearing.note(true, ms(100)), Some(Turned::Speaking));
        assert_eq!(hearing.note(false, ms(500)), None);
        assert_eq!(hearing.note(true, ms(600)), None);
        assert_eq!(hearing.note(false, ms(1_180)), None);
        let stretch = Stretch { from_ms: 100, to_ms: 600 };
        assert_eq!(hearing.note(false, ms(1_200)), Some(Turned::Quiet(stretch)));
        assert_eq!(hearing.note(false, ms(5_000)), None);
    }
}
