//! How hard a fault is tried: shortly in the suite, and with the figures that are
//! promised where the environment says `FAULTS=full`, as `scripts/faults` does.

/// The short figure, or the full one.
pub fn scaled<T>(short: T, full: T) -> T {
    if is_full() { full } else { short }
}

/// How many calls live at once in the full form: two hundred, or what a machine that
/// does other things as well is asked for with `FAULTS_CALLS`.
pub fn many_calls(short: usize) -> usize {
    let full = std::env::var("FAULTS_CALLS").map_or(200, |n| n.parse().expect("a number"));
    scaled(short, full)
}

/// Whether the figures are those that are promised.
pub fn is_full() -> bool {
    std::env::var("FAULTS").is_ok_and(|how| how == "full")
}

/// A seed, which is told so that a run can be had again with `FAULTS_SEED`.
pub fn seed() -> u64 {
    let given = std::env::var("FAULTS_SEED").ok();
    given.map_or(20_261_121, |seed| seed.parse().expect("a number"))
}

/// Numbers that look random and are the same for the same seed: SplitMix64, with
/// its published constants.
pub struct Dice(u64);

impl Dice {
    /// Dice that fall as this seed says.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// Puts these in some order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let other = self.below(last as u64 + 1);
            all.swap(last, usize::try_from(other).expect("a place"));
        }
    }
}
