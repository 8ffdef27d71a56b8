//! Whether calls may be sent here, by status code: a load balancer reads no more.

use serde_json::json;

use crate::support::{World, wait_for};

#[actix_rt::test]
async fn a_server_that_is_on_its_way_out_is_not_ready() {
    let mut world = World::start().await;
    let code =
        async |world: &World| world.server.send_as(None, "GET", "/ready", &json!({})).await.0;
    assert_eq!(code(&world).await, 200);
    let (call, stream) = world.live_by_hand().await;
    world.server.signal("TERM");
    wait_for("503", async || (code(&world).await == 503).then_some(())).await;
    assert_eq!(world.server.send_as(None, "GET", "/health", &json!({})).await.0, 200);
    stream.hang_up(&call).await;
    assert_eq!(world.server.wait().await, Some(0));
}
