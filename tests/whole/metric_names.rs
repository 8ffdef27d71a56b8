//! The metrics that are there are the metrics that are documented.

use std::collections::BTreeSet;

use crate::support::{World, fact};

/// Where the names are.
const CODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/actors/src/metrics");
const PAGE: &str = include_str!("../../docs/metrics.md");

/// Every name of ours in a text, as it is delimited by `quote`.
fn names(text: &str, quote: char) -> BTreeSet<String> {
    let ours = |word: &&str| word.starts_with("trunkline_");
    let name = |word: &str| word.split('{').next().unwrap_or_default().to_owned();
    text.split(quote).filter(ours).map(name).collect()
}

#[test]
fn what_is_documented_is_what_is_recorded() {
    let files = std::fs::read_dir(CODE).unwrap().map(|entry| entry.unwrap().path());
    let code: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let (code, page) = (names(&code, '"'), names(PAGE, '`'));
    assert!(code.len() > 20, "{code:?}");
    let only_code: Vec<_> = code.difference(&page).collect();
    let only_page: Vec<_> = page.difference(&code).collect();
    assert!(only_code.is_empty(), "not in docs/metrics.md: {only_code:?}");
    assert!(only_page.is_empty(), "not in actors/src/metrics: {only_page:?}");
}

#[actix_rt::test]
async fn a_call_shows_in_the_metrics_and_all_of_them_are_documented() {
    let world = World::start().await;
    let report = world
        .place(
            "wait greeting
             say Hello, what are your opening hours on Saturday?
             wait reply
             hangup",
        )
        .await;
    let stored = world.stored(&report.call_sid).await;
    world.assert_idle().await;
    let text = world.server.text("/metrics").await;
    let documented = names(PAGE, '`');
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).unwrap();
        assert!(documented.contains(name), "{name} is not in docs/metrics.md");
        assert!(text.contains(&format!("# HELP {name} ")), "{name} is not described");
    }
    let metrics = world.metrics().await;
    for stage in ["model_ready", "first_audio", "turn_latency", "tool", "webhook", "store_write"] {
        let count = metrics.sum(&format!("trunkline_{stage}_seconds_count"));
        assert!(count >= 1.0, "{stage} was not measured\n{text}");
    }
    // The histogram, the event and the phone agree on the first audio.
    let by_metric_ms = metrics.sum("trunkline_first_audio_seconds_sum") * 1_000.0;
    let by_event_ms = fact(&stored, "first_audio")["elapsed_ms"].as_f64().unwrap();
    let by_phone_ms = f64::from(u32::try_from(report.first_audio_ms().unwrap()).unwrap());
    assert!((by_metric_ms - by_event_ms).abs() <= 1.0, "{by_metric_ms} and {by_event_ms}");
    assert!(
        by_phone_ms + 1.0 >= by_event_ms,
        "heard after {by_phone_ms}, sent after {by_event_ms}"
    );
    assert!(by_phone_ms - by_event_ms < 300.0, "{by_phone_ms} and {by_event_ms}");
    assert!(!text.contains("+1555") && !text.contains("9123"), "no number is a label");
}
