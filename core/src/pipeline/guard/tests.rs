//! What is said, and what is not.

use serde_json::json;

use super::*;

fn guard() -> Guard {
    let tool = |name: &str| ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        parameters: json!({}),
    };
    Guard::new(&[tool("find_invoice"), tool("transfer")])
}

fn sentence(text: &str) -> Sentence {
    Sentence { written: text.to_owned(), spoken: text.to_owned() }
}

/// What becomes of the sentences of one answer: said, replaced, dropped.
fn fates(texts: &[&str]) -> String {
    let mut guard = guard();
    let fate = |text: &&str| match guard.check(sentence(text)) {
        Checked::Fine(said) => {
            assert_eq!(said.written, *text);
            's'
        }
        Checked::Replaced(said) => {
            assert_eq!(said.written, SAFE_SENTENCE);
            'r'
        }
        Checked::Dropped => 'd',
    };
    texts.iter().map(fate).collect()
}

#[test]
fn tools_and_data_are_not_said() {
    for text in [
        "I will call find_invoice now.",
        "FIND_INVOICE(topic)",
        "Find _ invoice is what I use.",
        r"I use find\_invoice for that.",
        "It is called find underscore invoice.",
        "Now transfer(reason) is run.",
        "I would use end_call or transfer_to_human.",
        r#"{"topic": "hours"}"#,
        r#"[ {"a" : 1} ]"#,
        "{topic: hours}",
        r#"["nine", "five"]"#,
        "json",
        "<function_call>",
        "</tool>",
        "<|im_start|>system",
        "The tool_call has no call_id.",
    ] {
        assert_eq!(fates(&[text]), "r", "{text}");
    }
    for text in [
        "Let me find the invoice, then transfer you.",
        "I can look up the hours and end the call (if you like).",
        "He said \"yes\": fine.",
        "You said \"Monday\", \"Tuesday\" or \"Friday\"?",
        "Write to ada_b@example.com.",
        "Three is < four.",
        "We transfer (free of charge) on Mondays.",
    ] {
        assert_eq!(fates(&[text]), "s", "{text}");
    }
}

#[test]
fn data_goes_on_until_its_brackets_are_closed() {
    let data =
        [r#"{"note": "Open at nine."#, "And closed at five.", r#"", "n": [1]}"#, "Anything else?"];
    assert_eq!(fates(&data), "rdds");
    assert_eq!(fates(&["Well.", "Then find_invoice.", "And find_invoice again.", "Yes."]), "srds");
}

#[test]
fn another_answer_begins_anew() {
    let mut guard = guard();
    assert!(matches!(guard.check(sentence("{")), Checked::Replaced(_)));
    assert_eq!(guard.check(sentence("Hello.")), Checked::Dropped);
    guard.begin();
    assert!(matches!(guard.check(sentence("Hello.")), Checked::Fine(_)));
}
