//! Wrong operators' tokens, by source. A source that has shown too many is not
//! listened to for the rest of the minute, whatever it shows: if a right token
//! were still heard, the guesses would go on.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
/// Sources that are remembered at most; past it, new ones are counted together.
const KEPT: usize = 4_096;

#[derive(Debug)]
struct Window {
    began: Instant,
    wrong: u32,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Guesses {
    /// Within a minute; 0 is no limit.
    limit: u32,
    sources: Mutex<HashMap<String, Window>>,
}

impl Guesses {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, sources: Mutex::default() }
    }

    /// Whether `source` has shown as many as it may.
    pub(super) fn is_throttled(&self, source: &str, now: Instant) -> bool {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name_of(&mut sources, source, now);
        self.limit > 0
            && sources.get(name).is_some_and(|window| {
                now.duration_since(window.began) < MINUTE && window.wrong >= self.limit
            })
    }

    /// One more from `source`; answers whether it is the last that is heard.
    pub(super) fn wrong(&self, source: &str, now: Instant) -> bool {
        if self.limit == 0 {
            return false;
        }
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name_of(&mut sources, source, now).to_owned();
        let window = sources.entry(name).or_insert(Window { began: now, wrong: 0 });
        if now.duration_since(window.began) >= MINUTE {
            *window = Window { began: now, wrong: 0 };
        }
        window.wrong = window.wrong.saturating_add(1);
        window.wrong == self.limit
    }
}

/// The name under which a source is counted: its own, as long as there is room.
fn name_of<'a>(sources: &mut HashMap<String, Window>, source: &'a str, now: Instant) -> &'a str {
    if sources.len() >= KEPT && !sources.contains_key(source) {
        sources.retain(|_, window| now.duration_since(window.began) < MINUTE);
        if sources.len() >= KEPT {
            return "";
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_heard_again_after_a_minute() {
        let guesses = Guesses::new(3);
        let now = Instant::now();
        assert!(!guesses.wrong("a", now) && !guesses.wrong("a", now));
        assert!(!guesses.is_throttled("a", now));
        assert!(guesses.wrong("a", now), "the last that is heard");
        assert!(guesses.is_throttled("a", now));
        assert!(!guesses.is_throttled("b", now), "nobody else pays for it");
        let later = now + MINUTE;
        assert!(!guesses.is_throttled("a", later));
        assert!(!guesses.wrong("a", later) && !guesses.is_throttled("a", later));
    }

    #[test]
    fn many_sources_take_no_more_room_than_is_meant() {
        let guesses = Guesses::new(2);
        let now = Instant::now();
        for number in 0..3 * KEPT {
            guesses.wrong(&number.to_string(), now);
        }
        assert!(guesses.sources.lock().is_ok_and(|sources| sources.len() <= KEPT + 1));
        assert!(guesses.is_throttled("one more", now), "those past it are one");
        assert!(!guesses.is_throttled("one more", now + MINUTE));
    }

    #[test]
    fn no_limit_is_none() {
        let guesses = Guesses::new(0);
        let now = Instant::now();
        assert!((0..100).all(|_| !guesses.wrong("a", now)));
        assert!(!guesses.is_throttled("a", now));
    }
}
