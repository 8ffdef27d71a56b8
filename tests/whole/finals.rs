//! A recogniser gives its final words late, in the wrong order and twice: each word of
//! the caller's is stored once, in the order in which it was said.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use trunkline_simulator::carrier::{Clip, Library, Script, Step, Wait, place_call};
use trunkline_simulator::providers::Knobs;
use trunkline_simulator::speech::spelling::WordBook;

use crate::support::{World, lines_of};

const SENTENCES: &str = "tests/sounds/sentences";
/// Each becomes final in several pieces while it is said.
const SAID: [&str; 3] = [
    "Is there parking in front of the building?",
    "My kitchen window is broken again.",
    "Can somebody visit us on Thursday morning?",
];
const DIALOGUE: &str = r#"
greeting = "Hello."
default = ["I see."]
"#;

/// A recording whose frames bear the numbers of their words.
fn clip(text: &str) -> Clip {
    let folder = Path::new(SENTENCES);
    let book = WordBook::of_folder(folder).expect("the sentences");
    let mut audio =
        Library::new(folder, folder).utterance(text).expect("a recording").audio.to_vec();
    assert!(book.spell(text, &mut audio), "{text}");
    Clip { name: text.to_owned(), audio: Arc::from(audio) }
}

/// Letters and digits only.
fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let bare = |word: &str| -> String {
        word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    texts.into_iter().flat_map(str::split_whitespace).map(bare).filter(|w| !w.is_empty()).collect()
}

/// A call in which all of it is said; answers what the recogniser gave as final, word
/// by word, and what is stored.
async fn heard(change: impl FnOnce(&mut Knobs)) -> (Vec<String>, Value) {
    let plan = World::plan().shop("silence.nudge_ms = 0").pipeline().dialogue(DIALOGUE);
    let plan = plan.ears(Path::new(SENTENCES)).knobs(|knobs| {
        knobs.spelt = true;
        change(knobs);
    });
    let world = plan.start().await;
    let mut call = world.call("hangup");
    let mut steps = vec![Step::Wait(Wait::Greeting)];
    for text in SAID {
        steps.extend([Step::Play(clip(text)), Step::Wait(Wait::Reply)]);
    }
    // What is late comes before the end.
    steps.extend([Step::Wait(Wait::Quiet(3_000)), Step::Hangup]);
    call.script = Script { steps };
    let report = place_call(&call, None).await;
    assert_eq!(report.failure(), None, "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    let hearings = world.providers.hearings();
    let finals = hearings.iter().flat_map(|hearing| &hearing.finals).map(String::as_str);
    (words(finals), stored)
}

fn assert_each_word_once(stored: &Value) {
    let lines = lines_of(stored, "caller");
    let stored_words = words(lines.iter().filter_map(|line| line["heard"].as_str()));
    assert_eq!(stored_words, words(SAID), "{lines:?}");
}

#[actix_rt::test]
async fn final_words_that_come_late_are_put_in_order() {
    let (given, stored) = heard(|knobs| knobs.late_finals_ms = 1_200).await;
    assert_eq!(given.len(), words(SAID).len(), "each is given once: {given:?}");
    assert_ne!(given, words(SAID), "and not in order");
    assert_each_word_once(&stored);
}

#[actix_rt::test]
async fn final_words_that_come_twice_are_taken_once() {
    let (given, stored) = heard(|knobs| knobs.repeat_finals_ms = Some(700)).await;
    assert_eq!(given.len(), 2 * words(SAID).len(), "{given:?}");
    assert_each_word_once(&stored);
}

#[actix_rt::test]
async fn also_when_they_come_late_and_twice() {
    let (given, stored) = heard(|knobs| {
        knobs.late_finals_ms = 900;
        knobs.repeat_finals_ms = Some(500);
    })
    .await;
    assert_eq!(given.len(), 2 * words(SAID).len(), "{given:?}");
    assert_each_word_once(&stored);
}
