//! Who hears and speaks for a tenant: where they are, and with which keys.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use trunkline_actors::node::{FindModels, ModelTarget, SessionTarget};
use trunkline_actors::pipeline::{
    AgentTarget, PipelineTarget, RecogniserTarget, VoiceService as TargetService, VoiceTarget,
};
use trunkline_connectors::reach::Reach;
use trunkline_core::tenant::{
    AgentChoice, Mode, ModelFallback, RecogniserChoice, RecogniserService, Tenant, VoiceChoice,
    VoiceService,
};
use trunkline_core::wire::deepgram::Listen;
use trunkline_core::wire::realtime::{headers, request_target};
use trunkline_core::wire::recogniser::Hearing;
use trunkline_core::wire::transcription::Transcribe;
use trunkline_core::wire::{azure_speech, elevenlabs};

use crate::config::{Environment, Settings, TenantSecrets};

/// Where the voices of ElevenLabs are.
const ELEVENLABS_URL: &str = "https://api.elevenlabs.io";

/// How those who hear and speak for a tenant are found: what its mode names, then
/// what it falls back on. Who has no key is left out.
pub(super) fn find(settings: &Settings, environment: &Environment) -> FindModels {
    let (settings, environment) = (settings.clone(), environment.clone());
    Box::new(move |tenant| {
        let pipeline = || pipeline(tenant, &settings, &environment).map(SessionTarget::Pipeline);
        match tenant.mode {
            Mode::Pipeline => pipeline().into_iter().collect(),
            Mode::Realtime | Mode::Bridge => {
                let models = realtime(tenant, &settings, &environment);
                let mut all: Vec<_> = models.into_iter().map(SessionTarget::Realtime).collect();
                all.extend(tenant.pipeline.takes_over.then(pipeline).flatten());
                all
            }
        }
    })
}

fn realtime(tenant: &Tenant, settings: &Settings, environment: &Environment) -> Vec<ModelTarget> {
    let own_key = TenantSecrets::of(tenant, settings, environment).openai_api_key;
    let own = &tenant.model;
    let first = ModelFallback {
        name: own.name.clone(),
        provider: own.provider.clone(),
        budget_model: own.budget_model.clone(),
        ..ModelFallback::default()
    };
    let all = std::iter::once(&first).chain(&tenant.model.fallbacks);
    all.filter_map(|model| {
        let named = model.api_key_env.as_deref();
        let key = named.map_or_else(|| own_key.clone(), |name| environment.secret(name))?;
        model_target(settings, model, &key)
    })
    .collect()
}
fn model_target(
    settings: &Settings,
    wanted: &ModelFallback,
    key: &SecretString,
) -> Option<ModelTarget> {
    let ours = &settings.realtime;
    let model = wanted.name.clone().unwrap_or_else(|| ours.model.clone());
    let dialect = wanted.dialect.unwrap_or(ours.dialect);
    let (url, reach) = match wanted.url.as_deref() {
        Some(url) => (url, public(settings)),
        None => (ours.url.expose_secret(), Reach::Anywhere),
    };
    let cheaper = wanted.budget_model.as_ref();
    let budget = cheaper.and_then(|name| Some((name.clone(), request_target(url, name).ok()?)));
    let url = request_target(url, &model).ok()?;
    let headers = headers(dialect, key.expose_secret());
    let provider = wanted.provider.clone().unwrap_or_else(|| "openai".to_owned());
    Some(ModelTarget { url, headers, dialect, model, provider, budget, reach })
}

/// How far an address reaches that a tenant's file names.
fn public(settings: &Settings) -> Reach {
    Reach::Public(settings.server.dial_private_networks.clone())
}

/// A tenant's pipeline; none where one kind of service has no key.
fn pipeline(
    tenant: &Tenant,
    settings: &Settings,
    environment: &Environment,
) -> Option<Arc<PipelineTarget>> {
    let reach = || public(settings);
    let key = |name: &str| Some(environment.secret(name)?.expose_secret().to_owned());
    let choice = &tenant.pipeline;
    let recognisers: Vec<_> = choice
        .recognisers
        .iter()
        .filter_map(|one| Some(recogniser(tenant, one, key(recogniser_key(one))?, reach())))
        .collect();
    let agents: Vec<_> = choice
        .agents
        .iter()
        .filter_map(|one| Some(agent(one, key(&one.api_key_env)?, reach())))
        .collect();
    let voices: Vec<_> = choice
        .voices
        .iter()
        .filter_map(|one| Some(voice(one, key(voice_key(one))?, reach())))
        .collect();
    if recognisers.is_empty() || agents.is_empty() || voices.is_empty() {
        return None;
    }
    let history_tokens = choice.history_tokens.try_into().unwrap_or(usize::MAX);
    let speculate = choice.speculate;
    Some(Arc::new(PipelineTarget { recognisers, agents, voices, history_tokens, speculate }))
}

/// The first key without which a tenant's pipeline does not work.
pub(crate) fn missing_key<'a>(tenant: &'a Tenant, environment: &Environment) -> Option<&'a str> {
    fn none_of<'a>(names: Vec<&'a str>, environment: &Environment) -> Option<&'a str> {
        let is_set = |name: &&str| environment.secret(name).is_some();
        if names.iter().any(is_set) { None } else { names.first().copied() }
    }
    let choice = &tenant.pipeline;
    let recognisers = choice.recognisers.iter().map(recogniser_key).collect();
    let agents = choice.agents.iter().map(|agent| agent.api_key_env.as_str()).collect();
    let voices = choice.voices.iter().map(voice_key).collect();
    [recognisers, agents, voices].into_iter().find_map(|names| none_of(names, environment))
}

/// The variable that holds a recogniser's key.
pub(crate) fn recogniser_key(choice: &RecogniserChoice) -> &str {
    choice.api_key_env.as_deref().unwrap_or(choice.service.key_name())
}

/// The variable that holds a voice's key.
pub(crate) fn voice_key(choice: &VoiceChoice) -> &str {
    choice.api_key_env.as_deref().unwrap_or(choice.service.key_name())
}

fn recogniser(
    tenant: &Tenant,
    choice: &RecogniserChoice,
    key: String,
    reach: Reach,
) -> RecogniserTarget {
    let silence_ms = tenant.model.silence_duration_ms;
    let (model, language) = (choice.model.clone(), choice.language.clone());
    let hearing = match choice.service {
        RecogniserService::Deepgram => {
            let plain = Listen::default();
            Hearing::Deepgram(Listen {
                model: model.unwrap_or_else(|| plain.model.clone()),
                language,
                endpointing_ms: silence_ms,
                ..plain
            })
        }
        RecogniserService::Openai => {
            let plain = Transcribe::default();
            Hearing::Transcription(Transcribe {
                model: model.unwrap_or_else(|| plain.model.clone()),
                language,
                silence_ms,
                ..plain
            })
        }
    };
    let url = choice.url.clone().unwrap_or_else(|| choice.service.public_url().to_owned());
    RecogniserTarget { url, key, reach, hearing }
}

fn agent(choice: &AgentChoice, key: String, reach: Reach) -> AgentTarget {
    let (url, model) = (choice.url.clone(), choice.model.clone());
    let (provider, budget_model) = (choice.provider.clone(), choice.budget_model.clone());
    let temperature = choice.temperature;
    AgentTarget { url, key, reach, model, provider, budget_model, temperature }
}

fn voice(choice: &VoiceChoice, key: String, reach: Reach) -> VoiceTarget {
    let (service, public) = match choice.service {
        VoiceService::Azure => (TargetService::Azure, azure_speech::region_url(&choice.region)),
        VoiceService::Elevenlabs => {
            let model = choice.model.clone();
            let model = model.unwrap_or_else(|| elevenlabs::DEFAULT_MODEL.to_owned());
            (TargetService::ElevenLabs { model }, ELEVENLABS_URL.to_owned())
        }
    };
    let url = choice.url.clone().unwrap_or(public);
    VoiceTarget { url, key, reach, voice: choice.voice.clone(), service }
}
