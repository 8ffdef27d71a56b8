//! The recognisers, the language models and the voices are killed at random moments
//! while people call: no word of a caller is lost, nothing is said twice, and no call
//! ends badly.
//!
//! Everything is checked from outside: the caller's audio bears the number of its word
//! in every frame, which is all that the recognisers go by, and the agent's bears the
//! number of the request that it answers. What the language models were told, and what
//! the voices were asked to say, is in files that outlast the services.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use trunkline_simulator::carrier::{CallPlan, CallReport, Clip, Library, Script, Step, Wait};
use trunkline_simulator::speech::spelling::WordBook;

use crate::support::{Crowd, Dice, Past, Services, World, lines_of, scaled, seed};

const SENTENCES: &str = "tests/sounds/sentences";

/// No two answers are alike: each sentence has its answer's number.
const DIALOGUE: &str = r#"
greeting = "Note {number}, nobody spoke."
default = ["Note {number}, I see. Note {number}, and is there more?"]
[[rule]]
heard = ["invoice"]
say = "Note {number}, the invoice is sent. Note {number}, it comes by mail."
[[rule]]
heard = ["parking"]
say = "Note {number}, let me look."
call = [{ tool = "look_up", arguments = { topic = "opening hours" } }]
[[rule]]
heard = ["repair"]
say = "Note {number}, it costs forty. Note {number}, and the visit is free. Note {number}, all included."
[[rule]]
heard = ["table"]
say = "Note {number}, the table is yours."
[[rule]]
heard = ["visit"]
say = "Note {number}, we come at nine. Note {number}, please be at home."
[[rule]]
heard = ["window"]
say = "Note {number}, that is a pity. Note {number}, we mend it on Monday."
[[result]]
say = "Note {number}, {output}"
"#;

/// How far a sentence that goes on after a stop may begin before the place that the
/// caller had heard it to: 100 ms, in frames.
const BACK_FRAMES: u64 = 5;

/// Sentences that a caller says in one call.
const SAID: usize = 3;

/// What callers can say: each clip's name is its text.
fn clips() -> Vec<Clip> {
    let folder = Path::new(SENTENCES);
    let book = WordBook::of_folder(folder).expect("the sentences");
    let mut library = Library::new(folder, folder);
    let mut texts: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the sentences") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let sidecar: Value =
                serde_json::from_slice(&std::fs::read(path).expect("a sidecar")).expect("JSON");
            texts.push(sidecar["utterances"][0]["text"].as_str().expect("a text").to_owned());
        }
    }
    texts.sort();
    let spelt = |text: &String| {
        let clip = library.utterance(text).expect("a recording");
        let mut audio = clip.audio.to_vec();
        assert!(book.spell(text, &mut audio), "{text}");
        Clip { name: text.clone(), audio: Arc::from(audio) }
    };
    texts.iter().map(spelt).collect()
}

/// A caller, and what is said by them.
struct Caller {
    plan: CallPlan,
    said: Vec<String>,
    /// The last four digits of their number, by which the language models know them.
    last4: String,
}

fn callers(world: &World, count: usize, dice: &mut Dice) -> Vec<Caller> {
    let mut clips = clips();
    let mut one = |number: usize| {
        dice.shuffle(&mut clips);
        let mut steps = vec![Step::Wait(Wait::Greeting)];
        for clip in clips.iter().take(SAID) {
            steps.extend([Step::Play(clip.clone()), Step::Wait(Wait::Reply)]);
        }
        // What is said behind a filler is an answer too.
        steps.extend([Step::Wait(Wait::Quiet(2_500)), Step::Hangup]);
        let mut plan = world.call("hangup");
        plan.script = Script { steps };
        plan.from = format!("+1555017{number:04}");
        plan.max_duration = Duration::from_secs(150);
        let said = clips.iter().take(SAID).map(|clip| clip.name.clone()).collect();
        Caller { plan, said, last4: format!("{number:04}") }
    };
    (1_000..1_000 + count).map(&mut one).collect()
}

/// Letters and digits only, so that punctuation and case do not matter.
fn words(text: &str) -> Vec<String> {
    let word = |word: &str| {
        word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    text.split_whitespace().map(word).filter(|word| !word.is_empty()).collect()
}

/// What came of it all.
#[derive(Default)]
struct Found {
    wrong: Vec<String>,
    /// Why callers were put through to a human, and how many.
    humans: BTreeMap<String, usize>,
    answers: usize,
    sentences: usize,
    whole: usize,
}

impl Found {
    fn wrong(&mut self, past: &Past, what: &str) {
        self.wrong.push(format!("call {} ({}): {what}", past.number, past.report.call_sid));
    }
}

/// The words that the caller was given time to say: all, unless somebody else ended
/// the call.
fn said(caller: &Caller) -> Vec<String> {
    caller.said.iter().flat_map(|text| words(text)).collect()
}

/// What is kept of the call: the caller's words, each once and in order.
fn check_transcript(caller: &Caller, past: &Past, stored: &Value, found: &mut Found) {
    let said = said(caller);
    let lines = lines_of(stored, "caller");
    let kept: Vec<String> =
        lines.iter().flat_map(|line| words(line["heard"].as_str().unwrap_or(""))).collect();
    let human = !past.report.dialled.is_empty();
    if !said.starts_with(&kept) || (!human && kept != said) {
        found.wrong(past, &format!("said {said:?}, and the transcript has {kept:?}"));
    }
}

/// What the language models were told that a caller said: each word once and in order,
/// in every request, and all of them in the last.
fn check_words(caller: &Caller, past: &Past, chats: &[Value], found: &mut Found) {
    let said = said(caller);
    let mark = format!("ends in {}.", caller.last4);
    let is_his =
        |chat: &&Value| chat["messages"][0]["content"].as_str().unwrap_or("").contains(&mark);
    let mut most = Vec::new();
    for chat in chats.iter().filter(is_his) {
        let messages = chat["messages"].as_array().expect("messages");
        let users = messages.iter().filter(|message| message["role"] == "user");
        let told: Vec<String> =
            users.flat_map(|message| words(message["content"].as_str().unwrap_or(""))).collect();
        if !said.starts_with(&told) {
            return found.wrong(past, &format!("said {said:?}, the model was told {told:?}"));
        }
        if told.len() > most.len() {
            most = told;
        }
        found.answers += 1;
    }
    let human = !past.report.dialled.is_empty();
    if !human && most != said {
        let ended = past.report.ended;
        found.wrong(
            past,
            &format!("said {said:?}, the model was told no more than {most:?} ({ended:?})"),
        );
    }
}

/// What the phone received: of each sentence that was written one rendering at most,
/// each of its frames once, and the sentences in the order in which they were written.
fn check_speech(past: &Past, spoken: &BTreeMap<u16, Value>, found: &mut Found) {
    let mut by_text: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    let heard = past.report.streams.iter().flat_map(|stream| &stream.playback.responses);
    for heard in heard.filter(|heard| heard.frames > 0) {
        let Some(record) = spoken.get(&heard.response) else {
            found.wrong(past, &format!("nobody was asked for {heard:?}"));
            continue;
        };
        let text = record["text"].as_str().unwrap_or("");
        let is_set = !text.starts_with("Note ");
        if is_set && !text.contains("this is Robin") {
            // Fillers and the like are said as often as they are needed.
            continue;
        }
        by_text.entry(text).or_default().insert(heard.response);
        // A sentence that was stopped goes on a little before where it was heard to.
        let again = if heard.cleared { heard.skips * BACK_FRAMES } else { 0 };
        if heard.frames > u64::from(heard.last_frame) + 1 + again {
            found.wrong(past, &format!("frames of {text:?} came twice: {heard:?}"));
        }
        found.sentences += 1;
        let whole = record["audio_ms"].as_u64().is_some_and(|ms| heard.frames * 20 + 40 >= ms);
        found.whole += usize::from(whole);
    }
    for (text, numbers) in by_text.iter().filter(|(_, numbers)| numbers.len() > 1) {
        found.wrong(past, &format!("{text:?} was said {} times", numbers.len()));
    }
}

/// Sentences of one answer are heard as they were written.
fn check_order(past: &Past, spoken: &BTreeMap<u16, Value>, chats: &[Value], found: &mut Found) {
    let responses = |report: &CallReport| {
        let all = report.streams.iter().flat_map(|stream| stream.playback.responses.clone());
        all.filter(|heard| heard.frames > 0).collect::<Vec<_>>()
    };
    let mut heard = responses(&past.report);
    heard.sort_by_key(|heard| heard.first_ms);
    let texts: Vec<&str> = heard
        .iter()
        .filter_map(|heard| spoken.get(&heard.response)?["text"].as_str())
        .filter(|text| text.starts_with("Note "))
        .collect();
    for chat in chats {
        let written = chat["text"].as_str().unwrap_or("");
        let places: Vec<usize> = texts.iter().filter_map(|text| written.find(text)).collect();
        if !places.is_sorted() {
            found.wrong(past, &format!("{texts:?} is not the order of {written:?}"));
        }
    }
}

/// The calls of the full form: five hundred, or as many as `FAULTS_SPEECH_CALLS` says.
fn all_calls() -> usize {
    std::env::var("FAULTS_SPEECH_CALLS").map_or(500, |calls| calls.parse().expect("a number"))
}

#[actix_rt::test]
async fn no_word_is_lost_and_nothing_said_twice_while_services_are_killed() {
    let count = scaled(24, all_calls());
    let seed = seed();
    let mut dice = Dice::new(seed);
    let mut services = Services::start(Path::new(SENTENCES), DIALOGUE);
    let plan = World::plan().shop("limits.concurrent_calls = 0\nlimits.watchdog_ms = 30000");
    let world = services.world(plan).await;
    let callers = callers(&world, count, &mut dice);
    let plans = callers.iter().map(|caller| caller.plan.clone()).collect();
    let killer = services.killed_by(dice);
    let past = Crowd::in_a_row(plans, scaled(12, 25)).reports().await;
    let kills = killer.stop(&mut services).await;
    assert!(kills.iter().all(|kills| *kills > 0), "everybody is killed: {kills:?}");

    let chats = services.journal("chat");
    let number = |line: &Value| u16::try_from(line["number"].as_u64()? & 0xffff).ok();
    let spoken: BTreeMap<u16, Value> = services
        .journal("spoken")
        .into_iter()
        .filter_map(|line| Some((number(&line)?, line)))
        .collect();
    let mut found = Found::default();
    for past in &past {
        let caller = &callers[past.number];
        if let Some(failure) = past.report.failure() {
            found.wrong(past, &failure);
        }
        if past.report.streams.is_empty() {
            found.wrong(past, &format!("it did not come about: {:?}", past.report.errors));
            continue;
        }
        let stored = world.stored(&past.report.call_sid).await;
        if stored["call"]["outcome"] == "failed" {
            found.wrong(past, "its outcome is a failure");
        }
        if !past.report.dialled.is_empty() {
            let reason = stored["call"]["handoff_reason"].as_str().unwrap_or("no reason");
            *found.humans.entry(reason.to_owned()).or_default() += 1;
        }
        check_transcript(caller, past, &stored, &mut found);
        check_words(caller, past, &chats, &mut found);
        check_speech(past, &spoken, &mut found);
        check_order(past, &spoken, &chats, &mut found);
    }
    let Found { wrong, humans: reasons, answers, sentences, whole } = found;
    let humans: usize = reasons.values().sum();
    eprintln!(
        "FIGURES seed {seed}, {count} calls, {} kills (recognisers {}, models {}, voices {}), \
         {answers} requests to models, {sentences} sentences heard of which {whole} to their end, \
         {humans} callers put through to a human {reasons:?}",
        kills.iter().sum::<usize>(),
        kills[0] + kills[1],
        kills[2] + kills[3],
        kills[4] + kills[5],
    );
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    // A caller is put through when nothing else helps, not whenever something breaks.
    assert!(humans * 20 <= count, "{humans} of {count} needed a human");
}
