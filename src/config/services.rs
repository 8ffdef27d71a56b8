//! Whether the services of a tenant's pipeline can be asked: those that have no key are
//! left out of its calls, and some models refuse what a pipeline asks of them.

use std::path::Path;

use trunkline_core::tenant::{Mode, PipelineChoice, RecogniserService, Tenant};
use trunkline_core::wire::transcription::{Transcribe, finds_turns};

use super::env::Environment;
use super::problem::{Problems, Source};
use crate::server::{recogniser_key, voice_key};

/// Notes which services of a tenant's pipeline would never be asked, or in vain.
pub(super) fn check(tenant: &Tenant, file: &Path, env: &Environment, problems: &mut Problems) {
    let choice = &tenant.pipeline;
    let in_use = match tenant.mode {
        Mode::Pipeline => true,
        Mode::Realtime => choice.takes_over,
        Mode::Bridge => false,
    };
    if in_use {
        check_keys(choice, file, env, problems);
        check_turns(choice, file, problems);
    }
}

fn check_keys(choice: &PipelineChoice, file: &Path, env: &Environment, problems: &mut Problems) {
    let recognisers: Vec<&str> = choice.recognisers.iter().map(recogniser_key).collect();
    let agents: Vec<&str> = choice.agents.iter().map(|one| one.api_key_env.as_str()).collect();
    let voices: Vec<&str> = choice.voices.iter().map(voice_key).collect();
    for (kind, keys) in [("recogniser", recognisers), ("agent", agents), ("voice", voices)] {
        let is_set = |key: &str| env.secret(key).is_some();
        // Where none has a key, calls go to the human, and that is said.
        if !keys.iter().any(|key| is_set(key)) {
            continue;
        }
        for (place, key) in keys.iter().enumerate().filter(|(_, key)| !is_set(key)) {
            let name = match place {
                0 => format!("pipeline.{kind}"),
                _ => format!("pipeline.{kind}.fallback"),
            };
            problems.warning(
                Source::file(file),
                name,
                format!("is never asked, as the environment has no {key}"),
                format!("set {key}, or remove it"),
            );
        }
    }
}

fn check_turns(choice: &PipelineChoice, file: &Path, problems: &mut Problems) {
    for one in &choice.recognisers {
        let ours = one.service == RecogniserService::Openai;
        let model = one.model.as_deref().filter(|model| ours && !finds_turns(model));
        if let Some(model) = model {
            problems.warning(
                Source::file(file),
                "pipeline.recogniser.model",
                format!("{model} leaves it to others to end a turn, and refuses the session"),
                format!("write model = \"{}\"", Transcribe::default().model),
            );
        }
    }
}
