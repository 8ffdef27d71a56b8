//! Opening the WebSocket: where to, and with which headers.

use super::Dialect;

/// Where the public service has its endpoint; added to a URL without a path.
const DEFAULT_PATH: &str = "/v1/realtime";

/// Why a URL cannot be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("the realtime URL must begin with wss://, ws://, https:// or http://")]
    Scheme,
    /// No host after the scheme.
    #[error("the realtime URL names no host")]
    NoHost,
    /// A name and password before the host: they would reach the logs.
    #[error("the realtime URL must not hold a user name or password")]
    UserInfo,
    /// A `#` part, which no server sees.
    #[error("the realtime URL must not have a # part")]
    Fragment,
    /// White space, a control character, or one beyond ASCII.
    #[error("the realtime URL has a character that must be percent-encoded")]
    BadCharacter,
}

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
    let (scheme, rest) = split_scheme(base_url.trim())?;
    if rest.contains('#') {
        return Err(UrlError::Fragment);
    }
    if !rest.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(UrlError::BadCharacter);
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match place.find('/').and_then(|at| place.split_at_checked(at)) {
        None | Some((_, "/")) => (place.trim_end_matches('/'), DEFAULT_PATH),
        Some((authority, path)) => (authority, path),
    };
    if authority.contains('@') {
        return Err(UrlError::UserInfo);
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(UrlError::NoHost);
    }
    let query = with_model(query.trim_end_matches('&'), model);
    let mark = if query.is_empty() { "" } else { "?" };
    Ok(format!("{scheme}://{authority}{path}{mark}{query}"))
}

fn split_scheme(url: &str) -> Result<(&'static str, &str), UrlError> {
    let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
    match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => Ok(("ws", rest)),
        "wss" | "https" => Ok(("wss", rest)),
        _ => Err(UrlError::Scheme),
    }
}

fn with_model(query: &str, model: &str) -> String {
    let names_one = form_urlencoded::parse(query.as_bytes())
        .any(|(key, _)| matches!(key.as_ref(), "model" | "deployment"));
    if names_one || model.is_empty() {
        return query.to_owned();
    }
    // A form's `+` is a space only to those who read forms; `%20` is one to all.
    let encoded: String = form_urlencoded::byte_serialize(model.as_bytes()).collect();
    let encoded = encoded.replace('+', "%20");
    let and = if query.is_empty() { "" } else { "&" };
    format!("{query}{and}model={encoded}")
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
