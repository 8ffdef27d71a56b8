//! Both sides of a stream as a sound file: the caller left, the agent right.

use std::path::{Path, PathBuf};

use trunkline_core::audio::TELEPHONE_RATE_HZ;
use trunkline_core::audio::g711;

/// What was said and heard so far, μ-law.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    said: Vec<u8>,
    heard: Vec<u8>,
}

impl Recorder {
    pub(super) fn said(&mut self, frame: &[u8]) {
        self.said.extend_from_slice(frame);
    }

    pub(super) fn heard(&mut self, frame: &[u8]) {
        self.heard.extend_from_slice(frame);
    }

    /// Writes `NAME.wav` with both sides and `NAME-heard.wav` with the agent's.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub(super) fn save(&self, folder: &Path, name: &str) -> Result<(), hound::Error> {
        std::fs::create_dir_all(folder)?;
        write(folder.join(format!("{name}.wav")), &[&self.said, &self.heard])?;
        write(folder.join(format!("{name}-heard.wav")), &[&self.heard])
    }
}

fn write(path: PathBuf, sides: &[&[u8]]) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: u16::try_from(sides.len()).unwrap_or(1),
        sample_rate: TELEPHONE_RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec)?;
    let frames = sides.iter().map(|side| side.len()).max().unwrap_or(0);
    for at in 0..frames {
        for side in sides {
            let code = side.get(at).copied().unwrap_or(g711::SILENCE);
            file.write_sample(g711::decode_sample(code))?;
        }
    }
    file.finalize()
}
