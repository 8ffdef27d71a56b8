//! A session of which nothing is heard expires.

use chrono::{DateTime, Utc};

use crate::support::World;

#[actix_rt::test]
async fn a_session_that_is_idle_for_too_long_expires_and_the_log_says_which() {
    let began = Utc::now();
    let plan = World::plan().env("SESSION_TTL_MINUTES", "0.02").env("SESSION_SWEEP_MS", 100);
    let world = plan.start().await;
    // A live call beside it is not idle.
    let beside = world.ongoing("wait greeting\nwait 4s\nhangup").await;
    let report = world.place("wait greeting\nstall\nexpect hangup within 20s").await;
    assert_eq!(report.failure(), None, "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "timeout", "{stored:#}");
    assert_eq!(crate::support::event(&stored, "call_ended")["data"]["reason"], "ttl_expired");

    let lines = world.server.logged("a session was idle for too long");
    let line = &lines[0];
    assert!(lines.iter().all(|l| l["call.id"] == report.call_sid.as_str()), "{lines:?}");
    assert_eq!(line["reason"], "ttl_expired");
    assert_eq!(line["stream.id"], report.streams[0].stream_sid.as_str());
    assert_eq!(line["tenant.id"], "shop");
    assert!((line["ttl_minutes"].as_f64().unwrap() - 0.02).abs() < 1e-9, "{line}");
    let seen = DateTime::parse_from_rfc3339(line["last_seen_at"].as_str().unwrap()).unwrap();
    assert!(seen > began && seen < Utc::now(), "{line}");

    let beside = beside.report().await;
    let stored = world.stored(&beside.call_sid).await;
    assert_eq!(crate::support::event(&stored, "call_ended")["data"]["reason"], "caller_hung_up");
    world.assert_idle().await;
}
