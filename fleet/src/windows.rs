//! Windows that slide, in memory.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::types::Rate;

/// Windows looked at for being empty with each call that is counted.
const TIDIED_AT_ONCE: usize = 4_096;

#[derive(Debug, Default)]
struct Window {
    members: VecDeque<(Instant, String)>,
    until: Option<Instant>,
}

/// Who was counted when.
#[derive(Debug, Default)]
pub struct Windows {
    windows: HashMap<String, Window>,
    tidy_at: usize,
}

impl Windows {
    /// Whether there is room for `member` under a limit that may differ from the
    /// rate's own, or it has been counted already.
    pub fn has_room(&mut self, rate: &Rate, limit: u32, member: &str, now: Instant) -> bool {
        let Some(window) = self.windows.get_mut(&rate.key) else {
            return true;
        };
        window.slide(rate, now);
        let counted = window.members.iter().any(|(_, known)| known == member);
        counted || window.members.len() < limit as usize
    }

    /// Counts `member`, once.
    pub fn add(&mut self, rate: &Rate, member: &str, now: Instant) {
        self.tidy(now);
        let window = self.windows.entry(rate.key.clone()).or_default();
        window.slide(rate, now);
        window.until = now.checked_add(rate.window);
        if !window.members.iter().any(|(_, known)| known == member) {
            window.members.push_back((now, member.to_owned()));
        }
    }

    /// Forgets windows in which nobody is counted any more: callers are many.
    fn tidy(&mut self, now: Instant) {
        if self.windows.len() < self.tidy_at.max(TIDIED_AT_ONCE) {
            return;
        }
        self.windows.retain(|_, window| window.until.is_none_or(|until| until > now));
        self.tidy_at = self.windows.len() * 2;
    }
}

impl Window {
    fn slide(&mut self, rate: &Rate, now: Instant) {
        while let Some((at, _)) = self.members.front()
            && now.duration_since(*at) >= rate.window
        {
            self.members.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::types::RateKind;

    #[test]
    fn windows_of_the_past_are_forgotten() {
        let mut windows = Windows::default();
        let began = Instant::now();
        let rate = |key: usize| Rate {
            kind: RateKind::Caller,
            key: key.to_string(),
            limit: 1,
            window: Duration::from_secs(60),
        };
        for key in 0..TIDIED_AT_ONCE {
            windows.add(&rate(key), "a", began);
        }
        windows.add(&rate(TIDIED_AT_ONCE), "a", began + Duration::from_secs(61));
        assert_eq!(windows.windows.len(), 1);
    }
}
