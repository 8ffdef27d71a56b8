//! Real recordings of what callers say, by their words.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use trunkline_core::audio::g711;
use trunkline_simulator::carrier::{Clip, Library};

const UTTERANCES: &str = "config/audio/utterances";
const SOUNDS: &str = "tests/sounds";
/// What a cough sounds like.
const COUGH: &str = "cough/cough-b.ul";

/// A recording, and the words that the model is to understand.
#[derive(Clone, Debug)]
pub struct Recording {
    pub clip: Clip,
    pub words: String,
    /// "mm-hm" and its like, which nobody answers.
    pub backchannel: bool,
}

/// The recording that says these words.
pub fn saying(words: &str) -> Result<Recording, String> {
    if let Ok(clip) = Library::new("config/audio".as_ref(), UTTERANCES.as_ref()).utterance(words) {
        return Ok(Recording { clip, words: words.to_owned(), backchannel: false });
    }
    let sounds = sounds();
    let says = |sound: &&Value| sound["text"] == words;
    let of_test = |sound: &&Value| sound["part"] == "test" && sound["room"] != true;
    let found = sounds.iter().filter(says).find(of_test).or_else(|| sounds.iter().find(says));
    let sound = found.ok_or_else(|| format!("no recording says {words:?}"))?;
    let file = sound["file"].as_str().expect("a file");
    let backchannel = sound["label"] == "backchannel";
    Ok(Recording { clip: clip(file), words: words.to_owned(), backchannel })
}

/// A cough, in which nobody understands a word.
pub fn cough() -> Recording {
    Recording { clip: clip(COUGH), words: String::new(), backchannel: true }
}

fn sounds() -> Vec<Value> {
    let path = Path::new(SOUNDS).join("manifest.json");
    let text = std::fs::read_to_string(path).expect("the manifest of the sounds");
    let mut manifest: Value = serde_json::from_str(&text).expect("JSON");
    serde_json::from_value(manifest["sounds"].take()).expect("a list of sounds")
}

fn clip(file: &str) -> Clip {
    let audio = std::fs::read(Path::new(SOUNDS).join(file)).expect("a sound");
    Clip { name: file.to_owned(), audio: Arc::from(audio) }
}

impl Recording {
    /// How long it takes, in milliseconds.
    pub fn length_ms(&self) -> u64 {
        self.clip.audio.len() as u64 / 8
    }

    /// Puts it where the simulated model learns what it can understand.
    pub fn teach(&self, wav: &Path) {
        let mut samples = Vec::new();
        g711::decode(&self.clip.audio, &mut samples);
        std::fs::write(wav, wave(&samples)).expect("a recording");
        let said = serde_json::json!({
            "start_ms": 0, "end_ms": self.length_ms(), "text": self.words,
        });
        let sidecar = serde_json::json!({ "utterances": [said] });
        std::fs::write(wav.with_extension("json"), sidecar.to_string()).expect("a sidecar");
    }
}

/// A WAV file of 8 kHz, one channel, 16 bits.
fn wave(samples: &[i16]) -> Vec<u8> {
    let data_bytes = u32::try_from(samples.len() * 2).expect("a short recording");
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data_bytes).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    for field in [1_u16, 1] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    for rate in [8_000_u32, 16_000] {
        file.extend_from_slice(&rate.to_le_bytes());
    }
    for field in [2_u16, 16] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&data_bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}
