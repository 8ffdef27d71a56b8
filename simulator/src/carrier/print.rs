//! What `trunkline simulate calls` writes on the terminal.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the command line's own output"
)]

use std::fmt;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use super::load::Counts;
use super::summary::{LoadReport, Times};

/// A line that shows how far the run is, on a terminal only.
pub(super) struct Display {
    bar: Option<ProgressBar>,
}

impl Display {
    pub(super) fn new(calls: u32, quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let bar = ProgressBar::new(calls.into());
        let template = "{elapsed_precise} [{bar:30}] {pos}/{len} calls over, {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar: Some(bar) }
    }

    pub(super) fn update(&mut self, counts: Counts) {
        let Some(bar) = &self.bar else { return };
        bar.set_position(counts.over.into());
        bar.set_message(format!(
            "{} live, {} failed",
            counts.begun - counts.over,
            counts.failed
        ));
    }

    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Why nothing was done.
pub(super) fn error(error: &dyn fmt::Display) {
    eprintln!("error: {error}");
}

/// The run's report on standard output.
pub(super) fn report(report: &LoadReport, json: bool) {
    if json {
        match serde_json::to_string_pretty(report) {
            Ok(text) => println!("{text}"),
            Err(problem) => error(&problem),
        }
    } else {
        print!("{}", Plain(report));
    }
}

struct Plain<'a>(&'a LoadReport);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        let cut = if report.interrupted {
            ", interrupted"
        } else {
            ""
        };
        let seconds = report.wall_ms / 1_000;
        writeln!(
            f,
            "{} calls, {} failed, in {seconds} s{cut}",
            report.calls, report.failed
        )?;
        for (how, count) in &report.ended {
            writeln!(f, "  ended by {how:<22} {count:>8}")?;
        }
        for (reason, count) in &report.failures {
            writeln!(f, "  failed {count:>6} × {reason}")?;
        }
        writeln!(
            f,
            "\n{:<28}{:>8}{:>8}{:>8}{:>8}{:>8}",
            "ms", "count", "p50", "p95", "p99", "max"
        )?;
        times(f, "voice webhook", &report.webhook_ms)?;
        times(f, "set-up", &report.setup_ms)?;
        times(f, "first audio", &report.first_audio_ms)?;
        times(f, "interruption to clear", &report.interruption_ms)?;
        writeln!(f)?;
        let late = &report.lateness;
        for (what, count) in [
            ("frames sent", report.frames_sent),
            ("frames discarded", report.frames_discarded),
            ("media messages received", report.media_received),
            ("underruns", report.underruns),
            ("silence in utterances, ms", report.underrun_ms),
            ("stale frames heard", report.stale_frames),
            ("interruptions ignored", report.interruptions_ignored),
            ("invalid messages", report.invalid_commands),
            ("own frames ≥ 20 ms late", late.over_20_ms),
            ("own frames latest, ms", late.max_us / 1_000),
        ] {
            writeln!(f, "{what:<28}{count:>8}")?;
        }
        report
            .broken
            .iter()
            .try_for_each(|broken| writeln!(f, "broken: {broken}"))
    }
}

fn times(f: &mut fmt::Formatter<'_>, what: &str, times: &Times) -> fmt::Result {
    let at = |percent| times.percentile_ms(percent);
    let (p50, p95, p99, max) = (at(50.0), at(95.0), at(99.0), at(100.0));
    writeln!(
        f,
        "{what:<28}{:>8}{p50:>8}{p95:>8}{p99:>8}{max:>8}",
        times.count()
    )
}
