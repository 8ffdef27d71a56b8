//! The caller's side: voice detection on recordings, commits, transcripts and
//! interruptions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod realtime_harness;

use realtime_harness::{Client, fast, recording, start};
use serde_json::{Value, json};
use trunkline_simulator::providers::Knobs;

fn detection(fields: Value) -> Value {
    json!({"audio": {"input": {"turn_detection": fields}}})
}

#[actix_rt::test]
async fn a_recorded_utterance_is_noticed_understood_and_answered() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({})).await;
    client.append(&recording("utterances/hours.wav", 700)).await;
    let started = client.until("input_audio_buffer.speech_started").await;
    let stopped = client.until("input_audio_buffer.speech_stopped").await;
    let committed = client.until("input_audio_buffer.committed").await;
    let created = client.until("response.created").await;
    let heard = client.until("conversation.item.input_audio_transcription.completed").await;
    let item = &started["item_id"];
    assert_eq!((&stopped["item_id"], &committed["item_id"], &heard["item_id"]), (item, item, item));
    // 400 ms of silence, then 2,742 ms of speech; 300 ms of padding, 500 ms of silence.
    let start_ms = started["audio_start_ms"].as_u64().unwrap();
    let end_ms = stopped["audio_end_ms"].as_u64().unwrap();
    assert!((80..=200).contains(&start_ms), "{start_ms}");
    assert!((3_400..=3_680).contains(&end_ms), "{end_ms}");
    assert_eq!(heard["transcript"], "Hello, what are your opening hours on Saturday?");
    assert_eq!(created["response"]["status"], "in_progress");
    let first = |kind: &str| client.kinds().iter().position(|k| *k == kind).unwrap();
    assert!(
        first("response.created") < first("conversation.item.input_audio_transcription.completed")
    );
    let done = client.until("response.done").await["response"].clone();
    let said = done["output"][0]["content"][0]["transcript"].as_str().unwrap();
    assert!(said.contains("nine to five"), "{said}");
    // 34 tokens: 3.4 s of the caller's audio at 100 ms each.
    let tokens = done["usage"]["input_token_details"]["audio_tokens"].as_u64().unwrap();
    assert!((30..=37).contains(&tokens), "{tokens}");
    running.stop().await;
}

#[actix_rt::test]
async fn the_whole_recorded_call_is_three_utterances() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(detection(json!({"type": "server_vad", "create_response": false}))).await;
    client.append(&recording("caller.wav", 0)).await;
    for _ in 0..3 {
        client.until("conversation.item.input_audio_transcription.completed").await;
    }
    let heard = running.sessions()[0].heard.clone();
    assert_eq!(
        heard,
        [
            "Hello, what are your opening hours on Saturday?",
            "Tell me about your services.",
            "Sorry, that is all I needed, thank you. Goodbye!",
        ]
    );
    assert!(!client.kinds().contains(&"response.created"));
    running.stop().await;
}

#[actix_rt::test]
async fn speech_interrupts_a_response_where_that_is_wanted() {
    for interrupt in [true, false] {
        let running = start(Knobs { rate: 5.0, ..fast() }).await;
        let mut client = Client::connect(&running, "").await;
        let vad = json!({"type": "server_vad", "interrupt_response": interrupt, "create_response": false});
        client.ready(detection(vad)).await;
        client.say(&"a long story ".repeat(12)).await;
        client.until("response.output_audio.delta").await;
        client.append(&recording("utterances/yes.wav", 700)).await;
        let done = client.until("response.done").await["response"].clone();
        let cut =
            client.kinds().iter().filter(|k| k.starts_with("response.output_audio.delta")).count();
        if interrupt {
            assert_eq!(done["status"], "cancelled");
            assert_eq!(done["status_details"]["reason"], "turn_detected");
            assert!(cut < 10, "{cut}");
            assert_eq!(client.all("response.output_item.done")[0]["item"]["status"], "incomplete");
        } else {
            assert_eq!(done["status"], "completed");
        }
        running.stop().await;
    }
}

#[actix_rt::test]
async fn without_detection_the_client_commits() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(detection(Value::Null)).await;
    client.send(json!({"type": "input_audio_buffer.commit"})).await;
    assert_eq!(client.error().await["code"], "input_audio_buffer_commit_empty");
    client.append(&recording("utterances/services.wav", 100)).await;
    client.send(json!({"type": "input_audio_buffer.commit"})).await;
    client.until("input_audio_buffer.committed").await;
    let heard = client.until("conversation.item.input_audio_transcription.completed").await;
    assert_eq!(heard["transcript"], "Tell me about your services.");
    assert!(
        !client.kinds().iter().any(|k| k.contains("speech_started") || *k == "response.created")
    );
    client.append(&recording("utterances/yes.wav", 0)).await;
    client.send(json!({"type": "input_audio_buffer.clear"})).await;
    client.until("input_audio_buffer.cleared").await;
    client.send(json!({"type": "input_audio_buffer.commit"})).await;
    assert_eq!(client.error().await["code"], "input_audio_buffer_commit_empty");
    client.send(json!({"type": "response.create"})).await;
    let done = client.until("response.done").await;
    let said =
        done["response"]["output"][0]["content"][0]["transcript"].as_str().unwrap().to_owned();
    assert!(said.len() > 8 * 14, "the long answer: {said}");
    running.stop().await;
}

#[actix_rt::test]
async fn what_nobody_taught_is_unrecognised_until_it_is_learnt() {
    use trunkline_simulator::speech::{level::AudioFormat, synth::speak};
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(detection(Value::Null)).await;
    let audio = speak("a voice from nowhere in particular", AudioFormat::Mulaw);
    for expected in ["(unrecognised speech, 2380 ms)", "From nowhere"] {
        client.append(&audio).await;
        client.send(json!({"type": "input_audio_buffer.commit"})).await;
        let heard = client.until("conversation.item.input_audio_transcription.completed").await;
        assert_eq!(heard["transcript"], expected);
        running.ears().learn("From nowhere", &audio);
    }
    running.stop().await;
}
