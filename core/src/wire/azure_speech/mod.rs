//! Azure's neural voices: one request for each piece of text, answered by raw
//! μ-law at 8 kHz without a header, which is what a phone line carries.

use super::url::{Target, UrlError};
use super::xml::{self, push_escaped};

/// The format of the answer. `riff-…` would begin with a header, heard as a click.
pub const OUTPUT_FORMAT: &str = "raw-8khz-8bit-mono-mulaw";
/// The request's `Content-Type`.
pub const CONTENT_TYPE: &str = "application/ssml+xml";
/// Where the service has its endpoint below a region's host.
const PATH: &str = "/cognitiveservices/v1";
/// Longest output that the service does not cut, in milliseconds.
pub const MAX_OUTPUT_MS: u64 = 600_000;

/// How a text is to be spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance<'a> {
    /// The voice's name, such as `en-US-AvaNeural`.
    pub voice: &'a str,
    /// Speed in percent of the voice's own: 100 is as it is.
    pub rate_percent: u16,
    /// The words.
    pub text: &'a str,
}

impl Utterance<'_> {
    /// The request's body. The text is a model's and is escaped: no element of it
    /// reaches the service as one.
    #[must_use]
    pub fn ssml(&self) -> String {
        let mut out = String::with_capacity(200 + self.text.len());
        let language = [("version", "1.0"), ("xmlns", SSML), ("xml:lang", language(self.voice))];
        xml::open(&mut out, "speak", &language);
        xml::open(&mut out, "voice", &[("name", self.voice)]);
        if self.rate_percent == 100 {
            push_escaped(&mut out, self.text);
        } else {
            let rate = format!("{}%", self.rate_percent);
            xml::element(&mut out, "prosody", &[("rate", &rate)], self.text);
        }
        xml::close(&mut out, "voice");
        xml::close(&mut out, "speak");
        out
    }
}

const SSML: &str = "http://www.w3.org/2001/10/synthesis";

/// The language of a voice by its name, `de-DE` of `de-DE-KatjaNeural`.
fn language(voice: &str) -> &str {
    let end = voice.match_indices('-').nth(1).map(|(at, _)| at);
    end.and_then(|end| voice.get(..end)).unwrap_or("en-US")
}

/// The URL to post to, from the configured one: a region's host
/// (`https://westeurope.tts.speech.microsoft.com`), or the whole address.
///
/// # Errors
/// When the text is no URL that can be dialled; see [`UrlError`].
pub fn request_target(base_url: &str) -> Result<String, UrlError> {
    let target = Target::read(base_url)?;
    Ok(target.http(&target.below(PATH)))
}

/// The region's own URL, for a configuration that names only the region.
#[must_use]
pub fn region_url(region: &str) -> String {
    format!("https://{}.tts.speech.microsoft.com", super::url::segment(region))
}

/// The request's headers. The result holds the key, so it may not be logged.
#[must_use]
pub fn headers(api_key: &str) -> Vec<(&'static str, String)> {
    vec![
        ("Ocp-Apim-Subscription-Key", api_key.trim().to_owned()),
        ("Content-Type", CONTENT_TYPE.to_owned()),
        ("X-Microsoft-OutputFormat", OUTPUT_FORMAT.to_owned()),
        // The service refuses a request without one.
        ("User-Agent", "trunkline".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_cannot_leave_its_element() {
        let utterance = Utterance {
            voice: "de-DE-KatjaNeural",
            rate_percent: 100,
            text: "</voice><audio src='x'/> Tom & \"Ann\"\u{0} ü",
        };
        assert_eq!(
            utterance.ssml(),
            "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" \
             xml:lang=\"de-DE\"><voice name=\"de-DE-KatjaNeural\">&lt;/voice&gt;&lt;audio \
             src=&apos;x&apos;/&gt; Tom &amp; &quot;Ann&quot; ü</voice></speak>"
        );
    }

    #[test]
    fn another_speed_is_an_element_of_its_own() {
        let fast = Utterance { voice: "Ava", rate_percent: 120, text: "Hi" };
        assert!(fast.ssml().ends_with(
            "xml:lang=\"en-US\"><voice name=\"Ava\"><prosody rate=\"120%\">Hi</prosody></voice></speak>"
        ));
    }

    #[test]
    fn a_host_alone_is_enough() {
        let whole = "https://we.tts.speech.microsoft.com/cognitiveservices/v1";
        assert_eq!(request_target(&region_url("we")).as_deref(), Ok(whole));
        assert_eq!(request_target(whole).as_deref(), Ok(whole));
        assert_eq!(request_target("we"), Err(UrlError::Scheme));
    }
}
