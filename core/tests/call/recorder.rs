//! The flight recorder: what it writes, and what a replay makes of it. That every
//! call under test replays to the byte is checked where each world ends.

use proptest::prelude::*;
use trunkline_core::call::{Child, Command, Exit, Input, ModelEvent, PhaseName, ToolEffect};
use trunkline_core::flight::{Ending, Entry, Tape, Words, entries, say, say_lines, show};
use trunkline_core::ids::{ItemId, ResponseId, ToolCallId};
use trunkline_core::media::Notice;
use trunkline_core::pii::Personal;
use trunkline_core::time::Micros;
use trunkline_core::wire::realtime::Usage;

use crate::support::{Plan, Reply, World, ms, preamble, replay, secs};

/// A call with a bit of everything: turns, a tool, a key, an interruption, a hang-up.
fn eventful() -> World {
    let mut world = World::started(&Plan::default());
    world.tools.insert("look_up", (ms(300), ToolEffect::GoOn));
    world.past_greeting();
    world.model.replies.push_back(Reply::calls(&[("look_up", "{\"topic\":\"Zanzibar\"}")]));
    world.model.replies.push_back(Reply::says("We are open from nine to five on every day"));
    world.caller_speaks(ms(900), "my name is Ada Quisquilia");
    world.run_for(secs(3));
    world.caller_speaks(ms(700), "no wait");
    world.run_for(secs(4));
    world.press('7');
    world.run_for(secs(4));
    world.hang_up();
    world
}

fn recorded() -> Vec<u8> {
    eventful().recording.finish()
}

#[test]
fn a_replay_tells_what_happened_and_what_was_decided() {
    let replayed = replay(&recorded(), Words::Hidden).expect("no difference");
    assert_eq!((replayed.ending, replayed.torn), (Some(Ending::Complete), false));
    let steps: Vec<String> = replayed.steps.iter().map(|s| say(&s.happened)).collect();
    assert_eq!(steps.first().unwrap(), "started");
    assert_eq!(steps.last().unwrap(), "stream stopped");
    let decided_by = |happened: &str| -> Vec<String> {
        let step = replayed.steps.iter().find(|s| say(&s.happened).starts_with(happened));
        step.unwrap_or_else(|| panic!("no {happened} in {steps:#?}"))
            .decided
            .iter()
            .map(say)
            .collect()
    };
    assert!(decided_by("started").contains(&"start tool runner".to_owned()));
    assert!(decided_by("model: function call").iter().any(|d| d.starts_with("run tool")));
    assert!(decided_by("stream stopped").iter().any(|d| d == "disposition caller gone"));
    let interrupted = replayed.steps.iter().flat_map(|s| &s.decided);
    assert!(interrupted.map(say).any(|d| d.starts_with("media: interrupt: clear yes")));
}

#[test]
fn two_replays_have_one_fingerprint_and_another_call_has_another() {
    let bytes = recorded();
    let (first, second) =
        (replay(&bytes, Words::Hidden).unwrap(), replay(&bytes, Words::Hidden).unwrap());
    assert_eq!(first.fingerprint, second.fingerprint);
    assert!(first.outputs > 40, "{}", first.outputs);
    let mut other = World::started(&Plan::default());
    other.hang_up();
    assert_ne!(
        replay(&other.recording.finish(), Words::Hidden).unwrap().fingerprint,
        first.fingerprint
    );
}

#[test]
fn what_is_shown_has_no_word_of_the_caller_the_agent_or_a_tool() {
    let bytes = recorded();
    let private = ["Ada", "Quisquilia", "Zanzibar", "nine to five", "key 7", "no wait"];
    let text = |shown: String| {
        let found = private.iter().find(|word| shown.contains(**word));
        assert_eq!(found, None, "{shown}");
    };
    let (_, all) = entries(&bytes).unwrap();
    for entry in all {
        match entry.unwrap() {
            Entry::Decided(decided) => text(say(&decided.shown)),
            Entry::Input(_, input) => text(say(&show(&input, Words::Hidden))),
            Entry::Preamble(_) | Entry::Timeout(..) | Entry::Ending(_) => {}
        }
    }
    for step in replay(&bytes, Words::Hidden).unwrap().steps {
        text(format!("{} {:?}", say(&step.happened), step.decided));
    }
    let world = eventful();
    text(format!("{:?}", world.call.explain(world.now, Words::Hidden)));
    let shown = format!("{:?}", world.call.explain(world.now, Words::Shown));
    assert!(shown.contains("Ada Quisquilia"), "and all of them for whoever asks");
}

#[test]
fn what_the_call_knows_at_a_moment_is_explained() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply::says("We are open from nine to five on every day"));
    world.caller_speaks(ms(900), "when are you open");
    world.run_until_sent(1);
    world.run_for(ms(500));
    let known = world.call.explain(world.now, Words::Hidden);
    assert_eq!(
        (known.phase, known.floor),
        (PhaseName::Conversation, "the agent, who is being heard")
    );
    let [item] = known.heard.as_slice() else { panic!("{known:?}") };
    assert!((400..=520).contains(&item.heard_ms), "{item:?}");
    assert!(item.sent_ms >= item.heard_ms && item.received_ms >= item.sent_ms, "{item:?}");
    assert!(known.timers.windows(2).all(|w| w[0].after <= w[1].after), "{:?}", known.timers);
    assert!(known.timers.iter().any(|due| due.timer == "max duration"), "{:?}", known.timers);
    let lines = say_lines(&known.state).join("\n");
    for word in ["sequencer:", "open", "resp_1", "generation", "caller speaking: no", "turns"] {
        assert!(lines.contains(word), "{word} is not in\n{lines}");
    }
    world.caller_speaks(ms(300), "stop");
    world.run_for(ms(1));
    let known = world.call.explain(world.now, Words::Hidden);
    assert_eq!(known.floor, "the caller, who is speaking");
    world.hang_up();
    assert_eq!(world.call.explain(world.now, Words::Hidden).timers, []);
}

#[test]
fn a_recording_that_has_become_too_long_says_so_and_replays_as_far_as_it_goes() {
    let world = eventful();
    let most = 4_000;
    let mut tape = Tape::new(&preamble(&Plan::default().settings()), most);
    for (at, input) in &world.inputs {
        tape.input(input, *at);
    }
    assert!(tape.is_ended());
    tape.end(Ending::Complete);
    let bytes = tape.take();
    assert!((most..most + 1_000).contains(&(bytes.len() as u64)), "{}", bytes.len());
    let (_, all) = entries(&bytes).unwrap();
    let last = all.map(Result::unwrap).last().unwrap();
    assert!(matches!(last, Entry::Ending(Ending::Full)), "{last:?}");
    replay(&bytes, Words::Hidden).expect("what is there is replayed");
}

#[test]
fn a_minute_of_talk_takes_some_kilobytes() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    while world.now < secs(60) {
        world.model.replies.push_back(Reply::says("Yes we have that and we would be glad to help"));
        world.caller_speaks(ms(1_500), "I would like to know something about your offer");
        world.run_for(secs(7));
    }
    world.hang_up();
    let inputs = world.inputs.len();
    let bytes = world.recording.finish().len();
    assert!(bytes < 60_000, "{bytes} bytes for {inputs} inputs");
    assert!(bytes / inputs < 150, "{bytes} bytes for {inputs} inputs");
}

/// An input of any kind that has words, names or numbers in it.
fn any_input() -> impl Strategy<Value = Input> {
    let id = "[a-zA-Z0-9_.:-]{1,128}";
    let item = id.prop_map(|text| ItemId::parse(&text).unwrap());
    let response = id.prop_map(|text| ResponseId::parse(&text).unwrap());
    let call = id.prop_map(|text| ToolCallId::parse(&text).unwrap());
    let words = any::<String>().prop_map(Personal::new);
    let usage = any::<[u64; 6]>().prop_map(|[a, b, c, d, e, f]| Usage {
        text_in: a,
        cached_text: b,
        audio_in: c,
        cached_audio: d,
        text_out: e,
        audio_out: f,
    });
    prop_oneof![
        Just(Input::Started),
        any::<char>().prop_map(Input::Digit),
        any::<String>().prop_map(|reason| Input::StreamLost { reason }),
        any::<u32>().prop_map(|utterances| Input::TurnEnded { utterances }),
        any::<String>().prop_map(|reason| Input::Command(Command::Transfer { reason })),
        Just(Input::ChildExited { child: Child::ToolRunner, exit: Exit::Panicked }),
        (item.clone(), any::<u64>(), any::<u64>()).prop_map(|(item, bytes, at)| {
            Input::Media(Notice::Sent { item, from: 0, bytes, at: Micros(at) })
        }),
        (item, words.clone(), any::<u64>()).prop_map(|(item, text, audio_bytes)| {
            Input::Model(ModelEvent::AgentText { item, text, audio_bytes })
        }),
        (response.clone(), call, any::<String>(), words).prop_map(
            |(response, call_id, name, arguments)| {
                Input::Model(ModelEvent::FunctionCall { response, call_id, name, arguments })
            }
        ),
        (response, any::<bool>(), any::<Option<String>>(), proptest::option::of(usage)).prop_map(
            |(response, completed, error, usage)| {
                Input::Model(ModelEvent::ResponseFinished { response, completed, error, usage })
            }
        ),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(inputs in prop::collection::vec((any::<u64>(), any_input()), 0..40)) {
        let begins_with = preamble(&Plan::default().settings());
        let mut tape = Tape::new(&begins_with, u64::MAX);
        let mut bytes = tape.take();
        for (at, input) in &inputs {
            tape.input(input, Micros(*at));
            tape.timeout(Micros(*at), Some(Micros(at / 2)));
            bytes.extend(tape.take());
        }
        let (read, all) = entries(&bytes).unwrap();
        prop_assert_eq!(read.settings.tenant, begins_with.settings.tenant);
        prop_assert_eq!(read.settings.script, begins_with.settings.script);
        prop_assert_eq!((read.seed, read.at, read.build), (7, Micros::ZERO, "test".to_owned()));
        let mut read = Vec::new();
        let mut timeouts = 0;
        for entry in all {
            match entry.unwrap() {
                Entry::Input(at, input) => read.push((at.0, *input)),
                Entry::Timeout(..) => timeouts += 1,
                other => prop_assert!(false, "{other:?}"),
            }
        }
        prop_assert_eq!(timeouts, inputs.len());
        prop_assert_eq!(read, inputs);
    }
}
