//! What holds in every call under test, whatever happens in it: each promise with
//! its name. What breaks one says the name, so that a sweep can tell which it was.

use std::any::Any;

macro_rules! invariants {
    ($($variant:ident $name:literal $says:literal)+) => {
        /// See the module's text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant {
            $(#[doc = $says] $variant,)+
        }

        impl Invariant {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)+ }
            }
        }
    };
}

invariants! {
    OneResponse "one_response"
        "At the model at most one response is open that nobody has cancelled."
    AnnouncedFirst "announced_first"
        "A response is let through to the caller only once the model has announced it."
    AskedInVain "asked_in_vain"
        "Nothing is asked of a model whose session is not ready, or of a tool runner that is not there."
    GateForward "gate_forward"
        "The floor gate's generation only grows."
    GateShut "gate_shut"
        "After an interruption nothing is sent until something is let through, and nothing ever of what was silenced."
    HeldSilent "held_silent"
        "Nothing is sent between a hold and its end; what is held is not held again, and only what is held goes on."
    HoldEnds "hold_ends"
        "A hold comes to its end in the time that the detector has, and half a second."
    StopsAtPhone "stops_at_phone"
        "Once the agent was stopped, the telephone plays nothing more than what was on the line."
    InterruptedCancelled "interrupted_cancelled"
        "A response that the caller interrupted is cancelled at the model."
    NeverBothTalk "never_both_talk"
        "A caller who may interrupt and whom both the model and our ears hear has the agent silent within a second."
    NoGap "no_gap"
        "The caller hears every item without a gap, from its beginning to where it was stopped."
    NothingTwice "nothing_twice"
        "The caller hears nothing twice, but a quarter of a second with each sentence that goes on after a hold."
    SentReceived "sent_received"
        "Heard is at most sent, and sent at most received, of every item at all times."
    HeardTrue "heard_true"
        "Where the model is told that an item was cut is where the telephone had played to, give or take the line's jitter."
    TruncationKnown "truncation_known"
        "The model is told to cut or forget only items that it has, within the audio that it gave; an item of which nothing was heard is deleted, not cut at zero."
    OldMarks "old_marks"
        "A mark that came back because of a clear never counts as heard: what is reported as played was played."
    TranscriptPrefix "transcript_prefix"
        "What was heard of a text is how the text begins, and it began before it ended."
    EndsOnce "ends_once"
        "Every call ends once, with a disposition before the stream closes and an outcome that fits it; then no timer is left and nothing more is wanted."
    LineAlive "line_alive"
        "A live call answers its caller in time or ends, and a goodbye comes to its end."
    HandshakeOnce "handshake_once"
        "The handshake is reported once, and corrected at most once."
    KeptBounded "kept_bounded"
        "Audio that was sent and is kept to be sent again is bounded."
    Replays "replays"
        "The recording of a call, run again, comes to the same outputs to the byte."
    CoreHolds "core_holds"
        "The core's own assertions hold, nothing in it panics, and the clock gets on."
    OnPurpose "on_purpose"
        "Broken by the tests of the sweep itself, and by nothing else."
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub invariant: Invariant,
    pub detail: String,
}

impl Breach {
    /// What a panic says was broken. A panic that names no promise is the core's own.
    pub fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        let named = Invariant::ALL.iter().find_map(|invariant| {
            let detail = text.strip_prefix(&format!("[{}] ", invariant.name()))?;
            Some(Self { invariant: *invariant, detail: detail.to_owned() })
        });
        named.unwrap_or(Self { invariant: Invariant::CoreHolds, detail: text.to_owned() })
    }
}

/// Panics with the promise's name where it does not hold.
#[track_caller]
pub fn holds(so: bool, invariant: Invariant, detail: impl FnOnce() -> String) {
    if !so {
        panic!("[{}] {}", invariant.name(), detail());
    }
}
