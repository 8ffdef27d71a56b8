//! `trunkline check`: what a call would do, or what is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod config_support;

use std::sync::Arc;

use config_support::{TENANT, files};
use serde_json::Value;
use trunkline::cli::check::{report, write_json, write_text};
use trunkline::config::{Environment, MemoryFiles};

fn both(files: MemoryFiles, env: &[(&str, &str)]) -> (bool, String, Value) {
    let report = report(None, &Environment::from_pairs(env.iter().copied()), Arc::new(files));
    let (mut text, mut json) = (Vec::new(), Vec::new());
    write_text(&report, &mut text).unwrap();
    write_json(&report, &mut json).unwrap();
    (report.ok, String::from_utf8(text).unwrap(), serde_json::from_slice(&json).unwrap())
}

const FULL: &[(&str, &str)] = &[
    ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
    ("TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef"),
    ("OPENAI_API_KEY", "sk-very-secret"),
    ("PUBLIC_URL", "https://voice.example.com"),
];

#[test]
fn a_good_configuration_says_what_each_call_does() {
    let (ok, text, json) = both(files(), FULL);
    assert!(ok && json["ok"] == true, "{text}");
    for words in [
        "+15550100001  a       p        realtime",
        "p speaks as alloy through gpt-realtime-2.1; 5 at once, then busy; at most 10 min, 20 turns; in need: the human at +15550100099",
        "is rejected, as no default tenant is set",
        "https://voice.example.com/twilio/voice",
        "https://voice.example.com/twilio/fallback",
        "https://voice.example.com/twilio/status",
        "The configuration is good.",
    ] {
        assert!(text.contains(words), "{words:?} is missing in\n{text}");
    }
    assert!(!text.contains("very-secret") && !json.to_string().contains("very-secret"));
    let call = &json["calls"][0];
    assert_eq!(
        (call["number"].as_str(), call["mode"].as_str()),
        (Some("+15550100001"), Some("realtime"))
    );
    assert_eq!(
        (&call["model_key"], &call["limits"]["max_turns"]),
        (&Value::from(true), &Value::from(20))
    );
    assert_eq!(json["problems"], Value::Array(Vec::new()));
}

#[test]
fn without_a_key_calls_go_to_the_human_and_it_says_why() {
    let (ok, text, json) =
        both(files(), &[("DEFAULT_TENANT", "a"), ("TWILIO_AUTH_TOKEN_SECONDARY", "t")]);
    assert!(ok);
    assert!(text.contains("goes to the human at +15550100099: no key for the model"), "{text}");
    assert!(text.contains("TWILIO_AUTH_TOKEN") && text.contains("not set"), "{text}");
    assert_eq!(json["calls"][1]["number"], "any other");
    assert_eq!(json["calls"][1]["mode"], "bridge");
    assert_eq!(json["problems"][0]["severity"], "warning");
}

#[test]
fn every_way_of_answering_has_its_sentence() {
    let says = |extra: &str, env: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = FULL.iter().chain(env).copied().collect();
        both(files().with("config/tenants/a.toml", format!("{TENANT}{extra}")), &all).1
    };
    assert!(
        says("mode = \"bridge\"\n", &[]).contains("bridge  goes to the human at +15550100099\n")
    );
    assert!(says("stream_enabled = false\n", &[]).contains("hears a menu, then the human"));
    assert!(says("", &[("VOICE_CHANNEL_ENABLED", "false")]).contains("the line is closed"));
    let uncapped = "[limits]\nconcurrent_calls = 0\nmax_call_duration_ms = 0\nmax_turns = 0\n";
    assert!(
        says(uncapped, &[]).contains("no cap on calls; at most any length, any number of turns")
    );
    assert!(
        says("[limits]\nover_cap = \"human\"\nmax_call_duration_ms = 90000\n", &[])
            .contains("5 at once, then the human; at most 90 s")
    );
}

#[test]
fn a_pipeline_that_is_to_take_over_is_looked_at_as_well() {
    let takes_over = format!("{TENANT}[pipeline]\ntakes_over = true\n");
    let says = |env: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = FULL.iter().chain(env).copied().collect();
        both(files().with("config/tenants/a.toml", takes_over.as_str()), &all)
    };
    let keys = [("DEEPGRAM_API_KEY", "d"), ("AZURE_SPEECH_KEY", "a")];
    let (ok, text, json) = says(&keys);
    assert!(ok && json["problems"] == Value::Array(Vec::new()), "{text}");
    let words = "in need: Deepgram and gpt-4.1-mini, then the human at +15550100099";
    assert!(text.contains(words), "{text}");
    for (left, missing) in [(&keys[1..], "DEEPGRAM_API_KEY"), (&keys[..1], "AZURE_SPEECH_KEY")] {
        let (ok, text, json) = says(left);
        assert!(ok, "calls can be answered all the same");
        let problem = &json["problems"][0];
        assert_eq!(problem["key"], "pipeline.takes_over", "{text}");
        assert_eq!(problem["severity"], "warning");
        assert!(problem["message"].as_str().unwrap().contains(missing), "{problem}");
        let words = format!("the human at +15550100099, as {missing} is not set for the pipeline");
        assert!(text.contains(&words), "{text}");
    }
    // What it is made of is checked like the pipeline of another mode.
    let half = format!("{takes_over}[pipeline.voice]\nservice = \"elevenlabs\"\n");
    let (ok, text, _) = both(files().with("config/tenants/a.toml", half), FULL);
    assert!(!ok && text.contains("pipeline.voice.voice"), "{text}");
}

#[test]
fn a_tenant_that_records_says_so_and_should_tell_its_callers() {
    let recorded = format!("{TENANT}[recording]\nenabled = true\n");
    let (ok, text, json) = both(files().with("config/tenants/a.toml", recorded), FULL);
    assert!(ok && text.contains("20 turns; recorded by the carrier; in need"), "{text}");
    assert_eq!(json["problems"][0]["key"], "consent");
    let told = format!("{TENANT}consent = \"Recorded.\"\n[recording]\nenabled = true\n");
    let (_, _, json) = both(files().with("config/tenants/a.toml", told), FULL);
    assert_eq!(json["problems"], Value::Array(Vec::new()));
}

#[test]
fn a_call_whose_webhook_nobody_can_verify_is_refused() {
    let (_, text, json) = both(files(), &[("OPENAI_API_KEY", "sk-k")]);
    assert!(text.contains("refused  is refused with 403: no auth token"), "{text}");
    assert_eq!(json["calls"][0]["mode"], "refused");
    let trusting = [("OPENAI_API_KEY", "sk-k"), ("ENABLE_WEBHOOK_VALIDATION", "false")];
    assert_eq!(both(files(), &trusting).2["calls"][0]["mode"], "realtime");
}

#[test]
fn odd_credentials_are_named_and_not_shown() {
    let env = [
        ("TWILIO_ACCOUNT_SID", "SK12"),
        ("TWILIO_AUTH_TOKEN", "shorty"),
        ("OPENAI_API_KEY", "key-of-mine"),
    ];
    let (ok, text, _) = both(files(), &env);
    assert!(ok);
    assert!(text.contains("an account SID is AC and 32 hex digits"), "{text}");
    assert!(
        text.contains("an auth token is 32 hex digits") && text.contains("begins with sk-"),
        "{text}"
    );
    assert!(!text.contains("shorty") && !text.contains("key-of-mine"), "{text}");
}

#[test]
fn a_bad_configuration_is_listed_whole_and_fails() {
    let bad = files().with("config/tenants/b.toml", "company = 1\ncolour = 2\n");
    let (ok, text, json) = both(bad, &[("PORT", "x")]);
    assert!(!ok && json["ok"] == false);
    assert!(text.contains("error: environment: PORT: \"x\" is not a whole number from 0 to 65535\n  fix: choose 0 to 65535"), "{text}");
    assert!(
        text.contains("error: config/tenants/b.toml:2: colour: there is no such key\n  fix: "),
        "{text}"
    );
    assert!(text.contains("4 errors, "), "{text}");
    assert!(!text.contains("is good"), "{text}");
    assert_eq!(
        json["problems"].as_array().unwrap().iter().filter(|p| p["severity"] == "error").count(),
        4
    );
    assert!(json.get("calls").is_none());
}

#[test]
fn a_service_without_its_key_is_never_asked_and_it_says_so() {
    let tenant = format!(
        "{TENANT}mode = \"pipeline\"\n[[pipeline.recogniser.fallback]]\nservice = \"openai\"\n[[pipeline.agent.fallback]]\nmodel = \"m\"\napi_key_env = \"OTHER_KEY\"\n[[pipeline.voice.fallback]]\nservice = \"elevenlabs\"\nvoice = \"v\"\n"
    );
    let says = |env: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = FULL.iter().chain(env).copied().collect();
        let (ok, text, json) = both(files().with("config/tenants/a.toml", tenant.as_str()), &all);
        assert!(ok, "calls can be answered all the same: {text}");
        let problems = json["problems"].as_array().unwrap().clone();
        let told = |problem: &Value| (problem["key"].clone(), problem["message"].clone());
        problems.iter().map(told).collect::<Vec<_>>()
    };
    let keys = [("DEEPGRAM_API_KEY", "d"), ("AZURE_SPEECH_KEY", "a")];
    let expected = [
        ("pipeline.agent.fallback", "OTHER_KEY"),
        ("pipeline.voice.fallback", "ELEVENLABS_API_KEY"),
    ];
    let message = |key: &str| format!("is never asked, as the environment has no {key}");
    let as_told = |(name, key): (&str, &str)| (Value::from(name), Value::from(message(key)));
    assert_eq!(says(&keys), expected.map(as_told));
    let more = [keys[0], keys[1], ("OTHER_KEY", "o"), ("ELEVENLABS_API_KEY", "e")];
    assert_eq!(says(&more), []);
    // The first of them may be the one without.
    let first = as_told(("pipeline.recogniser", "DEEPGRAM_API_KEY"));
    assert_eq!(says(&more[1..]), [first]);
}

#[test]
fn a_recogniser_that_does_not_end_turns_is_told_of() {
    let tenant = |model: &str| {
        format!(
            "{TENANT}mode = \"pipeline\"\n[pipeline.recogniser]\nservice = \"openai\"\n{model}\n"
        )
    };
    let all: Vec<(&str, &str)> = FULL.iter().copied().chain([("AZURE_SPEECH_KEY", "a")]).collect();
    let says = |model: &str| both(files().with("config/tenants/a.toml", tenant(model)), &all).2;
    assert_eq!(says("")["problems"], Value::Array(Vec::new()));
    let json = says("model = \"gpt-live-transcribe\"");
    assert_eq!(json["problems"][0]["key"], "pipeline.recogniser.model", "{json:#}");
    assert_eq!(json["problems"][0]["fix"], "write model = \"gpt-transcribe\"");
}
