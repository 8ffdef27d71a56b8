//! What the call has said about the model's responses: which may be heard.

use std::collections::VecDeque;

/// Rulings remembered. A model has at most a few responses in the air.
const KEPT: usize = 16;

/// Whether a response may be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// The call has not said.
    Held,
    /// It may.
    Admitted,
    /// It may not, nor what still comes of it.
    Rejected,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Rulings(VecDeque<(String, Ruling)>);

impl Rulings {
    /// The ruling on a response; one that is new is held.
    pub(super) fn of(&mut self, response: &str) -> Ruling {
        if let Some((_, ruling)) = self.0.iter().find(|(id, _)| id == response) {
            return *ruling;
        }
        self.set(response, Ruling::Held);
        Ruling::Held
    }

    /// Whether this is the ruling on a response.
    pub(super) fn is(&self, response: &str, ruling: Ruling) -> bool {
        self.0.iter().any(|(id, known)| id == response && *known == ruling)
    }

    pub(super) fn set(&mut self, response: &str, ruling: Ruling) {
        if let Some(entry) = self.0.iter_mut().find(|(id, _)| id == response) {
            entry.1 = ruling;
            return;
        }
        self.0.push_back((response.to_owned(), ruling));
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// What might be heard until now may not any more.
    pub(super) fn reject_admitted(&mut self) {
        for (_, ruling) in &mut self.0 {
            if *ruling == Ruling::Admitted {
                *ruling = Ruling::Rejected;
            }
        }
    }
}
