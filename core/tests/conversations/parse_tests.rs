//! Scripts that are not as they should be, and failures that say what is wrong.

use trunkline_core::tenant::Mode;

use super::parse::script;
use super::play::play;

const GOOD: &str = "at 4.5s caller says \"hello\" for 900ms\nwithin 3s agent speaks 1\n";

#[test]
fn a_mistake_is_named_with_its_line() {
    for (line, says) in [
        ("at 5s caller sings", "2: `caller sings` is nothing that a caller does"),
        ("at soon caller hangs up", "2: \"soon\" is no time"),
        ("at 1.5ms caller hangs up", "2: \"1.5ms\" is no time"),
        ("at 5s caller says hello for 1s", "2: `caller says hello for 1s`"),
        ("at 5s caller says \"hello for 1s", "2: a text has no closing quote"),
        ("at 5s caller presses x", "2: \"x\" is no key"),
        ("at 5s child sibling dies", "2: \"sibling\" is no child"),
        ("at 5s weather turns", "2: `weather turns` is nothing that happens"),
        ("expect rain", "2: `rain` is nothing that can be expected"),
        ("expect cleared often", "2: `often` is no count"),
        ("expect heard all of many", "2: \"many\" is no number"),
        ("perhaps phase greeting", "2: `perhaps phase greeting` is no line of a script"),
        ("at 5s caller says \"a\" b for 1s in pieces", "2: `caller says \"a\" b for 1s in pieces`"),
        ("at 5s caller presses \"4x\"", "2: `caller presses \"4x\"` is nothing"),
        ("at 5s answered by ghost", "2: nobody answers as \"ghost\""),
        ("expect resumed once pause at most soon", "2: \"soon\" is no time"),
        ("given greeting loud", "2: \"loud\" is no mode"),
        ("given kept promise", "2: \"promise\" is no sentence"),
        ("given silence is golden", "2: `is golden` is nothing that silence comes to"),
        ("given endpointing soon 1s", "2: \"soon\" is no delay"),
        ("given limit patience 3s", "2: \"patience\" is no limit"),
        ("given wine", "2: `wine` is nothing that can be given"),
        ("given reply", "2: a reply says or does something"),
        ("given dial explodes", "2: `explodes` is nothing that a dial comes to"),
        ("given tool hammer breaks", "2: `breaks` is nothing that a tool does"),
    ] {
        let error = script(&format!("# A remark\n{line}\n{GOOD}")).unwrap_err();
        assert!(error.starts_with(says), "{line}: {error}");
    }
    let late = script(&format!("{GOOD}given no human")).unwrap_err();
    assert!(late.starts_with("3: what is given stands before"), "{late}");
    let idle = script("at 4s caller hangs up\n").unwrap_err();
    assert_eq!(idle, "1: nothing is expected of this call");
    assert!(script(GOOD).is_ok());
}

#[test]
fn a_call_that_goes_otherwise_is_shown_with_line_and_timeline() {
    for (line, found) in [
        ("expect cleared once", "found at 6000.000ms: 0 times"),
        ("expect not heard greeting", "2000.000ms of 2000.000ms were heard"),
        ("within 200ms ended", "found at 6200.000ms: Conversation"),
        ("at 2s caller hangs up", "it is 6000.000ms already"),
        ("expect stored caller \"goodbye\"", "stored: [\"hello\"]"),
        ("expect phase greeting", "conversation"),
    ] {
        let text = format!("{GOOD}at 6s\n{line}\n");
        let failure = play(&script(&text).unwrap(), Mode::Realtime).unwrap_err();
        assert!(failure.starts_with(&format!("4: {line}\n")), "{failure}");
        assert!(failure.contains(found), "{line}: {failure}");
        assert!(failure.contains("  model speech started"), "the timeline: {failure}");
        assert!(failure.contains("> media: admit"), "with what was decided: {failure}");
    }
}
