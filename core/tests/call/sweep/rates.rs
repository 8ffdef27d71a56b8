//! How often things happen in the calls of the sweep. The test at the end of
//! `drawing.rs` counts them.

/// What may happen in a step, and in how many of [`OF_STEPS`] steps it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing, for less than 800 ms.
    Pause,
    /// Nothing, for less than 4 s.
    LongPause,
    /// Nothing, for less than 60 ms.
    Instant,
    /// The caller speaks, near: our ears hear it and the model does.
    Speaks,
    /// The caller speaks, and the model alone hears it.
    SpeaksFar,
    /// The caller speaks, and words come while they are spoken.
    SpeaksInPieces,
    /// "mm-hm".
    Backchannel,
    /// A sound without words, which the model does not hear.
    Cough,
    /// The agent's own words come back.
    Echo,
    /// One to three keys.
    Types,
    /// The key for the human.
    Zero,
    /// The caller is gone.
    HangsUp,
    /// The session breaks.
    ModelLost,
    /// The model begins a response that nobody asked for.
    ModelBegins,
    /// The provider says when the session ends, or complains of something.
    ModelSays,
    /// A child of the call panics and is rebuilt.
    ChildDies,
    /// The model's child does.
    SessionDies,
    /// The carrier's child does.
    StreamDies,
    /// The carrier's socket takes nothing, or takes again.
    Sticks,
    /// Marks begin to be lost, doubled or late, or cease to be.
    MarksChange,
    /// The model begins to ignore cancellations, or ceases to.
    CancelsIgnored,
    /// An operator, or a process that ends, wants the call transferred or over.
    Ordered,
    /// The carrier says who answered.
    Answered,
}

/// What the numbers beside the kinds add up to.
pub const OF_STEPS: u64 = 1_000;

/// See [`Kind`].
pub const KINDS: [(Kind, u64); 23] = [
    (Kind::Pause, 340),
    (Kind::LongPause, 80),
    (Kind::Instant, 164),
    (Kind::Speaks, 75),
    (Kind::SpeaksFar, 45),
    (Kind::SpeaksInPieces, 55),
    (Kind::Backchannel, 40),
    (Kind::Cough, 40),
    (Kind::Echo, 12),
    (Kind::Types, 34),
    (Kind::Zero, 2),
    (Kind::HangsUp, 2),
    (Kind::ModelLost, 18),
    (Kind::ModelBegins, 12),
    (Kind::ModelSays, 10),
    (Kind::ChildDies, 36),
    (Kind::SessionDies, 3),
    (Kind::StreamDies, 1),
    (Kind::Sticks, 4),
    (Kind::MarksChange, 12),
    (Kind::CancelsIgnored, 6),
    (Kind::Ordered, 6),
    (Kind::Answered, 3),
];

/// Steps of a call. A call of 40 takes about half a minute of its own time.
pub const STEPS: usize = 40;

/// In one of so many calls, for the whole of it:
pub mod one_call_in {
    /// The carrier's stop comes before its start.
    pub const STOPS_BEFORE_START: u64 = 60;
    /// Messages take up to 80 ms more than others.
    pub const JITTERS: u64 = 3;
    /// Every mark is lost.
    pub const LOSES_MARKS: u64 = 8;
    /// Some marks are lost.
    pub const LOSES_SOME_MARKS: u64 = 8;
    /// Marks come back twice.
    pub const DOUBLES_MARKS: u64 = 8;
    /// Marks come back up to 1.5 s late.
    pub const LATE_MARKS: u64 = 8;
    /// The model ignores cancellations.
    pub const IGNORES_CANCEL: u64 = 10;
    /// A cancelled response goes on for up to 1.5 s.
    pub const CANCELS_LATE: u64 = 4;
    /// The model sends some of its events twice.
    pub const DOUBLES_EVENTS: u64 = 8;
    /// Turns belong to the model.
    pub const MODEL_DECIDES: u64 = 5;
}

/// One of so many replies of the model:
pub mod one_reply_in {
    /// Is announced and stays silent.
    pub const MUTE: u64 = 25;
    /// Is never announced.
    pub const NEVER_ANNOUNCED: u64 = 25;
    /// Is refused.
    pub const REFUSED: u64 = 40;
    /// Is never brought to its end.
    pub const STALLS: u64 = 25;
    /// Breaks off with an error.
    pub const FAILS: u64 = 15;
    /// Begins up to 2.5 s late.
    pub const LATE: u64 = 3;
    /// Has its words up to 700 ms behind its audio.
    pub const WORDS_LAG: u64 = 5;
}

/// Of eight dials beyond the first: one hangs, two fail, five are ready in up to 2.5 s.
pub const DIALS: u64 = 8;

/// One utterance in so many has its words up to 3 s after its end, so that those of
/// a later one may come first; one has none at all.
pub const LATE_WORDS: u64 = 6;
pub const NO_WORDS: u64 = 10;
