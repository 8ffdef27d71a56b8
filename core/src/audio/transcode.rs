//! Base64 to base64 between the telephone's audio and linear audio for models
//! that do not speak μ-law.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::g711;
use super::resample::{Downsampler, ResampleError, Upsampler};

/// Why a chunk cannot be changed into the other form. Nothing was appended and
/// nothing of the chunk was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranscodeError {
    /// The text is not base64.
    #[error("the audio is not valid base64")]
    BadBase64,
    /// A fault of the resampling library.
    #[error(transparent)]
    Resample(#[from] ResampleError),
}

/// From the caller to the model: base64 of μ-law at 8 kHz in, base64 of 16-bit
/// little-endian linear at 24 kHz out.
pub struct PcmuToPcm24k {
    resampler: Upsampler,
    bytes: Vec<u8>,
    narrow: Vec<i16>,
    wide: Vec<i16>,
}

impl PcmuToPcm24k {
    /// A transcoder at rest.
    ///
    /// # Errors
    /// On a fault of the resampling library.
    pub fn new() -> Result<Self, TranscodeError> {
        let resampler = Upsampler::new()?;
        Ok(Self { resampler, bytes: Vec::new(), narrow: Vec::new(), wide: Vec::new() })
    }

    /// Takes one chunk and appends the base64 of what is ready. Returns how many
    /// bytes of linear audio that base64 stands for; 0 appends nothing.
    ///
    /// # Errors
    /// When the text is not base64.
    pub fn push(&mut self, base64: &str, out: &mut String) -> Result<usize, TranscodeError> {
        decode_base64(base64, &mut self.bytes)?;
        self.narrow.clear();
        g711::decode(&self.bytes, &mut self.narrow);
        self.wide.clear();
        self.resampler.push(&self.narrow, &mut self.wide)?;
        Ok(self.append(out))
    }

    /// Appends what the resampler still holds and is at rest again. Returns as
    /// [`push`](Self::push) does.
    ///
    /// # Errors
    /// On a fault of the resampling library.
    pub fn flush(&mut self, out: &mut String) -> Result<usize, TranscodeError> {
        self.wide.clear();
        self.resampler.flush(&mut self.wide)?;
        Ok(self.append(out))
    }

    /// Forgets what it holds: the next chunk begins something new.
    pub fn reset(&mut self) {
        self.resampler.reset();
    }

    fn append(&mut self, out: &mut String) -> usize {
        self.bytes.clear();
        self.bytes.extend(self.wide.iter().flat_map(|sample| sample.to_le_bytes()));
        STANDARD.encode_string(&self.bytes, out);
        self.bytes.len()
    }
}

/// From the model to the caller: base64 of 16-bit little-endian linear at 24 kHz
/// in, base64 of μ-law at 8 kHz out. A chunk may end in the middle of a sample;
/// the odd byte waits for the next one.
pub struct Pcm24kToPcmu {
    resampler: Downsampler,
    odd: Option<u8>,
    bytes: Vec<u8>,
    wide: Vec<i16>,
    narrow: Vec<i16>,
}

impl Pcm24kToPcmu {
    /// A transcoder at rest.
    ///
    /// # Errors
    /// On a fault of the resampling library.
    pub fn new() -> Result<Self, TranscodeError> {
        let resampler = Downsampler::new()?;
        let (bytes, wide, narrow) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { resampler, odd: None, bytes, wide, narrow })
    }

    /// Takes one chunk and appends the base64 of what is ready. Returns how many
    /// bytes of μ-law that base64 stands for; 0 appends nothing.
    ///
    /// # Errors
    /// When the text is not base64.
    pub fn push(&mut self, base64: &str, out: &mut String) -> Result<usize, TranscodeError> {
        decode_base64(base64, &mut self.bytes)?;
        self.wide.clear();
        self.take_samples();
        self.narrow.clear();
        self.resampler.push(&self.wide, &mut self.narrow)?;
        Ok(self.append(out))
    }

    /// Appends what the resampler still holds and is at rest again; half a
    /// sample is dropped. Returns as [`push`](Self::push) does.
    ///
    /// # Errors
    /// On a fault of the resampling library.
    pub fn flush(&mut self, out: &mut String) -> Result<usize, TranscodeError> {
        self.odd = None;
        self.narrow.clear();
        self.resampler.flush(&mut self.narrow)?;
        Ok(self.append(out))
    }

    /// Forgets what it holds: the next chunk begins something new. For the
    /// moment at which a response is cancelled.
    pub fn reset(&mut self) {
        self.odd = None;
        self.resampler.reset();
    }

    fn take_samples(&mut self) {
        let mut rest = self.bytes.as_slice();
        if let (Some(low), Some((high, after))) = (self.odd, rest.split_first()) {
            self.wide.push(i16::from_le_bytes([low, *high]));
            self.odd = None;
            rest = after;
        }
        let (pairs, odd) = rest.as_chunks::<2>();
        self.wide.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
        if let [byte] = odd {
            self.odd = Some(*byte);
        }
    }

    fn append(&mut self, out: &mut String) -> usize {
        self.bytes.clear();
        g711::encode(&self.narrow, &mut self.bytes);
        STANDARD.encode_string(&self.bytes, out);
        self.bytes.len()
    }
}

fn decode_base64(text: &str, bytes: &mut Vec<u8>) -> Result<(), TranscodeError> {
    bytes.clear();
    STANDARD.decode_vec(text, bytes).map_err(|_| TranscodeError::BadBase64)
}
