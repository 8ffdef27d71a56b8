//! Simulated chat completions: `POST /v1/chat/completions`, streamed, answered by
//! the same scripts as the realtime model.

mod answer;
mod request;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::brain::{Part, decide};
use super::gate::{Provider, enter, refuse};
use super::log::{ChatRecord, Shared};
use super::paced::{self, Watch};
use super::state::State;

/// The handler.
pub(crate) async fn completions(
    request: HttpRequest,
    body: web::Bytes,
    state: web::Data<State>,
) -> HttpResponse {
    let knobs = match enter(&state, Provider::Chat, &request).await {
        Ok(knobs) => knobs,
        Err(refusal) => return refusal,
    };
    let bad = |message: &str| refuse(Provider::Chat, 400, message);
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return bad("We could not parse the JSON body of your request.");
    };
    let wish = match request::read(&body) {
        Ok(wish) => wish,
        Err(message) => return bad(&message),
    };
    let mut parts = decide(&state.script, &wish.context);
    let record = state.chats.open(|number| {
        for part in &mut parts {
            part.number(number);
        }
        let record = ChatRecord {
            number,
            model: wish.model.clone(),
            messages: body.get("messages").cloned().unwrap_or_default(),
            tools: wish.context.tools.clone(),
            text: said(&parts),
            calls: called(&parts),
            sent: 0,
            status: "running".to_owned(),
        };
        state.journal.note("chat", &record);
        record
    });
    let pieces = answer::plan(&parts, &wish, &knobs);
    HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .streaming(paced::body(pieces, Watching(record)))
}

fn said(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Say(text) => Some(text.as_str()),
        Part::Call { .. } => None,
    });
    texts.collect::<Vec<_>>().join(" ")
}

fn called(parts: &[Part]) -> Vec<String> {
    let names = parts.iter().filter_map(|part| match part {
        Part::Say(_) => None,
        Part::Call { tool, .. } => Some(tool.clone()),
    });
    names.collect()
}

struct Watching(Shared<ChatRecord>);

impl Watch for Watching {
    fn note(&mut self, sent: u64, status: Option<&'static str>) {
        self.0.write(|record| {
            record.sent = sent;
            if let Some(status) = status {
                status.clone_into(&mut record.status);
            }
        });
    }
}
