//! One tenant's things, asked for in another's name, on every path there is.

use serde_json::json;

use super::BRANCH;
use super::doors::{DOORS, Scoped, address};
use crate::support::{OPS_TOKEN, World};

#[actix_rt::test]
async fn no_path_gives_one_tenants_things_to_another() {
    let world = World::plan().tenant("branch", BRANCH).start().await;
    let (call, _stream) = world.live_by_hand().await;
    world.server.row(&call, |_| true).await;
    let switch = json!({ "tenant_id": "shop", "bridge_only": false });
    assert_eq!(world.server.send("PUT", "/api/v1/switches", &switch).await.0, 200);
    let mut asked = 0;
    for door in DOORS.iter().filter(|door| door.scoped == Scoped::ByQuery) {
        for tenant in ["branch", "nobody"] {
            let path = format!("{}?tenant={tenant}", address(door.path, &call));
            let (status, body) =
                world.server.send_as(Some(OPS_TOKEN), door.method, &path, &json!({})).await;
            assert!(status == 200 || status == 404, "{path}: {status} {body}");
            assert!(!body.contains(&call), "{path}: {body}");
            assert!(!body.contains("\"shop\""), "{path}: {body}");
            asked += 1;
        }
        for wrong in
            ["?tenant=", "?tenant=shop&tenant=branch", "?tenant=shop&x=1", "?Tenant=branch"]
        {
            let path = format!("{}{wrong}", address(door.path, &call));
            let (status, body) =
                world.server.send_as(Some(OPS_TOKEN), door.method, &path, &json!({})).await;
            let nothing = status == 200 && !body.contains(&call);
            assert!(status == 400 || nothing, "{path}: {status} {body}");
        }
    }
    assert_eq!(asked, 20, "ten doors know tenants");
    assert!(world.is_live(&call).await, "nobody hung up another's call");

    let own = format!("{}?tenant=shop", address("/api/v1/calls/{call_sid}/hangup", &call));
    assert_eq!(world.server.send("POST", &own, &json!({})).await.0, 202);
    world.stored(&call).await;
}
