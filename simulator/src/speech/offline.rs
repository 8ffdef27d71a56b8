//! Words from sound and nothing else: the audio is given to `PocketSphinx`, a recogniser
//! that needs no network and no account. It was made for wide-band speech by people, so
//! on a telephone's synthetic voices it is asked which of some sentences was said, and
//! the audio gets a faint hiss over all of the band: it takes the telephone's empty half
//! for a feature of the words.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use trunkline_core::audio::g711;

/// The program of Debian's package `pocketsphinx`.
const PROGRAM: &str = "pocketsphinx_continuous";
/// What its package `pocketsphinx-en-us` brings.
const MODEL: &str = "/usr/share/pocketsphinx/model/en-us";
/// Sentences that nobody says, so that there is something to mistake others for.
const UNSAID: [&str; 4] = [
    "the weather is very nice today",
    "where did you leave the garden keys",
    "we had a lovely time last summer",
    "the train to the city is late",
];
/// Silence before and behind, in samples: words at the border are missed.
const MARGIN: usize = 4_800;
/// Peak of the hiss: −45 dBFS, as loud as a poor line's own.
const HISS: i32 = 319;
/// Beams so wide that a sentence that fits badly is still followed to its end.
const BEAMS: [(&str, &str); 5] = [
    ("-beam", "1e-250"),
    ("-wbeam", "1e-200"),
    ("-pbeam", "1e-250"),
    ("-maxhmmpf", "-1"),
    ("-bestpath", "no"),
];

/// See the module's text.
#[derive(Debug)]
pub struct Offline {
    program: PathBuf,
    grammar: String,
}

impl Offline {
    /// A recogniser that knows these sentences; none where it is not installed.
    #[must_use]
    pub fn find<'a>(sentences: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let mut programs = std::env::split_paths(&path).map(|folder| folder.join(PROGRAM));
        let program = programs.find(|program| program.is_file())?;
        let model = Path::new(MODEL).join("en-us").is_dir();
        model.then(|| Self { program, grammar: grammar(sentences) })
    }

    /// What is said in 8 kHz μ-law audio; nothing where none of the sentences is.
    ///
    /// # Errors
    /// When the program or its files cannot be used.
    pub fn recognise(&self, mulaw: &[u8]) -> std::io::Result<String> {
        let name = |ending: &str| {
            let name = format!("trunkline-{}.{ending}", uuid::Uuid::new_v4().simple());
            std::env::temp_dir().join(name)
        };
        let (audio, grammar) = (name("wav"), name("gram"));
        let words = write_wav(&audio, &hissing(doubled(mulaw)))
            .and_then(|()| std::fs::write(&grammar, &self.grammar))
            .and_then(|()| self.run(&audio, &grammar));
        drop(std::fs::remove_file(&audio));
        drop(std::fs::remove_file(&grammar));
        words
    }

    fn run(&self, audio: &Path, grammar: &Path) -> std::io::Result<String> {
        let output = Command::new(&self.program)
            .arg("-infile")
            .arg(audio)
            .arg("-jsgf")
            .arg(grammar)
            .args(BEAMS.iter().flat_map(|(name, value)| [name, value]))
            .args(["-logfn", "/dev/null"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()?;
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(words.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// A grammar of exactly these sentences and [`UNSAID`].
fn grammar<'a>(sentences: impl IntoIterator<Item = &'a str>) -> String {
    let plain = |sentence: &str| {
        let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '\'');
        sentence.chars().filter(|c| kept(*c)).collect::<String>().to_lowercase()
    };
    let all: Vec<String> = sentences.into_iter().chain(UNSAID).map(plain).collect();
    format!("#JSGF V1.0;\ngrammar said;\npublic <said> = {};\n", all.join(" | "))
}

fn write_wav(path: &Path, samples: &[i16]) -> std::io::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).map_err(std::io::Error::other)?;
    for sample in samples {
        writer.write_sample(*sample).map_err(std::io::Error::other)?;
    }
    writer.finalize().map_err(std::io::Error::other)
}

/// The audio at twice its rate: between each two samples the one that a band-limited
/// signal has there, by a windowed sinc of eight neighbours on either side.
fn doubled(mulaw: &[u8]) -> Vec<i16> {
    const REACH: usize = 8;
    let linear = mulaw.iter().map(|byte| f32::from(g711::decode_sample(*byte)));
    let mut padded = vec![0.0; REACH];
    padded.extend(linear);
    padded.extend([0.0; REACH]);
    let weights: Vec<f32> = (0..REACH).map(weight).collect();
    let mut samples = vec![0; MARGIN];
    for window in padded.windows(2 * REACH) {
        let (left, right) = window.split_at(REACH);
        let near = left.iter().rev().zip(right);
        let between: f32 = near.zip(&weights).map(|((a, b), weight)| (a + b) * weight).sum();
        samples.extend([left.last().copied().unwrap_or(0.0), between].map(as_sample));
    }
    samples.extend([0; MARGIN]);
    samples
}

/// The same noise in every run.
fn hissing(mut samples: Vec<i16>) -> Vec<i16> {
    let mut state = 1_u32;
    for sample in &mut samples {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = i32::try_from(state >> 16).unwrap_or(0) % (2 * HISS + 1) - HISS;
        let sum = i32::from(*sample) + noise;
        *sample = i16::try_from(sum).unwrap_or(if sum < 0 { i16::MIN } else { i16::MAX });
    }
    samples
}

/// Weight of the samples that lie `n` and a half away.
fn weight(n: usize) -> f32 {
    let away = std::f32::consts::PI * (f32::from(u8::try_from(n).unwrap_or(u8::MAX)) + 0.5);
    let window = 0.5 + 0.5 * (away / 8.5).cos();
    away.sin() / away * window
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn as_sample(value: f32) -> i16 {
    value.round() as i16
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn a_tone_is_the_same_tone_at_twice_the_rate() {
        let tone = |n: usize, rate: f32| {
            let turns = 1_000.0 * f32::from(u16::try_from(n).unwrap_or(0)) / rate;
            8_000.0 * (turns * std::f32::consts::TAU).sin()
        };
        let mulaw: Vec<u8> =
            (0..400).map(|n| g711::encode_sample(as_sample(tone(n, 8_000.0)))).collect();
        let samples = doubled(&mulaw);
        assert!((samples.len() - 2 * MARGIN).abs_diff(800) <= 2);
        for n in 200..600 {
            let (is, wanted) = (f32::from(samples[MARGIN + n]), tone(n - 2, 16_000.0));
            let near = |wanted: f32| (is - wanted).abs() < 600.0;
            assert!(near(wanted) || near(tone(n, 16_000.0)), "{n}: {is} {wanted}");
        }
    }

    #[test]
    fn a_grammar_holds_words_only() {
        let text = grammar(["Hello, \"you\"; | <there>?", "It's me."]);
        assert!(text.contains("= hello you  there | it's me | the weather"), "{text}");
    }
}
