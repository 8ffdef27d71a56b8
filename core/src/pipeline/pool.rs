//! Several providers of one kind: which one is asked now.

use crate::time::Micros;

/// Failures in a row after which a provider is left alone for a while.
const EJECT_AFTER: u32 = 2;

/// How long a provider is left alone before it is tried again.
pub const EJECTED_FOR: Micros = Micros::from_secs(30);

#[derive(Clone, Copy, Debug, Default)]
struct Member {
    failures: u32,
    ejected_until: Micros,
}

/// Providers in the tenant's order. The first one that is not ejected is asked;
/// when its time is over it is tried again, and one failure ejects it anew.
#[derive(Clone, Debug)]
pub struct Pool {
    members: Vec<Member>,
}

impl Pool {
    /// `count` providers, one at least.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { members: vec![Member::default(); count.max(1)] }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Never: there is one at least.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whom to ask; where all are ejected, the one that comes back first.
    #[must_use]
    pub fn pick(&self, now: Micros) -> usize {
        let free = self.members.iter().position(|m| m.ejected_until <= now);
        free.or_else(|| {
            let back = self.members.iter().enumerate().min_by_key(|(_, m)| m.ejected_until);
            back.map(|(index, _)| index)
        })
        .unwrap_or(0)
    }

    /// Whom to ask besides those that were tried for this already.
    #[must_use]
    pub fn pick_beside(&self, tried: &[usize], now: Micros) -> Option<usize> {
        let open = self.members.iter().enumerate().filter(|(index, _)| !tried.contains(index));
        // In order among those that are free.
        open.min_by_key(|(index, m)| (m.ejected_until.max(now), *index)).map(|(index, _)| index)
    }

    /// It did what it was asked.
    pub fn worked(&mut self, index: usize) {
        if let Some(member) = self.members.get_mut(index) {
            *member = Member::default();
        }
    }

    /// It failed; `for_good` when asking again cannot help. Answers whether it is
    /// ejected now.
    pub fn failed(&mut self, index: usize, for_good: bool, now: Micros) -> bool {
        let Some(member) = self.members.get_mut(index) else {
            return false;
        };
        member.failures += 1;
        if for_good {
            member.ejected_until = Micros::MAX;
        } else if member.failures >= EJECT_AFTER {
            member.ejected_until = member.ejected_until.max(now + EJECTED_FOR);
        }
        member.ejected_until > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_repeatedly_is_left_alone_and_tried_again() {
        let mut pool = Pool::new(2);
        let now = Micros::from_secs(1);
        assert!(!pool.failed(0, false, now));
        assert_eq!(pool.pick(now), 0);
        assert!(pool.failed(0, false, now));
        assert_eq!(pool.pick(now), 1);
        let later = now + EJECTED_FOR;
        assert_eq!(pool.pick(later), 0, "a probe");
        assert!(pool.failed(0, false, later), "and out again at once");
        assert_eq!(pool.pick(later), 1);
        pool.worked(0);
        assert_eq!(pool.pick(later), 0);
    }

    #[test]
    fn a_refused_key_is_not_tried_again_while_there_is_another() {
        let mut pool = Pool::new(2);
        pool.failed(0, true, Micros::ZERO);
        assert_eq!(pool.pick(Micros::from_secs(3_600)), 1);
        assert_eq!(pool.pick_beside(&[1], Micros::ZERO), Some(0));
        assert_eq!(pool.pick_beside(&[0, 1], Micros::ZERO), None);
    }
}
