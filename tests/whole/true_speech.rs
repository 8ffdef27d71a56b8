//! Words that travel through sound: a caller speaks over a noisy line, and a recogniser
//! that knows nothing but what it hears makes words of it.

use trunkline_simulator::carrier::{Library, Script, place_call};
use trunkline_simulator::providers::{ProvidersError, ProvidersOptions, serve};

use crate::support::{World, lines_of, stream};

const SENTENCES: &str = "tests/sounds/sentences";

const SAID: [&str; 4] = [
    "I would like a table for two people.",
    "How much does the small repair cost?",
    "Is there parking in front of the building?",
    "My kitchen window is broken again.",
];

fn words(text: &str) -> Vec<String> {
    let word = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    text.split_whitespace().map(word).collect()
}

/// Words of `said` that are in `heard`, in order: the longest common subsequence.
fn in_common(said: &[String], heard: &[String]) -> usize {
    let mut row = vec![0; heard.len() + 1];
    for word in said {
        let mut before = 0;
        for (place, other) in heard.iter().enumerate() {
            let above = row[place + 1];
            row[place + 1] = if word == other { before + 1 } else { above.max(row[place]) };
            before = above;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[actix_rt::test]
async fn what_a_caller_says_is_in_the_transcript_as_it_sounded() {
    let ears = ProvidersOptions {
        ears: Some(SENTENCES.into()),
        by_sound: true,
        ..ProvidersOptions::default()
    };
    let recogniser = match serve(ears).await {
        Ok(recogniser) => recogniser,
        Err(ProvidersError::NoOffline) => {
            eprintln!("SKIP true speech: pocketsphinx and pocketsphinx-en-us are not installed");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    // Besides the recogniser all is simulated as ever.
    let keys = ["DEEPGRAM_API_KEY", "AZURE_SPEECH_KEY"];
    let plan = keys.iter().fold(World::plan(), |plan, key| plan.env(key, "key-of-the-tests"));
    let world = plan
        .shop(&format!(
            "mode = \"pipeline\"\n[pipeline.recogniser]\nurl = \"{}\"\n[pipeline.agent]\n\
             url = \"http://services/v1\"\n[pipeline.voice]\nurl = \"http://services\"",
            recogniser.socket_base()
        ))
        .start()
        .await;
    let mut call = world.call("hangup");
    let mut library = Library::new(SENTENCES.as_ref(), SENTENCES.as_ref());
    let turns: String = SAID.iter().map(|text| format!("say {text}\nwait reply\n")).collect();
    let script = format!("wait greeting\n{turns}hangup");
    call.script = Script::read(&script, &mut library).expect("a script");
    call.max_duration = std::time::Duration::from_secs(120);
    let report = place_call(&call, None).await;
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(stream(&report).playback.stale_frames, 0);

    let stored = world.stored(&report.call_sid).await;
    let heard: Vec<String> = lines_of(&stored, "caller")
        .iter()
        .flat_map(|line| words(line["heard"].as_str().unwrap_or("")))
        .collect();
    let said: Vec<String> = SAID.iter().flat_map(|text| words(text)).collect();
    let common = in_common(&said, &heard);
    assert!(common * 5 >= said.len() * 4, "{common} of {}: {said:?}, heard {heard:?}", said.len());
    assert!(heard.len() <= said.len() + 4, "more than was said: {heard:?}");
    recogniser.stop().await;
}
