//! Errors as the service words them.

use serde_json::{Value, json};

/// The inside of an `error` event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) kind: &'static str,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) param: Option<String>,
}

impl ApiError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            kind: "invalid_request_error",
            code: code.to_owned(),
            message: message.into(),
            param: None,
        }
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(crate) fn unknown_parameter(path: &str) -> Self {
        Self::new("unknown_parameter", format!("Unknown parameter: '{path}'.")).param(path)
    }

    pub(crate) fn missing(path: &str) -> Self {
        let message = format!("Missing required parameter: '{path}'.");
        Self::new("missing_required_parameter", message).param(path)
    }

    pub(crate) fn invalid_value(path: &str, value: &Value, supported: &str) -> Self {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let message = format!("Invalid value: '{value}'. Supported values are: {supported}.");
        Self::new("invalid_value", message).param(path)
    }

    /// An error of a code that was asked for, with the type that goes with it.
    pub(crate) fn of_code(code: &str) -> Self {
        let mut error = Self::new(code, format!("Simulated error: {code}."));
        if matches!(code, "server_error" | "rate_limit_exceeded" | "insufficient_quota") {
            error.kind = "server_error";
        }
        error
    }

    pub(crate) fn body(&self, event_id: Option<&str>) -> Value {
        json!({
            "type": self.kind,
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "event_id": event_id,
        })
    }
}
