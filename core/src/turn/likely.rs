//! Whether the caller's turn is likely over, before the silence has been long
//! enough to say that it is.
//!
//! The words say so: what is heard of the turn reads as if nothing were to follow,
//! and has not changed for a while. Words that may still change will do, as being
//! wrong costs no more than an answer that is thrown away. So it is said but a few
//! times in a turn, and never twice of the same words.

use super::reading::{Reading, read};
use crate::time::Micros;

/// How long a finished sentence must stay as it is: enough for a mark to be taken
/// back that was set too soon.
const AFTER_SENTENCE: Micros = Micros::from_millis(100);

/// How long words must that do not tell: longer than from one result of a recogniser
/// to the next, about 300 ms, as there is one in the middle of every sentence.
const AFTER_WORDS: Micros = Micros::from_millis(350);

/// How often it is said in a turn.
const MOST: u32 = 3;

/// Marks that a recogniser sets one time and not the other.
const MARKS: [char; 18] =
    ['.', ',', '?', '!', ';', ':', '…', '"', '“', '”', '‘', '(', ')', '¿', '¡', '。', '，', '？'];

/// Whether two texts are the same words, whatever their capitals and punctuation.
/// Marks within numbers count: `1.5` is not `15`.
#[must_use]
pub fn same_words(one: &str, other: &str) -> bool {
    plain_words(one).eq(plain_words(other))
}

/// Whether a text begins with the words of another and goes on.
#[must_use]
pub fn goes_on(from: &str, text: &str) -> bool {
    let (mut before, mut after) = (plain_words(from), plain_words(text));
    before.all(|word| after.next().is_some_and(|other| other == word)) && after.next().is_some()
}

fn plain_words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace().map(plain_word).filter(|word| !word.is_empty())
}

fn plain_word(word: &str) -> String {
    let word = word.trim_matches(|c: char| MARKS.contains(&c) || matches!(c, '\'' | '’'));
    if matches!(word, "-" | "–" | "—") {
        return String::new();
    }
    let chars: Vec<char> = word.chars().collect();
    let digit =
        |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c: &char| c.is_numeric());
    let kept = chars.iter().enumerate().filter(|(at, c)| {
        let in_number = digit(at.checked_sub(1)) && digit(at.checked_add(1));
        in_number || !MARKS.contains(c)
    });
    let plain: String = kept.map(|(_, c)| if *c == '’' { '\'' } else { *c }).collect();
    plain.to_lowercase()
}

/// See the module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Likely {
    /// Nobody asks where it is unset.
    wanted: bool,
    /// What is heard of the turn so far, and since when.
    heard: String,
    since: Micros,
    due: Option<Micros>,
    /// What it was said of last, and how often in this turn.
    said_of: String,
    said: u32,
    news: bool,
}

impl Likely {
    pub(super) fn new(wanted: bool) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// All that is heard of the turn so far.
    pub(super) fn heard(&mut self, text: &str, now: Micros) {
        if !self.wanted {
            return;
        }
        if !same_words(&self.heard, text) {
            self.since = now;
        }
        text.clone_into(&mut self.heard);
        self.decide(now);
    }

    /// The caller makes a sound: perhaps there are more words.
    pub(super) fn sound(&mut self) {
        self.due = None;
    }

    /// It was no word.
    pub(super) fn no_sound(&mut self, now: Micros) {
        if self.wanted {
            self.decide(now);
        }
    }

    fn decide(&mut self, now: Micros) {
        self.due = None;
        if self.said >= MOST || same_words(&self.heard, &self.said_of) {
            return;
        }
        let wait = match read(&self.heard) {
            Reading::Finished => AFTER_SENTENCE,
            Reading::Open => AFTER_WORDS,
            Reading::Unfinished | Reading::Dictating => return,
        };
        self.due = Some((self.since + wait).max(now));
    }

    pub(super) fn due(&self) -> Option<Micros> {
        self.due
    }

    pub(super) fn handle_timeout(&mut self, now: Micros) {
        if self.due.take_if(|at| *at <= now).is_some() {
            self.said += 1;
            self.said_of.clone_from(&self.heard);
            self.news = true;
        }
    }

    pub(super) fn take(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// The turn is over.
    pub(super) fn end(&mut self) {
        *self = Self::new(self.wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_and_punctuation_change_no_words() {
        for (one, other) in [
            ("hello what are your hours", "Hello, what are your hours?"),
            ("I'm here.", "i’m here"),
            ("At 3 p.m. — please", "at 3 pm please"),
            ("“Yes”", "yes"),
            ("", " … "),
        ] {
            assert!(same_words(one, other), "{one:?} {other:?}");
        }
        for (one, other) in [
            ("1.5 pounds", "15 pounds"),
            ("at 10:30", "at 1030"),
            ("we'll see", "well see"),
            ("10 0", "100"),
            ("$5", "5"),
            ("yes", ""),
            ("to", "two"),
        ] {
            assert!(!same_words(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_text_goes_on_where_words_follow() {
        assert!(goes_on("When are you open?", "when are you open on Sunday"));
        assert!(!goes_on("When are you open?", "When are you open."));
        assert!(!goes_on("When are you open?", "Where are you, open?"));
        assert!(!goes_on("When are you open?", "When are"));
    }
}
