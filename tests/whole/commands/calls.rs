//! `trunkline simulate calls` against a running server.

use serde_json::Value;

use crate::support::{AUTH_TOKEN, PUBLIC_URL, SHOP, World};

use super::{path, told, trunkline};

async fn simulate(world: &World, more: &[&str]) -> (Option<i32>, String, String) {
    let base = world.server.base();
    let mut arguments = vec!["simulate", "calls", "--url", &base, "--public-url", PUBLIC_URL];
    arguments.extend(["--to", SHOP, "--auth-token", AUTH_TOKEN]);
    arguments.extend(more);
    told(&trunkline(&arguments, &[]).await)
}

/// The same, on a machine that has time for it: a simulator that was too slow
/// itself refuses its own result and exits with three.
async fn measure(world: &World, more: &[&str]) -> (Option<i32>, String, String) {
    for _ in 0..4 {
        let told = simulate(world, more).await;
        if told.0 != Some(3) {
            return told;
        }
        assert!(told.2.contains("the result is refused: "), "{}", told.2);
    }
    panic!("this machine is too busy to measure anything");
}

#[actix_rt::test]
async fn thresholds_that_hold_exit_with_nought_and_those_that_break_with_one() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let script = path(folder.path(), "caller.script");
    std::fs::write(&script, "wait speaking 1s\nhangup\n").unwrap();
    let calls = ["--calls", "2", "--rate", "5", "--json", "--script", &script];

    let held = ["--threshold", "max_first_audio_ms=3000,max_failed=0,max_stale=0,max_invalid=0"];
    let (code, report, complaints) = measure(&world, &[&calls[..], &held].concat()).await;
    assert_eq!(code, Some(0), "{report}\n{complaints}");
    let report: Value = serde_json::from_str(&report).expect("JSON and nothing else");
    assert_eq!((&report["calls"], &report["failed"]), (&2.into(), &0.into()), "{report:#}");
    assert_eq!(report["ended"]["caller"], 2);
    assert_eq!(report["first_audio_ms"]["count"], 2);
    assert_eq!(report["broken"], serde_json::json!([]));
    world.assert_idle().await;
    let outcomes = world.metrics().await.with("trunkline_calls_total", &[("outcome", "abandoned")]);
    assert!(outcomes >= 2.0, "callers who said nothing: {outcomes}");

    let broken = ["--threshold", "max_setup_ms=0"];
    let (code, report, _) = measure(&world, &[&calls[..], &broken].concat()).await;
    assert_eq!(code, Some(1), "{report}");
    let report: Value = serde_json::from_str(&report).unwrap();
    let said = report["broken"][0].as_str().unwrap();
    assert!(said.starts_with("max_setup_ms=0, but it is "), "{said}");
    assert_eq!(report["failed"], 0);
}

#[actix_rt::test]
async fn a_call_that_fails_exits_with_one_and_says_why() {
    let world = World::start().await;
    let (code, report, _) = simulate(
        &world,
        &["--duration", "1", "--voice-path", "/nowhere", "--fallback-path", "/none"],
    )
    .await;
    assert_eq!(code, Some(1), "{report}");
    assert!(report.contains("1 calls, 1 failed"), "{report}");
    assert!(report.contains("404"), "{report}");
}

#[actix_rt::test]
async fn options_that_make_no_sense_exit_with_two() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let script = path(folder.path(), "bad.script");
    std::fs::write(&script, "wait greeting\nsing loudly\n").unwrap();
    for (options, reason) in [
        (vec!["--script", script.as_str()], "line 2: \"sing\" is no step"),
        (vec!["--script", "nowhere.script"], "cannot read nowhere.script"),
        (vec!["--wav", "nowhere.wav"], "nowhere.wav"),
        (vec!["--threshold", "max_fun=3"], "max_setup_ms"),
        (vec!["--wav", "a.wav", "--script", "b"], "cannot be used with"),
    ] {
        let (code, report, complaints) = simulate(&world, &options).await;
        assert_eq!(code, Some(2), "{options:?}: {report}\n{complaints}");
        assert!(complaints.contains(reason), "{options:?}: {complaints}");
    }
    assert_eq!(world.sessions().len(), 0, "no call was placed");
}
