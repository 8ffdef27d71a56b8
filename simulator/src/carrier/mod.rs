//! A simulated carrier with a simulated phone: it does to a server what Twilio
//! does, over real sockets.
//!
//! [`place_call`] posts the signed voice webhook, follows the TwiML that comes
//! back, opens the media stream, and plays a [`Script`]'s caller on it: a frame
//! every 20 ms on an absolute schedule, a buffer that plays at real speed,
//! marks echoed when their audio has been heard. What happened is a
//! [`CallReport`]. [`run`] places many calls and sums them up.
//!
//! The parts that decide anything (the script's director, the playback buffer,
//! the stream's session) read no clock and no socket, and are tested in virtual
//! time.

mod address;
mod call;
mod clock;
mod connect;
mod director;
mod document;
mod echo;
mod event;
mod follow;
mod gaps;
mod growth;
mod heard;
mod hearing;
mod help;
mod html;
mod level;
mod library;
mod line;
mod load;
mod options;
mod pattern;
mod plan;
mod playback;
mod plot;
mod print;
mod process;
mod recorder;
pub mod recordings;
mod reply;
mod report;
mod run;
mod sampler;
mod script;
mod session;
mod status;
mod story;
mod stream;
mod summary;
mod talker;
mod threshold;
mod times;
mod twiml;
mod wire;

#[cfg(test)]
mod tests;

pub use call::place_call;
pub use clock::{FRAME, Lateness};
pub use echo::EchoCounts;
pub use event::{CallEvent, EventKind};
pub use gaps::Gaps;
pub use growth::Growth;
pub use heard::Heard;
pub use library::{Library, LibraryError};
pub use line::WEBHOOK_TIMEOUT;
pub use load::{Counts, Load, place_calls, place_mix};
pub use options::{AuthToken, OptionsError, SimulateCallsOptions};
pub use pattern::{Mix, Pattern, Weighted};
pub use plan::{CallPlan, DialOutcome, StatusPlan};
pub use playback::{ClearRecord, PlaybackReport};
pub use report::{
    CallError, CallReport, ClipRecord, Dialled, Ended, Exchange, Interruption, MarkRecord, Reply,
    StreamEnd, StreamReport, Stretch,
};
pub use run::run;
pub use sampler::{ProcessUse, Sample};
pub use script::{
    Clip, Expectation, Expected, Fault, Line as ScriptLine, Script, ScriptError, Step, Wait, Words,
    parse as parse_script,
};
pub use story::Weighing;
pub use summary::{EchoSummary, LoadReport};
pub use threshold::{Threshold, ThresholdError};
pub use times::{Band, Times};
pub use twiml::{
    Dial, Gather, MAX_TWIML_BYTES, Stream as StreamNoun, TwimlError, Verb, parse as parse_twiml,
};
