//! TwiML as the carrier reads it: which verbs, with which attributes, in which
//! order. Names are case-sensitive, as they are at Twilio.

use roxmltree::{Document, Node};

/// Largest document that is followed, in bytes.
pub const MAX_TWIML_BYTES: usize = 64 * 1024;

/// Deepest nesting that is looked at; the language itself needs three.
const MAX_NODES: u32 = 10_000;

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Text to speak.
    Say(String),
    /// A recording's URL.
    Play(String),
    /// Seconds of silence.
    Pause(u64),
    /// A call to somebody else.
    Dial(Dial),
    /// A wait for keys.
    Gather(Gather),
    /// A bidirectional media stream.
    Stream(Stream),
    /// A message from the caller.
    Record {
        /// Where the recording is announced.
        action: Option<String>,
    },
    /// Another document.
    Redirect(String),
    /// Refusal before the call is answered.
    Reject {
        /// `busy` rather than `rejected`.
        busy: bool,
    },
    /// The end.
    Hangup,
    /// Anything else: the element's name.
    Unknown(String),
}

/// `<Dial>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dial {
    /// Who is called; the first to answer wins.
    pub numbers: Vec<String>,
    /// The number they see.
    pub caller_id: Option<String>,
    /// The `record` attribute.
    pub record: Option<String>,
    /// Where the recording is announced.
    pub recording_status_callback: Option<String>,
    /// Where the outcome is announced.
    pub action: Option<String>,
    /// Seconds of ringing.
    pub timeout_s: u64,
}

/// `<Gather>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gather {
    /// Where the keys go; the same document when unset.
    pub action: Option<String>,
    /// Keys that end the wait; any number when unset.
    pub num_digits: Option<usize>,
    /// Key that ends the wait; empty when none does.
    pub finish_on_key: String,
    /// Seconds of waiting for a key.
    pub timeout_s: u64,
    /// Whether the action is requested without any key.
    pub action_on_empty: bool,
    /// Verbs inside, played while the keys may come.
    pub prompts: Vec<Verb>,
}

/// `<Connect><Stream>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The WebSocket's URL, exactly as written: it is what is signed.
    pub url: String,
    /// The `name` attribute.
    pub name: Option<String>,
    /// `<Connect>`'s action.
    pub action: Option<String>,
    /// Where the stream's own events go.
    pub status_callback: Option<String>,
    /// `<Parameter>`s.
    pub parameters: Vec<(String, String)>,
}

/// Why a document cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TwimlError {
    /// Longer than [`MAX_TWIML_BYTES`].
    #[error("the document is longer than {MAX_TWIML_BYTES} bytes")]
    TooLong,
    /// No well-formed XML.
    #[error("not well-formed: {0}")]
    Malformed(String),
    /// Another root element than `<Response>`.
    #[error("the root element is <{0}>, not <Response>")]
    Root(String),
}

impl TwimlError {
    /// Twilio's number for it.
    #[must_use]
    pub fn code(&self) -> u32 {
        match self {
            Self::TooLong => 11_750,
            Self::Malformed(_) | Self::Root(_) => 12_100,
        }
    }
}

/// Reads a document's verbs.
///
/// # Errors
/// When it is too long, no XML, or no `<Response>`.
pub fn parse(text: &str) -> Result<Vec<Verb>, TwimlError> {
    if text.len() > MAX_TWIML_BYTES {
        return Err(TwimlError::TooLong);
    }
    let options = roxmltree::ParsingOptions { nodes_limit: MAX_NODES, ..Default::default() };
    let document = Document::parse_with_options(text.trim_start(), options)
        .map_err(|error| TwimlError::Malformed(error.to_string()))?;
    let root = document.root_element();
    if root.tag_name().name() != "Response" {
        return Err(TwimlError::Root(root.tag_name().name().to_owned()));
    }
    Ok(verbs(root))
}

fn verbs(parent: Node<'_, '_>) -> Vec<Verb> {
    parent.children().filter(Node::is_element).map(verb).collect()
}

fn verb(node: Node<'_, '_>) -> Verb {
    match node.tag_name().name() {
        "Say" => Verb::Say(text(node)),
        "Play" => Verb::Play(text(node)),
        "Pause" => Verb::Pause(number(node, "length", 1)),
        "Dial" => Verb::Dial(dial(node)),
        "Gather" => Verb::Gather(gather(node)),
        "Connect" => connect(node),
        "Record" => Verb::Record { action: attribute(node, "action") },
        "Redirect" => Verb::Redirect(text(node)),
        "Reject" => Verb::Reject { busy: node.attribute("reason") == Some("busy") },
        "Hangup" => Verb::Hangup,
        other => Verb::Unknown(other.to_owned()),
    }
}

fn dial(node: Node<'_, '_>) -> Dial {
    let nouns = node.children().filter(|child| child.tag_name().name() == "Number").map(text);
    let own: String = node.children().filter(Node::is_text).filter_map(|t| t.text()).collect();
    let numbers = nouns.chain(std::iter::once(own.trim().to_owned()));
    Dial {
        numbers: numbers.filter(|number| !number.is_empty()).collect(),
        caller_id: attribute(node, "callerId"),
        record: attribute(node, "record"),
        recording_status_callback: attribute(node, "recordingStatusCallback"),
        action: attribute(node, "action"),
        timeout_s: number(node, "timeout", 30),
    }
}

fn gather(node: Node<'_, '_>) -> Gather {
    Gather {
        action: attribute(node, "action"),
        num_digits: node.attribute("numDigits").and_then(|n| n.parse().ok()),
        finish_on_key: node.attribute("finishOnKey").unwrap_or("#").to_owned(),
        timeout_s: number(node, "timeout", 5),
        action_on_empty: node.attribute("actionOnEmptyResult") == Some("true"),
        prompts: verbs(node),
    }
}

fn connect(node: Node<'_, '_>) -> Verb {
    let Some(stream) = node.children().find(|child| child.is_element()) else {
        return Verb::Unknown("Connect without a noun".to_owned());
    };
    if stream.tag_name().name() != "Stream" {
        return Verb::Unknown(format!("Connect with {}", stream.tag_name().name()));
    }
    let parameters = stream.children().filter(|child| child.tag_name().name() == "Parameter");
    let pair = |node: Node<'_, '_>| {
        let value = |name| node.attribute(name).unwrap_or_default().to_owned();
        (value("name"), value("value"))
    };
    Verb::Stream(Stream {
        url: stream.attribute("url").unwrap_or_default().to_owned(),
        name: attribute(stream, "name"),
        action: attribute(node, "action"),
        status_callback: attribute(stream, "statusCallback"),
        parameters: parameters.map(pair).collect(),
    })
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::to_owned)
}

fn number(node: Node<'_, '_>, name: &str, default: u64) -> u64 {
    node.attribute(name).and_then(|value| value.trim().parse().ok()).unwrap_or(default)
}

/// All text below a node, trimmed.
fn text(node: Node<'_, '_>) -> String {
    let all: String = node.descendants().filter(Node::is_text).filter_map(|t| t.text()).collect();
    all.trim().to_owned()
}
