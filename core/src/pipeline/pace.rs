//! Which words of a sentence are in the audio that has come of it so far: a voice
//! does not say, and how long the sentence takes is known when it is over.

/// Audio of one character until then, in bytes of μ-law: voices say about fifteen
/// characters a second.
const BYTES_PER_CHARACTER: u64 = 533;

/// A sentence whose words are told as their audio comes.
#[derive(Debug)]
pub(super) struct Words {
    text: String,
    /// So much of it was told, in bytes of the text.
    told: usize,
}

impl Words {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), told: 0 }
    }

    /// More words, now that so much audio is there; one at least where there was none.
    pub(super) fn by(&mut self, audio_bytes: u64) -> String {
        let characters = usize::try_from(audio_bytes / BYTES_PER_CHARACTER).unwrap_or(usize::MAX);
        let reach = self.text.char_indices().nth(characters).map_or(self.text.len(), |(at, _)| at);
        let ends = self.text.match_indices(' ').map(|(at, _)| at).chain([self.text.len()]);
        let mut ends = ends.skip_while(|at| *at <= self.told);
        let first = if self.told == 0 { ends.next() } else { None };
        let end = ends.take_while(|at| *at <= reach).last().or(first);
        self.up_to(end.unwrap_or(self.told))
    }

    /// The words that were not told: the audio is whole.
    pub(super) fn rest(&mut self) -> String {
        self.up_to(self.text.len())
    }

    fn up_to(&mut self, end: usize) -> String {
        let more = self.text.get(self.told..end).unwrap_or_default().to_owned();
        self.told = self.told.max(end);
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_as_their_audio_comes() {
        let mut words = Words::new("One two three four.");
        assert_eq!(words.by(160), "One", "who speaks has said something");
        assert_eq!(words.by(320), "");
        assert_eq!(words.by(8 * BYTES_PER_CHARACTER), " two");
        assert_eq!(words.by(14 * BYTES_PER_CHARACTER), " three");
        assert_eq!(words.rest(), " four.");
        assert_eq!(words.rest(), "");
        let mut words = Words::new("Ja.");
        assert_eq!((words.by(80_000), words.rest()), ("Ja.".to_owned(), String::new()));
        let mut words = Words::new("Größe überall");
        assert_eq!(words.by(6 * BYTES_PER_CHARACTER), "Größe");
    }
}
