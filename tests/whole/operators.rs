//! Who may look at the process, and who may act on it.

use serde_json::json;

use crate::support::{OPS_TOKEN, World, wait_for};

const READER: &str = "a-token-that-may-only-look";

#[actix_rt::test]
async fn every_page_of_operations_asks_for_a_token() {
    let world = World::plan().env("OPS_READ_TOKEN", READER).start().await;
    let (call, _stream) = world.live_by_hand().await;
    let one = format!("/api/v1/calls/{call}");
    let (hangup, transfer) = (format!("{one}/hangup"), format!("{one}/transfer"));
    let look = ["/ops/actors", "/api/v1/calls/live", one.as_str(), "/api/v1/switches"];
    let act = [("POST", hangup.as_str()), ("POST", transfer.as_str()), ("PUT", "/api/v1/switches")];
    let looks = look.iter().map(|path| ("GET", *path));
    for (method, path) in looks.clone().chain(act) {
        for token in [None, Some(""), Some("wrong"), Some("ops-token-of-the-test")] {
            let (status, body) = world.server.send_as(token, method, path, &json!({})).await;
            assert_eq!(status, 401, "{method} {path} {token:?}: {body}");
            assert!(!body.contains("shop"), "{body}");
        }
    }
    for (method, path) in act {
        let (status, body) = world.server.send_as(Some(READER), method, path, &json!({})).await;
        assert_eq!(status, 403, "{method} {path}: {body}");
    }
    assert!(world.is_live(&call).await, "nobody was hung up");
    for (method, path) in looks {
        for token in [READER, OPS_TOKEN] {
            let (status, body) = world.server.send_as(Some(token), method, path, &json!({})).await;
            assert_eq!(status, 200, "{path}: {body}");
        }
    }
    let (status, _) = world.server.send("POST", &hangup, &json!({})).await;
    assert_eq!(status, 202);
    world.stored(&call).await;
}

#[actix_rt::test]
async fn what_needs_no_token_tells_nothing_personal() {
    let world = World::start().await;
    for path in ["/health", "/ready", "/metrics"] {
        let (status, body) = world.server.send_as(None, "GET", path, &json!({})).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert!(!body.contains(OPS_TOKEN) && !body.contains("+1555"), "{body}");
    }
}

#[actix_rt::test]
async fn without_a_token_in_the_settings_one_is_made_and_shown_once() {
    let world = World::plan().env("OPS_TOKEN", "").start().await;
    let made = wait_for("the token to be shown", async || {
        let log = world.server.log();
        let line = log.lines().find(|line| line.starts_with("OPS_TOKEN is not set"))?.to_owned();
        line.rsplit(' ').next().map(str::to_owned)
    })
    .await;
    assert_eq!(made.len(), 32, "128 bits in hex");
    for (token, wanted) in [(None, 401), (Some(OPS_TOKEN), 401), (Some(made.as_str()), 200)] {
        let (status, _) = world.server.send_as(token, "GET", "/ops/actors", &json!({})).await;
        assert_eq!(status, wanted, "{token:?}");
    }
    assert_eq!(world.server.log().matches(&made).count(), 1);
}

#[actix_rt::test]
async fn one_tenants_calls_are_not_shown_as_anothers() {
    let branch = "company = \"Branch\"\nnumbers = [\"+15550170002\"]\npersona = \"shop\"\nhuman_number = \"none\"\n";
    let world = World::plan().tenant("branch", branch).start().await;
    let (call, _stream) = world.live_by_hand().await;
    let (mine, others) = (
        world.get("/api/v1/calls/live?tenant=shop").await,
        world.get("/api/v1/calls/live?tenant=branch").await,
    );
    assert_eq!((&mine["count"], &others["count"]), (&json!(1), &json!(0)));
    world.server.row(&call, |_| true).await;
    let path = format!("/api/v1/calls/{call}?tenant=");
    let ask = async |tenant: &str| {
        world.server.send_as(Some(OPS_TOKEN), "GET", &format!("{path}{tenant}"), &json!({})).await.0
    };
    assert_eq!((ask("shop").await, ask("branch").await), (200, 404));
    assert_eq!(world.get("/ops/actors?tenant=branch").await["live"], json!([]));
}
