//! Addresses that a tenant's file names and the server dials: never into the
//! network that the server alone stands in. What is public, and that the checked
//! address is the one that is dialled, is tested in the connectors.

use std::net::TcpListener;

use crate::support::World;

/// What a tenant's file can name: `model.fallback.url` alone. A new key of that
/// kind goes through the same check.
fn fallback(url: &str) -> String {
    format!("[[model.fallback]]\nurl = \"{url}\"\n")
}

/// Whether somebody came.
fn was_dialled(listener: &TcpListener) -> bool {
    listener.accept().is_ok()
}

async fn call_with_fallback(allowed: &str, host: &str) -> (bool, serde_json::Value) {
    let inner = TcpListener::bind("127.0.0.1:0").expect("a port");
    inner.set_nonblocking(true).expect("no blocking");
    let port = inner.local_addr().expect("an address").port();
    let world = World::plan()
        .knobs(|k| k.refuse = Some(401))
        .env("DIAL_PRIVATE_NETWORKS", allowed)
        .shop(&fallback(&format!("ws://{host}:{port}/v1/realtime")))
        .start()
        .await;
    let report = world.place("hold 20").await;
    assert_eq!(report.numbers_dialled(), [crate::support::HUMAN], "{report:?}");
    (was_dialled(&inner), world.stored(&report.call_sid).await)
}

#[actix_rt::test]
async fn a_tenant_cannot_have_the_inner_network_dialled() {
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let (dialled, stored) = call_with_fallback("", host).await;
        assert!(!dialled, "{host} was dialled: {stored:#}");
        let error = stored["handshake"]["error_message"].as_str().unwrap_or_default();
        assert!(error.contains("not public"), "{host}: {stored:#}");
    }
}

#[actix_rt::test]
async fn what_the_operator_allows_is_dialled() {
    let (dialled, stored) = call_with_fallback("10.0.0.0/8,127.0.0.1", "127.0.0.1").await;
    assert!(dialled, "{stored:#}");
}

#[test]
fn no_other_key_of_a_tenants_file_holds_an_address() {
    let top = include_str!("../../../src/config/tenant_file.rs");
    assert!(!top.contains("url\""), "a new address must go through trunkline_connectors::reach");
    let keys = include_str!("../../../src/config/tenant_file/sections.rs");
    let named = keys.lines().filter(|line| line.contains("url\"")).count();
    assert_eq!(named, 2, "a new address must go through trunkline_connectors::reach");
}
