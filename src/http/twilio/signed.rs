//! Did the carrier send this? Nothing of a request is believed before its
//! signature is.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret as _;
use serde_json::json;
use trunkline_actors::limiter::BadSignature;
use trunkline_actors::metrics;
use trunkline_core::ids::CallSid;
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::Tenant;
use trunkline_core::wire::twilio::WebhookError;
use trunkline_core::wire::twilio::form::Form;
use trunkline_core::wire::twilio::signature::{SignatureError, verify_form, verify_stream};

use crate::config::{PublicUrl, TenantSecrets};
use crate::http::routes;
use crate::http::source::source;
use crate::http::state::AppState;

const SIGNATURE: &str = "x-twilio-signature";

/// A webhook that the carrier signed.
pub(super) struct Signed {
    /// Its parameters.
    form: Form,
    /// The tenant of the called number.
    pub(super) tenant: Option<Arc<Tenant>>,
    /// The origin under which the carrier called.
    pub(super) origin: PublicUrl,
}

impl Signed {
    /// Whether the account that signed may speak of this call: another tenant's
    /// own token is good for that tenant's calls only.
    pub(super) fn may_speak_of(&self, state: &AppState, call_sid: &CallSid) -> bool {
        let live = state.node.directory.by_call(call_sid).map(|call| call.tenant.clone());
        let owner = live.or_else(|| state.node.limits.tenant_of(call_sid));
        let signer = self.tenant.as_ref().map(|tenant| &tenant.id);
        let may = owner.is_none() || signer.is_none() || owner.as_ref() == signer;
        if !may {
            let data = json!({ "call": call_sid.as_str() });
            state.node.audit(None, signer.cloned(), "foreign_call", data);
        }
        may
    }
}

/// Reads and verifies a webhook.
///
/// # Errors
/// The answer for a request that is not the carrier's: 400 for what is no form,
/// 403 for what is not signed.
#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
fn webhook(state: &AppState, request: &HttpRequest, body: &[u8]) -> Result<Signed, HttpResponse> {
    let of_called = |form: &Form| {
        let called = ["To", "Called"].iter().find_map(|name| form.filled(name));
        state.book.current().for_call(called.map(PhoneNumber::new).as_ref()).cloned()
    };
    verified(state, request, body, of_called)
}

/// Reads and verifies a webhook that says nothing of the called number: of this
/// tenant, or else of anybody.
///
/// # Errors
/// As [`webhook`].
#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
pub(super) fn of_tenant(
    state: &AppState,
    request: &HttpRequest,
    body: &[u8],
    tenant: Option<Arc<Tenant>>,
) -> Result<Form, HttpResponse> {
    verified(state, request, body, |_| tenant).map(|signed| signed.form)
}

/// Whether a webhook, whose signature was good for somebody, is of this tenant.
pub(super) fn is_of_tenant(
    state: &AppState,
    request: &HttpRequest,
    body: &[u8],
    tenant: &Tenant,
) -> bool {
    if !state.settings.twilio.validate_webhooks {
        return true;
    }
    let url = origin(state, request).join(&path_and_query(request));
    let tokens = tokens(state, Some(tenant));
    Form::parse(body).is_ok_and(|form| {
        verify_form(&tokens, &url, form.pairs(), signature(request.headers())).is_ok()
    })
}

#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
fn verified(
    state: &AppState,
    request: &HttpRequest,
    body: &[u8],
    whose: impl FnOnce(&Form) -> Option<Arc<Tenant>>,
) -> Result<Signed, HttpResponse> {
    let form = Form::parse(body)
        .map_err(|error| HttpResponse::BadRequest().json(json!({ "error": error.to_string() })))?;
    let tenant = whose(&form);
    let origin = origin(state, request);
    if state.settings.twilio.validate_webhooks {
        let url = origin.join(&path_and_query(request));
        let tokens = tokens(state, tenant.as_deref());
        let verified = verify_form(&tokens, &url, form.pairs(), signature(request.headers()));
        verified.map_err(|error| refuse(state, request, error))?;
    }
    Ok(Signed { form, tenant, origin })
}

/// Reads and verifies a webhook, and types it.
///
/// # Errors
/// As [`webhook`], and 400 for what lacks what the webhook cannot do without.
#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
pub(super) fn typed<W>(
    state: &AppState,
    request: &HttpRequest,
    body: &[u8],
    from_form: impl FnOnce(&Form) -> Result<W, WebhookError>,
) -> Result<(Signed, W), HttpResponse> {
    let signed = webhook(state, request, body)?;
    let typed = from_form(&signed.form)
        .map_err(|error| HttpResponse::BadRequest().json(json!({ "error": error.to_string() })))?;
    Ok((signed, typed))
}

/// Verifies the handshake of a media stream. Answers nothing but whether.
///
/// # Errors
/// 403 for a handshake that is not signed.
#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
pub(super) fn handshake(state: &AppState, request: &HttpRequest) -> Result<(), HttpResponse> {
    if !state.settings.twilio.validate_webhooks {
        return Ok(());
    }
    let url = origin(state, request).websocket(&path_and_query(request));
    let tokens = tokens(state, None);
    verify_stream(&tokens, &url, signature(request.headers()))
        .map_err(|error| refuse(state, request, error))
}

fn refuse(state: &AppState, request: &HttpRequest, error: SignatureError) -> HttpResponse {
    let path = routes::known_path(request.path());
    metrics::signature_failure(path);
    let source = source(request, state.settings.server.trust_forwarded_headers);
    let from = source.as_deref().unwrap_or_default();
    if let BadSignature::Throttled { first } = state.node.limits.bad_signature(from) {
        return throttle(state, path, from, first);
    }
    if let Some(left_out) = state.stranger_audit.take() {
        tracing::warn!(path, %error, source, left_out, "a request was not signed by the carrier");
        let data = json!({
            "path": path,
            "error": error.to_string(),
            "source": source,
            "left_out": left_out,
        });
        state.node.audit(None, None, "signature_failure", data);
    }
    HttpResponse::Forbidden().json(json!({ "error": "the request is not signed by the carrier" }))
}

/// A source that has sent too many bad signatures is told so, and written down once
/// a minute.
fn throttle(state: &AppState, path: &'static str, source: &str, first: bool) -> HttpResponse {
    metrics::source_throttled(path);
    if first && let Some(left_out) = state.stranger_audit.take() {
        tracing::warn!(path, source, left_out, "a source sends too many bad signatures");
        let data = json!({ "path": path, "source": source, "left_out": left_out });
        state.node.audit(None, None, "source_throttled", data);
    }
    HttpResponse::TooManyRequests()
        .insert_header((header::RETRY_AFTER, "60"))
        .json(json!({ "error": "too many requests that the carrier did not sign" }))
}

/// The tokens that may have signed: the called tenant's own, or, where the
/// request does not say whom it is for, anybody's.
fn tokens(state: &AppState, tenant: Option<&Tenant>) -> Vec<String> {
    let of = |tenant: &Tenant| {
        let secrets = TenantSecrets::of(tenant, &state.settings, &state.environment);
        secrets.auth_tokens.into_iter().map(|token| token.expose_secret().to_owned())
    };
    let mut tokens: Vec<String> = match tenant {
        Some(tenant) => of(tenant).collect(),
        None => state.book.current().iter().flat_map(|tenant| of(tenant)).collect(),
    };
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

/// The origin that the carrier called: as configured, or as a trusted proxy says.
fn origin(state: &AppState, request: &HttpRequest) -> PublicUrl {
    let forwarded = || {
        let first = |name: &str| {
            let value = request.headers().get(name)?.to_str().ok()?;
            Some(value.split(',').next()?.trim().to_ascii_lowercase())
        };
        let (scheme, host) = (first("x-forwarded-proto")?, first("x-forwarded-host")?);
        let scheme = if scheme == "wss" { "https".to_owned() } else { scheme };
        PublicUrl::parse(&format!("{scheme}://{host}")).ok()
    };
    let trusted = state.settings.server.trust_forwarded_headers;
    trusted.then(forwarded).flatten().unwrap_or_else(|| state.public_url.clone())
}

fn path_and_query(request: &HttpRequest) -> String {
    request.uri().path_and_query().map_or_else(|| request.path().to_owned(), ToString::to_string)
}

fn signature(headers: &HeaderMap) -> Option<&str> {
    headers.get(SIGNATURE)?.to_str().ok()
}
