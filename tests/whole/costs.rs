//! What calls cost, against a table that was computed by hand, and what budgets do.

use std::io::Write as _;

use serde_json::Value;
use tempfile::NamedTempFile;
use trunkline_simulator::carrier::CallReport;

use crate::commands::{told, trunkline};
use crate::support::{HUMAN, World, WorldPlan, event, wait_for};

/// Prices that are easy to multiply.
const PRICES: &str = r#"
[[price]]
provider = "openai"
model = "speech-model"
unit = "1M tokens"
text_in = "10"
cached_text_in = "1"
text_out = "100"
audio_in = "50"
cached_audio_in = "5"
audio_out = "200"
[[price]]
provider = "openai"
model = "cheap-speech-model"
unit = "1M tokens"
text_in = "1"
text_out = "10"
audio_in = "5"
audio_out = "20"
[[price]]
provider = "openai"
model = "words-model"
unit = "minute"
price = "0.60"
[[price]]
provider = "openai"
model = "language-model"
unit = "1M tokens"
text_in = "10"
cached_text_in = "1"
text_out = "100"
[[price]]
provider = "openai"
model = "cheap-language-model"
unit = "1M tokens"
text_in = "1"
text_out = "10"
[[price]]
provider = "deepgram"
model = "*"
unit = "minute"
price = "0.0006"
[[price]]
provider = "azure"
model = "*"
unit = "1M characters"
price = "1000"
[[price]]
provider = "twilio"
model = "voice"
unit = "started minute"
price = "0.010"
[[price]]
provider = "twilio"
model = "media_streams"
unit = "started minute"
price = "0.002"
"#;

const DIALOGUE: &str = r#"
    greeting = "Hello."
    default = ["I see."]
    [[rule]]
    heard = ["opening hours"]
    say = "We open at nine."
    [[rule]]
    heard = ["services"]
    say = "We bake bread and cakes."
    [[rule]]
    heard = ["goodbye"]
    say = "Thank you, goodbye."
    call = [{ tool = "end_call", arguments = { reason = "done" } }]
"#;

pub const REALTIME: &str = r#"
silence.nudge_ms = 0
limits.watchdog_ms = 30000
[model]
name = "speech-model"
budget_model = "cheap-speech-model"
transcription = "words-model"
"#;

pub const PIPELINE: &str = r#"mode = "pipeline"
silence.nudge_ms = 0
limits.watchdog_ms = 30000
[pipeline.recogniser]
url = "ws://services"
[pipeline.agent]
model = "language-model"
budget_model = "cheap-language-model"
url = "http://services/v1"
[pipeline.voice]
url = "http://services"
"#;

pub const HOURS: &str = "say Hello, what are your opening hours on Saturday?";
const SERVICES: &str = "say Tell me about your services.";
pub const BYE: &str = "say Sorry, that is all I needed, thank you. Goodbye!";

pub fn script(lines: &[&str]) -> String {
    lines.join("\n")
}

/// The six calls of each mode.
fn scripts() -> [String; 6] {
    let human = format!("expect dial {HUMAN} within 20s");
    [
        script(&["wait greeting", "hangup"]),
        script(&["wait greeting", "hangup"]),
        script(&["wait greeting", HOURS, "wait reply", "hangup"]),
        script(&[
            "wait greeting",
            HOURS,
            "wait reply",
            SERVICES,
            "wait reply",
            BYE,
            "expect hangup within 20s",
        ]),
        script(&["wait greeting", BYE, "expect hangup within 20s"]),
        script(&["wait greeting", HOURS, "wait reply", "press 0", &human]),
    ]
}

pub struct Priced {
    pub world: World,
    /// Its file is there as long as this is.
    pub prices: NamedTempFile,
}

pub async fn priced(plan: WorldPlan, tenant: &str) -> Priced {
    let mut prices = NamedTempFile::new().expect("a file");
    prices.write_all(PRICES.as_bytes()).expect("prices");
    let path = prices.path().display().to_string();
    let plan = plan.env("PRICES_FILE", path).dialogue(DIALOGUE).shop(tenant);
    let world = plan.knobs(|knobs| knobs.fixed_usage = true).start().await;
    Priced { world, prices }
}

pub fn pipeline() -> WorldPlan {
    World::plan().env("DEEPGRAM_API_KEY", "key").env("AZURE_SPEECH_KEY", "key")
}

pub async fn placed(world: &World, script: &str) -> (CallReport, Value) {
    let report = world.place(script).await;
    assert_eq!(report.failure(), None, "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    (report, stored)
}

/// Hundred-thousandths of a dollar, the finest that the table is written in.
fn in_table(stored: &Value) -> f64 {
    stored["cost"]["nanos"].as_f64().expect("a bill") / 10_000.0
}

fn cents(hundred_thousandths: f64) -> i64 {
    (hundred_thousandths / 1_000.0).round() as i64
}

fn quantity(stored: &Value, model: &str, kind: &str) -> u64 {
    let lines = stored["cost"]["lines"].as_array().expect("lines");
    let mut of = lines.iter().filter(|line| line["model"] == model && line["kind"] == kind);
    let quantity = of.next().map_or(0, |line| line["quantity"].as_u64().expect("a number"));
    assert!(of.next().is_none(), "one line of each: {lines:?}");
    quantity
}

/// What is paid to the carrier for each of the calls, whoever answered it and whether
/// a human went on with it: the minute of the caller's line and of its stream.
const LEGS: [(&str, u64); 2] = [("voice", 1), ("media_streams", 1)];

fn lines_of_carrier(stored: &Value) -> Vec<(&str, u64)> {
    let lines = stored["cost"]["lines"].as_array().expect("lines");
    let of_carrier = lines.iter().filter(|line| line["provider"] == "twilio");
    let leg = |line: &'_ Value| line["quantity"].as_u64().expect("a number");
    of_carrier.map(|line| (line["model"].as_str().expect("a name"), leg(line))).collect()
}

/// The table, in hundred-thousandths of a dollar:
///
/// ```text
/// a response of the speech model, by the usage that the simulator reports
///     400 new tokens of text     at  $10 per million     400
///     600 cached ones            at   $1                  60
///     400 new tokens of audio    at  $50               2 000
///     100 cached ones            at   $5                  50
///      50 tokens written         at $100                 500
///     200 tokens spoken          at $200               4 000
///                                                      7 010
/// an utterance put down: 2 s at $0.60 a minute         2 000
/// a started minute of the line: $0.010 and $0.002      1 200
///
/// call                responses   utterances   minutes     sum    cents
/// 1 greeting             1            0           1       8 210      8
/// 2 greeting, kept       0            0           1       1 200      1
/// 3 one question         1            1           1      10 210     10
/// 4 two, and goodbye     3            3           1      28 230     28
/// 5 goodbye              1            1           1      10 210     10
/// 6 one, then the human  1            1           1      10 210     10
/// ```
#[actix_rt::test]
async fn six_calls_of_a_speech_model_cost_what_the_table_says() {
    let Priced { world, prices: _prices } = priced(World::plan(), REALTIME).await;
    let table: [(u32, i64); 6] =
        [(8_210, 8), (1_200, 1), (10_210, 10), (28_230, 28), (10_210, 10), (10_210, 10)];
    let mut total = 0;
    for (number, (script, (sum, in_cents))) in scripts().iter().zip(table).enumerate() {
        let (_, stored) = placed(&world, script).await;
        let call = number + 1;
        assert_eq!(in_table(&stored), f64::from(sum), "call {call}: {:#}", stored["cost"]);
        assert_eq!(cents(in_table(&stored)), in_cents, "call {call}");
        assert_eq!(stored["cost"]["unpriced"], false);
        assert_eq!(lines_of_carrier(&stored), LEGS, "call {call}");
        total += u64::from(sum) * 10_000;
    }
    let day = world.get("/api/v1/costs?tenant=shop").await;
    assert_eq!(day["costs"][0]["calls"], 6, "{day:#}");
    assert_eq!(day["costs"][0]["nanos"], total);
    assert_eq!(day["total_usd"], "0.6827");
    let metrics = world.metrics().await;
    assert_eq!(metrics.sum("trunkline_cost_nanodollars_total"), total as f64);
    let printed = trunkline(&["costs", "--tenant", "shop"], &world.server.environment()).await;
    let (code, out, complaints) = told(&printed);
    assert_eq!(code, Some(0), "{complaints}");
    assert!(out.contains("shop") && out.contains("0.6827"), "{out}");
}

/// The table, in hundred-thousandths of a dollar:
///
/// ```text
/// an answer of the language model
///     600 new tokens read        at  $10 per million     600
///     400 cached ones            at   $1                  40
///      50 tokens written         at $100                 500
///                                                      1 140
/// a character of the voice       at $1 000 per million   100
/// a second of the recogniser     at $0.0006 a minute       1
/// a started minute of the line: $0.010 and $0.002      1 200
///
/// what is said                                   characters
///     Hello, this is Robin at The Test Shop.         38
///     How can I help you?                            19
///     We open at nine.                               16
///     We bake bread and cakes.                       24
///     Thank you, goodbye.                            19
///
/// call                answers   characters   minutes      sum   cents
/// 1 greeting             0       38 + 19        1        6 900      7
/// 2 greeting, kept       0          0           1        1 200      1
/// 3 one question         1         16           1        3 940      4
/// 4 two, and goodbye     3       16+24+19       1       10 520     11
/// 5 goodbye              1         19           1        4 240      4
/// 6 one, then the human  1         16           1        3 940      4
/// ```
///
/// To each sum comes 1 for each second that the recogniser heard, as the simulated one
/// counted them too: not enough to change the cents.
#[actix_rt::test]
async fn six_calls_of_a_pipeline_cost_what_the_table_says() {
    let Priced { world, prices: _prices } = priced(pipeline(), PIPELINE).await;
    let table: [(u32, i64); 6] =
        [(6_900, 7), (1_200, 1), (3_940, 4), (10_520, 11), (4_240, 4), (3_940, 4)];
    let (mut total, mut heard_before_ms) = (0, 0);
    for (number, (script, (sum, in_cents))) in scripts().iter().zip(table).enumerate() {
        let (_, stored) = placed(&world, script).await;
        let call = number + 1;
        assert_eq!(stored["call"]["handoff"], call == 6, "call {call}: {stored:#}");
        assert_eq!(lines_of_carrier(&stored), LEGS, "call {call}");
        world.assert_idle().await;
        // A recogniser that was lost and dialled again is in the list twice.
        let all_ms: u64 = world.providers.hearings().iter().map(|h| h.audio_bytes / 8).sum();
        let heard_ms = all_ms - std::mem::replace(&mut heard_before_ms, all_ms);
        let counted_ms = quantity(&stored, "nova-3", "audio_ms");
        // What was on its way when the caller hung up, the recogniser may have heard.
        assert!(heard_ms.abs_diff(counted_ms) <= 1_000, "call {call}: {heard_ms} {counted_ms}");
        let expected = f64::from(sum) + counted_ms as f64 / 1_000.0;
        let paid = in_table(&stored);
        assert!((paid - expected).abs() < 0.01, "call {call}: {expected} {stored:#}");
        assert_eq!(cents(paid), in_cents, "call {call}: {paid}");
        total += stored["cost"]["nanos"].as_u64().expect("a sum");
    }
    let day = world.get("/api/v1/costs?tenant=shop").await;
    assert_eq!((&day["costs"][0]["calls"], &day["total_nanos"]), (&6.into(), &total.into()));
}

fn shop(tenant: &str, budget: &str) -> String {
    format!("{tenant}\n[budget]\n{budget}")
}

#[actix_rt::test]
async fn a_call_over_its_budget_is_put_through_to_the_human() {
    let tenant = shop(PIPELINE, "per_call = \"0.08\"");
    let Priced { world, prices: _prices } = priced(pipeline(), &tenant).await;
    // The greeting and the line cost 6.9 cents: 86 %, so that the first answer is over.
    let script = script(&["wait greeting", HOURS, &format!("expect dial {HUMAN} within 20s")]);
    let report = world.place(&script).await;
    assert_eq!(report.numbers_dialled(), [HUMAN], "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["handoff_reason"], "budget", "{stored:#}");
    assert_eq!(event(&stored, "budget")["data"]["step"], "warn");
    assert_eq!(stored["handoff"]["reason"], "budget");
    let metrics = world.metrics().await;
    assert_eq!(metrics.sum("trunkline_budget_reached_total"), 3.0);
}

#[actix_rt::test]
async fn the_day_after_its_budget_is_spent_is_the_humans() {
    let tenant = shop(REALTIME, "per_day = \"0.08\"");
    let Priced { mut world, prices: _prices } = priced(World::plan(), &tenant).await;
    let next = format!("expect dial {HUMAN} within 20s");
    // Its greeting takes the call over the day's budget.
    let (_, stored) = placed(&world, &next).await;
    assert_eq!(stored["call"]["handoff_reason"], "budget", "{stored:#}");
    assert_eq!(stored["cost"]["usd"], "0.0821");
    let (_, stored) = placed(&world, &next).await;
    assert_eq!(stored["call"]["handoff_reason"], "budget_spent", "{stored:#}");
    assert!(stored["cost"].is_null(), "no agent, no bill");
    // A process that begins anew knows what was spent.
    world.server.signal("TERM");
    assert_eq!(world.server.wait().await, Some(0));
    world.server.start_again();
    let (_, stored) = placed(&world, &next).await;
    assert_eq!(stored["call"]["handoff_reason"], "budget_spent", "{stored:#}");
}

#[actix_rt::test]
async fn cheaper_models_take_over_when_a_budget_runs_short() {
    let tenant = shop(PIPELINE, "per_call = \"0.10\"\ndowngrade_percent = 60");
    let Priced { world, prices: _prices } = priced(pipeline(), &tenant).await;
    let (_, stored) =
        placed(&world, &script(&["wait greeting", HOURS, "wait reply", "hangup"])).await;
    let asked: Vec<String> = world.providers.chats().into_iter().map(|chat| chat.model).collect();
    assert_eq!(asked, ["cheap-language-model"]);
    assert_eq!(quantity(&stored, "cheap-language-model", "text_out"), 50, "{stored:#}");
    assert_eq!(quantity(&stored, "language-model", "text_out"), 0);
}

#[actix_rt::test]
async fn what_has_no_price_is_said_and_a_live_call_shows_what_it_costs() {
    let tenant = PIPELINE.replace("language-model", "unheard-of-model");
    let Priced { world, prices: _prices } = priced(pipeline(), &tenant).await;
    let call = world.ongoing(&script(&["wait greeting", HOURS, "wait reply", "wait 30s"])).await;
    wait_for("the live call to cost something", async || {
        let live = world.get("/api/v1/calls/live").await;
        (live["calls"][0]["cost_nanos"].as_u64()? > 70_000_000).then_some(())
    })
    .await;
    wait_for("the model without a price to be told of", async || {
        let metrics = world.metrics().await;
        (metrics.sum("trunkline_cost_unpriced_total") >= 1.0).then_some(())
    })
    .await;
    let sid = call.sid.clone();
    let path = format!("/api/v1/calls/{sid}/hangup");
    assert_eq!(world.server.send("POST", &path, &Value::Null).await.0, 202);
    let stored = world.stored(&sid).await;
    assert_eq!(stored["cost"]["unpriced"], true, "{stored:#}");
    let said = world.server.log().matches("there is no price for this").count();
    assert!(said >= 1, "once for each kind of token");
    drop(call.report().await);
}
