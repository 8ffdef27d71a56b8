//! What is asked for, and what is sent beside audio.

use serde::{Deserialize, Serialize};

use crate::wire::url::{Target, UrlError};

/// Where the public service has its endpoint; added to a URL without a path.
const DEFAULT_PATH: &str = "/v1/listen";

/// What a connection is to recognise, for a caller's μ-law audio at 8 kHz.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listen {
    /// The service's name of the model.
    pub model: String,
    /// Language as a BCP-47 tag; the model's own where unset.
    pub language: Option<String>,
    /// Whether words come before they are final.
    pub interim_results: bool,
    /// Silence after which an utterance counts as ended, in milliseconds. The
    /// service's own is 10, far too short for a conversation.
    pub endpointing_ms: u32,
    /// Gap between words after which `UtteranceEnd` comes, in milliseconds: 1,000
    /// at least, and only with interim results.
    pub utterance_end_ms: Option<u32>,
    /// Whether the start of speech is told.
    pub vad_events: bool,
    /// Whether numbers, dates and sentences are written as people write them.
    pub smart_format: bool,
    /// Words to expect: names of people, streets, products.
    pub keyterms: Vec<String>,
    /// A mark that the service keeps with its own records of the request.
    pub tag: Option<String>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            model: "nova-3".to_owned(),
            language: None,
            interim_results: true,
            endpointing_ms: 300,
            utterance_end_ms: Some(1_000),
            vad_events: true,
            smart_format: true,
            keyterms: Vec::new(),
            tag: None,
        }
    }
}

impl Listen {
    /// The URL to dial, with scheme `ws` or `wss`. What the configured URL's own
    /// query says is left as it is.
    ///
    /// # Errors
    /// When the text is no URL that can be dialled; see [`UrlError`].
    pub fn request_target(&self, base_url: &str) -> Result<String, UrlError> {
        let mut target = Target::read(base_url)?.or_path(DEFAULT_PATH);
        target.add_default("model", &self.model);
        target.add_default("encoding", "mulaw");
        target.add_default("sample_rate", "8000");
        target.add_default("channels", "1");
        target.add_default("interim_results", on(self.interim_results));
        target.add_default("endpointing", &self.endpointing_ms.to_string());
        if let Some(ms) = self.utterance_end_ms.filter(|_| self.interim_results) {
            target.add_default("utterance_end_ms", &ms.max(1_000).to_string());
        }
        target.add_default("vad_events", on(self.vad_events));
        target.add_default("smart_format", on(self.smart_format));
        if let Some(language) = &self.language {
            target.add_default("language", language);
        }
        for term in &self.keyterms {
            target.add("keyterm", term);
        }
        if let Some(tag) = &self.tag {
            target.add("tag", tag);
        }
        Ok(target.socket())
    }
}

const fn on(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

/// The headers of the handshake. The result holds the key, so it may not be
/// logged.
#[must_use]
pub fn headers(api_key: &str) -> Vec<(&'static str, String)> {
    vec![("Authorization", format!("Token {}", api_key.trim()))]
}

/// What is sent beside audio, as text messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// We are still here, with nothing to say; never answered.
    KeepAlive,
    /// Make final what was heard so far: answered by results with
    /// `from_finalize`.
    Finalize,
    /// We are done: answered by the last results, `Metadata` and a close.
    CloseStream,
}

impl Control {
    /// The message.
    #[must_use]
    pub const fn as_text(self) -> &'static str {
        match self {
            Self::KeepAlive => r#"{"type":"KeepAlive"}"#,
            Self::Finalize => r#"{"type":"Finalize"}"#,
            Self::CloseStream => r#"{"type":"CloseStream"}"#,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn the_url_asks_for_phone_audio() {
        assert_eq!(
            Listen::default().request_target("https://api.deepgram.com").unwrap(),
            "wss://api.deepgram.com/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000&\
             channels=1&interim_results=true&endpointing=300&utterance_end_ms=1000&\
             vad_events=true&smart_format=true"
        );
    }

    #[test]
    fn every_wish_is_in_the_url_and_the_configured_query_has_the_last_word() {
        let listen = Listen {
            model: "m".to_owned(),
            language: Some("de".to_owned()),
            interim_results: false,
            keyterms: vec!["Müller & Söhne".to_owned(), "Ada".to_owned()],
            tag: Some("call 1".to_owned()),
            ..Listen::default()
        };
        assert_eq!(
            listen.request_target("ws://h:1/stt?endpointing=25").unwrap(),
            "ws://h:1/stt?endpointing=25&model=m&encoding=mulaw&sample_rate=8000&channels=1&\
             interim_results=false&vad_events=true&smart_format=true&language=de&\
             keyterm=M%C3%BCller%20%26%20S%C3%B6hne&keyterm=Ada&tag=call%201"
        );
        assert_eq!(listen.request_target("h"), Err(UrlError::Scheme));
    }

    #[test]
    fn a_gap_shorter_than_the_service_takes_is_lengthened() {
        let listen = Listen { utterance_end_ms: Some(200), ..Listen::default() };
        assert!(listen.request_target("ws://h").unwrap().contains("&utterance_end_ms=1000&"));
    }
}
