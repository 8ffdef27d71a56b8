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
use super::sampler::{ProcessUse, Sample};
use super::summary::{EchoSummary, LoadReport};
use super::times::Times;

/// A line that shows how far the run is, on a terminal only.
pub(super) struct Display {
    bar: Option<ProgressBar>,
    /// What the last second showed.
    second: String,
}

impl Display {
    pub(super) fn new(calls: u32, quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self { bar: None, second: String::new() };
        }
        let bar = ProgressBar::new(calls.into());
        let template = "{elapsed_precise} [{bar:30}] {pos}/{len} calls over, {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar: Some(bar), second: String::new() }
    }

    pub(super) fn update(&mut self, counts: Counts, sample: Option<&Sample>) {
        let Some(bar) = &self.bar else { return };
        bar.set_position(counts.over.into());
        if let Some(sample) = sample {
            self.second = second(sample);
        }
        bar.set_message(format!(
            "{} live, {} failed{}",
            counts.begun - counts.over,
            counts.failed,
            self.second
        ));
    }

    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn second(sample: &Sample) -> String {
    let mut text = String::new();
    if sample.round_trip_p99_us > 0 {
        let (p50, p99) = (ms(sample.round_trip_p50_us), ms(sample.round_trip_p99_us));
        text.push_str(&format!(", round trip p50 {p50:.1} p99 {p99:.1} ms"));
    }
    if sample.server_rss_kib > 0 {
        let (cores, mib) = (sample.server_cores, sample.server_rss_kib / 1_024);
        text.push_str(&format!(", server {cores:.2} cores {mib} MiB"));
    }
    text.push_str(&format!(", own {:.2} cores", sample.own_cores));
    text
}

fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
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
        let cut = if report.interrupted { ", interrupted" } else { "" };
        let seconds = report.wall_ms / 1_000;
        writeln!(f, "{} calls, {} failed, in {seconds} s{cut}", report.calls, report.failed)?;
        for (how, count) in &report.ended {
            writeln!(f, "  ended by {how:<22} {count:>8}")?;
        }
        for (reason, count) in &report.failures {
            writeln!(f, "  failed {count:>6} × {reason}")?;
        }
        writeln!(
            f,
            "\n{:<28}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}",
            "ms", "count", "p50", "p95", "p99", "p99.9", "max"
        )?;
        for (what, of, us) in [
            ("begun later than planned", &report.begun_late_ms, false),
            ("voice webhook", &report.webhook_ms, false),
            ("set-up", &report.setup_ms, false),
            ("first media message", &report.first_media_us, true),
            ("first audio heard", &report.first_audio_ms, false),
            ("end of speech to answer", &report.reply_us, true),
            ("interruption to clear", &report.interruption_ms, false),
        ] {
            times(f, what, of, us)?;
        }
        writeln!(f)?;
        echo(f, report)?;
        for (what, used) in [("server", report.server), ("simulator", report.own)] {
            if let Some(used) = used {
                process(f, what, &used)?;
            }
        }
        growth(f, report)?;
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
        if let Some(why) = &report.limited {
            writeln!(f, "limited by the simulator: {why}")?;
        }
        report.broken.iter().try_for_each(|broken| writeln!(f, "broken: {broken}"))
    }
}

fn echo(f: &mut fmt::Formatter<'_>, report: &LoadReport) -> fmt::Result {
    let EchoSummary { counts, round_trip_us, .. } = &report.echo;
    if counts.stamped == 0 {
        return Ok(());
    }
    let at = |percent| ms(round_trip_us.percentile(percent));
    let (p50, p90, p99) = (at(50.0), at(90.0), at(99.0));
    let (p999, max) = (at(99.9), at(100.0));
    let seconds = ms(report.measured_ms);
    writeln!(f, "echo, measured over {seconds:.1} s")?;
    writeln!(
        f,
        "  round trip, ms: p50 {p50:.2}  p90 {p90:.2}  p99 {p99:.2}  p99.9 {p999:.2}  max {max:.2}"
    )?;
    writeln!(
        f,
        "  frames: {} returned, {} lost, {} duplicated, {} reordered, {} before the model listened",
        counts.returned, counts.lost, counts.duplicated, counts.reordered, counts.early
    )
}

fn process(f: &mut fmt::Formatter<'_>, what: &str, used: &ProcessUse) -> fmt::Result {
    writeln!(
        f,
        "{what}: {:.3} ms of CPU per call-second, {:.2} ms per call in all, \
         {:.1} KiB per live call, {} MiB at most",
        used.cpu_ms_per_call_second,
        used.cpu_ms_per_call,
        used.rss_per_call_kib,
        used.rss_peak_kib / 1_024
    )
}

fn growth(f: &mut fmt::Formatter<'_>, report: &LoadReport) -> fmt::Result {
    let Some(growth) = &report.growth else { return Ok(()) };
    let verdict = if growth.flat { "flat" } else { "NOT flat" };
    let (kib, calls) = (growth.kib_per_1000_calls, growth.calls);
    writeln!(f, "server's memory: {verdict}, {kib:+.0} KiB per 1000 calls over the last {calls}")
}

/// One row, in milliseconds; of microseconds to a tenth.
fn times(f: &mut fmt::Formatter<'_>, what: &str, times: &Times, us: bool) -> fmt::Result {
    let at = |percent| {
        let time = times.percentile(percent);
        if us { format!("{:.1}", ms(time)) } else { time.to_string() }
    };
    let [p50, p95, p99, p999, max] = [50.0, 95.0, 99.0, 99.9, 100.0].map(at);
    let count = times.count();
    writeln!(f, "{what:<28}{count:>8}{p50:>8}{p95:>8}{p99:>8}{p999:>8}{max:>8}")
}
