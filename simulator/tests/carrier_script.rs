//! Scripts and TwiML: what they may hold, and that no bytes break their readers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::path::Path;

use proptest::prelude::*;
use trunkline_simulator::carrier::{
    Expectation, Expected, Fault, Library, Script, ScriptError, Step, Verb, Wait, Words,
    parse_script, parse_twiml,
};

fn words(line: &str) -> Words {
    let lines = parse_script(line).unwrap();
    assert_eq!(lines.len(), 1, "{line}");
    lines[0].words.clone()
}

fn step(line: &str) -> Step {
    match words(line) {
        Words::Step(step) => step,
        other @ (Words::Play(_) | Words::Say(_)) => panic!("{other:?}"),
    }
}

#[test]
fn each_step_is_read() {
    let expect = |what, within_ms| Step::Expect(Expectation { what, within_ms });
    for (line, expected) in [
        ("wait 2s", Step::Wait(Wait::For(2_000))),
        ("  wait   1.25s  # later", Step::Wait(Wait::For(1_250))),
        ("hold 30", Step::Wait(Wait::For(30_000))),
        ("wait greeting", Step::Wait(Wait::Greeting)),
        ("wait reply", Step::Wait(Wait::Reply)),
        ("wait quiet 800ms", Step::Wait(Wait::Quiet(800))),
        ("wait speaking 2s", Step::Wait(Wait::Speaking(2_000))),
        ("press 12#", Step::Press("12#".into())),
        ("press #", Step::Press("#".into())),
        ("press # # the key, then this", Step::Press("#".into())),
        ("hangup", Step::Hangup),
        ("expect hangup within 10s", expect(Expected::Hangup, Some(10_000))),
        ("expect dial +14319900222", expect(Expected::Dial("+14319900222".into()), None)),
        (
            "expect text within reason, all busy within 1s",
            expect(Expected::Text("within reason, all busy".into()), Some(1_000)),
        ),
        ("drop", Step::Fault(Fault::Drop)),
        ("stall", Step::Fault(Fault::Stall)),
        ("no-stream", Step::Fault(Fault::NoStream)),
        ("never-start", Step::Fault(Fault::NeverStart)),
        ("garbage", Step::Fault(Fault::Garbage)),
    ] {
        assert_eq!(step(line), expected, "{line}");
    }
    assert_eq!(words("play a b.wav"), Words::Play("a b.wav".into()));
    assert_eq!(words("say Hello, you."), Words::Say("Hello, you.".into()));
}

#[test]
fn a_wrong_line_is_named_with_its_number() {
    for line in [
        "jump",
        "wait",
        "wait 2",
        "wait -2s",
        "wait NaNs",
        "wait 1e9s",
        "wait 99999999s",
        "wait .5s",
        "press",
        "press x",
        "say",
        "play",
        "hangup now",
        "expect",
        "expect rain",
        "expect dial",
        "expect hangup within soon",
    ] {
        let error = parse_script(&format!("# fine\nwait 1s\n{line}")).unwrap_err();
        let ScriptError::Line { line: number, .. } = error else { panic!("{line}: {error}") };
        assert_eq!(number, 3, "{line}");
    }
}

#[test]
fn recorded_utterances_are_found_by_what_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/audio/utterances");
    let mut library = Library::new(Path::new(""), &folder);
    let text = "say hello what are your OPENING hours on saturday";
    let script = Script::read(text, &mut library).unwrap();
    let [Step::Play(clip)] = script.steps.as_slice() else { panic!("{script:?}") };
    assert!(clip.audio.len() > 8_000);
    let error = Script::read("say something nobody recorded", &mut library).unwrap_err();
    assert!(error.to_string().contains("opening hours"), "{error}");
    let error = Script::read("play missing.wav", &mut library).unwrap_err();
    assert!(error.to_string().contains("missing.wav"), "{error}");
}

#[test]
fn twiml_is_read_with_its_defaults() {
    let verbs = parse_twiml(
        "\n<Response><!-- note --><Dial>+1</Dial><Gather><Say>a <b>b</b></Say></Gather>\
         <Pause/><Connect><Room/></Connect></Response>",
    )
    .unwrap();
    let Verb::Dial(dial) = &verbs[0] else { panic!("{verbs:?}") };
    assert_eq!((dial.timeout_s, dial.numbers.as_slice()), (30, ["+1".to_owned()].as_slice()));
    let Verb::Gather(gather) = &verbs[1] else { panic!("{verbs:?}") };
    assert_eq!((gather.timeout_s, gather.finish_on_key.as_str()), (5, "#"));
    assert_eq!(gather.prompts, [Verb::Say("a b".into())]);
    assert_eq!(verbs[2], Verb::Pause(1));
    assert_eq!(verbs[3], Verb::Unknown("Connect with Room".into()));
}

fn any_step() -> impl Strategy<Value = Words> {
    let ms = 0..86_400_000_u64;
    let within = proptest::option::of(ms.clone());
    let what = prop_oneof![
        Just(Expected::Hangup),
        "\\+[0-9]{1,15}".prop_map(Expected::Dial),
        "[a-z]{1,8}( [a-z]{1,8}){0,4}".prop_map(Expected::Text),
    ];
    let step = prop_oneof![
        ms.clone().prop_map(|ms| Step::Wait(Wait::For(ms))),
        ms.clone().prop_map(|ms| Step::Wait(Wait::Quiet(ms))),
        ms.prop_map(|ms| Step::Wait(Wait::Speaking(ms))),
        Just(Step::Wait(Wait::Greeting)),
        Just(Step::Wait(Wait::Reply)),
        "[0-9*#]{1,12}".prop_map(Step::Press),
        Just(Step::Hangup),
        (what, within).prop_map(|(what, within_ms)| Step::Expect(Expectation { what, within_ms })),
        Just(Step::Fault(Fault::Garbage)),
    ];
    prop_oneof![
        step.prop_map(Words::Step),
        "[a-z]{1,9}\\.wav".prop_map(Words::Play),
        "[A-Za-z]{1,9}( [a-z',.?]{1,9}){0,6}".prop_map(Words::Say),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(steps in proptest::collection::vec(any_step(), 0..12)) {
        let text: String = steps.iter().map(|step| format!("{step}  # note\n\n")).collect();
        let read: Vec<_> = parse_script(&text).unwrap().into_iter().map(|line| line.words).collect();
        prop_assert_eq!(read, steps);
    }

    #[test]
    fn no_text_makes_the_script_reader_panic(text in ".{0,200}") {
        drop(parse_script(&text));
        for verb in ["wait", "wait quiet", "hold", "press", "expect", "expect dial"] {
            drop(parse_script(&format!("{verb} {text}")));
        }
    }

    #[test]
    fn no_bytes_make_the_twiml_reader_panic(bytes: Vec<u8>, inside in "[<>/A-Za-z\"'= &;0-9]{0,120}") {
        drop(parse_twiml(&String::from_utf8_lossy(&bytes)));
        drop(parse_twiml(&format!("<Response>{inside}</Response>")));
        drop(parse_twiml(&format!("<Response><Gather timeout=\"{inside}\"/></Response>")));
    }
}
