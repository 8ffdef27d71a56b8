//! What the model is told to be: the tenant's persona, voice and tools.

use std::path::Path;

use trunkline_simulator::carrier::place_call;
use trunkline_simulator::providers::SessionRecord;

use crate::support::{World, fact, lines_of, wait_for};

const SALON: &str = "+15550170010";

fn write_personas(folder: &Path) {
    let plain = "+++\nname = \"Robin\"\nvoice = \"alloy\"\ngreeting = \"This is {{ company }}.\"\n+++\nYou are {{ persona }} at {{ company }}.";
    let fancy = "+++\nname = \"Mimi\"\nvoice = \"coral\"\ngreeting = \"Hi, {{ persona }} here, at {{ company }}!\"\ntangents = [\"your parakeet\", \"your knee\"]\n+++\nYou are {{ persona }} at {{ company }}. Caller …{{ caller_last4 }}. It is {{ weekday }}, {{ date }}, {{ time }}.\nTalk of {{ tangent() }}, then of {{ tangent() }}.";
    std::fs::write(folder.join("shop.md"), plain).unwrap();
    std::fs::write(folder.join("fancy.md"), fancy).unwrap();
}

async fn world_of_two() -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    write_personas(folder.path());
    let salon = format!(
        "company = \"Gomomo\"\nnumbers = [\"{SALON}\"]\npersona = \"fancy\"\nvoice = \"verse\"\nhuman_number = \"none\"\ntools = [\"end_call\", \"transfer_to_human\"]\n[model]\nname = \"gpt-of-the-salon\"\nsilence_duration_ms = 700\nvad_threshold = 0.6\ntranscription = \"none\"\n"
    );
    let plan = World::plan().env("PERSONAS_DIR", folder.path().display()).tenant("salon", &salon);
    (plan.start().await, folder)
}

async fn session_of(world: &World, number: &str) -> SessionRecord {
    let before = world.sessions().len();
    let mut plan = world.call("wait greeting\nhangup");
    plan.to = number.to_owned();
    let report = place_call(&plan, None).await;
    assert_eq!(report.failure(), None, "{report:?}");
    world.stored(&report.call_sid).await;
    world.sessions().remove(before)
}

fn tools(session: &SessionRecord) -> Vec<&str> {
    let tools = session.config["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[actix_rt::test]
async fn two_tenants_have_their_own_voice_model_words_and_tools() {
    let (world, _folder) = world_of_two().await;
    let shop = session_of(&world, crate::support::SHOP).await;
    let salon = session_of(&world, SALON).await;

    assert_eq!(shop.config["instructions"], "You are Robin at The Test Shop.");
    assert_eq!(shop.config["audio"]["output"]["voice"], "alloy");
    assert_eq!(tools(&shop), ["end_call", "look_up", "transfer_to_human"]);
    assert_eq!(shop.config["audio"]["input"]["turn_detection"]["silence_duration_ms"], 500);
    assert!(!shop.config["audio"]["input"]["transcription"].is_null());

    assert_eq!(salon.model, "gpt-of-the-salon");
    assert_eq!(salon.config["audio"]["output"]["voice"], "verse");
    // There is no human to transfer to.
    assert_eq!(tools(&salon), ["end_call"]);
    let input = &salon.config["audio"]["input"];
    assert_eq!(input["turn_detection"]["silence_duration_ms"], 700);
    let threshold = input["turn_detection"]["threshold"].as_f64().unwrap();
    assert!((threshold - 0.6).abs() < 1e-6, "{threshold}");
    assert!(input["transcription"].is_null());
    assert_eq!(salon.responses[0].text, "Hi, Mimi here, at Gomomo!");
    assert_eq!(shop.responses[0].text, "This is The Test Shop.");
}

#[actix_rt::test]
async fn instructions_are_filled_in_for_the_call() {
    let (world, _folder) = world_of_two().await;
    let session = session_of(&world, SALON).await;
    let told = session.config["instructions"].as_str().unwrap();
    assert!(told.starts_with("You are Mimi at Gomomo. Caller …9123. It is "), "{told}");
    let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    assert!(days.iter().any(|day| told.contains(&format!("It is {day}, "))), "{told}");
    assert!(told.contains("your parakeet") && told.contains("your knee"), "{told}");
    assert!(!told.contains("{{"), "{told}");
}

#[actix_rt::test]
async fn a_changed_persona_holds_for_the_next_call() {
    let (world, folder) = world_of_two().await;
    session_of(&world, SALON).await;
    let changed =
        "+++\nname = \"Lulu\"\ngreeting = \"Lulu speaking.\"\n+++\nYou are {{ persona }}.";
    std::fs::write(folder.path().join("fancy.md"), changed).unwrap();
    world.server.signal("HUP");
    wait_for("the tenants to be reread", async || {
        world.server.log().contains("tenants were reread").then_some(())
    })
    .await;
    let session = session_of(&world, SALON).await;
    assert_eq!(session.config["instructions"], "You are Lulu.");
    assert_eq!(session.responses[0].text, "Lulu speaking.");
}

#[actix_rt::test]
async fn a_tool_answers_from_the_tenants_facts() {
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
    assert_eq!(fact(&stored, "tool_called")["tool"], "look_up");
    assert_eq!(fact(&stored, "tool_finished")["ok"], true);
    let said = lines_of(&stored, "agent");
    assert!(said.iter().any(|line| line["generated"] == "Nine to five."), "{said:?}");
    let session = world.sessions().remove(0);
    let output = session.events.iter().find(|e| e.fields["item"]["type"] == "function_call_output");
    assert!(output.expect("the model was told").fields.to_string().contains("Nine to five."));
}
