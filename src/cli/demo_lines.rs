//! Lines about a call, in the order of the call's own time. What is stored of a
//! moment is read a little after it, so each line waits a little before it is
//! shown, and what happened before it but was learnt of after goes first.

/// How long a line waits, in milliseconds: several looks at what was stored.
pub(super) const HOLD_MS: u64 = 600;

struct Line {
    at_ms: u64,
    text: String,
}

/// Lines that wait to be shown.
#[derive(Default)]
pub(super) struct Lines(Vec<Line>);

impl Lines {
    /// Something happened `at_ms` after the call's beginning; `text` says who it
    /// was and what.
    pub(super) fn add(&mut self, at_ms: u64, who: &str, text: &str) {
        let text = format!("{:>4}.{:03}  {who:<9} {text}", at_ms / 1_000, at_ms % 1_000);
        // Behind everything that happened at the same time or before.
        let place = self.0.partition_point(|line| line.at_ms <= at_ms);
        self.0.insert(place, Line { at_ms, text });
    }

    /// Takes what may be shown when the call is `now_ms` old.
    pub(super) fn due(&mut self, now_ms: u64) -> Vec<String> {
        let place = self.0.partition_point(|line| line.at_ms + HOLD_MS <= now_ms);
        self.0.drain(..place).map(|line| line.text).collect()
    }

    /// Takes everything that is left.
    pub(super) fn rest(&mut self) -> Vec<String> {
        self.0.drain(..).map(|line| line.text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_late_is_shown_in_its_place() {
        let mut lines = Lines::default();
        lines.add(2_000, "phone", "rings");
        lines.add(1_500, "agent", "“Hello.” (1.0 s)");
        assert!(lines.due(2_000).is_empty());
        assert_eq!(lines.due(2_599), ["   1.500  agent     “Hello.” (1.0 s)"]);
        lines.add(1_900, "tool", "look_up …");
        assert_eq!(
            lines.due(2_600),
            ["   1.900  tool      look_up …", "   2.000  phone     rings"]
        );
    }

    #[test]
    fn what_happened_at_one_time_stays_in_the_order_of_learning() {
        let mut lines = Lines::default();
        for who in ["a", "b", "c"] {
            lines.add(7, who, "");
        }
        let shown = lines.rest();
        let order: String = shown.iter().filter_map(|line| line.chars().nth(10)).collect();
        assert_eq!(order, "abc");
        assert!(lines.rest().is_empty());
    }
}
