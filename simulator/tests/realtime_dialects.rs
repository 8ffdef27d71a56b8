//! Both dialects: the events of a spoken response in order, and the checks of
//! what a client sends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod realtime_harness;

use realtime_harness::{Client, fast, start};
use serde_json::json;

#[actix_rt::test]
async fn a_spoken_response_has_its_events_in_the_services_order() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "").await;
    let session = client.ready(json!({"instructions": "Be brief."})).await;
    assert_eq!(session["object"], "realtime.session");
    assert_eq!(session["model"], "test-model");
    assert_eq!(session["instructions"], "Be brief.");
    assert_eq!(session["audio"]["input"]["turn_detection"]["silence_duration_ms"], 500);
    assert!(session["expires_at"].as_u64().unwrap() > 1_700_000_000);

    client.say("Hello there.").await;
    let done = client.until("response.done").await["response"].clone();
    let order: Vec<&str> = client.kinds().into_iter().skip(2).collect();
    let mut once = order.clone();
    once.dedup();
    assert_eq!(
        once,
        [
            "response.created",
            "rate_limits.updated",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_audio_transcript.delta",
            "response.output_audio.delta",
            "response.output_audio_transcript.delta",
            "response.output_audio.delta",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
    );
    assert_eq!(done["status"], "completed");
    assert_eq!(done["output"][0]["content"][0]["transcript"], "Hello there.");
    // 12 characters of 70 ms, padded to 20 ms frames.
    let bytes = client.audio_bytes(&done["id"]);
    assert_eq!(bytes, 6_720);
    assert_eq!(done["usage"]["output_token_details"]["audio_tokens"], 17);
    let record = running.sessions();
    assert_eq!(record[0].responses[0].audio_ms, 840);
    assert_eq!(record[0].responses[0].text, "Hello there.");
    assert_eq!(record[0].dialect, "ga");
    running.stop().await;
}

#[actix_rt::test]
async fn the_beta_dialect_has_its_own_names_and_shapes() {
    let running = start(fast()).await;
    let headers = [("OpenAI-Beta", "realtime=v1"), ("Authorization", "Bearer sk-secret")];
    let mut client = Client::connect_with(&running, "", &headers).await;
    client.until("session.created").await;
    let session = json!({
        "modalities": ["text", "audio"], "input_audio_format": "g711_ulaw",
        "output_audio_format": "g711_ulaw", "voice": "echo", "temperature": 0.7,
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 300},
    });
    client.send(json!({"type": "session.update", "session": session})).await;
    let session = client.until("session.updated").await["session"].clone();
    assert_eq!(session["output_audio_format"], "g711_ulaw");
    assert_eq!(session["turn_detection"]["silence_duration_ms"], 300);
    assert_eq!(session["turn_detection"]["threshold"], 0.5);
    client.say("Hi.").await;
    let done = client.until("response.done").await["response"].clone();
    assert_eq!(done["output"][0]["content"][0]["type"], "audio");
    assert_eq!(client.audio_bytes(&done["id"]), 1_760);
    for kind in
        ["response.audio.delta", "response.audio_transcript.done", "conversation.item.created"]
    {
        assert!(client.kinds().contains(&kind), "{kind}");
    }
    assert!(
        !client.kinds().iter().any(|k| k.contains("output_audio")
            || k.contains("item.added") && k.contains("conversation"))
    );
    let record = &running.sessions()[0];
    assert_eq!(record.dialect, "beta");
    assert_eq!(record.headers["authorization"], "(present)");
    running.stop().await;
}

#[actix_rt::test]
async fn the_beta_dialect_can_be_switched_off() {
    let running = start(fast()).await;
    let headers = [("OpenAI-Beta", "realtime=v1")];
    let mut client = Client::connect_with(&running, "beta_disabled=1", &headers).await;
    assert_eq!(client.error().await["code"], "beta_api_shape_disabled");
    client.until_closed().await;
    assert_eq!(client.closed, Some(4_000));
    running.stop().await;
}

#[actix_rt::test]
async fn what_the_service_refuses_is_refused_and_the_session_goes_on() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({})).await;
    let update =
        |session| json!({"type": "session.update", "event_id": "mine", "session": session});
    for (event, code, param) in [
        (
            update(json!({"type": "realtime", "temperature": 0.8})),
            "unknown_parameter",
            json!("session.temperature"),
        ),
        (update(json!({"instructions": "x"})), "missing_required_parameter", json!("session.type")),
        (
            update(
                json!({"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcmu", "rate": 8000}}}}),
            ),
            "unknown_parameter",
            json!("session.audio.input.format.rate"),
        ),
        (
            update(json!({"type": "realtime", "output_modalities": ["audio", "text"]})),
            "invalid_value",
            json!("session.output_modalities"),
        ),
        (json!({"type": "response.creat", "event_id": "mine"}), "invalid_event", json!("type")),
        (json!({"event_id": "mine"}), "invalid_event", json!("type")),
    ] {
        client.send(event).await;
        let error = client.error().await;
        assert_eq!((&error["code"], &error["param"]), (&json!(code), &param), "{error}");
        assert_eq!(error["event_id"], "mine");
    }
    client.send_text("{\"type\": \"response.cre").await;
    assert_eq!(client.error().await["code"], "invalid_event");
    client.say("Still here.").await;
    assert_eq!(client.until("response.done").await["response"]["status"], "completed");
    // A voice that has been heard cannot change any more.
    let voice = json!({"type": "realtime", "audio": {"output": {"voice": "cedar"}}});
    client.send(update(voice)).await;
    assert_eq!(client.error().await["code"], "cannot_update_voice");
    running.stop().await;
}

#[actix_rt::test]
async fn pcm_and_text_sessions_work_too_and_azures_path_is_known() {
    let running = start(fast()).await;
    let url = format!("ws://{}/openai/v1/realtime?model=m", running.addr());
    let mut client = Client::open(&url, &[]).await;
    client
        .ready(json!({"audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}}}}))
        .await;
    client.say("Hi.").await;
    let done = client.until("response.done").await["response"].clone();
    assert_eq!(client.audio_bytes(&done["id"]), 220 * 48);
    let response = json!({"output_modalities": ["text"], "instructions": "\"Written.\""});
    client.send(json!({"type": "response.create", "response": response})).await;
    let done = client.until("response.done").await["response"].clone();
    assert_eq!(done["output"][0]["content"][0]["text"], "Written.");
    assert_eq!(client.audio_bytes(&done["id"]), 0);
    running.stop().await;
}
