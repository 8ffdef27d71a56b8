//! From a script's text to its steps.

use std::fmt;

use super::super::library::{Library, LibraryError};
use super::{Expectation, Expected, Fault, Step, Wait};

/// Longest wait a script may ask for, in milliseconds: a day.
const MAX_MS: u64 = 86_400_000;

/// Why a text is no script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// A line that is no step.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Audio that cannot be had.
    #[error("line {line}: {source}")]
    Audio {
        /// Counted from 1.
        line: usize,
        /// Why.
        source: LibraryError,
    },
}

/// A line as written, its audio not looked up yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Counted from 1.
    pub number: usize,
    /// What it says.
    pub words: Words,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    /// A step that needs no audio.
    Step(Step),
    /// `play FILE`.
    Play(String),
    /// `say TEXT`.
    Say(String),
}

impl Line {
    pub(super) fn resolve(self, library: &mut Library) -> Result<Step, ScriptError> {
        let line = self.number;
        let clip = match self.words {
            Words::Step(step) => return Ok(step),
            Words::Play(file) => library.file(file.as_ref()),
            Words::Say(text) => library.utterance(&text),
        };
        clip.map(Step::Play).map_err(|source| ScriptError::Audio { line, source })
    }
}

/// Reads a script's lines without looking for its audio.
///
/// # Errors
/// For the first line that is no step.
pub fn parse(text: &str) -> Result<Vec<Line>, ScriptError> {
    let mut lines = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let number = index + 1;
        let written = without_comment(raw);
        if written.is_empty() {
            continue;
        }
        let words =
            words(written).map_err(|problem| ScriptError::Line { line: number, problem })?;
        lines.push(Line { number, words });
    }
    Ok(lines)
}

/// A comment begins the line or follows white space. What stands right after
/// `press` is never one, since `#` is a key.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    let after_press = line.strip_prefix("press").unwrap_or_default();
    let keys = after_press.split_whitespace().next().filter(|_| after_press.starts_with(' '));
    let from = match keys {
        Some(keys) => line.find(keys).map_or(0, |at| at + keys.len()),
        None => 0,
    };
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && at >= from && before.is_whitespace() {
            return line.get(..at).unwrap_or(line).trim();
        }
        before = c;
    }
    line
}

fn words(line: &str) -> Result<Words, String> {
    let (verb, rest) = split_word(line);
    let step = match verb {
        "wait" => Step::Wait(wait(rest)?),
        "hold" => Step::Wait(Wait::For(hold(rest)?)),
        "play" => return Ok(Words::Play(needed(rest, "a file")?)),
        "say" => return Ok(Words::Say(needed(rest, "a text")?)),
        "press" => Step::Press(keys(rest)?),
        "expect" => Step::Expect(expectation(rest)?),
        "hangup" => alone(rest, Step::Hangup)?,
        "drop" => alone(rest, Step::Fault(Fault::Drop))?,
        "stall" => alone(rest, Step::Fault(Fault::Stall))?,
        "forge" => alone(rest, Step::Fault(Fault::Forge))?,
        "no-stream" => alone(rest, Step::Fault(Fault::NoStream))?,
        "never-start" => alone(rest, Step::Fault(Fault::NeverStart))?,
        "garbage" => alone(rest, Step::Fault(Fault::Garbage))?,
        other => {
            return Err(format!(
                "{other:?} is no step; there are wait, hold, play, say, press, hangup, expect, \
                 drop, stall, forge, no-stream, never-start and garbage"
            ));
        }
    };
    Ok(Words::Step(step))
}

fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

fn needed(text: &str, what: &str) -> Result<String, String> {
    if text.is_empty() { Err(format!("{what} is missing")) } else { Ok(text.to_owned()) }
}

fn alone(rest: &str, step: Step) -> Result<Step, String> {
    if rest.is_empty() { Ok(step) } else { Err(format!("nothing may follow, but {rest:?} does")) }
}

fn wait(rest: &str) -> Result<Wait, String> {
    let (word, time) = split_word(rest);
    match (word, time) {
        ("greeting", "") => Ok(Wait::Greeting),
        ("reply", "") => Ok(Wait::Reply),
        ("quiet", time) => duration_ms(time).map(Wait::Quiet),
        ("speaking", time) => duration_ms(time).map(Wait::Speaking),
        (time, "") => duration_ms(time).map(Wait::For),
        (word, _) => Err(format!(
            "cannot wait for {word:?}; a time, greeting, reply, quiet TIME or speaking TIME"
        )),
    }
}

fn hold(rest: &str) -> Result<u64, String> {
    if rest.ends_with('s') { duration_ms(rest) } else { duration_ms(&format!("{rest}s")) }
}

fn keys(rest: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D');
    if !rest.is_empty() && rest.chars().all(good) {
        return Ok(rest.to_owned());
    }
    Err(format!("{rest:?} are no keys; 0 to 9, *, #"))
}

fn expectation(rest: &str) -> Result<Expectation, String> {
    let (rest, within_ms) = match rest.rsplit_once(" within ") {
        Some((rest, time)) => (rest.trim(), Some(duration_ms(time.trim())?)),
        None => (rest, None),
    };
    let what = match split_word(rest) {
        ("hangup", "") => Expected::Hangup,
        ("dial", number) => Expected::Dial(needed(number, "the number")?),
        ("text", text) => Expected::Text(needed(text, "the text")?),
        ("refused", "") => Expected::Refused,
        (other, _) => {
            return Err(format!("cannot expect {other:?}; hangup, dial, text or refused"));
        }
    };
    Ok(Expectation { what, within_ms })
}

/// `2s`, `1.5s`, `800ms` in milliseconds; parts of a millisecond are dropped.
fn duration_ms(text: &str) -> Result<u64, String> {
    let bad = || format!("{text:?} is no time; write 2s, 1.5s or 800ms");
    let (number, unit_ms) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1_000),
        (None, None) => return Err(bad()),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |s: &str| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(bad());
    }
    let scale = 10_u64.pow(u32::try_from(part.len()).map_err(|_| bad())?);
    let whole: u64 = whole.parse().map_err(|_| bad())?;
    let part: u64 = part.parse().map_err(|_| bad())?;
    let ms = whole * unit_ms + part * unit_ms / scale;
    if ms > MAX_MS { Err(format!("{text:?} is longer than a day")) } else { Ok(ms) }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step) => step.fmt(f),
            Self::Play(file) => write!(f, "play {file}"),
            Self::Say(text) => write!(f, "say {text}"),
        }
    }
}
