//! When calls begin, how long they last, and which script each has.

use std::time::Duration;

use super::plan::CallPlan;

/// How calls come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Pattern {
    /// One after the other at the rate; each lasts as long as every other.
    #[default]
    Steady,
    /// One after the other at the rate; all last until the last one has been
    /// there for the hold time, so that all are live together.
    Ramp,
    /// In bursts that begin at once; each call lasts as long as every other.
    Burst,
}

/// One story and how often it is told.
#[derive(Clone)]
pub struct Weighted {
    /// What the caller does.
    pub plan: CallPlan,
    /// Calls of this kind in one round of the mix.
    pub weight: u32,
}

/// Plans that take turns by weight, spread evenly and the same in every run.
#[derive(Clone)]
pub struct Mix {
    plans: Vec<(Weighted, i64)>,
}

impl Mix {
    /// A mix of these; those of weight 0 never come.
    #[must_use]
    pub fn new(plans: Vec<Weighted>) -> Self {
        Self { plans: plans.into_iter().map(|plan| (plan, 0)).collect() }
    }

    /// The next call's plan; `None` for a mix of nothing.
    pub fn draw(&mut self) -> Option<CallPlan> {
        // Smooth weighted turns: everybody gains their weight, the first among
        // the richest goes and pays for the round.
        let total: i64 = self.plans.iter().map(|(plan, _)| i64::from(plan.weight)).sum();
        for (plan, credit) in &mut self.plans {
            *credit += i64::from(plan.weight);
        }
        let candidates = self.plans.iter_mut().filter(|(plan, _)| plan.weight > 0);
        // Of equals `max_by_key` takes the last, hence the turned list.
        let (plan, credit) = candidates.rev().max_by_key(|(_, credit)| *credit)?;
        *credit -= total;
        Some(plan.plan.clone())
    }
}

impl From<CallPlan> for Mix {
    fn from(plan: CallPlan) -> Self {
        Self::new(vec![Weighted { plan, weight: 1 }])
    }
}

impl Pattern {
    /// When call `n`, counted from 0, begins.
    #[must_use]
    pub fn begins(self, n: u32, spacing: Duration, burst: u32) -> Duration {
        let place = match self {
            Self::Steady | Self::Ramp => n,
            Self::Burst => n - n % burst.max(1),
        };
        spacing.saturating_mul(place)
    }

    /// How long call `n` of `calls` lasts at most.
    #[must_use]
    pub fn lasts(self, n: u32, calls: u32, spacing: Duration, hold: Duration) -> Duration {
        match self {
            Self::Steady | Self::Burst => hold,
            Self::Ramp => {
                let after = calls.saturating_sub(1).saturating_sub(n);
                spacing.saturating_mul(after).saturating_add(hold)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn all_calls_of_a_ramp_end_together() {
        let ends = (0..5).map(|n| {
            Pattern::Ramp.begins(n, 10 * MS, 1) + Pattern::Ramp.lasts(n, 5, 10 * MS, 1_000 * MS)
        });
        assert!(ends.into_iter().all(|end| end == 1_040 * MS));
    }

    #[test]
    fn a_burst_begins_at_once_and_keeps_the_rate() {
        let begins: Vec<_> = (0..5).map(|n| Pattern::Burst.begins(n, 10 * MS, 2)).collect();
        assert_eq!(begins, [0, 0, 20, 20, 40].map(|ms| ms * MS));
    }

    #[test]
    fn a_mix_keeps_its_weights_and_spreads_them() {
        let plan = |to: &str, weight| {
            let plan = CallPlan { to: to.to_owned(), ..CallPlan::new("http://a") };
            Weighted { plan, weight }
        };
        let mut mix = Mix::new(vec![plan("a", 3), plan("b", 1), plan("c", 0)]);
        let drawn: String = (0..8).map(|_| mix.draw().unwrap().to).collect();
        assert_eq!(drawn, "aabaaaba");
        assert!(Mix::new(Vec::new()).draw().is_none());
    }
}
