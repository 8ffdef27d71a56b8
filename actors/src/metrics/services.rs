//! What is asked of services: a pipeline's stages, and what all of it costs.

use metrics::{counter, describe_counter, describe_histogram, histogram};
use trunkline_core::cost::{Nanos, Service, Spent, Step, Waste};
use trunkline_core::ids::TenantId;
use trunkline_core::pipeline::{Measure, Speculation};
use trunkline_core::time::Micros;

use super::{seconds, tenant_label};

const PIPELINE_TIME: &str = "trunkline_pipeline_seconds";
const PIPELINE_FAILOVERS: &str = "trunkline_pipeline_failovers_total";
const SPECULATIONS: &str = "trunkline_speculations_total";
const SPECULATION_WASTE: &str = "trunkline_speculation_waste_total";
const COST: &str = "trunkline_cost_nanodollars_total";
const COST_UNPRICED: &str = "trunkline_cost_unpriced_total";
const BUDGET_REACHED: &str = "trunkline_budget_reached_total";

/// Tells the recorder what each name means.
pub(super) fn describe() {
    describe_histogram!(PIPELINE_TIME, "Seconds of a pipeline, by stage.");
    describe_counter!(
        PIPELINE_FAILOVERS,
        "Times another of a pipeline's services was asked instead, by kind."
    );
    describe_counter!(SPECULATIONS, "Answers begun before they were wanted, by result.");
    describe_counter!(
        SPECULATION_WASTE,
        "What was spent on answers that were thrown away, by unit."
    );
    describe_counter!(
        COST,
        "Billionths of a dollar that calls cost, by tenant, provider and kind."
    );
    describe_counter!(COST_UNPRICED, "Calls that used something without a price, by what it was.");
    describe_counter!(BUDGET_REACHED, "Shares of budgets that were reached, by what followed.");
}

/// A call's bill has a line of so much.
pub fn cost(tenant: &TenantId, provider: &str, kind: trunkline_core::cost::Kind, nanos: Nanos) {
    let provider = provider.to_owned();
    counter!(
        COST,
        "tenant" => tenant_label(tenant), "provider" => provider, "kind" => kind.as_str()
    )
    .increment(nanos.0);
}

/// A call used something that has no price.
pub fn cost_unpriced(service: &Service, kind: trunkline_core::cost::Kind) {
    let (provider, model) = (service.provider.clone(), service.model.clone());
    counter!(COST_UNPRICED, "provider" => provider, "model" => model, "kind" => kind.as_str())
        .increment(1);
}

/// A share of a budget was reached.
pub fn budget_reached(tenant: &TenantId, step: Step, of: Spent) {
    let (step, of) = (step.as_str(), of.as_str());
    counter!(BUDGET_REACHED, "tenant" => tenant_label(tenant), "step" => step, "of" => of)
        .increment(1);
}

/// A pipeline measured something.
pub fn of_pipeline(measure: Measure) {
    let stage = |stage: &'static str, took: Micros| {
        histogram!(PIPELINE_TIME, "stage" => stage).record(seconds(took));
    };
    match measure {
        Measure::FirstToken(took) => stage("first_token", took),
        Measure::FirstSentence(took) => stage("first_sentence", took),
        Measure::FirstSound(took) => stage("first_sound", took),
        Measure::Failover(service) => {
            counter!(PIPELINE_FAILOVERS, "service" => service).increment(1);
        }
    }
}

/// Something came of an answer that was begun before it was wanted; where it was thrown
/// away, this was spent on it.
pub fn of_speculation(speculation: Speculation, waste: Waste) {
    let count = |result: &'static str| counter!(SPECULATIONS, "result" => result).increment(1);
    match speculation {
        Speculation::Started => count("started"),
        Speculation::Used => count("used"),
        Speculation::ThrownAway(why) => {
            count(why.as_str());
            let wasted = |unit: &'static str, by: u64| {
                counter!(SPECULATION_WASTE, "unit" => unit).increment(by);
            };
            wasted("tokens_in", waste.tokens_in);
            wasted("tokens_out", waste.tokens_out);
            wasted("characters", waste.characters);
        }
    }
}
