//! A session's state, its clock and its outlet. What it does with a client's
//! events is in `client`, with audio in `input`, and of its own in `steps`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::audio::Voice;
use super::config::Config;
use super::conversation::Conversation;
use super::dialect::Dialect;
use super::echo::Echo;
use super::error::ApiError;
use super::fields::set;
use super::input::Input;
use super::plan::{Active, Step};
use super::queue::Queue;
use super::usage::Tokens;
use crate::providers::ears::Ears;
use crate::providers::knobs::Knobs;
use crate::providers::record::SharedRecord;
use crate::providers::script::Script;

/// The service closes a session of the beta dialect with this code.
const CLOSE_BETA_DISABLED: u16 = 4_000;
/// Close code of a session that has run as long as it may: going away.
const CLOSE_EXPIRED: u16 = 1_001;
/// What `big` adds to `session.updated`, in octets.
const PADDING_BYTES: usize = 120_000;

/// What the shell does for the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Text(String),
    Binary(Vec<u8>),
    /// Close frame, then the end.
    Close(u16, String),
    /// The end without a close frame.
    Drop,
}

/// What a session is given when it sits down.
pub(crate) struct Seat {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) dialect: Dialect,
    pub(crate) model: String,
    pub(crate) knobs: Knobs,
    pub(crate) script: Arc<Script>,
    pub(crate) ears: Arc<Ears>,
    pub(crate) voice: Arc<Voice>,
    pub(crate) record: SharedRecord,
    /// The wall clock's seconds since 1970 at the session's start.
    pub(crate) unix_s: u64,
}

/// What happens later.
#[derive(Debug)]
pub(crate) enum Task {
    Updated,
    Step {
        response: u16,
        step: Step,
    },
    /// An audio delta that was on its way when its response was cancelled.
    Late(String),
    TranscriptDelta {
        item_id: String,
        text: String,
    },
    TranscriptDone {
        item_id: String,
        text: String,
        audio_ms: u64,
    },
    StartEcho,
    Drop,
    Expire,
}

/// One connection's session.
///
/// Call [`Session::start`], then [`Session::on_text`] for every message and
/// [`Session::on_time`] at each [`Session::deadline_ms`], and after each call
/// carry out [`Session::take_output`]. Times are milliseconds since the start.
pub(crate) struct Session {
    pub(crate) seat: Seat,
    pub(crate) config: Config,
    pub(crate) conversation: Conversation,
    pub(crate) input: Input,
    pub(crate) responses: Vec<Active>,
    pub(crate) queue: Queue<Task>,
    pub(crate) now_ms: u64,
    /// Responses ever created.
    pub(crate) created: u16,
    /// Input of the last response of the default conversation: cached from then on.
    pub(crate) cached: Tokens,
    pub(crate) voice_used: bool,
    pub(crate) audio_deltas: u64,
    pub(crate) ready: bool,
    /// Whether audio to be echoed has come.
    pub(crate) echo_waits: bool,
    /// The echo under way.
    pub(crate) echo: Option<Echo>,
    out: Vec<Output>,
    events: u64,
    ids: u64,
    random: u64,
    ended: bool,
}

impl Session {
    pub(crate) fn new(seat: Seat) -> Self {
        let config = Config::new(seat.dialect, &seat.model);
        Self {
            input: Input::new(config.input_format()),
            random: seat.knobs.seed.wrapping_add(seat.number),
            config,
            conversation: Conversation::default(),
            responses: Vec::new(),
            queue: Queue::new(),
            now_ms: 0,
            created: 0,
            cached: Tokens::default(),
            voice_used: false,
            audio_deltas: 0,
            ready: false,
            echo_waits: false,
            echo: None,
            out: Vec::new(),
            events: 0,
            ids: 0,
            ended: false,
            seat,
        }
    }

    /// The socket is open.
    pub(crate) fn start(&mut self) {
        if self.seat.dialect == Dialect::Beta && self.seat.knobs.beta_disabled {
            let message = "The Realtime Beta API is no longer supported. Use the GA API.";
            self.error(&ApiError::new("beta_api_shape_disabled", message), None);
            self.end(
                Output::Close(CLOSE_BETA_DISABLED, "beta_api_shape_disabled".to_owned()),
                "beta disabled",
            );
            return;
        }
        if let Some(after_ms) = self.seat.knobs.drop_after_ms {
            self.queue.at(after_ms, Task::Drop);
        }
        self.queue.at(self.seat.knobs.session_limit_s.saturating_mul(1_000), Task::Expire);
        let session = self.session_body();
        self.seat.record.write(|r| r.config = session.clone());
        self.emit("session.created", json!({"session": session}));
    }

    /// When [`Session::on_time`] is wanted next.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        self.queue.next_ms()
    }

    /// Does everything that is due.
    pub(crate) fn on_time(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        while let Some(task) = self.queue.pop(now_ms) {
            self.task(task);
        }
    }

    fn task(&mut self, task: Task) {
        match task {
            Task::Updated => self.updated(),
            Task::Step { response, step } => self.step(response, step),
            Task::Late(text) => self.send(text),
            Task::TranscriptDelta { item_id, text } => self.transcript_delta(&item_id, &text),
            Task::TranscriptDone { item_id, text, audio_ms } => {
                self.transcript_done(&item_id, &text, audio_ms);
            }
            Task::StartEcho => self.start_echo(),
            Task::Drop => self.end(Output::Drop, "dropped"),
            Task::Expire => self.expire(),
        }
    }

    /// What is to be done, in order; the list stays with the session.
    pub(crate) fn drain_output(&mut self) -> std::vec::Drain<'_, Output> {
        self.out.drain(..)
    }

    /// What is to be done, in order.
    pub(crate) fn take_output(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    pub(crate) const fn ended(&self) -> bool {
        self.ended
    }

    fn updated(&mut self) {
        let mut session = self.session_body();
        if self.seat.knobs.big {
            set(&mut session, "simulated_padding", Value::String("x".repeat(PADDING_BYTES)));
        }
        self.emit("session.updated", json!({"session": session}));
        if self.ready {
            return;
        }
        self.ready = true;
        if self.seat.knobs.garbage {
            self.garbage();
        }
        if let Some(code) = self.seat.knobs.error_code.clone() {
            self.error(&ApiError::of_code(&code), None);
        }
    }

    pub(crate) fn garbage(&mut self) {
        self.send("<<< this is no JSON".to_owned());
        self.out.push(Output::Binary(vec![0x00, 0x9f, 0x92, 0x96, 0xff]));
        self.send("[]".to_owned());
        self.send(r#"{"type":17}"#.to_owned());
        self.emit("simulated.unheard_of", json!({"nested": {"deep": [1, 2, {"x": null}]}}));
    }

    fn expire(&mut self) {
        let message = "Your session hit the maximum duration of 60 minutes.";
        self.error(&ApiError::new("session_expired", message), None);
        self.end(Output::Close(CLOSE_EXPIRED, "session_expired".to_owned()), "expired");
    }

    /// The effective configuration, with the session's own fields.
    pub(crate) fn session_body(&self) -> Value {
        let mut session = self.config.body().clone();
        set(&mut session, "id", self.seat.id.clone());
        set(&mut session, "object", "realtime.session");
        set(&mut session, "expires_at", self.seat.unix_s + self.seat.knobs.session_limit_s);
        session
    }

    pub(crate) fn emit(&mut self, kind: &str, mut fields: Value) {
        set(&mut fields, "type", kind);
        set(&mut fields, "event_id", self.event_id());
        self.send(fields.to_string());
    }

    pub(crate) fn send(&mut self, text: String) {
        if !self.ended {
            self.out.push(Output::Text(text));
        }
    }

    pub(crate) fn error(&mut self, error: &ApiError, event_id: Option<&str>) {
        self.seat.record.write(|r| r.errors.push(error.code.clone()));
        self.emit("error", json!({"error": error.body(event_id)}));
    }

    pub(crate) fn end(&mut self, output: Output, how: &str) {
        if self.ended {
            return;
        }
        self.queue.clear();
        self.out.push(output);
        self.ended = true;
        self.seat.record.ended(self.now_ms, how);
    }

    pub(crate) fn event_id(&mut self) -> String {
        let event = self.next_event();
        format!("event_{}_{event}", self.seat.number)
    }

    /// Numbers an event, from 1.
    pub(crate) fn next_event(&mut self) -> u64 {
        self.events += 1;
        self.events
    }

    /// A name that no other session uses either.
    pub(crate) fn new_id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        let session = self.seat.id.trim_start_matches("sess_");
        format!("{prefix}_{session}_{}", self.ids)
    }

    /// 0 to `jitter_ms`, by the seed (splitmix64).
    pub(crate) fn jitter_ms(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % (self.seat.knobs.jitter_ms + 1)
    }
}
