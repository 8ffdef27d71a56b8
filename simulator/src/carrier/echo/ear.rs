//! The phone's ear where what it hears does not matter: it knows how much audio
//! has been played, and so when a mark is due.

use std::collections::VecDeque;

use trunkline_core::audio::FRAME_BYTES;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Ear {
    received: u64,
    played: u64,
    /// Bytes before each mark, and its name.
    marks: VecDeque<(u64, String)>,
}

impl Ear {
    /// So many bytes of audio came.
    pub(super) fn media(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// A mark came. `true`: nothing is left to play before it, so it goes back
    /// at once.
    pub(super) fn mark(&mut self, name: &str) -> bool {
        let idle = self.received == self.played;
        if !idle {
            self.marks.push_back((self.received, name.to_owned()));
        }
        idle
    }

    /// The next 20 ms are heard; marks whose audio was heard before go to `back`.
    pub(super) fn tick(&mut self, mut back: impl FnMut(&str)) {
        while let Some((_, name)) = self.marks.pop_front_if(|(after, _)| *after <= self.played) {
            back(&name);
        }
        self.played = self.received.min(self.played + FRAME_BYTES as u64);
    }

    /// What waits is dropped and every mark goes back.
    pub(super) fn clear(&mut self, mut back: impl FnMut(&str)) {
        self.played = self.received;
        for (_, name) in self.marks.drain(..) {
            back(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_once_the_audio_before_it_was_heard() {
        let mut ear = Ear::default();
        assert!(ear.mark("at once"));
        ear.media(320);
        assert!(!ear.mark("later"));
        let mut back = Vec::new();
        for tick in 1..=3 {
            ear.tick(|_| back.push(tick));
        }
        assert_eq!(back, [3], "in the third tick: two hold the audio, the next is after it");
    }

    #[test]
    fn a_clear_gives_every_mark_back() {
        let mut ear = Ear::default();
        ear.media(8_000);
        assert!(!ear.mark("a") && !ear.mark("b"));
        let mut back = Vec::new();
        ear.clear(|name| back.push(name.to_owned()));
        assert_eq!(back, ["a", "b"]);
        assert!(ear.mark("c"));
    }
}
