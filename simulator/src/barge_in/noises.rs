//! Sounds that are made rather than recorded, so that no two are the same.

use std::f32::consts::TAU;

use super::chance::Chance;
use super::line::{Band, PER_MS, add};

/// Kinds of steady noise.
#[derive(Clone, Copy, Debug)]
pub(super) enum Colour {
    White,
    Pink,
    Brown,
    /// White, in the band of a cheap line.
    Band,
}

impl Colour {
    pub(super) const ALL: [Self; 4] = [Self::White, Self::Pink, Self::Brown, Self::Band];
}

/// Steady noise, roughly between −1 and 1.
pub(super) fn noise(colour: Colour, samples: usize, chance: &mut Chance) -> Vec<f32> {
    let mut band = Band::new(1_000.0, 0.6);
    let (mut slow, mut slower, mut brown) = (0.0, 0.0, 0.0);
    let mut next = || {
        let white = chance.between(-1.0, 1.0);
        match colour {
            Colour::White => white,
            Colour::Pink => {
                slow = 0.86 * slow + 0.3 * white;
                slower = 0.985 * slower + 0.1 * white;
                slow + slower + 0.2 * white
            }
            Colour::Brown => {
                brown = 0.96 * brown + 0.28 * white;
                brown
            }
            Colour::Band => band.next(white) * 2.0,
        }
    };
    (0..samples).map(|_| next()).collect()
}

/// A cough: a burst through the throat's resonances, its noise dying away, and in
/// half of them a short rough voice at the end (after the three phases of
/// J. Korpáš, "Analysis of the cough sound", 1996). Sometimes two.
pub(super) fn cough(chance: &mut Chance) -> Vec<f32> {
    let mut whole = one_cough(chance);
    if chance.happens(0.3) {
        let pause = chance.whole(150, 400) * PER_MS;
        whole.extend(std::iter::repeat_n(0.0, pause));
        whole.extend(one_cough(chance));
    }
    whole
}

fn one_cough(chance: &mut Chance) -> Vec<f32> {
    let burst = chance.whole(20, 70) * PER_MS;
    let tail = chance.whole(80, 240) * PER_MS;
    let voice = if chance.happens(0.5) { chance.whole(30, 90) * PER_MS } else { 0 };
    let attack = chance.whole(2, 8) * PER_MS;
    let quieter = chance.between(0.25, 0.6);
    let mut low = Band::new(chance.between(400.0, 900.0), 1.5);
    let mut high = Band::new(chance.between(1_100.0, 2_300.0), 1.2);
    let mut pitch_hz = chance.between(130.0, 320.0);
    let mut phase = 0.0_f32;
    let total = burst + tail + voice;
    (0..total)
        .map(|n| {
            let breath = chance.between(-1.0, 1.0);
            phase = (phase + pitch_hz / 8_000.0).fract();
            pitch_hz *= 0.99994;
            let (source, gain) = if n < burst {
                (breath, (n as f32 / attack as f32).min(1.0))
            } else if n < burst + tail {
                (breath, quieter * (-((n - burst) as f32) / tail as f32 * 1.5).exp())
            } else {
                let left = (total - n) as f32 / voice as f32;
                ((1.0 - 2.0 * phase) * 0.7 + breath * 0.5, 0.4 * left)
            };
            (low.next(source) * 2.0 + high.next(source) * 1.5 + 0.15 * source) * gain
        })
        .collect()
}

/// Keys of a keyboard, or a single click, for about a second.
pub(super) fn clicks(chance: &mut Chance) -> Vec<f32> {
    let count = if chance.happens(0.3) { 1 } else { chance.whole(4, 12) };
    let mut line = vec![0.0; 1_200 * PER_MS];
    let mut at = 0;
    for _ in 0..count {
        let length = chance.whole(2, 9) * PER_MS;
        let mut band = Band::new(chance.between(900.0, 3_000.0), 1.5);
        let click: Vec<f32> = (0..length)
            .map(|n| band.next(chance.between(-2.0, 2.0)) * (1.0 - n as f32 / length as f32))
            .collect();
        add(&mut line, &click, at, 0.0);
        // The key comes up again.
        add(&mut line, &click, at + chance.whole(50, 90) * PER_MS, -8.0);
        at += chance.whole(70, 260) * PER_MS;
    }
    line
}

/// Bursts of noise, as of something that is set down or torn.
pub(super) fn bursts(chance: &mut Chance) -> Vec<f32> {
    let mut line = Vec::new();
    for _ in 0..chance.whole(1, 4) {
        let colour = chance.pick(&Colour::ALL).copied().unwrap_or(Colour::White);
        let length = chance.whole(30, 600) * PER_MS;
        let sharp = chance.whole(1, 60) * PER_MS;
        let burst = noise(colour, length, chance);
        let shaped = burst.iter().zip(0..length).map(|(s, n)| {
            let rise = (n as f32 / sharp as f32).min(1.0);
            s * rise * (1.0 - n as f32 / length as f32)
        });
        line.extend(shaped);
        line.extend(std::iter::repeat_n(0.0, chance.whole(40, 300) * PER_MS));
    }
    line
}

/// Dialled digits, a beep, or the hum of the mains.
pub(super) fn tone(chance: &mut Chance) -> Vec<f32> {
    match chance.whole(0, 4) {
        0 | 1 => digits(chance),
        2 => {
            let hz = chance.between(350.0, 1_500.0);
            let length = chance.whole(150, 900) * PER_MS;
            (0..length).map(|n| (n as f32 * hz / 8_000.0 * TAU).sin()).collect()
        }
        _ => {
            let mains = if chance.happens(0.5) { 100.0 } else { 120.0 };
            let parts: Vec<f32> = (0..8).map(|n| chance.unit() / (1 + n) as f32).collect();
            let at = |n: usize| {
                let turns = n as f32 * mains / 8_000.0;
                let harmonics = parts.iter().zip(1..8_u8);
                harmonics.map(|(gain, k)| gain * (turns * f32::from(k) * TAU).sin()).sum()
            };
            (0..1_500 * PER_MS).map(at).collect()
        }
    }
}

/// ITU-T Q.23: a row and a column.
fn digits(chance: &mut Chance) -> Vec<f32> {
    let (rows, columns) = ([697.0, 770.0, 852.0, 941.0], [1_209.0, 1_336.0, 1_477.0, 1_633.0]);
    let length = chance.whole(70, 350) * PER_MS;
    let pause = chance.whole(50, 150) * PER_MS;
    let mut line = Vec::new();
    for _ in 0..chance.whole(1, 5) {
        let row = chance.pick(&rows).copied().unwrap_or(697.0);
        let column = chance.pick(&columns).copied().unwrap_or(1_209.0);
        let wave = |n: usize, hz: f32| (n as f32 * hz / 8_000.0 * TAU).sin();
        line.extend((0..length).map(|n| 0.5 * (wave(n, row) + wave(n, column))));
        line.extend(std::iter::repeat_n(0.0, pause));
    }
    line
}
