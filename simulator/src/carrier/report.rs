//! What happened in one call, as a caller and a carrier saw it.

use serde::Serialize;

use super::clock::Lateness;
use super::echo::EchoCounts;
use super::gaps::Gaps;
use super::playback::PlaybackReport;

/// Everything about one simulated call. Times in milliseconds; `…_at_ms` counts
/// from the call's beginning, the moment before the first webhook is sent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CallReport {
    /// The call's SID.
    pub call_sid: String,
    /// The account's SID.
    pub account_sid: String,
    /// Who ended the call, and how.
    pub ended: Ended,
    /// The carrier's final status: `completed`, `busy`, `no-answer` or `failed`.
    pub status: &'static str,
    /// Verbs followed, in order.
    pub verbs: Vec<String>,
    /// Texts of `<Say>`, in order.
    pub said: Vec<String>,
    /// URLs of `<Play>`, in order.
    pub played: Vec<String>,
    /// Calls to others, in order.
    pub dialled: Vec<Dialled>,
    /// Every HTTP request.
    pub http: Vec<Exchange>,
    /// From the voice webhook's sending to its answer.
    pub webhook_ms: Option<u64>,
    /// From the call's beginning until the first stream's `start` was sent.
    pub setup_ms: Option<u64>,
    /// How long the call lasted.
    pub duration_ms: u64,
    /// Media streams, in order.
    pub streams: Vec<StreamReport>,
    /// What went wrong, as Twilio would have logged it.
    pub errors: Vec<CallError>,
    /// What the script expected and did not get.
    pub unmet: Vec<String>,
}

impl CallReport {
    /// From the first stream's `start` until the caller heard something.
    #[must_use]
    pub fn first_audio_ms(&self) -> Option<u64> {
        self.streams.first().and_then(|stream| stream.first_audio_ms)
    }

    /// The caller's interruptions, of all streams.
    pub fn interruptions(&self) -> impl Iterator<Item = &Interruption> {
        self.streams.iter().flat_map(|stream| &stream.interruptions)
    }

    /// The numbers dialled.
    #[must_use]
    pub fn numbers_dialled(&self) -> Vec<&str> {
        self.dialled.iter().map(|dialled| dialled.number.as_str()).collect()
    }

    /// Why this call counts as failed: an error of the carrier, an unmet
    /// expectation, or an end that was none. `None` for a good call.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        if let Some(error) = self.errors.iter().find(|error| !error.warning) {
            return Some(match error.code {
                Some(code) => format!("{code}: {}", error.message),
                None => error.message.clone(),
            });
        }
        if let Some(unmet) = self.unmet.first() {
            return Some(unmet.clone());
        }
        match &self.ended {
            Ended::Failed => Some("the call failed".to_owned()),
            Ended::FarEnd | Ended::Caller | Ended::Duration | Ended::Rejected | Ended::Refused => {
                None
            }
        }
    }
}

/// Who ended a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The server: `<Hangup>`, the end of its TwiML, or the end of a `<Dial>`.
    FarEnd,
    /// The caller hung up, as the script says.
    Caller,
    /// The caller hung up because the call had lasted as long as planned.
    Duration,
    /// `<Reject>`.
    Rejected,
    /// No instructions could be had, as the script expects.
    Refused,
    /// No instructions could be had.
    #[default]
    Failed,
}

/// A call to somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dialled {
    /// The number.
    pub number: String,
    /// The number they saw.
    pub caller_id: Option<String>,
    /// The `record` attribute.
    pub record: Option<String>,
    /// How it went, as `DialCallStatus`.
    pub status: &'static str,
    /// When.
    pub at_ms: u64,
}

/// One HTTP request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// The public URL.
    pub url: String,
    /// The answer's status; nothing when there was no answer.
    pub status: Option<u16>,
    /// From sending to the whole answer.
    pub took_ms: u64,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// Something that Twilio would have logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallError {
    /// Twilio's number for it, where it has one.
    pub code: Option<u32>,
    /// What happened.
    pub message: String,
    /// Whether it is a warning only.
    pub warning: bool,
    /// When.
    pub at_ms: u64,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamEnd {
    /// The server closed the WebSocket.
    ServerClosed,
    /// The connection was lost without a close frame.
    ServerVanished,
    /// The caller hung up.
    CallerHungUp,
    /// The planned duration was over.
    DurationReached,
    /// The script reset the connection.
    Reset,
    /// The WebSocket could not be opened.
    #[default]
    NotOpened,
}

/// One media stream.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StreamReport {
    /// The stream's SID.
    pub stream_sid: String,
    /// The URL as the TwiML had it.
    pub url: String,
    /// From connecting to the answer of the WebSocket's handshake.
    pub open_ms: Option<u64>,
    /// When `start` was sent.
    pub started_at_ms: Option<u64>,
    /// From `start` until the caller heard something.
    pub first_audio_ms: Option<u64>,
    /// From `start` until the first media message came, in microseconds. In echo
    /// load that holds the wait for the first frame's own turn, up to 20 ms.
    pub first_media_us: Option<u64>,
    /// How it ended.
    pub end: StreamEnd,
    /// Code and reason of the server's close frame.
    pub close: Option<(u16, String)>,
    /// When it ended.
    pub ended_at_ms: u64,
    /// Media messages sent, 20 ms each.
    pub frames_sent: u64,
    /// Media messages not sent because the server read too slowly.
    pub frames_discarded: u64,
    /// Media messages received, of any length.
    pub media_received: u64,
    /// From each of them to the next.
    #[serde(skip)]
    pub gaps: Gaps,
    /// Marks received.
    pub marks_received: u64,
    /// Marks sent back because their audio had been played.
    pub marks_played: u64,
    /// Marks sent back because of a `clear`.
    pub marks_cleared: u64,
    /// The first marks, one by one.
    pub marks: Vec<MarkRecord>,
    /// Keys sent.
    pub keys: String,
    /// The recordings that the caller played, in order, to a thousand.
    pub clips: Vec<ClipRecord>,
    /// Messages that Twilio would not have understood.
    pub invalid_commands: u64,
    /// What was wrong with the first of them.
    pub first_invalid: Option<String>,
    /// What was played and what was not.
    pub playback: PlaybackReport,
    /// Each time the caller began to speak while the agent was speaking.
    pub interruptions: Vec<Interruption>,
    /// How long the caller waited for each answer, to a thousand.
    pub replies: Vec<Reply>,
    /// Stretches of the agent's speech, with pauses under 600 ms inside.
    pub utterances: Vec<Stretch>,
    /// How late the simulator's own frames were.
    pub lateness: Lateness,
    /// What became of stamped frames; nothing outside echo load.
    pub echo: Option<EchoCounts>,
}

/// One mark's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MarkRecord {
    /// Its name.
    pub name: String,
    /// When it came back.
    pub echoed_at_ms: u64,
    /// Whether a `clear` sent it back.
    pub cleared: bool,
}

/// A recording that the caller played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClipRecord {
    /// Its name.
    pub name: String,
    /// When its first frame was sent; each further one follows 20 ms after the one
    /// before it.
    pub from_ms: u64,
}

/// The caller speaks over the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interruption {
    /// When the caller's first audible frame was sent.
    pub at_ms: u64,
    /// From there to the `clear`; nothing when the agent spoke to its end.
    pub cleared_after_ms: Option<u64>,
    /// What was being played when it was cleared, by watermark.
    pub playing: Option<(u16, u16)>,
}

/// The caller spoke, and was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// When the last audible frame was sent.
    pub spoken_to_ms: u64,
    /// From there until the first audio came, in microseconds.
    pub after_us: u64,
}

/// A stretch of speech.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// Its first audible frame.
    pub from_ms: u64,
    /// Its last audible frame.
    pub to_ms: u64,
}
