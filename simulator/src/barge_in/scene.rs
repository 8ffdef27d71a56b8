//! One scene: what the agent says, what the line brings, and what it is.

use serde::{Deserialize, Serialize};

use super::room::Room;

/// What a scene is, and so what the ears should make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// The caller speaks: to be told as sustained.
    Interruption,
    /// "mm-hm" and its like: speech to the ears. What it means is decided
    /// elsewhere, so neither answer is wrong here.
    Backchannel,
    /// A cough, a sneeze, throats.
    Cough,
    /// Breath, wind, a door, a passing car, keys and clicks.
    Noise,
    /// Dialled digits, beeps, hums.
    Tone,
    /// A line that is only noise, louder or quieter.
    ComfortNoise,
    /// Nothing but what the agent says, coming back.
    Echo,
}

impl Label {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 7] = [
        Self::Interruption,
        Self::Backchannel,
        Self::Cough,
        Self::Noise,
        Self::Tone,
        Self::ComfortNoise,
        Self::Echo,
    ];

    /// As the report has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interruption => "interruption",
            Self::Backchannel => "backchannel",
            Self::Cough => "cough",
            Self::Noise => "noise",
            Self::Tone => "tone",
            Self::ComfortNoise => "comfort_noise",
            Self::Echo => "echo",
        }
    }
}

/// How the agent's voice comes back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Echo {
    /// After the time at which the agent's audio is believed to play.
    pub delay_ms: u32,
    /// How much louder than it was played, in dB; negative.
    pub gain_db: f32,
}

/// See the module's text. Audio is 8 kHz μ-law; both sides begin at zero.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Which of its kind, with what made it.
    pub name: String,
    /// What it is.
    pub label: Label,
    /// What the carrier sends, if the agent says all of it.
    pub caller: Vec<u8>,
    /// The same without the echo, which [`Self::room`] makes of what is really played.
    pub dry: Vec<u8>,
    /// How the echo comes about.
    pub room: Option<Room>,
    /// What the agent says, from its first moment on.
    pub agent: Vec<u8>,
    /// When the caller's sound begins, in milliseconds; none where there is none.
    pub onset_ms: Option<u32>,
    /// How long it is, in milliseconds.
    pub length_ms: u32,
    /// What is said, where somebody says something.
    pub text: String,
    /// How loud it is, in dB below full scale, over its loud parts.
    pub level_dbfs: f32,
    /// The line's noise.
    pub noise_dbfs: f32,
    /// The line's echo.
    pub echo: Option<Echo>,
    /// By how much frames come late, at most, in milliseconds.
    pub jitter_ms: u32,
}
