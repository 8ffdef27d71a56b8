//! Token counts, by the service's published rule for audio and a rule of thumb
//! for text.

use serde_json::{Value, json};

/// Milliseconds of the caller's audio in one token.
const USER_MS_PER_TOKEN: u64 = 100;
/// Milliseconds of the model's audio in one token.
const ASSISTANT_MS_PER_TOKEN: u64 = 50;
/// Characters of text in one token, about.
const CHARACTERS_PER_TOKEN: usize = 4;

/// Tokens of one kind of content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) text: u64,
    pub(crate) audio: u64,
}

impl Tokens {
    pub(crate) fn of_text(text: &str) -> Self {
        let characters = text.chars().count();
        Self { text: characters.div_ceil(CHARACTERS_PER_TOKEN) as u64, audio: 0 }
    }

    pub(crate) const fn of_user_audio(ms: u64) -> Self {
        Self { text: 0, audio: ms.div_ceil(USER_MS_PER_TOKEN) }
    }

    pub(crate) const fn of_assistant_audio(ms: u64) -> Self {
        Self { text: 0, audio: ms.div_ceil(ASSISTANT_MS_PER_TOKEN) }
    }

    pub(crate) const fn total(self) -> u64 {
        self.text + self.audio
    }
}

impl std::ops::Add for Tokens {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { text: self.text + other.text, audio: self.audio + other.audio }
    }
}

impl std::iter::Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| a + b)
    }
}

/// The `usage` of a response. `cached` is the part of `input` that the response
/// before had as its input too.
pub(crate) fn usage(input: Tokens, cached: Tokens, output: Tokens) -> Value {
    json!({
        "total_tokens": input.total() + output.total(),
        "input_tokens": input.total(),
        "output_tokens": output.total(),
        "input_token_details": {
            "text_tokens": input.text,
            "audio_tokens": input.audio,
            "image_tokens": 0,
            "cached_tokens": cached.total(),
            "cached_tokens_details": {
                "text_tokens": cached.text,
                "audio_tokens": cached.audio,
                "image_tokens": 0,
            },
        },
        "output_token_details": { "text_tokens": output.text, "audio_tokens": output.audio },
    })
}

/// The usage that is reported where it is to be the same for all.
pub(crate) fn fixed() -> Value {
    let input = Tokens { text: 1_000, audio: 500 };
    usage(input, Tokens { text: 600, audio: 100 }, Tokens { text: 50, audio: 200 })
}
