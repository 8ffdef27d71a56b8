//! What was spent on answers that nobody wanted.

use super::Amount;

/// So much was spent on answers that were begun before they were wanted, and then
/// thrown away: a part of what was used, and counted as that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waste {
    /// Tokens that language models read: their own account where it came, and
    /// otherwise the estimate that is on the bill.
    pub tokens_in: u64,
    /// Tokens that they wrote, counted alike.
    pub tokens_out: u64,
    /// Characters that voices were given.
    pub characters: u64,
}

impl Waste {
    /// This was used as well.
    pub(super) fn add(&mut self, amount: Amount) {
        match amount {
            Amount::Tokens(usage) => {
                self.tokens_in = self.tokens_in.saturating_add(usage.text_in);
                self.tokens_out = self.tokens_out.saturating_add(usage.text_out);
            }
            Amount::Characters(characters) => {
                self.characters = self.characters.saturating_add(characters);
            }
            // The caller is listened to whether anything is begun or not.
            Amount::AudioMs(_) => {}
        }
    }

    /// And all of that.
    pub(super) const fn add_all(&mut self, other: Self) {
        self.tokens_in = self.tokens_in.saturating_add(other.tokens_in);
        self.tokens_out = self.tokens_out.saturating_add(other.tokens_out);
        self.characters = self.characters.saturating_add(other.characters);
    }
}
