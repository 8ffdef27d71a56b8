//! Carrying out a response's steps: the events, in the service's order.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::conversation::{Item, Kind};
use super::ending::Ending;
use super::fields::set;
use super::plan::{Active, Content, OutItem, Step};
use super::session::{Output, Session};

impl Session {
    pub(crate) fn step(&mut self, number: u16, step: Step) {
        match step {
            Step::Begin { index } => self.begin_item(number, index),
            Step::Words { index, text } => self.words(number, index, &text),
            Step::Audio { index, from, to } => self.audio(number, index, from, to),
            Step::Arguments { index, text } => self.arguments(number, index, &text),
            Step::End { index } => self.end_item(number, index, "completed"),
            Step::Finish => {
                let ending = Ending { status: "completed", reason: None, error: None };
                self.finish(number, &ending);
            }
        }
    }

    /// Adds an item to the default conversation and says so.
    pub(crate) fn add_item(&mut self, item: Item) {
        let body = item.body(self.seat.dialect);
        let done = !item.in_progress;
        let before = self.conversation.push(item);
        self.item_added(&body, before.as_deref(), done);
    }

    pub(crate) fn item_added(&mut self, body: &Value, before: Option<&str>, done: bool) {
        let fields = json!({"item": body, "previous_item_id": before});
        match self.seat.dialect {
            super::Dialect::Beta => self.emit("conversation.item.created", fields),
            super::Dialect::Ga => {
                self.emit("conversation.item.added", fields.clone());
                if done {
                    self.emit("conversation.item.done", fields);
                }
            }
        }
    }

    pub(crate) fn active(&self, number: u16) -> Option<&Active> {
        self.responses.iter().find(|r| r.number == number)
    }

    pub(crate) fn active_item(&mut self, number: u16, index: usize) -> Option<&mut OutItem> {
        self.responses.iter_mut().find(|r| r.number == number)?.items.get_mut(index)
    }

    /// The fields that say what an event of a response is about.
    fn place(&self, number: u16, index: usize) -> Option<Value> {
        let active = self.active(number)?;
        let item = active.items.get(index)?;
        Some(json!({"response_id": active.id, "item_id": item.id, "output_index": index}))
    }

    fn begin_item(&mut self, number: u16, index: usize) {
        let dialect = self.seat.dialect;
        let Some(item) = self.active_item(number, index) else {
            return;
        };
        item.begun = true;
        let item = item.clone();
        let Some(active) = self.active(number) else {
            return;
        };
        let (response_id, in_conversation) = (active.id.clone(), active.in_conversation);
        let body = item.body(dialect, "in_progress");
        let fields = json!({"response_id": response_id, "output_index": index, "item": body});
        self.emit("response.output_item.added", fields);
        if in_conversation {
            let kind = kind_of(&item.content);
            self.add_item(Item { id: item.id.clone(), kind, in_progress: true });
        }
        if matches!(item.content, Content::Call { .. }) {
            return;
        }
        let fields = self.place(number, index).map(|mut fields| {
            set(&mut fields, "content_index", 0);
            set(&mut fields, "part", item.event_part());
            fields
        });
        self.emit("response.content_part.added", fields.unwrap_or_default());
        self.seat.record.response(number, |r| {
            r.item_id.get_or_insert(item.id);
        });
    }

    fn words(&mut self, number: u16, index: usize, text: &str) {
        let dialect = self.seat.dialect;
        let Some(item) = self.active_item(number, index) else {
            return;
        };
        let kind = match &mut item.content {
            Content::Speech { said, .. } => {
                said.push_str(text);
                dialect.transcript_delta()
            }
            Content::Text { said, .. } => {
                said.push_str(text);
                dialect.text_delta()
            }
            Content::Call { .. } => return,
        };
        if let Some(mut fields) = self.place(number, index) {
            set(&mut fields, "content_index", 0);
            set(&mut fields, "delta", text);
            self.emit(kind, fields);
        }
        self.remember(number, index);
    }

    fn audio(&mut self, number: u16, index: usize, from: usize, to: usize) {
        let Some(text) = self.audio_delta(number, index, from, to) else {
            return;
        };
        if let Some(OutItem { content: Content::Speech { sent_bytes, .. }, .. }) =
            self.active_item(number, index)
        {
            *sent_bytes = to;
        }
        self.send(text);
        self.remember(number, index);
        self.audio_sent(number, to - from);
    }

    /// Counts a delta, and cuts the connection where that is wanted.
    pub(crate) fn audio_sent(&mut self, number: u16, bytes: usize) {
        self.voice_used = true;
        self.audio_deltas += 1;
        let now_ms = self.now_ms;
        let ms = self.active(number).map_or(0, |r| r.format.ms(bytes));
        self.seat.record.response(number, |r| {
            r.first_audio_ms.get_or_insert(now_ms);
            r.audio_ms += ms;
        });
        self.drop_if_wanted();
    }

    pub(crate) fn drop_if_wanted(&mut self) {
        let limit = self.seat.knobs.drop_after_deltas;
        if limit.is_some_and(|n| self.audio_deltas >= n) {
            self.end(Output::Drop, "dropped");
        }
    }

    pub(crate) fn audio_delta(
        &mut self,
        number: u16,
        index: usize,
        from: usize,
        to: usize,
    ) -> Option<String> {
        let active = self.active(number)?;
        let item = active.items.get(index)?;
        let Content::Speech { audio, .. } = &item.content else {
            return None;
        };
        let delta = STANDARD.encode(audio.get(from..to)?);
        Some(self.audio_delta_text(number, index, &delta))
    }

    /// Built by hand: this is nearly all that a session sends.
    pub(crate) fn audio_delta_text(&mut self, number: u16, index: usize, delta: &str) -> String {
        let event_id = self.event_id();
        let kind = self.seat.dialect.audio_delta();
        let active = self.active(number);
        let response_id = active.map_or("", |r| r.id.as_str());
        let item_id = active.and_then(|r| r.items.get(index)).map_or("", |i| i.id.as_str());
        format!(
            r#"{{"type":"{kind}","event_id":"{event_id}","response_id":"{response_id}","item_id":"{item_id}","output_index":{index},"content_index":0,"delta":"{delta}"}}"#
        )
    }

    /// Keeps the conversation's item in step with what was sent of it.
    pub(crate) fn remember(&mut self, number: u16, index: usize) {
        let Some(active) = self.active(number) else {
            return;
        };
        let Some(item) = active.items.get(index) else {
            return;
        };
        let (new_text, new_ms) = match &item.content {
            Content::Speech { said, sent_bytes, .. } => {
                (said.clone(), active.format.ms(*sent_bytes))
            }
            Content::Text { said, .. } => (said.clone(), 0),
            Content::Call { .. } => return,
        };
        let id = item.id.clone();
        if let Some(Item { kind: Kind::Assistant { text, audio_ms, .. }, .. }) =
            self.conversation.get_mut(&id)
        {
            *text = new_text;
            *audio_ms = new_ms;
        }
    }

    fn arguments(&mut self, number: u16, index: usize, text: &str) {
        let Some(mut fields) = self.place(number, index) else {
            return;
        };
        set(&mut fields, "call_id", self.call_id(number, index));
        set(&mut fields, "delta", text);
        self.emit("response.function_call_arguments.delta", fields);
    }

    fn call_id(&self, number: u16, index: usize) -> String {
        let item = self.active(number).and_then(|r| r.items.get(index));
        match item.map(|i| &i.content) {
            Some(Content::Call { call_id, .. }) => call_id.clone(),
            Some(Content::Speech { .. } | Content::Text { .. }) | None => String::new(),
        }
    }

    /// Ends an item as `completed`, or `incomplete` where it was cut short.
    pub(crate) fn end_item(&mut self, number: u16, index: usize, status: &str) {
        let Some(item) = self.active_item(number, index) else {
            return;
        };
        item.ended = true;
        let item = item.clone();
        self.end_content(number, index, &item, status);
        let Some(active) = self.active(number) else {
            return;
        };
        let (response_id, in_conversation) = (active.id.clone(), active.in_conversation);
        if in_conversation {
            self.end_conversation_item(&item.id);
        }
        let body = item.body(self.seat.dialect, status);
        let fields = json!({"response_id": response_id, "output_index": index, "item": body});
        self.emit("response.output_item.done", fields);
    }

    fn end_content(&mut self, number: u16, index: usize, item: &OutItem, status: &str) {
        let Some(place) = self.place(number, index) else {
            return;
        };
        let with = |more: Value| {
            let mut fields = place.clone();
            if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
                fields.extend(more);
            }
            fields
        };
        match &item.content {
            Content::Speech { said, .. } => {
                self.emit(self.seat.dialect.audio_done(), with(json!({"content_index": 0})));
                let fields = with(json!({"content_index": 0, "transcript": said}));
                self.emit(self.seat.dialect.transcript_done(), fields);
            }
            Content::Text { said, .. } => {
                let fields = with(json!({"content_index": 0, "text": said}));
                self.emit(self.seat.dialect.text_done(), fields);
            }
            Content::Call { call_id, name, arguments } => {
                if status == "completed" {
                    let fields = json!({"call_id": call_id, "name": name, "arguments": arguments});
                    self.emit("response.function_call_arguments.done", with(fields));
                }
                return;
            }
        }
        let fields = with(json!({"content_index": 0, "part": item.event_part()}));
        self.emit("response.content_part.done", fields);
    }

    fn end_conversation_item(&mut self, id: &str) {
        let before = {
            let mut before = None;
            for item in self.conversation.iter() {
                if item.id == id {
                    break;
                }
                before = Some(item.id.clone());
            }
            before
        };
        let Some(item) = self.conversation.get_mut(id) else {
            return;
        };
        item.in_progress = false;
        let body = item.body(self.seat.dialect);
        if self.seat.dialect == super::Dialect::Ga {
            let fields = json!({"item": body, "previous_item_id": before});
            self.emit("conversation.item.done", fields);
        }
    }
}

fn kind_of(content: &Content) -> Kind {
    match content {
        Content::Speech { .. } => {
            Kind::Assistant { text: String::new(), audio_ms: 0, spoken: true }
        }
        Content::Text { .. } => Kind::Assistant { text: String::new(), audio_ms: 0, spoken: false },
        Content::Call { call_id, name, arguments } => Kind::Call {
            name: name.clone(),
            call_id: call_id.clone(),
            arguments: arguments.clone(),
        },
    }
}
