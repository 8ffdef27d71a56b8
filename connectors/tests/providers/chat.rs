//! Chat completions.

use trunkline_connectors::chat::{Answer, ChatError, ask};
use trunkline_connectors::http::{Patience, RequestError, Stage};
use trunkline_connectors::reach::Reach;
use trunkline_core::wire::chat::{
    ChatEvent, FinishReason, Message, Request, StreamError, ToolChoice,
};
use trunkline_core::wire::realtime::ToolSpec;
use trunkline_core::wire::refusal::Advice;
use trunkline_simulator::providers::{Knobs, Provider};

use crate::support::{PATIENT, SHORT, eventually, fast, redirecting, start};

fn system(text: &str) -> Message {
    Message::System { text: text.to_owned() }
}

fn user(text: &str) -> Message {
    Message::User { text: text.to_owned() }
}

fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str| ToolSpec {
        name: name.to_owned(),
        description: "Does it.".to_owned(),
        parameters: serde_json::json!({"type": "object"}),
    };
    vec![tool("look_up"), tool("end_call")]
}

async fn say(
    base: &str,
    messages: &[Message],
    tools: &[ToolSpec],
    patience: Patience,
) -> Result<Answer, ChatError> {
    let request = Request {
        model: "test-model",
        messages,
        tools,
        tool_choice: ToolChoice::Auto,
        temperature: None,
        max_tokens: None,
    };
    ask(base, "key", &request, patience, &Reach::Anywhere).await
}

/// Reads to the end: what came, and the error if there was one.
async fn all(mut answer: Answer) -> (Vec<ChatEvent>, Option<ChatError>) {
    let mut events = Vec::new();
    while let Some(event) = answer.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

fn text(events: &[ChatEvent]) -> String {
    let texts = events.iter().filter_map(|event| match event {
        ChatEvent::Text(text) => Some(text.expose()),
        _ => None,
    });
    texts.collect()
}

#[actix_rt::test]
async fn a_conversation_with_a_tool() {
    let running = start(fast()).await;
    let base = format!("{}/v1", running.http_base());
    let mut messages = vec![system("You are kind."), user("What are your opening hours?")];
    let answer = say(&base, &messages, &tools(), PATIENT).await.unwrap();
    let (events, error) = all(answer).await;
    assert!(error.is_none(), "{error:?}");
    let calls: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ChatEvent::Call(call) => Some(call.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].name, "look_up");
    assert!(serde_json::from_str::<serde_json::Value>(&calls[0].arguments).unwrap().is_object());
    assert!(events.contains(&ChatEvent::Finished(FinishReason::ToolCalls)));
    assert_eq!(events.last(), Some(&ChatEvent::Done));

    let call_id = calls[0].id.clone();
    messages.push(Message::Assistant { text: text(&events), calls });
    // Before its result is there, nothing else may be asked.
    let early = say(&base, &messages, &tools(), PATIENT).await;
    assert_eq!(early.unwrap_err().advice(), Advice::OurBug);
    messages.push(Message::Tool { call_id, output: "\"From nine to five.\"".to_owned() });
    let (events, error) = all(say(&base, &messages, &tools(), PATIENT).await.unwrap()).await;
    assert!(error.is_none() && text(&events).contains("From nine to five."), "{}", text(&events));
    let chats = running.chats();
    assert_eq!(chats.len(), 2, "the refused one was no chat");
    assert_eq!(chats[0].calls, ["look_up"]);
    assert_eq!((chats[1].status.as_str(), &chats[1].text), ("completed", &text(&events)));
    let usage = events.iter().any(|event| matches!(event, ChatEvent::Usage(u) if u.prompt > 0));
    assert!(usage, "usage comes after the end");
    running.stop().await;
}

#[actix_rt::test]
async fn an_answer_in_crumbs_and_with_garbage() {
    let running = start(Knobs { fragment: true, ..fast() }).await;
    let base = running.http_base();
    let note = system("Say exactly: \"Grüß Gott, what can I do?\"");
    let messages = [system("p"), user("Hi"), note];
    let (events, _) = all(say(&base, &messages, &[], PATIENT).await.unwrap()).await;
    assert_eq!(text(&events), "Grüß Gott, what can I do?");
    running.set_knobs(Knobs { garbage: true, ..fast() });
    let (_, error) = all(say(&base, &messages, &[], PATIENT).await.unwrap()).await;
    assert!(matches!(error, Some(ChatError::Stream(StreamError::Unreadable(_)))), "{error:?}");
    running.stop().await;
}

#[actix_rt::test]
async fn refusals_say_whether_to_come_again() {
    let running = start(fast()).await;
    for (status, advice) in [
        (429, Advice::Wait),
        (500, Advice::Retry),
        (503, Advice::Retry),
        (401, Advice::GiveUp),
        (404, Advice::OurBug),
    ] {
        running.set_knobs_of(Provider::Chat, Some(Knobs { refuse: Some(status), ..fast() }));
        let error = say(&running.http_base(), &[user("Hi")], &[], PATIENT).await.unwrap_err();
        assert_eq!(error.advice(), advice, "{error}");
        let ChatError::Request(RequestError::Refused(refusal)) = error else {
            panic!("{error}");
        };
        assert_eq!(refusal.status, status);
        assert_eq!(refusal.retry_after_ms, (status == 429).then_some(1_000));
    }
    running.set_knobs_of(Provider::Chat, None);
    assert!(say(&running.http_base(), &[user("Hi")], &[], PATIENT).await.is_ok());
    running.stop().await;
    let gone = say("http://127.0.0.1:1", &[user("Hi")], &[], PATIENT).await.unwrap_err();
    assert!(gone.advice().is_retryable(), "{gone}");
    let bad = say("nonsense", &[user("Hi")], &[], PATIENT).await.unwrap_err();
    assert_eq!(bad.advice(), Advice::GiveUp);
}

#[actix_rt::test]
async fn a_stream_that_dies_tells_what_came_before() {
    let running = start(Knobs { drop_after_deltas: Some(6), ..fast() }).await;
    let messages = [user("Tell me about your services")];
    let base = running.http_base();
    let (events, error) = all(say(&base, &messages, &[], PATIENT).await.unwrap()).await;
    let error = error.expect("it broke off");
    assert!(error.advice().is_retryable(), "{error}");
    assert!(!text(&events).is_empty() && !events.contains(&ChatEvent::Done), "{events:?}");
    eventually(|| running.chats()[0].status == "broken").await;
    running.set_knobs(Knobs { fail_code: Some("server_error".to_owned()), ..fast() });
    let (events, error) = all(say(&base, &messages, &[], PATIENT).await.unwrap()).await;
    assert!(matches!(error, Some(ChatError::Stream(StreamError::Service { .. }))), "{error:?}");
    assert!(!text(&events).is_empty());
    running.stop().await;
}

#[actix_rt::test]
async fn nobody_is_waited_for_in_vain() {
    let running = start(Knobs { hang: true, ..fast() }).await;
    let (base, hi) = (running.http_base(), [user("Hi")]);
    let stage = |error: ChatError| match error {
        ChatError::Request(RequestError::Timeout { stage, .. }) => stage,
        other => panic!("{other}"),
    };
    let hasty = Patience { first_byte: SHORT, ..PATIENT };
    assert_eq!(stage(say(&base, &hi, &[], hasty).await.unwrap_err()), Stage::FirstByte);
    running.set_knobs(Knobs { mute: true, ..fast() });
    let (_, error) = all(say(&base, &hi, &[], hasty).await.unwrap()).await;
    assert_eq!(stage(error.unwrap()), Stage::FirstByte);
    running.set_knobs(Knobs { token_ms: 3_600_000, ..fast() });
    let hasty = Patience { idle: SHORT, ..PATIENT };
    let (_, error) = all(say(&base, &hi, &[], hasty).await.unwrap()).await;
    assert_eq!(stage(error.unwrap()), Stage::Idle);
    running.set_knobs(Knobs { token_ms: 50, ..fast() });
    let hasty = Patience { whole: SHORT, ..PATIENT };
    let long = [user("Tell me about your services")];
    let (events, error) = all(say(&base, &long, &[], hasty).await.unwrap()).await;
    assert_eq!(stage(error.unwrap()), Stage::Whole);
    assert!(!events.contains(&ChatEvent::Done));
    running.stop().await;
}

#[actix_rt::test]
async fn dropping_an_answer_cancels_it() {
    let running = start(Knobs { token_ms: 20, ..fast() }).await;
    let messages = [user("Tell me about your services")];
    let mut answer = say(&running.http_base(), &messages, &[], PATIENT).await.unwrap();
    assert!(answer.next().await.unwrap().is_ok());
    drop(answer);
    eventually(|| running.chats()[0].status == "cancelled").await;
    running.stop().await;
}

#[actix_rt::test]
async fn a_key_follows_no_redirect() {
    let running = start(fast()).await;
    let elsewhere = redirecting(&format!("{}/v1/chat/completions", running.http_base()));
    let error = say(&elsewhere.base, &[user("Hi")], &[], PATIENT).await.unwrap_err();
    assert!(matches!(error, ChatError::Request(RequestError::Refused(ref r)) if r.status == 307));
    assert!(running.chats().is_empty());
    running.stop().await;
}
