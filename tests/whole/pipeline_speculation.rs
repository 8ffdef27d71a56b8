//! Answers that a pipeline begins when the caller has likely said all, seen from
//! outside: they come sooner, and of one that is thrown away nothing is heard.

use trunkline_simulator::carrier::CallReport;

use crate::support::{Metrics, OPS_TOKEN, World, WorldPlan, client, lines_of, stream};

/// What is asked in every call here, and how long the recording of it speaks.
const QUESTION: &str = "wait greeting
    say Tell me about your services.
    wait speaking 1s
    hangup";

fn plan(speculate: bool, silence_ms: u64) -> WorldPlan {
    let model = format!("[model]\nsilence_duration_ms = {silence_ms}");
    let speculation = format!("[pipeline]\nspeculate = {speculate}");
    World::plan().pipeline().shop(&model).shop(&speculation)
}

/// When the recording of the question ends, in its own milliseconds.
fn question_ms() -> u64 {
    let text = std::fs::read_to_string("config/audio/utterances/services.json").expect("a sidecar");
    let sidecar: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    sidecar["utterances"][0]["end_ms"].as_u64().expect("its end")
}

/// Milliseconds from the caller's last sound to the agent's first.
fn answered_after(report: &CallReport) -> u64 {
    let stream = stream(report);
    let asked = stream.clips.first().expect("a question").from_ms + question_ms();
    let answer = stream.utterances.iter().find(|said| said.from_ms > asked).expect("an answer");
    answer.from_ms - asked
}

/// So many calls one after the other, sorted by how soon they were answered.
async fn measure(world: &World, calls: usize) -> Vec<u64> {
    let mut took = Vec::new();
    for _ in 0..calls {
        let report = world.place(QUESTION).await;
        assert_eq!(report.failure(), None, "{report:?}");
        took.push(answered_after(&report));
    }
    took.sort_unstable();
    took
}

async fn metrics(world: &World) -> Metrics {
    let request = client().get(world.server.url("/metrics")).bearer_auth(OPS_TOKEN);
    let mut answer = request.send().await.expect("an answer");
    let body = answer.body().await.expect("metrics");
    Metrics::parse(&String::from_utf8_lossy(&body))
}

fn count(metrics: &Metrics, result: &str) -> f64 {
    metrics.with("trunkline_speculations_total", &[("result", result)])
}
