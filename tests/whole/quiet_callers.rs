//! Callers who say nothing, and callers who type.

use crate::support::{Ongoing, World, assert_heard_whole, fact, response};

const TYPED: &str = r#"
company = "Typed"
numbers = ["+15550170002"]
persona = "shop"
human_number = "+15550170099"
tools = ["collect_digits", "end_call"]
"#;

#[actix_rt::test]
async fn a_silent_caller_is_asked_and_then_let_go() {
    let silence = "[silence]\nnudge_ms = 1000\ngive_up_ms = 2000";
    let world = World::plan().shop(silence).start().await;
    let report = world.place("wait greeting\nexpect hangup within 20s").await;
    assert_eq!(report.failure(), None, "{report:?}");
    let session = world.sessions().remove(0);
    assert_heard_whole(&report, response(&session, "Are you still there?"));
    assert_heard_whole(&report, response(&session, "Thank you for calling. Goodbye!"));
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "timeout", "{stored:#}");
    assert_eq!(stored["call"]["captured_fields"]["end_reason"], "silence");
    let again = world.place("wait greeting\nexpect hangup within 20s").await;
    assert_eq!(again.failure(), None, "{again:?}");
    let stored = world.stored(&again.call_sid).await;
    assert_eq!(fact(&stored, "sentence")["sentence"], "nudge", "its rendering was kept");
    world.assert_idle().await;
}

#[actix_rt::test]
async fn digits_are_taken_as_one_entry() {
    let dialogue = r#"
        greeting = "Hello."
        default = ["I see."]
        [[rule]]
        heard = ["yes"]
        say = "Please type your number and press pound."
        call = [{ tool = "collect_digits", arguments = { max_digits = 10 } }]
        [[result]]
        tool = "collect_digits"
        say = "You typed {digits}."
    "#;
    let world = World::plan().tenant("typed", TYPED).dialogue(dialogue).start().await;
    let mut plan = world.call(
        "wait greeting
         say Yes, please.
         wait speaking 1500ms
         press 4
         press 0
         press 7
         press #
         wait reply
         hangup",
    );
    plan.to = "+15550170002".to_owned();
    let report = Ongoing::place(plan).await.report().await;
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(report.dialled, [], "a zero among digits is a zero");
    let session = world.sessions().remove(0);
    assert_heard_whole(&report, response(&session, "You typed 407."));
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(fact(&stored, "digits_collected")["ended_by"], "terminator");
    for event in stored["events"].as_array().unwrap() {
        assert!(!event["data"].to_string().contains("\"407"), "keys may be secrets: {event}");
    }
    world.assert_idle().await;
}
