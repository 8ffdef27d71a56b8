//! An answer in chunks, each with its time.

use bytes::Bytes;
use serde_json::{Value, json};

use super::request::Wish;
use crate::providers::brain::Part;
use crate::providers::knobs::Knobs;
use crate::providers::paced::{Piece, What, cut};

/// Characters of arguments in one chunk.
const ARGUMENT_CHARS: usize = 9;
/// Octets of a piece where messages are sent in fragments: no line's length.
const FRAGMENT_BYTES: usize = 7;

/// The chunks of an answer and when they are sent.
pub(super) fn plan(parts: &[Part], wish: &Wish, knobs: &Knobs) -> Vec<Piece> {
    let mut writer = Writer { wish, knobs, at_ms: knobs.first_token_ms, pieces: Vec::new() };
    if knobs.mute || knobs.mute_before_ready {
        writer.pieces.push(Piece { at_ms: 0, what: What::Never });
        return writer.pieces;
    }
    if knobs.garbage {
        writer.raw("data: <<< this is no JSON\n\n");
    }
    if let Some(code) = &knobs.error_code {
        writer.error(code);
    } else {
        writer.answer(parts);
    }
    let mut pieces = writer.pieces;
    cut(&mut pieces, knobs.drop_after_ms, knobs.drop_after_deltas);
    if knobs.fragment { fragments(&pieces) } else { pieces }
}

struct Writer<'a> {
    wish: &'a Wish,
    knobs: &'a Knobs,
    at_ms: u64,
    pieces: Vec<Piece>,
}

impl Writer<'_> {
    fn answer(&mut self, parts: &[Part]) {
        self.raw(": simulated\n\n");
        self.delta(&json!({"role": "assistant", "content": ""}));
        let mut written = 0;
        let mut calls = 0;
        for part in parts {
            match part {
                Part::Say(text) => {
                    written += text.len();
                    for token in tokens(text) {
                        self.delta(&json!({"content": token}));
                    }
                }
                Part::Call { tool, arguments } => {
                    written += tool.len() + arguments.len();
                    self.call(calls, tool, arguments);
                    calls += 1;
                }
            }
        }
        if let Some(code) = self.knobs.fail_code.clone() {
            return self.error(&code);
        }
        let reason = if calls > 0 { "tool_calls" } else { "stop" };
        self.chunk(json!([{"index": 0, "delta": {}, "finish_reason": reason}]), &Value::Null);
        if self.wish.usage {
            let (mut prompt, mut cached, mut completion) =
                (self.wish.read.div_ceil(4), 0, written.div_ceil(4));
            if self.knobs.fixed_usage {
                (prompt, cached, completion) = (1_000, 400, 50);
            }
            let usage = json!({
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
                "prompt_tokens_details": {"cached_tokens": cached},
            });
            self.chunk(json!([]), &usage);
        }
        self.raw("data: [DONE]\n\n");
    }

    /// The name comes with the first fragment, the arguments a few characters at
    /// a time.
    fn call(&mut self, index: usize, tool: &str, arguments: &str) {
        let id = format!("call_{}", uuid::Uuid::new_v4().simple());
        self.delta(&json!({"tool_calls": [{
            "index": index,
            "id": id,
            "type": "function",
            "function": {"name": tool, "arguments": ""},
        }]}));
        let characters: Vec<char> = arguments.chars().collect();
        for piece in characters.chunks(ARGUMENT_CHARS) {
            let piece: String = piece.iter().collect();
            let fragment = json!({"index": index, "function": {"arguments": piece}});
            self.delta(&json!({"tool_calls": [fragment]}));
        }
    }

    fn delta(&mut self, delta: &Value) {
        let choice = json!([{"index": 0, "delta": delta, "finish_reason": null}]);
        self.chunk(choice, &Value::Null);
        self.at_ms += self.knobs.token_ms;
    }

    fn chunk(&mut self, choices: Value, usage: &Value) {
        let chunk = json!({
            "id": "chatcmpl-simulated",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": self.wish.model,
            "choices": choices,
            "usage": usage,
        });
        self.raw(&format!("data: {chunk}\n\n"));
    }

    fn error(&mut self, code: &str) {
        let error = json!({"error": {
            "message": "The server had an error while processing your request.",
            "type": "server_error",
            "param": null,
            "code": code,
        }});
        self.raw(&format!("data: {error}\n\n"));
    }

    fn raw(&mut self, text: &str) {
        let what = What::Bytes(Bytes::copy_from_slice(text.as_bytes()));
        self.pieces.push(Piece { at_ms: self.at_ms, what });
    }
}

/// Words with the space before them, as models write.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for character in text.chars() {
        match tokens.last_mut() {
            Some(token) if character != ' ' => token.push(character),
            _ => tokens.push(character.to_string()),
        }
    }
    tokens
}

fn fragments(pieces: &[Piece]) -> Vec<Piece> {
    let mut all = Vec::new();
    for piece in pieces {
        match &piece.what {
            What::Bytes(bytes) => {
                let parts = bytes.chunks(FRAGMENT_BYTES).map(|part| Piece {
                    at_ms: piece.at_ms,
                    what: What::Bytes(Bytes::copy_from_slice(part)),
                });
                all.extend(parts);
            }
            What::Break | What::Never => all.push(piece.clone()),
        }
    }
    all
}
