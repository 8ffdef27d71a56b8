//! When final words are given: at their time, too late, or once more.

use super::message::Words;
use crate::providers::knobs::Knobs;

/// Counts the final words of a connection.
#[derive(Debug, Default)]
pub(super) struct Finals {
    made_out: u64,
}

impl Finals {
    /// When a result is given that is made out now, and when once more. Interim words
    /// and silence come at their time, once.
    pub(super) fn times(
        &mut self,
        now_ms: u64,
        words: &Words,
        knobs: &Knobs,
    ) -> (u64, Option<u64>) {
        let at_ms = now_ms + knobs.transcript_ms;
        if !words.is_final || words.text.is_empty() {
            return (at_ms, None);
        }
        self.made_out += 1;
        let late_ms = if self.made_out.is_multiple_of(2) { 0 } else { knobs.late_finals_ms };
        let at_ms = at_ms + late_ms;
        (at_ms, knobs.repeat_finals_ms.map(|after_ms| at_ms + after_ms))
    }

    /// When the last of those made out by now has been given.
    pub(super) fn all_given_ms(now_ms: u64, knobs: &Knobs) -> u64 {
        let last_ms = knobs.late_finals_ms + knobs.repeat_finals_ms.unwrap_or(0);
        now_ms + knobs.transcript_ms + last_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_one_is_late_and_each_comes_again() {
        let knobs = Knobs {
            transcript_ms: 10,
            late_finals_ms: 500,
            repeat_finals_ms: Some(100),
            ..Knobs::default()
        };
        let result =
            |text: &str, is_final| Words { text: text.to_owned(), is_final, ..Words::default() };
        let mut finals = Finals::default();
        assert_eq!(finals.times(0, &result("the", false), &knobs), (10, None));
        assert_eq!(finals.times(0, &result("the first", true), &knobs), (510, Some(610)));
        assert_eq!(finals.times(20, &result("", true), &knobs), (30, None), "silence");
        assert_eq!(finals.times(20, &result("second", true), &knobs), (30, Some(130)));
        assert_eq!(finals.times(40, &result("third", true), &knobs), (550, Some(650)));
        assert_eq!(Finals::all_given_ms(40, &knobs), 650);
    }
}
