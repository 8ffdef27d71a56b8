//! Set sentences, rendered before anybody waits for them.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};
use trunkline_core::pipeline::Sentences;

use crate::phrases::PhraseCache;

use super::services::render;
use super::target::VoiceTarget;

/// Requests at once: the voice is to have room for those who wait for it.
const AT_ONCE: usize = 2;

/// What warming came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Warmed {
    /// Renderings that were made.
    pub made: usize,
    /// Those that could not be had now, and may be had later.
    pub missing: usize,
    /// Those for which the voice need not be asked again.
    pub refused: usize,
}

/// What became of one sentence.
enum Came {
    Made,
    Missing,
    Refused,
}

/// Renders what is not known yet of `texts`, sentence by sentence, as a session
/// asks for it. Where `whole` is a voice's name, each text is kept whole as well,
/// under that name: a greeting that is known when the call begins needs no session.
/// Must run on an actix runtime.
pub async fn warm(
    voice: &VoiceTarget,
    whole: Option<&str>,
    texts: &[String],
    phrases: &PhraseCache,
) -> Warmed {
    let pieces: BTreeSet<String> = texts.iter().flat_map(|text| spoken(text)).collect();
    let unknown = pieces.into_iter().filter(|piece| phrases.get(&voice.voice, piece).is_none());
    let asked = stream::iter(unknown).map(|piece| one(voice, piece, phrases));
    let came: Vec<Came> = asked.buffer_unordered(AT_ONCE).collect().await;
    if let Some(name) = whole {
        for text in texts.iter().filter(|text| phrases.get(name, text).is_none()) {
            join(&voice.voice, name, text, phrases).await;
        }
    }
    let mut warmed = Warmed::default();
    for one in came {
        match one {
            Came::Made => warmed.made += 1,
            Came::Missing => warmed.missing += 1,
            Came::Refused => warmed.refused += 1,
        }
    }
    warmed
}

fn spoken(text: &str) -> Vec<String> {
    Sentences::of(text).into_iter().map(|sentence| sentence.spoken).collect()
}

async fn one(voice: &VoiceTarget, text: String, phrases: &PhraseCache) -> Came {
    match render(voice, &text).await {
        Ok(audio) if audio.is_empty() => Came::Missing,
        Ok(audio) => {
            keep(&voice.voice, &text, audio, phrases).await;
            Came::Made
        }
        Err(error) if error.advice().is_retryable() => Came::Missing,
        Err(error) => {
            tracing::warn!(voice = voice.voice, %error, "a set sentence is not rendered ahead");
            Came::Refused
        }
    }
}

/// A text of which every sentence is known is known as a whole.
async fn join(voice: &str, name: &str, text: &str, phrases: &PhraseCache) {
    let pieces: Option<Vec<_>> =
        spoken(text).iter().map(|piece| phrases.get(voice, piece)).collect();
    let audio: Vec<u8> = pieces.unwrap_or_default().iter().flat_map(|p| p.to_mulaw()).collect();
    keep(name, text, audio, phrases).await;
}

async fn keep(voice: &str, text: &str, audio: Vec<u8>, phrases: &PhraseCache) {
    if let Some(write) = phrases.keep(voice, text, audio) {
        let written = actix_rt::task::spawn_blocking(move || write.write()).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "a phrase could not be kept on disk");
        }
    }
}
