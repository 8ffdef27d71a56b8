//! Switches: thrown through the API, written down, obeyed by the next call, here
//! and in every other process.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trunkline_simulator::carrier::Verb;

use crate::support::{HUMAN, OPS_TOKEN, ServerProcess, Webhook, World, new_call, wait_for};

const CLOSED: &str =
    "I'm sorry, our phone line is not available at the moment. Please try again later. Goodbye.";
const BRANCH: &str = "+15550170002";

fn branch() -> String {
    format!(
        "company = \"Branch\"\nnumbers = [\"{BRANCH}\"]\npersona = \"shop\"\nhuman_number = \"+15550170098\"\n"
    )
}

async fn throw(server: &ServerProcess, change: Value) -> Value {
    let (status, body) = server.send("PUT", "/api/v1/switches", &change).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// The verbs that a new call to a number gets.
async fn answer(server: &ServerProcess, to: &str) -> Vec<Verb> {
    Webhook::new("/twilio/voice", &new_call()).with("To", to).send(server).await.verbs()
}

async fn shop(world: &World) -> Vec<Verb> {
    answer(&world.server, crate::support::SHOP).await
}

fn is_closed(verbs: &[Verb]) -> bool {
    verbs == [Verb::Say(CLOSED.to_owned()), Verb::Hangup]
}

fn is_agent(verbs: &[Verb]) -> bool {
    matches!(verbs, [Verb::Stream(_)])
}

fn is_human(verbs: &[Verb]) -> bool {
    matches!(verbs, [Verb::Say(_), Verb::Dial(dial)] if dial.numbers == [HUMAN])
}

fn is_menu(verbs: &[Verb]) -> bool {
    matches!(verbs, [Verb::Gather(_), Verb::Say(_), Verb::Dial(_)])
}

#[actix_rt::test]
async fn the_channel_can_be_closed_for_one_tenant_and_for_all() {
    let world = World::plan().tenant("branch", &branch()).start().await;
    let (_live, stream) = world.live_by_hand().await;
    throw(&world.server, json!({ "tenant_id": "shop", "channel_enabled": false })).await;
    let call = new_call();
    assert!(is_closed(&world.rings(&call).await.verbs()));
    let row = world.server.row(&call, |row| row.ended_at.is_some()).await;
    assert_eq!(row.outcome.map(|o| o.as_str()), Some("refused"));
    assert_eq!(row.error.as_deref(), Some("channel_off"));
    assert!(is_agent(&answer(&world.server, BRANCH).await), "the branch is open");

    throw(&world.server, json!({ "tenant_id": "shop", "channel_enabled": true })).await;
    assert!(is_agent(&shop(&world).await));
    throw(&world.server, json!({ "channel_enabled": false })).await;
    assert!(is_closed(&shop(&world).await));
    assert!(is_closed(&answer(&world.server, BRANCH).await));
    assert!(world.is_live(&_live).await, "switches act on the next call");
    throw(&world.server, json!({ "channel_enabled": true })).await;
    assert!(is_agent(&shop(&world).await));
    stream.hang_up(&_live).await;
}

#[actix_rt::test]
async fn without_streams_callers_get_the_classic_menu() {
    let world = World::start().await;
    throw(&world.server, json!({ "tenant_id": "shop", "stream_enabled": "off" })).await;
    let verbs = shop(&world).await;
    let [Verb::Gather(gather), Verb::Say(_), Verb::Dial(dial)] = verbs.as_slice() else {
        panic!("{verbs:?}");
    };
    assert_eq!(gather.action.as_deref(), Some("https://voice.test/twilio/menu"));
    assert_eq!(gather.num_digits, Some(1));
    assert_eq!(dial.numbers, [HUMAN]);
    let pressed = world.place("wait 1s\npress 0\nexpect dial +15550170099").await;
    assert_eq!(pressed.failure(), None, "{pressed:?}");
    assert!(pressed.http.iter().any(|sent| sent.url.ends_with("/twilio/menu")), "{pressed:?}");
    let waited = world.place("expect dial +15550170099").await;
    assert_eq!(waited.failure(), None, "{waited:?}");
    assert!(pressed.streams.is_empty() && waited.streams.is_empty());
    let stored = world.stored(&pressed.call_sid).await;
    assert_eq!(stored["call"]["handoff_reason"], "stream_disabled");
    assert_eq!(crate::support::event(&stored, "menu_key")["data"]["human"], true);

    throw(&world.server, json!({ "tenant_id": "shop", "stream_enabled": "on" })).await;
    assert!(is_agent(&shop(&world).await));
    throw(&world.server, json!({ "stream_enabled": "off" })).await;
    assert!(is_menu(&shop(&world).await), "off for all is off for each");
}

#[actix_rt::test]
async fn the_tenants_file_decides_until_a_switch_does() {
    let world = World::plan().shop("stream_enabled = false").start().await;
    assert!(is_menu(&shop(&world).await));
    throw(&world.server, json!({ "tenant_id": "shop", "stream_enabled": "on" })).await;
    assert!(is_agent(&shop(&world).await));
    throw(&world.server, json!({ "tenant_id": "shop", "stream_enabled": "file" })).await;
    assert!(is_menu(&shop(&world).await));
}

#[actix_rt::test]
async fn in_an_emergency_every_call_goes_to_a_human() {
    let world = World::plan().tenant("branch", &branch()).start().await;
    throw(&world.server, json!({ "tenant_id": "shop", "bridge_only": true })).await;
    let call = new_call();
    assert!(is_human(&world.rings(&call).await.verbs()));
    let row = world.server.row(&call, |row| row.ended_at.is_some()).await;
    assert_eq!((row.mode.as_str(), row.handoff_reason.as_deref()), ("bridge", Some("bridge_only")));
    assert!(is_agent(&answer(&world.server, BRANCH).await));
    throw(&world.server, json!({ "bridge_only": true })).await;
    let verbs = answer(&world.server, BRANCH).await;
    assert!(
        matches!(verbs.as_slice(), [Verb::Say(_), Verb::Dial(dial)] if dial.numbers == ["+15550170098"])
    );
    world.assert_not_dialled();
}

#[actix_rt::test]
async fn the_setting_closes_the_channel_whatever_the_switches_say() {
    let world = World::plan().env("VOICE_CHANNEL_ENABLED", "false").start().await;
    assert!(is_closed(&shop(&world).await));
    throw(&world.server, json!({ "channel_enabled": true })).await;
    assert!(is_closed(&shop(&world).await));
}

#[actix_rt::test]
async fn every_process_obeys_and_so_does_the_next_life() {
    let mut world = World::start().await;
    let other = world.server.beside("another-node");
    let at_other = async || answer(&other, crate::support::SHOP).await;
    assert!(is_agent(&at_other().await));
    throw(&world.server, json!({ "bridge_only": true })).await;
    let thrown = Instant::now();
    wait_for("the other process to obey", async || is_human(&at_other().await).then_some(())).await;
    // It looks twice a second.
    assert!(thrown.elapsed() < Duration::from_secs(5), "{:?}", thrown.elapsed());
    // What was thrown there holds here too.
    throw(&other, json!({ "bridge_only": false, "channel_enabled": false })).await;
    wait_for("this process to obey", async || is_closed(&shop(&world).await).then_some(())).await;

    world.server.signal("TERM");
    assert_eq!(world.server.wait().await, Some(0));
    world.server.start_again();
    wait_for("the next life to obey", async || is_closed(&shop(&world).await).then_some(())).await;
}

#[actix_rt::test]
async fn who_threw_a_switch_is_written_down() {
    let world = World::start().await;
    let change = json!({ "tenant_id": "shop", "channel_enabled": false });
    let row = throw(&world.server, change).await;
    assert_eq!((&row["updated_by"], &row["channel_enabled"]), (&json!("ops"), &json!(false)));
    throw(&world.server, json!({ "bridge_only": true })).await;
    let events = world.server.audited("switch_changed", 2).await;
    assert_eq!(events[0].tenant_id.as_ref().map(|id| id.as_str()), Some("shop"));
    assert_eq!(events[1].tenant_id, None);
    assert_eq!(events[0].data.0["by"], "ops");
    assert_eq!(events[0].data.0["channel_enabled"], false);
    assert_eq!(events[1].data.0["bridge_only"], true);
    let shown = world.get("/api/v1/switches").await;
    assert_eq!(shown["switches"].as_array().map(Vec::len), Some(2), "{shown}");
}

#[actix_rt::test]
async fn who_may_not_throw_a_switch_throws_none() {
    let world = World::plan().env("OPS_READ_TOKEN", "a-token-that-may-only-look").start().await;
    let off = json!({ "channel_enabled": false });
    for (token, wanted) in
        [(None, 401), (Some("wrong"), 401), (Some("a-token-that-may-only-look"), 403)]
    {
        let (status, body) = world.server.send_as(token, "PUT", "/api/v1/switches", &off).await;
        assert_eq!(status, wanted, "{token:?}: {body}");
    }
    for (change, wanted, complaint) in [
        (json!({ "tenant_id": "nobody" }), 404, "no tenant"),
        (json!({ "chanel_enabled": false }), 400, "any of tenant_id, channel_enabled"),
        (json!({ "stream_enabled": "maybe" }), 400, "no change of switches"),
        (json!([]), 400, "no change of switches"),
    ] {
        let (status, body) =
            world.server.send_as(Some(OPS_TOKEN), "PUT", "/api/v1/switches", &change).await;
        assert_eq!(status, wanted, "{change}: {body}");
        assert!(body.contains(complaint), "{change}: {body}");
    }
    assert!(is_agent(&shop(&world).await));
    assert_eq!(world.get("/api/v1/switches").await["switches"], json!([]));
    world.server.audited("switch_changed", 0).await;
}
