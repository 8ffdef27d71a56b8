//! What a webhook's answer holds.

use super::line::{Answer, LineError};
use super::twiml::{self, Verb};

/// A document that cannot be followed: Twilio's number for it, and why.
pub(super) struct Unusable {
    pub(super) code: u32,
    pub(super) message: String,
}

/// The instructions in an answer, whatever form they have.
pub(super) fn read(result: Result<Answer, LineError>) -> Result<Vec<Verb>, Unusable> {
    let answer = result.map_err(|error| Unusable {
        code: match error {
            LineError::Connect(_) | LineError::Timeout => 11_205,
            LineError::Broken(_) => 11_200,
        },
        message: error.to_string(),
    })?;
    if !(200..300).contains(&answer.status) {
        return Err(Unusable { code: 11_200, message: format!("status {}", answer.status) });
    }
    let malformed = |message: String| Unusable { code: 12_100, message };
    let text = std::str::from_utf8(&answer.body).map_err(|error| malformed(error.to_string()))?;
    let kind = answer.content_type.split(';').next().unwrap_or_default().trim();
    match kind.to_ascii_lowercase().as_str() {
        // Twilio reads plain text aloud and hangs up.
        "text/plain" => Ok(vec![Verb::Say(text.trim().to_owned()), Verb::Hangup]),
        "text/xml" | "application/xml" | "text/html" => twiml::parse(text)
            .map_err(|error| Unusable { code: error.code(), message: error.to_string() }),
        other => {
            Err(Unusable { code: 12_300, message: format!("content type {other:?} is no TwiML") })
        }
    }
}
