//! Is it a dialled digit? Its two tones have a period, as a voice does. Carriers
//! take digits out of the audio, but not always from their first moment.

use std::f32::consts::TAU;

use super::framer::Frame;
use crate::audio::TELEPHONE_RATE_HZ;
use crate::audio::g711::decode_sample;

/// ITU-T Q.23.
const ROWS_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS_HZ: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];

/// So much of a frame's energy is in one row and one column. Of a voice it is a
/// third at most.
const SHARE: f32 = 0.6;

/// Each of the two has so much, at least.
const SHARE_OF_ONE: f32 = 0.1;

/// Whether a frame is a row's tone and a column's tone, and little else.
pub(super) fn is_digit(frame: &Frame) -> bool {
    let energy: f32 = frame.iter().map(|code| f32::from(decode_sample(*code)).powi(2)).sum();
    let strongest =
        |tones: [f32; 4]| tones.map(|hz| energy_at(frame, hz)).into_iter().fold(0.0, f32::max);
    let (row, column) = (strongest(ROWS_HZ), strongest(COLUMNS_HZ));
    row + column > SHARE * energy && row.min(column) > SHARE_OF_ONE * energy
}

/// The energy of a frame at one frequency, after G. Goertzel (1958).
fn energy_at(frame: &Frame, hz: f32) -> f32 {
    let turn = 2.0 * (TAU * hz / TELEPHONE_RATE_HZ as f32).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for code in frame {
        let next = f32::from(decode_sample(*code)) + turn * last - before;
        (last, before) = (next, last);
    }
    (last * last + before * before - turn * last * before) * 2.0 / frame.len() as f32
}
