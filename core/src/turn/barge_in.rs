//! The barge-in detector: does what we hear mean that the caller wants the floor?
//!
//! It decides in two stages. At the gate, which two witnesses open, it reports
//! [`Verdict::Stop`]: the agent falls silent and can still go on. Within a window
//! the caller is then believed ([`Verdict::Confirm`]) or was a cough, a "mm-hm" or
//! noise ([`Verdict::Resume`]). The witnesses are our own ears, the energy of what
//! they hear, the model's voice detection, and the caller's words.
//!
//! Without ears it goes by the model's speech events alone, in one stage.
//!
//! It reports; whether the agent stops is decided by the call, which alone knows
//! who is speaking.

mod settings;

use serde::{Deserialize, Serialize};

use crate::detect::Sound;
use crate::time::Micros;

pub use settings::{BargeInMode, BargeInSettings};

use settings::EARS_PATIENCE;

/// How long what was heard is a witness of what is heard now.
const RECENT: Micros = Micros::from_millis(1_000);

/// How long a sound must last that the model takes for speech and our ears do not
/// know yet. Coughs are mostly shorter.
const LONG_ENOUGH: Micros = Micros::from_millis(200);

/// The model's voice detection is so much quicker than our ears, at most.
const TOGETHER: Micros = Micros::from_millis(100);

/// What the detector is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BargeInInput {
    /// The model's voice detection heard speech begin.
    SpeechStarted,
    /// The model's voice detection heard speech end.
    SpeechStopped,
    /// Words came of what was said while the agent spoke.
    Words(Words),
    /// Our ears heard something.
    Sound(Sound),
}

/// What words say of their speaker's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Words {
    /// There are none.
    Nothing,
    /// Nothing but "I am listening".
    Backchannel,
    /// What the agent is saying: an echo, if our ears heard nobody.
    Ours,
    /// They want to be heard.
    Meant,
}

/// What the detector reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The caller has begun to speak and means it.
    Interrupt,
    /// The caller may have begun to speak: stop, so that it can be found out.
    Stop {
        /// When the speech began.
        since: Micros,
    },
    /// The caller who made us stop means it.
    Confirm,
    /// What made us stop was nothing: go on.
    Resume,
}

/// What a new detector is told: its settings, and of the one that it replaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BargeInSnapshot {
    /// The tenant's.
    pub settings: BargeInSettings,
    /// Whether the model stops speaking by itself when it hears the caller.
    pub model_decides: bool,
    /// Whether the caller was speaking.
    pub caller_speaking: bool,
}

/// Speech that our ears heard without a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    since: Micros,
    sustained: bool,
    strong: bool,
    ended: Option<Ended>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ended {
    at: Micros,
    speech: Micros,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Listening,
    Stopped {
        until: Micros,
    },
    Resumed,
    Confirmed,
}

/// See the module's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BargeInDetector {
    settings: BargeInSettings,
    model_decides: bool,
    model_hears: bool,
    /// Whether the model heard what our ears hear, or heard.
    model_heard: bool,
    /// When the model last began to hear somebody.
    model_since: Option<Micros>,
    words: Option<Words>,
    run: Option<Run>,
    /// Speech of the runs before this one in the same stop.
    spoke_before: Micros,
    stage: Stage,
}

/// When a sound that the model takes for speech is stopped for, whatever our ears
/// make of it: a word may begin with so much that has no pitch.
fn long_enough_at(run: Run) -> Micros {
    run.since + LONG_ENOUGH
}

impl BargeInDetector {
    /// A detector that goes on from `snapshot`.
    #[must_use]
    pub fn new(snapshot: BargeInSnapshot) -> Self {
        Self {
            settings: snapshot.settings,
            model_decides: snapshot.model_decides,
            model_hears: snapshot.caller_speaking,
            model_heard: snapshot.caller_speaking,
            model_since: None,
            words: None,
            run: None,
            spoke_before: Micros::ZERO,
            stage: Stage::Listening,
        }
    }

    /// Takes in what happened; answers a verdict where there is one. A start of
    /// speech reported twice is one start.
    pub fn handle(&mut self, input: &BargeInInput, now: Micros) -> Option<Verdict> {
        self.forget_old(now);
        match input {
            BargeInInput::SpeechStarted if self.model_hears => None,
            BargeInInput::SpeechStarted => self.speech_started(now),
            BargeInInput::SpeechStopped => {
                self.model_hears = false;
                None
            }
            BargeInInput::Words(words) => {
                self.words = self.words.max(Some(*words));
                self.judge(now)
            }
            BargeInInput::Sound(sound) => {
                self.heard(sound, now);
                self.judge(now)
            }
        }
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        let proven_at = self.run_under_proof().map(|run| self.proven_at(&run));
        match self.stage {
            Stage::Stopped { until } => Some(proven_at.unwrap_or(until)),
            Stage::Resumed => proven_at,
            Stage::Listening => self.run.filter(|run| self.both_hear(run)).map(long_enough_at),
            Stage::Confirmed => None,
        }
    }

    /// Time has passed; answers a verdict where there is one.
    pub fn handle_timeout(&mut self, now: Micros) -> Option<Verdict> {
        self.poll_timeout().filter(|at| *at <= now)?;
        self.judge(now)
    }

    fn speech_started(&mut self, now: Micros) -> Option<Verdict> {
        self.model_hears = true;
        self.model_heard = true;
        self.model_since = Some(now);
        self.words = None;
        if !self.settings.ears || self.model_decides {
            self.stage = Stage::Confirmed;
            return Some(Verdict::Interrupt);
        }
        let run_is_over = self.run.is_none_or(|run| run.ended.is_some());
        if self.stage == Stage::Confirmed && run_is_over {
            self.run = None;
            self.stage = Stage::Listening;
        }
        self.judge(now)
    }

    fn heard(&mut self, sound: &Sound, now: Micros) {
        match *sound {
            Sound::Began { at, .. } => self.begin_run(at, now),
            Sound::Sustained { since, strong, .. } => {
                if self.run.is_none_or(|run| run.ended.is_some()) {
                    self.begin_run(since, now);
                }
                if let Some(run) = &mut self.run {
                    run.sustained = true;
                    run.strong |= strong;
                }
            }
            Sound::Ended { speech_ms, .. } => {
                let speech = Micros::from_millis(speech_ms.into());
                if let Some(run) = &mut self.run {
                    run.ended = Some(Ended { at: now, speech });
                }
            }
        }
    }

    /// Speech that begins anew while we are stopped belongs to what made us stop.
    fn begin_run(&mut self, since: Micros, now: Micros) {
        let before = self.run.take().and_then(|run| run.ended).map_or(Micros::ZERO, |e| e.speech);
        if matches!(self.stage, Stage::Stopped { .. }) {
            self.spoke_before = self.spoke_before + before;
        } else {
            self.spoke_before = Micros::ZERO;
            self.stage = Stage::Listening;
            self.words = None;
            self.model_heard = self.model_hears;
        }
        // Ears that were not given every frame may have begun to hear it long ago.
        let since = since.max(now.since(RECENT));
        self.run = Some(Run { since, sustained: false, strong: false, ended: None });
    }

    fn forget_old(&mut self, now: Micros) {
        let stopped = matches!(self.stage, Stage::Stopped { .. });
        let ended = self.run.and_then(|run| run.ended);
        if !stopped && ended.is_some_and(|ended| now.since(ended.at) > RECENT) {
            self.run = None;
            self.stage = Stage::Listening;
        }
    }

    fn judge(&mut self, now: Micros) -> Option<Verdict> {
        match self.stage {
            Stage::Listening | Stage::Resumed if self.is_certain(now) => {
                self.stage = Stage::Confirmed;
                Some(Verdict::Interrupt)
            }
            Stage::Listening => {
                let since = self.run.filter(|run| self.opens_gate(run, now))?.since;
                self.stage = Stage::Stopped { until: now + self.settings.window() };
                Some(Verdict::Stop { since })
            }
            Stage::Stopped { .. } if self.is_certain(now) => {
                self.stage = Stage::Confirmed;
                Some(Verdict::Confirm)
            }
            Stage::Stopped { until } if self.came_to_nothing(until, now) => {
                self.stage = Stage::Resumed;
                Some(Verdict::Resume)
            }
            Stage::Stopped { .. } | Stage::Resumed | Stage::Confirmed => None,
        }
    }

    /// Our ears hear a voice, and somebody else does, or it is near; or what may be
    /// one has lasted, and the model takes it for one.
    fn opens_gate(&self, run: &Run, now: Micros) -> bool {
        let lasted = self.both_hear(run) && now >= long_enough_at(*run);
        lasted || (run.sustained && run.ended.is_none() && self.has_second_witness())
    }

    /// The model hears what our ears are not sure of yet: it began to when they did.
    /// What it has heard for longer may be our echo.
    fn both_hear(&self, run: &Run) -> bool {
        let together = |since: Micros| since + TOGETHER >= run.since;
        run.ended.is_none() && self.model_since.is_some_and(together)
    }

    fn has_second_witness(&self) -> bool {
        self.model_heard
            || self.run.is_some_and(|run| run.strong)
            || self.words.is_some_and(|words| words > Words::Backchannel)
    }

    /// The caller means it: the words say so, or speech that two have heard is
    /// longer than a backchannel is.
    fn is_certain(&self, now: Micros) -> bool {
        let sustained = self.run.filter(|run| run.sustained);
        match self.words {
            Some(Words::Meant) => true,
            Some(Words::Ours) => sustained.is_some(),
            Some(Words::Nothing | Words::Backchannel) | None => {
                self.has_second_witness() && sustained.is_some_and(|run| self.is_long(&run, now))
            }
        }
    }

    fn is_long(&self, run: &Run, now: Micros) -> bool {
        match run.ended {
            Some(ended) => self.spoke_before + ended.speech >= self.settings.speech(),
            None => now >= self.proven_at(run),
        }
    }

    /// When a run that is not over by then is long enough.
    fn proven_at(&self, run: &Run) -> Micros {
        run.since + self.settings.speech().since(self.spoke_before) + EARS_PATIENCE
    }

    /// A run that two hear and that goes on: it is waited for until it is long
    /// enough.
    fn run_under_proof(&self) -> Option<Run> {
        let proves = |run: &Run| run.sustained && run.ended.is_none() && self.has_second_witness();
        self.run.filter(proves)
    }

    /// The window has passed without a proof under way. Where what was heard is over
    /// and no words are to come, or have come and mean nothing, it is not waited for.
    fn came_to_nothing(&self, until: Micros, now: Micros) -> bool {
        let is_over = self.run.is_none_or(|run| run.ended.is_some());
        let words_to_come = self.model_heard && self.words.is_none();
        let proves = self.run_under_proof().is_some();
        (is_over && !words_to_come) || (now >= until && !proves)
    }
}
