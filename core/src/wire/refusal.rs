//! A request that a provider answered with something other than 200: what its
//! status and body say, and what that asks of us. The same for every service
//! that is spoken to by HTTP, and for a refused WebSocket handshake.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::loose::{code, cut, text};

/// Longest part of a provider's own words that is kept, in bytes.
const MAX_MESSAGE_BYTES: usize = 300;
/// Longest `Retry-After` that is believed, in milliseconds.
const MAX_RETRY_AFTER_MS: u64 = 120_000;

/// A refusal, from its status and body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("HTTP {status}{}: {message}", code.as_ref().map(|code| format!(" {code}")).unwrap_or_default())]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The provider's own code, such as `insufficient_quota`, where there is one.
    pub code: Option<String>,
    /// Words for a person, cut short; may be empty.
    pub message: String,
    /// How long the provider asks us to wait, in milliseconds, 120,000 at most.
    pub retry_after_ms: Option<u64>,
}

/// What a refusal or a broken stream asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// May work if it is asked again, as long as nothing of it was used.
    Retry,
    /// The same, but only after a wait: too many requests.
    Wait,
    /// Will not work until somebody changes a setting or pays a bill.
    GiveUp,
    /// We asked for what cannot be had: the same request stays refused.
    OurBug,
}

impl Advice {
    /// Whether the same request may be sent again.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Retry | Self::Wait)
    }

    /// What an error's code alone says, if it says anything.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Some(match code {
            "insufficient_quota"
            | "quota_exceeded"
            | "billing_hard_limit_reached"
            | "invalid_api_key"
            | "INVALID_AUTH"
            | "INSUFFICIENT_PERMISSIONS"
            | "ASR_PAYMENT_REQUIRED"
            | "account_deactivated"
            | "model_not_found"
            | "voice_not_found" => Self::GiveUp,
            "rate_limit_exceeded" | "TOO_MANY_REQUESTS" | "too_many_concurrent_requests" => {
                Self::Wait
            }
            "server_error" | "overloaded_error" | "system_busy" => Self::Retry,
            "context_length_exceeded" | "invalid_request_error" => Self::OurBug,
            _ => return None,
        })
    }
}

impl Refusal {
    /// Reads a refusal. `body` may be JSON of any of the providers' shapes, text,
    /// or nothing; `retry_after` is the header's value.
    #[must_use]
    pub fn read(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        let (code, message) = words(&body);
        let retry_after_ms = retry_after
            .and_then(|value| value.trim().parse::<f64>().ok())
            .filter(|seconds| *seconds >= 0.0)
            .map(|seconds| super::loose::millis(seconds).min(MAX_RETRY_AFTER_MS));
        Self { status, code, message, retry_after_ms }
    }

    /// What it asks of us. The code decides where it is known: a quota that is
    /// used up is a 429 too, and no waiting helps.
    #[must_use]
    pub fn advice(&self) -> Advice {
        if let Some(advice) = self.code.as_deref().and_then(Advice::of_code) {
            return advice;
        }
        match self.status {
            429 => Advice::Wait,
            408 | 425 | 500.. => Advice::Retry,
            401..=403 => Advice::GiveUp,
            _ => Advice::OurBug,
        }
    }
}

/// The fields in which providers say what is wrong.
#[derive(Default, Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    err_code: Option<&'a RawValue>,
    #[serde(borrow)]
    err_msg: Option<&'a RawValue>,
}

/// A body's code and words. The object that says them is the body itself, or
/// its `error` (chat), or its `detail` (ElevenLabs; a list where fields are wrong).
fn words(body: &str) -> (Option<String>, String) {
    let Ok(outer) = serde_json::from_str::<Body<'_>>(body) else {
        // A page of HTML says nothing to anybody.
        let text = body.trim();
        let text = if text.starts_with('<') { "" } else { text };
        return (None, cut(text, MAX_MESSAGE_BYTES).to_owned());
    };
    let nested = outer.error.or(outer.detail);
    let inner = nested.and_then(|raw| {
        let one = serde_json::from_str::<Body<'_>>(raw.get()).ok();
        one.or_else(|| serde_json::from_str::<Vec<Body<'_>>>(raw.get()).ok()?.into_iter().next())
    });
    let plain = text(nested);
    let said = inner.as_ref().unwrap_or(&outer);
    let code = [said.code, said.err_code, said.status, said.kind].into_iter().find_map(code);
    let message = [said.message, said.err_msg, said.msg, said.description]
        .into_iter()
        .find_map(|raw| text(raw))
        .or(plain)
        .unwrap_or_default();
    (code, cut(&message, MAX_MESSAGE_BYTES).to_owned())
}

/// The code and words of an error object that comes inside a stream.
pub(super) fn in_stream(object: &str) -> (Option<String>, String) {
    words(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(status: u16, body: &str) -> Advice {
        Refusal::read(status, None, body.as_bytes()).advice()
    }

    #[test]
    fn every_providers_words_are_found() {
        for (body, code, message) in [
            (
                r#"{"error":{"message":"Slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#,
                Some("rate_limit_exceeded"),
                "Slow down",
            ),
            (
                r#"{"error":{"message":"m","type":"server_error","code":null}}"#,
                Some("server_error"),
                "m",
            ),
            (r#"{"error":"model is loading"}"#, None, "model is loading"),
            (r#"{"error":{"code":1301,"message":"busy"}}"#, Some("1301"), "busy"),
            (
                r#"{"detail":{"status":"quota_exceeded","message":"No credit left"}}"#,
                Some("quota_exceeded"),
                "No credit left",
            ),
            (
                r#"{"detail":[{"loc":["body","text"],"msg":"field required","type":"missing"}]}"#,
                Some("missing"),
                "field required",
            ),
            (
                r#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials.","request_id":"x"}"#,
                Some("INVALID_AUTH"),
                "Invalid credentials.",
            ),
            ("<html><body>502</body></html>", None, ""),
            ("upstream gone", None, "upstream gone"),
            ("", None, ""),
            ("[1]", None, "[1]"),
        ] {
            let refusal = Refusal::read(500, None, body.as_bytes());
            assert_eq!(
                (refusal.code.as_deref(), refusal.message.as_str()),
                (code, message),
                "{body}"
            );
        }
    }

    #[test]
    fn a_used_up_quota_is_no_reason_to_wait() {
        assert_eq!(advice(429, ""), Advice::Wait);
        assert_eq!(advice(429, r#"{"error":{"code":"insufficient_quota"}}"#), Advice::GiveUp);
        assert_eq!(advice(401, ""), Advice::GiveUp);
        assert_eq!(advice(400, ""), Advice::OurBug);
        assert_eq!(advice(422, ""), Advice::OurBug);
        assert_eq!(advice(503, "oops"), Advice::Retry);
        assert_eq!(advice(408, ""), Advice::Retry);
    }

    #[test]
    fn a_wait_is_believed_within_reason() {
        let wait = |value| Refusal::read(429, Some(value), b"").retry_after_ms;
        assert_eq!(wait("2"), Some(2_000));
        assert_eq!(wait(" 0.5 "), Some(500));
        assert_eq!(wait("86400"), Some(120_000));
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(wait("-1"), None);
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        let body = "ü".repeat(500);
        let message = Refusal::read(500, None, body.as_bytes()).message;
        assert_eq!(message.chars().count(), 150);
    }
}
