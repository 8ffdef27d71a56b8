//! Knowing a recording again by its loudness contour: 20 ms levels in decibels,
//! smoothed, with mean and scale removed, so that neither the level nor mild
//! noise matters. Two contours are compared by correlation at every offset of
//! up to half a second.

use super::level::dbfs;

/// Offsets that are tried either way, in frames: voice detection starts and ends
/// an utterance by its own lights.
const MAX_OFFSET: usize = 25;
/// Level below which everything is silence, in dBFS: line noise, not speech.
const FLOOR_DBFS: f32 = -48.0;
/// Correlation from which two contours are the same utterance. Different
/// sentences by one voice stay below 0.6.
pub const SAME: f32 = 0.75;

/// The loudness contour of one utterance.
#[derive(Clone, Debug, PartialEq)]
pub struct Fingerprint(Vec<f32>);

impl Fingerprint {
    /// From 20 ms levels (see [`super::level::levels`]); silence at either end
    /// is cut. `None` where there is no sound at all.
    #[must_use]
    pub fn new(levels: &[f32]) -> Option<Self> {
        let loud: Vec<f32> =
            levels.iter().map(|level| (dbfs(*level) - FLOOR_DBFS).max(0.0)).collect();
        let first = loud.iter().position(|l| *l > 0.0)?;
        let last = loud.iter().rposition(|l| *l > 0.0)?;
        Some(Self(smooth(loud.get(first..=last)?)))
    }

    /// Frames of sound.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.0.len()
    }

    /// How alike two utterances are: 1 for the same contour, about 0 for
    /// strangers, 0 where the lengths alone tell them apart.
    #[must_use]
    pub fn likeness(&self, other: &Self) -> f32 {
        let (a, b) = (&self.0, &other.0);
        if a.len().abs_diff(b.len()) > MAX_OFFSET.max(a.len().max(b.len()) / 4) {
            return 0.0;
        }
        let ahead = (0..=MAX_OFFSET).map(|skip| correlation(a, b, skip));
        let behind = (1..=MAX_OFFSET).map(|skip| correlation(b, a, skip));
        ahead.chain(behind).fold(0.0, f32::max)
    }

    /// How alike this is to the beginning of another utterance, of its own length.
    #[must_use]
    pub fn likeness_to_start(&self, whole: &Self) -> f32 {
        let start = whole.0.get(..self.0.len()).unwrap_or(&whole.0);
        self.likeness(&Self(start.to_vec()))
    }
}

/// Correlation of `a` from frame `skip` on with `b`, both padded by silence.
fn correlation(a: &[f32], b: &[f32], skip: usize) -> f32 {
    let length = a.len().max(b.len() + skip);
    let at =
        |contour: &[f32], n: Option<usize>| n.and_then(|n| contour.get(n)).copied().unwrap_or(0.0);
    let pairs = || (0..length).map(|n| (at(a, Some(n)), at(b, n.checked_sub(skip))));
    #[expect(clippy::cast_precision_loss, reason = "an utterance has a few thousand frames")]
    let count = length as f32;
    let (sum_a, sum_b) = pairs().fold((0.0, 0.0), |(x, y), (p, q)| (x + p, y + q));
    let (mean_a, mean_b) = (sum_a / count, sum_b / count);
    let (mut both, mut square_a, mut square_b) = (0.0f32, 0.0f32, 0.0f32);
    for (p, q) in pairs() {
        let (p, q) = (p - mean_a, q - mean_b);
        both += p * q;
        square_a += p * p;
        square_b += q * q;
    }
    let scale = (square_a * square_b).sqrt();
    if scale > 0.0 { both / scale } else { 0.0 }
}

/// Three-frame mean, so that a shift by part of a frame changes little.
fn smooth(contour: &[f32]) -> Vec<f32> {
    (0..contour.len())
        .map(|n| {
            let window = contour.get(n.saturating_sub(1)..(n + 2).min(contour.len()));
            let window = window.unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "at most three")]
            let count = window.len().max(1) as f32;
            window.iter().sum::<f32>() / count
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use crate::speech::level::{AudioFormat, levels};
    use crate::speech::synth::speak;

    fn print(text: &str) -> (Vec<f32>, Fingerprint) {
        let levels = levels(AudioFormat::Mulaw, &speak(text, AudioFormat::Mulaw));
        let print = Fingerprint::new(&levels).unwrap();
        (levels, print)
    }

    #[test]
    fn level_noise_and_silence_around_do_not_matter() {
        let (levels, print) = print("What are your opening hours on Saturday, please?");
        let mut changed = vec![10.0; 15];
        let noise = [12.0, 25.0, 5.0, 18.0].into_iter().cycle();
        changed.extend(levels.iter().zip(noise).map(|(l, n)| l * 0.4 + n));
        changed.extend([10.0; 25]);
        let again = Fingerprint::new(&changed).unwrap();
        assert!(print.likeness(&again) > 0.9, "{}", print.likeness(&again));
    }

    #[test]
    fn another_sentence_is_another_contour() {
        let (_, a) = print("What are your opening hours on Saturday, please?");
        let (_, b) = print("I would like to talk with somebody human today.");
        let (_, c) = print("No.");
        assert!(a.likeness(&b) < SAME, "{}", a.likeness(&b));
        assert!(a.likeness(&c) < SAME);
    }

    #[test]
    fn silence_has_no_print() {
        assert_eq!(Fingerprint::new(&[0.0; 50]), None);
        assert_eq!(Fingerprint::new(&[]), None);
    }
}
