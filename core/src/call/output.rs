//! What a call wants done, as plain data. Whoever drives the call does these in
//! order and decides nothing.

use serde::{Deserialize, Serialize};

use crate::cost::{Bill, Kind, Nanos, Reached, Service};
use crate::ids::{ItemId, ResponseId, ToolCallId};
use crate::media::Unheard;
use crate::pii::Personal;
use crate::tenant::Mode;
use crate::time::Micros;
use crate::turn::barge_in::{BargeInInput, BargeInSnapshot};
use crate::turn::endpoint::{TurnInput, TurnSnapshot};
use crate::turn::waterfall::Stage;
use crate::wire::realtime::ClientEvent;

use super::Sentence;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Output {
    /// For the media path.
    Media(MediaCommand),
    /// For the model.
    Model(ClientEvent),
    /// For the session: the caller has likely said all. Where it can, it begins the
    /// answer that it will likely be asked for, and lets nobody know of it before
    /// it is.
    Speculate,
    /// Dial the model, after `delay`.
    StartModel {
        /// How long to wait first.
        delay: Micros,
        /// Which of the tenant's models, from 0, in its order.
        provider: usize,
        /// 0 for the first time.
        attempt: u32,
    },
    /// Let go of the model.
    StopModel,
    /// Start the barge-in detector.
    StartBargeIn(BargeInSnapshot),
    /// Start the turn manager.
    StartTurnManager(TurnSnapshot),
    /// Start the tool runner.
    StartToolRunner,
    /// For the barge-in detector.
    BargeIn(BargeInInput),
    /// For the turn manager.
    Turn(TurnInput),
    /// Run a tool.
    RunTool {
        /// The model's name of the call.
        call_id: ToolCallId,
        /// The tool.
        name: String,
        /// JSON text, as the model wrote it.
        arguments: Personal,
    },
    /// Close the carrier's stream, which makes the carrier ask what follows.
    CloseStream,
    /// What the carrier is to be told when it asks what follows the stream.
    Disposition(Disposition),
    /// The call's phase changed.
    Phase(PhaseName),
    /// For the audit log. Holds nothing that a person said.
    Event {
        /// What happened, as a word.
        kind: &'static str,
        /// Facts about it.
        data: serde_json::Value,
    },
    /// One side's finished hold of the floor, for the record.
    Transcript(TranscriptEntry),
    /// How the model's handshake went. At most once a call, and corrected once.
    Handshake(Handshake),
    /// A measurement.
    Metric(Metric),
    /// Something about the call's cost.
    Money(Money),
    /// The rendering of this text was captured: keep it for the next call.
    LearnPhrase {
        /// The text that was spoken.
        text: String,
    },
    /// The call is over.
    Ended(Summary),
}

/// What there is to tell about a call's cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Money {
    /// What the call has cost so far.
    Running(Nanos),
    /// Something was used that has no price. Once for each.
    Unpriced {
        /// Who is paid for it.
        service: Service,
        /// What it is.
        kind: Kind,
    },
    /// A share of a budget was reached.
    Reached(Reached),
    /// Cheaper models are to be asked from now on.
    Economise,
    /// The bill as far as it goes, to be kept in case the call never comes to its end.
    SoFar(Bill),
    /// The whole bill, once, before the end.
    Bill(Bill),
}

/// What the media path is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum MediaCommand {
    /// Caller audio goes to the model from now on, or no longer.
    Uplink {
        /// Whether it goes.
        open: bool,
    },
    /// Play the kept rendering of the greeting as this item.
    PlayGreeting {
        /// The item.
        item: ItemId,
    },
    /// Play the kept rendering of this sentence as this item.
    PlaySentence {
        /// The item.
        item: ItemId,
        /// The sentence.
        sentence: Sentence,
    },
    /// This response may be heard.
    Admit {
        /// Which.
        response: ResponseId,
    },
    /// This response may not be heard.
    Reject {
        /// Which.
        response: ResponseId,
    },
    /// Keep the audio of this response for [`Output::LearnPhrase`].
    Capture {
        /// Which.
        response: ResponseId,
        /// What it is to say.
        text: String,
    },
    /// The caller has the floor.
    Interrupt {
        /// The gate's new generation.
        generation: u64,
        /// Whether the carrier has audio to throw away.
        clear: bool,
    },
    /// The caller may want the floor: nothing more is sent, and what was not heard
    /// is kept, until `Resume` or `Interrupt`.
    Hold {
        /// The gate's new generation.
        generation: u64,
        /// Whether the carrier has audio to throw away.
        clear: bool,
        /// What the carrier had and the caller has not heard, and where each item
        /// would go on.
        unheard: Vec<Unheard>,
    },
    /// The caller does not want the floor: what was held goes on.
    Resume {
        /// The gate's new generation.
        generation: u64,
    },
    /// No more audio will come for what is waiting.
    FinishAll,
}

/// What follows the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// The call ended on purpose.
    HangUp,
    /// The caller asked for a human, or the agent did.
    Transfer,
    /// The agent cannot go on.
    Bridge,
    /// The carrier ended the stream, as it does when the caller hangs up.
    CallerGone,
}

/// Where a call is, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseName {
    /// The stream is up; nothing has been said.
    Answering,
    /// The first sentence is being said.
    Greeting,
    /// The caller and the agent talk.
    Conversation,
    /// The last words are being said.
    Goodbye,
    /// Over.
    Ended,
}

/// How a call came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An appointment was made.
    Booked,
    /// An appointment was given up.
    Cancelled,
    /// An appointment was moved.
    Rescheduled,
    /// The caller and the agent talked, and it ended on purpose.
    Completed,
    /// The caller goes on by text message.
    Handoff,
    /// The caller was put through to a human.
    Transferred,
    /// A message was left.
    Voicemail,
    /// The caller hung up before saying anything.
    Abandoned,
    /// The call ran as long as it may.
    Timeout,
    /// Something broke and no human could be reached.
    Failed,
}

impl Outcome {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Cancelled => "cancelled",
            Self::Rescheduled => "rescheduled",
            Self::Completed => "completed",
            Self::Handoff => "handoff",
            Self::Transferred => "transferred",
            Self::Voicemail => "voicemail",
            Self::Abandoned => "abandoned",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
        }
    }
}

impl PhaseName {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answering => "answering",
            Self::Greeting => "greeting",
            Self::Conversation => "conversation",
            Self::Goodbye => "goodbye",
            Self::Ended => "ended",
        }
    }
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person who called.
    Caller,
    /// The model.
    Agent,
}

/// One side's finished hold of the floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TranscriptEntry {
    /// Who spoke.
    pub speaker: Speaker,
    /// The caller turn that this belongs to or answers; 0 before the first.
    pub turn: u32,
    /// The conversation item.
    pub item: ItemId,
    /// All the words.
    pub generated: Personal,
    /// The words that reached the other side's ear.
    pub heard: Personal,
    /// Whether it was cut short.
    pub interrupted: bool,
    /// When it began to be heard: by the caller, or by the model.
    pub started_at: Micros,
    /// When it was over.
    pub ended_at: Micros,
}

/// How the model's handshake went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Handshake {
    /// From the stream's start until the model's session was ready.
    pub elapsed: Option<Micros>,
    /// From the stream's start until the first audio of the agent went out.
    pub first_audio: Option<Micros>,
    /// Whether the call went to a human instead.
    pub fell_back: bool,
    /// Why.
    pub error: Option<String>,
}

/// A measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Metric {
    /// From the stream's start until the model's session was ready.
    ModelReady(Micros),
    /// From the stream's start until the first audio went out.
    FirstAudio(Micros),
    /// From the end of the caller's turn until the answer's first audio went out.
    TurnLatency(Micros),
    /// From the end of the caller's speech until the answer had come so far.
    TurnStage {
        /// Who answered.
        mode: Mode,
        /// How far.
        stage: Stage,
        /// How long after the end of speech.
        after: Micros,
    },
    /// From a tool's start to its result.
    ToolTime(Micros),
    /// From the caller's first speech, as far as it is known, to the gate's move.
    BargeInStop(Micros),
    /// A stop came to nothing and the sentence goes on, after this pause.
    BargeInResumed(Micros),
    /// The agent was cut short by what turned out to be nothing.
    BargeInFalse,
    /// Something came too late to matter.
    Stale(&'static str),
    /// The model was dialled again.
    Redial,
}

/// What is known of a call when it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How it came out.
    pub outcome: Outcome,
    /// Whether it was a human who went on with it.
    pub handoff: bool,
    /// Why, where it was not the plain course.
    pub reason: Option<String>,
    /// Whether the agent could not serve it and it was bridged.
    pub bridged: bool,
    /// Turns of the caller.
    pub turns: u32,
    /// Interruptions by the caller.
    pub barge_ins: u32,
    /// Tools run.
    pub tool_calls: u32,
    /// Length of the stream.
    pub duration: Micros,
    /// Milliseconds until the model's session was ready.
    pub handshake_ms: Option<u64>,
}
