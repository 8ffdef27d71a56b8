//! Scripted conversations over real sockets: the files in `tests/conversations` that
//! say so, which the core's tests play in virtual time, with the simulated carrier and
//! the simulated model or the simulated services of a pipeline. What becomes of each line
//! is in the README beside them.

#[path = "../../core/tests/conversations/count.rs"]
mod count;
#[path = "../../core/tests/conversations/token.rs"]
mod token;

mod facts;
pub mod recordings;
mod services;
mod setting;
mod staging;
mod story;

use std::path::Path;

use trunkline_core::tenant::Mode;
use trunkline_simulator::carrier::{Script, place_call};

use self::facts::Seen;
use self::services::Services;
use self::staging::{Staged, staged};
use crate::support::{PIPELINE, World, wait_for};

const FOLDER: &str = "tests/conversations";

async fn goes_as_written(name: &str, mode: Mode) {
    let path = Path::new(FOLDER).join(name).with_extension("conv");
    let text = std::fs::read_to_string(&path).expect("a script");
    if let Err(wrong) = play(&text, mode).await {
        panic!("{}:{wrong}", path.display());
    }
}

/// Plays a script; answers the first line that was not as written.
async fn play(text: &str, mode: Mode) -> Result<(), String> {
    let staged = staged(text)?;
    assert!(staged.only.is_none_or(|only| only == mode), "it is not for this mode");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let world = start(&staged, mode, folder.path()).await;
    let mut plan = world.call("");
    plan.to = setting::NUMBER.to_owned();
    plan.script = Script { steps: staged.steps.clone() };
    let report = place_call(&plan, None).await;
    if let Some(failure) = report.failure() {
        return Err(format!("0: {failure}\n{report:#?}"));
    }
    let stored = world.stored(&report.call_sid).await;
    let session = if mode == Mode::Pipeline {
        assert!(world.sessions().is_empty(), "a speech model was dialled");
        let (chats, spoken) = (world.providers.chats(), world.providers.spoken());
        services::session(&Services { chats, spoken }, &staged.replies, &stored)
    } else {
        wait_for("the session's end", async || {
            world.sessions().into_iter().next().filter(|session| session.ended.is_some())
        })
        .await
    };
    let seen = Seen { report, session, stored, mode };
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
async fn start(staged: &Staged, mode: Mode, folder: &Path) -> World {
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
    let pipeline = mode == Mode::Pipeline;
    let plan = if pipeline { plan.pipeline() } else { plan };
    let tenant = staged.setting.tenant(if pipeline { PIPELINE } else { "" });
    plan.tenant("elm", &tenant).dialogue(&staged.dialogue).start().await
}

macro_rules! scripts {
    ($($test:ident $name:literal)+) => {
        /// The marked scripts, each with a test of its own in each mode.
        const PLAYED: &[&str] = &[$($name),+];

        mod with_a_speech_model {
            $(#[actix_rt::test]
            async fn $test() {
                super::goes_as_written($name, trunkline_core::tenant::Mode::Realtime).await;
            })+
        }

        mod in_a_pipeline {
            $(#[actix_rt::test]
            async fn $test() {
                super::goes_as_written($name, trunkline_core::tenant::Mode::Pipeline).await;
            })+
        }
    };
}

scripts! {
    agent_transfers "agent-transfers"
    backchannel_on_the_line "backchannel-on-the-line"
    barge_in_early_ears "barge-in-early-ears"
    cough_on_the_line "cough-on-the-line"
    digits_collected "digits-collected"
    goodbye_not_cut_off "goodbye-not-cut-off"
    happy_path "happy-path"
    silence_impatient "silence-impatient"
    zero_in_greeting "zero-in-greeting"
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
    let failure = play(text, Mode::Realtime).await.expect_err("it was abandoned");
    assert!(failure.starts_with("5: expect outcome completed\n  found: abandoned"), "{failure}");
}
