//! Set sentences of a pipeline are rendered before anybody waits for them.

use serde_json::Value;

use crate::support::{World, agent_line, fact, wait_for};

/// The texts that voices were asked for so far, and finished.
fn rendered(world: &World) -> Vec<String> {
    let spoken = world.providers.spoken().into_iter().filter(|s| s.status != "running");
    spoken.map(|s| s.text).collect()
}

/// Waits until the server says that it has rendered what it knows of.
async fn warmed(world: &World) -> Vec<String> {
    wait_for("set sentences to be rendered ahead", async || {
        world.server.log().contains("set sentences were rendered ahead").then_some(())
    })
    .await;
    rendered(world)
}

#[actix_rt::test]
async fn the_first_call_is_greeted_and_dismissed_without_asking_a_voice() {
    let world = World::plan().pipeline().env("WARM_PHRASES", true).start().await;
    let before = warmed(&world).await;
    assert!(before.iter().any(|text| text.contains("How can I help")), "{before:?}");
    let call = world.ongoing("wait greeting\nexpect hangup within 20s").await;
    wait_for("the greeting to be heard", async || {
        let live = world.get("/api/v1/calls/live").await;
        (live.pointer("/calls/0/phase") == Some(&"conversation".into())).then_some(())
    })
    .await;
    let path = format!("/api/v1/calls/{}/hangup", call.sid);
    assert_eq!(world.server.send("POST", &path, &Value::Null).await.0, 202);
    let report = call.report().await;
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(fact(&stored, "call_started")["greeting_cached"], true, "{stored:#}");
    let goodbye = agent_line(&stored, "Thank you for calling");
    assert_eq!(goodbye["interrupted"], false, "{goodbye}");
    assert_eq!(rendered(&world), before, "no voice was asked");
}

#[actix_rt::test]
async fn a_voice_that_is_away_is_asked_again_and_nobody_waits_for_it() {
    let world = World::plan()
        .pipeline()
        .env("WARM_PHRASES", true)
        .knobs(|knobs| knobs.refuse = Some(503))
        .start()
        .await;
    assert_eq!(world.get("/ready").await["ready"], true);
    wait_for("the voice to be asked", async || (world.providers.refused() > 0).then_some(())).await;
    assert!(rendered(&world).is_empty());
    world.model(|_| ());
    wait_for("the greeting to be rendered", async || {
        rendered(&world).iter().any(|text| text.contains("How can I help")).then_some(())
    })
    .await;
}

#[actix_rt::test]
async fn what_was_rendered_in_an_earlier_life_is_not_asked_for_again() {
    let mut world = World::plan().pipeline().env("WARM_PHRASES", true).start().await;
    let before = warmed(&world).await.len();
    world.server.signal("TERM");
    assert_eq!(world.server.wait().await, Some(0));
    world.server.start_again();
    let report = world.place("wait greeting\nhangup").await;
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(fact(&stored, "call_started")["greeting_cached"], true, "{stored:#}");
    assert_eq!(rendered(&world).len(), before);
}
