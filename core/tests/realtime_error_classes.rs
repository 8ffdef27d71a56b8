//! What an error of the provider's asks of us.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use trunkline_core::wire::realtime::{ApiError, ErrorClass};

fn class(kind: &str, code: Option<&str>, message: &str) -> ErrorClass {
    let error = ApiError {
        kind: kind.to_owned(),
        code: code.map(str::to_owned),
        message: message.to_owned(),
        event_id: None,
    };
    error.class()
}

#[test]
fn codes_decide_where_they_are_known() {
    let request = "invalid_request_error";
    for (code, expected) in [
        ("response_cancel_not_active", ErrorClass::Benign),
        ("input_audio_buffer_commit_empty", ErrorClass::Benign),
        ("item_truncate_invalid_item_id", ErrorClass::Benign),
        ("conversation_already_has_active_response", ErrorClass::ActiveResponse),
        ("session_expired", ErrorClass::SessionOver),
        ("rate_limit_exceeded", ErrorClass::Retryable),
        ("server_error", ErrorClass::Retryable),
        ("insufficient_quota", ErrorClass::Fatal),
        ("invalid_api_key", ErrorClass::Fatal),
        ("beta_api_shape_disabled", ErrorClass::Fatal),
        ("invalid_event", ErrorClass::OurBug),
        ("unknown_parameter", ErrorClass::OurBug),
    ] {
        assert_eq!(class(request, Some(code), ""), expected, "{code}");
    }
}

#[test]
fn a_late_truncate_is_harmless_and_another_wrong_value_is_not() {
    let late = "Audio content of 3200ms is already shorter than 4000ms";
    assert_eq!(class("invalid_request_error", Some("invalid_value"), late), ErrorClass::Benign);
    let early = "Only model output audio messages can be truncated";
    let code = Some("unsupported_content_type");
    assert_eq!(class("invalid_request_error", code, early), ErrorClass::Benign);
    let wrong = "Invalid value: 'robot'. Supported voices are …";
    assert_eq!(class("invalid_request_error", Some("invalid_value"), wrong), ErrorClass::OurBug);
}

#[test]
fn the_kind_decides_where_no_code_does() {
    assert_eq!(class("server_error", None, ""), ErrorClass::Retryable);
    assert_eq!(class("authentication_error", None, ""), ErrorClass::Fatal);
    assert_eq!(class("invalid_request_error", Some("never_heard_of"), ""), ErrorClass::OurBug);
    assert_eq!(class("never_heard_of", None, ""), ErrorClass::Retryable);
}

#[test]
fn an_error_prints_its_kind_code_and_words() {
    let error = ApiError {
        kind: "server_error".to_owned(),
        code: None,
        message: "try again".to_owned(),
        event_id: None,
    };
    assert_eq!(error.to_string(), "server_error: try again");
    let error = ApiError { code: Some("x".to_owned()), ..error };
    assert_eq!(error.to_string(), "server_error/x: try again");
}
