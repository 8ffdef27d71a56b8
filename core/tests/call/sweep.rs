//! Thousands of calls that no one thought of. Each is made from a seed; a failing
//! one prints its trace, and `SEED=n` runs that one alone; `CALLS=n` makes more.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use trunkline_core::call::{
    Child, Command, Exit, Input, MAX_REDIALS, ModelEvent, Output, PhaseName, Sentence, ToolEffect,
    ToolOutcome,
};
use trunkline_core::ids::{ItemId, ToolCallId};
use trunkline_core::media::Notice;
use trunkline_core::persona::Rng;
use trunkline_core::pii::Personal;
use trunkline_core::tenant::{Limits, Turns};
use trunkline_core::turn::barge_in::{BargeInMode, BargeInSettings, Verdict};

use super::random::{SAYINGS, anybody, collect_digits, random_endpointing, random_silence};
use crate::support::{Dial, Plan, Reply, World, item_of, ms, response_of, secs};

/// Of each kind, unless the environment says otherwise.
const CALLS: u64 = 1_500;
const STEPS: u64 = 40;
/// A quarter of a second with each sentence that is taken up again.
const MOST_REPEATED: u64 = 2_000;
/// Four seconds, as base64. What is kept is a second and a half of each item, and
/// items of a second and a half.
const MOST_KEPT: usize = 4 * 8_000 / 3 * 4;

fn sweep(drive: fn(&mut World, &mut Rng)) {
    let seeds = match (from_environment("SEED"), from_environment("CALLS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, calls) => 0..calls.unwrap_or(CALLS),
    };
    for seed in seeds {
        let mut rng = Rng::new(seed);
        let mut world = World::new(&random_plan(&mut rng));
        let driven = catch_unwind(AssertUnwindSafe(|| drive(&mut world, &mut rng)));
        if let Err(panic) = driven {
            print_trace(&world, seed);
            resume_unwind(panic);
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a test may ask which of its calls to run")]
fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a number"))
}

#[allow(clippy::print_stderr, reason = "a failing call is to be seen")]
fn print_trace(world: &World, seed: u64) {
    let inputs = world.inputs.iter().map(|(at, input)| (*at, format!("{at:?} < {input:?}")));
    let outputs = world.outputs.iter().map(|(at, output)| (*at, format!("{at:?}   > {output:?}")));
    let mut lines: Vec<_> = inputs.chain(outputs).collect();
    lines.sort_by_key(|(at, _)| *at);
    for (_, line) in lines {
        eprintln!("{line}");
    }
    eprintln!("replay with SEED={seed}");
}

fn random_plan(rng: &mut Rng) -> Plan {
    let limits = Limits {
        max_call_duration_ms: *rng.pick(&[0, 5_000, 20_000, 600_000]).unwrap(),
        max_turns: *rng.pick(&[0, 1, 3, 20]).unwrap(),
        tool_timeout_ms: *rng.pick(&[800, 3_000, 15_000]).unwrap(),
        farewell_timeout_ms: *rng.pick(&[500, 8_000]).unwrap(),
        ..Limits::default()
    };
    Plan {
        cached_greeting: rng.below(2) == 0,
        limits,
        turns: if rng.below(5) == 0 { Turns::Model } else { Turns::Ours },
        human: rng.below(4) > 0,
        filler: (rng.below(3) > 0).then_some("One moment please."),
        barge_in: random_barge_in(rng),
        kept: Sentence::ALL.into_iter().filter(|_| rng.below(2) == 0).collect(),
        providers: *rng.pick(&[1, 1, 2, 3]).unwrap(),
        silence: random_silence(rng),
        endpointing: random_endpointing(rng),
        voicemail: (rng.below(2) == 0).then_some("Please call us back."),
        session_limit_ms: *rng.pick(&[0, 10_000, 3_600_000]).unwrap(),
        silence_duration_ms: *rng.pick(&[200, 500]).unwrap(),
    }
}

fn random_barge_in(rng: &mut Rng) -> BargeInSettings {
    let modes = [
        BargeInMode::Immediate,
        BargeInMode::Immediate,
        BargeInMode::AfterSentence,
        BargeInMode::Protected,
    ];
    BargeInSettings {
        mode: *rng.pick(&modes).unwrap(),
        greeting: *rng.pick(&modes).unwrap(),
        ears: rng.below(3) > 0,
        confirm_window_ms: *rng.pick(&[100, 600, 2_000]).unwrap(),
        confirm_speech_ms: *rng.pick(&[200, 450]).unwrap(),
        cooldown_ms: *rng.pick(&[0, 500]).unwrap(),
        ..BargeInSettings::default()
    }
}

fn random_reply(rng: &mut Rng) -> Reply {
    let texts = [
        "",
        "Yes.",
        "Let me see what we have.",
        "well that is a long story and I will \
                 tell you all of it now whether you like it or not",
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
    let mut reply = Reply::says(texts[usize::try_from(rng.below(4)).unwrap()]);
    reply.tools = rng.pick(tools).unwrap().to_vec();
    if reply.text.is_empty() && reply.tools.is_empty() {
        reply.fails = Some("server_error");
    }
    reply.mute = rng.below(25) == 0;
    reply.never_announced = rng.below(25) == 0;
    reply.stalls = rng.below(25) == 0;
    reply.latency = (rng.below(3) == 0).then(|| ms(50 + rng.below(2_500)));
    reply
}

fn prepare(world: &mut World, rng: &mut Rng) {
    world.line_delay = ms(rng.below(120));
    world.loses_marks = rng.below(6) == 0;
    world.model.ignores_cancel = rng.below(8) == 0;
    world.tools.insert("look_up", (ms(rng.below(600)), ToolEffect::GoOn));
    world.tools.insert("slow", (ms(1_000 + rng.below(3_000)), ToolEffect::GoOn));
    world.tools.insert("collect_digits", (ms(rng.below(50)), collect_digits(rng)));
    world.tools.insert("send_sms", (ms(rng.below(900)), ToolEffect::TextSent));
    world.tools.insert("end_call", (ms(rng.below(50)), ToolEffect::EndCall));
    world.tools.insert("transfer_to_human", (ms(rng.below(50)), ToolEffect::Transfer));
    for _ in 0..rng.below(4) {
        world.model.dials.push_back(match rng.below(8) {
            0 => Dial::Hangs,
            1 | 2 => Dial::Fails { after: ms(rng.below(900)), retry: rng.below(4) > 0 },
            _ => Dial::Ready(ms(rng.below(2_500))),
        });
    }
    let replies = rng.below(20);
    for _ in 0..replies {
        let reply = random_reply(rng);
        world.model.replies.push_back(reply);
    }
}

/// What holds after every step of every call, however its peers behave.
fn check(world: &World) {
    for (tag, received) in &world.received {
        assert!(world.bytes_sent(*tag) <= *received, "more of {tag} was sent than there was");
    }
    assert!(world.downlink.kept_chars() <= MOST_KEPT, "what is kept is bounded");
    let ended = world.call.phase() == PhaseName::Ended;
    if ended {
        assert_eq!(world.call.poll_timeout(), None, "an ended call waits for nothing");
    }
}

/// What holds of everything that a call wanted done.
fn check_records(world: &World) {
    let ended = world.call.phase() == PhaseName::Ended;
    let once = usize::from(ended);
    assert_eq!(world.count(|o| matches!(o, Output::Ended(_))), once);
    assert_eq!(world.count(|o| matches!(o, Output::CloseStream)), once);
    assert_eq!(world.count(|o| matches!(o, Output::Disposition(_))), once);
    assert!(world.count(|o| matches!(o, Output::StopModel)) >= once);
    assert!(world.handshakes().len() <= 2, "one row, corrected once");
    for (_, output) in &world.outputs {
        if let Output::Transcript(entry) = output {
            let (heard, generated) = (entry.heard.expose(), entry.generated.expose());
            assert!(generated.starts_with(heard), "{heard:?} is no part of {generated:?}");
            assert!(entry.started_at <= entry.ended_at);
        }
    }
    let after_end =
        world.outputs.iter().skip_while(|(_, o)| !matches!(o, Output::Ended(_))).skip(1);
    for (_, output) in after_end {
        let stale =
            matches!(output, Output::Metric(trunkline_core::call::Metric::Stale("after_end")));
        assert!(stale, "{output:?} came after the end");
    }
}

/// Peers that keep to the protocol, whatever goes wrong with them.
fn drive_legal(world: &mut World, rng: &mut Rng) {
    prepare(world, rng);
    world.tell(Input::Started);
    let mut silent_from = world.now;
    let mut losses = 0;
    for _ in 0..STEPS {
        match rng.below(22) {
            0..=7 => world.run_for(ms(rng.below(800))),
            8 | 9 => world.run_for(ms(rng.below(4_000))),
            10..=15 if world.now > silent_from => {
                let time = ms(100 + rng.below(1_500));
                silent_from = world.now + time + ms(501);
                let words = *rng.pick(&["what about this", "mm-hm", "yeah, right", ""]).unwrap();
                match rng.below(5) {
                    0 => world.caller_sounds(time, rng.below(2) == 0),
                    1 => world.caller_says(time, words),
                    2 => world.model_hears(time, words),
                    3 => world.caller_speaks(time, words),
                    _ => world.caller_speaks_in_pieces(time, rng.pick(&SAYINGS).unwrap()),
                }
            }
            16 => {
                for _ in 0..1 + rng.below(3) {
                    world.press(*rng.pick(&['1', '5', '#']).unwrap());
                    world.run_for(ms(rng.below(400)));
                }
            }
            17 if rng.below(30) == 0 => world.carrier_stuck = !world.carrier_stuck,
            17 if losses < MAX_REDIALS && rng.below(2) == 0 => {
                losses += 1;
                world.lose_model(true);
            }
            18 => {
                let children = [Child::BargeIn, Child::TurnManager, Child::ToolRunner];
                world.kill(*rng.pick(&children).unwrap());
            }
            19 if rng.below(20) == 0 => {
                let reason = "supervisor".to_owned();
                world.tell(Input::Command(Command::Transfer { reason }));
            }
            20 if rng.below(20) == 0 => world.tell(Input::Command(Command::HandOver)),
            20 if rng.below(20) == 0 => world.tell(Input::Command(Command::Hangup)),
            21 if rng.below(20) == 0 => world.press('0'),
            21 if rng.below(40) == 0 => world.tell(Input::AnsweredBy(anybody(rng))),
            _ => world.run_for(ms(rng.below(60))),
        }
        check(world);
        assert_eq!(world.model.overlaps, 0, "one response at a time");
        assert_eq!(world.phone.skipped(), 0, "the caller hears no gap");
        let most = MOST_REPEATED * world.pauses().len() as u64;
        assert!(world.phone.repeated_in_all() <= most, "the caller hears nothing twice");
    }
    world.run_until(silent_from.max(world.now));
    must_still_live(world);
    world.hang_up();
    check(world);
    check_records(world);
}

/// A call that has not ended answers its caller, or ends.
fn must_still_live(world: &mut World) {
    world.model.replies.clear();
    world.model.ignores_cancel = false;
    world.model.dials.clear();
    world.carrier_stuck = false;
    world.run_for(secs(30));
    world.model.replies.clear();
    let spoken = |world: &World| world.sent.values().sum::<u64>();
    let before = spoken(world);
    let theirs = world.call.phase() != PhaseName::Ended && world.is_theirs();
    if theirs {
        return;
    }
    // What is said while a session is exchanged would be heard by the next one, which
    // this model does not play.
    while !world.model.ready && world.summary().is_none() {
        world.run_for(ms(50));
    }
    world.caller_speaks(ms(700), "are you still there");
    world.run_for(secs(20));
    let answered = spoken(world) > before;
    assert!(answered || world.summary().is_some(), "the line is dead");
    assert_ne!(world.call.phase(), PhaseName::Goodbye, "a goodbye comes to an end");
}

/// Peers that say anything at any time.
fn drive_hostile(world: &mut World, rng: &mut Rng) {
    prepare(world, rng);
    if rng.below(20) > 0 {
        world.tell(Input::Started);
    }
    for _ in 0..STEPS {
        match rng.below(4) {
            0 => world.run_for(ms(rng.below(1_000))),
            1 => world.push_audio(tag(rng), 1 + rng.below(4_000)),
            _ => {
                let input = anything(rng);
                world.tell(input);
            }
        }
        check(world);
    }
    world.run_for(secs(40));
    world.hang_up();
    check(world);
    check_records(world);
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
            at: trunkline_core::time::Micros::from_millis(rng.below(60_000)),
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
    let since = trunkline_core::time::Micros::from_millis(rng.below(60_000));
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

#[test]
fn peers_that_keep_to_the_protocol() {
    sweep(drive_legal);
}

#[test]
fn peers_that_keep_to_nothing() {
    sweep(drive_hostile);
}
