//! Guessing the operators' token.

use std::time::Duration;

use crate::support::{OPS_TOKEN, World, client};

#[actix_rt::test]
async fn a_source_that_guesses_tokens_is_not_heard_for_a_minute() {
    // By name of the proxy, so that the test itself is another source.
    let plan = World::plan().env("OPS_FAILURES_PER_SOURCE", 5);
    let world = plan.env("TRUST_FORWARDED_HEADERS", "true").start().await;
    let ask = async |source: &str, token: &str| {
        let request = client()
            .get(format!("{}/ops/actors", world.server.base()))
            .timeout(Duration::from_secs(10))
            .insert_header(("x-forwarded-for", source))
            .bearer_auth(token);
        let answer = request.send().await.expect("the server answers");
        (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
    };
    for guess in 0..5 {
        assert_eq!(ask("192.0.2.1", &format!("guess-{guess}")).await, (401, false));
    }
    assert_eq!(ask("192.0.2.1", "one more").await, (429, true));
    assert_eq!(ask("192.0.2.1", OPS_TOKEN).await, (429, true), "not even when it is right");
    assert_eq!(ask("203.0.113.7, 192.0.2.1", OPS_TOKEN).await.0, 429, "whatever it claims to be");
    assert_eq!(ask("192.0.2.2", OPS_TOKEN).await, (200, false), "nobody else pays for it");
    let metrics = world.metrics().await;
    let refused = |reason| metrics.with("trunkline_ops_refused_total", &[("reason", reason)]);
    assert_eq!((refused("wrong_token"), refused("throttled")), (5.0, 3.0));
    let said = world.server.logged("a source shows too many wrong ops tokens");
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0]["source"], "192.0.2.1");
}

#[actix_rt::test]
async fn nobody_is_refused_for_asking_without_a_token() {
    let plan = World::plan().env("OPS_FAILURES_PER_SOURCE", 2);
    let world = plan.start().await;
    for _ in 0..10 {
        let (status, _) =
            world.server.send_as(None, "GET", "/ops/actors", &serde_json::Value::Null).await;
        assert_eq!(status, 401);
    }
    assert!(world.get("/ops/actors").await["node"].is_string());
}
