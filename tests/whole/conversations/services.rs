//! A call that a pipeline answered, as a session of a speech model would be recorded: so
//! the same facts are looked for in both modes.

use serde_json::{Value, json};
use trunkline_simulator::providers::{
    ChatRecord, ClientEvent, ResponseRecord, SessionRecord, SpokenRecord,
};

use super::setting::GREETING;

/// What the services saw.
pub struct Services {
    pub chats: Vec<ChatRecord>,
    pub spoken: Vec<SpokenRecord>,
}

/// The session that these services were. Response N is what says the script's Nth reply,
/// which is one sentence.
pub fn session(services: &Services, replies: &[String], stored: &Value) -> SessionRecord {
    let all = [GREETING.to_owned()].into_iter().chain(replies.iter().cloned());
    SessionRecord {
        responses: all.map(|words| response(services, &words)).collect(),
        events: events(services, stored),
        ended: Some("client closed".to_owned()),
        ..SessionRecord::default()
    }
}

fn response(services: &Services, words: &str) -> ResponseRecord {
    let Some(spoken) = services.spoken.iter().find(|spoken| spoken.text == words) else {
        return ResponseRecord { text: words.to_owned(), ..ResponseRecord::default() };
    };
    ResponseRecord {
        number: u16::try_from(spoken.number).expect("a call of a few sentences"),
        item_id: Some(format!("item of {words:?}")),
        audio_ms: spoken.audio_ms,
        text: words.to_owned(),
        truncated_ms: truncated_ms(services, words, spoken.audio_ms),
        ..ResponseRecord::default()
    }
}

/// Where the language model was told that the words end, if not at their end: by the
/// share of them that it was told.
fn truncated_ms(services: &Services, words: &str, audio_ms: u64) -> Option<u64> {
    let mut told = services.chats.last()?.messages.as_array()?.iter().filter_map(|message| {
        let text = message["content"].as_str().filter(|_| message["role"] == "assistant")?;
        (!text.is_empty() && words.starts_with(text)).then_some(text)
    });
    let text = told.next_back().filter(|text| text.len() < words.len())?;
    Some(audio_ms * text.chars().count() as u64 / words.chars().count() as u64)
}

fn events(services: &Services, stored: &Value) -> Vec<ClientEvent> {
    let event = |kind: &str, fields: Value| ClientEvent { at_ms: 0, kind: kind.to_owned(), fields };
    let mut events = Vec::new();
    let done = stored["events"].as_array().expect("a list of events").iter();
    for response in done.filter(|known| known["kind"] == "response_done") {
        events.push(event("response.create", json!({})));
        if response["data"]["error"] == "cancelled" {
            events.push(event("response.cancel", json!({})));
        }
    }
    // What was said word for word is known by what was said.
    let spoken: Vec<&str> = services.spoken.iter().map(|spoken| spoken.text.as_str()).collect();
    if let Some(first) = events.iter_mut().find(|event| event.kind == "response.create") {
        first.fields = json!({ "said": spoken });
    }
    let told = services.chats.last().and_then(|chat| chat.messages.as_array());
    events.extend(told.into_iter().flatten().map(|message| {
        let content = &message["content"];
        let item = if message["role"] == "tool" {
            json!({ "output": content })
        } else {
            json!({ "text": content })
        };
        event("conversation.item.create", json!({ "item": item }))
    }));
    events
}
