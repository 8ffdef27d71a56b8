//! What the ears tell.

use serde::{Deserialize, Serialize};

use super::echo::EchoPath;
use crate::time::Micros;

/// One thing that was heard. Of one run of speech the ears tell, in this order:
/// `Began` once; `Sustained` at most twice, the second time only when the first
/// was not strong and the speech became so; `Ended` once. A run that is only a
/// cough, a click or noise is mostly not told at all, or ends without having
/// been sustained.
///
/// A run that begins while the agent is audible and one that begins in silence
/// are told alike; the floor logic knows which is which.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "sound")]
pub enum Sound {
    /// Something with a pitch, louder than the line and not our echo.
    Began {
        /// When its first frame began, which is some frames before it was told.
        at: Micros,
        /// How loud it was when it was told, in dB below full scale.
        level_db: f32,
    },
    /// It has lasted as a voice would: the gate of a barge-in.
    Sustained {
        /// When the frame that decided it was over.
        at: Micros,
        /// When the run's first frame began.
        since: Micros,
        /// How much of it was speech: pauses are not counted.
        speech_ms: u32,
        /// Well above noise and echo, and voiced: nothing but a near voice sounds
        /// so. Energy alone may then be believed; otherwise a word should confirm.
        strong: bool,
    },
    /// It is over.
    Ended {
        /// When its last frame of speech was over; told a little later.
        at: Micros,
        /// How much of it was speech.
        speech_ms: u32,
        /// How much of it had a pitch.
        voiced_ms: u32,
    },
}

/// What new ears are told of those that they replace: what took time to learn,
/// and what was told already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EarsSnapshot {
    /// The line's noise, in dB below full scale, where it is known.
    pub floor_dbfs: Option<f32>,
    /// What is known of the line's echo.
    pub echo: EchoPath,
    /// The run under way, where one was told.
    pub run: Option<RunSnapshot>,
}

/// A run of speech that was told and not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSnapshot {
    /// When its first frame began.
    pub since: Micros,
    /// How much of it was speech.
    pub speech_ms: u32,
    /// How much of it had a pitch.
    pub voiced_ms: u32,
    /// Whether it was told as sustained.
    pub sustained: bool,
    /// Whether it was told as strong.
    pub strong: bool,
}
