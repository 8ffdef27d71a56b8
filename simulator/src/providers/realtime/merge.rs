//! Merging what a client sent into the configuration, with the service's checks.

use serde_json::{Map, Value, json};

use super::dialect::Dialect;
use super::error::ApiError;
use super::fields::set;

const VAD_KEYS: &[&str] = &[
    "type",
    "threshold",
    "prefix_padding_ms",
    "silence_duration_ms",
    "idle_timeout_ms",
    "eagerness",
    "create_response",
    "interrupt_response",
];

pub(crate) fn vad_defaults(kind: &str) -> Value {
    if kind == "semantic_vad" {
        return json!({
            "type": "semantic_vad", "eagerness": "auto",
            "create_response": true, "interrupt_response": true,
        });
    }
    json!({
        "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300,
        "silence_duration_ms": 500, "idle_timeout_ms": null,
        "create_response": true, "interrupt_response": true,
    })
}

/// Checks that every key is one the service knows.
pub(crate) fn known(patch: &Map<String, Value>, keys: &[&str], path: &str) -> Result<(), ApiError> {
    match patch.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(ApiError::unknown_parameter(&format!("{path}.{key}"))),
        None => Ok(()),
    }
}

pub(crate) fn check_modalities(
    dialect: Dialect,
    value: Option<&Value>,
    path: &str,
) -> Result<(), ApiError> {
    let Some(value) = value else { return Ok(()) };
    let mut names: Vec<&str> =
        value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    names.sort_unstable();
    let good = match dialect {
        Dialect::Ga => matches!(names.as_slice(), ["audio"] | ["text"]),
        Dialect::Beta => matches!(names.as_slice(), ["audio", "text"] | ["text"]),
    };
    let supported = match dialect {
        Dialect::Ga => "['text'] and ['audio']",
        Dialect::Beta => "['text'] and ['audio', 'text']",
    };
    let message = format!("Invalid modalities: {value}. Supported combinations are: {supported}.");
    if good { Ok(()) } else { Err(ApiError::new("invalid_value", message).param(path)) }
}

pub(crate) fn merge_ga(body: &mut Value, patch: &Map<String, Value>) -> Result<(), ApiError> {
    for (key, value) in patch {
        if key != "audio" {
            set(body, key, value.clone());
            continue;
        }
        let sides = object(value, "session.audio")?;
        known(sides, &["input", "output"], "session.audio")?;
        for (side, fields) in sides {
            let path = format!("session.audio.{side}");
            let fields = object(fields, &path)?;
            let Some(old) = body.pointer_mut(&format!("/audio/{side}")) else {
                continue;
            };
            merge_side(old, fields, side, &path)?;
        }
    }
    Ok(())
}

fn merge_side(
    old: &mut Value,
    fields: &Map<String, Value>,
    side: &str,
    path: &str,
) -> Result<(), ApiError> {
    let keys: &[&str] = if side == "input" {
        &["format", "noise_reduction", "transcription", "turn_detection"]
    } else {
        &["format", "voice", "speed"]
    };
    known(fields, keys, path)?;
    for (key, value) in fields {
        let path = format!("{path}.{key}");
        match key.as_str() {
            "format" => {
                let format = object(value, &path)?;
                let linear = format.get("type").and_then(Value::as_str) == Some("audio/pcm");
                known(format, if linear { &["type", "rate"] } else { &["type"] }, &path)?;
                if linear && format.get("rate").is_some_and(|r| r != 24_000) {
                    let rate = format.get("rate").unwrap_or(&Value::Null);
                    return Err(ApiError::invalid_value(&format!("{path}.rate"), rate, "24000"));
                }
                set(old, key, value.clone());
            }
            "turn_detection" => merge_vad(old, key, value, &path)?,
            _ => set(old, key, value.clone()),
        }
    }
    Ok(())
}

pub(crate) fn merge_beta(body: &mut Value, patch: &Map<String, Value>) -> Result<(), ApiError> {
    for (key, value) in patch {
        if key == "turn_detection" {
            merge_vad(body, key, value, "session.turn_detection")?;
        } else {
            set(body, key, value.clone());
        }
    }
    Ok(())
}

fn merge_vad(holder: &mut Value, key: &str, value: &Value, path: &str) -> Result<(), ApiError> {
    if value.is_null() {
        set(holder, key, Value::Null);
        return Ok(());
    }
    let fields = object(value, path)?;
    known(fields, VAD_KEYS, path)?;
    let old = holder.get(key).cloned().unwrap_or(Value::Null);
    let old_kind = old.get("type").and_then(Value::as_str).map(str::to_owned);
    let kind = fields.get("type").and_then(Value::as_str).or(old_kind.as_deref());
    let kind = kind.unwrap_or("server_vad");
    if !matches!(kind, "server_vad" | "semantic_vad") {
        let supported = "'server_vad' and 'semantic_vad'";
        return Err(ApiError::invalid_value(
            &format!("{path}.type"),
            &Value::from(kind),
            supported,
        ));
    }
    let mut merged = if old_kind.as_deref() == Some(kind) { old } else { vad_defaults(kind) };
    for (name, field) in fields {
        set(&mut merged, name, field.clone());
    }
    set(holder, key, merged);
    Ok(())
}

fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, ApiError> {
    let message = format!("Invalid type for '{path}': expected an object.");
    value.as_object().ok_or_else(|| ApiError::new("invalid_type", message).param(path))
}
