//! What the scenes add up to, as a table and as JSON.

use std::fmt;

use serde::Serialize;

use super::play::Outcome;
use super::scene::{Label, Scene};
use super::sounds::Part;

/// An interruption that was not told so long after it began was missed, in
/// milliseconds.
pub(super) const PATIENCE_MS: u32 = 1_000;

/// From the onset of speech to `Sustained`, in milliseconds of the caller's audio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50: u32,
    /// Nine of ten.
    pub p90: u32,
    /// Ninety-nine of a hundred.
    pub p99: u32,
    /// The longest.
    pub max: u32,
}

impl Latency {
    /// Of so many readings, in milliseconds: the nearest ranks, rounded.
    pub(super) fn of(mut readings: Vec<f64>) -> Self {
        readings.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (readings.len() as f64 * share).ceil() as usize;
            readings.get(place.saturating_sub(1)).map_or(0, |reading| reading.round() as u32)
        };
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1.0) }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p90, p99, max } = self;
        write!(f, "{p50:>8}{p90:>8}{p99:>8}{max:>8}")
    }
}

/// How interruptions, or backchannels, were told.
#[derive(Clone, Debug, Serialize)]
pub struct PositiveScore {
    /// What they are.
    pub label: Label,
    /// How many scenes there were.
    pub scenes: usize,
    /// Not told within a second.
    pub missed: usize,
    /// Told before they began: something else was taken for speech.
    pub early: usize,
    /// Told as strong within a second.
    pub strong: usize,
    /// Share that was missed.
    pub miss_rate: f64,
    /// Of those that were told.
    pub latency_ms: Latency,
}

/// How often something else was taken for sustained speech.
#[derive(Clone, Debug, Serialize)]
pub struct NegativeScore {
    /// What it is.
    pub label: Label,
    /// How many scenes there were.
    pub scenes: usize,
    /// Told as sustained.
    pub sustained: usize,
    /// Told as strong.
    pub strong: usize,
    /// Share that was told as sustained.
    pub false_rate: f64,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Which part of the set.
    pub part: Part,
    /// The seed that mixed it.
    pub seed: u64,
    /// Interruptions.
    pub interruptions: PositiveScore,
    /// Backchannels: speech to the ears.
    pub backchannels: PositiveScore,
    /// What should not be told, by kind.
    pub others: Vec<NegativeScore>,
    /// Share of all scenes of those kinds that was told as sustained.
    pub false_rate: f64,
    /// The scenes that went wrong.
    pub wrong: Vec<String>,
}

impl Report {
    pub(super) fn new(part: Part, seed: u64, scenes: &[Scene], outcomes: &[Outcome]) -> Self {
        let all: Vec<(&Scene, &Outcome)> = scenes.iter().zip(outcomes).collect();
        let of = |label| all.iter().copied().filter(move |(s, _)| s.label == label);
        let negatives = Label::ALL.into_iter().filter(|l| is_negative(*l));
        let others: Vec<NegativeScore> = negatives.map(|l| negative(l, of(l))).collect();
        let (scenes, told) =
            others.iter().fold((0, 0), |(n, t), s| (n + s.scenes, t + s.sustained));
        Self {
            part,
            seed,
            interruptions: positive(Label::Interruption, of(Label::Interruption)),
            backchannels: positive(Label::Backchannel, of(Label::Backchannel)),
            others,
            false_rate: share(told, scenes),
            wrong: all.iter().filter_map(|(s, o)| complaint(s, o)).collect(),
        }
    }
}

pub(super) const fn is_negative(label: Label) -> bool {
    match label {
        Label::Interruption | Label::Backchannel => false,
        Label::Cough | Label::Noise | Label::Tone | Label::ComfortNoise | Label::Echo => true,
    }
}

/// How long after the onset it was told; none where it was missed or early.
fn latency(scene: &Scene, told_ms: Option<u32>) -> Option<u32> {
    let latency = told_ms?.checked_sub(scene.onset_ms?)?;
    (latency <= PATIENCE_MS).then_some(latency)
}

fn is_early(scene: &Scene, outcome: &Outcome) -> bool {
    let both = outcome.sustained_ms.zip(scene.onset_ms);
    both.is_some_and(|(told, onset)| told < onset)
}

fn positive<'a>(
    label: Label,
    all: impl Iterator<Item = (&'a Scene, &'a Outcome)>,
) -> PositiveScore {
    let mut score = PositiveScore {
        label,
        scenes: 0,
        missed: 0,
        early: 0,
        strong: 0,
        miss_rate: 0.0,
        latency_ms: Latency::default(),
    };
    let mut latencies = Vec::new();
    for (scene, outcome) in all {
        score.scenes += 1;
        let early = is_early(scene, outcome);
        score.early += usize::from(early);
        let told = latency(scene, outcome.sustained_ms);
        score.missed += usize::from(told.is_none() && !early);
        score.strong += usize::from(latency(scene, outcome.strong_ms).is_some());
        latencies.extend(told.map(f64::from));
    }
    score.latency_ms = Latency::of(latencies);
    score.miss_rate = share(score.missed, score.scenes);
    score
}

fn negative<'a>(
    label: Label,
    all: impl Iterator<Item = (&'a Scene, &'a Outcome)>,
) -> NegativeScore {
    let (mut scenes, mut sustained, mut strong) = (0, 0, 0);
    for (_, outcome) in all {
        scenes += 1;
        sustained += usize::from(outcome.sustained_ms.is_some());
        strong += usize::from(outcome.strong_ms.is_some());
    }
    NegativeScore { label, scenes, sustained, strong, false_rate: share(sustained, scenes) }
}

fn complaint(scene: &Scene, outcome: &Outcome) -> Option<String> {
    let told = latency(scene, outcome.sustained_ms);
    let wrong = match scene.label {
        Label::Interruption if is_early(scene, outcome) => "early".to_owned(),
        Label::Interruption if told.is_none() => "missed".to_owned(),
        Label::Interruption if told > Some(260) => format!("slow, {} ms", told.unwrap_or(0)),
        Label::Interruption | Label::Backchannel => return None,
        Label::Cough | Label::Noise | Label::Tone | Label::ComfortNoise | Label::Echo => {
            let strong = if outcome.strong_ms.is_some() { ", strong" } else { "" };
            format!("told as speech at {} ms{strong}", outcome.sustained_ms?)
        }
    };
    let Scene { name, label, level_dbfs, noise_dbfs, echo, onset_ms, .. } = scene;
    let onset = onset_ms.unwrap_or(0);
    let echo = echo.map_or("none".to_owned(), |e| format!("{} ms {:.0} dB", e.delay_ms, e.gain_db));
    Some(format!(
        "{} {name}: {wrong} (onset {onset} ms, level {level_dbfs:.0}, noise {noise_dbfs:.0}, echo {echo})",
        label.name()
    ))
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<15}{:>7}{:>8}{:>7}{:>8}{:>9}{:>22}",
            "", "scenes", "missed", "early", "strong", "miss", "p50/p90/p99/max ms"
        )?;
        for score in [&self.interruptions, &self.backchannels] {
            let Latency { p50, p90, p99, max } = score.latency_ms;
            let latency = format!("{p50}/{p90}/{p99}/{max}");
            writeln!(
                f,
                "{:<15}{:>7}{:>8}{:>7}{:>8}{:>8.1}%{:>22}",
                score.label.name(),
                score.scenes,
                score.missed,
                score.early,
                score.strong,
                score.miss_rate * 100.0,
                latency
            )?;
        }
        writeln!(f, "{:<15}{:>7}{:>15}{:>8}{:>9}", "", "scenes", "sustained", "strong", "false")?;
        for score in &self.others {
            writeln!(
                f,
                "{:<15}{:>7}{:>15}{:>8}{:>8.1}%",
                score.label.name(),
                score.scenes,
                score.sustained,
                score.strong,
                score.false_rate * 100.0
            )?;
        }
        writeln!(f, "{:<15}{:>39.1}%", "all of these", self.false_rate * 100.0)
    }
}
