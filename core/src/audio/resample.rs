//! Between the telephone's 8 kHz and the model's 24 kHz, band-limited, as the
//! audio arrives.
//!
//! A windowed sinc is evaluated at each output position. The ratio is three, so
//! three sub-positions of the filter hit every output exactly and nothing is
//! interpolated: the result is that of a plain polyphase FIR filter. The
//! filters pass 3.4 kHz, the telephone's band, and stop by 4.2 kHz; each costs
//! about 4 ms of delay. `tests/audio_resampling.rs` measures all of that.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler, Resizable, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

/// Most input samples that go through the filter at once. One 20 ms frame at
/// 24 kHz; longer input is cut into pieces of this size.
const MAX_PIECE: usize = 480;

/// Half-amplitude point of the filters relative to 4 kHz. With the Blackman
/// window and 8 ms of filter the edge is ±0.35 kHz wide around it.
const CUTOFF: f32 = 0.95;

/// A fault of the resampling library: never seen, since all sizes and ratios
/// are this module's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("resampling failed: {0}")]
pub struct ResampleError(String);

impl ResampleError {
    pub(super) fn new(cause: impl std::fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

/// 8 kHz to 24 kHz: three samples out for each one in.
pub struct Upsampler(Stream);

/// 24 kHz to 8 kHz: one sample out for each three in.
pub struct Downsampler(Stream);

impl Upsampler {
    /// A resampler at rest.
    ///
    /// # Errors
    /// When the library refuses its constants, which a test would show.
    pub fn new() -> Result<Self, ResampleError> {
        Stream::new(Ratio { up: 3, down: 1 }, 64, 3).map(Self)
    }

    /// Takes any number of 8 kHz samples and appends what 24 kHz samples are
    /// ready. Cutting the same audio differently gives the same output.
    ///
    /// # Errors
    /// On a fault of the library.
    pub fn push(&mut self, input: &[i16], out: &mut Vec<i16>) -> Result<(), ResampleError> {
        self.0.push(input, out)
    }

    /// Appends what the filter still holds, so that three samples have come out
    /// for each one put in, and is at rest again.
    ///
    /// # Errors
    /// On a fault of the library.
    pub fn flush(&mut self, out: &mut Vec<i16>) -> Result<(), ResampleError> {
        self.0.flush(out)
    }

    /// Forgets what it holds and is at rest again.
    pub fn reset(&mut self) {
        self.0.reset();
    }
}

impl Downsampler {
    /// A resampler at rest.
    ///
    /// # Errors
    /// When the library refuses its constants, which a test would show.
    pub fn new() -> Result<Self, ResampleError> {
        Stream::new(Ratio { up: 1, down: 3 }, 192, 1).map(Self)
    }

    /// Takes any number of 24 kHz samples and appends what 8 kHz samples are
    /// ready. Cutting the same audio differently gives the same output.
    ///
    /// # Errors
    /// On a fault of the library.
    pub fn push(&mut self, input: &[i16], out: &mut Vec<i16>) -> Result<(), ResampleError> {
        self.0.push(input, out)
    }

    /// Appends what the filter still holds, so that a third of the samples put
    /// in have come out, rounded up, and is at rest again.
    ///
    /// # Errors
    /// On a fault of the library.
    pub fn flush(&mut self, out: &mut Vec<i16>) -> Result<(), ResampleError> {
        self.0.flush(out)
    }

    /// Forgets what it holds and is at rest again.
    pub fn reset(&mut self) {
        self.0.reset();
    }
}

#[derive(Clone, Copy)]
struct Ratio {
    up: u64,
    down: u64,
}

/// One direction, with the counts that say when a flush is complete.
struct Stream {
    filter: Async<f32>,
    ratio: Ratio,
    taken: u64,
    given: u64,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl Stream {
    fn new(ratio: Ratio, taps: usize, phases: usize) -> Result<Self, ResampleError> {
        let parameters = SincInterpolationParameters::new(taps, WindowFunction::Blackman)
            .f_cutoff(CUTOFF)
            .oversampling_factor(phases)
            .interpolation(SincInterpolationType::Nearest);
        let factor = ratio.up as f64 / ratio.down as f64;
        let filter = Async::new_sinc(factor, 1.0, &parameters, MAX_PIECE, 1, FixedAsync::Input)
            .map_err(ResampleError::new)?;
        let output = vec![0.0; filter.output_frames_max()];
        let input = Vec::with_capacity(MAX_PIECE);
        Ok(Self { filter, ratio, taken: 0, given: 0, input, output })
    }

    fn push(&mut self, input: &[i16], out: &mut Vec<i16>) -> Result<(), ResampleError> {
        for piece in input.chunks(MAX_PIECE) {
            self.taken = self.taken.saturating_add(piece.len() as u64);
            self.process(piece, out, u64::MAX)?;
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<i16>) -> Result<(), ResampleError> {
        let due = self.taken.saturating_mul(self.ratio.up).div_ceil(self.ratio.down);
        while self.given < due {
            self.process(&[0; MAX_PIECE], out, due - self.given)?;
        }
        self.reset();
        Ok(())
    }

    fn reset(&mut self) {
        self.filter.reset();
        self.taken = 0;
        self.given = 0;
    }

    /// Runs one piece through the filter and appends at most `limit` samples.
    fn process(
        &mut self,
        piece: &[i16],
        out: &mut Vec<i16>,
        limit: u64,
    ) -> Result<(), ResampleError> {
        self.input.clear();
        self.input.extend(piece.iter().map(|s| f32::from(*s)));
        // Taking each piece whole, however short, adds no delay of its own.
        self.filter.set_chunk_size(piece.len()).map_err(ResampleError::new)?;
        let room = self.output.len();
        let source = InterleavedSlice::new(self.input.as_slice(), 1, piece.len());
        let sink = InterleavedSlice::new_mut(self.output.as_mut_slice(), 1, room);
        let (source, mut sink) =
            (source.map_err(ResampleError::new)?, sink.map_err(ResampleError::new)?);
        let (_, made) = self
            .filter
            .process_into_buffer(&source, &mut sink, None)
            .map_err(ResampleError::new)?;
        let taken = usize::try_from(limit).unwrap_or(usize::MAX).min(made);
        // A cast from float saturates, which is the clipping that is wanted.
        out.extend(self.output.iter().take(taken).map(|s| s.round() as i16));
        self.given = self.given.saturating_add(taken as u64);
        Ok(())
    }
}
