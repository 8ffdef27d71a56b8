//! A distinctive text in every secret setting: it is shown nowhere.

use std::sync::Arc;

use serde_json::json;
use trunkline::config::{Disk, Environment, keys, load};

use super::BRANCH;
use crate::commands::{told, trunkline};
use crate::support::{Webhook, World, new_call};

/// Every secret setting with a value that it may have. The canary is the part in
/// capitals.
const SECRETS: [(&str, &str); 11] = [
    ("DATABASE_URL", "postgres://trunkline:CANARYDATABASE@127.0.0.1:9/x"),
    ("TWILIO_AUTH_TOKEN", "CANARYTOKEN"),
    ("TWILIO_AUTH_TOKEN_SECONDARY", "CANARYSECOND"),
    ("OPENAI_API_KEY", "sk-CANARYMODEL"),
    ("OPENAI_REALTIME_URL", "ws://127.0.0.1:9/v1/realtime?api-key=CANARYURL"),
    ("REDIS_URL", "redis://:CANARYREDIS@127.0.0.1:9"),
    ("OPS_TOKEN", "CANARYOPS"),
    ("OPS_READ_TOKEN", "CANARYREAD"),
    ("PRIVACY_KEY", "CANARYPRIVACY-of-32-bytes-at-the-least"),
    ("PRIVACY_KEY_PREVIOUS", "CANARYPREVIOUS-of-32-bytes-at-the-least"),
    ("RECORDER_KEY", "Q0FOQVJZUkVDT1JERVJDQU5BUllSRUNPUkRFUkNBTkE="),
];
const RECORDER_CANARY: &str = "Q0FOQVJZ";

fn assert_dark(what: &str, shown: &str) {
    for canary in ["CANARY", RECORDER_CANARY] {
        let line = shown.lines().find(|line| line.contains(canary));
        assert_eq!(line, None, "a secret is in {what}");
    }
}

#[test]
fn the_list_has_every_secret_setting() {
    let listed = |env: &str| SECRETS.iter().any(|(name, _)| *name == env);
    for key in keys::ALL.iter().filter(|key| key.secret) {
        assert!(listed(key.env), "{} is a secret without a canary", key.env);
    }
}

#[test]
fn no_form_of_the_settings_shows_a_secret() {
    let env = Environment::from_pairs(SECRETS);
    let loaded = load(None, &env, Arc::new(Disk)).expect("a good configuration");
    assert_dark("Debug of the configuration", &format!("{loaded:?} {loaded:#?} {env:?}"));
    let one = loaded.book.current().iter().next().cloned().expect("a tenant");
    let secrets = trunkline::config::TenantSecrets::of(&one, &loaded.settings, &env);
    assert_dark("Debug of a tenant's secrets", &format!("{secrets:?} {secrets:#?}"));
    assert_dark(
        "its warnings",
        &loaded.warnings.iter().map(ToString::to_string).collect::<String>(),
    );
}

#[test]
fn a_secret_that_is_wrong_is_complained_of_and_not_shown() {
    for (name, _) in SECRETS {
        let env = Environment::from_pairs([(name, "CANARY\u{7f} not good\n://")]);
        if let Err(problems) = load(None, &env, Arc::new(Disk)) {
            assert_dark(name, &format!("{problems} {problems:?}"));
        }
    }
}

#[actix_rt::test]
async fn the_check_of_the_configuration_shows_no_secret() {
    for arguments in [&["check"][..], &["check", "--json"]] {
        let (_, shown, complaints) = told(&trunkline(arguments, &SECRETS).await);
        assert!(shown.contains("TWILIO_AUTH_TOKEN"), "{shown}{complaints}");
        assert_dark("what check prints", &shown);
        assert_dark("what check complains of", &complaints);
    }
    // A start that fails says why, and not with what.
    let (code, shown, complaints) = told(&trunkline(&["serve"], &SECRETS).await);
    assert_eq!(code, Some(1), "{complaints}");
    assert_dark("what serve prints", &shown);
    assert_dark("what serve complains of", &complaints);
}

#[actix_rt::test]
async fn no_page_and_no_line_of_the_log_shows_a_secret() {
    let mut plan = World::plan().env("RUST_LOG", "trace").env("BRANCH_TOKEN", "CANARYBRANCH");
    // The world's own of the others: the simulated peers must know them.
    for (name, value) in SECRETS {
        if !["DATABASE_URL", "TWILIO_AUTH_TOKEN", "OPENAI_REALTIME_URL", "REDIS_URL", "OPS_TOKEN"]
            .contains(&name)
        {
            plan = plan.env(name, value);
        }
    }
    let branch = format!("{BRANCH}[credentials]\ntwilio_auth_token_env = \"BRANCH_TOKEN\"\n");
    let world = plan.tenant("branch", &branch).start().await;
    let report = world.place("wait greeting\nhangup").await;
    assert_eq!(report.failure(), None, "{report:?}");
    world.stored(&report.call_sid).await;
    for token in ["CANARYSECOND", "CANARYBRANCH", "CANARYOPS"] {
        let webhook = Webhook::new("/twilio/voice", &new_call()).token(token);
        webhook.with("To", "+15550170002").send(&world.server).await;
        world.server.send_as(Some(token), "GET", "/ops/actors", &json!({})).await;
        world.server.send_as(Some(token), "PUT", "/api/v1/switches", &json!({ "x": 1 })).await;
    }
    for path in [
        "/health",
        "/ready",
        "/metrics",
        "/ops/actors",
        "/api/v1/switches",
        "/api/v1/calls/live",
        &format!("/api/v1/calls/{}", report.call_sid),
    ] {
        assert_dark(path, &world.server.text(path).await);
    }
    let log = world.server.log();
    assert!(log.contains("\"level\":\"TRACE\""), "the log is as loud as it can be");
    assert_dark("the log", &log);
}
