//! A tenant without a human number: the caller is told, and not left hanging.

use serde_json::json;

use crate::support::{Answer, Webhook, World, new_call};

const NOBODY: &str =
    "I'm sorry, nobody can take your call right now. Please try again later. Goodbye.";

async fn asks(world: &World, path: &str, call: &str) -> Answer {
    Webhook::new(path, call).with("To", "+15550170002").send(&world.server).await
}

#[actix_rt::test]
async fn where_there_is_no_human_the_caller_is_told_so() {
    let alone = "company = \"Alone\"\nnumbers = [\"+15550170002\"]\npersona = \"shop\"\nhuman_number = \"none\"\n";
    let world = World::plan().tenant("alone", alone).start().await;
    // A call that is lost, and one that the carrier could not connect.
    assert_eq!(asks(&world, "/twilio/connect-action", &new_call()).await.last_words(), NOBODY);
    assert_eq!(asks(&world, "/twilio/fallback", &new_call()).await.last_words(), NOBODY);
    assert_eq!(asks(&world, "/twilio/menu", &new_call()).await.last_words(), NOBODY);

    let bridge = json!({ "tenant_id": "alone", "bridge_only": true });
    assert_eq!(world.server.send("PUT", "/api/v1/switches", &bridge).await.0, 200);
    let call = new_call();
    assert_eq!(asks(&world, "/twilio/voice", &call).await.last_words(), NOBODY);
    let row = world.server.row(&call, |row| row.ended_at.is_some()).await;
    assert_eq!(row.outcome.map(|o| o.as_str()), Some("failed"));
    assert_eq!((row.handoff, row.mode.as_str()), (false, "bridge"));
}

#[actix_rt::test]
async fn without_a_key_for_the_model_either_the_caller_is_told_so() {
    let alone = "company = \"Alone\"\nnumbers = [\"+15550170002\"]\npersona = \"shop\"\nhuman_number = \"none\"\n";
    let world = World::plan().no_model().tenant("alone", alone).start().await;
    assert_eq!(asks(&world, "/twilio/voice", &new_call()).await.last_words(), NOBODY);
    assert_eq!(world.server.send_as(None, "GET", "/health", &json!({})).await.0, 200);
}
