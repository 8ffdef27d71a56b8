//! Opening the WebSocket: where to, and with which headers.

use super::Dialect;
use crate::wire::url::{Target, UrlError};

/// Where the public service has its endpoint; added to a URL without a path.
const DEFAULT_PATH: &str = "/v1/realtime";

/// The URL to dial, with scheme `ws` or `wss`, from the configured one and the
/// model's name.
///
/// `model=` is added to whatever query is there, unless the query names a
/// `model` or an Azure `deployment` already or `model` is empty. A URL without a
/// path gets the public service's, `/v1/realtime`.
///
/// # Errors
/// When the text is no URL that can be dialled; see [`UrlError`].
pub fn request_target(base_url: &str, model: &str) -> Result<String, UrlError> {
    let mut target = Target::read(base_url)?.or_path(DEFAULT_PATH);
    if !model.is_empty() && !target.names(&["model", "deployment"]) {
        target.add("model", model);
    }
    Ok(target.socket())
}

/// The headers of the handshake. The beta header belongs to the beta dialect
/// alone: the current service closes a socket that sends it. The result holds
/// the key, so it may not be logged.
#[must_use]
pub fn headers(dialect: Dialect, api_key: &str) -> Vec<(&'static str, String)> {
    let mut headers = vec![("Authorization", format!("Bearer {}", api_key.trim()))];
    match dialect {
        Dialect::Ga => {}
        Dialect::Beta => headers.push(("OpenAI-Beta", "realtime=v1".to_owned())),
    }
    headers
}
