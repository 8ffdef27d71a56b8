//! Chance that can be run again.

/// What the counter goes up by for each number.
pub(super) const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64: a counter that goes up by an odd constant, and a mixing of its
/// bits (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014; constants as in Vigna's public-domain `splitmix64.c`). The same
/// seed gives the same numbers on every machine and in every version. Not for
/// secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng(u64);

impl Rng {
    /// Starts from a seed. Any will do, 0 too.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number; every one is equally likely.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `bound`; 0 when `bound` is 0. The
    /// odds differ by less than `bound` in 2^64.
    pub const fn below(&mut self, bound: u64) -> u64 {
        // The high half of a product spreads the numbers over the range.
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    /// One of the items; `None` when there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(items.len() as u64);
        items.get(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_numbers() {
        let mut rng = Rng::new(1_234_567);
        let numbers = [rng.next_u64(), rng.next_u64(), rng.next_u64()];
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
        assert_eq!(Rng::new(0).next_u64(), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn picks_each_item_about_equally_often_and_nothing_from_nothing() {
        let mut rng = Rng::new(7);
        let mut counts = [0_u32; 3];
        for _ in 0..3_000 {
            if let Some(count) = rng.pick(&[0, 1, 2]).and_then(|i: &usize| counts.get_mut(*i)) {
                *count += 1;
            }
        }
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
        assert_eq!(rng.pick::<u8>(&[]), None);
    }
}
