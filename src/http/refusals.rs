//! What somebody is told whose request cannot be read: which part of it, and where,
//! and never what stood there. The parser's own words quote the request, and a
//! request may hold what is nobody's business.

use actix_web::error::{InternalError, JsonPayloadError};
use actix_web::{Error, HttpRequest, HttpResponse, web};
use serde_json::json;

/// Has every request that cannot be read answered so.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::JsonConfig::default().error_handler(|error, _: &HttpRequest| {
            let place = place(&error);
            refusal(error, &format!("the body is not the JSON that is wanted here{place}"))
        }))
        .app_data(web::QueryConfig::default().error_handler(|error, _: &HttpRequest| {
            refusal(error, "the query cannot be read, or has a field that is not known here")
        }))
        .app_data(web::PathConfig::default().error_handler(|error, _: &HttpRequest| {
            refusal(error, "the path cannot be read: a part of it is no such name")
        }));
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is non-exhaustive")]
fn place(error: &JsonPayloadError) -> String {
    match error {
        JsonPayloadError::Deserialize(error) => {
            format!(" (line {}, column {})", error.line(), error.column())
        }
        _ => String::new(),
    }
}

fn refusal<T: std::fmt::Debug + std::fmt::Display + 'static>(error: T, words: &str) -> Error {
    let answer = HttpResponse::BadRequest().json(json!({ "error": words }));
    InternalError::from_response(error, answer).into()
}
