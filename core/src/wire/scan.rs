//! A quick look at a message that peers send fifty times a second.
//!
//! Nearly every audio message is one object of strings and small numbers,
//! without an escape and without a blank. [`Scan`] walks such a text field by
//! field at a few instructions a byte. It reads nothing else: whatever is out of
//! the ordinary ends the walk with [`Odd`], and the whole message goes to the
//! real JSON parser. So it may refuse what JSON allows and never takes what JSON
//! forbids.

/// The text is not of the plain kind that is walked here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Odd;

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A string without escapes.
    Text(&'a str),
    /// A whole number of at most nine digits.
    Number(u32),
    /// An object begins: its fields come next, and its end is an end of its own.
    Object,
}

/// What comes next in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A field.
    Field(&'a str, Value<'a>),
    /// The end of the innermost object that is open.
    End,
}

/// See the module's text.
#[derive(Clone, Debug)]
pub(super) struct Scan<'a> {
    rest: &'a str,
    depth: u32,
    /// A field has come before in the innermost object.
    follows: bool,
}

impl<'a> Scan<'a> {
    /// Begins with the first field of the object that `text` is.
    pub(super) fn new(text: &'a str) -> Result<Self, Odd> {
        let rest = text.strip_prefix('{').ok_or(Odd)?;
        is_plain(text.as_bytes()).then_some(Self { rest, depth: 1, follows: false }).ok_or(Odd)
    }

    /// The next field or end.
    pub(super) fn step(&mut self) -> Result<Step<'a>, Odd> {
        if let Some(rest) = self.rest.strip_prefix('}') {
            self.rest = rest;
            self.depth = self.depth.checked_sub(1).ok_or(Odd)?;
            self.follows = true;
            return Ok(Step::End);
        }
        if self.follows {
            self.skip(',')?;
        }
        self.follows = true;
        let name = self.string()?;
        self.skip(':')?;
        Ok(Step::Field(name, self.value()?))
    }

    /// The text has to end where its object does.
    pub(super) fn finish(&self) -> Result<(), Odd> {
        (self.depth == 0 && self.rest.is_empty()).then_some(()).ok_or(Odd)
    }

    fn skip(&mut self, token: char) -> Result<(), Odd> {
        self.rest = self.rest.strip_prefix(token).ok_or(Odd)?;
        Ok(())
    }

    fn string(&mut self) -> Result<&'a str, Odd> {
        self.skip('"')?;
        let end = memchr::memchr(b'"', self.rest.as_bytes()).ok_or(Odd)?;
        let (text, rest) = self.rest.split_at_checked(end).ok_or(Odd)?;
        self.rest = rest.strip_prefix('"').ok_or(Odd)?;
        Ok(text)
    }

    fn value(&mut self) -> Result<Value<'a>, Odd> {
        match self.rest.as_bytes().first() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'{') => {
                self.skip('{')?;
                self.depth += 1;
                self.follows = false;
                Ok(Value::Object)
            }
            Some(b'0'..=b'9') => self.number().map(Value::Number),
            Some(_) | None => Err(Odd),
        }
    }

    fn number(&mut self) -> Result<u32, Odd> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at_checked(digits).ok_or(Odd)?;
        // JSON has no leading zeros, and a fraction or an exponent is not whole.
        let leads = number.len() > 1 && number.starts_with('0');
        if leads || number.len() > 9 || !rest.starts_with([',', '}']) {
            return Err(Odd);
        }
        self.rest = rest;
        number.parse().map_err(|_| Odd)
    }
}

/// Whether no byte is a control character or a backslash. Without branches, so
/// that sixteen bytes are looked at in one go.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |plain, b| plain & (*b >= b' ') & (*b != b'\\'))
}

/// Puts a value where there is none yet: a field that comes twice is for the
/// real parser to judge.
pub(super) fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Odd> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Odd),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    fn walk(text: &str) -> Result<Vec<String>, Odd> {
        let mut scan = Scan::new(text)?;
        let mut steps = Vec::new();
        while scan.depth > 0 {
            steps.push(match scan.step()? {
                Step::Field(name, value) => format!("{name}={value:?}"),
                Step::End => "end".to_owned(),
            });
        }
        scan.finish()?;
        Ok(steps)
    }

    #[test]
    fn walks_a_plain_message() {
        let steps = walk(r#"{"a":"x","b":{"n":12,"e":""},"c":0}"#).unwrap();
        let expected = [
            r#"a=Text("x")"#,
            "b=Object",
            "n=Number(12)",
            r#"e=Text("")"#,
            "end",
            "c=Number(0)",
            "end",
        ];
        assert_eq!(steps, expected);
        assert_eq!(walk("{}").unwrap(), ["end"]);
    }

    #[test]
    fn leaves_everything_else_to_the_parser() {
        for odd in [
            "",
            "{",
            "[]",
            r#"{"a" :1}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a":1"b":2}"#,
            r#"{"a":01}"#,
            r#"{"a":1.5}"#,
            r#"{"a":-1}"#,
            r#"{"a":1e2}"#,
            r#"{"a":1234567890}"#,
            r#"{"a":null}"#,
            r#"{"a":"\u0041"}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":1} "#,
            r#"{"a":1}}"#,
            r#"{"a":{"b":1}"#,
            r#"{"a":[1]}"#,
            r#"{"a":1}{}"#,
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{a:1}"#,
        ] {
            assert_eq!(walk(odd), Err(Odd), "{odd}");
        }
    }

    fn nearly_json() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("{"),
            Just("}"),
            Just(","),
            Just(":"),
            Just("\"a\""),
            Just("\"b\""),
            Just("\""),
            Just("1"),
            Just("01"),
            Just("."),
            Just("\\"),
            Just(" "),
            Just("["),
            Just("]"),
            Just("é"),
            Just("\n"),
        ];
        prop::collection::vec(piece, 0..14).prop_map(|pieces| format!("{{{}", pieces.concat()))
    }

    proptest! {
        #[test]
        fn whatever_is_walked_is_json(text in prop_oneof![any::<String>(), nearly_json()]) {
            if walk(&text).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
            }
        }
    }
}
