//! What `trunkline check` found out, as data.

use secrecy::ExposeSecret;
use serde::Serialize;
use trunkline_core::tenant::{Limits, Mode, OverCap, RecogniserService, Tenant};

use crate::config::{Environment, Problems, Settings, TenantSecrets, Tenants};
use crate::server::missing_key;

/// The whole of it. Holds no secret.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether the server would start.
    pub ok: bool,
    /// Everything that is wrong or doubtful.
    pub problems: Problems,
    /// What would happen; none when the server would not start.
    #[serde(flatten)]
    pub verdict: Option<Verdict>,
}

/// What a good configuration amounts to.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// One line for each number, and one for all others.
    pub calls: Vec<CallPlan>,
    /// Whether each secret is there and looks like one.
    pub credentials: Vec<Credential>,
    /// What goes where in the carrier's console.
    pub webhooks: Vec<Webhook>,
}

/// What a call to one number would do.
#[derive(Clone, Debug, Serialize)]
pub struct CallPlan {
    /// The number, E.164, or "any other".
    pub number: String,
    /// Who answers; "-" when nobody does.
    pub tenant: String,
    /// Who speaks.
    pub persona: String,
    /// `realtime`, `pipeline`, `bridge`, `menu`, `off`, `reject` (nobody's number) or
    /// `refused` (its webhooks cannot be trusted).
    pub mode: String,
    /// The model that listens, where one does.
    pub model: Option<String>,
    /// Where a caller is sent who needs a human.
    pub human_number: Option<String>,
    /// Whether there is a key for the model.
    pub model_key: bool,
    /// Caps and clocks; none when the call is rejected.
    pub limits: Option<Limits>,
    /// The same as a sentence.
    pub what_happens: String,
}

/// One secret's state.
#[derive(Clone, Debug, Serialize)]
pub struct Credential {
    /// Its name in the environment.
    pub name: String,
    /// "set", "not set", or what is odd about its form; never the secret.
    pub state: String,
}

/// One address for the carrier's console.
#[derive(Clone, Debug, Serialize)]
pub struct Webhook {
    /// The field's name there.
    pub field: &'static str,
    /// What to paste.
    pub url: String,
}

impl Report {
    pub(super) const fn bad(problems: Problems) -> Self {
        Self { ok: false, problems, verdict: None }
    }

    pub(super) fn good(
        settings: &Settings,
        tenants: &Tenants,
        warnings: Problems,
        env: &Environment,
    ) -> Self {
        let plan = |number: &str, tenant: &Tenant| plan(number, tenant, settings, env);
        let mut calls: Vec<CallPlan> =
            tenants.numbers().map(|(number, tenant)| plan(number.expose(), tenant)).collect();
        calls.push(
            tenants.default_tenant().map_or_else(rejected, |tenant| plan("any other", tenant)),
        );
        let verdict =
            Verdict { calls, credentials: credentials(settings), webhooks: webhooks(settings) };
        Self { ok: true, problems: warnings, verdict: Some(verdict) }
    }
}

fn rejected() -> CallPlan {
    CallPlan {
        number: "any other".to_owned(),
        tenant: "-".to_owned(),
        persona: "-".to_owned(),
        mode: "reject".to_owned(),
        model: None,
        human_number: None,
        model_key: false,
        limits: None,
        what_happens: "is rejected, as no default tenant is set".to_owned(),
    }
}

fn plan(number: &str, tenant: &Tenant, settings: &Settings, env: &Environment) -> CallPlan {
    let model = tenant.model.name.clone().unwrap_or_else(|| settings.realtime.model.clone());
    let secrets = TenantSecrets::of(tenant, settings, env);
    let model_key = secrets.openai_api_key.is_some();
    let refused = settings.twilio.validate_webhooks && secrets.auth_tokens.is_empty();
    let human = tenant.human_number.as_ref().map(|n| n.expose().to_owned());
    let to_human = human.as_ref().map_or_else(
        || "an apology, as there is no human number".to_owned(),
        |n| format!("the human at {n}"),
    );
    let takes_over = tenant.mode == Mode::Realtime && tenant.pipeline.takes_over;
    let in_need = match takes_over.then(|| missing_key(tenant, env)) {
        Some(None) => format!("{}, then {to_human}", services(tenant)),
        Some(Some(key)) => format!("{to_human}, as {key} is not set for the pipeline"),
        None => to_human.clone(),
    };
    let recorded = if tenant.recording.enabled { "; recorded by the carrier" } else { "" };
    let talks = format!(
        "{} speaks as {} through {}; {}{recorded}; in need: {in_need}",
        tenant.persona.speaks_as,
        tenant.voice(),
        if tenant.mode == Mode::Pipeline { services(tenant) } else { model.clone() },
        caps(&tenant.limits)
    );
    let (mode, what_happens) = match (tenant.mode, tenant.stream_enabled) {
        _ if refused => {
            ("refused", "is refused with 403: no auth token to check signatures with".to_owned())
        }
        _ if !settings.limits.channel_enabled => {
            ("off", "hears that the line is closed, as VOICE_CHANNEL_ENABLED is false".to_owned())
        }
        (Mode::Bridge, _) => ("bridge", format!("goes to {to_human}")),
        (Mode::Realtime | Mode::Pipeline, false) => {
            ("menu", format!("hears a menu, then {to_human}"))
        }
        (Mode::Pipeline, true) => match missing_key(tenant, env) {
            None => ("pipeline", talks),
            Some(key) => ("bridge", format!("goes to {to_human}: {key} is not set")),
        },
        (Mode::Realtime, true) if model_key => ("realtime", talks),
        (Mode::Realtime, true) => ("bridge", format!("goes to {to_human}: no key for the model")),
    };
    CallPlan {
        number: number.to_owned(),
        tenant: tenant.id.to_string(),
        persona: tenant.persona.name.clone(),
        mode: mode.to_owned(),
        model: match mode {
            "realtime" => Some(model),
            "pipeline" => tenant.pipeline.agents.first().map(|agent| agent.model.clone()),
            _ => None,
        },
        human_number: human,
        model_key,
        limits: Some(tenant.limits.clone()),
        what_happens,
    }
}

/// Who hears, thinks and speaks, as words.
fn services(tenant: &Tenant) -> String {
    let choice = &tenant.pipeline;
    let agent = choice.agents.first().map_or("-", |agent| agent.model.as_str());
    let hears = match choice.recognisers.first().map(|r| r.service).unwrap_or_default() {
        RecogniserService::Deepgram => "Deepgram",
        RecogniserService::Openai => "OpenAI",
    };
    format!("{hears} and {agent}")
}

fn caps(limits: &Limits) -> String {
    let at_once = match (limits.concurrent_calls, limits.over_cap) {
        (0, _) => "no cap on calls".to_owned(),
        (calls, OverCap::Busy) => format!("{calls} at once, then busy"),
        (calls, OverCap::Human) => format!("{calls} at once, then the human"),
    };
    let longest = match limits.max_call_duration_ms {
        0 => "any length".to_owned(),
        ms if ms % 60_000 == 0 => format!("{} min", ms / 60_000),
        ms => format!("{} s", ms / 1_000),
    };
    let turns = match limits.max_turns {
        0 => "any number of turns".to_owned(),
        turns => format!("{turns} turns"),
    };
    format!("{at_once}; at most {longest}, {turns}")
}

fn credentials(settings: &Settings) -> Vec<Credential> {
    let account = settings.twilio.account_sid.as_deref();
    let secret = |s: &Option<secrecy::SecretString>, odd: fn(&str) -> Option<&'static str>| {
        state(s.as_ref().map(ExposeSecret::expose_secret), odd)
    };
    let row = |name: &str, state: String| Credential { name: name.to_owned(), state };
    vec![
        row("TWILIO_ACCOUNT_SID", state(account, odd_account)),
        row("TWILIO_AUTH_TOKEN", secret(&settings.twilio.auth_token, odd_auth_token)),
        row(
            "TWILIO_AUTH_TOKEN_SECONDARY",
            secret(&settings.twilio.auth_token_secondary, odd_auth_token),
        ),
        row("OPENAI_API_KEY", secret(&settings.realtime.api_key, odd_api_key)),
        row("OPS_TOKEN", secret(&settings.ops.token, |_| None)),
    ]
}

fn state(value: Option<&str>, odd: fn(&str) -> Option<&'static str>) -> String {
    match value.map(odd) {
        None => "not set".to_owned(),
        Some(None) => "set".to_owned(),
        Some(Some(how)) => format!("set, but odd: {how}"),
    }
}

fn is_hex(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn odd_account(sid: &str) -> Option<&'static str> {
    (!sid.strip_prefix("AC").is_some_and(is_hex))
        .then_some("an account SID is AC and 32 hex digits")
}

fn odd_auth_token(token: &str) -> Option<&'static str> {
    (!is_hex(token)).then_some("an auth token is 32 hex digits")
}

fn odd_api_key(key: &str) -> Option<&'static str> {
    (!key.starts_with("sk-"))
        .then_some("a key of OpenAI begins with sk-; other servers have other keys")
}

fn webhooks(settings: &Settings) -> Vec<Webhook> {
    let origin = settings.public_url(settings.server.port);
    let row = |field, path| Webhook { field, url: origin.join(path) };
    vec![
        row("A call comes in", "/twilio/voice"),
        row("Primary handler fails", "/twilio/fallback"),
        row("Call status changes", "/twilio/status"),
    ]
}
