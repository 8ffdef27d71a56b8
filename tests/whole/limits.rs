//! Who is turned away before anybody answers: callers who call too often, tenants
//! who are called too often, blocked numbers, and those who send what the carrier
//! did not sign.

use serde_json::json;
use trunkline_simulator::carrier::Verb;

use crate::support::{Answer, CALLER, SHOP, Webhook, World, event, new_call};

const CALLER_HOUR: &str =
    "You have reached us several times within the hour. Please try again later. Goodbye.";
const TENANT_HOUR: &str =
    "We're experiencing a high volume of calls. Please try again later. Goodbye.";
const BRANCH: &str = "+15550170002";

async fn rings_from(world: &World, from: &str) -> Answer {
    let webhook = Webhook::new("/twilio/voice", &new_call()).with("From", from);
    webhook.send(&world.server).await
}

fn gets_in(answer: &Answer) -> bool {
    matches!(answer.verbs().as_slice(), [Verb::Stream(_)])
}

/// A call was refused for this reason: its row, its event and the metric say so.
async fn assert_refused(world: &World, call: &str, reason: &str) {
    let row = world.server.row(call, |row| row.ended_at.is_some()).await;
    assert_eq!(row.outcome.map(|o| o.as_str()), Some("refused"));
    assert_eq!(row.error.as_deref(), Some(reason));
    let stored = world.stored(call).await;
    assert_eq!(event(&stored, "call_refused")["data"]["reason"], reason);
    let labels = [("tenant", "shop"), ("reason", reason)];
    let counted = world.metrics().await.with("trunkline_calls_refused_total", &labels);
    assert!(counted >= 1.0, "{reason}");
}

#[actix_rt::test]
async fn the_fourth_call_of_three_within_an_hour_is_asked_to_wait() {
    let plan = World::plan().shop("[limits]\nconcurrent_calls = 0\ncalls_per_number_per_hour = 3");
    let world = plan.start().await;
    for _ in 0..3 {
        let call = world.reserved().await.0;
        world.status(&call, "completed").await;
    }
    let fourth = new_call();
    assert_eq!(world.rings(&fourth).await.last_words(), CALLER_HOUR);
    assert_refused(&world, &fourth, "calls_per_number").await;
    // The same webhook again is no other call.
    assert_eq!(world.rings(&fourth).await.last_words(), CALLER_HOUR);
    // Somebody else has calls of their own, and so has everybody without a number.
    assert!(gets_in(&rings_from(&world, "+15550179200").await));
    for _ in 0..5 {
        assert!(gets_in(&rings_from(&world, "anonymous").await));
        assert!(gets_in(&rings_from(&world, "+266696687").await));
    }
    assert_eq!(rings_from(&world, CALLER).await.last_words(), CALLER_HOUR);
}

#[actix_rt::test]
async fn calls_that_go_to_the_human_count_too() {
    let plan = World::plan().shop("mode = \"bridge\"\n[limits]\ncalls_per_number_per_hour = 2");
    let world = plan.start().await;
    for _ in 0..2 {
        world.rings(&new_call()).await.dialled();
    }
    let third = new_call();
    assert_eq!(world.rings(&third).await.last_words(), CALLER_HOUR);
    assert_refused(&world, &third, "calls_per_number").await;
}

#[actix_rt::test]
async fn a_tenant_has_so_many_calls_within_an_hour_and_another_has_its_own() {
    let branch = format!(
        "company = \"Branch\"\nnumbers = [\"{BRANCH}\"]\npersona = \"shop\"\nhuman_number = \"none\"\n\
         [limits]\nconcurrent_calls = 0\ncalls_per_hour = 0\n"
    );
    let plan = World::plan().env("VOICE_CALLS_PER_TENANT_PER_HOUR", 3).tenant("branch", &branch);
    let world = plan.shop("[limits]\nconcurrent_calls = 0").start().await;
    for caller in 0..3 {
        assert!(gets_in(&rings_from(&world, &format!("+1555017930{caller}")).await));
    }
    let over = new_call();
    assert_eq!(world.rings(&over).await.last_words(), TENANT_HOUR);
    assert_refused(&world, &over, "calls_per_tenant").await;
    for _ in 0..6 {
        let there = Webhook::new("/twilio/voice", &new_call()).with("To", BRANCH);
        assert!(gets_in(&there.send(&world.server).await), "0 switches the limit off");
    }
}

#[actix_rt::test]
async fn the_defaults_are_those_of_the_systems_before() {
    let plan = World::plan()
        .env("VOICE_CALLS_PER_NUMBER_PER_HOUR", "")
        .env("VOICE_CALLS_PER_TENANT_PER_HOUR", "")
        .shop("[limits]\nconcurrent_calls = 0");
    let world = plan.start().await;
    for _ in 0..10 {
        assert!(gets_in(&rings_from(&world, CALLER).await));
    }
    assert_eq!(rings_from(&world, CALLER).await.last_words(), CALLER_HOUR);
    for _ in 0..90 {
        assert!(gets_in(&rings_from(&world, "anonymous").await));
    }
    assert_eq!(rings_from(&world, "anonymous").await.last_words(), TENANT_HOUR);
}

#[actix_rt::test]
async fn blocked_callers_hear_the_busy_tone() {
    let plan = World::plan()
        .env("VOICE_BLOCKED_NUMBERS", "+1900*, +15550179666")
        .shop("[limits]\nblocked_numbers = [\"+15550179777\"]");
    let world = plan.start().await;
    let blocked = new_call();
    let webhook = Webhook::new("/twilio/voice", &blocked).with("From", "+15550179777");
    let busy = webhook.send(&world.server).await;
    assert!(busy.text.contains("<Reject reason=\"busy\"/>"), "{}", busy.text);
    assert_refused(&world, &blocked, "blocked_number").await;
    for from in ["+15550179666", "+19005550100"] {
        assert_eq!(rings_from(&world, from).await.text, busy.text, "{from}");
    }
    assert!(gets_in(&rings_from(&world, "+15550179778").await));
    assert!(gets_in(&rings_from(&world, "anonymous").await));
    assert!(!world.server.log().contains("9777"), "whom one blocks is nobody's business");
}

#[actix_rt::test]
async fn a_source_of_bad_signatures_is_throttled_and_nobody_else_with_it() {
    let world = World::plan().env("SIGNATURE_FAILURES_PER_SOURCE", 3).start().await;
    let forged = async || {
        let webhook = Webhook::new("/twilio/voice", &new_call()).unsigned();
        webhook.send(&world.server).await.status
    };
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(forged().await);
    }
    assert_eq!(seen, [403, 403, 403, 429, 429, 429]);
    // The same address, well signed: there may be a proxy behind it.
    assert!(gets_in(&rings_from(&world, CALLER).await));
    assert_eq!(world.metrics().await.sum("trunkline_sources_throttled_total"), 3.0);
    assert_eq!(world.metrics().await.sum("trunkline_signature_failures_total"), 6.0);
    let throttled = world.server.audited("source_throttled", 1).await;
    assert_eq!(throttled[0].data.0["source"], json!("127.0.0.1"));
    assert_eq!(world.server.audited("signature_failure", 3).await.len(), 3);
}

#[actix_rt::test]
async fn behind_a_trusted_proxy_the_source_is_whom_it_names_last() {
    let plan = World::plan().env("SIGNATURE_FAILURES_PER_SOURCE", 1);
    let world = plan.env("TRUST_FORWARDED_HEADERS", "true").start().await;
    let from = async |value: &str| {
        let webhook = Webhook::new("/twilio/voice", &new_call()).unsigned();
        webhook.header("x-forwarded-for", value).send(&world.server).await.status
    };
    assert_eq!(from("192.0.2.7").await, 403);
    assert_eq!(from("203.0.113.9, 192.0.2.7").await, 429, "whatever it claims before");
    assert_eq!(from("192.0.2.7, 203.0.113.9").await, 403);
    assert_eq!(
        Webhook::new("/twilio/voice", &new_call())
            .with("To", SHOP)
            .unsigned()
            .send(&world.server)
            .await
            .status,
        403
    );
}
