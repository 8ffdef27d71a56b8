//! What holds for every request.
//!
//! No browser is meant to be here: there is no page, no cookie and no script.
//! Should one be led here, it is not to guess what it got, not to keep it, and not
//! to run or frame it.
//!
//! A body says beforehand how long it is. One that comes in chunks has no end but
//! its own, and the server would wait for it, whether anybody reads it or not, for
//! as long as its sender likes.

use std::io;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::BodyStream;
use actix_web::dev::ServiceRequest;
use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::Bytes;
use futures_util::stream::{self, StreamExt as _};

/// How long a refusal may take to be on its way before its connection ends.
const UNTIL_SENT: Duration = Duration::from_millis(200);

/// The headers of every answer.
#[must_use]
pub fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::CACHE_CONTROL, "no-store"))
        .add((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .add((header::REFERRER_POLICY, "no-referrer"))
}

/// Whether a request's body comes in chunks.
#[must_use]
pub fn has_chunks(request: &ServiceRequest) -> bool {
    request.headers().contains_key(header::TRANSFER_ENCODING)
}

/// The refusal of such a request. Its connection ends with it: only an answer that
/// breaks off is not followed by the rest of the request.
#[must_use]
pub fn length_required() -> HttpResponse {
    let words = Bytes::from_static(b"{\"error\":\"send a Content-Length\"}");
    let said = stream::iter([Ok::<_, io::Error>(words)]);
    let end = stream::once(async {
        tokio::time::sleep(UNTIL_SENT).await;
        Err(io::ErrorKind::ConnectionAborted.into())
    });
    let mut answer = HttpResponse::LengthRequired();
    answer.force_close().content_type("application/json");
    answer.body(BodyStream::new(said.chain(Box::pin(end))))
}
