//! Peers that say anything at any time.

use trunkline_core::call::{Child, Command, Exit, Input, ModelEvent, ToolEffect, ToolOutcome};
use trunkline_core::ids::{ItemId, ToolCallId};
use trunkline_core::media::Notice;
use trunkline_core::persona::Rng;
use trunkline_core::pii::Personal;
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::Verdict;

use super::drawing::peers;
use super::rates::STEPS;
use super::step::Step;
use super::{Peers, Scenario};
use crate::random::{anybody, collect_digits, random_plan};
use crate::support::{item_of, ms, response_of};

/// A call whose peers keep to nothing.
pub fn hostile(seed: u64) -> Scenario {
    let mut rng = Rng::new(seed);
    let plan = random_plan(&mut rng);
    let mut steps = peers(&mut rng);
    if rng.below(20) > 0 {
        steps.push(Step::Start);
    }
    for _ in 0..STEPS {
        steps.push(match rng.below(4) {
            0 => Step::Wait(ms(rng.below(1_000))),
            1 => Step::Audio { tag: tag(&mut rng), bytes: 1 + rng.below(4_000) },
            _ => Step::Tell(anything(&mut rng)),
        });
    }
    Scenario { plan, steps, peers: Peers::Hostile, on_purpose: None }
}

fn tag(rng: &mut Rng) -> u8 {
    u8::try_from(1 + rng.below(6)).unwrap()
}

fn anything(rng: &mut Rng) -> Input {
    let item =
        if rng.below(5) == 0 { ItemId::parse("greeting").unwrap() } else { item_of(tag(rng)) };
    let bytes = rng.below(9_000);
    match rng.below(26) {
        0 => Input::Started,
        1 if rng.below(6) == 0 => Input::StreamStopped,
        1 if rng.below(6) == 0 => Input::StreamLost { reason: "gone".to_owned() },
        2 if rng.below(4) == 0 => Input::Digit('0'),
        2 => Input::Digit('4'),
        3 => Input::Media(Notice::Played { item, bytes }),
        4 => Input::Media(Notice::Delivered { item }),
        5 => Input::Media(Notice::Sent {
            item,
            from: rng.below(3) * rng.below(9_000),
            bytes: bytes.min(800),
            at: Micros::from_millis(rng.below(60_000)),
        }),
        6 => Input::BargeIn(Verdict::Interrupt),
        7 => Input::BargeIn(any_verdict(rng)),
        8 if rng.below(8) == 0 => Input::AnsweredBy(anybody(rng)),
        8 => Input::TurnEnded { utterances: u32::try_from(rng.below(4)).unwrap() },
        9 => finished_tool(rng),
        10 => Input::ChildExited { child: any_child(rng), exit: Exit::Error },
        11 if rng.below(5) == 0 => Input::Command(Command::Hangup),
        11 if rng.below(5) == 0 => Input::Command(Command::Expire),
        11 => Input::Command(Command::Transfer { reason: "r".to_owned() }),
        _ => Input::Model(any_model_event(rng, item, bytes)),
    }
}

fn any_verdict(rng: &mut Rng) -> Verdict {
    let since = Micros::from_millis(rng.below(60_000));
    *rng.pick(&[Verdict::Stop { since }, Verdict::Resume, Verdict::Confirm]).unwrap()
}

fn finished_tool(rng: &mut Rng) -> Input {
    let effects = [
        ToolEffect::GoOn,
        ToolEffect::GoOn,
        ToolEffect::EndCall,
        ToolEffect::Transfer,
        ToolEffect::TextSent,
        collect_digits(rng),
        collect_digits(rng),
    ];
    Input::ToolFinished {
        call_id: call_id(rng),
        outcome: ToolOutcome {
            output: Personal::new("{}"),
            ok: rng.below(2) == 0,
            effect: rng.pick(&effects).unwrap().clone(),
        },
    }
}

fn call_id(rng: &mut Rng) -> ToolCallId {
    ToolCallId::parse(&format!("call_{}", rng.below(5))).unwrap()
}

fn any_child(rng: &mut Rng) -> Child {
    let children = [
        Child::BargeIn,
        Child::TurnManager,
        Child::ToolRunner,
        Child::BargeIn,
        Child::TurnManager,
        Child::ToolRunner,
        Child::RealtimeSession,
    ];
    if rng.below(40) == 0 { Child::TwilioStream } else { *rng.pick(&children).unwrap() }
}

fn any_model_event(rng: &mut Rng, item: ItemId, audio_bytes: u64) -> ModelEvent {
    let response = response_of(tag(rng));
    let text = Personal::new(*rng.pick(&["", " ", "word", " more words", "naïve…"]).unwrap());
    match rng.below(16) {
        14 => ModelEvent::CallerPartial { item, text },
        15 => ModelEvent::Expires { in_ms: rng.below(20_000) },
        0 | 1 => ModelEvent::Ready,
        2 => ModelEvent::SpeechStarted,
        3 => ModelEvent::SpeechStopped,
        4 => ModelEvent::CallerTranscript { item, text },
        5 | 6 => ModelEvent::ResponseAnnounced { response },
        7 => ModelEvent::ItemAnnounced { response, item },
        8 => ModelEvent::AgentText { item, text, audio_bytes },
        9 => ModelEvent::ItemFinished { item, audio_bytes },
        10 => ModelEvent::FunctionCall {
            response,
            call_id: call_id(rng),
            name: "look_up".to_owned(),
            arguments: text,
        },
        11 => ModelEvent::ResponseFinished {
            response,
            completed: rng.below(2) == 0,
            error: None,
            usage: None,
        },
        12 if rng.below(4) == 0 => {
            ModelEvent::Lost { reason: "gone".to_owned(), retry: rng.below(5) > 0 }
        }
        12 => ModelEvent::Complaint { code: "odd".to_owned() },
        _ => ModelEvent::Busy,
    }
}
