//! Source addresses that send bad signatures. Nobody is locked out: behind one
//! address there may be a proxy and the carrier behind it, and what is well signed
//! is heard. What is badly signed costs its sender's welcome, and nothing of ours.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use trunkline_fleet::{Rate, RateKind, Windows, source_key};

use super::state::LimiterState;

const MINUTE: Duration = Duration::from_secs(60);
/// Throttled sources that are remembered at most: addresses are many.
const KEPT: usize = 4_096;

/// What this node knows of sources.
#[derive(Debug, Default)]
pub(super) struct Sources {
    windows: Windows,
    /// Those that have sent as many as they may, and until when.
    throttled: HashMap<String, Instant>,
}

/// What a bad signature makes of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSignature {
    /// One of few.
    Counted,
    /// One of too many.
    Throttled {
        /// Whether it is the first that is one too many.
        first: bool,
    },
}

impl Sources {
    fn take(&mut self, rate: &Rate, member: &str, now: Instant) -> BadSignature {
        if self.throttled.get(&rate.key).is_some_and(|until| *until > now) {
            return BadSignature::Throttled { first: false };
        }
        if self.windows.has_room(rate, rate.limit, member, now) {
            self.windows.add(rate, member, now);
            return BadSignature::Counted;
        }
        self.throttle(rate, now);
        BadSignature::Throttled { first: true }
    }

    fn throttle(&mut self, rate: &Rate, now: Instant) {
        if self.throttled.len() >= KEPT {
            self.throttled.retain(|_, until| *until > now);
        }
        if self.throttled.len() < KEPT {
            self.throttled.insert(rate.key.clone(), now + rate.window);
        }
    }
}

impl LimiterState {
    /// A request from `source` was badly signed. This node decides at once, by what
    /// it knows; what the fleet has counted holds from the next request on.
    pub fn bad_signature(self: &Arc<Self>, source: &str) -> BadSignature {
        let limit = self.settings.signature_failures;
        if limit == 0 {
            return BadSignature::Counted;
        }
        let key = source_key(source);
        let rate = Rate { kind: RateKind::Source, key, limit, window: MINUTE };
        let member = uuid::Uuid::new_v4().simple().to_string();
        let now = Instant::now();
        let verdict = self.lock().sources.take(&rate, &member, now);
        if verdict == BadSignature::Counted {
            let limiter = Arc::clone(self);
            drop(actix_rt::spawn(async move {
                let member_of = &limiter.fleet;
                let room = member_of.ask("count", member_of.fleet.count(&rate, &member)).await;
                if room == Some(false) {
                    limiter.lock().sources.throttle(&rate, Instant::now());
                }
            }));
        }
        verdict
    }
}
