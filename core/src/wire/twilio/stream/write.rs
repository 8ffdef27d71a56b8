//! Writing what the carrier is told to do with a stream.

use crate::ids::StreamSid;
use crate::wire::twilio::json::push_string;

/// Appends a message that plays audio: base64 of μ-law at 8 kHz with no file
/// header, of any length. Appends exactly the documented fields.
pub fn write_media(out: &mut String, stream_sid: &StreamSid, payload_base64: &str) {
    out.reserve(payload_base64.len() + 96);
    out.push_str(r#"{"event":"media","streamSid":"#);
    push_string(out, stream_sid.as_str());
    out.push_str(r#","media":{"payload":"#);
    push_string(out, payload_base64);
    out.push_str("}}");
}

/// Appends a message that asks for a [`StreamMessage::Mark`](super::StreamMessage::Mark) of this name when
/// all that was sent before it has been played or cleared.
pub fn write_mark(out: &mut String, stream_sid: &StreamSid, name: &str) {
    out.push_str(r#"{"event":"mark","streamSid":"#);
    push_string(out, stream_sid.as_str());
    out.push_str(r#","mark":{"name":"#);
    push_string(out, name);
    out.push_str("}}");
}

/// Appends a message that drops all audio not yet played; every outstanding mark
/// comes back at once.
pub fn write_clear(out: &mut String, stream_sid: &StreamSid) {
    out.push_str(r#"{"event":"clear","streamSid":"#);
    push_string(out, stream_sid.as_str());
    out.push('}');
}
