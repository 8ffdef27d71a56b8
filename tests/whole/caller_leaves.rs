//! A caller who goes, in whatever way and at whatever moment, leaves nothing
//! behind.

use std::time::{Duration, Instant};

use trunkline_simulator::carrier::EventKind;

use crate::support::{GOODBYE, HUMAN, World, assert_human, assert_whole};

async fn assert_idle_at_once(world: &World) {
    let since = Instant::now();
    world.assert_idle().await;
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
}

#[actix_rt::test]
async fn a_hang_up_at_any_moment_frees_everything() {
    let world = World::plan().shop("[limits]\nconcurrent_calls = 0").start().await;
    let mut calls = Vec::new();
    for ms in [0, 20, 60, 150, 300, 500, 1_000, 2_500] {
        calls.push((ms, world.ongoing(&format!("wait {ms}ms\nhangup")).await));
    }
    let saying = "wait greeting\nsay Yes, please.\nwait speaking 300ms\nhangup";
    calls.push((9_999, world.ongoing(saying).await));
    for (ms, call) in calls {
        let report = call.report().await;
        assert_eq!(report.failure(), None, "{ms}: {report:?}");
        assert!(report.dialled.is_empty(), "{ms}");
        let stored = world.stored(&report.call_sid).await;
        let outcome = if ms == 9_999 { "completed" } else { "abandoned" };
        assert_eq!(stored["call"]["outcome"], outcome, "{ms}: {stored:#}");
        assert_eq!(stored["call"]["mode"], "realtime");
        // A caller may be gone before the call has begun.
        if stored["events"].as_array().is_some_and(|events| !events.is_empty()) {
            assert_whole(&stored);
        }
    }
    assert_idle_at_once(&world).await;
}

#[actix_rt::test]
async fn a_hang_up_while_the_model_does_not_answer_frees_everything() {
    let world = World::plan().knobs(|k| k.hang = true).start().await;
    let report = world.place("wait 800ms\nhangup").await;
    assert_idle_at_once(&world).await;
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "abandoned", "{stored:#}");
}

#[actix_rt::test]
async fn a_connection_that_is_reset_leads_to_the_human() {
    let world = World::start().await;
    let neighbour = world.ongoing(GOODBYE).await;
    for script in ["wait greeting\ndrop", "wait greeting\nsay Yes, please.\ndrop"] {
        let report = world.place(script).await;
        assert_eq!(report.numbers_dialled(), [HUMAN], "{script}: {report:?}");
        let stored = world.stored(&report.call_sid).await;
        assert_eq!(stored["call"]["mode"], "bridge", "{script}: {stored:#}");
        assert_eq!(stored["call"]["handoff_reason"], "stream_lost");
        assert_whole(&stored);
    }
    // One that breaks before the call has begun was no stream.
    let report = world.place("drop").await;
    assert_eq!(report.numbers_dialled(), [HUMAN], "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "bridge", "{stored:#}");
    assert!(!stored["call"]["handoff_reason"].is_null(), "{stored:#}");
    world.assert_undisturbed(&neighbour.report().await).await;
    assert_idle_at_once(&world).await;
}

#[actix_rt::test]
async fn a_stream_that_falls_silent_counts_as_dead() {
    let world = World::plan().env("STREAM_IDLE_TIMEOUT_MS", 600).start().await;
    let neighbour = world.ongoing(GOODBYE).await;
    let mut call = world.ongoing("wait greeting\nstall\nhold 30").await;
    call.until(EventKind::AgentQuiet).await;
    let since = Instant::now();
    let report = call.report().await;
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    assert_human(&report);
    assert_eq!(report.streams[0].close.as_ref().map(|c| c.1.as_str()), Some("stream_idle"));
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "bridge", "{stored:#}");
    assert_eq!(stored["call"]["handoff_reason"], "stream_lost");
    assert_whole(&stored);
    world.assert_undisturbed(&neighbour.report().await).await;
    assert_idle_at_once(&world).await;
}
