//! What happens in a call, told as it happens: for a live display.

use tokio::sync::mpsc::UnboundedSender;

use super::report::Ended;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEvent {
    /// Which call.
    pub call_sid: String,
    /// Milliseconds since that call began.
    pub at_ms: u64,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The voice webhook is being sent.
    Ringing,
    /// A TwiML verb is followed.
    Verb(String),
    /// The stream's `start` was sent.
    StreamStarted,
    /// The agent begins to be heard.
    AgentSpeaks,
    /// The agent has been quiet for 600 ms.
    AgentQuiet,
    /// The caller's first audible frame is sent; the recording's name, if any.
    CallerSpeaks(Option<String>),
    /// The caller has stopped speaking.
    CallerQuiet,
    /// The server cleared the phone's buffer.
    Cleared {
        /// Audio thrown away, in milliseconds.
        dropped_ms: u64,
        /// Since the caller began to speak over the agent, in milliseconds.
        after_ms: Option<u64>,
    },
    /// The caller pressed a key.
    Key(char),
    /// Somebody else is called.
    Dialled(String),
    /// The stream is over.
    StreamEnded,
    /// Something that Twilio would have logged.
    Error(String),
    /// The call is over.
    Ended(Ended),
}

/// Where events go, if anybody listens.
#[derive(Clone, Debug)]
pub(super) struct Teller {
    call_sid: String,
    to: Option<UnboundedSender<CallEvent>>,
}

impl Teller {
    pub(super) fn new(call_sid: &str, to: Option<UnboundedSender<CallEvent>>) -> Self {
        Self { call_sid: call_sid.to_owned(), to }
    }

    pub(super) fn tell(&mut self, at_ms: u64, kind: EventKind) {
        let Some(to) = &self.to else { return };
        let event = CallEvent { call_sid: self.call_sid.clone(), at_ms, kind };
        if to.send(event).is_err() {
            // The listener has left; the call goes on for its report's sake.
            self.to = None;
        }
    }
}
