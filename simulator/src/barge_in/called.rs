//! What a call over real sockets made of a scene, and what all of them add up to.

use std::fmt;

use serde::Serialize;

use super::play::Outcome;
use super::report::{Latency, is_negative};
use super::scene::{Label, Scene};
use super::sounds::Part;

/// An interruption that did not stop the agent so long after its onset was missed,
/// in milliseconds.
const PATIENCE_MS: f64 = 1_000.0;

/// How far the position that we take for heard may be from what the phone played,
/// in milliseconds.
const CLOSE_MS: f64 = 100.0;

/// What a product must reach: from the onset to the agent's silence, in
/// milliseconds, and the shares of what is missed, of what is cut off for nothing,
/// and of positions that are close.
const STOP_P99_MS: f64 = 300.0;
const MISS_RATE: f64 = 0.02;
const FALSE_RATE: f64 = 0.05;
const CLOSE_RATE: f64 = 0.99;

/// How the agent was made to stop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stop {
    /// When `clear` reached the phone, in milliseconds of the caller's audio.
    pub at_ms: f64,
    /// What the phone had played of the agent by then, in milliseconds.
    pub played_ms: f64,
}

/// One scene, called.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Called {
    /// Each time that the phone was cleared.
    pub stops: Vec<Stop>,
    /// For how long the agent was silent each time that it went on, in milliseconds.
    pub pauses_ms: Vec<u64>,
    /// What the caller was believed to have heard, in milliseconds, where the
    /// agent's sentence was given up.
    pub gave_up_at_ms: Option<f64>,
    /// Why the call did not go as planned.
    pub failure: Option<String>,
}

impl Called {
    fn gave_up(&self) -> bool {
        self.gave_up_at_ms.is_some()
    }

    /// The first stop that the caller's sound can have caused.
    fn stop_after(&self, onset_ms: f64) -> Option<&Stop> {
        self.stops.iter().find(|stop| stop.at_ms >= onset_ms)
    }

    /// How far off the position was that was taken for heard, where nothing was said
    /// twice.
    fn position_error_ms(&self) -> Option<f64> {
        let [stop] = self.stops.as_slice() else {
            return None;
        };
        Some((self.gave_up_at_ms? - stop.played_ms).abs())
    }
}

/// How real interruptions went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Interruptions {
    /// How many there were.
    pub scenes: usize,
    /// The agent was not silent within a second.
    pub missed: usize,
    /// The agent was stopped before the caller began.
    pub early: usize,
    /// The agent fell silent and went on over the caller.
    pub talked_over: usize,
    /// From the caller's first sound until `clear` reached the phone.
    pub stop_ms: Latency,
    /// From the frame with which our ears had heard enough until then.
    pub beyond_gate_ms: Latency,
    /// Share that was missed or talked over.
    pub miss_rate: f64,
}

/// How everything else went, by kind.
#[derive(Clone, Debug, Serialize)]
pub struct Others {
    /// What it is.
    pub label: Label,
    /// How many scenes there were.
    pub scenes: usize,
    /// The agent fell silent and went on.
    pub resumed: usize,
    /// For how long.
    pub pause_ms: Latency,
    /// The agent's sentence was given up.
    pub gave_up: usize,
    /// Share that was given up.
    pub false_rate: f64,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct CallReport {
    /// Which part of the set.
    pub part: Part,
    /// The seed that mixed it.
    pub seed: u64,
    /// Interruptions.
    pub interruptions: Interruptions,
    /// What is none, by kind.
    pub others: Vec<Others>,
    /// Share of all those that was given up.
    pub false_rate: f64,
    /// How far off the positions were that were taken for heard.
    pub position_error_ms: Latency,
    /// Share of them that was less than 100 ms off.
    pub close_rate: f64,
    /// Calls whose positions could be compared.
    pub positions: usize,
    /// Scenes that went wrong, in words.
    pub wrong: Vec<String>,
    /// What is not as it must be, in words; empty when all is well.
    pub exceeded: Vec<String>,
}

impl CallReport {
    /// Adds up. `heard` is what our ears make of each scene by themselves.
    #[must_use]
    pub fn new(
        part: Part,
        seed: u64,
        scenes: &[Scene],
        heard: &[Outcome],
        called: &[Called],
    ) -> Self {
        let all: Vec<Row<'_>> = scenes
            .iter()
            .zip(heard)
            .zip(called)
            .map(|((scene, heard), called)| Row { scene, heard, called })
            .collect();
        let of = |label| all.iter().filter(move |row| row.scene.label == label);
        let kinds = Label::ALL.into_iter().filter(|label| *label != Label::Interruption);
        let others: Vec<Others> =
            kinds.map(|label| Others::new(label, of(label))).filter(|o| o.scenes > 0).collect();
        let count = |what: fn(&Others) -> usize| others.iter().map(what).sum::<usize>();
        let errors: Vec<f64> =
            all.iter().filter_map(|row| row.called.position_error_ms()).collect();
        let close = errors.iter().filter(|error| **error <= CLOSE_MS).count();
        let mut report = Self {
            part,
            seed,
            interruptions: Interruptions::new(of(Label::Interruption)),
            false_rate: share(count(|o| o.gave_up), count(|o| o.scenes)),
            others,
            close_rate: share(close, errors.len()),
            positions: errors.len(),
            position_error_ms: Latency::of(errors),
            wrong: all.iter().filter_map(Row::complaint).collect(),
            exceeded: Vec::new(),
        };
        report.exceeded = report.check();
        report
    }

    fn check(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut most = |what: &str, is: f64, may: f64, unit: &str| {
            if is > may {
                found.push(format!("{what}: {is:.1}{unit}, at most {may:.1}{unit} is good"));
            }
        };
        let interruptions = &self.interruptions;
        if interruptions.scenes > 0 {
            most("stop, p99", f64::from(interruptions.stop_ms.p99), STOP_P99_MS, " ms");
            most("missed", interruptions.miss_rate * 100.0, MISS_RATE * 100.0, " %");
        }
        most("cut off for nothing", self.false_rate * 100.0, FALSE_RATE * 100.0, " %");
        if self.positions > 0 {
            let far = 100.0 - self.close_rate * 100.0;
            most("positions off by over 100 ms", far, 100.0 - CLOSE_RATE * 100.0, " %");
        }
        found
    }
}

#[derive(Clone, Copy)]
struct Row<'a> {
    scene: &'a Scene,
    heard: &'a Outcome,
    called: &'a Called,
}

impl Row<'_> {
    fn onset_ms(&self) -> f64 {
        f64::from(self.scene.onset_ms.unwrap_or(0))
    }

    fn is_early(&self) -> bool {
        self.called.stops.first().is_some_and(|stop| stop.at_ms < self.onset_ms())
    }

    /// From the onset to the stop; none where it was missed.
    fn stop_ms(&self) -> Option<f64> {
        let onset = self.onset_ms();
        let after = self.called.stop_after(onset)?.at_ms - onset;
        (after <= PATIENCE_MS).then_some(after)
    }

    fn beyond_gate_ms(&self) -> Option<f64> {
        let told = f64::from(self.heard.sustained_ms?);
        let stop = self.called.stop_after(self.onset_ms())?.at_ms;
        (self.stop_ms().is_some() && !self.is_early()).then(|| (stop - told).max(0.0))
    }

    fn complaint(&self) -> Option<String> {
        let Scene { name, label, level_dbfs, noise_dbfs, onset_ms, echo, .. } = self.scene;
        let is_interruption = *label == Label::Interruption;
        let what = if let Some(failure) = &self.called.failure {
            failure.clone()
        } else if is_interruption && self.is_early() {
            "stopped before the caller began".to_owned()
        } else if is_interruption {
            match self.stop_ms() {
                None => "missed".to_owned(),
                Some(ms) if ms > STOP_P99_MS => format!("stopped after {ms:.0} ms"),
                Some(_) if !self.called.gave_up() => "talked over".to_owned(),
                Some(_) => return None,
            }
        } else if self.called.gave_up() {
            "cut off for nothing".to_owned()
        } else {
            return None;
        };
        let onset = onset_ms.unwrap_or(0);
        let echo =
            echo.map_or("none".to_owned(), |e| format!("{} ms {:.0} dB", e.delay_ms, e.gain_db));
        Some(format!(
            "{} {name}: {what} (onset {onset} ms, level {level_dbfs:.0}, noise {noise_dbfs:.0}, echo {echo})",
            label.name()
        ))
    }
}

impl Interruptions {
    fn new<'a>(rows: impl Iterator<Item = &'a Row<'a>>) -> Self {
        let mut sum = Self::default();
        let (mut stops, mut beyond) = (Vec::new(), Vec::new());
        for row in rows {
            sum.scenes += 1;
            let (early, stop) = (row.is_early(), row.stop_ms());
            sum.early += usize::from(early);
            sum.missed += usize::from(stop.is_none() && !early);
            sum.talked_over += usize::from(stop.is_some() && !early && !row.called.gave_up());
            stops.extend(stop.filter(|_| !early));
            beyond.extend(row.beyond_gate_ms());
        }
        sum.miss_rate = share(sum.missed + sum.talked_over, sum.scenes);
        sum.stop_ms = Latency::of(stops);
        sum.beyond_gate_ms = Latency::of(beyond);
        sum
    }
}

impl Others {
    fn new<'a>(label: Label, rows: impl Iterator<Item = &'a Row<'a>>) -> Self {
        let (mut scenes, mut resumed, mut gave_up) = (0, 0, 0);
        let mut pauses = Vec::new();
        for row in rows {
            scenes += 1;
            gave_up += usize::from(row.called.gave_up());
            resumed += usize::from(!row.called.gave_up() && !row.called.pauses_ms.is_empty());
            #[expect(clippy::cast_precision_loss, reason = "a pause has few milliseconds")]
            pauses.extend(row.called.pauses_ms.iter().map(|ms| *ms as f64));
        }
        let pause_ms = Latency::of(pauses);
        debug_assert!(label == Label::Backchannel || is_negative(label));
        Self { label, scenes, resumed, pause_ms, gave_up, false_rate: share(gave_up, scenes) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a set has hundreds of scenes")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl fmt::Display for CallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interruptions {
            scenes,
            missed,
            early,
            talked_over,
            stop_ms,
            beyond_gate_ms,
            miss_rate,
        } = &self.interruptions;
        if *scenes > 0 {
            writeln!(
                f,
                "interruptions {scenes}: missed {missed}, talked over {talked_over} ({:.1} %), early {early}",
                miss_rate * 100.0
            )?;
            writeln!(f, "{:<34}{:>8}{:>8}{:>8}{:>8}", "", "p50", "p90", "p99", "max")?;
            writeln!(f, "{:<34}{stop_ms}", "  first sound to silence, ms")?;
            writeln!(f, "{:<34}{beyond_gate_ms}", "  of which after our ears knew, ms")?;
            writeln!(f, "{:<34}{}", "  position off by, ms", self.position_error_ms)?;
            let (close, of) = (self.close_rate * 100.0, self.positions);
            writeln!(f, "  positions within 100 ms: {close:.1} % of {of}")?;
        }
        let heads = ["scenes", "resumed", "pause p50", "p99 ms", "cut off", "false"];
        let [scenes, resumed, p50, p99, cut, wrong] = heads;
        writeln!(f, "{:<15}{scenes:>8}{resumed:>9}{p50:>11}{p99:>8}{cut:>9}{wrong:>9}", "")?;
        for o in &self.others {
            let Latency { p50, p99, .. } = o.pause_ms;
            writeln!(
                f,
                "{:<15}{:>8}{:>9}{p50:>11}{p99:>8}{:>9}{:>7.1} %",
                o.label.name(),
                o.scenes,
                o.resumed,
                o.gave_up,
                o.false_rate * 100.0
            )?;
        }
        write!(f, "{:<52}{:>15.1} %", "all of these", self.false_rate * 100.0)?;
        self.exceeded.iter().try_for_each(|line| write!(f, "\nNOT GOOD  {line}"))
    }
}
