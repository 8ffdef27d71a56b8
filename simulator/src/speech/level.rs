//! How loud audio is, 20 ms at a time, from any of the wire formats.

use trunkline_core::audio::g711;

use super::alaw;

/// Length of the frames that are measured, in milliseconds.
pub const FRAME_MS: u64 = 20;

/// Wire forms of audio that the realtime protocol knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioFormat {
    /// G.711 μ-law, 8 kHz.
    Mulaw,
    /// G.711 A-law, 8 kHz.
    Alaw,
    /// 16-bit linear, little endian, 24 kHz.
    Pcm24k,
}

impl AudioFormat {
    /// Octets of one millisecond.
    #[must_use]
    pub const fn bytes_per_ms(self) -> usize {
        match self {
            Self::Mulaw | Self::Alaw => 8,
            Self::Pcm24k => 48,
        }
    }

    /// Length of `bytes` octets, in milliseconds, rounded down.
    #[must_use]
    pub fn ms(self, bytes: usize) -> u64 {
        u64::try_from(bytes / self.bytes_per_ms()).unwrap_or(u64::MAX)
    }

    /// Octets of one 20 ms frame: 160 or 960.
    #[must_use]
    pub const fn frame_bytes(self) -> usize {
        self.bytes_per_ms() * 20
    }
}

/// Cuts a stream of octets, in pieces of any length, into 20 ms frames and
/// gives each frame's root mean square, 0 to 32,768.
#[derive(Debug)]
pub struct LevelMeter {
    format: AudioFormat,
    squares: f64,
    bytes: usize,
    /// Low octet of a sample whose high octet has not come yet.
    low: Option<u8>,
}

impl LevelMeter {
    /// A meter at the start of a frame.
    #[must_use]
    pub const fn new(format: AudioFormat) -> Self {
        Self { format, squares: 0.0, bytes: 0, low: None }
    }

    /// Takes more audio; calls `frame` with the level of each frame that is full.
    pub fn push(&mut self, audio: &[u8], mut frame: impl FnMut(f32)) {
        for &octet in audio {
            self.octet(octet);
            self.bytes += 1;
            if self.bytes == self.format.frame_bytes() {
                frame(self.finish());
            }
        }
    }

    fn octet(&mut self, octet: u8) {
        let sample = match self.format {
            AudioFormat::Mulaw => g711::decode_sample(octet),
            AudioFormat::Alaw => alaw::decode(octet),
            AudioFormat::Pcm24k => {
                let Some(low) = self.low.take() else {
                    self.low = Some(octet);
                    return;
                };
                i16::from_le_bytes([low, octet])
            }
        };
        self.squares += f64::from(sample) * f64::from(sample);
    }

    fn finish(&mut self) -> f32 {
        let samples = match self.format {
            AudioFormat::Mulaw | AudioFormat::Alaw => 160.0,
            AudioFormat::Pcm24k => 480.0,
        };
        let level = (self.squares / samples).sqrt();
        self.squares = 0.0;
        self.bytes = 0;
        self.low = None;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a level of at most 32,768 fits an f32"
        )]
        let level = level as f32;
        level
    }
}

/// The level of each whole frame of a recording.
#[must_use]
pub fn levels(format: AudioFormat, audio: &[u8]) -> Vec<f32> {
    let mut all = Vec::with_capacity(audio.len() / format.frame_bytes());
    LevelMeter::new(format).push(audio, |level| all.push(level));
    all
}

/// A level as decibels relative to full scale; −96 for silence.
#[must_use]
pub fn dbfs(level: f32) -> f32 {
    20.0 * (level.max(0.5) / 32_768.0).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_tone_is_as_loud_in_every_format() {
        let tone = |n: u32, rate: f32| {
            let t = f32::from(u16::try_from(n).unwrap_or(0)) / rate;
            #[expect(clippy::cast_possible_truncation, reason = "within 16 bits by construction")]
            let sample = (8_000.0 * (t * 400.0 * std::f32::consts::TAU).sin()) as i16;
            sample
        };
        let mulaw: Vec<u8> = (0..320).map(|n| g711::encode_sample(tone(n, 8_000.0))).collect();
        let alaw: Vec<u8> = (0..320).map(|n| alaw::encode(tone(n, 8_000.0))).collect();
        let pcm: Vec<u8> = (0..960).flat_map(|n| tone(n, 24_000.0).to_le_bytes()).collect();
        let expected = 8_000.0 / 2.0_f32.sqrt();
        for (format, audio) in
            [(AudioFormat::Mulaw, mulaw), (AudioFormat::Alaw, alaw), (AudioFormat::Pcm24k, pcm)]
        {
            let all = levels(format, &audio);
            assert_eq!(all.len(), 2);
            assert!(
                all.iter().all(|l| (l - expected).abs() < 0.02 * expected),
                "{format:?} {all:?}"
            );
        }
    }

    #[test]
    fn pieces_of_any_length_give_the_same_frames() {
        let audio: Vec<u8> = (0..4_000u16).map(|n| n.to_le_bytes()[0]).collect();
        for format in [AudioFormat::Mulaw, AudioFormat::Pcm24k] {
            let mut meter = LevelMeter::new(format);
            let mut pieced = Vec::new();
            for piece in audio.chunks(7) {
                meter.push(piece, |level| pieced.push(level));
            }
            assert_eq!(pieced, levels(format, &audio));
        }
    }
}
