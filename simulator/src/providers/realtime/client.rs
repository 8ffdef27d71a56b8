//! What a client may send, and what is done about it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use trunkline_core::audio::chunk::{decoded_len, is_plausible_base64};

use super::conversation::{Item, Kind};
use super::error::ApiError;
use super::session::{Session, Task};

/// All that is read of an append: appends are nearly all that comes.
#[derive(Deserialize)]
struct Append<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    audio: Cow<'a, str>,
}

/// The audio of an append that is written as most clients write it: no blanks,
/// no other field, whole base64.
fn audio_of(text: &str) -> Option<&str> {
    let head = r#"{"type":"input_audio_buffer.append","audio":""#;
    let audio = text.strip_prefix(head)?.strip_suffix("\"}")?;
    is_plausible_base64(audio).then_some(audio)
}

impl Session {
    /// Takes one text message.
    pub(crate) fn on_text(&mut self, text: &str, now_ms: u64) {
        self.on_time(now_ms);
        if self.ended() {
            return;
        }
        if self.seat.knobs.echo
            && let Some(audio) = audio_of(text)
        {
            return self.take_echo(audio, decoded_len(audio));
        }
        if let Ok(append) = serde_json::from_str::<Append<'_>>(text)
            && append.kind == "input_audio_buffer.append"
        {
            self.append_base64(&append.audio);
            return;
        }
        match serde_json::from_str::<Value>(text) {
            Ok(event) => self.event(&event),
            Err(error) => {
                self.seat.record.event(self.now_ms, "malformed", json!({"bytes": text.len()}));
                let message = format!("The event is not valid JSON: {error}.");
                self.error(&ApiError::new("invalid_event", message), None);
            }
        }
    }

    /// Takes one binary message, which the protocol does not have.
    pub(crate) fn on_binary(&mut self, bytes: usize, now_ms: u64) {
        self.on_time(now_ms);
        self.seat.record.event(self.now_ms, "binary", json!({"bytes": bytes}));
        self.error(&ApiError::new("invalid_event", "Binary messages are not supported."), None);
    }

    fn append_base64(&mut self, audio: &str) {
        if self.seat.knobs.echo && is_plausible_base64(audio) {
            return self.take_echo(audio, decoded_len(audio));
        }
        let Ok(bytes) = STANDARD.decode(audio) else {
            let message = "Invalid 'audio'. Expected base64-encoded audio bytes in the session's input format.";
            self.error(&ApiError::new("invalid_value", message).param("audio"), None);
            return;
        };
        self.seat.record.write(|r| {
            r.appends += 1;
            r.audio_received_bytes += bytes.len() as u64;
        });
        if self.seat.knobs.mute_before_ready {
            return;
        }
        self.append(&bytes);
    }

    /// What is sent back need not be decoded.
    fn take_echo(&mut self, audio: &str, bytes: usize) {
        self.seat.record.write(|r| {
            r.appends += 1;
            r.audio_received_bytes += bytes as u64;
        });
        if !self.seat.knobs.mute_before_ready {
            self.echo(audio, bytes);
        }
    }

    fn event(&mut self, event: &Value) {
        self.note_echo();
        let event_id = event.get("event_id").and_then(Value::as_str);
        let Some(kind) = event.get("type").and_then(Value::as_str) else {
            self.seat.record.event(self.now_ms, "malformed", event.clone());
            let error =
                ApiError::new("invalid_event", "The 'type' field is missing.").param("type");
            self.error(&error, event_id);
            return;
        };
        let mut fields = event.clone();
        if let Some(map) = fields.as_object_mut() {
            map.remove("type");
        }
        self.seat.record.event(self.now_ms, kind, fields);
        if self.seat.knobs.mute_before_ready {
            return;
        }
        if let Err(error) = self.obey(kind, event) {
            self.error(&error, event_id);
        }
    }

    fn obey(&mut self, kind: &str, event: &Value) -> Result<(), ApiError> {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let item_id = || text("item_id").ok_or_else(|| ApiError::missing("item_id"));
        match kind {
            "session.update" => self.update(event.get("session").unwrap_or(&Value::Null)),
            "input_audio_buffer.append" => Err(ApiError::missing("audio")),
            "input_audio_buffer.commit" => self.commit_by_client(),
            "input_audio_buffer.clear" => {
                self.clear_input();
                Ok(())
            }
            "conversation.item.create" => self.create_item(event),
            "conversation.item.retrieve" => self.retrieve_item(item_id()?),
            "conversation.item.delete" => self.delete_item(item_id()?),
            "conversation.item.truncate" => self.truncate_item(item_id()?, event),
            "response.create" => {
                let params = event.get("response").filter(|r| !r.is_null());
                self.create_response(params.unwrap_or(&json!({})))
            }
            "response.cancel" => self.cancel_by_client(text("response_id")),
            other => {
                let message =
                    format!("Invalid value: '{other}'. It is no event that a client may send.");
                Err(ApiError::new("invalid_event", message).param("type"))
            }
        }
    }

    fn update(&mut self, patch: &Value) -> Result<(), ApiError> {
        self.config.update(patch, self.voice_used)?;
        self.input.set_format(self.config.input_format());
        let session = self.session_body();
        self.seat.record.write(|r| r.config = session);
        self.queue.at(self.now_ms + self.seat.knobs.latency_ms, Task::Updated);
        Ok(())
    }

    fn create_item(&mut self, event: &Value) -> Result<(), ApiError> {
        let value = event.get("item").ok_or_else(|| ApiError::missing("item"))?;
        let new_id = self.new_id("item");
        let item = Item::from_client(value, new_id)?;
        if self.conversation.get(&item.id).is_some() {
            let message =
                format!("Error adding item: an item with id '{}' already exists.", item.id);
            return Err(ApiError::new("item_create_duplicate_item_id", message).param("item.id"));
        }
        if let Kind::Output { call_id, .. } = &item.kind
            && self.conversation.called(call_id).is_none()
        {
            let message = format!("Tool call ID '{call_id}' not found in conversation.");
            return Err(ApiError::new("invalid_tool_call_id", message));
        }
        match event.get("previous_item_id").and_then(Value::as_str) {
            None => self.add_item(item),
            Some(before) => {
                let body = item.body(self.seat.dialect);
                self.conversation.insert_after(before, item)?;
                let shown = (before != "root").then_some(before);
                self.item_added(&body, shown, true);
            }
        }
        Ok(())
    }

    fn retrieve_item(&mut self, id: &str) -> Result<(), ApiError> {
        let message = format!("Error retrieving item: the item with id '{id}' does not exist.");
        let item = self.conversation.get(id);
        let item = item.ok_or_else(|| ApiError::new("item_retrieve_invalid_item_id", message))?;
        let body = item.body(self.seat.dialect);
        self.emit("conversation.item.retrieved", json!({"item": body}));
        Ok(())
    }

    fn delete_item(&mut self, id: &str) -> Result<(), ApiError> {
        let message = format!("Error deleting item: the item with id '{id}' does not exist.");
        let item = self.conversation.remove(id);
        item.ok_or_else(|| ApiError::new("item_delete_invalid_item_id", message))?;
        self.emit("conversation.item.deleted", json!({"item_id": id}));
        Ok(())
    }

    fn truncate_item(&mut self, id: &str, event: &Value) -> Result<(), ApiError> {
        let end_ms = event.get("audio_end_ms").ok_or_else(|| ApiError::missing("audio_end_ms"))?;
        let whole = "a number of milliseconds, 0 or more";
        let end_ms = end_ms
            .as_u64()
            .ok_or_else(|| ApiError::invalid_value("audio_end_ms", end_ms, whole))?;
        let index = event.get("content_index").ok_or_else(|| ApiError::missing("content_index"))?;
        if *index != 0 {
            return Err(ApiError::invalid_value("content_index", index, "0"));
        }
        self.conversation.truncate(id, end_ms)?;
        self.seat.record.write(|record| {
            let of_item =
                |r: &&mut crate::providers::ResponseRecord| r.item_id.as_deref() == Some(id);
            if let Some(response) = record.responses.iter_mut().find(of_item) {
                response.truncated_ms = Some(end_ms);
            }
        });
        let fields = json!({"item_id": id, "content_index": 0, "audio_end_ms": end_ms});
        self.emit("conversation.item.truncated", fields);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use crate::providers::knobs::Knobs;
    use crate::providers::realtime::Dialect;
    use crate::providers::realtime::session::{Output, Seat};
    use crate::providers::script::Script;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn session(dialect: Dialect) -> Session {
        let mut session = Session::new(Seat {
            id: "sess_1".to_owned(),
            number: 1,
            dialect,
            model: "m".to_owned(),
            knobs: Knobs { first_audio_ms: 0, ..Knobs::default() },
            script: Arc::new(Script::receptionist().unwrap()),
            ears: Arc::default(),
            voice: Arc::default(),
            record: crate::providers::record::SharedRecord::default(),
            unix_s: 0,
        });
        session.start();
        session
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z_.]{0,12}".prop_map(Value::from),
        ];
        let name = prop_oneof![
            Just("type".to_owned()),
            Just("audio".to_owned()),
            Just("session".to_owned()),
            Just("item".to_owned()),
            Just("item_id".to_owned()),
            Just("response".to_owned()),
            Just("input".to_owned()),
            Just("format".to_owned()),
            Just("turn_detection".to_owned()),
            Just("audio_end_ms".to_owned()),
            Just("content".to_owned()),
            Just("role".to_owned()),
            "[a-z_]{1,8}",
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(name.clone(), inner, 0..6)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    const KINDS: &[&str] = &[
        "session.update",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "conversation.item.create",
        "conversation.item.retrieve",
        "conversation.item.delete",
        "conversation.item.truncate",
        "response.create",
        "response.cancel",
        "nonsense",
    ];

    fn only_json(session: &mut Session) {
        for output in session.take_output() {
            if let Output::Text(text) = output {
                let event: Value = serde_json::from_str(&text).unwrap();
                assert!(event.get("type").and_then(Value::as_str).is_some(), "{text}");
                assert!(event.get("event_id").and_then(Value::as_str).is_some(), "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_session_panic(text in "\\PC{0,200}") {
            let mut session = session(Dialect::Ga);
            session.on_text(&text, 1);
            only_json(&mut session);
        }

        #[test]
        fn no_event_makes_a_session_panic_or_send_anything_but_events(
            events in proptest::collection::vec((0..KINDS.len(), any_json()), 1..8),
            beta: bool,
        ) {
            let mut session = session(if beta { Dialect::Beta } else { Dialect::Ga });
            for (n, (kind, mut event)) in events.into_iter().enumerate() {
                if let (Some(map), Some(kind)) = (event.as_object_mut(), KINDS.get(kind)) {
                    map.insert("type".to_owned(), (*kind).into());
                }
                session.on_text(&event.to_string(), 50 * n as u64);
            }
            session.on_time(60_000);
            only_json(&mut session);
        }
    }
}
