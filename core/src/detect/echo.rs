//! Is it what we played, coming back?
//!
//! For each delay up to half a second there is a loudest possible echo: had it
//! been louder, the line could not have been as quiet as it was at that time
//! after what we played. Every 10 ms shows this for every delay at once, so that
//! the bounds are tight soon after the agent's first words: low at most delays,
//! and at the echo's own delay, where there is one, the echo's gain. A caller who
//! speaks at the same time only makes the line louder and moves no bound.
//!
//! A frame that is no louder than the loudest possible echo is not the caller.

use serde::{Deserialize, Serialize};

use super::envelope::{Envelope, SLOT, slot_of};
use super::settings::EarsSettings;
use crate::audio::level::FLOOR_DBFS;
use crate::time::Micros;

/// Delays that are tried: 0 to 500 ms. It is all that lies between the time at
/// which we think that audio plays and the time at which its echo reaches us:
/// the network both ways, the carrier's buffer, the caller's telephone.
const DELAYS: usize = 51;

/// An echo is looked for in two slots on either side of its place: a delay is not
/// a whole number of slots, and frames come with some jitter.
const AROUND: usize = 5;
const SPREAD: usize = DELAYS + AROUND - 1;

/// What we play says something of an echo when it is louder than this, dBFS.
const TELLING_DBFS: f32 = -40.0;

/// How fast a bound comes down where the line is quieter than it allows: a whole
/// second's worth in 0.3 s, but only 3 dB for a frame that was lost and filled
/// with silence.
const DOWN_DB: f32 = 1.5;

/// How fast it goes up otherwise: 2 dB a second, for lines that change. It comes
/// to rest where it is too high for 1 slot in 75.
const UP_DB: f32 = 0.02;

/// An echo weaker than this is below any line's noise, in dB.
const LEAST_DB: f32 = -60.0;

/// The greatest bound must be so far above the usual one to be an echo, in dB.
const DISTINCT_DB: f32 = 6.0;

/// How fast an echo dies away in the room: 1.5 dB in 10 ms, a decay of 60 dB in
/// 0.4 s.
const DECAY_DB: f32 = 1.5;

/// What is known of the line's echo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "echo")]
pub enum EchoPath {
    /// Nothing yet.
    #[default]
    Unknown,
    /// None was heard: there is none that is louder than this.
    Below {
        /// Louder than we played it, in dB.
        gain_db: f32,
    },
    /// It comes back.
    Present {
        /// So long after we thought that it would play.
        delay: Micros,
        /// So much louder than we played it, in dB: negative.
        gain_db: f32,
    },
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct EchoGuard {
    ours: Envelope,
    margin_db: f32,
    prior_db: f32,
    /// The loudest possible echo at each delay, in dB over what we play.
    bounds: [f32; DELAYS],
    /// How loud the echo may be just now, in dB below full scale.
    expected_dbfs: f32,
}

const NEVER_DBFS: f32 = f32::NEG_INFINITY;

impl EchoGuard {
    pub(super) fn new(settings: &EarsSettings, path: EchoPath) -> Self {
        Self {
            ours: Envelope::new(),
            margin_db: settings.echo_margin_db,
            prior_db: settings.echo_prior_db,
            bounds: bounds_of(path, settings.echo_prior_db),
            expected_dbfs: NEVER_DBFS,
        }
    }

    /// What is known by now.
    pub(super) fn path(&self) -> EchoPath {
        let mut sorted = self.bounds;
        sorted.sort_unstable_by(f32::total_cmp);
        let usual = sorted.get(DELAYS / 2).copied().unwrap_or(self.prior_db);
        let (mut slots, mut gain_db) = (0, NEVER_DBFS);
        for (delay, bound) in self.bounds.iter().enumerate() {
            if *bound > gain_db {
                (slots, gain_db) = (delay, *bound);
            }
        }
        if usual >= self.prior_db {
            EchoPath::Unknown
        } else if gain_db >= usual + DISTINCT_DB {
            EchoPath::Present { delay: Micros(slots as u64 * SLOT.0), gain_db }
        } else {
            EchoPath::Below { gain_db }
        }
    }

    /// We play this from `plays_at` on.
    pub(super) fn played(&mut self, mulaw: &[u8], plays_at: Micros, now: Micros) {
        self.ours.add(mulaw, plays_at, now);
    }

    /// What was to play from `at` on will not.
    pub(super) fn cleared(&mut self, at: Micros) {
        self.ours.cut(at);
    }

    /// Takes in the levels of a frame's halves, in dB below full scale, and when
    /// it ended. Answers how loud an echo may be in it: minus infinity where there
    /// is none to expect. What is louder is the caller.
    pub(super) fn frame(&mut self, halves_dbfs: [f32; 2], at: Micros) -> f32 {
        let newest = slot_of(at).saturating_sub(1);
        if !self.ours.was_loud_within(SPREAD as u64 + 10, newest) {
            self.expected_dbfs = NEVER_DBFS;
            return NEVER_DBFS;
        }
        let [first, second] = halves_dbfs;
        let one = self.slot(first, newest.saturating_sub(1));
        let other = self.slot(second, newest);
        one.max(other)
    }

    fn slot(&mut self, level_dbfs: f32, slot: u64) -> f32 {
        // Newest first, from two slots ahead: an echo may seem to come early.
        let ours: [f32; SPREAD] = self.ours.back_from(slot + AROUND as u64 / 2);
        let mut expected = NEVER_DBFS;
        for (bound, around) in self.bounds.iter_mut().zip(ours.windows(AROUND)) {
            let loudest = around.iter().copied().fold(FLOOR_DBFS, f32::max);
            let quietest = around.iter().copied().fold(0.0, f32::min);
            expected = expected.max(loudest + *bound);
            if quietest > TELLING_DBFS {
                let down = level_dbfs - quietest < *bound;
                *bound =
                    (*bound + if down { -DOWN_DB } else { UP_DB }).clamp(LEAST_DB, self.prior_db);
            }
        }
        self.expected_dbfs = (expected + self.margin_db).max(self.expected_dbfs - DECAY_DB);
        self.expected_dbfs
    }
}

fn bounds_of(path: EchoPath, prior_db: f32) -> [f32; DELAYS] {
    let within = |db: f32| if db.is_finite() { db.clamp(LEAST_DB, prior_db) } else { prior_db };
    match path {
        EchoPath::Unknown => [prior_db; DELAYS],
        EchoPath::Below { gain_db } => [within(gain_db); DELAYS],
        EchoPath::Present { delay, gain_db } => {
            let mut bounds = [within(gain_db - DISTINCT_DB - 1.0); DELAYS];
            let place = usize::try_from(slot_of(delay)).unwrap_or(DELAYS);
            if let Some(bound) = bounds.get_mut(place) {
                *bound = within(gain_db);
            }
            bounds
        }
    }
}
