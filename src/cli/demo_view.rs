//! The demo's picture of a call: what the phone heard, what was said and what
//! was decided, in the order of the call's own time.
#![expect(clippy::print_stdout, reason = "the demo's whole purpose is to show")]

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_actors::recorder::{ENDING, KeySource};
use trunkline_simulator::carrier::{CallEvent, CallReport, EventKind};

use super::demo_lines::Lines;
use crate::config::RecordingSettings;

/// The server's API, asked as anybody would.
pub(super) struct Api {
    client: awc::Client,
    base: String,
    token: String,
}

impl Api {
    pub(super) fn new(base: &str, token: &str) -> Self {
        Self { client: awc::Client::default(), base: base.to_owned(), token: token.to_owned() }
    }

    async fn call(&self, call_sid: &str) -> Option<Value> {
        let url = format!("{}/api/v1/calls/{call_sid}", self.base);
        let request = self.client.get(url).bearer_auth(&self.token);
        let mut answer = request.timeout(Duration::from_secs(2)).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        serde_json::from_slice(&answer.body().limit(4 << 20).await.ok()?).ok()
    }
}

/// See the module's text.
pub(super) struct View {
    base: String,
    number: String,
    call_sid: RefCell<Option<String>>,
    lines: RefCell<Lines>,
    /// Ids of the stored rows that have been seen.
    seen: RefCell<HashSet<String>>,
    /// When the call began, here and by the stored row.
    began: Cell<Option<Instant>>,
    started_at: Cell<Option<DateTime<Utc>>>,
    over: RefCell<Option<Value>>,
}

impl View {
    pub(super) fn new(base: &str, number: &str) -> Self {
        Self {
            base: base.to_owned(),
            number: number.to_owned(),
            call_sid: RefCell::default(),
            lines: RefCell::default(),
            seen: RefCell::default(),
            began: Cell::new(None),
            started_at: Cell::new(None),
            over: RefCell::default(),
        }
    }

    pub(super) fn opening(&self) {
        println!("Trunkline listens on {}", self.base);
        println!("A simulated phone calls {}; a simulated model answers.\n", self.number);
    }

    /// What the simulated phone notices.
    pub(super) fn phone(&self, event: &CallEvent) {
        self.call_sid.borrow_mut().get_or_insert_with(|| event.call_sid.clone());
        if self.began.get().is_none() {
            self.began.set(Instant::now().checked_sub(Duration::from_millis(event.at_ms)));
        }
        let text = match &event.kind {
            EventKind::Ringing => "rings".to_owned(),
            EventKind::Verb(verb) => format!("is told to {verb}"),
            EventKind::StreamStarted => "opened its media stream".to_owned(),
            EventKind::Cleared { dropped_ms, after_ms } => {
                let after = after_ms.map_or_else(String::new, |ms| {
                    format!(", {ms} ms after the caller's first sound")
                });
                format!("stopped playing: {dropped_ms} ms thrown away{after}")
            }
            EventKind::Key(key) => format!("sent the key {key}"),
            EventKind::Dialled(number) => format!("is put through to {number}"),
            EventKind::StreamEnded => "saw its media stream end".to_owned(),
            EventKind::Error(error) => format!("logged: {error}"),
            EventKind::Ended(ended) => format!("is done: {ended:?}"),
            EventKind::AgentSpeaks
            | EventKind::AgentQuiet
            | EventKind::CallerSpeaks(_)
            | EventKind::CallerQuiet => return,
        };
        self.line(event.at_ms, "phone", &text);
    }

    /// What has been stored since the last look.
    pub(super) async fn stored(&self, api: &Api) {
        let sid = self.call_sid.borrow().clone();
        let Some(found) = (match sid {
            Some(sid) => api.call(&sid).await,
            None => None,
        }) else {
            return;
        };
        if self.started_at.get().is_none() {
            self.started_at.set(time(&found, "/call/created_at"));
        }
        for event in rows(&found, "/events").iter().filter(|row| self.is_new(row)) {
            self.event(event);
        }
        for said in rows(&found, "/transcript").iter().filter(|row| self.is_new(row)) {
            self.said(said);
        }
        if !found.pointer("/call/ended_at").is_none_or(Value::is_null) {
            *self.over.borrow_mut() = Some(found);
        }
    }

    fn is_new(&self, row: &Value) -> bool {
        row.get("id").is_some_and(|id| self.seen.borrow_mut().insert(plain(id)))
    }

    /// Shows what has waited long enough.
    pub(super) fn show(&self) {
        let now_ms = self.began.get().map_or(0, |began| began.elapsed().as_millis());
        print(self.lines.borrow_mut().due(u64::try_from(now_ms).unwrap_or(u64::MAX)));
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.borrow().is_some()
    }

    /// The call's result; answers whether it went well.
    pub(super) fn result(&self, report: &CallReport) -> bool {
        print(self.lines.borrow_mut().rest());
        let over = self.over.borrow();
        let Some(found) = over.as_ref() else {
            println!("\nThe call was not stored.");
            return false;
        };
        let text = |path: &str| found.pointer(path).map_or_else(|| "-".to_owned(), plain);
        println!();
        println!(
            "outcome {}, mode {}, {} turns, {} interruptions, {} tool calls, {} ms",
            text("/call/outcome"),
            text("/call/mode"),
            text("/call/turn_count"),
            text("/call/barge_in_count"),
            text("/call/tool_call_count"),
            text("/call/duration_ms"),
        );
        println!(
            "model ready after {} ms, first audio after {} ms, heard by the phone after {} ms",
            text("/handshake/elapsed_ms"),
            text("/handshake/first_audio_ms"),
            report.first_audio_ms().map_or_else(|| "-".to_owned(), |ms| ms.to_string()),
        );
        if let Some(failure) = report.failure() {
            println!("the phone says: {failure}");
        }
        report.failure().is_none() && text("/call/outcome") == "completed"
    }

    pub(super) fn where_to_look(
        &self,
        token: &str,
        auth_token: Option<&str>,
        recorder: &RecordingSettings,
    ) {
        let sid = self.call_sid.borrow().clone().unwrap_or_default();
        let base = &self.base;
        println!("\nWhere to look:");
        println!("  curl {base}/health");
        println!("  curl {base}/metrics");
        println!("  curl -H 'Authorization: Bearer {token}' {base}/ops/actors");
        println!("  curl -H 'Authorization: Bearer {token}' {base}/api/v1/calls/{sid}");
        let key = match &recorder.key {
            KeySource::File(path) => format!(" --key-file {}", path.display()),
            KeySource::Given(_) => String::new(),
        };
        println!("Why the agent did what it did:");
        println!("  cargo run --release -- replay {}/*{sid}.{ENDING}{key}", recorder.dir.display());
        if let Some(auth_token) = auth_token {
            println!("Another call:");
            println!(
                "  cargo run --release -- simulate calls --url {base} --to '{}' --auth-token {auth_token} --public-url {} --wav config/audio/caller.wav",
                self.number,
                base.replace("127.0.0.1", "localhost"),
            );
        }
    }

    pub(super) fn stays_up(&self) {
        println!("\nStaying up for more calls. Ctrl-C ends.");
    }

    fn event(&self, event: &Value) {
        let kind = event.get("kind").map_or_else(String::new, plain);
        let data = event.get("data").cloned().unwrap_or_default();
        let fact = |name: &str| data.get(name).map_or_else(|| "-".to_owned(), plain);
        let (who, text) = match kind.as_str() {
            "model_ready" => {
                ("model", format!("ready {} ms after the stream began", fact("elapsed_ms")))
            }
            "first_audio" => ("agent", format!("first audio out after {} ms", fact("elapsed_ms"))),
            "turn_ended" => ("turn", format!("{} is the agent's to answer", fact("turn"))),
            "barge_in" => {
                ("barge-in", format!("the agent stops; {} ms of it were heard", fact("heard_ms")))
            }
            "tool_called" => ("tool", format!("{} …", fact("tool"))),
            "tool_finished" => ("tool", format!("{} done in {} ms", fact("tool"), fact("took_ms"))),
            "bridge" => ("bridge", format!("to the human: {}", fact("reason"))),
            "model_lost" => ("model", format!("lost: {}", fact("reason"))),
            "goodbye" => ("call", "says goodbye".to_owned()),
            "call_ended" => ("call", format!("ended: {}", fact("outcome"))),
            _ => return,
        };
        let at_ms = event.get("at_us").and_then(Value::as_u64).unwrap_or(0) / 1_000;
        self.line(at_ms + self.stream_offset_ms(event), who, &text);
    }

    /// A line stands where it ended, for only then is it known what was heard.
    fn said(&self, said: &Value) {
        let text = |name: &str| said.get(name).map_or_else(String::new, plain);
        let cut = said.get("interrupted").and_then(Value::as_bool).unwrap_or(false);
        let words = if cut {
            format!("“{} …” (cut off after {})", text("heard"), length(said))
        } else if text("speaker") == "agent" {
            format!("“{}” ({})", text("generated"), length(said))
        } else {
            format!("“{}”", text("generated"))
        };
        let at_ms = time(said, "/ended_at").map_or(0, |at| self.since_start_ms(at));
        self.line(at_ms, &text("speaker"), &words);
    }

    fn line(&self, at_ms: u64, who: &str, text: &str) {
        self.lines.borrow_mut().add(at_ms, who, text);
    }

    /// Events count from the stream's start, the phone from the first ring.
    fn stream_offset_ms(&self, event: &Value) -> u64 {
        let at_us = event.get("at_us").and_then(Value::as_i64).unwrap_or(0);
        let Some(at) = time(event, "/at") else {
            return 0;
        };
        let origin = at - chrono::TimeDelta::microseconds(at_us);
        if at_us == 0 { self.since_start_ms(at) } else { self.since_start_ms(origin) }
    }

    fn since_start_ms(&self, at: DateTime<Utc>) -> u64 {
        let started = self.started_at.get().unwrap_or(at);
        u64::try_from((at - started).num_milliseconds()).unwrap_or(0)
    }
}

fn print(lines: Vec<String>) {
    for line in lines {
        println!("{line}");
    }
}

/// How long a line took to say.
fn length(said: &Value) -> String {
    let from = time(said, "/started_at");
    let took = time(said, "/ended_at").zip(from).map(|(to, from)| (to - from).num_milliseconds());
    let tenths = took.unwrap_or(0).max(0) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

fn rows<'a>(found: &'a Value, path: &str) -> &'a [Value] {
    found.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn time(value: &Value, path: &str) -> Option<DateTime<Utc>> {
    value.pointer(path)?.as_str()?.parse().ok()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
