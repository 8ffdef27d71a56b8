//! What every answer says to browsers. None is meant to be here: no page, no
//! cookie, no script. Should one be led here, it is not to guess what it got, not
//! to keep it, and not to run or frame it.

use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;

/// The headers of every answer.
#[must_use]
pub fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::CACHE_CONTROL, "no-store"))
        .add((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .add((header::REFERRER_POLICY, "no-referrer"))
}
