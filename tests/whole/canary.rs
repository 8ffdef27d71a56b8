//! Distinctive strings through every input, with the log as loud as it can be: they
//! come out nowhere but in the database and in the API's answer about that call.

use std::time::Duration;

use serde_json::{Value, json};
use trunkline_simulator::carrier::place_call;

use crate::support::{OPS_TOKEN, RawStream, SHOP, Webhook, World, client, new_call, wait_for};
use crate::traces::Collector;

/// What every canary but numbers begins with; nothing else has it.
const MARK: &str = "kwyjibo";
/// Numbers: of the caller, and of keys that were pressed.
const NUMBERS: [&str; 2] = ["8675309", "5318008"];

const DIALOGUE: &str = r#"
    greeting = "Hello kwyjibo-greeting."
    default = ["I see kwyjibo-default."]
    [[rule]]
    heard = ["opening"]
    say = "One moment kwyjibo-agent."
    call = [{ tool = "look_up", arguments = { topic = "kwyjibo-argument" } }]
    [[result]]
    tool = "look_up"
    say = "It says {output} kwyjibo-result."
"#;

/// Everything that came back over HTTP to whoever may not see it.
struct Answers(Vec<(String, String)>);

impl Answers {
    async fn ask(&mut self, world: &World, method: &str, path: &str, token: &str, body: &str) {
        let method = awc::http::Method::from_bytes(method.as_bytes()).unwrap();
        let request = client()
            .request(method, format!("{}{path}", world.server.base()))
            .timeout(Duration::from_secs(10))
            .insert_header(("user-agent", "kwyjibo-agent-header"))
            .insert_header(("cookie", "session=kwyjibo-cookie"))
            .insert_header(("x-forwarded-for", "kwyjibo-forwarded"))
            .insert_header(("x-request-id", "kwyjibo-request-id"))
            .content_type("application/json")
            .bearer_auth(token);
        let mut answer = request.send_body(body.to_owned()).await.expect("an answer");
        let text = answer.body().await.expect("a whole answer");
        let asked = format!("{path} {}", answer.status());
        self.0.push((asked, String::from_utf8_lossy(&text).into_owned()));
    }

    async fn webhook(&mut self, world: &World, what: &str, webhook: Webhook) {
        let answer = webhook.send(&world.server).await;
        self.0.push((format!("{what} {}", answer.status), answer.text));
    }
}

/// The webhook of a call with something of one's own in every field.
fn loud(path: &str, call: &str) -> Webhook {
    Webhook::new(path, call)
        .with("From", "+15558675309")
        .with("Caller", "+15558675309")
        .with("CallerName", "kwyjibo-name")
        .with("FromCity", "kwyjibo-city")
        .with("FromState", "kwyjibo-state")
        .with("FromZip", "kwyjibo-zip")
        .with("ForwardedFrom", "+15558675309")
        .with("SpeechResult", "kwyjibo-speech")
        .with("Digits", "5318008")
        .with("AnsweredBy", "kwyjibo-answered")
        .with("StirVerstat", "kwyjibo-verstat")
        .with("CallToken", "kwyjibo-call-token")
        .with("ErrorMessage", "kwyjibo-error")
        .with("kwyjibo-field", "kwyjibo-value")
}

/// A whole call with a tool, words and keys.
async fn a_conversation(world: &World) -> String {
    let mut plan = world.call(
        "wait greeting
         say Hello, what are your opening hours on Saturday?
         wait reply
         press 5
         wait 1s
         hangup",
    );
    plan.from = "+15558675309".to_owned();
    let report = place_call(&plan, None).await;
    let stored = world.stored(&report.call_sid).await;
    let told = stored["transcript"].to_string();
    assert!(told.contains("Saturday") && told.contains("kwyjibo-agent"), "{told}");
    assert_eq!(stored["call"]["from_number"], "+15558675309");
    report.call_sid
}

/// The stream of a call with something of one's own in its webhook and its start.
async fn a_loud_stream(world: &World) -> (String, RawStream) {
    let call = new_call();
    let token = loud("/twilio/voice", &call).send(&world.server).await.stream_token();
    let mut stream = RawStream::open(&world.server).await;
    let account = crate::support::ACCOUNT;
    let start = json!({
        "event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": {
            "streamSid": "MZ1", "accountSid": account, "callSid": call, "tracks": ["inbound"],
            "customParameters": { "token": token, "name": "kwyjibo-parameter" },
            "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
            "more": "kwyjibo-more",
        },
    });
    stream.send(&start.to_string()).await;
    stream.first_media().await;
    (call, stream)
}

async fn over(world: &World, call: &str) {
    world.what_next(call).await;
    world.status(call, "completed").await;
    world.stored(call).await;
}

/// A stream that says what it should not, and a call that dies of a panic.
async fn bad_streams(world: &World) {
    let (call, mut stream) = a_loud_stream(world).await;
    for key in "5318008".chars() {
        let press =
            json!({ "event": "dtmf", "streamSid": "MZ1", "dtmf": { "digit": key.to_string() } });
        stream.send(&press.to_string()).await;
    }
    for text in [
        r#"{"event":"dtmf","streamSid":"MZ1","dtmf":{"digit":"5318008"}}"#,
        r#"{"event":"kwyjibo-event","streamSid":"MZ1"}"#,
        r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"kwyjibo-mark"}}"#,
        r#"{"event":"media","media":{"payload":"kwyjibo-payload"},"streamSid":"MZ1"}"#,
        "kwyjibo-no-json",
    ] {
        stream.send(text).await;
    }
    stream.closed(Duration::from_secs(10)).await;
    over(world, &call).await;
    let (call, mut stream) = a_loud_stream(world).await;
    world.fault("call", Some(&call), json!("panic")).await;
    stream.closed(Duration::from_secs(10)).await;
    over(world, &call).await;
}

/// What the carrier says of a recording, and a fetch that comes to nothing.
async fn a_recording(world: &World, call: &str, answers: &mut Answers) {
    for path in ["/twilio/recording?tenant=shop", "/twilio/recording?tenant=kwyjibo-tenant"] {
        let told = loud(path, call)
            .with("RecordingSid", "kwyjiborecording")
            .with("RecordingStatus", "completed")
            .with("RecordingUrl", "http://kwyjibo-host.test/kwyjibo-path");
        answers.webhook(world, path, told.clone().unsigned()).await;
        answers.webhook(world, path, told.clone().with("RecordingSid", "kwyjibo-bad")).await;
        answers.webhook(world, path, told).await;
    }
    wait_for("the recording to be asked for", async || {
        let stored = world.get(&format!("/api/v1/calls/{call}")).await;
        let asked = stored.pointer("/recordings/0/error").is_some_and(Value::is_string);
        asked.then_some(())
    })
    .await;
}

async fn strangers(world: &World, answers: &mut Answers) {
    let call = new_call();
    for path in [
        "/twilio/voice",
        "/twilio/status",
        "/twilio/amd",
        "/twilio/fallback",
        "/twilio/menu",
        "/twilio/recording",
    ] {
        answers.webhook(world, path, loud(path, &call).token("kwyjibo-key")).await;
        answers.webhook(world, path, loud(path, &call).signature("kwyjibo-signature")).await;
        answers.webhook(world, path, loud(path, &call).unsigned()).await;
        answers.webhook(world, path, loud(path, "kwyjibo-sid").unsigned()).await;
        answers.webhook(world, path, loud(path, &call).with("To", "+kwyjibo")).await;
        answers.webhook(world, path, loud(path, &call).with("CallStatus", "kwyjibo-status")).await;
        answers.webhook(world, path, loud(path, &call).with("AccountSid", "kwyjibo-account")).await;
    }
    answers.webhook(world, "amd", loud("/twilio/amd", &call).with("To", SHOP)).await;
    let mut stream = RawStream::open(&world.server).await;
    stream.start(&new_call(), Some("ACkwyjibo"), Some("kwyjibo-token")).await;
    stream.closed(Duration::from_secs(5)).await;
    assert!(RawStream::try_open(&world.server, Some("kwyjibo-signature")).await.is_err());
    for (method, path, body) in [
        ("GET", "/kwyjibo-path?x=kwyjibo-query", ""),
        ("GET", "/api/v1/calls/kwyjibo-path", ""),
        ("GET", "/api/v1/calls/kwyjibo%20%00path", ""),
        ("GET", "/api/v1/calls/live?tenant=kwyjibo%20query", ""),
        ("GET", "/api/v1/calls/live?kwyjibo-query=1", ""),
        ("GET", "/api/v1/switches?kwyjibo=1", ""),
        ("PUT", "/api/v1/switches", r#"{"kwyjibo-key":"kwyjibo-body"}"#),
        ("PUT", "/api/v1/switches", r#"{"tenant":"kwyjibo body"}"#),
        ("PUT", "/api/v1/switches", "kwyjibo-no-json"),
        ("POST", "/api/v1/calls/CA1/transfer", r#"{"number":"kwyjibo-number"}"#),
        ("POST", "/api/v1/calls/kwyjibo-call/hangup", r#"{"reason":"kwyjibo-reason"}"#),
        ("POST", "/api/v1/tenants/shop/appointments", r#"{"kwyjibo-field":"kwyjibo-body"}"#),
        ("POST", "/api/v1/tenants/shop/appointments", r#"{"customer_name":{"kwyjibo":1}}"#),
        ("POST", "/api/v1/tenants/kwyjibo-tenant/holds", "kwyjibo-no-json"),
        ("GET", "/api/v1/tenants/shop/appointments?phone_number=kwyjibo&x=kwyjibo", ""),
        ("POST", "/ops/faults", r#"{"kind":"kwyjibo-kind","fault":"panic"}"#),
        ("POST", "/ops/faults", r#"{"kind":{"kwyjibo":1}}"#),
    ] {
        answers.ask(world, method, path, OPS_TOKEN, body).await;
        answers.ask(world, method, path, "kwyjibo-bearer", body).await;
    }
}

#[actix_rt::test]
async fn what_is_sent_in_comes_out_nowhere() {
    let collector = Collector::start();
    let facts = "[facts]\n\"kwyjibo-argument\" = \"kwyjibo-fact\"\n";
    let plan = World::plan().env("RUST_LOG", "trace").dialogue(DIALOGUE);
    let plan = plan.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}/", collector.address));
    let tenant = format!(
        "company = \"Loud\"\npersona = \"shop\"\nhuman_number = \"none\"\ntools = [\"look_up\"]\n{facts}"
    );
    let plan = plan.shop("record = true").env("RECORDINGS_RETRY_MS", 200);
    let mut world = plan.tenant("loud", &tenant).start().await;
    let mut answers = Answers(Vec::new());
    let call = a_conversation(&world).await;
    a_recording(&world, &call, &mut answers).await;
    bad_streams(&world).await;
    strangers(&world, &mut answers).await;
    // A model whose error names things: `code` and `message` are its own words.
    world.model(|knobs| knobs.error_code = Some("kwyjibo error of +15558675309".to_owned()));
    let report = world.place("wait 3s\nhangup").await;
    world.stored(&report.call_sid).await;
    world.assert_idle().await;

    for page in
        ["/metrics", "/ops/actors", "/health", "/ready", "/api/v1/calls/live", "/api/v1/switches"]
    {
        answers.0.push((page.to_owned(), world.server.text(page).await));
    }
    world.server.signal("TERM");
    assert_eq!(world.server.wait().await, Some(0));
    let log = world.server.log();
    assert!(log.contains("\"level\":\"TRACE\""), "the log is as loud as it can be");
    assert!(collector.has("call"), "what is posted can be searched");
    answers.0.extend(log.lines().map(|line| ("the log".to_owned(), line.to_owned())));

    let canaries = [&[MARK, "opening hours on", "on Saturday"][..], &NUMBERS].concat();
    let mut leaks: Vec<String> = Vec::new();
    for (place, text) in &answers.0 {
        let lower = text.to_lowercase();
        for canary in &canaries {
            if lower.contains(&canary.to_lowercase()) {
                leaks.push(format!("{canary} in {place}: {}", shortened(text)));
            }
        }
    }
    for canary in canaries {
        if collector.has(canary) {
            leaks.push(format!("{canary} in a trace"));
        }
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

fn shortened(text: &str) -> String {
    let line: Value = serde_json::from_str(text).unwrap_or(Value::String(text.to_owned()));
    line.to_string().chars().take(600).collect()
}
