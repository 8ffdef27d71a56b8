//! How a tenant's callers are listened to: the sections about turns and silence.

use trunkline_core::turn::endpoint::Endpointing;
use trunkline_core::turn::silence::{AfterSilence, SilenceSettings};

use super::section::Section;

/// Longest pause that may be waited for, in milliseconds: what is longer is
/// silence.
const LONGEST_PAUSE_MS: u64 = 10_000;
/// Longest silence that may be left alone, in milliseconds.
const LONGEST_SILENCE_MS: u64 = 600_000;

pub(super) fn endpointing(section: &mut Section<'_>) -> Endpointing {
    let default = Endpointing::default();
    let mut delay = |key, default| section.whole(key, 0..=LONGEST_PAUSE_MS).unwrap_or(default);
    let delays = Endpointing {
        min_delay_ms: delay("min_delay_ms", default.min_delay_ms),
        delay_ms: delay("delay_ms", default.delay_ms),
        max_delay_ms: delay("max_delay_ms", default.max_delay_ms),
    };
    if delays.min_delay_ms > delays.delay_ms || delays.delay_ms > delays.max_delay_ms {
        let Endpointing { min_delay_ms, delay_ms, max_delay_ms } = delays;
        section.error(
            "delay_ms",
            format!("{delay_ms} is not between {min_delay_ms} and {max_delay_ms}"),
            "choose min_delay_ms, delay_ms and max_delay_ms so that none is less than the one before",
        );
        return default;
    }
    delays
}

pub(super) fn silence(section: &mut Section<'_>) -> SilenceSettings {
    let default = SilenceSettings::default();
    let mut wait = |key, default| section.whole(key, 0..=LONGEST_SILENCE_MS).unwrap_or(default);
    let mut silence = SilenceSettings {
        nudge_ms: wait("nudge_ms", default.nudge_ms),
        give_up_ms: wait("give_up_ms", default.give_up_ms),
        then: default.then,
        text_wait_ms: wait("text_wait_ms", default.text_wait_ms),
    };
    let ends = [("goodbye", AfterSilence::Goodbye), ("human", AfterSilence::Human)];
    silence.then = section.choice("then", &ends).unwrap_or(default.then);
    if silence.give_up_ms > 0 && silence.give_up_ms <= silence.nudge_ms {
        section.error(
            "give_up_ms",
            format!("{} is not more than nudge_ms", silence.give_up_ms),
            format!("choose more than {}, or 0 to leave it at the question", silence.nudge_ms),
        );
    }
    silence
}
