//! What one simulated call is to be.

use std::path::PathBuf;
use std::time::Duration;

use super::recordings::Recordings;
use super::script::Script;
use crate::barge_in::Room;

/// The caller, the called, the server and the story.
#[derive(Clone)]
pub struct CallPlan {
    /// The server's address for sockets: `http://127.0.0.1:8080`.
    pub server: String,
    /// The origin the server is known by, over which signatures are made; the
    /// same as `server` when unset.
    pub public_url: Option<String>,
    /// Path of the voice webhook, or a whole URL.
    pub voice_url: String,
    /// Path of the fallback URL; none when unset.
    pub fallback_url: Option<String>,
    /// Status callbacks; none when unset.
    pub status: Option<StatusPlan>,
    /// The called number.
    pub to: String,
    /// The caller's number.
    pub from: String,
    /// `AC` and 32 hex digits.
    pub account_sid: String,
    /// Signs every request; unsigned when unset.
    pub auth_token: Option<String>,
    /// What the caller does.
    pub script: Script,
    /// The caller hangs up after this long at the latest.
    pub max_duration: Duration,
    /// How fast the carrier's own verbs (`Say`, `Pause`, `Gather`'s wait, `Dial`'s
    /// ringing) run, as a multiple of real speed; 0: they take no time.
    pub verb_speed: f64,
    /// How somebody who is dialled reacts.
    pub dial: DialOutcome,
    /// Whether the caller's silence is a quiet room's noise.
    pub comfort_noise: bool,
    /// How what the phone plays comes back on the caller's side; not at all when unset.
    pub echo: Option<Room>,
    /// What the carrier records when it is asked to; it cannot be asked when unset.
    pub recordings: Option<Recordings>,
    /// Where recordings of both sides are written; nowhere when unset.
    pub save: Option<PathBuf>,
}

impl CallPlan {
    /// A call to `server` with everything as a usual number would be set up,
    /// from a caller who says nothing for a minute.
    #[must_use]
    pub fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            public_url: None,
            voice_url: "/twilio/voice".to_owned(),
            fallback_url: Some("/twilio/fallback".to_owned()),
            status: None,
            to: "+15550100000".to_owned(),
            from: "+15550109999".to_owned(),
            account_sid: "AC00000000000000000000000000000001".to_owned(),
            auth_token: None,
            script: Script::default(),
            max_duration: Duration::from_secs(60),
            verb_speed: 0.0,
            dial: DialOutcome::Answered,
            comfort_noise: false,
            echo: None,
            recordings: None,
            save: None,
        }
    }
}

/// How status callbacks are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusPlan {
    /// Path, or a whole URL.
    pub url: String,
    /// All of them only at the end, the last first: arrival order is not
    /// guaranteed.
    pub shuffled: bool,
    /// Each of them twice.
    pub duplicated: bool,
}

impl Default for StatusPlan {
    fn default() -> Self {
        Self { url: "/twilio/status".to_owned(), shuffled: false, duplicated: false }
    }
}

/// How somebody who is dialled reacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DialOutcome {
    /// Answers, talks, hangs up.
    Answered,
    /// Lets it ring.
    NoAnswer,
    /// Is on the phone.
    Busy,
    /// Cannot be reached.
    Failed,
}

impl DialOutcome {
    /// `DialCallStatus`.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::Answered => "completed",
            Self::NoAnswer => "no-answer",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }
}
