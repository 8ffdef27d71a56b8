//! Where in a text the ear is. Words are taken to be spread evenly over their audio.

/// The words of `text` that fit into `heard` of `whole` bytes of its audio. A word
/// that was cut does not count.
pub(crate) fn cut(text: &str, heard: u64, whole: u64) -> &str {
    if whole == 0 {
        return "";
    }
    let chars = text.chars().count() as u64;
    let fits = usize::try_from(chars.saturating_mul(heard) / whole).unwrap_or(usize::MAX);
    let end = text.char_indices().nth(fits).map_or(text.len(), |(at, _)| at);
    let head = text.get(..end).unwrap_or_default();
    let next_is_space = text.get(end..).is_none_or(|t| t.is_empty() || t.starts_with(' '));
    if next_is_space {
        return head.trim_end();
    }
    head.rfind(' ').and_then(|space| head.get(..space)).unwrap_or_default().trim_end()
}

/// Where the sentence ends that is being said at byte `from` of `whole` bytes of
/// audio; none when the words do not show an end.
pub(super) fn sentence_end(text: &str, from: u64, whole: u64) -> Option<u64> {
    let chars = text.chars().count() as u64;
    if whole == 0 || chars == 0 {
        return None;
    }
    let first = usize::try_from(chars.saturating_mul(from) / whole).ok()?;
    let mut following = text.chars().skip(1).map(Some).chain([None]);
    let ends = |c: char, next: Option<char>| {
        matches!(c, '.' | '!' | '?' | '…' | '。') && next.is_none_or(char::is_whitespace)
    };
    let end = text.chars().enumerate().find_map(|(index, c)| {
        let next = following.next().flatten();
        (index >= first && ends(c, next)).then_some(index as u64 + 1)
    })?;
    Some(whole.saturating_mul(end) / chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_the_last_whole_word_that_was_heard() {
        assert_eq!(cut("one two three", 0, 100), "");
        assert_eq!(cut("one two three", 60, 100), "one two");
        assert_eq!(cut("one two three", 25, 100), "one");
        assert_eq!(cut("one two three", 100, 100), "one two three");
        assert_eq!(cut("naïve café", 50, 100), "naïve");
        assert_eq!(cut("word", 50, 100), "");
    }

    #[test]
    fn a_sentence_ends_where_its_words_say() {
        let text = "One two. Three 1.5 four! Five";
        assert_eq!(sentence_end(text, 0, 290), Some(80));
        assert_eq!(sentence_end(text, 79, 290), Some(80), "its last sound");
        assert_eq!(sentence_end(text, 80, 290), Some(240));
        assert_eq!(sentence_end(text, 240, 290), None, "the end of it is not known");
        assert_eq!(sentence_end("", 0, 290), None);
        assert_eq!(sentence_end("Done.", 10, 0), None);
    }
}
