//! Interrupting, cancelling and ending responses.

use serde_json::{Value, json};

use super::dialect::Dialect;
use super::error::ApiError;
use super::fields::set;
use super::plan::{Active, Step};
use super::session::{Session, Task};
use super::usage::{Tokens, fixed, usage};

/// Between the audio deltas that still come after a cancellation.
const LATE_DELTA_MS: u64 = 30;

/// How a response ended.
pub(crate) struct Ending<'a> {
    pub(crate) status: &'a str,
    pub(crate) reason: Option<&'a str>,
    pub(crate) error: Option<ApiError>,
}

impl Session {
    /// Speech interrupts the default conversation's response.
    pub(crate) fn interrupt(&mut self) {
        let active = self.responses.iter().find(|r| r.in_conversation).map(|r| r.number);
        if let Some(number) = active {
            self.cancel(number, "turn_detected");
        }
    }

    /// `response.cancel`.
    pub(crate) fn cancel_by_client(&mut self, id: Option<&str>) -> Result<(), ApiError> {
        let wanted = |r: &&Active| id.map_or(r.in_conversation, |id| r.id == id);
        let message = "Cancellation failed: no active response found";
        let active = self.responses.iter().find(wanted).map(|r| r.number);
        let number = active.ok_or_else(|| ApiError::new("response_cancel_not_active", message))?;
        self.cancel(number, "client_cancelled");
        Ok(())
    }

    fn cancel(&mut self, number: u16, reason: &str) {
        let mine = |task: &Task| matches!(task, Task::Step { response, .. } if *response == number);
        let left = self.queue.take(mine);
        let late = self.late_deltas(number, left);
        self.finish(number, &Ending { status: "cancelled", reason: Some(reason), error: None });
        for (n, text) in (1u64..).zip(late) {
            self.queue.at(self.now_ms + n * LATE_DELTA_MS, Task::Late(text));
        }
    }

    fn late_deltas(&mut self, number: u16, left: Vec<Task>) -> Vec<String> {
        let wanted = usize::try_from(self.seat.knobs.late_deltas).unwrap_or(0);
        let mut texts = Vec::new();
        for task in left {
            if let Task::Step { step: Step::Audio { index, from, to }, .. } = task
                && texts.len() < wanted
            {
                texts.extend(self.audio_delta(number, index, from, to));
            }
        }
        texts
    }

    /// Ends what is open and the response with it.
    pub(crate) fn finish(&mut self, number: u16, ending: &Ending<'_>) {
        self.end_echo(number);
        let open = |r: &Active| {
            let open = r.items.iter().enumerate().filter(|(_, i)| i.begun && !i.ended);
            open.map(|(index, _)| index).collect::<Vec<_>>()
        };
        let indexes = self.responses.iter().find(|r| r.number == number).map(open);
        for index in indexes.unwrap_or_default() {
            self.end_item(number, index, "incomplete");
        }
        let Some(place) = self.responses.iter().position(|r| r.number == number) else {
            return;
        };
        let active = self.responses.remove(place);
        let tokens = if self.seat.knobs.fixed_usage {
            fixed()
        } else {
            usage(active.input, self.cached_part(active.input), active.output_tokens())
        };
        if active.in_conversation {
            self.cached = active.input;
        }
        let error = ending
            .error
            .as_ref()
            .map(|e| json!({"type": e.kind, "code": e.code, "message": e.message}));
        let details = match (ending.status, ending.reason) {
            ("completed", _) => Value::Null,
            (status, None) => json!({"type": status, "error": error}),
            (status, reason) => json!({"type": status, "reason": reason}),
        };
        let response = self.response_body(&active, ending.status, &details, &tokens);
        self.emit("response.done", json!({"response": response}));
        let now_ms = self.now_ms;
        self.seat.record.response(number, |r| {
            r.status = ending.status.to_owned();
            r.reason = ending.reason.map(str::to_owned);
            r.done_ms = Some(now_ms);
        });
    }

    /// The input that the last response had too cannot be more than this one's.
    fn cached_part(&self, input: Tokens) -> Tokens {
        Tokens { text: self.cached.text.min(input.text), audio: self.cached.audio.min(input.audio) }
    }

    pub(crate) fn response_body(
        &self,
        active: &Active,
        status: &str,
        details: &Value,
        usage: &Value,
    ) -> Value {
        let output: Vec<Value> = active
            .items
            .iter()
            .filter(|item| item.begun)
            .map(|item| {
                let whole = item.ended && status == "completed";
                item.body(self.seat.dialect, if whole { "completed" } else { "incomplete" })
            })
            .collect();
        let conversation = active.in_conversation.then(|| self.seat.id.replace("sess_", "conv_"));
        let mut body = json!({
            "id": active.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": output,
            "conversation_id": conversation,
            "max_output_tokens": "inf",
            "metadata": active.metadata,
            "usage": usage,
        });
        set(&mut body, self.seat.dialect.modalities(), active.modalities.clone());
        let (format, voice) = (self.config.output_format_value(), self.config.voice());
        match self.seat.dialect {
            Dialect::Ga => {
                set(&mut body, "audio", json!({"output": {"format": format, "voice": voice}}))
            }
            Dialect::Beta => {
                set(&mut body, "output_audio_format", json!(format));
                set(&mut body, "voice", json!(voice));
            }
        }
        body
    }
}
