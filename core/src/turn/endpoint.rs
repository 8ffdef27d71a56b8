//! The turn manager's machine: when is the caller's turn over?
//!
//! The model reports where speech starts and stops; its silence window has then
//! already passed. An utterance that starts again before the turn was handed
//! over belongs to the same turn, so rapid-fire utterances merge. Transcripts
//! may come late, even after the turn has ended: they are kept for the record
//! and never hold the turn up.

use serde::{Deserialize, Serialize};

use crate::time::Micros;

/// After the model's own silence window the turn waits this much longer, so that
/// an utterance which starts at once is merged rather than answered.
const MERGE_WINDOW: Micros = Micros::from_millis(20);

/// What the machine is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TurnInput {
    /// The caller began to speak.
    SpeechStarted,
    /// The caller stopped speaking, the model's silence window included.
    SpeechStopped,
}

/// What a new machine is told of the one that it replaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnSnapshot {
    /// Whether the caller was speaking.
    pub caller_speaking: bool,
    /// Whether the caller has said something that nobody has answered.
    pub turn_open: bool,
}

/// See the module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnMachine {
    caller_speaking: bool,
    utterances: u32,
    ends_at: Option<Micros>,
}

impl TurnMachine {
    /// A machine that goes on from `snapshot`.
    #[must_use]
    pub fn new(snapshot: TurnSnapshot, now: Micros) -> Self {
        let waiting = snapshot.turn_open && !snapshot.caller_speaking;
        Self {
            caller_speaking: snapshot.caller_speaking,
            utterances: u32::from(snapshot.turn_open),
            ends_at: waiting.then(|| now + MERGE_WINDOW),
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, input: &TurnInput, now: Micros) {
        match input {
            TurnInput::SpeechStarted => {
                self.utterances += u32::from(!self.caller_speaking);
                self.caller_speaking = true;
                self.ends_at = None;
            }
            TurnInput::SpeechStopped => {
                self.utterances = self.utterances.max(1);
                self.caller_speaking = false;
                self.ends_at = Some(now + MERGE_WINDOW);
            }
        }
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        self.ends_at
    }

    /// Time has passed. Answers the number of utterances of the turn when it is over.
    pub fn handle_timeout(&mut self, now: Micros) -> Option<u32> {
        let due = self.ends_at.is_some_and(|at| at <= now);
        due.then(|| {
            self.ends_at = None;
            std::mem::take(&mut self.utterances)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Micros {
        Micros::from_millis(ms)
    }

    #[test]
    fn a_turn_ends_after_the_merge_window() {
        let mut turn = TurnMachine::default();
        turn.handle(&TurnInput::SpeechStarted, ms(0));
        assert_eq!(turn.poll_timeout(), None);
        turn.handle(&TurnInput::SpeechStopped, ms(900));
        assert_eq!(turn.handle_timeout(ms(901)), None);
        assert_eq!(turn.handle_timeout(ms(920)), Some(1));
        assert_eq!(turn.handle_timeout(ms(921)), None);
    }

    #[test]
    fn an_utterance_that_follows_at_once_belongs_to_the_same_turn() {
        let mut turn = TurnMachine::default();
        turn.handle(&TurnInput::SpeechStarted, ms(0));
        turn.handle(&TurnInput::SpeechStopped, ms(900));
        turn.handle(&TurnInput::SpeechStarted, ms(910));
        assert_eq!(turn.handle_timeout(ms(1_000)), None);
        turn.handle(&TurnInput::SpeechStopped, ms(1_500));
        assert_eq!(turn.handle_timeout(ms(1_520)), Some(2));
    }

    #[test]
    fn a_rebuilt_machine_hands_over_the_turn_that_was_open() {
        let open = TurnSnapshot { caller_speaking: false, turn_open: true };
        let mut turn = TurnMachine::new(open, ms(50));
        assert_eq!(turn.handle_timeout(ms(70)), Some(1));
        let speaking = TurnSnapshot { caller_speaking: true, turn_open: true };
        assert_eq!(TurnMachine::new(speaking, ms(50)).poll_timeout(), None);
    }
}
