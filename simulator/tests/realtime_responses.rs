//! Responses: one at a time, cancelling, truncating, out of band, watermarks
//! and the echo.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod realtime_harness;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use realtime_harness::{Client, fast, start};
use serde_json::json;
use trunkline_simulator::providers::Knobs;
use trunkline_simulator::speech::watermark;

const LONG: &str =
    "This is a long sentence which nobody would like to hear to its very end, and so it is cut.";

#[actix_rt::test]
async fn one_response_at_a_time_and_cancelling_has_its_races() {
    let running = start(Knobs { rate: 5.0, ..fast() }).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({})).await;
    client.send(json!({"type": "response.cancel"})).await;
    assert_eq!(client.error().await["code"], "response_cancel_not_active");
    client.say(LONG).await;
    client.say("Me too.").await;
    let created = client.until("response.created").await["response"]["id"].clone();
    assert_eq!(client.error().await["code"], "conversation_already_has_active_response");
    client.send(json!({"type": "response.cancel", "response_id": "resp_other"})).await;
    assert_eq!(client.error().await["code"], "response_cancel_not_active");
    client.until("response.output_audio.delta").await;
    client.send(json!({"type": "response.cancel", "response_id": created})).await;
    let done = client.until("response.done").await["response"].clone();
    assert_eq!((&done["id"], &done["status"]), (&created, &json!("cancelled")));
    assert_eq!(done["status_details"]["reason"], "client_cancelled");
    let before = client.all("response.output_audio.delta").len();
    assert!(client.nothing_of("response.output_audio.delta", 250).await);
    assert!(before < 8);
    client.say("Now me.").await;
    assert_eq!(client.until("response.done").await["response"]["status"], "completed");
    let record = &running.sessions()[0].responses[0];
    assert_eq!(
        (record.status.as_str(), record.reason.as_deref()),
        ("cancelled", Some("client_cancelled"))
    );
    running.stop().await;
}

#[actix_rt::test]
async fn audio_of_a_cancelled_response_may_come_late() {
    let running = start(Knobs { rate: 5.0, late_deltas: 2, ..fast() }).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({})).await;
    client.say(LONG).await;
    client.until("response.output_audio.delta").await;
    client.send(json!({"type": "response.cancel"})).await;
    let done = client.until("response.done").await["response"].clone();
    for _ in 0..2 {
        let late = client.until("response.output_audio.delta").await;
        assert_eq!(late["response_id"], done["id"]);
    }
    assert!(client.nothing_of("response.output_audio.delta", 200).await);
    running.stop().await;
}

#[actix_rt::test]
async fn an_item_is_truncated_to_what_was_heard_and_no_further() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({})).await;
    client.say("One two three four five.").await;
    let done = client.until("response.done").await["response"].clone();
    let id = done["output"][0]["id"].clone();
    let cut = |id: &serde_json::Value, ms: u64| json!({"type": "conversation.item.truncate", "item_id": id, "content_index": 0, "audio_end_ms": ms});
    client.send(cut(&id, 1_681)).await;
    let error = client.error().await;
    assert_eq!(error["code"], "invalid_value");
    assert_eq!(error["message"], "Audio content of 1680ms is already shorter than 1681ms");
    client.send(cut(&id, 840)).await;
    assert_eq!(client.until("conversation.item.truncated").await["audio_end_ms"], 840);
    client.send(json!({"type": "conversation.item.retrieve", "item_id": id})).await;
    let item = client.until("conversation.item.retrieved").await["item"].clone();
    assert_eq!(item["content"][0]["transcript"], "One two thre");
    client.send(cut(&id, 841)).await;
    assert_eq!(client.error().await["code"], "invalid_value");
    client.send(cut(&json!("item_none"), 0)).await;
    assert_eq!(client.error().await["code"], "item_truncate_invalid_item_id");
    assert_eq!(running.sessions()[0].responses[0].truncated_ms, Some(840));
    client.send(json!({"type": "conversation.item.delete", "item_id": id})).await;
    client.until("conversation.item.deleted").await;
    client.send(json!({"type": "conversation.item.delete", "item_id": id})).await;
    assert_eq!(client.error().await["code"], "item_delete_invalid_item_id");
    running.stop().await;
}

#[actix_rt::test]
async fn an_out_of_band_response_runs_beside_the_conversation() {
    let running = start(Knobs { rate: 5.0, ..fast() }).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({})).await;
    client.say(LONG).await;
    client.until("response.output_audio.delta").await;
    let response = json!({
        "conversation": "none", "output_modalities": ["text"], "metadata": {"purpose": "summary"},
        "instructions": "Write \"All well.\"",
    });
    client.send(json!({"type": "response.create", "response": response})).await;
    let aside = client.until("response.done").await["response"].clone();
    assert_eq!(aside["metadata"]["purpose"], "summary");
    assert_eq!(aside["conversation_id"], json!(null));
    assert_eq!(aside["output"][0]["content"][0]["text"], "All well.");
    let main = client.until("response.done").await["response"].clone();
    assert_eq!(main["status"], "completed");
    assert_eq!(client.all("conversation.item.added").len(), 1);
    running.stop().await;
}

#[actix_rt::test]
async fn every_frame_bears_its_watermark() {
    let running = start(Knobs { watermark: true, ..fast() }).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({})).await;
    for number in 1..=2u16 {
        client.seen.clear();
        client.say("Hello there.").await;
        client.until("response.done").await;
        let audio: Vec<u8> = client
            .all("response.output_audio.delta")
            .iter()
            .flat_map(|e| STANDARD.decode(e["delta"].as_str().unwrap()).unwrap())
            .collect();
        let marks: Vec<_> = audio.chunks(160).map(watermark::read).collect();
        let expected: Vec<_> = (0..42u16).map(|n| Some((number, n))).collect();
        assert_eq!(marks, expected);
    }
    running.stop().await;
}

#[actix_rt::test]
async fn the_echo_sends_each_frame_straight_back() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "echo=1").await;
    client.ready(json!({})).await;
    client.say("ignored").await;
    client.until("response.content_part.added").await;
    let audio: Vec<u8> = (0..1_600u16).map(|n| n.to_le_bytes()[0]).collect();
    client.append(&audio).await;
    let mut back = Vec::new();
    for _ in 0..10 {
        let delta = client.until("response.output_audio.delta").await;
        back.extend(STANDARD.decode(delta["delta"].as_str().unwrap()).unwrap());
    }
    assert_eq!(back, audio);
    assert_eq!(running.sessions()[0].audio_received_bytes, 1_600);
    assert_eq!(running.sessions()[0].responses[0].audio_ms, 200);
    running.stop().await;
}

#[actix_rt::test]
async fn the_echo_starts_by_itself_for_a_client_that_only_sends() {
    let running = start(Knobs { echo: true, ..fast() }).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({})).await;
    client.append(&[0x55; 160]).await;
    client.until("response.content_part.added").await;
    client.append(&[0x66; 160]).await;
    let delta = client.until("response.output_audio.delta").await;
    assert_eq!(delta["delta"], json!(STANDARD.encode([0x66; 160])));
    running.stop().await;
}
