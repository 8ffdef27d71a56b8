//! The voice's audio, made once for each text and format and then shared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::speech::level::AudioFormat;
use crate::speech::synth;

/// Texts that are kept; a script has far fewer.
const MAX_KEPT: usize = 128;

type Key = (String, u8);

/// Shared by all sessions of a server.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    kept: Mutex<HashMap<Key, Arc<[u8]>>>,
}

impl Voice {
    /// The audio of a text, marked for a response where its number is given.
    /// Only μ-law is ever marked.
    pub(crate) fn speak(&self, text: &str, format: AudioFormat, mark: Option<u16>) -> Arc<[u8]> {
        let audio = self.plain(text, format);
        match (mark, format) {
            (Some(number), AudioFormat::Mulaw) => {
                let mut marked = audio.to_vec();
                synth::watermarked(&mut marked, number);
                marked.into()
            }
            (Some(_), AudioFormat::Alaw | AudioFormat::Pcm24k) | (None, _) => audio,
        }
    }

    fn plain(&self, text: &str, format: AudioFormat) -> Arc<[u8]> {
        let kind = match format {
            AudioFormat::Mulaw => 0,
            AudioFormat::Alaw => 1,
            AudioFormat::Pcm24k => 2,
        };
        let key = (text.to_owned(), kind);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(audio) = kept.get(&key) {
            return Arc::clone(audio);
        }
        let audio: Arc<[u8]> = synth::speak(text, format).into();
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&audio));
        audio
    }
}
