//! What is placed on the command line with a weight: a script's file, or a story
//! told in place.

use std::convert::Infallible;
use std::str::FromStr;

/// Something and how often it comes in one round: `WHAT` or `WHAT:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighing {
    /// The thing.
    pub what: String,
    /// Calls of this kind in one round.
    pub weight: u32,
}

impl FromStr for Weighing {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let with_weight =
            text.rsplit_once(':').and_then(|(what, weight)| Some((what, weight.parse().ok()?)));
        let (what, weight) = with_weight.unwrap_or((text, 1));
        Ok(Self { what: what.to_owned(), weight })
    }
}

impl Weighing {
    /// The story of a caller whose frames are echoed, which no script can tell.
    pub(super) fn is_echo(&self) -> bool {
        self.what.trim() == "echo"
    }

    /// A story as a script's text: its steps stand between semicolons.
    pub(super) fn script_text(&self) -> String {
        self.what.replace(';', "\n")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_what_follows_the_last_colon_if_it_is_a_number() {
        for (text, what, weight) in
            [("a.txt", "a.txt", 1), ("a.txt:3", "a.txt", 3), ("c:d", "c:d", 1), (":2", "", 2)]
        {
            let weighing: Weighing = text.parse().unwrap();
            assert_eq!((weighing.what.as_str(), weighing.weight), (what, weight));
        }
    }

    #[test]
    fn a_story_has_a_step_between_two_semicolons() {
        let story: Weighing = "wait 1s; press 12#;hangup:4".parse().unwrap();
        assert_eq!(story.script_text(), "wait 1s\n press 12#\nhangup");
        assert!(!story.is_echo());
        assert!(" echo:3".parse::<Weighing>().unwrap().is_echo());
    }
}
