//! What the model is offered, and what comes of its calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use trunkline_core::ids::TenantId;
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::{Credentials, Limits, Mode, ModelSettings, Persona, Tenant, Turns};
use trunkline_core::tools::{
    DigitPlan, MAX_ARGUMENTS_BYTES, Prepared, ToolContext, ToolError, Toolbox, UnknownTool,
};
use trunkline_core::turn::barge_in::BargeInSettings;
use trunkline_core::turn::endpoint::Endpointing;
use trunkline_core::turn::silence::SilenceSettings;

fn tenant() -> Tenant {
    let facts = [
        ("opening hours", "Monday to Friday, 8 to 5."),
        ("address", "12 Elm Street."),
        ("service prices", "A visit is 90 dollars."),
        ("service area", "The whole county."),
    ];
    Tenant {
        id: TenantId::parse("demo").unwrap(),
        company: "Acme".to_owned(),
        numbers: Vec::new(),
        mode: Mode::Realtime,
        persona: Persona {
            name: "alex".to_owned(),
            speaks_as: "Alex".to_owned(),
            instructions: String::new(),
            greeting: String::new(),
            farewell: String::new(),
            wrap_up: String::new(),
            fillers: Vec::new(),
            nudge: String::new(),
            bridging: String::new(),
            tangents: Vec::new(),
            voice: "marin".to_owned(),
        },
        human_number: Some(PhoneNumber::new("+14155550100")),
        caller_id: None,
        consent: None,
        record: false,
        stream_enabled: true,
        budget: Default::default(),
        recording: trunkline_core::tenant::Recording::default(),
        flight_recorder: None,
        privacy: Default::default(),
        limits: Limits::default(),
        turns: Turns::Ours,
        barge_in: BargeInSettings::default(),
        endpointing: Endpointing::default(),
        silence: SilenceSettings::default(),
        voicemail: None,
        model: ModelSettings::default(),
        tools: ["end_call", "transfer_to_human", "look_up", "end_call", "collect_digits"]
            .map(str::to_owned)
            .to_vec(),
        pipeline: Default::default(),
        facts: facts.map(|(topic, fact)| (topic.to_owned(), fact.to_owned())).into(),
        credentials: Credentials::default(),
    }
}

fn call(tenant: Tenant, name: &str, arguments: &str) -> Result<Prepared, ToolError> {
    let toolbox = Toolbox::for_tenant(&tenant).unwrap();
    toolbox.prepare(name, arguments, &ToolContext { tenant: Arc::new(tenant) })
}

fn answer(name: &str, arguments: &str) -> Value {
    match call(tenant(), name, arguments) {
        Ok(Prepared::Answer(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_tenant_offers_what_its_file_allows_and_what_suits_it() {
    let toolbox = Toolbox::for_tenant(&tenant()).unwrap();
    assert_eq!(toolbox.names(), ["end_call", "transfer_to_human", "look_up", "collect_digits"]);
    assert!(toolbox.get("look_up").is_some());

    let no_human = Tenant { human_number: None, ..tenant() };
    assert_eq!(
        Toolbox::for_tenant(&no_human).unwrap().names(),
        ["end_call", "look_up", "collect_digits"]
    );
    let no_facts = Tenant { facts: BTreeMap::new(), ..tenant() };
    assert!(Toolbox::for_tenant(&no_facts).unwrap().get("look_up").is_none());
    let none = Tenant { tools: Vec::new(), ..tenant() };
    assert!(Toolbox::for_tenant(&none).unwrap().specs().is_empty());
}

#[test]
fn a_file_that_allows_an_unknown_tool_is_told_what_there_is() {
    let wrong = Tenant { tools: vec!["endcall".to_owned()], ..tenant() };
    let error = Toolbox::for_tenant(&wrong).unwrap_err();
    assert_eq!(
        error,
        UnknownTool {
            name: "endcall".to_owned(),
            known: vec!["collect_digits", "end_call", "look_up", "transfer_to_human"]
        }
    );
    assert_eq!(
        error.to_string(),
        "there is no tool \"endcall\"; there are: collect_digits, end_call, look_up, \
         transfer_to_human"
    );
}

#[test]
fn the_schemas_are_closed_objects_described_for_the_model() {
    let specs = Toolbox::for_tenant(&tenant()).unwrap().specs();
    for spec in &specs {
        assert_eq!(spec.parameters["type"], "object", "{}", spec.name);
        assert_eq!(spec.parameters["additionalProperties"], false, "{}", spec.name);
        assert!(spec.description.len() > 40);
    }
    assert_eq!(
        specs[1].parameters,
        json!({
            "type": "object",
            "properties": {"reason": {
                "type": "string",
                "minLength": 1,
                "description": "Why the caller needs a person, in one sentence that the person can be told."
            }},
            "required": ["reason"],
            "additionalProperties": false
        })
    );
    assert_eq!(specs[0].parameters.get("required"), None);
}

#[test]
fn end_call_and_transfer_say_what_is_to_be_done() {
    for arguments in ["{}", "", "{\"reason\":null}", "{\"reason\":\" \"}"] {
        let Ok(Prepared::EndCall { reason, answer }) = call(tenant(), "end_call", arguments) else {
            panic!("{arguments}")
        };
        assert_eq!(reason.expose(), "the conversation is over");
        assert_eq!(answer["status"], "ending");
    }
    let Ok(Prepared::Transfer { reason, answer }) =
        call(tenant(), "transfer_to_human", r#"{"reason":"Ada has a flood"}"#)
    else {
        panic!()
    };
    assert_eq!(reason.expose(), "Ada has a flood");
    assert_eq!(answer["status"], "transferring");
}

#[test]
fn keys_are_taken_as_the_model_says_or_as_menus_do() {
    let plan = |arguments| match call(tenant(), "collect_digits", arguments) {
        Ok(Prepared::CollectDigits(plan)) => plan,
        other => panic!("{other:?}"),
    };
    let usual = DigitPlan { max_digits: 32, terminator: Some('#'), timeout_ms: 5_000 };
    assert_eq!(plan("{}"), usual);
    let asked = r#"{"max_digits":10,"terminator":"none","timeout_seconds":8}"#;
    assert_eq!(plan(asked), DigitPlan { max_digits: 10, terminator: None, timeout_ms: 8_000 });
}

#[test]
fn look_up_finds_a_fact_by_its_words() {
    for (asked, topic) in [
        ("opening hours", "opening hours"),
        ("What are your HOURS?", "opening hours"),
        ("openning times", "opening hours"),
        ("adress", "address"),
        ("price of a service", "service prices"),
        ("what area do you service", "service area"),
        ("services", "service area"),
    ] {
        let arguments = json!({"topic": asked}).to_string();
        assert_eq!(answer("look_up", &arguments)["topic"], topic, "{asked}");
    }
    assert_eq!(answer("look_up", r#"{"topic":"address"}"#)["answer"], "12 Elm Street.");
}

#[test]
fn look_up_of_something_unknown_answers_with_the_topics() {
    let answer = answer("look_up", r#"{"topic":"the weather"}"#);
    assert_eq!(
        answer["topics"],
        json!(["address", "opening hours", "service area", "service prices"])
    );
    assert!(answer["error"].is_string());
}

#[test]
fn wrong_calls_tell_the_model_how_to_correct_them() {
    for (name, arguments, error) in [
        ("look_up", "{", "EOF"),
        ("look_up", "{}", "missing field `topic`"),
        ("look_up", r#"{"topic":7}"#, "expected a string"),
        ("look_up", r#"{"topic":" "}"#, "`topic` is empty"),
        ("end_call", r#"{"why":"x"}"#, "unknown field `why`, expected `reason`"),
        ("end_call", "[\"x\"]", "not a JSON object"),
        ("hang_up", "{}", "there is no tool `hang_up`"),
        ("collect_digits", r#"{"max_digits":0}"#, "`max_digits` is 0, not 1 to 32"),
        ("collect_digits", r#"{"timeout_seconds":31}"#, "is 31, not 1 to 30"),
        ("collect_digits", r#"{"terminator":"5"}"#, "unknown variant `5`"),
    ] {
        let output = call(tenant(), name, arguments).unwrap_err().output();
        let said = output["error"].as_str().unwrap();
        assert!(said.contains(error), "{said}");
        assert!(!output["hint"].as_str().unwrap().is_empty());
    }
}

#[test]
fn long_arguments_and_names_are_cut_off() {
    let fitting = format!(r#"{{"reason":"{}"}}"#, "x".repeat(MAX_ARGUMENTS_BYTES - 13));
    assert_eq!(fitting.len(), MAX_ARGUMENTS_BYTES);
    assert!(call(tenant(), "end_call", &fitting).is_ok());
    let error = call(tenant(), "end_call", &format!("{fitting} ")).unwrap_err();
    assert_eq!(error, ToolError::TooLong { bytes: MAX_ARGUMENTS_BYTES + 1 });

    let Err(ToolError::Unknown { name, .. }) = call(tenant(), &"é".repeat(100), "{}") else {
        panic!()
    };
    assert_eq!(name.chars().count(), 64);
}

#[test]
fn what_the_caller_said_is_not_printed() {
    let error = call(tenant(), "end_call", r#"{"reason":["Ada Lovelace"], "Ada":1}"#).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("Ada"));
    let prepared = call(tenant(), "end_call", r#"{"reason":"Ada is done"}"#).unwrap();
    assert!(!format!("{prepared:?}").contains("Ada"));
}

proptest! {
    #[test]
    fn any_arguments_are_carried_out_or_answered(
        name in "end_call|look_up|transfer_to_human|collect_digits|.{0,20}",
        arguments in prop_oneof![
            ".{0,60}",
            any::<String>().prop_map(|text| json!({"reason": text}).to_string()),
            any::<String>().prop_map(|text| json!({"topic": text}).to_string()),
        ],
    ) {
        if let Err(error) = call(tenant(), &name, &arguments) {
            prop_assert!(error.output()["hint"].is_string());
        }
    }
}
