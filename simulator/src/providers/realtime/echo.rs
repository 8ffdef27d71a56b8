//! The echo: one endless response whose audio is the caller's own, for
//! measuring what lies between a caller and a model.
//!
//! Its deltas are nearly all that a model under load sends, so what does not
//! change in them is written once, when the response begins.

use std::fmt::Write as _;

use serde_json::json;

use super::plan::{Content, OutItem};
use super::session::{Session, Task};
use crate::speech::level::AudioFormat;

/// How long appended audio waits for a client that asks for a response itself.
const START_BY_ITSELF_MS: u64 = 1_000;

/// An echo under way.
#[derive(Debug)]
pub(crate) struct Echo {
    number: u16,
    format: AudioFormat,
    /// A delta up to the number in its event's name, which is the last thing
    /// that changes beside the audio.
    head: String,
    /// From there to the audio.
    middle: String,
    /// Octets sent that the conversation's item does not show yet.
    unknown_bytes: usize,
}

impl Session {
    /// Sends appended audio back, as it came. Audio that comes before the
    /// response is dropped.
    pub(crate) fn echo(&mut self, base64: &str, bytes: usize) {
        if !self.echo_waits {
            self.echo_waits = true;
            self.queue.at(self.now_ms + START_BY_ITSELF_MS, Task::StartEcho);
        }
        let Some(mut echo) = self.echo.take() else {
            return;
        };
        let event = self.next_event();
        let mut text =
            String::with_capacity(echo.head.len() + echo.middle.len() + base64.len() + 24);
        text.push_str(&echo.head);
        // Writing to a String cannot fail.
        write!(text, "{event}").unwrap_or_default();
        text.push_str(&echo.middle);
        text.push_str(base64);
        text.push_str("\"}");
        self.send(text);
        echo.unknown_bytes += bytes;
        let (number, ms, now_ms) = (echo.number, echo.format.ms(bytes), self.now_ms);
        self.echo = Some(echo);
        self.voice_used = true;
        self.audio_deltas += 1;
        self.seat.record.response(number, |r| {
            r.first_audio_ms.get_or_insert(now_ms);
            r.audio_ms += ms;
        });
        self.drop_if_wanted();
    }

    /// The response has begun: what its deltas have in common.
    pub(crate) fn begin_echo(&mut self, number: u16) {
        let kind = self.seat.dialect.audio_delta();
        let session = self.seat.number;
        let Some(active) = self.active(number) else {
            return;
        };
        let Some(item) = active.items.first() else {
            return;
        };
        let (response_id, item_id) = (&active.id, &item.id);
        self.echo = Some(Echo {
            number,
            format: active.format,
            head: format!(r#"{{"type":"{kind}","event_id":"event_{session}_"#),
            middle: format!(
                r#"","response_id":"{response_id}","item_id":"{item_id}","output_index":0,"content_index":0,"delta":""#
            ),
            unknown_bytes: 0,
        });
    }

    /// Brings the conversation's item up to date, before anything looks at it.
    pub(crate) fn note_echo(&mut self) {
        let Some(echo) = &mut self.echo else {
            return;
        };
        let (number, bytes) = (echo.number, std::mem::take(&mut echo.unknown_bytes));
        if let Some(OutItem { content: Content::Speech { sent_bytes, .. }, .. }) =
            self.active_item(number, 0)
        {
            *sent_bytes += bytes;
        }
        self.remember(number, 0);
    }

    /// The response is over.
    pub(crate) fn end_echo(&mut self, number: u16) {
        if self.echo.as_ref().is_some_and(|echo| echo.number == number) {
            self.note_echo();
            self.echo = None;
        }
    }

    pub(crate) fn start_echo(&mut self) {
        if self.responses.iter().any(|r| r.echo) {
            return;
        }
        if let Err(error) = self.create_response(&json!({})) {
            self.error(&error, None);
        }
    }

    pub(crate) fn echo_item(&mut self) -> OutItem {
        let content = Content::Speech {
            text: "(echo)".to_owned(),
            audio: Vec::new().into(),
            said: String::new(),
            sent_bytes: 0,
        };
        OutItem { id: self.new_id("item"), content, begun: false, ended: false }
    }
}
