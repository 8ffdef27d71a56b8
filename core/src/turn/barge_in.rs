//! The barge-in detector: does what we hear mean that the caller wants the floor?
//!
//! It works from the model's own speech events. It reports; whether the agent
//! stops is decided by the call, which alone knows who is speaking.

use serde::{Deserialize, Serialize};

use crate::time::Micros;

/// What the detector is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BargeInInput {
    /// The model's voice detection heard speech begin.
    SpeechStarted,
    /// The model's voice detection heard speech end.
    SpeechStopped,
}

/// What the detector reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The caller has begun to speak and means it.
    Interrupt,
}

/// What a new detector is told of the one that it replaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BargeInSnapshot {
    /// Whether the caller was speaking.
    pub caller_speaking: bool,
}

/// See the module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BargeInDetector {
    caller_speaking: bool,
}

impl BargeInDetector {
    /// A detector that goes on from `snapshot`.
    #[must_use]
    pub fn new(snapshot: BargeInSnapshot) -> Self {
        Self { caller_speaking: snapshot.caller_speaking }
    }

    /// Takes in what happened; answers a verdict where there is one. A start of
    /// speech reported twice is one start.
    pub fn handle(&mut self, input: &BargeInInput, _now: Micros) -> Option<Verdict> {
        match input {
            BargeInInput::SpeechStarted if self.caller_speaking => None,
            BargeInInput::SpeechStarted => {
                self.caller_speaking = true;
                Some(Verdict::Interrupt)
            }
            BargeInInput::SpeechStopped => {
                self.caller_speaking = false;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_of_speech_is_one_verdict() {
        let mut detector = BargeInDetector::default();
        let mut at = |input| detector.handle(&input, Micros::ZERO);
        assert_eq!(at(BargeInInput::SpeechStarted), Some(Verdict::Interrupt));
        assert_eq!(at(BargeInInput::SpeechStarted), None);
        assert_eq!(at(BargeInInput::SpeechStopped), None);
        assert_eq!(at(BargeInInput::SpeechStarted), Some(Verdict::Interrupt));
    }

    #[test]
    fn a_rebuilt_detector_does_not_report_the_speech_already_under_way() {
        let mut detector = BargeInDetector::new(BargeInSnapshot { caller_speaking: true });
        assert_eq!(detector.handle(&BargeInInput::SpeechStarted, Micros::ZERO), None);
    }
}
