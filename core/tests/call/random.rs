//! What the calls made from seeds differ in, besides what their peers do.
#![allow(unreachable_pub, reason = "for the file beside this one")]

use trunkline_core::call::{AnsweredBy, ToolEffect};
use trunkline_core::persona::Rng;
use trunkline_core::tools::DigitPlan;
use trunkline_core::turn::endpoint::Endpointing;
use trunkline_core::turn::silence::{AfterSilence, SilenceSettings};

use crate::support::PATIENT;

const AT_ONCE: Endpointing = Endpointing { min_delay_ms: 0, delay_ms: 0, max_delay_ms: 0 };
const LATE: Endpointing = Endpointing { min_delay_ms: 500, delay_ms: 1_500, max_delay_ms: 4_000 };

pub fn random_endpointing(rng: &mut Rng) -> Endpointing {
    *rng.pick(&[Endpointing::default(), AT_ONCE, LATE]).unwrap()
}

pub fn random_silence(rng: &mut Rng) -> SilenceSettings {
    if rng.below(2) == 0 {
        return PATIENT;
    }
    SilenceSettings {
        nudge_ms: *rng.pick(&[1_500, 6_000]).unwrap(),
        give_up_ms: *rng.pick(&[0, 2_000, 9_000]).unwrap(),
        then: *rng.pick(&[AfterSilence::Goodbye, AfterSilence::Human]).unwrap(),
        text_wait_ms: *rng.pick(&[3_000, 30_000]).unwrap(),
    }
}

pub fn collect_digits(rng: &mut Rng) -> ToolEffect {
    ToolEffect::CollectDigits(DigitPlan {
        max_digits: u32::try_from(1 + rng.below(4)).unwrap(),
        terminator: (rng.below(2) == 0).then_some('#'),
        timeout_ms: 500 + rng.below(5_000),
    })
}

/// What the caller says, piece by piece.
pub const SAYINGS: [&[&str]; 5] = [
    &["what about", " this"],
    &["I would like", " to ask", " something."],
    &["my number", " is five", " one two"],
    &["well, um", " so"],
    &[],
];

pub fn anybody(rng: &mut Rng) -> AnsweredBy {
    let all = [
        AnsweredBy::Human,
        AnsweredBy::Unknown,
        AnsweredBy::MachineStart,
        AnsweredBy::MachineEndBeep,
        AnsweredBy::MachineEndSilence,
        AnsweredBy::Fax,
    ];
    *rng.pick(&all).unwrap()
}
