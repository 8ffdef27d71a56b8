//! WAV files: in, whatever a recording or a speech synthesiser gives; out, the
//! telephone's own μ-law with a header around it.

use rubato::audioadapter::Adapter;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

use super::resample::ResampleError;
use super::{TELEPHONE_RATE_HZ, g711};

/// Longest file that is read, in bytes: ten minutes at 48 kHz, 16 bits.
pub const MAX_WAV_BYTES: usize = 64 * 1024 * 1024;

/// Sample rates of 16-bit files that are taken, in Hz. Others are refused.
pub const RATES_HZ: [u32; 8] = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

const FORMAT_PCM: u16 = 1;
const FORMAT_MULAW: u16 = 7;
const FORMAT_EXTENSIBLE: u16 = 0xfffe;

/// Why a file cannot be played on the telephone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// Longer than [`MAX_WAV_BYTES`].
    #[error("the file is longer than {MAX_WAV_BYTES} bytes")]
    TooLong,
    /// Does not begin as a RIFF/WAVE file.
    #[error("this is not a WAV file")]
    NotWav,
    /// No format chunk before the samples, or one that is cut short.
    #[error("the WAV file does not say what its samples are")]
    NoFormat,
    /// No samples.
    #[error("the WAV file has no samples")]
    NoData,
    /// Another encoding than μ-law or 16-bit linear.
    #[error("format {format} with {bits} bits is not supported: use 16-bit PCM or μ-law")]
    Encoding {
        /// The format's number in the file.
        format: u16,
        /// Bits per sample.
        bits: u16,
    },
    /// More than one channel.
    #[error("the file has {0} channels: only mono is supported")]
    Channels(u16),
    /// A sample rate that is not taken.
    #[error("{0} Hz is not supported: μ-law must have 8000 Hz, 16-bit PCM one of {RATES_HZ:?}")]
    Rate(u32),
    /// A fault of the resampling library.
    #[error(transparent)]
    Resample(#[from] ResampleError),
}

/// Reads a mono WAV file into μ-law at 8 kHz.
///
/// μ-law is taken at 8 kHz only, byte for byte. 16-bit linear is taken at any
/// of [`RATES_HZ`] and resampled, band-limited, where it is not 8 kHz already.
/// A data chunk that claims more than the file holds, as files written to a pipe
/// do, gives what is there.
///
/// # Errors
/// When it is not such a file; the text says what would be.
pub fn parse(bytes: &[u8]) -> Result<Vec<u8>, WavError> {
    if bytes.len() > MAX_WAV_BYTES {
        return Err(WavError::TooLong);
    }
    let (format, data) = find_chunks(bytes)?;
    if format.channels != 1 {
        return Err(WavError::Channels(format.channels));
    }
    if data.is_empty() {
        return Err(WavError::NoData);
    }
    match (format.encoding, format.bits) {
        (FORMAT_MULAW, 8) if format.rate_hz == TELEPHONE_RATE_HZ => Ok(data.to_vec()),
        (FORMAT_PCM, 16) if RATES_HZ.contains(&format.rate_hz) => linear(data, format.rate_hz),
        (FORMAT_MULAW, 8) | (FORMAT_PCM, 16) => Err(WavError::Rate(format.rate_hz)),
        (format, bits) => Err(WavError::Encoding { format, bits }),
    }
}

struct Format {
    encoding: u16,
    channels: u16,
    rate_hz: u32,
    bits: u16,
}

fn find_chunks(bytes: &[u8]) -> Result<(Format, &[u8]), WavError> {
    let Some((b"RIFF", rest)) = bytes.split_first_chunk::<4>() else {
        return Err(WavError::NotWav);
    };
    let Some((b"WAVE", mut rest)) = rest.get(4..).and_then(<[u8]>::split_first_chunk::<4>) else {
        return Err(WavError::NotWav);
    };
    let mut format = None;
    while let Some((id, after)) = rest.split_first_chunk::<4>() {
        let Some((length, body)) = after.split_first_chunk::<4>() else { break };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let body_in_file = body.get(..length).unwrap_or(body);
        match id {
            b"fmt " => format = Some(parse_format(body_in_file).ok_or(WavError::NoFormat)?),
            b"data" => return Ok((format.ok_or(WavError::NoFormat)?, body_in_file)),
            _ => {}
        }
        // A chunk of odd length is followed by one byte of padding.
        let next = length.saturating_add(length % 2);
        rest = body.get(next..).unwrap_or_default();
    }
    Err(if format.is_some() { WavError::NoData } else { WavError::NoFormat })
}

fn parse_format(body: &[u8]) -> Option<Format> {
    let encoding = u16_at(body, 0)?;
    let format = Format {
        // The extensible form keeps the real number at the head of a GUID.
        encoding: if encoding == FORMAT_EXTENSIBLE { u16_at(body, 24)? } else { encoding },
        channels: u16_at(body, 2)?,
        rate_hz: u32::from_le_bytes(*body.get(4..)?.first_chunk()?),
        bits: u16_at(body, 14)?,
    };
    Some(format)
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

fn linear(data: &[u8], rate_hz: u32) -> Result<Vec<u8>, WavError> {
    let (pairs, _) = data.as_chunks::<2>();
    if pairs.is_empty() {
        return Err(WavError::NoData);
    }
    let samples = pairs.iter().map(|pair| i16::from_le_bytes(*pair));
    if rate_hz == TELEPHONE_RATE_HZ {
        return Ok(samples.map(g711::encode_sample).collect());
    }
    let input: Vec<f32> = samples.map(f32::from).collect();
    // Length matters little to a whole file, so its filter is a long one.
    let mut filter =
        Fft::<f32>::new(rate_hz as usize, TELEPHONE_RATE_HZ as usize, 1_024, 1, FixedSync::Input)
            .map_err(ResampleError::new)?;
    let source =
        InterleavedSlice::new(input.as_slice(), 1, input.len()).map_err(ResampleError::new)?;
    let output = filter.process_all(&source, input.len(), None).map_err(ResampleError::new)?;
    let sample = |n| output.read_sample(0, n).unwrap_or(0.0);
    Ok((0..output.frames()).map(|n| g711::encode_sample(sample(n).round() as i16)).collect())
}

/// Length of the header that [`header`] writes, in bytes.
pub const HEADER_BYTES: usize = 58;

/// The header of a mono 8 kHz μ-law WAV file with `data_bytes` bytes of samples
/// after it (and, when that is odd, one byte of padding).
#[must_use]
pub fn header(data_bytes: u32) -> [u8; HEADER_BYTES] {
    let after_riff =
        (HEADER_BYTES as u32 - 8).saturating_add(data_bytes).saturating_add(data_bytes % 2);
    let parts: [&[u8]; 16] = [
        b"RIFF",
        &after_riff.to_le_bytes(),
        b"WAVEfmt ",
        &18_u32.to_le_bytes(),
        &FORMAT_MULAW.to_le_bytes(),
        &1_u16.to_le_bytes(),             // channels
        &TELEPHONE_RATE_HZ.to_le_bytes(), // samples per second
        &TELEPHONE_RATE_HZ.to_le_bytes(), // bytes per second
        &1_u16.to_le_bytes(),             // bytes per sample
        &8_u16.to_le_bytes(),             // bits per sample
        &0_u16.to_le_bytes(),             // length of the extension
        b"fact",
        &4_u32.to_le_bytes(),
        &data_bytes.to_le_bytes(), // samples
        b"data",
        &data_bytes.to_le_bytes(),
    ];
    let mut header = [0; HEADER_BYTES];
    let bytes = parts.iter().flat_map(|part| part.iter());
    header.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    header
}

/// A whole μ-law WAV file around samples; at most 4 GiB of them, which no call
/// comes near.
#[must_use]
pub fn write(mulaw: &[u8]) -> Vec<u8> {
    let mut file = header(u32::try_from(mulaw.len()).unwrap_or(u32::MAX)).to_vec();
    file.extend_from_slice(mulaw);
    if !mulaw.len().is_multiple_of(2) {
        file.push(0);
    }
    file
}
