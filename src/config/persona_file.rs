//! A persona's file: front matter between `+++` lines, then the instructions.
//!
//! The front matter holds the fixed sentences. They are filled in once, when
//! the files are read, because their audio is kept by their text; so they may
//! mention `company` and `persona` and nothing that differs between calls. The
//! instructions are filled in for each call (see [`trunkline_core::persona`]).

use std::path::{Path, PathBuf};

use trunkline_core::persona::{PersonaError, Vars, check, render};
use trunkline_core::tenant::Persona;

use super::document;
use super::problem::{Problems, Source};
use super::section::Section;
use super::suggest::did_you_mean;

const FENCE: &str = "+++";
const FENCE_FIX: &str =
    "begin the file with a line +++, then keys such as greeting = \"…\", then another line +++";

/// A persona file as it was read, before it speaks for anybody.
#[derive(Clone, Debug)]
pub(crate) struct PersonaFile {
    pub(crate) path: PathBuf,
    /// The file's name without its ending.
    pub(crate) name: String,
    voice: Option<String>,
    /// With `name` the file's, and templates not filled in yet.
    texts: Persona,
}

impl PersonaFile {
    /// Reads a persona. What is wrong is noted; `None` when it is of no use.
    pub(crate) fn parse(path: &Path, bytes: &[u8], problems: &mut Problems) -> Option<Self> {
        let text = document::utf8(path, bytes, problems)?;
        let Some((front, body, body_line)) = split(text) else {
            problems.error(Source::line(path, 1), "", "has no front matter", FENCE_FIX);
            return None;
        };
        let before = problems.errors();
        let entries = document::parse(path, front, 2, problems);
        let name = path.file_stem()?.to_str()?.to_owned();
        let mut section = Section::top(path, &entries, problems);
        let (voice, mut texts) = front_matter(&mut section, &name)?;
        texts.instructions = body.trim_end().to_owned();
        check_body(path, &texts.instructions, body_line, problems);
        (problems.errors() == before).then(|| Self { path: path.to_owned(), name, voice, texts })
    }

    /// The persona as it speaks for a company.
    ///
    /// # Errors
    /// When a sentence cannot be filled in after all.
    pub(crate) fn speaking_for(&self, company: &str, voice: &str) -> Result<Persona, PersonaError> {
        let vars = Vars {
            company: company.to_owned(),
            persona: self.texts.speaks_as.clone(),
            ..Vars::default()
        };
        let fill = |text: &String| render(text, &vars, 0);
        Ok(Persona {
            greeting: fill(&self.texts.greeting)?,
            farewell: fill(&self.texts.farewell)?,
            wrap_up: fill(&self.texts.wrap_up)?,
            nudge: fill(&self.texts.nudge)?,
            bridging: fill(&self.texts.bridging)?,
            fillers: self.texts.fillers.iter().map(fill).collect::<Result<_, _>>()?,
            tangents: self.texts.tangents.iter().map(fill).collect::<Result<_, _>>()?,
            voice: self.voice.clone().unwrap_or_else(|| voice.to_owned()),
            ..self.texts.clone()
        })
    }
}

/// Front matter, body, and the line on which the body begins.
fn split(text: &str) -> Option<(&str, &str, usize)> {
    let (first, rest) = text.split_once('\n')?;
    if first.trim_end() != FENCE {
        return None;
    }
    let mut offset = 0;
    for (index, line) in rest.split_inclusive('\n').enumerate() {
        let end = offset + line.len();
        if line.trim_end() == FENCE {
            // Line 1 is the first fence, and the body begins after this one.
            return Some((rest.get(..offset)?, rest.get(end..)?, index + 3));
        }
        offset = end;
    }
    None
}

fn front_matter(section: &mut Section<'_>, name: &str) -> Option<(Option<String>, Persona)> {
    let voice = section.text("voice");
    let greeting = section.needed_text("greeting", "Hello, this is {{ company }}. How can I help?");
    let texts = Persona {
        name: name.to_owned(),
        speaks_as: section.text("name").unwrap_or_else(|| name.to_owned()),
        instructions: String::new(),
        greeting: greeting.clone().unwrap_or_default(),
        farewell: section
            .text("farewell")
            .unwrap_or_else(|| "Thank you for calling. Goodbye.".to_owned()),
        wrap_up: section
            .text("wrap_up")
            .unwrap_or_else(|| "I'm afraid we have to finish here.".to_owned()),
        fillers: section.texts("fillers"),
        nudge: section.text("nudge").unwrap_or_else(|| "Are you still there?".to_owned()),
        bridging: section.text("bridging").unwrap_or_else(|| "One moment, please.".to_owned()),
        tangents: section.texts("tangents"),
        voice: String::new(),
    };
    section.finish();
    for (key, text) in [
        ("greeting", &texts.greeting),
        ("farewell", &texts.farewell),
        ("wrap_up", &texts.wrap_up),
        ("nudge", &texts.nudge),
        ("bridging", &texts.bridging),
    ] {
        check_sentence(section, key, text);
    }
    for (key, list) in [("fillers", &texts.fillers), ("tangents", &texts.tangents)] {
        list.iter().for_each(|text| check_sentence(section, key, text));
    }
    greeting.map(|_| (voice, texts))
}

fn check_sentence(section: &mut Section<'_>, key: &str, text: &str) {
    if let Err(error) = check(text) {
        let (_, message, fix) = explain(error);
        section.error(key, message, fix);
        return;
    }
    // Two calls that have nothing in common must still give the same words.
    let one = Vars { company: "c".to_owned(), persona: "p".to_owned(), ..Vars::default() };
    let other = Vars {
        caller_last4: "0100".to_owned(),
        date: "5 March 2026".to_owned(),
        time: "14:05".to_owned(),
        weekday: "Thursday".to_owned(),
        tangents: vec!["t".to_owned()],
        ..one.clone()
    };
    if render(text, &one, 0).ok() != render(text, &other, 1).ok() {
        section.error(
            key,
            "differs from call to call, but its audio is kept by its text",
            "use only {{ company }} and {{ persona }} here; the rest belongs in the instructions",
        );
    }
}

fn check_body(path: &Path, body: &str, body_line: usize, problems: &mut Problems) {
    if body.trim().is_empty() {
        problems.error(
            Source::line(path, body_line),
            "",
            "has no instructions",
            "write after the second +++ what the model is told to be and do",
        );
        return;
    }
    if let Err(error) = check(body) {
        let (line, message, fix) = explain(error);
        problems.error(Source::line(path, body_line + line - 1), "instructions", message, fix);
    }
}

/// Line within the template, what is wrong, and the fix.
fn explain(error: PersonaError) -> (usize, String, String) {
    match error {
        PersonaError::Template { line, message } => (
            line.max(1),
            message,
            "correct the template; {{ … }} is a value, {% … %} a statement".to_owned(),
        ),
        PersonaError::UnknownName { line, name, known } => {
            let names: Vec<&str> = known.split(", ").collect();
            (line.max(1), format!("there is no `{name}`"), did_you_mean(&name, &names))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_knows_its_first_line() {
        assert_eq!(split("+++\na = 1\n+++\nbody\n"), Some(("a = 1\n", "body\n", 4)));
        assert_eq!(split("+++\r\na = 1\r\n+++\r\nbody"), Some(("a = 1\r\n", "body", 4)));
        assert_eq!(split("+++\n+++"), Some(("", "", 3)));
        assert_eq!(split("+++\nnever closed\n"), None);
        assert_eq!(split("body"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\+\\+\\+\n)?[a-z={}%\"+\n ]{0,80}") {
            PersonaFile::parse(Path::new("x.md"), text.as_bytes(), &mut Problems::default());
        }
    }
}
