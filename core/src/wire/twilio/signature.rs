//! `X-Twilio-Signature`: base64 of HMAC-SHA1, keyed with the account's auth
//! token, over the URL that Twilio was given and the sorted form parameters.
//!
//! The URL must be the public one, built from configuration: what a proxy or a
//! `Host` header says may be an attacker's. Twilio and its own libraries do not
//! agree on the port in it, nor on how an apostrophe in its query is written;
//! each form that they accept is accepted. Every token and every form is tried,
//! whether or not one has matched, and compared in constant time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Bytes of an HMAC-SHA1.
const MAC_BYTES: usize = 20;

/// Why a request is not taken to be the carrier's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature came with the request.
    #[error("the request has no X-Twilio-Signature")]
    Missing,
    /// There is no token to check with, or only blank ones.
    #[error("no auth token is configured")]
    NoToken,
    /// Signed with another token, for another URL or for other parameters.
    #[error("the X-Twilio-Signature does not match")]
    Mismatch,
    /// The URL's `bodySHA256` is missing, or not that of the body.
    #[error("the body is not the one that was signed")]
    Body,
    /// A stream's URL that is neither `wss` nor, for a carrier on the same
    /// machine, `ws`.
    #[error("a media stream's URL begins with wss://")]
    Scheme,
}

/// The signature of a request. `params` are the decoded form parameters in any
/// order; none for a GET, a JSON body or a WebSocket handshake.
#[must_use]
pub fn sign(token: &str, url: &str, params: &[(String, String)]) -> String {
    mac(token, url, &canonical(params)).map(|mac| STANDARD.encode(mac)).unwrap_or_default()
}

/// Checks a POST with form parameters. `url` is the public URL with its query,
/// `header` the value of `X-Twilio-Signature`, if any.
///
/// # Errors
/// When the request is not signed with one of the tokens.
pub fn verify_form(
    tokens: &[impl AsRef<str>],
    url: &str,
    params: &[(String, String)],
    header: Option<&str>,
) -> Result<(), SignatureError> {
    check(tokens, &url_forms(url), &canonical(params), header)
}

/// Checks a GET: all its parameters are in the URL.
///
/// # Errors
/// When the request is not signed with one of the tokens.
pub fn verify_get(
    tokens: &[impl AsRef<str>],
    url: &str,
    header: Option<&str>,
) -> Result<(), SignatureError> {
    verify_form(tokens, url, &[], header)
}

/// Checks a POST with a JSON body: the URL is signed, and its `bodySHA256` says
/// what the body's bytes are.
///
/// # Errors
/// When the URL is not signed with one of the tokens, or the body is another.
pub fn verify_json(
    tokens: &[impl AsRef<str>],
    url: &str,
    body: &[u8],
    header: Option<&str>,
) -> Result<(), SignatureError> {
    verify_form(tokens, url, &[], header)?;
    let hash: String = Sha256::digest(body).iter().map(|b| format!("{b:02x}")).collect();
    let (_, query) = without_fragment(url).split_once('?').unwrap_or_default();
    // The name has been seen twice in one URL. All of the URL is signed.
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix("bodySHA256="));
    if values.any(|value| value == hash) { Ok(()) } else { Err(SignatureError::Body) }
}

/// Checks the WebSocket handshake of a media stream. `url` is the `url` attribute
/// of the `<Stream>`; with and without a slash at its end it is the same stream.
///
/// # Errors
/// When the handshake is not signed with one of the tokens, or `url` is no
/// WebSocket URL: a signature over `https://…` belongs to another request.
pub fn verify_stream(
    tokens: &[impl AsRef<str>],
    url: &str,
    header: Option<&str>,
) -> Result<(), SignatureError> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("wss" | "ws")) {
        return Err(SignatureError::Scheme);
    }
    let bare = without_fragment(url).trim_end_matches('/');
    let mut urls = url_forms(bare);
    urls.extend(url_forms(&format!("{bare}/")));
    check(tokens, &urls, "", header)
}

fn check(
    tokens: &[impl AsRef<str>],
    urls: &[String],
    params: &str,
    header: Option<&str>,
) -> Result<(), SignatureError> {
    let header = header.filter(|h| !h.is_empty()).ok_or(SignatureError::Missing)?;
    // A blank token is one that anybody knows.
    let tokens = || tokens.iter().map(AsRef::as_ref).filter(|token| !token.is_empty());
    if tokens().next().is_none() {
        return Err(SignatureError::NoToken);
    }
    let mut given = [0; MAC_BYTES + 1];
    let Ok(MAC_BYTES) = STANDARD.decode_slice(header, &mut given) else {
        return Err(SignatureError::Mismatch);
    };
    let given = given.first_chunk::<MAC_BYTES>().ok_or(SignatureError::Mismatch)?;
    let mut found = Choice::from(0);
    for token in tokens() {
        for url in urls {
            if let Some(mac) = mac(token, url, params) {
                found |= mac.ct_eq(given);
            }
        }
    }
    if found.into() { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// There is one for every key, since an HMAC takes keys of any length.
fn mac(token: &str, url: &str, params: &str) -> Option<[u8; MAC_BYTES]> {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).ok()?;
    mac.update(without_fragment(url).as_bytes());
    mac.update(params.as_bytes());
    Some(mac.finalize().into_bytes().into())
}

/// Names and values without separators, sorted by name and then value as bytes,
/// each pair once.
fn canonical(params: &[(String, String)]) -> String {
    let mut pairs: Vec<&(String, String)> = params.iter().collect();
    pairs.sort();
    pairs.dedup();
    pairs.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect()
}

/// The overrides of a webhook's time limits travel in the fragment, unsigned.
fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

/// The ways to write a URL that a signature may have been made over, the URL as
/// it is among them.
fn url_forms(url: &str) -> Vec<String> {
    let url = without_fragment(url);
    let mut forms = vec![url.to_owned()];
    let mut add = |form: String| {
        if !forms.contains(&form) {
            forms.push(form);
        }
    };
    let ports = port_forms(url);
    for form in ports.into_iter().chain([url.to_owned()]) {
        if let Some((path, query)) = form.split_once('?') {
            add(format!("{path}?{}", query.replace('\'', "%27")));
            add(format!("{path}?{}", query.replace("%27", "'")));
        }
        add(form);
    }
    forms
}

/// The URL without its port, and with one: its own or its scheme's.
fn port_forms(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Vec::new();
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // In `user:secret@[::1]:443` only the last colon is the port's.
    let host_start = authority.rfind('@').map_or(0, |at| at + 1);
    let (user, host) = authority.split_at(host_start);
    let name_end = host.rfind(']').map_or(0, |at| at + 1);
    let port_at = host.get(name_end..).and_then(|tail| tail.find(':')).map(|at| name_end + at);
    let (name, port) = port_at.map_or((host, None), |at| {
        let (name, port) = host.split_at(at);
        (name, Some(port))
    });
    let default = if matches!(scheme, "https" | "wss") { ":443" } else { ":80" };
    let port = port.unwrap_or(default);
    vec![format!("{scheme}://{user}{name}{path}"), format!("{scheme}://{user}{name}{port}{path}")]
}
