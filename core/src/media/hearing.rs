//! Our ears, where the audio is: they are given the caller's frames while the agent
//! may be heard, and what the agent says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::detect::{Ears, EarsSettings, EarsSnapshot, Sound};
use crate::time::Micros;

use super::downlink::Tap;

/// See the module's text.
#[derive(Debug)]
pub struct Hearing {
    ears: Ears,
    /// A sound was told to have begun, and not to have ended.
    in_sound: bool,
    /// What was decoded last; its room is used again.
    mulaw: Vec<u8>,
}

impl Hearing {
    /// Ears for a line that nothing is known of.
    #[must_use]
    pub fn new(settings: EarsSettings) -> Self {
        let ears = Ears::new(settings, EarsSnapshot::default());
        Self { ears, in_sound: false, mulaw: Vec::new() }
    }

    /// The caller sent a frame, base64 μ-law, which came at `now`. While the agent is
    /// not audible nobody can be interrupted, and only a sound under way is followed
    /// to its end. What is no base64 is no sound.
    pub fn caller(&mut self, payload: &str, now: Micros, agent_audible: bool) -> Option<Sound> {
        if !agent_audible && !self.in_sound {
            return None;
        }
        self.mulaw.clear();
        STANDARD.decode_vec(payload, &mut self.mulaw).ok()?;
        let sound = self.ears.caller_frame(&self.mulaw, now, agent_audible)?;
        self.in_sound = !matches!(sound, Sound::Ended { .. });
        Some(sound)
    }
}

impl Tap for Hearing {
    fn audio(&mut self, base64: &str, plays_at: Micros) {
        self.mulaw.clear();
        if STANDARD.decode_vec(base64, &mut self.mulaw).is_ok() {
            self.ears.agent_audio(&self.mulaw, plays_at);
        }
    }

    fn cleared(&mut self, at: Micros) {
        self.ears.agent_cleared(at);
    }
}
