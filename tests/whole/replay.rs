//! Flight recordings of calls over real sockets, and `trunkline replay`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use trunkline_simulator::carrier::EventKind;

use crate::commands::{told, trunkline};
use crate::support::{World, wait_for};

/// A call with an answer, an interruption, a key and a tool.
const TALK: &str = "wait greeting
    say Hello, what are your opening hours on Saturday?
    wait reply
    say Tell me about your services.
    wait speaking 1s
    say Yes, please.
    press 7
    wait 2s
    hangup";

/// The recordings kept once there are so many.
async fn kept(world: &World, count: usize) -> Vec<PathBuf> {
    wait_for(&format!("{count} recordings"), async || {
        let found = world.server.recordings();
        assert!(found.len() <= count, "{found:?}");
        (found.len() == count).then_some(found)
    })
    .await
}

/// Runs `trunkline replay`: its exit code, what it printed, what it complained of.
async fn replay(world: &World, file: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let (file, key) = (file.display().to_string(), world.server.recorder_key());
    let key = key.display().to_string();
    let arguments = [&["replay", &file, "--key-file", &key][..], more].concat();
    told(&trunkline(&arguments, &[]).await)
}

/// Where a text that is one line of the timeline stands.
fn line(shown: &str, words: &[&str]) -> usize {
    let found = shown.lines().position(|line| words.iter().all(|word| line.contains(word)));
    found.unwrap_or_else(|| panic!("no line with {words:?} in\n{shown}"))
}

#[actix_rt::test]
async fn a_call_is_replayed_to_the_same_decisions() {
    let world = World::plan().env("RECORDER_KEEP", "all").start().await;
    let report = world.place(TALK).await;
    let stored = world.stored(&report.call_sid).await;
    let [file] = kept(&world, 1).await.try_into().unwrap();
    assert!(file.display().to_string().contains(&report.call_sid));

    let (code, shown, complaints) = replay(&world, &file, &[]).await;
    assert_eq!(code, Some(0), "{shown}\n{complaints}");
    let started = line(&shown, &["0.0", "started"]);
    let turn = line(&shown, &["turn ended"]);
    let tool = line(&shown, &["> run tool", "look_up"]);
    let stop = line(&shown, &["> media: hold", "clear yes"]);
    let sure = line(&shown, &["> media: interrupt", "clear no"]);
    let gone = line(&shown, &["> disposition caller gone"]);
    assert!([started, turn, tool, stop, sure, gone].is_sorted(), "{shown}");
    assert!(shown.contains("The recording is complete."), "{shown}");
    let verdict = shown.lines().last().unwrap();
    assert!(verdict.starts_with("The same was decided: "), "{verdict}");

    // Every event that was stored is in the timeline, in its order.
    let events = stored["events"].as_array().unwrap();
    let told: Vec<&str> = shown.lines().filter(|line| line.contains("> event: kind ")).collect();
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    let of_core: Vec<&&str> =
        kinds.iter().filter(|k| told.iter().any(|t| t.contains(**k))).collect();
    assert_eq!(of_core.len(), told.len(), "{kinds:?}\n{told:#?}");

    let (_, again, _) = replay(&world, &file, &[]).await;
    assert_eq!(again, shown, "one recording, one replay");
    assert_nothing_private(&world, &file, &shown).await;
}

/// Words that were said are in no file, and shown only to whoever asks for them.
async fn assert_nothing_private(world: &World, file: &Path, shown: &str) {
    let private = ["Saturday", "opening hours", "Nine to five", "key 7", "5550170099"];
    let bytes = std::fs::read(file).unwrap();
    for word in private {
        assert!(!shown.contains(word), "{word} is in\n{shown}");
        let there = bytes.windows(word.len()).any(|window| window == word.as_bytes());
        assert!(!there, "{word} is in the file");
    }
    let (code, shown, _) = replay(world, file, &["--words"]).await;
    assert_eq!(code, Some(0));
    assert!(shown.contains("Saturday") && shown.contains("Nine to five"), "{shown}");
}

#[actix_rt::test]
async fn what_the_call_knew_is_explained_and_all_of_it_can_be_had_as_json() {
    let world = World::plan().shop("flight_recorder = \"all\"").start().await;
    let report = world.place(TALK).await;
    world.stored(&report.call_sid).await;
    let [file] = kept(&world, 1).await.try_into().unwrap();

    let (code, shown, complaints) = replay(&world, &file, &["--json"]).await;
    assert_eq!(code, Some(0), "{complaints}");
    let all: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&all["same"], &all["ending"]), (&json!(true), &json!("complete")), "{all:#}");
    assert_eq!(all["call_sid"], report.call_sid);
    let steps = all["steps"].as_array().unwrap();
    assert_eq!(all["inputs"], steps.len());
    let stops = |step: &&Value| {
        let decided = step["decided"].as_array().unwrap().iter();
        decided.into_iter().any(|decided| !decided["media"]["hold"].is_null())
    };
    let at_us = steps.iter().find(stops).expect("a stop")["at_us"].as_u64().unwrap();

    // Before the caller begins, which the stop follows by less than half a second.
    let before = format!("{}ms", at_us / 1_000 - 500);
    let (code, shown, complaints) = replay(&world, &file, &["--why", &before]).await;
    assert_eq!(code, Some(0), "{shown}\n{complaints}");
    line(&shown, &["floor", "the agent, who is being heard"]);
    line(&shown, &["heard", "ms are with the carrier"]);
    line(&shown, &["wakes", "max duration"]);
    line(&shown, &["caller speaking: no"]);
    let (_, shown, _) = replay(&world, &file, &["--why", &before, "--json"]).await;
    let why: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(why["explanation"]["phase"], "conversation", "{why:#}");
    assert!(why["inputs"].as_u64().unwrap() < all["inputs"].as_u64().unwrap());
}

#[actix_rt::test]
async fn calls_that_fail_leave_a_recording_and_others_do_not() {
    let world = World::start().await;
    let good = world.place("wait greeting\nhangup").await;
    world.stored(&good.call_sid).await;
    world.assert_idle().await;
    world.model(|k| k.mute = true);
    let bad = world.place("wait greeting\nsay Yes, please.\nhold 20").await;
    world.stored(&bad.call_sid).await;
    let [file] = kept(&world, 1).await.try_into().unwrap();
    assert!(file.display().to_string().contains(&bad.call_sid));
    let (code, shown, complaints) = replay(&world, &file, &[]).await;
    assert_eq!(code, Some(0), "{shown}\n{complaints}");
    line(&shown, &["woken for response mute"]);
    line(&shown, &["> disposition bridge"]);
    assert_eq!(world.server.files_in("recordings").len(), 1, "nothing is left of the good call");
    let metrics = world.metrics().await;
    let became = |what| metrics.with("trunkline_flight_recordings_total", &[("result", what)]);
    assert_eq!((became("kept"), became("discarded")), (1.0, 1.0));
}

#[actix_rt::test]
async fn a_call_whose_actor_died_leaves_its_recording() {
    let world = World::start().await;
    let mut ongoing = world.ongoing("wait greeting\nhold 20").await;
    ongoing.until(EventKind::AgentSpeaks).await;
    let sid = ongoing.sid.clone();
    world.fault("call", Some(&sid), json!("panic")).await;
    let [file] = kept(&world, 1).await.try_into().unwrap();
    let (code, shown, complaints) = replay(&world, &file, &[]).await;
    assert_eq!(code, Some(0), "{shown}\n{complaints}");
    assert!(shown.contains("The recording ends with the death of the call's actor."), "{shown}");
    ongoing.report().await;
}

#[actix_rt::test]
async fn a_killed_process_leaves_the_recordings_of_its_calls() {
    let mut world = World::start().await;
    let mut ongoing = world.ongoing("wait greeting\nhold 20").await;
    ongoing.until(EventKind::AgentSpeaks).await;
    let size = || {
        let files = world.server.files_in("recordings");
        files.first().and_then(|file| std::fs::metadata(file).ok()).map_or(0, |m| m.len())
    };
    let begun = wait_for("a part file", async || Some(size()).filter(|size| *size > 0)).await;
    wait_for("the recording to grow", async || (size() > begun).then_some(())).await;
    world.server.signal("KILL");
    world.server.wait().await;
    world.server.start_again();
    let [file] = kept(&world, 1).await.try_into().unwrap();
    let (code, shown, complaints) = replay(&world, &file, &[]).await;
    assert_eq!(code, Some(0), "{shown}\n{complaints}");
    line(&shown, &["started"]);
    assert!(shown.contains("The recording was cut off"), "{shown}");
    drop(ongoing);
}

#[actix_rt::test]
async fn what_cannot_be_replayed_is_explained() {
    let world = World::plan().env("RECORDER_KEEP", "all").start().await;
    let report = world.place("wait greeting\nhangup").await;
    world.stored(&report.call_sid).await;
    let [file] = kept(&world, 1).await.try_into().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        folder.path().join(name)
    };
    let good = std::fs::read(&file).unwrap();
    let text = write("text.flight", b"this is a text and a text is all that it is, you know");
    let torn = write("torn.flight", &good[..good.len() - 5]);
    let mut damaged = good.clone();
    damaged[100] ^= 1;
    let damaged = write("damaged.flight", &damaged);
    let nowhere = folder.path().join("nowhere.flight");
    for (file, says) in [
        (&text, "this is no flight recording"),
        (&damaged, "damaged at its beginning"),
        (&nowhere, "the file cannot be read"),
        (&torn, "it ends before anything of it can be read"),
    ] {
        let (code, shown, complaints) = replay(&world, file, &[]).await;
        assert_eq!((code, shown.as_str()), (Some(1), ""), "{says}");
        assert!(complaints.contains(says), "{says}: {complaints}");
        assert!(complaints.contains(&file.display().to_string()), "{complaints}");
    }
    let name = file.display().to_string();
    let other = "A".repeat(43) + "=";
    for (arguments, env, says) in [
        (vec![], vec![("RECORDER_KEY", other.as_str())], "sealed with another key"),
        (vec![], vec![("RECORDER_KEY", "short")], "is no key"),
        (vec!["--key-file", "/nowhere/key"], vec![], "the key file /nowhere/key"),
        (vec![], vec![("RECORDER_KEY_FILE", "/nowhere/key")], "the key file /nowhere/key"),
        (vec![], vec![("PORT", "many")], "--key-file"),
    ] {
        let arguments = [vec!["replay", name.as_str()], arguments].concat();
        let (code, shown, complaints) = told(&trunkline(&arguments, &env).await);
        assert_eq!((code, shown.as_str()), (Some(1), ""), "{says}");
        assert!(complaints.contains(says), "{says}: {complaints}");
    }
    let key = world.server.recorder_key().display().to_string();
    let env = [("RECORDER_KEY_FILE", key.as_str())];
    let (code, shown, complaints) = told(&trunkline(&["replay", &name], &env).await);
    assert_eq!(code, Some(0), "{shown}\n{complaints}");
}
