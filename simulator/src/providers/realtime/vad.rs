//! Voice detection on the energy of the audio, with hysteresis.

use crate::speech::level::{FRAME_MS, dbfs};

/// Frames in a row that must be loud before it is speech: a click is not.
const ONSET_FRAMES: u64 = 3;
/// How much quieter than the onset's level speech may be and still go on.
const HYSTERESIS_DB: f32 = 6.0;

/// `turn_detection`, in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct VadSettings {
    pub(crate) threshold: f32,
    pub(crate) prefix_ms: u64,
    pub(crate) silence_ms: u64,
    pub(crate) create_response: bool,
    pub(crate) interrupt_response: bool,
}

impl VadSettings {
    /// −40 dBFS at the default threshold of 0.5; 0 to 1 spans −60 to −20.
    fn onset_dbfs(&self) -> f32 {
        -60.0 + 40.0 * self.threshold
    }
}

/// What a frame revealed. Times are milliseconds of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// Speech began, `prefix_padding_ms` after this.
    Started { at_ms: u64 },
    /// There has been silence for `silence_duration_ms`.
    Stopped { at_ms: u64 },
}

/// Where the detector is.
#[derive(Debug)]
pub(crate) struct Detector {
    speaking: bool,
    loud_frames: u64,
    quiet_ms: u64,
}

impl Detector {
    pub(crate) const fn new() -> Self {
        Self { speaking: false, loud_frames: 0, quiet_ms: 0 }
    }

    pub(crate) const fn speaking(&self) -> bool {
        self.speaking
    }

    /// Forgets speech that is under way.
    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }

    /// Takes the level of the frame that ends at `end_ms`.
    pub(crate) fn frame(
        &mut self,
        level: f32,
        end_ms: u64,
        settings: &VadSettings,
    ) -> Option<Edge> {
        let db = dbfs(level);
        if !self.speaking {
            self.loud_frames = if db >= settings.onset_dbfs() { self.loud_frames + 1 } else { 0 };
            if self.loud_frames < ONSET_FRAMES {
                return None;
            }
            self.speaking = true;
            self.quiet_ms = 0;
            let before = ONSET_FRAMES * FRAME_MS + settings.prefix_ms;
            return Some(Edge::Started { at_ms: end_ms.saturating_sub(before) });
        }
        let loud = db >= settings.onset_dbfs() - HYSTERESIS_DB;
        self.quiet_ms = if loud { 0 } else { self.quiet_ms + FRAME_MS };
        if self.quiet_ms < settings.silence_ms.max(FRAME_MS) {
            return None;
        }
        self.reset();
        Some(Edge::Stopped { at_ms: end_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: VadSettings = VadSettings {
        threshold: 0.5,
        prefix_ms: 300,
        silence_ms: 500,
        create_response: true,
        interrupt_response: true,
    };

    /// Edges of frames given as dBFS and count.
    fn edges(runs: &[(f32, u64)]) -> Vec<Edge> {
        let mut detector = Detector::new();
        let mut end_ms = 0;
        let mut seen = Vec::new();
        for (db, count) in runs {
            for _ in 0..*count {
                end_ms += FRAME_MS;
                let level = 32_768.0 * 10f32.powf(db / 20.0);
                seen.extend(detector.frame(level, end_ms, &SETTINGS));
            }
        }
        seen
    }

    #[test]
    fn an_utterance_starts_before_its_first_loud_frame_and_stops_after_the_silence() {
        let seen = edges(&[(-90.0, 50), (-20.0, 50), (-90.0, 50)]);
        assert_eq!(seen, [Edge::Started { at_ms: 700 }, Edge::Stopped { at_ms: 2_500 }]);
    }

    #[test]
    fn a_click_is_no_speech_and_a_short_pause_no_end() {
        assert_eq!(edges(&[(-90.0, 10), (-10.0, 2), (-90.0, 50)]), []);
        let seen = edges(&[(-20.0, 30), (-90.0, 24), (-20.0, 30)]);
        assert_eq!(seen, [Edge::Started { at_ms: 0 }]);
    }

    #[test]
    fn what_is_too_quiet_to_start_speech_can_keep_it_going() {
        assert_eq!(edges(&[(-43.0, 50)]), []);
        assert_eq!(edges(&[(-30.0, 5), (-43.0, 50)]).len(), 1);
    }
}
