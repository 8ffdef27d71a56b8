//! How long the caller waits for an answer: from the last audible frame that was
//! sent until the first audio that came after it.

use trunkline_core::time::Micros;

use super::report::Reply;

/// Since when an answer is waited for.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    since: Option<Micros>,
}

impl Waiting {
    /// An audible frame of the caller was sent. What comes while the agent is heard
    /// anyway is no answer to it.
    pub(super) fn spoken(&mut self, at: Micros, agent_is_quiet: bool) {
        self.since = Some(at).filter(|_| agent_is_quiet);
    }

    /// Audio came.
    pub(super) fn answered(&mut self, now: Micros) -> Option<Reply> {
        let since = self.since.take()?;
        Some(Reply { spoken_to_ms: since.as_millis(), after_us: now.since(since).0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Micros {
        Micros::from_millis(ms)
    }

    #[test]
    fn the_wait_is_from_the_last_audible_frame_to_the_first_audio() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.answered(ms(5)), None, "nobody has spoken");
        waiting.spoken(ms(100), true);
        waiting.spoken(ms(120), true);
        assert_eq!(waiting.answered(ms(640)), Some(Reply { spoken_to_ms: 120, after_us: 520_000 }));
        assert_eq!(waiting.answered(ms(660)), None, "the rest of the answer");
    }

    #[test]
    fn what_comes_while_both_speak_answers_nothing() {
        let mut waiting = Waiting::default();
        waiting.spoken(ms(100), false);
        assert_eq!(waiting.answered(ms(110)), None);
        waiting.spoken(ms(120), true);
        assert!(waiting.answered(ms(700)).is_some(), "the agent was stopped, and answers");
    }
}
