//! What the caller does, as a small text: one step a line, `#` for comments.
//!
//! ```text
//! wait greeting            # the agent has spoken and been quiet for 600 ms
//! say Tell me about your services.
//! wait speaking 2s         # the agent has been speaking for two seconds
//! play goodbye.wav         # … and is interrupted
//! expect hangup within 15s
//! ```
//!
//! | step | meaning |
//! |---|---|
//! | `wait 2s`, `wait 800ms`, `hold 30` | stay silent that long |
//! | `wait greeting` | until the agent has spoken at all and then been quiet for 600 ms |
//! | `wait reply` | the same, counting only speech since the caller's last step |
//! | `wait quiet 800ms` | until the agent has been quiet that long |
//! | `wait speaking 2s` | until the agent has been speaking that long |
//! | `play FILE.wav` | send the file's audio |
//! | `say TEXT` | send the recorded utterance whose text this is |
//! | `press 0`, `press 12#` | keys |
//! | `hangup` | the caller hangs up |
//! | `expect hangup [within 10s]` | the far end must end the call |
//! | `expect dial +1431… [within 10s]` | the far end must dial that number |
//! | `expect text WORDS [within 10s]` | the carrier must have been told to say these words |
//! | `expect refused` | the server must not take the call: an error for every webhook, or `<Reject>` |
//! | `forge` | every request bears a wrong signature |
//! | `drop` | the stream's TCP connection is reset |
//! | `stall` | nothing more is sent on the stream |
//! | `no-stream` | the caller hangs up before the stream is opened |
//! | `never-start` | the stream is opened but `start` is never sent |
//! | `garbage` | malformed messages are sent on the stream |

use std::fmt;
use std::sync::Arc;

use super::library::Library;

mod parse;

pub use parse::{Line, ScriptError, Words, parse};

/// A caller's part, ready to be played.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// What is done, in order. After the last step the caller stays on the line.
    pub steps: Vec<Step>,
}

impl Script {
    /// A caller who sends one recording from the first moment and then listens.
    #[must_use]
    pub fn playing(clip: Clip) -> Self {
        Self { steps: vec![Step::Play(clip)] }
    }

    /// Reads a script's text and finds the audio that it names.
    ///
    /// # Errors
    /// For a line that is no step, and for audio that is not there.
    pub fn read(text: &str, library: &mut Library) -> Result<Self, ScriptError> {
        let steps = parse(text)?.into_iter().map(|line| line.resolve(library));
        Ok(Self { steps: steps.collect::<Result<_, _>>()? })
    }

    /// Whether requests bear a wrong signature.
    #[must_use]
    pub fn forges(&self) -> bool {
        self.steps.contains(&Step::Fault(Fault::Forge))
    }

    /// Whether the server must not take the call.
    #[must_use]
    pub fn expects_refusal(&self) -> bool {
        let refused =
            |step: &Step| matches!(step, Step::Expect(Expectation { what: Expected::Refused, .. }));
        self.steps.iter().any(refused)
    }

    /// Whether the caller is gone before the stream is to be opened.
    #[must_use]
    pub fn has_no_stream(&self) -> bool {
        self.steps.contains(&Step::Fault(Fault::NoStream))
    }

    /// Whether the stream is to be opened without a `start`.
    #[must_use]
    pub fn never_starts(&self) -> bool {
        self.steps.contains(&Step::Fault(Fault::NeverStart))
    }

    /// Whether the stream's connection is to be reset.
    #[must_use]
    pub fn drops(&self) -> bool {
        self.steps.contains(&Step::Fault(Fault::Drop))
    }
}

/// One thing the caller does.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Silence until something is so.
    Wait(Wait),
    /// Audio.
    Play(Clip),
    /// Keys, pressed one after the other.
    Press(String),
    /// The caller hangs up.
    Hangup,
    /// Something the far end must do.
    Expect(Expectation),
    /// Something a broken carrier does.
    Fault(Fault),
}

/// What is waited for. Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A length of time.
    For(u64),
    /// The agent has spoken and then been quiet for [`Wait::PAUSE_MS`].
    Greeting,
    /// The agent has spoken since the caller's last step and then been quiet.
    Reply,
    /// The agent has been quiet this long.
    Quiet(u64),
    /// The agent has been speaking this long.
    Speaking(u64),
}

impl Wait {
    /// Quiet that ends what the agent was saying, in milliseconds. Longer than a
    /// pause between words, shorter than one between turns.
    pub const PAUSE_MS: u64 = 600;
}

/// Something the far end must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// What.
    pub what: Expected,
    /// How long it may take from here, in milliseconds; until the call's end when unset.
    pub within_ms: Option<u64>,
}

/// What is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The far end ends the call.
    Hangup,
    /// This number is dialled.
    Dial(String),
    /// `<Say>` contains these words, whatever their case.
    Text(String),
    /// The server does not take the call.
    Refused,
}

/// What a broken carrier does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Resets the stream's connection.
    Drop,
    /// Sends nothing more on the stream.
    Stall,
    /// Signs every request wrongly.
    Forge,
    /// Loses the caller before the stream is opened.
    NoStream,
    /// Opens the stream and never sends `start`.
    NeverStart,
    /// Sends malformed messages.
    Garbage,
}

/// A piece of audio: its name for reports, and its bytes, μ-law at 8 kHz.
#[derive(Clone, PartialEq, Eq)]
pub struct Clip {
    /// File name or text.
    pub name: String,
    /// The audio, shared by every call that plays it.
    pub audio: Arc<[u8]>,
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({} ms)", self.name, self.audio.len() / 8)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait(Wait::For(ms)) => write!(f, "wait {ms}ms"),
            Self::Wait(Wait::Greeting) => f.write_str("wait greeting"),
            Self::Wait(Wait::Reply) => f.write_str("wait reply"),
            Self::Wait(Wait::Quiet(ms)) => write!(f, "wait quiet {ms}ms"),
            Self::Wait(Wait::Speaking(ms)) => write!(f, "wait speaking {ms}ms"),
            Self::Play(clip) => write!(f, "play {}", clip.name),
            Self::Press(keys) => write!(f, "press {keys}"),
            Self::Hangup => f.write_str("hangup"),
            Self::Expect(expectation) => write!(f, "expect {expectation}"),
            Self::Fault(Fault::Drop) => f.write_str("drop"),
            Self::Fault(Fault::Stall) => f.write_str("stall"),
            Self::Fault(Fault::Forge) => f.write_str("forge"),
            Self::Fault(Fault::NoStream) => f.write_str("no-stream"),
            Self::Fault(Fault::NeverStart) => f.write_str("never-start"),
            Self::Fault(Fault::Garbage) => f.write_str("garbage"),
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Expected::Hangup => f.write_str("hangup")?,
            Expected::Dial(number) => write!(f, "dial {number}")?,
            Expected::Text(text) => write!(f, "text {text}")?,
            Expected::Refused => f.write_str("refused")?,
        }
        match self.within_ms {
            Some(ms) => write!(f, " within {ms}ms"),
            None => Ok(()),
        }
    }
}
