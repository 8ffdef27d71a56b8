//! The section `[pipeline]` of a tenant's file: who hears, thinks and speaks in
//! place of a speech model.

use trunkline_core::tenant::{
    AgentChoice, PipelineChoice, RecogniserChoice, RecogniserService, VoiceChoice, VoiceService,
};
use trunkline_core::wire::chat::request_target;

use super::section::Section;
use super::tenant_file::variable;

const RECOGNISERS: [(&str, RecogniserService); 2] =
    [("deepgram", RecogniserService::Deepgram), ("openai", RecogniserService::Openai)];
const VOICES: [(&str, VoiceService); 2] =
    [("azure", VoiceService::Azure), ("elevenlabs", VoiceService::Elevenlabs)];

pub(super) fn pipeline(section: &mut Section<'_>) -> PipelineChoice {
    let default = PipelineChoice::default();
    PipelineChoice {
        recognisers: section.section("recogniser", |s| all(s, recogniser)),
        agents: section.section("agent", |s| all(s, agent)),
        voices: section.section("voice", |s| all(s, voice)),
        history_tokens: section
            .whole("history_tokens", 500..=1_000_000)
            .unwrap_or(default.history_tokens),
        takes_over: section.flag("takes_over").unwrap_or(default.takes_over),
        speculate: section.flag("speculate").unwrap_or(default.speculate),
    }
}

/// What stands in the section, then its `[[fallback]]`s.
fn all<T>(section: &mut Section<'_>, one: fn(&mut Section<'_>) -> T) -> Vec<T> {
    let mut all = vec![one(section)];
    all.extend(section.tables("fallback", one));
    all
}

fn recogniser(section: &mut Section<'_>) -> RecogniserChoice {
    RecogniserChoice {
        service: section.choice("service", &RECOGNISERS).unwrap_or_default(),
        model: section.text("model"),
        language: section.text("language"),
        url: url(section),
        api_key_env: variable(section, "api_key_env"),
    }
}

fn agent(section: &mut Section<'_>) -> AgentChoice {
    let default = AgentChoice::default();
    AgentChoice {
        model: section.text("model").unwrap_or(default.model),
        provider: section.text("provider").unwrap_or(default.provider),
        budget_model: section.text("budget_model"),
        url: url(section).unwrap_or(default.url),
        api_key_env: variable(section, "api_key_env").unwrap_or(default.api_key_env),
        temperature: section.decimal("temperature", 0.0..=2.0),
    }
}

fn voice(section: &mut Section<'_>) -> VoiceChoice {
    let default = VoiceChoice::default();
    let service = section.choice("service", &VOICES).unwrap_or_default();
    let named = match service {
        VoiceService::Azure => section.text("voice"),
        VoiceService::Elevenlabs => section.needed_text("voice", "the id of a voice"),
    };
    VoiceChoice {
        service,
        voice: named.unwrap_or(default.voice),
        model: section.text("model"),
        region: section.text("region").unwrap_or(default.region),
        url: url(section),
        api_key_env: variable(section, "api_key_env"),
    }
}

/// The address of a service. It may be shown, so it holds no key.
fn url(section: &mut Section<'_>) -> Option<String> {
    let url = section.text("url")?;
    match request_target(&url) {
        Ok(_) => Some(url),
        Err(error) => {
            section.error("url", error.to_string(), "write it like https://api.example.com/v1");
            None
        }
    }
}
