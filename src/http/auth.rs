//! Who may look at the process, and who may act on it: bearer tokens, compared in
//! constant time by their hashes, so that neither length nor content leaks.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

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
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

impl OpsTokens {
    /// Tokens for both roles, or for acting alone.
    #[must_use]
    pub fn new(admin: &SecretString, read: Option<&SecretString>) -> Self {
        Self { admin: hash(admin.expose_secret()), read: read.map(|t| hash(t.expose_secret())) }
    }

    fn role(&self, request: &HttpRequest) -> Option<Role> {
        let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
        let token = hash(value.strip_prefix("Bearer ")?.trim());
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
    /// that may only look.
    #[expect(
        clippy::result_large_err,
        reason = "the refusal is the answer itself, made once a request"
    )]
    pub fn require(&self, request: &HttpRequest, needed: Role) -> Result<Role, HttpResponse> {
        match self.role(request) {
            Some(role) if role >= needed => Ok(role),
            Some(_) => Err(HttpResponse::Forbidden()
                .json(json!({ "error": "this token may only look; use the admin token" }))),
            None => Err(HttpResponse::Unauthorized()
                .insert_header((header::WWW_AUTHENTICATE, "Bearer"))
                .json(json!({ "error": "send the ops token: Authorization: Bearer …" }))),
        }
    }
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
}
