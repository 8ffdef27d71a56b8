//! Comparing what was asked with what is known, word by word.

/// Words that say nothing about a topic.
const EMPTY_WORDS: [&str; 24] = [
    "a", "an", "and", "are", "at", "can", "do", "does", "for", "how", "i", "in", "is", "it", "my",
    "of", "on", "or", "the", "to", "what", "when", "you", "your",
];

/// Shortest word that may differ by an ending, in characters.
const MIN_STEM_CHARS: usize = 4;
/// Shortest word that may differ by a letter, in characters.
const MIN_FUZZY_CHARS: usize = 5;

/// The words of a text that say something, in small letters. All of them where
/// none does.
pub(super) fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let all = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let telling: Vec<String> =
        all.clone().filter(|word| !EMPTY_WORDS.contains(word)).map(str::to_owned).collect();
    if telling.is_empty() { all.map(str::to_owned).collect() } else { telling }
}

/// How many of the topic's words were asked for.
pub(super) fn in_common(asked: &[String], topic: &[String]) -> usize {
    topic.iter().filter(|word| asked.iter().any(|other| alike(word, other))).count()
}

/// Equal, or the same but for an ending ("price", "prices") or one letter.
fn alike(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let shorter = one.len().min(other.len());
    let same_stem = one.starts_with(&other) || other.starts_with(&one);
    (shorter >= MIN_STEM_CHARS && same_stem)
        || (shorter >= MIN_FUZZY_CHARS && one_edit_apart(&one, &other))
}

/// Whether one letter more, less or other makes the words equal.
fn one_edit_apart(one: &[char], other: &[char]) -> bool {
    let start = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let rest =
        |word: &[char], skip: usize| word.iter().skip(start + skip).copied().collect::<Vec<_>>();
    match one.len().cmp(&other.len()) {
        std::cmp::Ordering::Equal => rest(one, 1) == rest(other, 1),
        std::cmp::Ordering::Greater => rest(one, 1) == rest(other, 0),
        std::cmp::Ordering::Less => rest(one, 0) == rest(other, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_alike_but_for_an_ending_or_a_letter() {
        for (one, other) in [
            ("price", "prices"),
            ("adress", "address"),
            ("openning", "opening"),
            ("müller", "muller"),
        ] {
            assert!(alike(one, other) && alike(other, one), "{one} {other}");
        }
        for (one, other) in
            [("cat", "cats"), ("hours", "house"), ("fax", "tax"), ("address", "hours")]
        {
            assert!(!alike(one, other), "{one} {other}");
        }
    }

    #[test]
    fn empty_words_are_left_out_unless_there_are_no_others() {
        assert_eq!(words("What are your Opening_Hours?"), ["opening", "hours"]);
        assert_eq!(words("how to"), ["how", "to"]);
        assert!(words("?!").is_empty());
    }
}
