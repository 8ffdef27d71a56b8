//! Where a turn's time goes: when each stage between the end of the caller's
//! speech and the answer's first sound in their ear was reached.
//!
//! Every stage is told in milliseconds since the end of speech, so the stages of
//! a turn are a waterfall, and the time of one is its distance from the one
//! before. What a turn never reached, or what its mode does not have, is absent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::ids::{ItemId, ResponseId};
use crate::tenant::Mode;
use crate::time::Micros;

use super::playback::mulaw_time;

/// Responses that may belong to one turn: more than one where tools are called.
const MOST_RESPONSES: usize = 8;

/// A moment on the way from the caller's last sound to the answer's first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The words of what was said are final.
    FinalTranscript,
    /// The turn is taken to be over.
    TurnDecided,
    /// The session has begun to answer.
    ResponseCreated,
    /// A pipeline's language model gave the first of its answer.
    FirstToken,
    /// A pipeline's voice has been given the first sentence.
    FirstSentence,
    /// The first sound of the answer came from the model or the voice.
    FirstAudio,
    /// It was handed to the carrier.
    OnTheWire,
    /// The caller began to hear it: from the carrier's mark, or by the playback
    /// clock where no mark came.
    Heard,
}

impl Stage {
    /// Each of them, in the order in which a pipeline reaches them.
    pub const ALL: [Self; 8] = [
        Self::FinalTranscript,
        Self::TurnDecided,
        Self::ResponseCreated,
        Self::FirstToken,
        Self::FirstSentence,
        Self::FirstAudio,
        Self::OnTheWire,
        Self::Heard,
    ];

    /// The word that is stored, and that metrics go by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FinalTranscript => "final_transcript",
            Self::TurnDecided => "turn_decided",
            Self::ResponseCreated => "response_created",
            Self::FirstToken => "first_token",
            Self::FirstSentence => "first_sentence",
            Self::FirstAudio => "first_audio",
            Self::OnTheWire => "on_the_wire",
            Self::Heard => "heard",
        }
    }

    /// Whether only a pipeline has it.
    #[must_use]
    pub const fn is_of_pipeline(self) -> bool {
        match self {
            Self::FirstToken | Self::FirstSentence => true,
            Self::FinalTranscript
            | Self::TurnDecided
            | Self::ResponseCreated
            | Self::FirstAudio
            | Self::OnTheWire
            | Self::Heard => false,
        }
    }
}

/// Where the time of one turn went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TurnLatency {
    /// Which turn of the caller's, from 1.
    pub turn: u32,
    /// Who answered it.
    pub mode: Mode,
    /// When the caller's speech ended, on the call's clock.
    pub speech_ended_at: Micros,
    /// The stages that were reached, and how long after the end of speech.
    pub stages: Vec<(Stage, Micros)>,
    /// How long tools ran, where any did.
    pub tools: Option<Micros>,
    /// When a filler was begun meanwhile, after the end of speech.
    pub filler: Option<Micros>,
    /// Whether the caller took the floor before the answer was over.
    pub interrupted: bool,
}

impl TurnLatency {
    /// How long after the end of speech `stage` was reached.
    #[must_use]
    pub fn after(&self, stage: Stage) -> Option<Micros> {
        self.stages.iter().find(|(s, _)| *s == stage).map(|(_, after)| *after)
    }

    /// As it is stored: all times in milliseconds. `call_began` is on the clock of
    /// the turn.
    #[must_use]
    pub fn facts(&self, call_began: Micros) -> Value {
        let stages: Map<String, Value> = self
            .stages
            .iter()
            .map(|(stage, after)| (stage.as_str().to_owned(), json!(after.as_millis())))
            .collect();
        json!({
            "turn": self.turn,
            "mode": self.mode,
            "speech_ended_at_ms": self.speech_ended_at.since(call_began).as_millis(),
            "stages_ms": stages,
            "tool_ms": self.tools.map(Micros::as_millis),
            "filler_ms": self.filler.map(Micros::as_millis),
            "interrupted": self.interrupted,
        })
    }
}

/// A run of the caller's speech that no turn has taken yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Ended {
    at: Option<Micros>,
    words_at: Option<Micros>,
}

/// The first audio of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct FirstItem {
    item: ItemId,
    /// When the playback clock says that it begins to be heard.
    heard_from: Micros,
}

/// A turn whose answer is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Open {
    turn: u32,
    mode: Mode,
    speech_ended_at: Micros,
    /// In order of [`Stage::ALL`].
    reached: [Option<Micros>; 8],
    responses: Vec<ResponseId>,
    first_item: Option<FirstItem>,
    tools_running: u32,
    tools_since: Micros,
    tools: Option<Micros>,
    filler: Option<Micros>,
    interrupted: bool,
}

impl Open {
    /// What was reached before stays.
    fn reach(&mut self, stage: Stage, at: Micros) {
        let place = Stage::ALL.iter().zip(&mut self.reached).find(|(s, _)| **s == stage);
        if let Some((_, reached)) = place {
            reached.get_or_insert(at);
        }
    }

    fn has_reached(&self, stage: Stage) -> bool {
        Stage::ALL.iter().zip(&self.reached).any(|(s, at)| *s == stage && at.is_some())
    }
}

/// The present turn's waterfall. It is told what happens and decides nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Waterfall {
    ended: Ended,
    open: Option<Open>,
}

impl Waterfall {
    /// The caller's speech ended at `at`. The last one before a turn is decided is
    /// the turn's.
    pub fn speech_ended(&mut self, at: Micros) {
        self.ended = Ended { at: Some(at), words_at: None };
    }

    /// More is known: it ended at `at`, which was not later than was thought.
    pub fn speech_ended_earlier(&mut self, at: Micros) {
        if let Some(known) = &mut self.ended.at {
            *known = at.min(*known);
        }
    }

    /// The words of what was said are final.
    pub fn words(&mut self, at: Micros) {
        if self.ended.at.is_some() {
            self.ended.words_at = Some(at);
        } else if let Some(open) = &mut self.open {
            open.reach(Stage::FinalTranscript, at);
        }
    }

    /// The caller's turn is over, and the answer is begun. Answers the turn before,
    /// if that one was still open.
    pub fn decided(&mut self, turn: u32, mode: Mode, now: Micros) -> Option<TurnLatency> {
        if self.open.as_ref().is_some_and(|open| open.turn == turn) {
            return None;
        }
        let before = self.close(now);
        let Ended { at, words_at } = std::mem::take(&mut self.ended);
        let mut open = Open {
            turn,
            mode,
            speech_ended_at: at.unwrap_or(now),
            reached: [None; 8],
            responses: Vec::new(),
            first_item: None,
            tools_running: 0,
            tools_since: now,
            tools: None,
            filler: None,
            interrupted: false,
        };
        if let Some(at) = words_at {
            open.reach(Stage::FinalTranscript, at);
        }
        open.reach(Stage::TurnDecided, now);
        self.open = Some(open);
        before
    }

    /// Whether speech has ended that no turn has taken.
    #[must_use]
    pub fn awaits_turn(&self) -> bool {
        self.ended.at.is_some()
    }

    /// A response to the turn was announced.
    pub fn announced(&mut self, response: ResponseId, now: Micros) {
        if let Some(open) = &mut self.open {
            open.reach(Stage::ResponseCreated, now);
            if open.responses.len() < MOST_RESPONSES {
                open.responses.push(response);
            }
        }
    }

    /// The session tells that it reached a stage, on the way of a response.
    pub fn reached(&mut self, response: &ResponseId, stage: Stage, at: Micros) {
        if let Some(open) = self.open.as_mut().filter(|o| o.responses.contains(response)) {
            if stage.is_of_pipeline() {
                // A call may go on in a pipeline when its speech model is lost.
                open.mode = Mode::Pipeline;
            }
            open.reach(stage, at);
        }
    }

    /// The first audio of `item` went to the carrier at `at`, to be heard from
    /// `heard_from` on.
    pub fn sent(&mut self, response: &ResponseId, item: &ItemId, at: Micros, heard_from: Micros) {
        let Some(open) = self.open.as_mut().filter(|o| o.responses.contains(response)) else {
            return;
        };
        if open.first_item.is_none() {
            open.reach(Stage::FirstAudio, at);
            open.reach(Stage::OnTheWire, at);
            open.first_item = Some(FirstItem { item: item.clone(), heard_from });
        }
    }

    /// The carrier has played `item` up to `bytes`.
    pub fn played(&mut self, item: &ItemId, bytes: u64, now: Micros) {
        let Some(open) = &mut self.open else {
            return;
        };
        if let Some(first) = open.first_item.as_ref().filter(|first| first.item == *item) {
            let began = Micros(now.0.saturating_sub(mulaw_time(bytes).0));
            let began = began.max(first.heard_from);
            open.reach(Stage::Heard, began);
        }
    }

    /// A tool was begun.
    pub fn tool_began(&mut self, now: Micros) {
        if let Some(open) = &mut self.open {
            if open.tools_running == 0 {
                open.tools_since = now;
            }
            open.tools_running += 1;
        }
    }

    /// A tool has its result. Tools that run at once take their time together.
    pub fn tool_ended(&mut self, now: Micros) {
        let Some(open) = self.open.as_mut().filter(|o| o.tools_running > 0) else {
            return;
        };
        open.tools_running -= 1;
        if open.tools_running == 0 {
            let took = now.since(open.tools_since);
            open.tools = Some(open.tools.unwrap_or_default() + took);
        }
    }

    /// A filler is said.
    pub fn filler(&mut self, now: Micros) {
        if let Some(open) = &mut self.open {
            open.filler.get_or_insert(now);
        }
    }

    /// The caller took the floor: the turn is over. Answers it.
    pub fn interrupted(&mut self, now: Micros) -> Option<TurnLatency> {
        if let Some(open) = &mut self.open {
            open.interrupted = true;
        }
        self.close(now)
    }

    /// Whether an answer has been heard of the open turn, or at least sent.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.has_reached(Stage::OnTheWire))
    }

    /// Nothing more is to come of the open turn, if there is one. Answers it.
    pub fn close(&mut self, now: Micros) -> Option<TurnLatency> {
        let mut open = self.open.take()?;
        if let Some(first) = open.first_item.clone().filter(|first| first.heard_from < now) {
            open.reach(Stage::Heard, first.heard_from);
        }
        let from = open.speech_ended_at;
        let stages = Stage::ALL.iter().zip(open.reached);
        let stages = stages.filter_map(|(stage, at)| Some((*stage, at?.since(from)))).collect();
        let running = (open.tools_running > 0).then(|| now.since(open.tools_since));
        let tools = match (open.tools, running) {
            (None, None) => None,
            (before, running) => Some(before.unwrap_or_default() + running.unwrap_or_default()),
        };
        Some(TurnLatency {
            turn: open.turn,
            mode: open.mode,
            speech_ended_at: from,
            stages,
            tools,
            filler: open.filler.map(|at| at.since(from)),
            interrupted: open.interrupted,
        })
    }
}
