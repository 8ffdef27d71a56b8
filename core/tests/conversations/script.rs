//! What a script says.

use trunkline_core::call::{Child, ToolEffect};
use trunkline_core::time::Micros;

use crate::support::{Dial, Plan, Reply};

/// A call, as it is written.
#[derive(Debug)]
pub struct Script {
    pub plan: Plan,
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
    Says { words: String, time: Micros },
    Presses(char),
    HangsUp,
    StreamStarts,
    StreamIsLost,
    ModelIsLost { retry: bool },
    ModelBegins(Reply),
    ModelSends { response: u8, time: Micros },
    MarksAreLost,
    MarksAreDoubled,
    MarksReturn,
    ChildDies(Child),
    OperatorHangsUp,
    OperatorTransfers(String),
    ProcessDrains,
    CallExpires,
}

/// How often something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Exactly(usize),
    AtLeast(usize),
    AtMost(usize),
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
    Clears(Count),
    Cancels(Count),
    Asked(Count),
    AskedToSay(String),
    Truncated { response: u8, at: Micros, give: Micros },
    Deleted(u8),
    ToldOfCaller(String),
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
