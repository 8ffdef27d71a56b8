//! What a session may be made to do wrong, and how fast it is.

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

const LATENCY_MS: u64 = 5;
const FIRST_AUDIO_MS: u64 = 250;
const TRANSCRIPT_MS: u64 = 350;
const FIRST_TOKEN_MS: u64 = 200;
const TOKEN_MS: u64 = 10;
const RATE: f64 = 5.0;
const DELTA_MS: u64 = 400;
const SESSION_LIMIT_S: u64 = 3_600;
const SEED: u64 = 1;

/// Behaviour of a session, faults included. Chosen by command-line flags, by
/// `POST /control` for the sessions that follow, and by query parameters of the
/// same names for one session (`…/v1/realtime?model=m&mute=1`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// Milliseconds before the WebSocket upgrade is answered.
    #[arg(long, default_value_t = 0)]
    pub connect_delay_ms: u64,
    /// Milliseconds from `session.update` to `session.updated`.
    #[arg(long, default_value_t = LATENCY_MS)]
    pub latency_ms: u64,
    /// Milliseconds from a response's creation to its first audio.
    #[arg(long, default_value_t = FIRST_AUDIO_MS)]
    pub first_audio_ms: u64,
    /// Milliseconds from a committed utterance to its transcript.
    #[arg(long, default_value_t = TRANSCRIPT_MS)]
    pub transcript_ms: u64,
    /// Give every second final result of a recogniser, the first of them included, so
    /// many milliseconds later, behind those that follow it.
    #[arg(long, default_value_t = 0)]
    pub late_finals_ms: u64,
    /// Give each final result of a recogniser once more after so many milliseconds.
    #[arg(long)]
    pub repeat_finals_ms: Option<u64>,
    /// Milliseconds from a chat request to the first piece of its answer.
    #[arg(long, default_value_t = FIRST_TOKEN_MS)]
    pub first_token_ms: u64,
    /// Milliseconds from one token of a chat answer to the next.
    #[arg(long, default_value_t = TOKEN_MS)]
    pub token_ms: u64,
    /// Up to so many milliseconds are added to each of a response's events.
    #[arg(long, default_value_t = 0)]
    pub jitter_ms: u64,
    /// Seed of the jitter; the same seed gives the same jitter.
    #[arg(long, default_value_t = SEED)]
    pub seed: u64,
    /// How fast audio is delivered, in multiples of real time; below 1 the model
    /// is too slow for a conversation.
    #[arg(long, default_value_t = RATE)]
    pub rate: f64,
    /// Milliseconds of audio in one delta.
    #[arg(long, default_value_t = DELTA_MS)]
    pub delta_ms: u64,
    /// Refuse the connection with this HTTP status, such as 401, 429 or 503.
    #[arg(long)]
    pub refuse: Option<u16>,
    /// Accept the TCP connection and never answer the upgrade.
    #[arg(long)]
    pub hang: bool,
    /// Connect and become ready, then create responses that never say anything.
    #[arg(long)]
    pub mute: bool,
    /// Connect, and never become ready.
    #[arg(long)]
    pub mute_before_ready: bool,
    /// Cut the connection without a close frame after so many milliseconds.
    #[arg(long)]
    pub drop_after_ms: Option<u64>,
    /// Cut the connection without a close frame after so many audio deltas.
    #[arg(long)]
    pub drop_after_deltas: Option<u64>,
    /// Send things that are no events once ready, and at each response's start.
    #[arg(long)]
    pub garbage: bool,
    /// Send an `error` event of this code once ready.
    #[arg(long)]
    pub error_code: Option<String>,
    /// End each response as failed, with an error of this code.
    #[arg(long)]
    pub fail_code: Option<String>,
    /// Audio deltas of a cancelled response that still arrive after its end.
    #[arg(long, default_value_t = 0)]
    pub late_deltas: u32,
    /// Seconds until a session ends with `session_expired`.
    #[arg(long, default_value_t = SESSION_LIMIT_S)]
    pub session_limit_s: u64,
    /// Send each message longer than 1 KiB in WebSocket continuation frames.
    #[arg(long)]
    pub fragment: bool,
    /// Make `session.updated` longer than 100 KB.
    #[arg(long)]
    pub big: bool,
    /// Refuse the beta dialect as the true service does: an error, then close 4000.
    #[arg(long)]
    pub beta_disabled: bool,
    /// Begin every 20 ms of μ-law output with the response's and frame's number.
    #[arg(long)]
    pub watermark: bool,
    /// Hear the words that the marks in a caller's frames spell, and no others.
    #[arg(long)]
    pub spelt: bool,
    /// Send each appended piece of audio straight back within one endless response.
    #[arg(long)]
    pub echo: bool,
    /// Report the same usage for every response, answer and transcript, whatever it
    /// was: 1000 tokens of text read (600 of a chat's 1000 are new, 400 of a
    /// response's), 500 of audio (400 new), 50 written, 200 spoken; 2 s put down.
    #[arg(long)]
    pub fixed_usage: bool,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            connect_delay_ms: 0,
            latency_ms: LATENCY_MS,
            first_audio_ms: FIRST_AUDIO_MS,
            transcript_ms: TRANSCRIPT_MS,
            late_finals_ms: 0,
            repeat_finals_ms: None,
            first_token_ms: FIRST_TOKEN_MS,
            token_ms: TOKEN_MS,
            jitter_ms: 0,
            seed: SEED,
            rate: RATE,
            delta_ms: DELTA_MS,
            refuse: None,
            hang: false,
            mute: false,
            mute_before_ready: false,
            drop_after_ms: None,
            drop_after_deltas: None,
            garbage: false,
            error_code: None,
            fail_code: None,
            late_deltas: 0,
            session_limit_s: SESSION_LIMIT_S,
            fragment: false,
            big: false,
            beta_disabled: false,
            watermark: false,
            spelt: false,
            echo: false,
            fixed_usage: false,
        }
    }
}

/// Why a change of the knobs was refused.
#[derive(Debug, thiserror::Error)]
pub enum KnobError {
    /// A name that is no knob, or a value of the wrong kind.
    #[error("knobs: {0}")]
    Bad(#[from] serde_json::Error),
    /// Not an object of names and values.
    #[error("knobs: expected a JSON object")]
    NoObject,
    /// A rate or length that audio cannot be delivered at.
    #[error("knobs: rate must be above 0 and delta_ms at least 20")]
    Unusable,
}

impl Knobs {
    /// These knobs with some changed; a `null` puts a knob back to its default.
    ///
    /// # Errors
    /// When a name is no knob or a value is of the wrong kind; nothing changes.
    pub fn changed(&self, changes: &Value) -> Result<Self, KnobError> {
        let changes = changes.as_object().ok_or(KnobError::NoObject)?;
        let mut all = self.to_map()?;
        for (name, value) in changes {
            if value.is_null() {
                all.remove(name);
            } else {
                all.insert(name.clone(), value.clone());
            }
        }
        Self::from_map(all)
    }

    /// These knobs with those changed that a URL's query names; parameters that
    /// are no knobs are left to others. A flag is on by `1`, `true` or no value.
    ///
    /// # Errors
    /// When a value is of the wrong kind.
    pub fn for_query(&self, query: &str) -> Result<Self, KnobError> {
        let mut all = self.to_map()?;
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            if let Some(old) = all.get(name.as_ref()) {
                let value = value_from_text(old, &name, &text);
                all.insert(name.into_owned(), value);
            }
        }
        Self::from_map(all)
    }

    /// Whether sessions echo and nothing is to go wrong in them: then there is
    /// nothing that a server made for load cannot do.
    #[must_use]
    pub(crate) fn is_plain_echo(&self) -> bool {
        let plain = Self {
            echo: true,
            latency_ms: self.latency_ms,
            first_audio_ms: self.first_audio_ms,
            transcript_ms: self.transcript_ms,
            session_limit_s: self.session_limit_s,
            ..Self::default()
        };
        *self == plain
    }

    fn to_map(&self) -> Result<Map<String, Value>, KnobError> {
        let Value::Object(all) = serde_json::to_value(self)? else {
            return Err(KnobError::NoObject);
        };
        Ok(all)
    }

    fn from_map(all: Map<String, Value>) -> Result<Self, KnobError> {
        let knobs: Self = serde_json::from_value(Value::Object(all))?;
        let usable = knobs.rate.is_finite() && knobs.rate > 0.0 && knobs.delta_ms >= 20;
        if usable { Ok(knobs) } else { Err(KnobError::Unusable) }
    }
}

fn value_from_text(old: &Value, name: &str, text: &str) -> Value {
    if old.is_boolean() {
        return match text {
            "" | "1" | "true" => Value::Bool(true),
            "0" | "false" => Value::Bool(false),
            other => Value::String(other.to_owned()),
        };
    }
    let is_text = matches!(name, "error_code" | "fail_code");
    let number = (!is_text).then(|| serde_json::from_str::<serde_json::Number>(text).ok());
    number.flatten().map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[derive(clap::Parser)]
    struct Flags {
        #[command(flatten)]
        knobs: Knobs,
    }

    #[test]
    fn no_flags_are_the_defaults() {
        use clap::Parser as _;
        assert_eq!(Flags::parse_from(["x"]).knobs, Knobs::default());
    }

    #[test]
    fn a_query_changes_what_it_names() {
        let query = "model=m&mute=1&connect_delay_ms=40&refuse=503&error_code=42&rate=0.5&hang=0";
        let knobs = Knobs::default().for_query(query).unwrap();
        let expected = Knobs {
            mute: true,
            connect_delay_ms: 40,
            refuse: Some(503),
            error_code: Some("42".to_owned()),
            rate: 0.5,
            ..Knobs::default()
        };
        assert_eq!(knobs, expected);
        assert!(Knobs::default().for_query("mute=perhaps").is_err());
        assert!(Knobs::default().for_query("rate=0").is_err());
    }

    #[test]
    fn a_change_names_knobs_only_and_null_takes_one_back() {
        let knobs = Knobs::default().changed(&json!({"refuse": 401, "latency_ms": 9})).unwrap();
        assert_eq!((knobs.refuse, knobs.latency_ms), (Some(401), 9));
        let knobs = knobs.changed(&json!({"refuse": null, "latency_ms": null})).unwrap();
        assert_eq!(knobs, Knobs::default());
        assert!(knobs.changed(&json!({"refus": 401})).is_err());
        assert!(knobs.changed(&json!([])).is_err());
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in ".{0,80}") {
            let _seen = Knobs::default().for_query(&query).is_ok();
        }
    }
}
