//! Cutting what the agent writes into sentences that can be spoken, while it is
//! still being written.
//!
//! A sentence is given out as soon as it is certain that it is over. The first
//! one of an answer is waited for by somebody, so where it grows long it is cut
//! at a clause.

use super::spoken::spoken;

/// Length from which the first piece of an answer may end at a clause, in bytes.
const FIRST_LONG: usize = 60;
/// The same for the pieces after it, which nobody waits for.
const LATER_LONG: usize = 220;
/// Shortest piece that is cut off at a clause, in bytes: below it, a voice sounds
/// as if it stumbled.
const SHORTEST_CLAUSE: usize = 20;

/// Words that a full stop does not end a sentence behind.
const NEVER_LAST: [&str; 21] = [
    "dr", "mr", "mrs", "ms", "prof", "rev", "gen", "capt", "lt", "sgt", "mt", "vs", "e.g", "i.e",
    "approx", "dept", "fig", "ext", "tel", "min", "max",
];
/// Words behind which it depends on what comes next.
const MAYBE_LAST: [&str; 34] = [
    "a.m", "p.m", "etc", "inc", "ltd", "co", "corp", "no", "nos", "st", "ave", "blvd", "rd", "sr",
    "jr", "u.s", "u.k", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct",
    "nov", "dec", "mon", "tue", "wed", "thu", "fri",
];

/// One piece to be spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// As it is remembered: without markup.
    pub written: String,
    /// As a voice is to read it.
    pub spoken: String,
}

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub struct Sentences {
    buffer: String,
    given: bool,
}

/// Whether a word is the last of its sentence.
#[derive(PartialEq, Eq)]
enum Ends {
    Yes,
    No,
    /// What follows will tell.
    Unknown,
}

impl Sentences {
    /// A whole text, cut as an answer is.
    #[must_use]
    pub fn of(text: &str) -> Vec<Sentence> {
        let mut sentences = Self::default();
        sentences.push(text);
        let mut all: Vec<_> = std::iter::from_fn(|| sentences.next_whole()).collect();
        all.extend(sentences.rest());
        all
    }

    /// More of the answer.
    pub fn push(&mut self, text: &str) {
        self.buffer.push_str(text);
    }

    /// The next piece that is certain to be whole.
    pub fn next_whole(&mut self) -> Option<Sentence> {
        while let Some(end) = self.end() {
            let rest = self.buffer.split_off(end);
            let piece = std::mem::replace(&mut self.buffer, rest);
            if let Some(sentence) = self.give(&piece) {
                return Some(sentence);
            }
        }
        None
    }

    /// The answer is over: what is left of it.
    pub fn rest(&mut self) -> Option<Sentence> {
        let piece = std::mem::take(&mut self.buffer);
        self.give(&piece)
    }

    fn give(&mut self, piece: &str) -> Option<Sentence> {
        let (written, spoken) = spoken(piece);
        let has_words = spoken.chars().any(char::is_alphanumeric);
        self.given |= has_words;
        has_words.then_some(Sentence { written, spoken })
    }

    /// Where the first piece ends, in bytes.
    fn end(&self) -> Option<usize> {
        let text = self.buffer.as_str();
        let start = text.len() - text.trim_start().len();
        let mut word_at = start;
        let mut first = true;
        for (at, c) in text.char_indices().skip_while(|(at, _)| *at < start) {
            if !c.is_whitespace() {
                continue;
            }
            let word = text.get(word_at..at).unwrap_or_default();
            let after = at + c.len_utf8();
            let follows = text.get(after..).unwrap_or_default();
            if !word.is_empty() {
                let marks_item = first && is_list_mark(word);
                match if marks_item { Ends::No } else { ends_sentence(word, follows) } {
                    Ends::Yes => return Some(after),
                    Ends::Unknown => return None,
                    Ends::No => {}
                }
                if c == '\n' && !marks_item {
                    return Some(after);
                }
                first = false;
            }
            word_at = after;
        }
        self.clause_end()
    }

    /// Where a piece that has grown too long is cut.
    fn clause_end(&self) -> Option<usize> {
        let long = if self.given { LATER_LONG } else { FIRST_LONG };
        let text = self.buffer.as_str();
        if text.len() <= long {
            return None;
        }
        let is_mark = |c: char| matches!(c, ',' | ';' | ':' | '—' | '–');
        let spaces = text.char_indices().filter(|(at, c)| *c == ' ' && *at >= SHORTEST_CLAUSE);
        let behind = |at: usize| text.get(..at).is_some_and(|head| head.ends_with(is_mark));
        let clause = spaces.clone().rfind(|(at, _)| behind(*at));
        let mut spaces = spaces;
        let anywhere =
            || (text.len() > 2 * long).then(|| spaces.find(|(at, _)| *at >= long)).flatten();
        clause.or_else(anywhere).map(|(at, _)| at + 1)
    }
}

/// `1.`, `-` and the like in front of an item.
fn is_list_mark(word: &str) -> bool {
    let number = word.trim_end_matches(['.', ')']);
    matches!(word, "-" | "*" | "•" | "–")
        || (number.len() < word.len() && number.len() <= 2 && is_all_digits(number))
}

fn is_all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn ends_sentence(word: &str, follows: &str) -> Ends {
    let closing = |c: char| matches!(c, '"' | '\'' | ')' | ']' | '*' | '_' | '”' | '’' | '»');
    let word = word.trim_end_matches(closing);
    let Some(last) = word.chars().next_back() else {
        return Ends::No;
    };
    if matches!(last, '!' | '?' | '…' | '。') {
        return Ends::Yes;
    }
    if last != '.' {
        return Ends::No;
    }
    let opening = |c: char| !c.is_alphanumeric();
    let bare = word.trim_end_matches('.').trim_start_matches(opening);
    let lower = bare.to_lowercase();
    let mut letters = bare.chars();
    let initial = matches!((letters.next(), letters.next()), (Some(c), None) if c.is_uppercase());
    if bare.is_empty() || NEVER_LAST.contains(&lower.as_str()) || (initial && bare != "I") {
        return Ends::No;
    }
    if !MAYBE_LAST.contains(&lower.as_str()) {
        return Ends::Yes;
    }
    match follows.trim_start().chars().next() {
        None => Ends::Unknown,
        Some(c) if c.is_uppercase() => Ends::Yes,
        Some(_) => Ends::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let mut sentences = Sentences::default();
        sentences.push(text);
        let mut all = Vec::new();
        while let Some(sentence) = sentences.next_whole() {
            all.push(sentence.written);
        }
        all.extend(sentences.rest().map(|s| s.written));
        all
    }

    #[test]
    fn sentences_end_where_a_listener_hears_an_end() {
        for (text, expected) in [
            ("Hello. How are you?", &["Hello.", "How are you?"][..]),
            ("Dr. Smith is in. Come by.", &["Dr. Smith is in.", "Come by."]),
            ("It costs 3.50 dollars. Fine?", &["It costs 3.50 dollars.", "Fine?"]),
            ("At 3 p.m. on Friday. Good.", &["At 3 p.m. on Friday.", "Good."]),
            ("We close at 5 p.m. See you then.", &["We close at 5 p.m.", "See you then."]),
            (
                "Take No. 5 please. No. That is wrong.",
                &["Take No. 5 please.", "No.", "That is wrong."],
            ),
            ("Ask J. Smith. He knows!", &["Ask J. Smith.", "He knows!"]),
            ("He said \"Stop.\" Then he left.", &["He said \"Stop.\"", "Then he left."]),
            ("On the 3rd. Or the 4th.", &["On the 3rd.", "Or the 4th."]),
            ("Write to a.b@example.com. Thanks.", &["Write to a.b@example.com.", "Thanks."]),
            ("Really?! Yes…  Well.", &["Really?!", "Yes…", "Well."]),
            ("Wait... for it.", &["Wait...", "for it."]),
            ("Here I am. so there.", &["Here I am.", "so there."]),
        ] {
            assert_eq!(cut(text), expected, "{text}");
        }
    }

    #[test]
    fn items_of_a_list_are_sentences() {
        let text = "We offer:\n1. Cleaning\n2. Repairs, e.g. of pipes\n- Advice\n\nAnything else?";
        let expected =
            ["We offer:", "1. Cleaning", "2. Repairs, e.g. of pipes", "Advice", "Anything else?"];
        assert_eq!(cut(text), expected);
    }

    #[test]
    fn the_first_piece_does_not_wait_for_a_long_sentence_to_end() {
        let mut sentences = Sentences::default();
        let text =
            "Well, since you ask about our services, which are many and of all kinds, let me ";
        sentences.push(text);
        let first = sentences.next_whole().map(|s| s.written);
        let expected = "Well, since you ask about our services, which are many and of all kinds,";
        assert_eq!(first.as_deref(), Some(expected));
        sentences.push("tell you of them, one by one, as long as you like, ");
        assert_eq!(sentences.next_whole(), None, "nobody waits for the second");
    }

    #[test]
    fn a_wall_of_words_is_cut_somewhere() {
        let wall = "word ".repeat(100);
        assert!(cut(&wall).iter().all(|piece| piece.len() <= 3 * LATER_LONG));
        assert!(cut(&wall).len() > 1);
    }

    #[test]
    fn where_the_pieces_of_a_stream_are_cut_changes_nothing() {
        let text =
            "Dr. No. 5 is in. It costs 3.50 at 3 p.m. today! **Really?** \n1. One\n2. Two 😀.";
        let whole = cut(text);
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let mut sentences = Sentences::default();
            let mut all = Vec::new();
            for piece in [&text[..at], &text[at..]] {
                sentences.push(piece);
                while let Some(sentence) = sentences.next_whole() {
                    all.push(sentence.written);
                }
            }
            all.extend(sentences.rest().map(|s| s.written));
            assert_eq!(all, whole, "cut at {at}");
        }
    }
}
