//! Voices: one request for each piece of text, its audio as it comes.

use bytes::Bytes;
use trunkline_core::wire::{azure_speech, elevenlabs};

use crate::http::{Body, Patience, RequestError, post};
use crate::reach::Reach;

/// Longest audio that is read, in bytes: the ten minutes after which services
/// cut it.
const MAX_AUDIO_BYTES: usize = 600 * 8_000;

/// What is to be spoken, and by whom.
#[derive(Clone, Debug)]
pub enum Order<'a> {
    /// By one of Azure's voices.
    Azure(azure_speech::Utterance<'a>),
    /// By one of ElevenLabs'.
    ElevenLabs {
        /// The voice's id.
        voice_id: &'a str,
        /// The words.
        utterance: elevenlabs::Utterance<'a>,
    },
}

/// Speech under way: μ-law at 8 kHz, in pieces of any length. Dropping it
/// cancels it.
#[derive(Debug)]
pub struct Speech {
    body: Body,
    over: bool,
}

/// Orders speech from the service at `base_url`.
///
/// # Errors
/// When it does not answer in time, refuses, or answers with something that is
/// no audio.
pub async fn speak(
    base_url: &str,
    api_key: &str,
    order: &Order<'_>,
    patience: Patience,
    reach: &Reach,
) -> Result<Speech, RequestError> {
    let (url, headers, body) = match order {
        Order::Azure(utterance) => (
            azure_speech::request_target(base_url)?,
            azure_speech::headers(api_key),
            utterance.ssml(),
        ),
        Order::ElevenLabs { voice_id, utterance } => (
            elevenlabs::request_target(base_url, voice_id)?,
            elevenlabs::headers(api_key),
            utterance.body(),
        ),
    };
    let body = post(&url, &headers, body, MAX_AUDIO_BYTES, patience, reach).await?;
    // A page of words would be played as noise.
    let kind = body.header("content-type").unwrap_or_default();
    if ["text/", "application/json", "application/xml"].iter().any(|no| kind.starts_with(no)) {
        return Err(RequestError::Useless("no audio"));
    }
    Ok(Speech { body, over: false })
}

impl Speech {
    /// The next piece of audio, never empty; `None` once all of it has come. May
    /// be cancelled and called again.
    ///
    /// # Errors
    /// When the audio breaks off, or there is none at all.
    pub async fn next(&mut self) -> Option<Result<Bytes, RequestError>> {
        while !self.over {
            match self.body.next().await {
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) => return Some(Ok(piece)),
                Some(Err(error)) => {
                    self.over = true;
                    return Some(Err(error));
                }
                None => {
                    self.over = true;
                    let silent = self.body.bytes() == 0;
                    return silent.then_some(Err(RequestError::Useless("empty")));
                }
            }
        }
        None
    }
}
