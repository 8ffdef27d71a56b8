//! What the calls made from seeds differ in, besides what their peers do.
#![allow(unreachable_pub, reason = "for the file beside this one")]

use trunkline_core::call::{AnsweredBy, Sentence, ToolEffect};
use trunkline_core::persona::Rng;
use trunkline_core::tenant::{Limits, Turns};
use trunkline_core::tools::DigitPlan;
use trunkline_core::turn::barge_in::{BargeInMode, BargeInSettings};
use trunkline_core::turn::endpoint::Endpointing;
use trunkline_core::turn::silence::{AfterSilence, SilenceSettings};

use crate::support::{PATIENT, Plan};
use crate::sweep::rates::one_call_in;

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

/// What the tenant of a call wants.
pub fn random_plan(rng: &mut Rng) -> Plan {
    let limits = Limits {
        max_call_duration_ms: *rng.pick(&[0, 5_000, 20_000, 600_000]).unwrap(),
        max_turns: *rng.pick(&[0, 1, 3, 20]).unwrap(),
        tool_timeout_ms: *rng.pick(&[800, 3_000, 15_000]).unwrap(),
        farewell_timeout_ms: *rng.pick(&[500, 8_000]).unwrap(),
        ..Limits::default()
    };
    let theirs = rng.below(one_call_in::MODEL_DECIDES) == 0;
    Plan {
        cached_greeting: rng.below(2) == 0,
        limits,
        turns: if theirs { Turns::Model } else { Turns::Ours },
        human: rng.below(4) > 0,
        filler: (rng.below(3) > 0).then_some("One moment please."),
        barge_in: random_barge_in(rng),
        kept: Sentence::ALL.into_iter().filter(|_| rng.below(2) == 0).collect(),
        providers: *rng.pick(&[1, 1, 2, 3]).unwrap(),
        silence: random_silence(rng),
        endpointing: random_endpointing(rng),
        voicemail: (rng.below(2) == 0).then_some("Please call us back."),
        session_limit_ms: *rng.pick(&[0, 10_000, 3_600_000]).unwrap(),
        silence_duration_ms: *rng.pick(&[200, 500]).unwrap(),
        ..Plan::default()
    }
}

fn random_barge_in(rng: &mut Rng) -> BargeInSettings {
    let modes = [
        BargeInMode::Immediate,
        BargeInMode::Immediate,
        BargeInMode::AfterSentence,
        BargeInMode::Protected,
    ];
    BargeInSettings {
        mode: *rng.pick(&modes).unwrap(),
        greeting: *rng.pick(&modes).unwrap(),
        ears: rng.below(3) > 0,
        confirm_window_ms: *rng.pick(&[100, 600, 2_000]).unwrap(),
        confirm_speech_ms: *rng.pick(&[200, 450, 700]).unwrap(),
        cooldown_ms: *rng.pick(&[0, 500]).unwrap(),
        ..BargeInSettings::default()
    }
}
