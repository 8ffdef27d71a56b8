//! The nested objects of response events: the response itself and its items.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::raw::{Envelope, RawError, Text, required};
use super::usage::{RawTranscription, RawUsage};
use super::{ServerEvent, Spoken, TranscriptionUsage, Usage, WireError};
use crate::ids::{ItemId, ResponseId, ToolCallId};

/// What an output item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// Something the model says.
    Message,
    /// A function the model calls.
    FunctionCall,
    /// Anything else, such as a call to a server of tools.
    Other,
}

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseStatus {
    /// As it should.
    Completed,
    /// Cancelled, by us or by the provider's voice detection.
    Cancelled,
    /// With an error.
    Failed,
    /// Cut off: too long, or filtered.
    Incomplete,
    /// In a way that nobody has described.
    Other,
}

#[derive(Deserialize)]
struct RawResponse<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    status_details: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct RawDetails<'a> {
    #[serde(borrow)]
    reason: Option<Text<'a>>,
    #[serde(borrow)]
    error: Option<RawError<'a>>,
}

#[derive(Deserialize)]
struct RawItem<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(rename = "type", borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    call_id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    arguments: Option<Text<'a>>,
}

impl RawItem<'_> {
    fn kind(&self) -> ItemKind {
        match self.kind.as_ref().map(|kind| kind.0.as_ref()) {
            Some("message") => ItemKind::Message,
            Some("function_call") => ItemKind::FunctionCall,
            Some(_) | None => ItemKind::Other,
        }
    }

    /// A call inside a cancelled response is `incomplete` and must not run.
    fn is_finished_call(&self) -> bool {
        let completed = self.status.as_ref().is_some_and(|status| status.0 == "completed");
        completed && self.kind() == ItemKind::FunctionCall
    }
}

pub(super) fn created<'a>(event: &Envelope<'a>) -> Result<ServerEvent<'a>, WireError> {
    let response: RawResponse<'a> = Envelope::nested(event.response, "response")?;
    Ok(ServerEvent::ResponseCreated { response_id: id_of(response.id.as_ref())? })
}

pub(super) fn done<'a>(event: &Envelope<'a>) -> Result<ServerEvent<'a>, WireError> {
    let response: RawResponse<'a> = Envelope::nested(event.response, "response")?;
    let response_id = id_of(response.id.as_ref())?;
    let status = match response.status.as_ref().map(|status| status.0.as_ref()) {
        Some("completed") => ResponseStatus::Completed,
        Some("cancelled") => ResponseStatus::Cancelled,
        Some("failed") => ResponseStatus::Failed,
        Some("incomplete") => ResponseStatus::Incomplete,
        Some(_) | None => ResponseStatus::Other,
    };
    // The end of a response must not be missed because its details are odd.
    let details: RawDetails<'a> = lenient(response.status_details).unwrap_or_default();
    let usage = lenient::<RawUsage>(response.usage).map(Usage::from);
    let (code, message) = match details.error {
        Some(failure) => (failure.code.or(failure.kind), failure.message),
        None => (None, None),
    };
    Ok(ServerEvent::ResponseDone {
        response_id,
        status,
        reason: details.reason.or(message).map(|text| text.0),
        error_code: code.map(|text| text.0),
        usage,
    })
}

/// What putting words down took; words must not be missed because that is odd.
pub(super) fn transcription(usage: Option<&RawValue>) -> Option<TranscriptionUsage> {
    lenient::<RawTranscription>(usage).map(TranscriptionUsage::from)
}

pub(super) fn item_added<'a>(event: &Envelope<'a>) -> Result<ServerEvent<'a>, WireError> {
    let item: RawItem<'a> = Envelope::nested(event.item, "item")?;
    let item_id = item.id.as_ref().map(|id| ItemId::parse(&id.0)).transpose()?;
    Ok(ServerEvent::OutputItemAdded {
        response_id: event.response_id()?,
        item_id,
        kind: item.kind(),
    })
}

pub(super) fn item_done<'a>(event: Envelope<'a>) -> Result<ServerEvent<'a>, WireError> {
    let item: RawItem<'a> = Envelope::nested(event.item, "item")?;
    if !item.is_finished_call() {
        return Ok(ServerEvent::Other { kind: event.kind.0 });
    }
    Ok(ServerEvent::FunctionCall {
        response_id: event.response_id()?,
        call_id: ToolCallId::parse(&required(item.call_id, "call_id")?.0)?,
        name: required(item.name, "function name")?.0,
        arguments: Spoken::new(required(item.arguments, "arguments")?.0),
    })
}

fn id_of(id: Option<&Text<'_>>) -> Result<ResponseId, WireError> {
    Ok(ResponseId::parse(&required(id, "response id")?.0)?)
}

fn lenient<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}
