//! The secrets that a tenant's calls use: its own where its file names them,
//! else the server's.

use secrecy::SecretString;
use trunkline_core::tenant::{Credentials, Mode, Tenant};

use super::env::Environment;
use super::problem::{Problems, Source};
use super::settings::Settings;
use crate::server::missing_key;

/// The secrets of one tenant. `Debug` shows none of them.
#[derive(Clone, Debug, Default)]
pub struct TenantSecrets {
    /// Twilio account that owns the tenant's numbers.
    pub account_sid: Option<String>,
    /// Every auth token that a webhook's signature may be made with; more than
    /// one while a token is being rotated.
    pub auth_tokens: Vec<SecretString>,
    /// Key for the realtime model.
    pub openai_api_key: Option<SecretString>,
}

impl TenantSecrets {
    /// Finds them. A variable that a tenant names and nobody set is a missing
    /// secret, not the server's: another account's token would be the wrong one.
    #[must_use]
    pub fn of(tenant: &Tenant, settings: &Settings, env: &Environment) -> Self {
        let names = &tenant.credentials;
        let text = |name: &str| env.get(name).ok().flatten().map(str::to_owned);
        let server_tokens = || {
            let twilio = &settings.twilio;
            [&twilio.auth_token, &twilio.auth_token_secondary]
                .into_iter()
                .flatten()
                .cloned()
                .collect()
        };
        Self {
            account_sid: names
                .twilio_account_sid_env
                .as_deref()
                .map_or_else(|| settings.twilio.account_sid.clone(), text),
            auth_tokens: names
                .twilio_auth_token_env
                .as_deref()
                .map_or_else(server_tokens, |name| env.secret(name).into_iter().collect()),
            openai_api_key: names
                .openai_api_key_env
                .as_deref()
                .map_or_else(|| settings.realtime.api_key.clone(), |name| env.secret(name)),
        }
    }
}

/// Notes which variables a tenant names that nobody set.
pub(crate) fn check(
    tenant: &Tenant,
    file: &std::path::Path,
    env: &Environment,
    problems: &mut Problems,
) {
    if tenant.pipeline.takes_over
        && tenant.mode == Mode::Realtime
        && let Some(key) = missing_key(tenant, env)
    {
        problems.warning(
            Source::file(file),
            "pipeline.takes_over",
            format!(
                "is true, and {key} is not set, so a call that loses its model goes to the human"
            ),
            format!("set {key}, name another service in [pipeline], or remove the line"),
        );
    }
    let Credentials { twilio_account_sid_env, twilio_auth_token_env, openai_api_key_env } =
        &tenant.credentials;
    let names = [
        ("credentials.twilio_account_sid_env", twilio_account_sid_env),
        ("credentials.twilio_auth_token_env", twilio_auth_token_env),
        ("credentials.openai_api_key_env", openai_api_key_env),
    ];
    let fallbacks = tenant.model.fallbacks.iter();
    let fallbacks = fallbacks.map(|model| ("model.fallback.api_key_env", &model.api_key_env));
    for (key, name) in names.into_iter().chain(fallbacks) {
        let Some(name) = name.as_deref().filter(|name| env.get(name).ok().flatten().is_none())
        else {
            continue;
        };
        problems.warning(
            Source::file(file),
            key,
            format!("the environment has no {name}"),
            format!("set {name}, or remove the key to use the server's own"),
        );
    }
}
