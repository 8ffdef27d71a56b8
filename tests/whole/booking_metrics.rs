//! What became of appointments, counted by tenant.

use chrono::{SubsecRound as _, TimeDelta, Utc};
use serde_json::json;

use crate::support::{World, wait_for};

#[actix_rt::test]
async fn appointments_are_counted_by_tenant_and_by_what_became_of_them() {
    let branch = "company = \"Branch\"\npersona = \"shop\"\nhuman_number = \"none\"\n".to_owned();
    let world = World::plan().tenant("branch", &branch).start().await;
    let time = Utc::now().trunc_subsecs(0) + TimeDelta::days(7);
    let wanted = |minutes: i64| {
        json!({ "start": time + TimeDelta::minutes(minutes), "minutes": 30,
            "customer_name": "Ada", "phone_number": "+15558675309" })
    };
    let at = |tenant: &str| format!("/api/v1/tenants/{tenant}/appointments");
    let ask = async |method: &str, path: &str, body| world.server.send(method, path, &body).await;
    let (status, first) = ask("POST", &at("shop"), wanted(0)).await;
    assert_eq!(status, 201, "{first}");
    assert_eq!(ask("POST", &at("shop"), wanted(60)).await.0, 201);
    assert_eq!(ask("POST", &at("branch"), wanted(0)).await.0, 201);
    for _ in 0..3 {
        assert_eq!(ask("POST", &at("shop"), wanted(10)).await.0, 409);
    }
    let row: serde_json::Value = serde_json::from_str(&first).unwrap();
    let path = format!("{}/{}", at("shop"), row["confirmation_number"].as_str().unwrap());
    let to = |minutes: i64| json!({ "start": time + TimeDelta::minutes(minutes) });
    assert_eq!(ask("PATCH", &path, to(60)).await.0, 409);
    assert_eq!(ask("PATCH", &path, to(120)).await.0, 200);
    for _ in 0..2 {
        assert_eq!(ask("DELETE", &path, json!({})).await.0, 200);
    }
    wait_for("the counts", async || {
        let metrics = world.metrics().await;
        let of = |tenant, result| {
            metrics.with("trunkline_bookings_total", &[("tenant", tenant), ("result", result)])
        };
        let shop = ["made", "refused", "moved", "cancelled"].map(|result| of("shop", result));
        (shop == [2.0, 4.0, 1.0, 1.0] && of("branch", "made") == 1.0).then_some(())
    })
    .await;
    assert_eq!(
        world
            .metrics()
            .await
            .with("trunkline_bookings_total", &[("tenant", "branch"), ("result", "refused")]),
        0.0
    );
}
