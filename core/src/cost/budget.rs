//! What a tenant may spend, and what happens on the way there.

use serde::{Deserialize, Serialize};

use super::Nanos;

/// What a tenant may spend, and at which share of it what happens. At the whole of it
/// a human takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// For one call; nothing is no limit.
    pub per_call: Nanos,
    /// For the calls that begin on one day (UTC); nothing is no limit.
    pub per_day: Nanos,
    /// The share at which somebody is warned, in per cent; 0 is never.
    pub warn_percent: u32,
    /// The share at which cheaper models take over, in per cent; 0 is never.
    pub downgrade_percent: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            per_call: Nanos::ZERO,
            per_day: Nanos::ZERO,
            warn_percent: 80,
            downgrade_percent: 90,
        }
    }
}

impl Budget {
    /// Whether there is any limit.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        !self.per_call.is_zero() || !self.per_day.is_zero()
    }

    /// Whether a day's budget is spent.
    #[must_use]
    pub fn is_day_spent(&self, spent: Nanos) -> bool {
        !self.per_day.is_zero() && spent >= self.per_day
    }
}

/// What happens at a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Somebody is told.
    Warn,
    /// Cheaper models take over.
    Downgrade,
    /// A human takes over.
    Human,
}

impl Step {
    /// The word for records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Downgrade => "downgrade",
            Self::Human => "human",
        }
    }
}

/// Which budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spent {
    /// The call's.
    Call,
    /// The day's.
    Day,
}

impl Spent {
    /// The word for records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Day => "day",
        }
    }
}

/// A share was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// What is to happen.
    pub step: Step,
    /// Of which budget.
    pub of: Spent,
    /// What was spent.
    pub spent: Nanos,
    /// Of how much.
    pub limit: Nanos,
}

/// Remembers which shares were reached, so that each is reported once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Watch {
    call: Option<Step>,
    day: Option<Step>,
}

impl Watch {
    /// What was reached since the last look, the least first. `call` is what the call
    /// has cost, `day` what all calls of the day have.
    pub fn look(&mut self, budget: &Budget, call: Nanos, day: Nanos) -> Vec<Reached> {
        let mut reached = Vec::new();
        let both = [(Spent::Call, call, budget.per_call), (Spent::Day, day, budget.per_day)];
        for (of, spent, limit) in both {
            let seen = match of {
                Spent::Call => &mut self.call,
                Spent::Day => &mut self.day,
            };
            for step in [Step::Warn, Step::Downgrade, Step::Human] {
                if *seen < Some(step) && is_reached(budget, step, spent, limit) {
                    *seen = Some(step);
                    reached.push(Reached { step, of, spent, limit });
                }
            }
        }
        reached.sort_by_key(|reached| reached.step);
        reached
    }
}

fn is_reached(budget: &Budget, step: Step, spent: Nanos, limit: Nanos) -> bool {
    let percent = match step {
        Step::Warn => budget.warn_percent,
        Step::Downgrade => budget.downgrade_percent,
        Step::Human => 100,
    };
    let share = u128::from(limit.0) * u128::from(percent);
    !limit.is_zero() && percent > 0 && u128::from(spent.0) * 100 >= share
}
