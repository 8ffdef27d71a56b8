//! The carrier's line between us and the telephone: how long it takes, and what
//! becomes of the marks. It is one socket, so nothing on it overtakes anything.

use trunkline_core::persona::Rng;
use trunkline_core::time::Micros;

use super::{Coming, World};
use crate::support::phone::Wire;

/// See the module's text.
#[derive(Debug, Default)]
pub struct Line {
    /// Up to how much longer than the line's delay a message may take, and the
    /// chance by which it does.
    pub jitter: Option<(Micros, Rng)>,
    /// Each so-many-th mark is lost; 0 for none.
    pub loses_every: u64,
    /// Marks come back so much later than they could.
    pub marks_late: Micros,
    marks: u64,
    there_at: Micros,
    back_at: Micros,
}

impl Line {
    /// The most by which two messages' times on the line differ.
    pub fn most_jitter(&self) -> Micros {
        self.jitter.as_ref().map_or(Micros::ZERO, |(most, _)| *most)
    }

    fn takes(&mut self, delay: Micros) -> Micros {
        let jitter = self.jitter.as_mut().map_or(0, |(most, rng)| rng.below(most.0 + 1));
        delay + Micros(jitter)
    }

    fn is_lost(&mut self) -> bool {
        self.marks += 1;
        self.loses_every > 0 && self.marks.is_multiple_of(self.loses_every)
    }
}

impl World {
    /// Something is on its way to the telephone.
    pub(super) fn send(&mut self, wire: Wire) {
        let at = self.now + self.line.takes(self.line_delay);
        self.line.there_at = self.line.there_at.max(at);
        self.schedule(self.line.there_at, Coming::AtPhone(wire));
    }

    /// The telephone gives marks back.
    pub(super) fn return_marks(&mut self, marks: Vec<String>) {
        for name in marks {
            if self.loses_marks || self.line.is_lost() {
                continue;
            }
            let at = self.now + self.line.takes(self.line_delay) + self.line.marks_late;
            self.line.back_at = self.line.back_at.max(at);
            for _ in 0..if self.doubles_marks { 2 } else { 1 } {
                self.schedule(self.line.back_at, Coming::MarkBack(name.clone()));
            }
        }
    }
}
