//! A stream's messages and the counters in them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytestring::ByteString;
use trunkline_core::audio::{FRAME_BYTES, FRAME_MS};
use trunkline_core::ids::{AccountSid, CallSid, IdError, StreamSid};
use trunkline_core::wire::twilio::carrier;
use trunkline_core::wire::twilio::stream::{MediaFormat, StreamStart, Track};

use super::level::SILENCE;

/// Writes the messages of one stream, reusing its buffers.
pub(super) struct Wire {
    stream_sid: StreamSid,
    account_sid: AccountSid,
    call_sid: CallSid,
    sequence: u64,
    chunk: u64,
    silence: String,
    payload: String,
    text: String,
    /// The last message of encoded audio.
    media: String,
}

impl Wire {
    /// Takes the three names that a stream's messages carry.
    ///
    /// # Errors
    /// When one of them has characters that no identifier has.
    pub(super) fn new(stream: &str, account: &str, call: &str) -> Result<Self, IdError> {
        Ok(Self {
            stream_sid: StreamSid::parse(stream)?,
            account_sid: AccountSid::parse(account)?,
            call_sid: CallSid::parse(call)?,
            sequence: 0,
            chunk: 0,
            silence: STANDARD.encode([SILENCE; FRAME_BYTES]),
            payload: String::new(),
            text: String::new(),
            media: String::new(),
        })
    }

    pub(super) fn connected(&mut self) -> ByteString {
        carrier::write_connected(&mut self.text);
        self.take()
    }

    pub(super) fn start(&mut self, parameters: &[(String, String)]) -> ByteString {
        let start = StreamStart {
            stream_sid: self.stream_sid.clone(),
            account_sid: self.account_sid.clone(),
            call_sid: self.call_sid.clone(),
            tracks: vec!["inbound".to_owned()],
            custom_parameters: parameters.iter().cloned().collect(),
            media_format: MediaFormat::mulaw(),
        };
        let sequence = self.next();
        carrier::write_start(&mut self.text, sequence, &start);
        self.take()
    }

    /// The next 20 ms of the caller's audio; silence when there is no frame.
    pub(super) fn media(&mut self, frame: Option<&[u8; FRAME_BYTES]>) -> ByteString {
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        match frame {
            Some(frame) => STANDARD.encode_string(frame, &mut payload),
            None => payload.push_str(&self.silence),
        }
        let message = ByteString::from(self.payload(&payload));
        self.payload = payload;
        message
    }

    /// The next 20 ms of the caller's audio, which is encoded already.
    pub(super) fn payload(&mut self, payload: &str) -> &str {
        let sequence = self.next();
        let timestamp_ms = self.chunk * FRAME_MS;
        self.chunk += 1;
        let place = (self.chunk, timestamp_ms);
        let sid = &self.stream_sid;
        let track = Track::Inbound;
        self.media.clear();
        carrier::write_media(&mut self.media, sequence, sid, track, place, payload);
        &self.media
    }

    pub(super) fn dtmf(&mut self, key: char) -> ByteString {
        let sequence = self.next();
        carrier::write_dtmf(&mut self.text, sequence, &self.stream_sid, key);
        self.take()
    }

    pub(super) fn mark(&mut self, name: &str) -> ByteString {
        let sequence = self.next();
        carrier::write_mark(&mut self.text, sequence, &self.stream_sid, name);
        self.take()
    }

    pub(super) fn stop(&mut self) -> ByteString {
        let sequence = self.next();
        let Self { stream_sid, account_sid, call_sid, text, .. } = self;
        carrier::write_stop(text, sequence, stream_sid, account_sid, call_sid);
        self.take()
    }

    fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// The buffer's text; the buffer stays.
    fn take(&mut self) -> ByteString {
        let text = ByteString::from(self.text.as_str());
        self.text.clear();
        text
    }
}
