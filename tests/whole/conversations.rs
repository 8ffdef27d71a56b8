//! Scripted conversations over real sockets: the files in `tests/conversations` that
//! say so, which the core's tests play in virtual time, with the simulated carrier and
//! the simulated model. What becomes of each line is in the README beside them.

#[path = "../../core/tests/conversations/count.rs"]
mod count;
#[path = "../../core/tests/conversations/token.rs"]
mod token;

mod facts;
mod recordings;
mod setting;
mod staging;
mod story;

use std::path::Path;

use trunkline_simulator::carrier::{Script, place_call};

use self::facts::Seen;
use self::staging::{Staged, staged};
use crate::support::{World, wait_for};

const FOLDER: &str = "tests/conversations";

/// The marked scripts, each with a test of its own below.
const PLAYED: [&str; 9] = [
    "agent-transfers",
    "backchannel-on-the-line",
    "barge-in-early-ears",
    "cough-on-the-line",
    "digits-collected",
    "goodbye-not-cut-off",
    "happy-path",
    "silence-impatient",
    "zero-in-greeting",
];

async fn goes_as_written(name: &str) {
    let path = Path::new(FOLDER).join(name).with_extension("conv");
    let text = std::fs::read_to_string(&path).expect("a script");
    if let Err(wrong) = play(&text).await {
        panic!("{}:{wrong}", path.display());
    }
}

/// Plays a script; answers the first line that was not as written.
async fn play(text: &str) -> Result<(), String> {
    let staged = staged(text)?;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = start(&staged, folder.path()).await;
    let mut plan = world.call("");
    plan.to = setting::NUMBER.to_owned();
    plan.script = Script { steps: staged.steps.clone() };
    let report = place_call(&plan, None).await;
    if let Some(failure) = report.failure() {
        return Err(format!("0: {failure}\n{report:#?}"));
    }
    let stored = world.stored(&report.call_sid).await;
    let session = wait_for("the session's end", async || {
        world.sessions().into_iter().next().filter(|session| session.ended.is_some())
    })
    .await;
    let seen = Seen { report, session, stored };
    if seen.session.errors != Vec::<String>::new() {
        return Err(format!("0: the model complained: {:?}", seen.session.errors));
    }
    for check in &staged.checks {
        let (found, how) = (check.fact)(&seen);
        if found != check.holds {
            return Err(format!("{}: {}\n  found: {how}\n{seen:#?}", check.line, check.text));
        }
    }
    world.assert_idle().await;
    Ok(())
}

/// The server with the script's tenant, and a model that speaks its lines and
/// understands its recordings.
async fn start(staged: &Staged, folder: &Path) -> World {
    let ears = folder.join("ears");
    let personas = folder.join("personas");
    for made in [&ears, &personas] {
        std::fs::create_dir(made).expect("a folder");
    }
    for (index, recording) in staged.recordings.iter().enumerate() {
        recording.teach(&ears.join(format!("{index}.wav")));
    }
    for name in ["shop", "elm"] {
        let path = personas.join(name).with_extension("md");
        std::fs::write(path, setting::PERSONA).expect("a persona");
    }
    let plan = World::plan().env("PERSONAS_DIR", personas.display()).ears(&ears);
    plan.tenant("elm", &staged.tenant).dialogue(&staged.dialogue).start().await
}

#[actix_rt::test]
async fn agent_transfers() {
    goes_as_written("agent-transfers").await;
}

#[actix_rt::test]
async fn backchannel_on_the_line() {
    goes_as_written("backchannel-on-the-line").await;
}

#[actix_rt::test]
async fn barge_in_early_ears() {
    goes_as_written("barge-in-early-ears").await;
}

#[actix_rt::test]
async fn cough_on_the_line() {
    goes_as_written("cough-on-the-line").await;
}

#[actix_rt::test]
async fn digits_collected() {
    goes_as_written("digits-collected").await;
}

#[actix_rt::test]
async fn goodbye_not_cut_off() {
    goes_as_written("goodbye-not-cut-off").await;
}

#[actix_rt::test]
async fn happy_path() {
    goes_as_written("happy-path").await;
}

#[actix_rt::test]
async fn silence_impatient() {
    goes_as_written("silence-impatient").await;
}

#[actix_rt::test]
async fn zero_in_greeting() {
    goes_as_written("zero-in-greeting").await;
}

#[test]
fn each_script_that_says_so_is_played() {
    let entries = std::fs::read_dir(FOLDER).expect("the folder of the conversations");
    let mut marked = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let is_script = path.extension().is_some_and(|ending| ending == "conv");
        let text =
            if is_script { std::fs::read_to_string(&path).expect("a script") } else { continue };
        if staging::is_marked(&text) {
            marked.push(path.file_stem().expect("a name").to_string_lossy().into_owned());
        }
    }
    marked.sort();
    assert_eq!(marked, PLAYED);
}

#[test]
fn a_line_that_cannot_be_played_here_is_an_error() {
    for (line, says) in [
        ("given model ignores cancel", "2: `given model ignores cancel` is nothing"),
        ("given tool book takes 2s", "2: the server has no tool \"book\""),
        ("at 5s child barge-in dies", "2: `child barge-in dies` is nothing"),
        ("at 5s caller says \"gibberish\" for 1s", "2: no recording says \"gibberish\""),
        ("expect stale after_end once", "2: `stale after_end once` is nothing"),
        ("expect cleared often", "2: `often` is no count"),
        ("every 1s 2 times caller coughs", "2: `every 1s 2 times caller coughs` is nothing"),
    ] {
        let error = staged(&format!("also over sockets\n{line}\nexpect ended\n")).err();
        let error = error.expect("an error");
        assert!(error.starts_with(says), "{line}: {error}");
    }
}

#[actix_rt::test]
async fn a_call_that_goes_otherwise_is_told_with_its_line() {
    let text = "also over sockets\ngiven no human\nat 900ms caller hangs up\nwithin 50ms ended\n\
                expect outcome completed\n";
    let failure = play(text).await.expect_err("it was abandoned");
    assert!(failure.starts_with("5: expect outcome completed\n  found: abandoned"), "{failure}");
}
