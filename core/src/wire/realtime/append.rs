//! The one message that is sent fifty times a second: caller audio. The
//! payload that the carrier sent is spliced in as it is, neither decoded nor
//! copied through a JSON writer.

use crate::audio::chunk::is_plausible_base64;

const HEAD: &str = r#"{"type":"input_audio_buffer.append","audio":""#;
const TAIL: &str = r#""}"#;

/// The payload holds something other than whole groups of standard base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audio payload is not standard base64")]
pub struct NotBase64;

/// Appends an `input_audio_buffer.append` event to `out`, the same in both
/// dialects. `payload_base64` is one payload of standard, padded base64, in the
/// session's input format. Several payloads cannot be joined as text, because
/// a 160-byte frame does not end on a group of three bytes: write one event
/// for each, or encode the audio anew.
///
/// # Errors
/// When the payload is not base64; it could otherwise break out of the JSON
/// string. Nothing is written then.
pub fn write_append(out: &mut String, payload_base64: &str) -> Result<(), NotBase64> {
    if !is_plausible_base64(payload_base64) {
        return Err(NotBase64);
    }
    out.reserve(HEAD.len() + payload_base64.len() + TAIL.len());
    out.push_str(HEAD);
    out.push_str(payload_base64);
    out.push_str(TAIL);
    Ok(())
}
