//! What the ears can be told.

use serde::{Deserialize, Serialize};

/// The thresholds. The defaults were chosen on the part "tune" of the labelled
/// set in `tests/sounds` and are measured on its part "test".
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EarsSettings {
    /// How far above the line's noise a frame must be to open the gate, in dB.
    /// Noise itself varies by 1 to 3 dB from frame to frame.
    pub open_db: f32,
    /// How far above the noise it must stay for the gate to remain open, in dB.
    pub close_db: f32,
    /// Nothing quieter than this opens the gate, in dBFS. Speech on the telephone
    /// is at −35 to −10 (ITU-T P.56 levels, nominal −20 to −26); comfort noise is
    /// at −45 and below.
    pub quietest_dbfs: f32,
    /// The voice network's score from which a frame counts as speech. 0.5 is what
    /// its makers name; it is nearer to 0.2 in silence.
    pub voice_score: f32,
    /// The score that one of its frames must have had when speech is told as
    /// sustained. Steady noises reach 0.5 to 0.65, speech is above 0.7 from its
    /// sixth frame.
    pub sustained_score: f32,
    /// So much speech is sustained, in milliseconds: C2 of the requirements and
    /// the reference systems have 150.
    pub sustained_ms: u32,
    /// So much of it must have a pitch, in milliseconds.
    pub voiced_ms: u32,
    /// And so much of its energy, in percent. A cough's energy is in its burst,
    /// which has no pitch; half of coughs have a pitch in their last 30 to 90 ms,
    /// which are quieter. Of speech the loud parts are those with a pitch.
    pub voiced_percent: f32,
    /// From so much with a pitch on, in milliseconds, the share of energy does not
    /// matter: a cough has less, and a loud "th" or "s" may begin a sentence.
    pub surely_voiced_ms: u32,
    /// How far above noise and echo it must be on average, in dB: frames of an
    /// echo that come out above what was predicted do so by little.
    pub clear_db: f32,
    /// How far above noise and echo speech is strong, in dB.
    pub strong_db: f32,
    /// How much of strong speech must have a pitch, in milliseconds.
    pub strong_voiced_ms: u32,
    /// A pause that belongs to speech, in milliseconds: the closure of a stop
    /// consonant lasts 50 to 120. Speech that is not sustained yet and pauses for
    /// longer is over.
    pub gap_ms: u32,
    /// So much quiet ends speech that was sustained, in milliseconds. Whether the
    /// *turn* is over is another question.
    pub quiet_ms: u32,
    /// How far above the predicted echo a frame must be to be the caller, in dB.
    pub echo_margin_db: f32,
    /// While nothing is known of the line's echo, whatever is not louder than
    /// what we play by this many dB may be echo: −8 is a loud speakerphone.
    pub echo_prior_db: f32,
}

impl Default for EarsSettings {
    fn default() -> Self {
        Self {
            open_db: 9.0,
            close_db: 6.0,
            quietest_dbfs: -50.0,
            voice_score: 0.5,
            sustained_score: 0.6,
            sustained_ms: 150,
            voiced_ms: 60,
            voiced_percent: 30.0,
            surely_voiced_ms: 120,
            clear_db: 6.0,
            strong_db: 15.0,
            strong_voiced_ms: 100,
            gap_ms: 200,
            quiet_ms: 240,
            echo_margin_db: 2.0,
            echo_prior_db: -8.0,
        }
    }
}
