//! The turn manager's machine: when is the caller's turn over?
//!
//! It is told where speech starts and stops, by the model's voice detection or
//! by one of our own, and the caller's words as they come. A turn is over after
//! a silence whose length depends on the words: short after a finished sentence,
//! long where more must follow ([`super::reading`]). An utterance that starts
//! before that belongs to the same turn, so rapid-fire utterances merge. Words
//! may come late, even after the turn has ended: a turn never waits for them.
//!
//! Where it is asked to, it also says when the turn is likely over
//! ([`super::likely`]), so that the answer can be begun.

use serde::{Deserialize, Serialize};

use super::likely::Likely;
use super::reading::{Reading, read};
use crate::pii::Personal;
use crate::time::Micros;

/// However long the silence was when the end of speech was reported, the turn
/// waits this much longer, so that an utterance which starts at once is merged
/// rather than answered.
const MERGE_WINDOW: Micros = Micros::from_millis(20);

/// How much of a turn's words is kept, in characters: the rules look at the end.
const KEPT_CHARS: usize = 400;

/// How much silence ends a turn, in milliseconds from the caller's last sound.
/// Where the detector needs longer to report the end of speech, that is how long
/// it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpointing {
    /// After a finished sentence.
    pub min_delay_ms: u64,
    /// After words that do not tell, or none.
    pub delay_ms: u64,
    /// Where the words break off, or digits are still being dictated.
    pub max_delay_ms: u64,
}

impl Default for Endpointing {
    /// Half a second is what callers of the systems before were given. The others
    /// are ours: a finished sentence needs no more than a breath, and between two
    /// groups of a telephone number people take one to two seconds.
    fn default() -> Self {
        Self { min_delay_ms: 300, delay_ms: 500, max_delay_ms: 2_000 }
    }
}

impl Endpointing {
    const fn after(self, reading: Reading) -> Micros {
        Micros::from_millis(match reading {
            Reading::Finished => self.min_delay_ms,
            Reading::Open => self.delay_ms,
            Reading::Unfinished | Reading::Dictating => self.max_delay_ms,
        })
    }
}

/// What the machine is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TurnInput {
    /// The caller began to speak.
    SpeechStarted,
    /// The caller stopped speaking.
    SpeechStopped {
        /// How long the caller had been silent when the detector said so: its own
        /// window.
        silence: Micros,
    },
    /// A piece of the words of an utterance, while it is spoken or after it.
    Partial {
        /// To be appended.
        text: Personal,
    },
    /// All words of an utterance so far, any of which may still change. They say
    /// whether the turn is likely over, and do not end it.
    Interim {
        /// The words.
        text: Personal,
    },
    /// All words of an utterance, in place of its pieces.
    Words {
        /// The words.
        text: Personal,
    },
}

/// What a new machine is told of the one that it replaces, and how it is to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnSnapshot {
    /// How much silence ends a turn.
    pub endpointing: Endpointing,
    /// Whether the caller was speaking.
    pub caller_speaking: bool,
    /// Whether the caller has said something that nobody has answered.
    pub turn_open: bool,
    /// Whether it is to say when a turn is likely over.
    #[serde(default)]
    pub speculate: bool,
}

/// The words of the open turn, as far as the rules look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Words {
    /// Of utterances that are known whole.
    said: String,
    /// Of the one whose words are still coming.
    coming: String,
    /// The same, as far as they may still change.
    interim: String,
}

impl Words {
    fn partial(&mut self, text: &str) {
        self.coming.push_str(text);
        keep_end(&mut self.coming);
    }

    fn interim(&mut self, text: &str) {
        text.clone_into(&mut self.interim);
        keep_end(&mut self.interim);
    }

    fn whole(&mut self, text: &str) {
        self.coming.clear();
        self.interim.clear();
        self.said.push(' ');
        self.said.push_str(text);
        keep_end(&mut self.said);
    }

    fn read(&self) -> Reading {
        read(&format!("{} {}", self.said, self.coming))
    }

    /// What is heard by now, for all that it may change.
    fn heard(&self) -> String {
        format!("{} {}", self.said, self.interim)
    }
}

fn keep_end(text: &mut String) {
    let chars = text.chars().count();
    if chars > KEPT_CHARS
        && let Some((at, _)) = text.char_indices().nth(chars - KEPT_CHARS)
    {
        text.drain(..at);
    }
}

/// A turn that waits for its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    silent_from: Micros,
    not_before: Micros,
}

/// See the module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnMachine {
    endpointing: Endpointing,
    caller_speaking: bool,
    utterances: u32,
    words: Words,
    waiting: Option<Waiting>,
    ends_at: Option<Micros>,
    likely: Likely,
}

impl TurnMachine {
    /// A machine that goes on from `snapshot`. A turn that was open had been
    /// waited for already.
    #[must_use]
    pub fn new(snapshot: TurnSnapshot, now: Micros) -> Self {
        let waiting = snapshot.turn_open && !snapshot.caller_speaking;
        Self {
            endpointing: snapshot.endpointing,
            caller_speaking: snapshot.caller_speaking,
            utterances: u32::from(snapshot.turn_open),
            words: Words::default(),
            waiting: None,
            ends_at: waiting.then(|| now + MERGE_WINDOW),
            likely: Likely::new(snapshot.speculate),
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, input: &TurnInput, now: Micros) {
        match input {
            TurnInput::SpeechStarted => {
                self.utterances += u32::from(!self.caller_speaking);
                self.caller_speaking = true;
                self.waiting = None;
                self.ends_at = None;
                self.likely.sound();
            }
            TurnInput::SpeechStopped { silence } => {
                self.utterances = self.utterances.max(1);
                self.caller_speaking = false;
                let silent_from = now.since(*silence);
                self.waiting = Some(Waiting { silent_from, not_before: now + MERGE_WINDOW });
                self.decide();
                self.likely.no_sound(now);
            }
            TurnInput::Partial { text } if self.utterances > 0 => {
                self.words.partial(text.expose());
                self.decide();
            }
            TurnInput::Interim { text } if self.utterances > 0 => {
                self.words.interim(text.expose());
                self.likely.heard(&self.words.heard(), now);
            }
            TurnInput::Words { text } if self.utterances > 0 => {
                self.words.whole(text.expose());
                self.decide();
                self.likely.heard(&self.words.heard(), now);
            }
            // Words of a turn that was handed over.
            TurnInput::Partial { .. } | TurnInput::Interim { .. } | TurnInput::Words { .. } => {}
        }
    }

    fn decide(&mut self) {
        if let Some(Waiting { silent_from, not_before }) = self.waiting {
            let delay = self.endpointing.after(self.words.read());
            self.ends_at = Some((silent_from + delay).max(not_before));
        }
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        [self.ends_at, self.likely.due()].into_iter().flatten().min()
    }

    /// Time has passed. Answers the number of utterances of the turn when it is over.
    pub fn handle_timeout(&mut self, now: Micros) -> Option<u32> {
        if self.ends_at.is_none_or(|at| at > now) {
            self.likely.handle_timeout(now);
            return None;
        }
        self.ends_at = None;
        self.waiting = None;
        self.words = Words::default();
        self.likely.end();
        Some(std::mem::take(&mut self.utterances))
    }

    /// Whether it turned out, since this was asked last, that the open turn is
    /// likely over: to be asked after [`Self::handle_timeout`].
    pub fn take_likely(&mut self) -> bool {
        self.likely.take()
    }
}
