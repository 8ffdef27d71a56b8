//! Words that say "I am listening" and do not want the floor.

/// The words of English that are a backchannel when nothing else is said with them.
pub const ENGLISH: [&str; 27] = [
    "ah", "aha", "alright", "good", "got it", "great", "hm", "hmm", "huh", "i see", "mhm", "mm",
    "mm-hm", "mmhmm", "oh", "ok", "okay", "right", "sure", "uh", "uh-huh", "uhuh", "um", "yeah",
    "yep", "yes", "yup",
];

/// Most words of a backchannel: "yeah, okay, right". Who says more wants to be heard.
const MOST_WORDS: usize = 3;

/// Whether `text` is nothing but backchannels of `list`. A text that may go on
/// (`unfinished`) is one as long as its last word may yet become one.
#[must_use]
pub fn is_backchannel(text: &str, list: &[String], unfinished: bool) -> bool {
    let words = words(text);
    let mut rest = words.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let two = after.first().map(|second| format!("{first} {second}"));
        rest = if two.is_some_and(|two| contains(list, &two)) {
            after.get(1..).unwrap_or_default()
        } else if contains(list, first) || (unfinished && after.is_empty() && begins(list, first)) {
            after
        } else {
            return false;
        };
    }
    words.len() <= MOST_WORDS
}

/// Whether the words of `text` are spoken, in this order and without a gap, in
/// `ours`: what we said, coming back. Of an `unfinished` text the last word may be
/// the beginning of one.
#[must_use]
pub fn is_echo_of(text: &str, ours: &str, unfinished: bool) -> bool {
    let (theirs, ours) = (words(text), words(ours));
    let Some((last, first)) = theirs.split_last() else {
        return false;
    };
    ours.windows(theirs.len()).any(|w| {
        w.starts_with(first)
            && w.last().is_some_and(|w| w == last || (unfinished && w.starts_with(last.as_str())))
    })
}

fn contains(list: &[String], word: &str) -> bool {
    list.iter().any(|known| words(known).join(" ") == word)
}

fn begins(list: &[String], word: &str) -> bool {
    list.iter().any(|known| words(known).join(" ").starts_with(word))
}

/// Lower case, without punctuation: "Mm-hm," is `mmhm`.
fn words(text: &str) -> Vec<String> {
    let letters = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let words = text.split_whitespace().map(|word| letters(word).to_lowercase());
    words.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(text: &str) -> bool {
        is_backchannel(text, &ENGLISH.map(str::to_owned), false)
    }

    #[test]
    fn listening_is_told_from_wanting() {
        for text in ["mm-hm", "Mm-hm.", "Yeah, okay.", "Uh-huh", "I see.", "Oh, I see", "OK", "..."]
        {
            assert!(is(text), "{text}");
        }
        let wants = ["stop", "no", "yes but", "okay wait", "I", "yeah yeah yeah yeah", "see I"];
        for text in wants {
            assert!(!is(text), "{text}");
        }
    }

    #[test]
    fn a_word_under_way_is_given_the_time_to_become_one() {
        let is = |text| is_backchannel(text, &ENGLISH.map(str::to_owned), true);
        assert!(is("ye") && is("o") && is("yes ok") && is("mm-"));
        assert!(!is("sto") && !is("no") && !is("ye but"));
    }

    #[test]
    fn our_own_words_are_known_again() {
        let ours = "Shall I book you in for Monday, at ten?";
        let is = |text| is_echo_of(text, ours, false);
        assert!(is("book you in") && is("Monday at ten."));
        assert!(!is("book me in") && !is("") && !is("book yo"));
        assert!(is_echo_of("book yo", ours, true) && !is_echo_of("book me", ours, true));
    }
}
