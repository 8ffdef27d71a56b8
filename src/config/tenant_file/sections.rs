//! The tables of a tenant's file.

use trunkline_core::block_list::{BlockList, Blocked};
use trunkline_core::tenant::{
    Channels, Limits, ModelAudio, ModelFallback, ModelSettings, OverCap, Privacy, Recording,
};
use trunkline_core::turn::barge_in::{BargeInMode, BargeInSettings};
use trunkline_core::wire::realtime::Dialect;

use super::variable;
use crate::config::keys::BLOCKED_FIX;
use crate::config::problem::Complaint;
use crate::config::section::Section;
use crate::config::urls::check_realtime_url;

const DAY_MS: u64 = 86_400_000;

pub(super) fn recording(section: &mut Section<'_>) -> Recording {
    const CHANNELS: [(&str, Channels); 2] = [("dual", Channels::Dual), ("mono", Channels::Mono)];
    let default = Recording::default();
    Recording {
        enabled: section.flag("enabled").unwrap_or(default.enabled),
        channels: section.choice("channels", &CHANNELS).unwrap_or(default.channels),
    }
}

pub(super) fn privacy(section: &mut Section<'_>, default: &Privacy) -> Privacy {
    Privacy {
        transcript_days: section
            .whole("transcript_days", 0..=36_500)
            .unwrap_or(default.transcript_days),
        number_days: section.whole("number_days", 0..=36_500).unwrap_or(default.number_days),
    }
}

pub(super) fn limits(section: &mut Section<'_>, default: &Limits) -> Limits {
    Limits {
        concurrent_calls: section
            .whole("concurrent_calls", 0..=100_000)
            .unwrap_or(default.concurrent_calls),
        calls_per_number_per_hour: section
            .whole("calls_per_number_per_hour", 0..=1_000_000)
            .unwrap_or(default.calls_per_number_per_hour),
        calls_per_hour: section
            .whole("calls_per_hour", 0..=1_000_000)
            .unwrap_or(default.calls_per_hour),
        blocked_numbers: blocked(section, &default.blocked_numbers),
        over_cap: section
            .choice("over_cap", &[("busy", OverCap::Busy), ("human", OverCap::Human)])
            .unwrap_or(default.over_cap),
        max_call_duration_ms: section
            .whole("max_call_duration_ms", 0..=DAY_MS)
            .unwrap_or(default.max_call_duration_ms),
        max_turns: section.whole("max_turns", 0..=100_000).unwrap_or(default.max_turns),
        watchdog_ms: section.whole("watchdog_ms", 10..=60_000).unwrap_or(default.watchdog_ms),
        farewell_timeout_ms: section
            .whole("farewell_timeout_ms", 100..=60_000)
            .unwrap_or(default.farewell_timeout_ms),
        slow_tool_ms: section.whole("slow_tool_ms", 0..=60_000).unwrap_or(default.slow_tool_ms),
        tool_timeout_ms: section
            .whole("tool_timeout_ms", 100..=300_000)
            .unwrap_or(default.tool_timeout_ms),
    }
}

pub(super) fn barge_in(section: &mut Section<'_>) -> BargeInSettings {
    const MODES: [(&str, BargeInMode); 3] = [
        ("immediate", BargeInMode::Immediate),
        ("after_sentence", BargeInMode::AfterSentence),
        ("protected", BargeInMode::Protected),
    ];
    let default = BargeInSettings::default();
    let own = section.has("backchannels");
    BargeInSettings {
        mode: section.choice("mode", &MODES).unwrap_or(default.mode),
        greeting: section.choice("greeting", &MODES).unwrap_or(default.greeting),
        ears: section.flag("ears").unwrap_or(default.ears),
        confirm_window_ms: section
            .whole("confirm_window_ms", 100..=5_000)
            .unwrap_or(default.confirm_window_ms),
        confirm_speech_ms: section
            .whole("confirm_speech_ms", 150..=2_000)
            .unwrap_or(default.confirm_speech_ms),
        cooldown_ms: section.whole("cooldown_ms", 0..=10_000).unwrap_or(default.cooldown_ms),
        backchannels: if own { section.texts("backchannels") } else { default.backchannels },
    }
}

/// The tenant's own block list, behind everybody's. What stands there may be
/// somebody's number, so only its place is shown.
fn blocked(section: &mut Section<'_>, everybodys: &BlockList) -> BlockList {
    let mut list = everybodys.clone();
    for (index, text) in section.texts("blocked_numbers").iter().enumerate() {
        match Blocked::parse(text) {
            Ok(blocked) => list.push(blocked),
            Err(error) => {
                section.error("blocked_numbers", format!("item {} {error}", index + 1), BLOCKED_FIX)
            }
        }
    }
    list
}

pub(super) fn model(section: &mut Section<'_>) -> ModelSettings {
    let default = ModelSettings::default();
    ModelSettings {
        name: section.text("name"),
        provider: section.text("provider"),
        budget_model: section.text("budget_model"),
        audio: section
            .choice("audio", &[("pcmu", ModelAudio::Pcmu), ("pcm24k", ModelAudio::Pcm24k)])
            .unwrap_or(default.audio),
        temperature: section
            .or_none("temperature", |s, key| s.decimal(key, 0.0..=2.0))
            .unwrap_or(default.temperature),
        transcription: section
            .or_none("transcription", Section::text)
            .unwrap_or(default.transcription),
        vad_threshold: section.decimal("vad_threshold", 0.0..=1.0).unwrap_or(default.vad_threshold),
        prefix_padding_ms: section
            .whole("prefix_padding_ms", 0..=5_000)
            .unwrap_or(default.prefix_padding_ms),
        silence_duration_ms: section
            .whole("silence_duration_ms", 50..=10_000)
            .unwrap_or(default.silence_duration_ms),
        session_limit_ms: section
            .whole("session_limit_ms", 0..=DAY_MS)
            .unwrap_or(default.session_limit_ms),
        fallbacks: section.tables("fallback", fallback),
    }
}

fn fallback(section: &mut Section<'_>) -> ModelFallback {
    let url = section.text("url").filter(|url| match check_realtime_url(url) {
        Ok(()) => true,
        Err(Complaint { message, fix }) => {
            section.error("url", message, fix);
            false
        }
    });
    ModelFallback {
        name: section.text("name"),
        url,
        api_key_env: variable(section, "api_key_env"),
        dialect: section.choice("dialect", &[("ga", Dialect::Ga), ("beta", Dialect::Beta)]),
        provider: section.text("provider"),
        budget_model: section.text("budget_model"),
    }
}
