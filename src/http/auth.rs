//! Who may look at the process, and who may act on it: bearer tokens, compared in
//! constant time by their hashes, so that neither length nor content leaks.
//!
//! A browser adds no such header by itself, so that no foreign page can have its
//! visitor's browser act here; a request that a foreign page did make is refused
//! all the same.

use std::time::Instant;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use trunkline_actors::metrics;

use super::guesses::Guesses;
use super::source::source;
use crate::config::PublicUrl;

/// What a request may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    Read,
    /// Look and act.
    Admin,
}

/// The tokens, as hashes.
pub struct OpsTokens {
    admin: [u8; 32],
    read: Option<[u8; 32]>,
    guesses: Guesses,
    proxy_is_trusted: bool,
    /// The one origin whose pages may ask.
    origin: Option<String>,
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

impl OpsTokens {
    /// Tokens for both roles, or for acting alone.
    #[must_use]
    pub fn new(admin: &SecretString, read: Option<&SecretString>) -> Self {
        Self {
            admin: hash(admin.expose_secret()),
            read: read.map(|t| hash(t.expose_secret())),
            guesses: Guesses::new(0),
            proxy_is_trusted: false,
            origin: None,
        }
    }

    /// Bounds how many wrong tokens a source may show within a minute (0 is no
    /// limit). Where the proxy is trusted, the source is whom it names.
    #[must_use]
    pub fn throttled(mut self, wrong_per_minute: u32, proxy_is_trusted: bool) -> Self {
        self.guesses = Guesses::new(wrong_per_minute);
        self.proxy_is_trusted = proxy_is_trusted;
        self
    }

    /// The origin under which this server is known: only its own pages may ask.
    #[must_use]
    pub fn at_origin(mut self, origin: &PublicUrl) -> Self {
        self.origin = Some(origin.as_str().to_owned());
        self
    }

    fn role(&self, authorization: &HeaderValue) -> Option<Role> {
        let token = hash(authorization.to_str().ok()?.strip_prefix("Bearer ")?.trim());
        let is_admin = bool::from(self.admin.ct_eq(&token));
        let is_read = self.read.is_some_and(|read| bool::from(read.ct_eq(&token)));
        match (is_admin, is_read) {
            (true, _) => Some(Role::Admin),
            (false, true) => Some(Role::Read),
            (false, false) => None,
        }
    }

    /// Lets a request pass that may do what `needed` says.
    ///
    /// # Errors
    /// The answer for one that may not: 401 without a known token, 403 with one
    /// that may only look, or from another origin's page, 429 from a source that
    /// has shown too many wrong ones.
    #[expect(
        clippy::result_large_err,
        reason = "the refusal is the answer itself, made once a request"
    )]
    pub fn require(&self, request: &HttpRequest, needed: Role) -> Result<Role, HttpResponse> {
        self.check_origin(request)?;
        let Some(authorization) = request.headers().get(header::AUTHORIZATION) else {
            metrics::ops_refused("no_token");
            return Err(unauthorized());
        };
        let source = source(request, self.proxy_is_trusted).unwrap_or_default();
        let now = Instant::now();
        if self.guesses.is_throttled(&source, now) {
            metrics::ops_refused("throttled");
            return Err(too_many());
        }
        match self.role(authorization) {
            Some(role) if role >= needed => Ok(role),
            Some(_) => {
                metrics::ops_refused("only_reads");
                Err(HttpResponse::Forbidden()
                    .json(json!({ "error": "this token may only look; use the admin token" })))
            }
            None => {
                metrics::ops_refused("wrong_token");
                if self.guesses.wrong(&source, now) {
                    tracing::warn!(source, "a source shows too many wrong ops tokens");
                }
                Err(unauthorized())
            }
        }
    }

    #[expect(
        clippy::result_large_err,
        reason = "the refusal is the answer itself, made once a request"
    )]
    fn check_origin(&self, request: &HttpRequest) -> Result<(), HttpResponse> {
        let Some(origin) = request.headers().get(header::ORIGIN) else {
            return Ok(());
        };
        if self.origin.as_ref().is_some_and(|own| origin.as_bytes() == own.as_bytes()) {
            return Ok(());
        }
        metrics::ops_refused("foreign_origin");
        Err(HttpResponse::Forbidden()
            .json(json!({ "error": "pages of other origins may not ask here" })))
    }
}

fn unauthorized() -> HttpResponse {
    HttpResponse::Unauthorized()
        .insert_header((header::WWW_AUTHENTICATE, "Bearer"))
        .json(json!({ "error": "send the ops token: Authorization: Bearer …" }))
}

fn too_many() -> HttpResponse {
    HttpResponse::TooManyRequests()
        .insert_header((header::RETRY_AFTER, "60"))
        .json(json!({ "error": "too many wrong ops tokens; try again in a minute" }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn asked(tokens: &OpsTokens, authorization: &str, needed: Role) -> Result<Role, u16> {
        let request = TestRequest::get()
            .insert_header((header::AUTHORIZATION, authorization))
            .to_http_request();
        tokens.require(&request, needed).map_err(|answer| answer.status().as_u16())
    }

    #[test]
    fn the_reader_may_look_and_the_admin_may_act() {
        let tokens = OpsTokens::new(&"boss".into(), Some(&"eyes".into()));
        assert_eq!(asked(&tokens, "Bearer boss", Role::Admin), Ok(Role::Admin));
        assert_eq!(asked(&tokens, "Bearer eyes", Role::Read), Ok(Role::Read));
        assert_eq!(asked(&tokens, "Bearer eyes", Role::Admin), Err(403));
        assert_eq!(asked(&tokens, "Bearer nobody", Role::Read), Err(401));
        assert_eq!(asked(&tokens, "Basic boss", Role::Read), Err(401));
    }

    #[test]
    fn without_a_read_token_an_empty_one_is_no_token() {
        let tokens = OpsTokens::new(&"boss".into(), None);
        assert_eq!(asked(&tokens, "Bearer ", Role::Read), Err(401));
    }

    #[test]
    fn a_source_that_guesses_is_not_listened_to() {
        let tokens = OpsTokens::new(&"boss".into(), None).throttled(3, false);
        for _ in 0..3 {
            assert_eq!(asked(&tokens, "Bearer guess", Role::Read), Err(401));
        }
        assert_eq!(asked(&tokens, "Bearer guess", Role::Read), Err(429));
        assert_eq!(
            asked(&tokens, "Bearer boss", Role::Read),
            Err(429),
            "not even when it is right"
        );
    }

    #[test]
    fn a_page_of_another_origin_is_refused_whatever_it_shows() {
        let own = PublicUrl::parse("https://voice.example.com").unwrap();
        let tokens = OpsTokens::new(&"boss".into(), None).at_origin(&own);
        for (origin, answer) in [
            ("https://voice.example.com", Ok(Role::Admin)),
            ("https://evil.example.com", Err(403)),
            ("http://voice.example.com", Err(403)),
            ("null", Err(403)),
        ] {
            let request = TestRequest::get()
                .insert_header((header::AUTHORIZATION, "Bearer boss"))
                .insert_header((header::ORIGIN, origin))
                .to_http_request();
            let asked = tokens.require(&request, Role::Admin);
            assert_eq!(asked.map_err(|refusal| refusal.status().as_u16()), answer, "{origin}");
        }
    }
}
