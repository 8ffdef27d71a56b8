//! TwiML: what a webhook is answered with. Every text is escaped where it is put
//! into a document, so no text from outside can change a document's structure.
//!
//! Texts for the caller's ear and numbers are personal, so a document prints as
//! its length.

use std::fmt;

use super::verbs::{ConnectStream, Dial, Gather, GatherInput, Record, RejectReason};
use crate::pii::PhoneNumber;
use crate::wire::xml::{self, Attribute};

/// The media type of a document. As `text/plain`, Twilio would read it aloud.
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// The voice of `<Say>` unless another is chosen.
pub const DEFAULT_VOICE: &str = "Polly.Joanna";

/// A document in the making: verbs in the order in which Twilio follows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Twiml {
    voice: String,
    body: String,
}

impl Default for Twiml {
    fn default() -> Self {
        Self::new()
    }
}

impl Twiml {
    /// An empty document: Twilio answers the call and hangs up.
    #[must_use]
    pub fn new() -> Self {
        Self { voice: DEFAULT_VOICE.to_owned(), body: String::new() }
    }

    /// Chooses the voice of what is said from here on.
    #[must_use]
    pub fn voice(mut self, voice: &str) -> Self {
        voice.clone_into(&mut self.voice);
        self
    }

    /// Says a text.
    #[must_use]
    pub fn say(mut self, text: &str) -> Self {
        xml::element(&mut self.body, "Say", &[("voice", &self.voice)], text);
        self
    }

    /// Plays an audio file from a URL.
    #[must_use]
    pub fn play(mut self, url: &str) -> Self {
        xml::element(&mut self.body, "Play", &[], url);
        self
    }

    /// Waits for a number of seconds.
    #[must_use]
    pub fn pause(mut self, length_s: u32) -> Self {
        xml::empty(&mut self.body, "Pause", &[("length", &length_s.to_string())]);
        self
    }

    /// Opens a bidirectional media stream. Whoever takes parameters from outside
    /// calls [`ConnectStream::check`] first.
    #[must_use]
    pub fn connect_stream(mut self, connect: ConnectStream) -> Self {
        debug_assert_eq!(connect.check(), Ok(()));
        let mut attributes = Attributes::default();
        attributes.text("action", connect.action.as_deref());
        xml::open(&mut self.body, "Connect", &attributes.borrow());
        let mut attributes = Attributes::default();
        attributes.text("url", Some(&connect.url));
        attributes.text("name", connect.name.as_deref());
        attributes.text("statusCallback", connect.status_callback.as_deref());
        xml::open(&mut self.body, "Stream", &attributes.borrow());
        for (name, value) in &connect.parameters {
            xml::empty(&mut self.body, "Parameter", &[("name", name), ("value", value)]);
        }
        xml::close(&mut self.body, "Stream");
        xml::close(&mut self.body, "Connect");
        self
    }

    /// Collects keys or speech.
    #[must_use]
    pub fn gather(mut self, gather: Gather) -> Self {
        let input = match gather.input {
            GatherInput::Dtmf => "dtmf",
            GatherInput::Speech => "speech",
            GatherInput::DtmfSpeech => "dtmf speech",
        };
        let mut attributes = Attributes::default();
        attributes.text("input", Some(input));
        attributes.text("action", gather.action.as_deref());
        attributes.number("timeout", gather.timeout_s);
        attributes.number("numDigits", gather.num_digits);
        attributes.text("finishOnKey", gather.finish_on_key.as_deref());
        attributes.text("language", gather.language.as_deref());
        attributes.text("hints", gather.hints.as_deref());
        attributes.flag("actionOnEmptyResult", gather.action_on_empty_result);
        xml::open(&mut self.body, "Gather", &attributes.borrow());
        if let Some(text) = &gather.say {
            self = self.say(text);
        }
        xml::close(&mut self.body, "Gather");
        self
    }

    /// Connects the caller with someone.
    #[must_use]
    pub fn dial(mut self, dial: Dial) -> Self {
        let mut attributes = Attributes::default();
        attributes.text("callerId", dial.caller_id.as_ref().map(PhoneNumber::expose));
        attributes.text("record", dial.record.then_some("record-from-answer"));
        let callback = dial.recording_status_callback.as_deref();
        attributes.text("recordingStatusCallback", callback);
        attributes.text("recordingStatusCallbackEvent", callback.map(|_| "completed absent"));
        attributes.text("action", dial.action.as_deref());
        attributes.number("timeout", dial.timeout_s);
        attributes.number("timeLimit", dial.time_limit_s);
        attributes.flag("answerOnBridge", dial.answer_on_bridge);
        xml::open(&mut self.body, "Dial", &attributes.borrow());
        let number = dial.number.expose();
        match number.strip_prefix("client:") {
            Some(name) => xml::element(&mut self.body, "Client", &[], name),
            None if number.starts_with("sip:") => {
                xml::element(&mut self.body, "Sip", &[], number);
            }
            None => xml::element(&mut self.body, "Number", &[], number),
        }
        xml::close(&mut self.body, "Dial");
        self
    }

    /// Records the caller.
    #[must_use]
    pub fn record(mut self, record: Record) -> Self {
        let mut attributes = Attributes::default();
        attributes.text("action", record.action.as_deref());
        attributes.number("timeout", record.timeout_s);
        attributes.number("maxLength", record.max_length_s);
        attributes.text("finishOnKey", record.finish_on_key.as_deref());
        attributes.text("playBeep", record.silent.then_some("false"));
        attributes.text("recordingStatusCallback", record.recording_status_callback.as_deref());
        xml::empty(&mut self.body, "Record", &attributes.borrow());
        self
    }

    /// Goes on with the document at a URL; nothing after this is reached.
    #[must_use]
    pub fn redirect(mut self, url: &str) -> Self {
        xml::element(&mut self.body, "Redirect", &[], url);
        self
    }

    /// Does not answer the call, which costs nothing. Only as the first verb.
    #[must_use]
    pub fn reject(mut self, reason: RejectReason) -> Self {
        debug_assert!(self.body.is_empty(), "a call that was answered cannot be rejected");
        let reason = match reason {
            RejectReason::Rejected => "rejected",
            RejectReason::Busy => "busy",
        };
        xml::empty(&mut self.body, "Reject", &[("reason", reason)]);
        self
    }

    /// Ends the call.
    #[must_use]
    pub fn hangup(mut self) -> Self {
        xml::empty(&mut self.body, "Hangup", &[]);
        self
    }

    /// The whole document, to be sent as [`CONTENT_TYPE`].
    #[must_use]
    pub fn to_xml(&self) -> String {
        let body = &self.body;
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{body}</Response>")
    }
}

impl fmt::Debug for Twiml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Twiml({} bytes)", self.body.len())
    }
}

/// The attributes of one element that are there at all.
#[derive(Default)]
struct Attributes(Vec<(&'static str, String)>);

impl Attributes {
    fn text(&mut self, name: &'static str, value: Option<&str>) {
        self.0.extend(value.map(|value| (name, value.to_owned())));
    }

    fn number(&mut self, name: &'static str, value: Option<u32>) {
        self.0.extend(value.map(|value| (name, value.to_string())));
    }

    fn flag(&mut self, name: &'static str, value: bool) {
        self.text(name, value.then_some("true"));
    }

    fn borrow(&self) -> Vec<Attribute<'_>> {
        self.0.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
}
