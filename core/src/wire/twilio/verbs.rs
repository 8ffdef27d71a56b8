//! The TwiML verbs that have attributes, as data. What is unset is left to Twilio.

use crate::pii::PhoneNumber;

/// Most characters that the name and value of one `<Parameter>` may have
/// together: Twilio wants fewer than 500.
pub const MAX_PARAMETER_CHARS: usize = 499;

/// Why Twilio would not open a stream as it is described.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TwimlError {
    /// A parameter beyond [`MAX_PARAMETER_CHARS`].
    #[error("parameter {name:?} has {chars} characters with its value: {MAX_PARAMETER_CHARS} fit")]
    Parameter {
        /// Its name.
        name: String,
        /// Characters of name and value together.
        chars: usize,
    },
    /// Twilio drops a query, and the handshake fails.
    #[error("a stream's URL must not have a query string")]
    Query,
}

/// `<Connect>` with a bidirectional `<Stream>`. Verbs after it are followed when
/// the stream has closed, unless there is an `action`, which then decides alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ConnectStream {
    /// Asked what follows, when the stream has closed.
    pub action: Option<String>,
    /// Where the stream goes: `wss`, without a query.
    pub url: String,
    /// A name for the stream, unique in the call.
    pub name: Option<String>,
    /// Told of the stream's start, end and errors; an absolute URL.
    pub status_callback: Option<String>,
    /// What the stream's `start` message will say, in plain text. Anyone who can
    /// see the call in Twilio's console can read it.
    pub parameters: Vec<(String, String)>,
}

impl ConnectStream {
    /// Whether Twilio can open the stream.
    ///
    /// # Errors
    /// When a parameter is too long, or the URL has a query.
    pub fn check(&self) -> Result<(), TwimlError> {
        if self.url.contains('?') {
            return Err(TwimlError::Query);
        }
        let chars = |(n, v): &(String, String)| n.chars().count() + v.chars().count();
        match self.parameters.iter().find(|p| chars(p) > MAX_PARAMETER_CHARS) {
            Some(long) => Err(TwimlError::Parameter { name: long.0.clone(), chars: chars(long) }),
            None => Ok(()),
        }
    }
}

/// What a `<Gather>` listens for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GatherInput {
    /// Key presses.
    #[default]
    Dtmf,
    /// Speech.
    Speech,
    /// Whichever comes first.
    DtmfSpeech,
}

/// `<Gather>`: collects keys or speech and sends them to `action`. With no input
/// the next verb follows, unless `action_on_empty_result` is set.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Gather {
    /// What it listens for.
    pub input: GatherInput,
    /// Gets `Digits` or `SpeechResult`; the same document's URL when unset.
    pub action: Option<String>,
    /// Seconds to wait for input; Twilio's default is 5.
    pub timeout_s: Option<u32>,
    /// Number of keys after which it is done.
    pub num_digits: Option<u32>,
    /// Key that ends the input; `#` when unset, blank for none.
    pub finish_on_key: Option<String>,
    /// Language of the speech, such as `en-US`.
    pub language: Option<String>,
    /// Phrases that are likely to be said, separated by commas.
    pub hints: Option<String>,
    /// Whether `action` is asked when there was no input, too.
    pub action_on_empty_result: bool,
    /// Said while it listens.
    pub say: Option<String>,
}

/// `<Dial>`: connects the caller with someone.
#[derive(Clone, PartialEq, Eq)]
pub struct Dial {
    /// Who: a number, a `sip:` address or a `client:` name.
    pub number: PhoneNumber,
    /// Shown to the callee as the caller's number.
    pub caller_id: Option<PhoneNumber>,
    /// Whether the conversation is recorded from its answer.
    pub record: bool,
    /// Told of the recording's end.
    pub recording_status_callback: Option<String>,
    /// Asked what follows; without it the next verb follows, or the call ends.
    pub action: Option<String>,
    /// Seconds to let it ring; Twilio's default is 30.
    pub timeout_s: Option<u32>,
    /// Longest conversation, in seconds; Twilio's default is 14400.
    pub time_limit_s: Option<u32>,
    /// Whether the caller hears ringing, unanswered and unbilled, until the
    /// callee answers.
    pub answer_on_bridge: bool,
}

impl Dial {
    /// Dials a number with Twilio's defaults.
    #[must_use]
    pub fn to(number: PhoneNumber) -> Self {
        Self {
            number,
            caller_id: None,
            record: false,
            recording_status_callback: None,
            action: None,
            timeout_s: None,
            time_limit_s: None,
            answer_on_bridge: false,
        }
    }
}

/// `<Record>`: records the caller, as for a message. Without an `action` Twilio
/// asks for the same document again, in a loop.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Gets `RecordingUrl`; not asked when nothing was recorded.
    pub action: Option<String>,
    /// Seconds of silence that end it; Twilio's default is 5.
    pub timeout_s: Option<u32>,
    /// Longest recording, in seconds; Twilio's default is 3600.
    pub max_length_s: Option<u32>,
    /// Keys that end it; any when unset.
    pub finish_on_key: Option<String>,
    /// Whether it begins without a beep.
    pub silent: bool,
    /// Told when the recording can be fetched.
    pub recording_status_callback: Option<String>,
}

/// What the caller is told by a `<Reject>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// Out of service.
    Rejected,
    /// The busy tone.
    Busy,
}
