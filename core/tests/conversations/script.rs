//! What a script says.

use trunkline_core::call::{AnsweredBy, Child, ToolEffect};
use trunkline_core::tenant::Mode;
use trunkline_core::time::Micros;

use crate::support::{Dial, Health, Plan, Reply, Service};

use super::count::Count;

/// A call, as it is written.
#[derive(Debug)]
pub struct Script {
    pub plan: Plan,
    /// The one mode in which it can be played, and why.
    pub only: Option<(Mode, String)>,
    pub starts_by_itself: bool,
    pub line_delay: Option<Micros>,
    pub ignores_cancel: bool,
    pub tools: Vec<(&'static str, Micros, ToolEffect)>,
    pub dials: Vec<Dial>,
    pub replies: Vec<Reply>,
    pub steps: Vec<Step>,
}

/// One line of the course of events.
#[derive(Debug)]
pub struct Step {
    /// Line of the file, from 1.
    pub line: usize,
    /// As it is written.
    pub text: String,
    pub what: What,
}

#[derive(Debug)]
pub enum What {
    /// Time passes until this point of the call.
    At(Micros, Action),
    /// So much time passes.
    After(Micros, Action),
    /// The first is now, the others follow.
    Every { time: Micros, times: u32, action: Action },
    /// It holds now, or does not.
    Expect { holds: bool, condition: Condition },
    /// It holds before so much time has passed; the first moment of it is now.
    Within(Micros, Condition),
}

/// What somebody does.
#[derive(Clone, Debug)]
pub enum Action {
    Nothing,
    Says {
        pieces: Vec<String>,
        time: Micros,
        voice: Voice,
    },
    /// Noise without words, that the model does not take for speech.
    Sounds {
        time: Micros,
        strong: bool,
    },
    /// Keys, one after the other.
    Presses(String),
    HangsUp,
    StreamStarts,
    StreamIsLost,
    ModelIsLost {
        retry: bool,
    },
    ModelBegins(Reply),
    /// What its next response is.
    ModelAnswers(Reply),
    ModelSends {
        response: u8,
        time: Micros,
    },
    ModelExpires(Micros),
    /// The connection that a service works on breaks.
    BreaksOff(Service),
    /// How a service is from now on; where no number says which, all of its kind.
    ServiceIs(Service, Option<usize>, Health),
    CarrierIsStuck(bool),
    MarksAreLost,
    MarksAreDoubled,
    MarksReturn,
    AnsweredBy(AnsweredBy),
    ChildDies(Child),
    OperatorHangsUp,
    OperatorTransfers(String),
    ProcessDrains,
    CallExpires,
}

/// How somebody is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// By our ears, where there are any, and by the model.
    Near,
    /// The same, the words coming while they are spoken.
    InPieces,
    /// By the model alone.
    Faint,
}

/// Whose words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Whole,
    Cut,
}

/// What may be so.
#[derive(Clone, Debug)]
pub enum Condition {
    AgentSpeaks(u8),
    AgentIsSilent,
    HeardAll(u8),
    HeardGreeting,
    HeardAtLeast(u8, Micros),
    HeardAtMost(u8, Micros),
    /// So much of it, or less, came out of the loudspeaker a second time.
    HeardTwiceAtMost(u8, Micros),
    /// A sentence whose rendering is kept, each time it is played.
    HeardKeptSentence,
    Held,
    Resumed(Count, Option<Micros>),
    Clears(Count),
    Cancels(Count),
    Asked(Count),
    AskedToSay(String),
    Truncated {
        response: u8,
        at: Micros,
        give: Micros,
    },
    Deleted(u8),
    ToldOfCaller(String),
    /// The model has the keys, and what ended their entry.
    ToldOfKeys {
        keys: String,
        ended_by: String,
    },
    /// How often a model of the tenant's list was dialled, counted from 1.
    Dialled(usize, Count),
    /// How often a service was asked, counted from 1.
    ServiceAsked(Service, usize, Count),
    /// How often a voice gave any sound of these words.
    VoiceSaid(usize, String, Count),
    /// The language model was told this the last time.
    ChatTold(String),
    ToolRan(String, Count),
    Event(String, Count),
    Stale(String, Count),
    StoredCaller(String),
    StoredAgent(String, Heard),
    Phase(String),
    Outcome(String),
    Disposition(String),
    Reason(String),
    Turns(Count),
    Interruptions(Count),
    Bridged,
    Ended,
}
