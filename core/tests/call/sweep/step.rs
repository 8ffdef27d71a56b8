//! One thing that a peer of the call does, as data, so that a call is a list of them.

use trunkline_core::call::{
    AnsweredBy, Child, Command, Exit, Input, ModelEvent, TRANSCRIPTION_FAILED, ToolEffect,
};
use trunkline_core::ids::ItemId;
use trunkline_core::persona::Rng;
use trunkline_core::pii::Personal;
use trunkline_core::time::Micros;

use crate::support::{Dial, Reply, World, ms};

/// See the module's text. The first are how a peer is from then on.
#[derive(Clone, Debug)]
pub enum Step {
    LineDelay(Micros),
    Jitter {
        most: Micros,
        seed: u64,
    },
    /// 0 for none, 1 for all.
    MarksLostEvery(u64),
    MarksDoubled(bool),
    MarksLate(Micros),
    Sticks(bool),
    IgnoresCancel(bool),
    CancelTakes(Micros),
    DoublesEvery(u64),
    Dial(Dial),
    Reply(Reply),
    Tool(&'static str, Micros, ToolEffect),
    Start,
    Wait(Micros),
    Talk(Talk),
    Press(char),
    HangUp,
    ModelLost,
    ModelBegins(Reply),
    ModelSays(ModelEvent),
    Kill(Child),
    Order(Command),
    Answered(AnsweredBy),
    /// A peer that keeps to nothing.
    Tell(Input),
    Audio {
        tag: u8,
        bytes: u64,
    },
}

/// The caller makes a sound, or speaks.
#[derive(Clone, Debug)]
pub struct Talk {
    pub length: Micros,
    /// Our ears hear it, and whether it is strong.
    pub ears: Option<bool>,
    /// The model hears it, so much after it begins and ends.
    pub model: Option<(Micros, Micros)>,
    /// Words that come while they are spoken.
    pub pieces: &'static [&'static str],
    pub words: Words,
    /// When all words are there, after the model heard the end.
    pub words_lag: Micros,
}

/// What comes of a transcription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    Are(&'static str),
    Fail,
    NeverCome,
}

impl Talk {
    fn is_heard(&self, world: &mut World) {
        if let Some(strong) = self.ears {
            world.caller_sounds(self.length, strong);
        }
        if let Some((start, end)) = self.model {
            self.is_heard_by_model(start, self.length + end, world);
        }
    }

    fn is_heard_by_model(&self, start: Micros, end: Micros, world: &mut World) {
        let item = ItemId::parse(&format!("caller_{}", world.now.0)).unwrap();
        world.model_says_in(start, ModelEvent::SpeechStarted);
        for (index, piece) in self.pieces.iter().enumerate() {
            let at = Micros(end.0 * (index as u64 + 1) / (self.pieces.len() as u64 + 1));
            let text = Personal::new(*piece);
            let event = ModelEvent::CallerPartial { item: item.clone(), text };
            world.model_says_in(at.max(start), event);
        }
        world.model_says_in(end.max(start), ModelEvent::SpeechStopped);
        let words = match self.words {
            Words::Are(text) => ModelEvent::CallerTranscript { item, text: Personal::new(text) },
            Words::Fail => ModelEvent::Complaint { code: TRANSCRIPTION_FAILED.to_owned() },
            Words::NeverCome => return,
        };
        world.model_says_in(end.max(start) + self.words_lag, words);
    }

    /// When the caller is silent again and everybody knows.
    fn over_after(&self) -> Micros {
        self.length + ms(501)
    }
}

/// What the driver of a call must remember from one step to the next.
#[derive(Debug, Default)]
pub struct Caller {
    /// Who speaks does not begin to speak.
    pub silent_from: Micros,
    /// When the caller spoke so that both the model and our ears heard it.
    pub heard: Vec<(Micros, Micros)>,
}

impl Step {
    /// Does it. A wait is done by whoever drives, who looks at the call meanwhile.
    /// What makes no sense where an earlier step was left out does nothing.
    pub fn take(&self, world: &mut World, caller: &mut Caller) {
        match self {
            Self::LineDelay(delay) => world.line_delay = *delay,
            Self::Jitter { most, seed } => world.line.jitter = Some((*most, Rng::new(*seed))),
            Self::MarksLostEvery(every) => world.line.loses_every = *every,
            Self::MarksDoubled(doubled) => world.doubles_marks = *doubled,
            Self::MarksLate(late) => world.line.marks_late = *late,
            Self::Sticks(stuck) => world.carrier_stuck = *stuck,
            Self::IgnoresCancel(ignores) => world.model.ignores_cancel = *ignores,
            Self::CancelTakes(time) => world.model.cancel_takes = Some(*time),
            Self::DoublesEvery(every) => world.model.doubles_every = *every,
            Self::Dial(dial) => world.model.dials.push_back(dial.clone()),
            Self::Reply(reply) => world.model.replies.push_back(reply.clone()),
            Self::Tool(name, after, effect) => {
                world.tools.insert(name, (*after, effect.clone()));
            }
            Self::Start => world.tell(Input::Started),
            Self::Wait(_) => {}
            Self::Talk(talk) => {
                if world.now > caller.silent_from {
                    caller.silent_from = world.now + talk.over_after();
                    if talk.model.is_some() && talk.ears == Some(true) {
                        caller.heard.push((world.now, world.now + talk.length));
                    }
                    talk.is_heard(world);
                }
            }
            Self::Press(key) => world.press(*key),
            Self::HangUp => world.hang_up(),
            Self::ModelLost => world.lose_model(true),
            Self::ModelBegins(reply) => {
                if world.model.ready && !world.model.is_busy() {
                    world.model_begins(reply);
                }
            }
            Self::ModelSays(event) => world.model_says_in(Micros::ZERO, event.clone()),
            Self::Kill(Child::TwilioStream) => {
                world.tell(Input::StreamLost { reason: "reset".to_owned() });
                let (child, exit) = (Child::TwilioStream, Exit::Panicked);
                world.tell(Input::ChildExited { child, exit });
            }
            Self::Kill(child) => world.kill(*child),
            Self::Order(command) => world.tell(Input::Command(command.clone())),
            Self::Answered(who) => world.tell(Input::AnsweredBy(*who)),
            Self::Tell(input) => world.tell(input.clone()),
            Self::Audio { tag, bytes } => world.push_audio(*tag, *bytes),
        }
    }
}
