//! What a tenant decides about interruptions.

use serde::{Deserialize, Serialize};

use crate::time::Micros;
use crate::turn::backchannel::ENGLISH;

/// The ears tell the end of speech this much after it, having waited for more.
pub(super) const EARS_PATIENCE: Micros = Micros::from_millis(260);

/// When the caller may cut the agent short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BargeInMode {
    /// At once.
    #[default]
    Immediate,
    /// When the sentence is over that is being said.
    AfterSentence,
    /// Never: what the caller says is answered afterwards.
    Protected,
}

/// What a tenant decides about interruptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BargeInSettings {
    /// When the agent may be cut short.
    pub mode: BargeInMode,
    /// The same, for the greeting.
    pub greeting: BargeInMode,
    /// Whether we listen ourselves. Otherwise each start of speech that the model
    /// reports is believed.
    pub ears: bool,
    /// How long a stop waits to be confirmed, in milliseconds. A word takes about
    /// half a second to be recognised.
    pub confirm_window_ms: u64,
    /// Speech of this length, in milliseconds, is more than a backchannel: "mm-hm"
    /// takes 200 to 600. Until then the agent is silent anyway.
    pub confirm_speech_ms: u64,
    /// How long after a stop that came to nothing the next one may follow, in
    /// milliseconds; twice that after the second in a row, and so on up to eight
    /// times. A caller who means it is heard all the same.
    pub cooldown_ms: u64,
    /// What a caller says who listens.
    pub backchannels: Vec<String>,
}

impl Default for BargeInSettings {
    fn default() -> Self {
        Self {
            mode: BargeInMode::Immediate,
            greeting: BargeInMode::Immediate,
            ears: true,
            confirm_window_ms: 600,
            confirm_speech_ms: 700,
            cooldown_ms: 500,
            backchannels: ENGLISH.map(str::to_owned).to_vec(),
        }
    }
}

impl BargeInSettings {
    pub(super) fn window(&self) -> Micros {
        Micros::from_millis(self.confirm_window_ms)
    }

    pub(super) fn speech(&self) -> Micros {
        Micros::from_millis(self.confirm_speech_ms)
    }

    /// The longest that a stop goes undecided.
    #[must_use]
    pub fn longest_stop(&self) -> Micros {
        self.window().max(self.speech() + EARS_PATIENCE)
    }
}
