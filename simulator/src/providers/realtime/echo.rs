//! The echo: one endless response whose audio is the caller's own, for
//! measuring what lies between a caller and a model.

use serde_json::json;

use super::plan::{Content, OutItem};
use super::session::{Session, Task};

/// How long appended audio waits for a client that asks for a response itself.
const START_BY_ITSELF_MS: u64 = 1_000;

impl Session {
    /// Sends appended audio back, as it came. Audio that comes before the
    /// response is dropped.
    pub(crate) fn echo(&mut self, base64: &str, bytes: usize) {
        if !self.echo_waits {
            self.echo_waits = true;
            self.queue
                .at(self.now_ms + START_BY_ITSELF_MS, Task::StartEcho);
        }
        let Some(number) = self.responses.iter().find(|r| r.echo).map(|r| r.number) else {
            return;
        };
        let text = self.audio_delta_text(number, 0, base64);
        if let Some(OutItem {
            content: Content::Speech { sent_bytes, .. },
            ..
        }) = self.active_item(number, 0)
        {
            *sent_bytes += bytes;
        }
        self.send(text);
        self.remember(number, 0);
        self.audio_sent(number, bytes);
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
        OutItem {
            id: self.new_id("item"),
            content,
            begun: false,
            ended: false,
        }
    }
}
