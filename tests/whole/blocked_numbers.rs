//! Callers who are turned away by the database's list: from the next call on, at
//! every process.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trunkline_simulator::carrier::Verb;

use crate::support::{SHOP, ServerProcess, Webhook, World, event, new_call, wait_for};

const PATH: &str = "/api/v1/blocked-numbers";
const BRANCH: &str = "+15550170002";

fn branch() -> String {
    format!(
        "company = \"Branch\"\nnumbers = [\"{BRANCH}\"]\npersona = \"shop\"\nhuman_number = \"none\"\n"
    )
}

async fn gets_in(server: &ServerProcess, from: &str, to: &str) -> bool {
    let webhook = Webhook::new("/twilio/voice", &new_call()).with("From", from).with("To", to);
    let answer = webhook.send(server).await;
    let verbs = answer.verbs();
    let busy = answer.text.contains("<Reject reason=\"busy\"/>");
    assert!(busy || matches!(verbs.as_slice(), [Verb::Stream(_)]), "{}", answer.text);
    !busy
}

async fn block(server: &ServerProcess, body: Value) -> (u16, String) {
    server.send("POST", PATH, &body).await
}

async fn unblock(server: &ServerProcess, rest: &str) -> u16 {
    server.send("DELETE", &format!("{PATH}/{rest}"), &json!({})).await.0
}

#[actix_rt::test]
async fn who_is_on_the_list_hears_the_busy_tone_until_taken_off() {
    let world = World::plan()
        .shop("[limits]\nconcurrent_calls = 0")
        .tenant("branch", &branch())
        .env("RUST_LOG", "trace")
        .start()
        .await;
    let server = &world.server;
    let (one, prefix) = ("+15550179777", "+1900");
    assert!(gets_in(server, one, SHOP).await);
    let body = json!({ "pattern": "+1 (555) 017-9777", "tenant_id": "shop" });
    assert_eq!(block(server, body.clone()).await.0, 201);
    assert_eq!(block(server, body).await.0, 200, "it is there");
    assert_eq!(block(server, json!({ "pattern": format!("{prefix}*") })).await.0, 201);
    let blocked = new_call();
    let webhook = Webhook::new("/twilio/voice", &blocked).with("From", one);
    assert!(webhook.send(server).await.text.contains("<Reject reason=\"busy\"/>"));
    let stored = world.stored(&blocked).await;
    assert_eq!(event(&stored, "call_refused")["data"]["reason"], "blocked_number");
    assert_eq!(stored["call"]["error"], "blocked_number");
    assert!(gets_in(server, one, BRANCH).await, "the shop's list is the shop's");
    for to in [SHOP, BRANCH] {
        assert!(!gets_in(server, "+19005550100", to).await, "everybody's is everybody's");
    }
    assert!(gets_in(server, "+15550179778", SHOP).await);

    let list = world.get(PATH).await;
    let patterns: Vec<_> = list["blocked_numbers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["pattern"].clone())
        .collect();
    assert_eq!(patterns, [json!("+1900*"), json!("+15550179777")]);
    let own = world.get(&format!("{PATH}?tenant=shop")).await;
    assert_eq!(own["blocked_numbers"].as_array().map(Vec::len), Some(1));

    assert_eq!(unblock(server, "%2B15550179777").await, 404, "it is the shop's");
    assert_eq!(unblock(server, "%2B15550179777?tenant=shop").await, 204);
    assert_eq!(unblock(server, "+1900*").await, 204);
    assert_eq!(unblock(server, "+1900*").await, 404);
    assert!(gets_in(server, one, SHOP).await && gets_in(server, "+19005550100", SHOP).await);
    let told = server.audited("number_blocked", 2).await;
    assert_eq!(told[0].data.0, json!({ "by": "ops", "pattern": "…9777" }));
    server.audited("number_unblocked", 2).await;
    assert!(!server.log().contains("0179777"), "whom one blocks is nobody's business");
}

#[actix_rt::test]
async fn every_process_obeys_within_a_second_and_so_does_the_next_life() {
    let mut world = World::plan().shop("[limits]\nconcurrent_calls = 0").start().await;
    let other = world.server.beside("another-node");
    let from = "+15550179777";
    assert!(gets_in(&other, from, SHOP).await);
    assert_eq!(block(&world.server, json!({ "pattern": from })).await.0, 201);
    let blocked = Instant::now();
    wait_for("the other process to obey", async || {
        (!gets_in(&other, from, SHOP).await).then_some(())
    })
    .await;
    // It looks twice a second.
    assert!(blocked.elapsed() < Duration::from_secs(5), "{:?}", blocked.elapsed());
    world.server.signal("TERM");
    assert_eq!(world.server.wait().await, Some(0));
    world.server.start_again();
    assert!(!gets_in(&world.server, from, SHOP).await);
}

#[actix_rt::test]
async fn what_would_block_nobody_or_everybody_is_refused() {
    let world = World::plan().env("OPS_READ_TOKEN", "a-token-that-may-only-look").start().await;
    for (body, wanted, complaint) in [
        (json!({ "pattern": "*" }), 400, "neither a number"),
        (json!({ "pattern": "867-5309" }), 400, "neither a number"),
        (json!({ "number": "+15550179777" }), 400, "expected `pattern`"),
        (json!([]), 400, "body"),
        (json!({ "pattern": "+1900*", "tenant_id": "nobody" }), 404, "no tenant"),
    ] {
        let (status, answer) = block(&world.server, body.clone()).await;
        assert_eq!(status, wanted, "{body}: {answer}");
        assert!(answer.contains(complaint), "{body}: {answer}");
    }
    assert_eq!(unblock(&world.server, "anonymous").await, 400);
    let good = json!({ "pattern": "+1900*" });
    for (token, method, wanted) in [
        (None, "GET", 401),
        (Some("a-token-that-may-only-look"), "POST", 403),
        (Some("a-token-that-may-only-look"), "GET", 200),
    ] {
        assert_eq!(world.server.send_as(token, method, PATH, &good).await.0, wanted);
    }
    assert_eq!(world.get(PATH).await["blocked_numbers"], json!([]));
}
