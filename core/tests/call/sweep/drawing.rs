//! A call made from a seed: who takes part, and the list of what they do.

use trunkline_core::call::{Child, Command, MAX_REDIALS, ModelEvent, ToolEffect};
use trunkline_core::persona::Rng;
use trunkline_core::tenant::Turns;
use trunkline_core::time::Micros;

use super::rates::{
    DIALS, KINDS, Kind, LATE_WORDS, NO_WORDS, OF_STEPS, STEPS, one_call_in, one_reply_in,
};
use super::step::{Step, Talk, Words};
use super::{Peers, Scenario};
use crate::random::{SAYINGS, anybody, collect_digits, random_plan};
use crate::support::{Dial, GREETING, Reply, World, ms};

/// A call whose peers keep to the protocol, whatever goes wrong with them.
pub fn legal(seed: u64) -> Scenario {
    let mut rng = Rng::new(seed);
    let plan = random_plan(&mut rng);
    let mut steps = peers(&mut rng);
    if one_in(one_call_in::STOPS_BEFORE_START, &mut rng) {
        steps.push(Step::HangUp);
    }
    steps.push(Step::Start);
    let mut losses = 0;
    for _ in 0..STEPS {
        let kind = draw(&mut rng);
        losses += u32::from(kind == Kind::ModelLost);
        if kind != Kind::ModelLost || losses <= MAX_REDIALS {
            add(kind, &mut steps, &mut rng);
        }
    }
    Scenario { plan, steps, peers: Peers::Legal, on_purpose: None }
}

pub fn one_in(times: u64, rng: &mut Rng) -> bool {
    rng.below(times) == 0
}

pub fn draw(rng: &mut Rng) -> Kind {
    let mut left = rng.below(OF_STEPS);
    for (kind, of) in KINDS {
        if left < of {
            return kind;
        }
        left -= of;
    }
    panic!("the rates add up to less than {OF_STEPS}")
}

/// How the peers are from the beginning.
pub fn peers(rng: &mut Rng) -> Vec<Step> {
    let mut steps = vec![Step::LineDelay(ms(rng.below(120)))];
    if one_in(one_call_in::JITTERS, rng) {
        steps.push(Step::Jitter { most: ms(1 + rng.below(80)), seed: rng.next_u64() });
    }
    let marks = [
        (one_call_in::LOSES_MARKS, Step::MarksLostEvery(1)),
        (one_call_in::LOSES_SOME_MARKS, Step::MarksLostEvery(2 + rng.below(8))),
        (one_call_in::DOUBLES_MARKS, Step::MarksDoubled(true)),
        (one_call_in::LATE_MARKS, Step::MarksLate(ms(rng.below(1_500)))),
        (one_call_in::IGNORES_CANCEL, Step::IgnoresCancel(true)),
        (one_call_in::CANCELS_LATE, Step::CancelTakes(ms(20 + rng.below(1_480)))),
        (one_call_in::DOUBLES_EVENTS, Step::DoublesEvery(1 + rng.below(9))),
    ];
    steps.extend(marks.into_iter().filter_map(|(times, step)| one_in(times, rng).then_some(step)));
    steps.extend([
        Step::Tool("look_up", ms(rng.below(600)), ToolEffect::GoOn),
        Step::Tool("slow", ms(1_000 + rng.below(3_000)), ToolEffect::GoOn),
        Step::Tool("collect_digits", ms(rng.below(50)), collect_digits(rng)),
        Step::Tool("send_sms", ms(rng.below(900)), ToolEffect::TextSent),
        Step::Tool("end_call", ms(rng.below(50)), ToolEffect::EndCall),
        Step::Tool("transfer_to_human", ms(rng.below(50)), ToolEffect::Transfer),
    ]);
    for _ in 0..rng.below(4) {
        steps.push(Step::Dial(match rng.below(DIALS) {
            0 => Dial::Hangs,
            1 | 2 => Dial::Fails { after: ms(rng.below(900)), retry: rng.below(4) > 0 },
            _ => Dial::Ready(ms(rng.below(2_500))),
        }));
    }
    for _ in 0..rng.below(20) {
        steps.push(Step::Reply(reply(rng)));
    }
    steps
}

fn reply(rng: &mut Rng) -> Reply {
    let texts = [
        "",
        "Yes.",
        GREETING,
        "Let me see what we have.",
        "Well that is a long story and I will tell you all of it. \
         It began in the spring whether you like it or not",
    ];
    let tools: &[&[(&str, &str)]] = &[
        &[],
        &[],
        &[],
        &[("look_up", "{}")],
        &[("slow", "{}"), ("look_up", "{}")],
        &[("never_ends", "{}")],
        &[("collect_digits", "{}")],
        &[("send_sms", "{}")],
        &[("end_call", "{}")],
        &[("transfer_to_human", "{}"), ("look_up", "{}")],
    ];
    let mut reply = Reply::says(rng.pick(&texts).unwrap());
    reply.tools = rng.pick(tools).unwrap().to_vec();
    let fails = one_in(one_reply_in::FAILS, rng);
    if fails || (reply.text.is_empty() && reply.tools.is_empty()) {
        reply.fails = Some("server_error");
    }
    reply.mute = one_in(one_reply_in::MUTE, rng);
    reply.never_announced = one_in(one_reply_in::NEVER_ANNOUNCED, rng);
    reply.refused = one_in(one_reply_in::REFUSED, rng);
    reply.stalls = one_in(one_reply_in::STALLS, rng);
    reply.latency = one_in(one_reply_in::LATE, rng).then(|| ms(50 + rng.below(2_500)));
    if one_in(one_reply_in::WORDS_LAG, rng) {
        reply.text_lag = ms(rng.below(700));
    }
    reply
}

/// The steps of one kind.
fn add(kind: Kind, steps: &mut Vec<Step>, rng: &mut Rng) {
    let at_once = (Micros::ZERO, Micros::ZERO);
    let vad = (ms(200), ms(500));
    let said = *rng.pick(&["what about this", "yeah, right", "no", "stop"]).unwrap();
    steps.push(match kind {
        Kind::Pause => Step::Wait(ms(rng.below(800))),
        Kind::LongPause => Step::Wait(ms(rng.below(4_000))),
        Kind::Instant => Step::Wait(ms(rng.below(60))),
        Kind::Speaks => Step::Talk(talk(Some(true), Some(vad), Words::Are(said), rng)),
        Kind::SpeaksFar => {
            let hears = *rng.pick(&[at_once, vad]).unwrap();
            Step::Talk(talk(None, Some(hears), Words::Are(said), rng))
        }
        Kind::SpeaksInPieces => {
            let ears = *rng.pick(&[None, Some(false), Some(true)]).unwrap();
            let mut talk = talk(ears, Some(at_once), Words::Are(said), rng);
            talk.pieces = rng.pick(&SAYINGS).unwrap();
            Step::Talk(talk)
        }
        Kind::Backchannel => {
            let word = *rng.pick(&["mm-hm", "yeah", "okay"]).unwrap();
            let mut talk = talk(Some(one_in(2, rng)), Some(vad), Words::Are(word), rng);
            talk.length = ms(150 + rng.below(500));
            Step::Talk(talk)
        }
        Kind::Cough => Step::Talk(talk(Some(one_in(2, rng)), None, Words::NeverCome, rng)),
        Kind::Echo => {
            let ears = one_in(3, rng).then_some(false);
            Step::Talk(talk(ears, Some(vad), Words::Are("let me see what we have"), rng))
        }
        Kind::Types => return types(steps, rng),
        Kind::Zero => Step::Press('0'),
        Kind::HangsUp => Step::HangUp,
        Kind::ModelLost => Step::ModelLost,
        Kind::ModelBegins => Step::ModelBegins(reply(rng)),
        Kind::ModelSays => Step::ModelSays(if one_in(2, rng) {
            ModelEvent::Expires { in_ms: 1_000 + rng.below(60_000) }
        } else {
            ModelEvent::Complaint { code: "server_is_slow".to_owned() }
        }),
        Kind::ChildDies => {
            let children = [Child::BargeIn, Child::TurnManager, Child::ToolRunner];
            Step::Kill(*rng.pick(&children).unwrap())
        }
        Kind::SessionDies => Step::Kill(Child::RealtimeSession),
        Kind::StreamDies => Step::Kill(Child::TwilioStream),
        Kind::Sticks => Step::Sticks(one_in(2, rng)),
        Kind::MarksChange => match rng.below(3) {
            0 => Step::MarksLostEvery(rng.below(4)),
            1 => Step::MarksDoubled(one_in(2, rng)),
            _ => Step::MarksLate(ms(rng.below(2) * rng.below(1_500))),
        },
        Kind::CancelsIgnored => Step::IgnoresCancel(one_in(2, rng)),
        Kind::Ordered => Step::Order(match rng.below(7) {
            0 | 1 => Command::Hangup,
            2 | 3 => Command::HandOver,
            4 | 5 => Command::Transfer { reason: "supervisor".to_owned() },
            _ => Command::Expire,
        }),
        Kind::Answered => Step::Answered(anybody(rng)),
    });
}

fn talk(ears: Option<bool>, model: Option<(Micros, Micros)>, words: Words, rng: &mut Rng) -> Talk {
    let late = one_in(LATE_WORDS, rng);
    let none = one_in(NO_WORDS, rng);
    let nothing = *rng.pick(&[Words::Are(""), Words::Fail, Words::NeverCome]).unwrap();
    Talk {
        length: ms(100 + rng.below(1_500) + rng.below(2) * rng.below(1_500)),
        ears,
        model,
        pieces: &[],
        words: if none { nothing } else { words },
        words_lag: if late { ms(rng.below(3_000)) } else { ms(150) },
    }
}

fn types(steps: &mut Vec<Step>, rng: &mut Rng) {
    for _ in 0..1 + rng.below(3) {
        steps.push(Step::Press(*rng.pick(&['1', '5', '#']).unwrap()));
        steps.push(Step::Wait(ms(rng.below(400))));
    }
}

/// The model takes turns by itself where they are its own.
pub fn settle(world: &mut World) {
    world.model.decides = world.is_theirs();
}

#[test]
fn what_is_stated_is_what_is_drawn() {
    const DRAWS: u64 = 200_000;
    assert_eq!(KINDS.iter().map(|(_, of)| of).sum::<u64>(), OF_STEPS);
    let mut rng = Rng::new(1);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..DRAWS {
        *counts.entry(draw(&mut rng)).or_insert(0_u64) += 1;
    }
    for (kind, of) in KINDS {
        let (drawn, stated) = (counts[&kind], of * DRAWS / OF_STEPS);
        // Five standard deviations of a count.
        let most = 5.0 * (stated as f64).sqrt();
        assert!(drawn.abs_diff(stated) as f64 <= most, "{kind:?}: {drawn}, stated {stated}");
    }
    let theirs = (0..2_000).filter(|seed| legal(*seed).plan.turns == Turns::Model).count();
    assert!((300..500).contains(&theirs), "{theirs} of 2,000, stated one in 5");
}
