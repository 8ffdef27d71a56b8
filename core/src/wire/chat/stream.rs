//! A streamed answer: bytes in, events out.

use super::chunk::{Choice, Chunk, Delta, Fragment};
use super::{ChatEvent, FinishReason, Lines, StreamError, TooLong, ToolCall};
use crate::ids::ToolCallId;
use crate::pii::Personal;
use crate::wire::refusal;

/// Most function calls of one answer.
pub const MAX_CALLS: usize = 64;
/// Longest arguments of one call, in bytes.
pub const MAX_ARGUMENT_BYTES: usize = 256 * 1024;

/// Reads one answer.
#[derive(Debug, Default)]
pub struct Stream {
    lines: Lines,
    answer: Answer,
}

/// What of the answer is not told yet.
#[derive(Debug, Default)]
struct Answer {
    calls: Vec<Open>,
    finished: bool,
    done: bool,
    events: Vec<ChatEvent>,
}

/// A function call that is being written.
struct Open {
    index: Option<u32>,
    id: ToolCallId,
    name: String,
    arguments: String,
}

/// Arguments are personal.
impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Open({:?}, {})", self.name, self.id)
    }
}

impl From<TooLong> for StreamError {
    fn from(_: TooLong) -> Self {
        Self::TooLong("line")
    }
}

impl Stream {
    /// Takes the next bytes, cut anywhere, and appends to `out` what they say.
    ///
    /// # Errors
    /// When the service reports an error, or what comes is no answer. What was
    /// said before it is in `out` all the same; nothing may be pushed after.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), StreamError> {
        let answer = &mut self.answer;
        let read = self.lines.push(bytes, |payload| answer.take(payload));
        out.append(&mut self.answer.events);
        read
    }

    /// The service has closed the stream.
    ///
    /// # Errors
    /// [`StreamError::Cut`] when the answer is not complete, and as
    /// [`Stream::push`].
    pub fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), StreamError> {
        let answer = &mut self.answer;
        let read = self.lines.finish(|payload| answer.take(payload));
        // Some servers close after the last chunk and leave the end mark out.
        if read.is_ok() && answer.finished {
            answer.end();
        }
        out.append(&mut answer.events);
        read?;
        if self.answer.done { Ok(()) } else { Err(StreamError::Cut) }
    }

    /// Whether [`ChatEvent::Done`] has been told.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.answer.done
    }
}

impl Answer {
    fn take(&mut self, payload: &[u8]) -> Result<(), StreamError> {
        if self.done {
            return Ok(());
        }
        if payload == b"[DONE]" {
            // An end without a reason: what was written is what there is.
            self.finish(FinishReason::Other);
            self.end();
            return Ok(());
        }
        let text = std::str::from_utf8(payload)
            .map_err(|error| StreamError::Unreadable(error.valid_up_to()))?;
        if !text.starts_with('{') {
            return Err(StreamError::Unreadable(1));
        }
        let chunk: Chunk<'_> =
            serde_json::from_str(text).map_err(|error| StreamError::Unreadable(error.column()))?;
        if chunk.error.is_some() {
            let (code, message) = refusal::in_stream(text);
            return Err(StreamError::Service { code, message });
        }
        for choice in chunk.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            self.choice(choice)?;
        }
        if let Some(usage) = chunk.usage {
            self.events.push(ChatEvent::Usage(usage.into()));
        }
        Ok(())
    }

    fn choice(&mut self, choice: Choice<'_>) -> Result<(), StreamError> {
        if let Some(delta) = choice.delta.filter(|_| !self.finished) {
            self.delta(delta)?;
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.0.is_empty()) {
            self.finish(FinishReason::read(&reason.0));
        }
        Ok(())
    }

    fn delta(&mut self, delta: Delta<'_>) -> Result<(), StreamError> {
        if let Some(text) = delta.content.filter(|text| !text.0.is_empty()) {
            self.events.push(ChatEvent::Text(Personal::new(text.0)));
        }
        if let Some(text) = delta.refusal.filter(|text| !text.0.is_empty()) {
            self.events.push(ChatEvent::Declined(Personal::new(text.0)));
        }
        for fragment in delta.tool_calls.into_iter().flatten() {
            self.fragment(&fragment)?;
        }
        Ok(())
    }

    /// A call's id and name come with its first fragment. Some servers repeat
    /// the id in each, some give every call the index 0, some have no index.
    fn fragment(&mut self, fragment: &Fragment<'_>) -> Result<(), StreamError> {
        let text = |field: Option<&str>| field.filter(|text| !text.is_empty()).map(str::to_owned);
        let id = text(fragment.id.as_ref().map(|id| id.0.as_ref()));
        let function = fragment.function.as_ref();
        let name = text(function.and_then(|f| Some(f.name.as_ref()?.0.as_ref())));
        let arguments = function.and_then(|f| Some(f.arguments.as_ref()?.0.as_ref()));
        let place = match self.place(fragment.index, id.as_deref(), name.is_some()) {
            Some(place) => place,
            None => self.open(fragment.index, id, name.unwrap_or_default())?,
        };
        if let (Some(call), Some(more)) = (self.calls.get_mut(place), arguments) {
            if call.arguments.len() + more.len() > MAX_ARGUMENT_BYTES {
                return Err(StreamError::TooLong("function call"));
            }
            call.arguments.push_str(more);
        }
        Ok(())
    }

    /// The call that a fragment continues, if it continues one.
    fn place(&self, index: Option<u32>, id: Option<&str>, named: bool) -> Option<usize> {
        if let Some(id) = id {
            return self.calls.iter().rposition(|call| call.id.as_str() == id);
        }
        match index {
            Some(_) => self.calls.iter().rposition(|call| call.index == index),
            None if named => None,
            None => self.calls.len().checked_sub(1),
        }
    }

    fn open(
        &mut self,
        index: Option<u32>,
        id: Option<String>,
        name: String,
    ) -> Result<usize, StreamError> {
        let place = self.calls.len();
        if place >= MAX_CALLS {
            return Err(StreamError::TooLong("number of function calls"));
        }
        // A server that names no call, or badly, is answered by a name of ours.
        let id = id.and_then(|id| ToolCallId::parse(&id).ok());
        let id = match id {
            Some(id) => id,
            None => ToolCallId::parse(&format!("call_{place}"))
                .map_err(|_| StreamError::Unreadable(0))?,
        };
        self.events.push(ChatEvent::CallBegun { id: id.clone(), name: name.clone() });
        self.calls.push(Open { index, id, name, arguments: String::new() });
        Ok(place)
    }

    /// The answer is complete; a second end of it says nothing new.
    fn finish(&mut self, reason: FinishReason) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        for Open { id, name, arguments, .. } in self.calls.drain(..) {
            self.events.push(ChatEvent::Call(ToolCall { id, name, arguments }));
        }
        self.events.push(ChatEvent::Finished(reason));
    }

    fn end(&mut self) {
        if !std::mem::replace(&mut self.done, true) {
            self.events.push(ChatEvent::Done);
        }
    }
}
