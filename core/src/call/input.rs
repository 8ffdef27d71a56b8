//! What happens to a call, as plain data: everything the call decides by comes
//! in as one of these, so that a recording of them is a recording of the call.

use serde::{Deserialize, Serialize};

use crate::cost::{Nanos, Used};
use crate::ids::{ItemId, ResponseId, ToolCallId};
use crate::media::Notice;
use crate::pii::{Personal, as_personal};
use crate::time::Micros;
use crate::tools::DigitPlan;
use crate::turn::barge_in::Verdict;
use crate::turn::waterfall::Stage;
use crate::wire::realtime::Usage;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// The media stream is up and its token was good.
    Started,
    /// The carrier ended the stream: the caller hung up, or the call was redirected.
    StreamStopped,
    /// The stream's socket is gone, and nobody said that it would go.
    StreamLost {
        /// In words.
        reason: String,
    },
    /// The caller pressed a key.
    Digit(#[serde(serialize_with = "as_personal")] char),
    /// The carrier found out who answered a call of ours.
    AnsweredBy(AnsweredBy),
    /// The downlink sent audio, or the carrier played it.
    Media(Notice),
    /// The model said something.
    Model(ModelEvent),
    /// The barge-in detector reports.
    BargeIn(Verdict),
    /// The turn manager says that the caller's turn is over.
    TurnEnded {
        /// Runs of speech in the turn.
        utterances: u32,
    },
    /// The turn manager says that the caller's turn is likely over, and waits to
    /// see whether it is.
    TurnLikelyOver,
    /// A tool has its result.
    ToolFinished {
        /// Which call of the model's.
        call_id: ToolCallId,
        /// What came of it.
        outcome: ToolOutcome,
    },
    /// A child actor ended.
    ChildExited {
        /// Which.
        child: Child,
        /// How.
        exit: Exit,
    },
    /// Somebody outside wants something of the call.
    Command(Command),
    /// A service was used.
    Used(Used),
    /// What the tenant's other calls of the day have cost by now.
    OthersSpent(Nanos),
}

/// Who answered a call, as the carrier's answering-machine detection tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweredBy {
    /// A person.
    Human,
    /// A machine, which has begun its own message.
    MachineStart,
    /// A machine: its message is over, and it beeped.
    MachineEndBeep,
    /// A machine: its message is over, and it is silent.
    MachineEndSilence,
    /// A machine: its message is over, for all that the carrier can tell.
    MachineEndOther,
    /// A fax.
    Fax,
    /// The carrier could not tell.
    Unknown,
}

/// What the realtime model told us, without the audio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ModelEvent {
    /// The session has the configuration that we asked for.
    Ready,
    /// The model's voice detection heard the caller begin.
    SpeechStarted,
    /// The model's voice detection heard the caller stop.
    SpeechStopped,
    /// When the speech ended that was just told to be over, where the session knows
    /// it better than from when it tells: for the record alone.
    SpeechEnded {
        /// On the call's clock.
        at: Micros,
    },
    /// A response reached a stage on its way to be heard: for the record alone.
    Reached {
        /// Which response.
        response: ResponseId,
        /// The stage.
        stage: Stage,
        /// When, on the call's clock.
        at: Micros,
    },
    /// How long the provider will keep the session, from now on.
    Expires {
        /// In milliseconds.
        in_ms: u64,
    },
    /// A piece of what the caller says, while it is spoken or after it.
    CallerPartial {
        /// The caller's item.
        item: ItemId,
        /// To be appended.
        text: Personal,
    },
    /// All words of what the caller says, so far: any of them may still change.
    CallerInterim {
        /// The words.
        text: Personal,
    },
    /// What the caller said.
    CallerTranscript {
        /// The caller's item.
        item: ItemId,
        /// The words.
        text: Personal,
    },
    /// A response has begun.
    ResponseAnnounced {
        /// Which.
        response: ResponseId,
    },
    /// An item to be spoken has begun.
    ItemAnnounced {
        /// The response that it belongs to.
        response: ResponseId,
        /// Which.
        item: ItemId,
    },
    /// More words of an item.
    AgentText {
        /// The item.
        item: ItemId,
        /// Words to be appended.
        text: Personal,
        /// Bytes of μ-law received for the item so far.
        audio_bytes: u64,
    },
    /// All audio of an item has been received.
    ItemFinished {
        /// The item.
        item: ItemId,
        /// Bytes of μ-law.
        audio_bytes: u64,
    },
    /// The model wants a tool run.
    FunctionCall {
        /// The response that it belongs to.
        response: ResponseId,
        /// The model's name of the call.
        call_id: ToolCallId,
        /// The tool.
        name: String,
        /// JSON text, as the model wrote it.
        arguments: Personal,
    },
    /// A response is over.
    ResponseFinished {
        /// Which.
        response: ResponseId,
        /// Whether it ran to its end.
        completed: bool,
        /// Why it did not.
        error: Option<String>,
        /// What it used.
        usage: Option<Usage>,
    },
    /// A response was asked for while another was open.
    Busy,
    /// An error that leaves the session open.
    Complaint {
        /// The model's code.
        code: String,
    },
    /// The session is gone.
    Lost {
        /// In words, without secrets.
        reason: String,
        /// Whether dialling again could help.
        retry: bool,
    },
}

/// What a tool came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolOutcome {
    /// JSON text for the model.
    pub output: Personal,
    /// Whether it did what it was asked.
    pub ok: bool,
    /// What the call is to do besides.
    pub effect: ToolEffect,
}

/// What a tool asks of the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToolEffect {
    /// Nothing: tell the model and go on.
    GoOn,
    /// Say goodbye and hang up.
    EndCall,
    /// Put the caller through to the human.
    Transfer,
    /// Take keys from the caller: what was pressed is the tool's result.
    CollectDigits(DigitPlan),
    /// Tell the model; the caller was sent a text message and may take the time
    /// to look at it.
    TextSent,
}

/// The children of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Child {
    /// The carrier's socket.
    TwilioStream,
    /// The model's socket.
    RealtimeSession,
    /// The barge-in detector.
    BargeIn,
    /// The end-of-turn detector.
    TurnManager,
    /// Runs the business's tools.
    ToolRunner,
}

/// How an actor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It was done, or was told to stop.
    Normal,
    /// It gave up.
    Error,
    /// It panicked.
    Panicked,
}

/// What somebody outside wants of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Say goodbye and hang up.
    Hangup,
    /// Put the caller through to the human.
    Transfer {
        /// For the record.
        reason: String,
    },
    /// The process is about to end: a human goes on with the call.
    HandOver,
    /// Nothing has been heard of the call for too long.
    Expire,
}
