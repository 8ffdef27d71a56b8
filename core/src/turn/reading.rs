//! What the words of a turn say about whether there are more to come.
//!
//! Rules of thumb over the last few words, so that a pause can be told from an
//! end. They are English first; punctuation, digits and spelled letters mean the
//! same in every language, and a text that fits no rule decides nothing.

use serde::{Deserialize, Serialize};

mod digits;

/// What a text says about its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// Nothing: no words yet, or none that tell.
    #[default]
    Open,
    /// A finished sentence.
    Finished,
    /// It breaks off where nobody ends: at "and", at "um", at a comma.
    Unfinished,
    /// Digits or letters that are still being dictated.
    Dictating,
}

/// Words after which something must follow: conjunctions, articles, and what
/// English never leaves at the end of a statement.
const LEADING: [&str; 34] = [
    "a", "an", "and", "at", "because", "but", "by", "cause", "from", "her", "his", "i'd", "i'll",
    "i'm", "if", "into", "its", "my", "nor", "of", "or", "our", "plus", "that's", "the", "their",
    "then", "unless", "until", "whether", "which", "while", "with", "your",
];

/// Sounds of somebody who is thinking.
const FILLERS: [&str; 18] = [
    "ah", "ahm", "eh", "ehm", "er", "erm", "euh", "hm", "hmm", "hmmm", "like", "mm", "mmm", "uh",
    "uhh", "uhm", "um", "umm",
];

/// What "so" ends when it is not a beginning: "I think so".
const BEFORE_SO: [&str; 11] =
    ["think", "hope", "guess", "believe", "suppose", "say", "said", "do", "did", "not", "afraid"];

/// What "her" and "his" may end: "I saw her", "it is his".
const BEFORE_POSSESSIVE: [&str; 12] =
    ["is", "was", "saw", "told", "ask", "asked", "know", "called", "for", "to", "not", "like"];

/// What is said before "like" when it is no filler: "what is it like".
const BEFORE_LIKE: [&str; 8] = ["i'd", "would", "you", "it", "that", "they", "looks", "is"];

/// Marks that end a sentence, in the scripts that have their own.
const FULL_STOPS: [char; 9] = ['.', '?', '!', '。', '？', '！', '؟', '।', '…'];

/// Reads the words of a turn so far.
#[must_use]
pub fn read(text: &str) -> Reading {
    let text = text.trim_end();
    let words = words(text);
    let Some(last) = words.last() else {
        return Reading::Open;
    };
    if digits::is_dictating(&words) {
        Reading::Dictating
    } else if trails_off(text) {
        Reading::Unfinished
    } else if asks_or_exclaims(text) {
        Reading::Finished
    } else if wants_more(last, words.iter().rev().nth(1).map(String::as_str)) {
        Reading::Unfinished
    } else if text.ends_with(FULL_STOPS) || digits::is_whole(&words) {
        Reading::Finished
    } else {
        Reading::Open
    }
}

/// The words in small letters, without the marks around them.
fn words(text: &str) -> Vec<String> {
    let bare = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        word.replace('’', "'")
    };
    text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect()
}

/// Marks that nobody ends with: a comma, a dash, three dots.
fn trails_off(text: &str) -> bool {
    let dots = text.ends_with("...") || text.ends_with('…');
    dots || text.ends_with([',', '-', '–', '—', ':', ';', '、', '，', '،'])
}

/// A question may end in any word: "who is it from?".
fn asks_or_exclaims(text: &str) -> bool {
    text.ends_with(['?', '!', '？', '！', '؟'])
}

fn wants_more(last: &str, before: Option<&str>) -> bool {
    let after = |list: &[&str]| before.is_some_and(|word| list.contains(&word));
    match last {
        "so" => !after(&BEFORE_SO),
        "her" | "his" => !after(&BEFORE_POSSESSIVE),
        "like" => !after(&BEFORE_LIKE),
        // On its own it is an answer: "which one?" "The". Nobody says that, but a
        // thinking sound alone is no turn either.
        word => LEADING.contains(&word) || FILLERS.contains(&word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_are(reading: Reading, texts: &[&str]) {
        for text in texts {
            assert_eq!(read(text), reading, "{text:?}");
        }
    }

    #[test]
    fn a_sentence_with_its_mark_is_finished() {
        all_are(
            Reading::Finished,
            &[
                "Do you do boilers?",
                "I need a plumber.",
                "No, thank you!",
                "Who is it from?",
                "What is that for?",
                "お願いします。",
                "क्या आप आ सकते हैं।",
                "I think so.",
                "I saw her.",
            ],
        );
    }

    #[test]
    fn what_ends_where_nobody_ends_is_unfinished() {
        all_are(
            Reading::Unfinished,
            &[
                "I need a plumber and",
                "I need a plumber, and.",
                "I wanted to ask about the",
                "it is broken because",
                "so um",
                "Um...",
                "well, uh",
                "on Monday or",
                "it's leaking, so",
                "I would take the first one,",
                "tomorrow –",
                "my name is—",
                "el lunes,",
            ],
        );
    }

    #[test]
    fn digits_are_waited_for_until_the_number_is_whole() {
        all_are(
            Reading::Dictating,
            &[
                "my number is 512",
                "My number is 512-555.",
                "my number is five one two five five five",
                "it's 5 1 2",
                "five five five, oh one",
                "my cell is 555 01",
                "the code is 4",
                "sure, my phone number is 512 555 01",
                "my name is S M",
                "that's spelled K O W",
            ],
        );
    }

    #[test]
    fn a_whole_number_ends_the_turn() {
        all_are(
            Reading::Finished,
            &[
                "my number is 512 555 0100",
                "my number is (512) 555-0100.",
                "five one two five five five oh one double zero",
                "+1 512 555 0100",
                "555 0100",
                "my confirmation number is 12345",
            ],
        );
    }

    #[test]
    fn a_number_that_is_an_answer_is_not_dictation() {
        all_are(
            Reading::Open,
            &["two", "at 4 30", "room 512 please", "the 1930 building", "in 2026"],
        );
        all_are(Reading::Finished, &["Two.", "At 10.", "There are 12 of us."]);
    }

    #[test]
    fn what_tells_nothing_decides_nothing() {
        all_are(
            Reading::Open,
            &["", "   ", "?!", "I need a plumber", "tomorrow", "yo necesito un fontanero"],
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            proptest::prop_assert_eq!(read(&text), read(&format!("{text} ")));
        }

        #[test]
        fn nor_do_digits(text in "[0-9a-f ,.+()-]{0,60}") {
            proptest::prop_assert_eq!(read(&text), read(&format!("{text} ")));
        }
    }
}
