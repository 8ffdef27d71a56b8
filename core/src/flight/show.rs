//! Shows anything that can be serialised, without what a person said.
//!
//! The names of types and variants come with the serialised form, so a new input,
//! output or piece of state is shown without a line about it here.

use serde::ser::{self, Serialize};
use serde_json::{Map, Value};

use crate::pii::{PERSONAL, PHONE_NUMBER};

use super::collect::{Fields, Items};
use super::say::say;

/// Whether a person's words are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// As their length.
    Hidden,
    /// As they are.
    Shown,
}

/// Shows `thing`: variants as words, times in seconds, and what is personal as
/// `words` says.
#[must_use]
pub fn show<T: Serialize + ?Sized>(thing: &T, words: Words) -> Value {
    thing.serialize(Shower(words)).unwrap_or_else(|error| Value::String(error.to_string()))
}

/// Why something cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error("cannot be shown: {0}")]
pub(super) struct ShowError(String);

impl ser::Error for ShowError {
    fn custom<T: std::fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

pub(super) type Shown = Result<Value, ShowError>;

#[derive(Clone, Copy)]
pub(super) struct Shower(Words);

impl Shower {
    pub(super) fn inner<T: Serialize + ?Sized>(self, thing: &T) -> Shown {
        thing.serialize(self)
    }

    fn personal(self, content: Value) -> Value {
        match (self.0, content) {
            (Words::Shown, content) => content,
            (Words::Hidden, Value::Null) => Value::Null,
            (Words::Hidden, content) => {
                let chars = say(&content).chars().count();
                Value::String(format!("[{chars} character{}]", if chars == 1 { "" } else { "s" }))
            }
        }
    }
}

/// Microseconds as seconds, to the millisecond or as exactly as it takes.
fn seconds(content: &Value) -> Value {
    let Some(micros) = content.as_u64() else {
        return content.clone();
    };
    let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
    Value::String(if part % 1_000 == 0 {
        format!("{whole}.{:03} s", part / 1_000)
    } else {
        format!("{whole}.{part:06} s")
    })
}

/// `CallerTranscript` as `caller transcript`, `hang_up` as `hang up`.
fn variant_words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for (index, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && index > 0 {
            words.push(' ');
        }
        words.push(if c == '_' { ' ' } else { c.to_ascii_lowercase() });
    }
    words
}

pub(super) fn under(variant: &str, content: Value) -> Value {
    Value::Object(Map::from_iter([(variant_words(variant), content)]))
}

macro_rules! plainly {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Shown {
            Ok(Value::from(value))
        })*
    };
}

impl ser::Serializer for Shower {
    type Ok = Value;
    type Error = ShowError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    plainly!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64, serialize_f32: f32, serialize_f64: f64, serialize_str: &str
    );

    fn serialize_char(self, c: char) -> Shown {
        Ok(Value::String(c.to_string()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Shown {
        Ok(Value::String(format!("[{} bytes]", bytes.len())))
    }

    fn serialize_none(self) -> Shown {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, thing: &T) -> Shown {
        self.inner(thing)
    }

    fn serialize_unit(self) -> Shown {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Shown {
        Ok(Value::String(variant_words(name)))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Shown {
        Ok(Value::String(variant_words(variant)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        thing: &T,
    ) -> Shown {
        let content = self.inner(thing)?;
        Ok(match name {
            PERSONAL | PHONE_NUMBER => self.personal(content),
            "Micros" => seconds(&content),
            _ => content,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        thing: &T,
    ) -> Shown {
        Ok(under(variant, self.inner(thing)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, ShowError> {
        Ok(Items::new(self, None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, ShowError> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, ShowError> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, ShowError> {
        Ok(Items::new(self, Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, ShowError> {
        Ok(Fields::new(self, None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, ShowError> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields, ShowError> {
        Ok(Fields::new(self, Some(variant)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Input, ModelEvent, Output};
    use crate::ids::ItemId;
    use crate::pii::{Personal, PhoneNumber};
    use crate::time::Micros;
    use crate::wire::realtime::{ClientEvent, Item};

    #[test]
    fn what_a_person_said_is_shown_only_when_it_is_asked_for() {
        let said = |text: &str| {
            let item = ItemId::parse("item_3").ok()?;
            let text = Personal::new(text);
            Some(Input::Model(ModelEvent::CallerTranscript { item, text }))
        };
        let input = said("my name is Ada");
        assert_eq!(
            say(&show(&input, Words::Hidden)),
            "model: caller transcript: item item_3, text [14 characters]"
        );
        assert!(say(&show(&input, Words::Shown)).ends_with("text my name is Ada"));
        assert_eq!(say(&show(&Input::Digit('7'), Words::Hidden)), "digit [1 character]");
        let number = PhoneNumber::new("+14155550100");
        assert_eq!(say(&show(&number, Words::Hidden)), "[12 characters]");
        let text = "[The caller pressed the key 7.]".to_owned();
        let told = Output::Model(ClientEvent::CreateItem(Item::UserText { text }));
        assert_eq!(
            say(&show(&told, Words::Hidden)),
            "model: create item: user text: text [31 characters]"
        );
    }

    #[test]
    fn times_are_seconds_and_variants_are_words() {
        let output =
            Output::StartModel { delay: Micros::from_millis(250), attempt: 1, provider: 0 };
        assert_eq!(
            say(&show(&output, Words::Hidden)),
            "start model: attempt 1, delay 0.250 s, provider 0"
        );
        assert_eq!(say(&show(&Micros(1_000_001), Words::Hidden)), "1.000001 s");
        assert_eq!(say(&show(&Input::StreamStopped, Words::Hidden)), "stream stopped");
    }
}
