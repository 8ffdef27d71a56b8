//! A request's whole body, which may neither be long nor take long: a client that
//! sends it byte by byte would hold its connection for as long as it likes.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, web};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

/// Longest body that is read: four times what a webhook may have.
pub(super) const MAX_BYTES: usize = 64 * 1024;
/// Longest a body may take, from its request's last header on.
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module's text.
#[derive(Debug)]
pub(super) struct Body(web::Bytes);

impl std::ops::Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the body did not come within {PATIENCE:?}")]
struct TooSlow;

impl ResponseError for TooSlow {
    fn status_code(&self) -> StatusCode {
        StatusCode::REQUEST_TIMEOUT
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        answer.force_close().json(serde_json::json!({ "error": self.to_string() }))
    }
}

impl FromRequest for Body {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let whole = web::Bytes::from_request(request, payload);
        async {
            match tokio::time::timeout(PATIENCE, whole).await {
                Ok(read) => read.map(Self),
                Err(_) => Err(TooSlow.into()),
            }
        }
        .boxed_local()
    }
}
