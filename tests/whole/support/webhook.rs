//! A webhook written by hand: signed well, badly or not at all.

use std::time::Duration;

use trunkline_core::wire::twilio::form::Form;
use trunkline_core::wire::twilio::signature::sign;
use trunkline_simulator::carrier::{StreamNoun, Verb, parse_twiml};

use super::{ACCOUNT, AUTH_TOKEN, PUBLIC_URL, SHOP, ServerProcess, server::client};

/// The caller of calls that are made by hand.
pub const CALLER: &str = "+15550179124";

/// A call's SID that nobody has used.
pub fn new_call() -> String {
    format!("CA{}", uuid::Uuid::new_v4().simple())
}

/// The paths to which the carrier says that a call rings.
const RINGS: [&str; 3] = ["/twilio/voice", "/voice", "/voice-answer"];

/// A request to be sent.
#[derive(Clone)]
pub struct Webhook {
    path: String,
    form: Vec<(String, String)>,
    token: Option<String>,
    origin: String,
    signature: Option<String>,
    headers: Vec<(&'static str, String)>,
}

impl Webhook {
    /// What the carrier sends to `path` about a call to the shop.
    pub fn new(path: &str, call_sid: &str) -> Self {
        Self::bare(path)
            .with("CallSid", call_sid)
            .with("AccountSid", ACCOUNT)
            .with("From", CALLER)
            .with("To", SHOP)
            .with("CallStatus", "ringing")
            .with("Direction", "inbound")
    }

    /// A request without a parameter.
    pub fn bare(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            form: Vec::new(),
            token: Some(AUTH_TOKEN.to_owned()),
            origin: PUBLIC_URL.to_owned(),
            signature: None,
            headers: Vec::new(),
        }
    }

    /// What the carrier posts of a call's recording, without the called number. The
    /// address of the audio is not to be believed.
    pub fn recorded(path: &str, call: &str, recording: &str) -> Self {
        Self::bare(path)
            .with("AccountSid", ACCOUNT)
            .with("CallSid", call)
            .with("RecordingSid", recording)
            .with("RecordingStatus", "completed")
            .with("RecordingDuration", "7")
            .with("RecordingChannels", "1")
            .with("RecordingUrl", "http://169.254.169.254/latest/meta-data")
    }

    /// Sets a parameter.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.form.retain(|(known, _)| known != name);
        self.form.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signs it not at all.
    pub fn unsigned(mut self) -> Self {
        self.token = None;
        self
    }

    /// Signs it with another token.
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Signs it over another origin.
    pub fn origin(mut self, origin: &str) -> Self {
        self.origin = origin.to_owned();
        self
    }

    /// Puts this where the signature belongs.
    pub fn signature(mut self, signature: &str) -> Self {
        self.signature = Some(signature.to_owned());
        self
    }

    /// The signature it is sent with.
    pub fn signed(&self) -> Option<String> {
        let url = format!("{}{}", self.origin, self.path);
        let good = self.token.as_ref().map(|token| sign(token, &url, &self.form));
        self.signature.clone().or(good)
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends it.
    pub async fn send(&self, server: &ServerProcess) -> Answer {
        self.try_send(server).await.expect("the server answers")
    }

    /// Sends it to a server that may be gone; nothing when it does not answer.
    pub async fn try_send(&self, server: &ServerProcess) -> Option<Answer> {
        let mut request = client()
            .post(format!("{}{}", server.base(), self.path))
            .timeout(Duration::from_secs(15))
            .content_type("application/x-www-form-urlencoded");
        for (name, value) in &self.headers {
            request = request.insert_header((*name, value.as_str()));
        }
        if let Some(signature) = self.signed() {
            request = request.insert_header(("x-twilio-signature", signature));
        }
        let mut answer = request.send_body(self.body()).await.ok()?;
        let body = answer.body().await.ok()?;
        let text = String::from_utf8(body.to_vec()).expect("text");
        if RINGS.contains(&self.path.as_str()) && answer.status().is_success() {
            server.rung.borrow_mut().push(self.clone());
        }
        Some(Answer { status: answer.status().as_u16(), text })
    }

    fn body(&self) -> String {
        Form::from_pairs(self.form.clone()).to_body()
    }

    /// The request as it goes over a connection of its own.
    pub fn as_http(&self) -> String {
        let body = self.body();
        let signature = self.signed().map(|signed| ("x-twilio-signature", signed));
        let headers: String = (self.headers.iter().cloned())
            .chain(signature)
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        format!(
            "POST {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\
             content-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            self.path,
            body.len()
        )
    }

    /// The call that it is about.
    pub(super) fn call_sid(&self) -> String {
        let sid = self.form.iter().find(|(name, _)| name == "CallSid");
        sid.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The carrier's report that this call's caller hung up.
    pub(super) fn hangs_up(&self) -> Self {
        let over = Self { path: "/twilio/status".to_owned(), signature: None, ..self.clone() };
        over.with("CallStatus", "completed")
    }
}

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub text: String,
}

impl Answer {
    /// What the carrier is told to do, as it understands it.
    pub fn verbs(&self) -> Vec<Verb> {
        assert_eq!(self.status, 200, "{}", self.text);
        parse_twiml(&self.text).expect("TwiML")
    }

    /// The stream that the carrier is told to open.
    pub fn stream(&self) -> StreamNoun {
        let stream = self
            .verbs()
            .into_iter()
            .find_map(|verb| if let Verb::Stream(stream) = verb { Some(stream) } else { None });
        stream.unwrap_or_else(|| panic!("no stream: {}", self.text))
    }

    /// The token of that stream.
    pub fn stream_token(&self) -> String {
        let parameters = self.stream().parameters;
        parameters.into_iter().find(|(name, _)| name == "token").expect("a token").1
    }

    /// The sentence that is said, when nothing but the end of the call follows.
    pub fn last_words(&self) -> String {
        match self.verbs().as_slice() {
            [Verb::Say(words), Verb::Hangup] => words.clone(),
            other => panic!("not a sentence and the end: {other:?}"),
        }
    }

    /// The number that is dialled, and what is said before.
    pub fn dialled(&self) -> (String, String) {
        match self.verbs().as_slice() {
            [Verb::Say(words), Verb::Dial(dial)] => (words.clone(), dial.numbers[0].clone()),
            other => panic!("not a sentence and a call to somebody: {other:?}"),
        }
    }
}
