//! ElevenLabs' voices: one request for each piece of text, answered by raw μ-law
//! at 8 kHz.

use serde::Serialize;

use super::url::{Target, UrlError, segment};

/// The format of the answer: μ-law at 8 kHz, without a header.
pub const OUTPUT_FORMAT: &str = "ulaw_8000";
/// The fast model; the service's own default is slower.
pub const DEFAULT_MODEL: &str = "eleven_flash_v2_5";

/// How a text is to be spoken.
#[derive(Clone, Debug, PartialEq)]
pub struct Utterance<'a> {
    /// The service's name of the model.
    pub model: &'a str,
    /// Language as a two-letter code; told from the text where unset.
    pub language: Option<&'a str>,
    /// Speed in percent of the voice's own: 100 is as it is.
    pub rate_percent: u16,
    /// The words.
    pub text: &'a str,
    /// What the same voice said just before, for the melody; never spoken.
    pub previous_text: Option<&'a str>,
}

#[derive(Serialize)]
struct Body<'a> {
    text: &'a str,
    model_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice_settings: Option<Settings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_text: Option<&'a str>,
}

#[derive(Serialize)]
struct Settings {
    speed: f64,
}

impl Utterance<'_> {
    /// The request's body, JSON.
    #[must_use]
    pub fn body(&self) -> String {
        let own = self.rate_percent == 100;
        let body = Body {
            text: self.text,
            model_id: self.model,
            language_code: self.language,
            voice_settings: (!own)
                .then(|| Settings { speed: f64::from(self.rate_percent) / 100.0 }),
            previous_text: self.previous_text,
        };
        // Texts and numbers always serialise.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// The URL to post to, from the configured one (a host, as a rule) and the
/// voice's id.
///
/// # Errors
/// When the text is no URL that can be dialled; see [`UrlError`].
pub fn request_target(base_url: &str, voice_id: &str) -> Result<String, UrlError> {
    let mut target = Target::read(base_url)?;
    target.add_default("output_format", OUTPUT_FORMAT);
    let path = target.below("/v1/text-to-speech");
    Ok(target.http(&format!("{path}/{}/stream", segment(voice_id))))
}

/// The request's headers. The result holds the key, so it may not be logged.
#[must_use]
pub fn headers(api_key: &str) -> Vec<(&'static str, String)> {
    vec![("xi-api-key", api_key.trim().to_owned()), ("Content-Type", "application/json".to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_is_sent() {
        let plain = Utterance {
            model: DEFAULT_MODEL,
            language: None,
            rate_percent: 100,
            text: "Say \"hi\"\n",
            previous_text: None,
        };
        assert_eq!(plain.body(), r#"{"text":"Say \"hi\"\n","model_id":"eleven_flash_v2_5"}"#);
        let all = Utterance {
            language: Some("de"),
            rate_percent: 90,
            previous_text: Some("Hello."),
            ..plain
        };
        assert_eq!(
            all.body(),
            r#"{"text":"Say \"hi\"\n","model_id":"eleven_flash_v2_5","language_code":"de","voice_settings":{"speed":0.9},"previous_text":"Hello."}"#
        );
    }

    #[test]
    fn a_voice_cannot_leave_its_place_in_the_path() {
        assert_eq!(
            request_target("https://api.elevenlabs.io", "../x?y").as_deref(),
            Ok(
                "https://api.elevenlabs.io/v1/text-to-speech/..%2Fx%3Fy/stream?output_format=ulaw_8000"
            )
        );
    }
}
