//! Numbers and names that are dictated piece by piece.

/// Digits by their English names.
const NAMES: [&str; 11] =
    ["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// Lengths at which a dictated number is whole: a local telephone number, one with
/// its area code, one with its country code. What is longer is taken for whole as
/// well.
const WHOLE: [usize; 3] = [7, 10, 11];

/// Length of a postal code and of our own confirmation numbers. Whole where one of
/// these was announced; elsewhere it may be half a telephone number.
const CODE: usize = 5;

/// Words that announce such a number.
const CODES: [&str; 6] = ["code", "zip", "confirmation", "reference", "account", "apt"];

/// Fewest digits that are dictation in themselves.
const FEWEST: usize = 3;

/// Words that announce a number.
const ANNOUNCING: [&str; 12] = [
    "number",
    "numbers",
    "code",
    "digits",
    "phone",
    "cell",
    "mobile",
    "zip",
    "reference",
    "account",
    "confirmation",
    "apt",
];

/// Words that may stand before digits without being about anything else.
const LEAD_IN: [&str; 14] = [
    "it's", "it", "is", "its", "that's", "yes", "yeah", "sure", "okay", "ok", "so", "um", "uh",
    "and",
];

/// The digits, or letters, that a text ends with.
struct Tail {
    digits: usize,
    /// Single letters, as in a name that is spelled.
    letters: usize,
    /// Words before them.
    before: usize,
}

/// Whether the words end in a number, or a name, of which more is to come.
pub(super) fn is_dictating(words: &[String]) -> bool {
    let tail = tail(words);
    if tail.letters >= 2 {
        return true;
    }
    let is_short = tail.digits > 0 && !is_whole_length(tail.digits);
    is_short && !is_code(words, &tail) && is_about_a_number(words, &tail)
}

/// Whether the words end in a number that is whole.
pub(super) fn is_whole(words: &[String]) -> bool {
    let tail = tail(words);
    let is_long = tail.digits > 0 && is_whole_length(tail.digits);
    (is_long || is_code(words, &tail)) && is_about_a_number(words, &tail)
}

fn is_code(words: &[String], tail: &Tail) -> bool {
    let before = words.get(..tail.before).unwrap_or_default();
    tail.digits == CODE && before.iter().any(|word| CODES.contains(&word.as_str()))
}

fn is_whole_length(digits: usize) -> bool {
    WHOLE.contains(&digits) || digits > 11
}

/// A number that was announced, or one that is all there is. "At four thirty" is
/// neither.
fn is_about_a_number(words: &[String], tail: &Tail) -> bool {
    let before = words.get(..tail.before).unwrap_or_default();
    let announced = before.iter().any(|word| ANNOUNCING.contains(&word.as_str()));
    let alone = before.iter().all(|word| LEAD_IN.contains(&word.as_str()));
    announced || (alone && tail.digits >= FEWEST)
}

fn tail(words: &[String]) -> Tail {
    let mut tail = Tail { digits: 0, letters: 0, before: words.len() };
    let mut doubled = 0;
    for word in words.iter().rev() {
        let digits = digits_in(word);
        if digits > 0 && tail.letters == 0 {
            tail.digits += digits;
            doubled = digits;
        } else if let Some(times) = multiplier(word).filter(|_| doubled == 1) {
            tail.digits += times - 1;
            doubled = 0;
        } else if is_letter(word) && tail.digits == 0 {
            tail.letters += 1;
        } else {
            break;
        }
        tail.before -= 1;
    }
    tail
}

/// Digits in a word that has nothing but digits and what people write between
/// them, or that names one.
fn digits_in(word: &str) -> usize {
    if NAMES.contains(&word) {
        return 1;
    }
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let between = |c: char| matches!(c, '-' | '.' | '/' | '(' | ')' | '+' | ',');
    if word.chars().all(|c| c.is_ascii_digit() || between(c)) { digits } else { 0 }
}

fn multiplier(word: &str) -> Option<usize> {
    match word {
        "double" => Some(2),
        "triple" => Some(3),
        _ => None,
    }
}

fn is_letter(word: &str) -> bool {
    word.chars().count() == 1 && word.chars().all(char::is_alphabetic)
}
