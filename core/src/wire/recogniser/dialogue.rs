//! The conversation with one connection to a recogniser.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::stretches::Stretches;
use super::utterances::Utterances;
use super::{Hearing, RecogniserEvent};
use crate::wire::deepgram::{self, Control, ParseError};
use crate::wire::realtime::{self, write_append};
use crate::wire::refusal::Advice;

/// Something to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// As a text message.
    Text(String),
    /// As a binary message; never empty.
    Binary(Vec<u8>),
}

impl Outgoing {
    fn fixed(control: Control) -> Self {
        Self::Text(control.as_text().to_owned())
    }
}

/// What is known of one connection.
#[derive(Debug)]
pub struct Dialogue {
    dialect: Dialect,
    /// Octets of audio sent.
    sent_bytes: u64,
}

#[derive(Debug)]
enum Dialect {
    Deepgram(Stretches),
    Transcription(Utterances),
}

impl Dialogue {
    /// The conversation with a connection that is just open.
    #[must_use]
    pub fn new(hearing: &Hearing) -> Self {
        let dialect = match hearing {
            Hearing::Deepgram(_) => Dialect::Deepgram(Stretches::default()),
            Hearing::Transcription(transcribe) => {
                Dialect::Transcription(Utterances::new(transcribe.session_update()))
            }
        };
        Self { dialect, sent_bytes: 0 }
    }

    /// What to send first, and [`RecogniserEvent::Ready`] where nothing has to be
    /// waited for.
    pub fn open(&mut self) -> (Option<Outgoing>, Option<RecogniserEvent>) {
        match &mut self.dialect {
            Dialect::Deepgram(_) => (None, Some(RecogniserEvent::Ready)),
            Dialect::Transcription(utterances) => {
                (utterances.take_first().map(Outgoing::Text), None)
            }
        }
    }

    /// Audio to send, μ-law at 8 kHz; nothing for none.
    pub fn audio(&mut self, mulaw: &[u8]) -> Option<Outgoing> {
        if mulaw.is_empty() {
            return None;
        }
        self.sent_bytes = self.sent_bytes.saturating_add(mulaw.len() as u64);
        match self.dialect {
            Dialect::Deepgram(_) => Some(Outgoing::Binary(mulaw.to_vec())),
            Dialect::Transcription(_) => {
                let mut text = String::new();
                write_append(&mut text, &STANDARD.encode(mulaw)).ok()?;
                Some(Outgoing::Text(text))
            }
        }
    }

    /// Audio sent so far, in milliseconds.
    #[must_use]
    pub const fn sent_ms(&self) -> u64 {
        self.sent_bytes / 8
    }

    /// What to send while there is no audio, every
    /// [`KEEP_ALIVE_MS`](deepgram::KEEP_ALIVE_MS).
    #[must_use]
    pub fn keep_alive(&self) -> Option<Outgoing> {
        match self.dialect {
            Dialect::Deepgram(_) => Some(Outgoing::fixed(Control::KeepAlive)),
            Dialect::Transcription(_) => None,
        }
    }

    /// Asks for the words of all audio sent so far.
    #[must_use]
    pub fn finalize(&mut self) -> Outgoing {
        match &mut self.dialect {
            Dialect::Deepgram(_) => Outgoing::fixed(Control::Finalize),
            Dialect::Transcription(utterances) => {
                utterances.flush();
                Outgoing::Text(r#"{"type":"input_audio_buffer.commit"}"#.to_owned())
            }
        }
    }

    /// Says goodbye, where the dialect has a word for it. The service answers by
    /// what is left to say, and closes.
    #[must_use]
    pub fn close(&self) -> Option<Outgoing> {
        match self.dialect {
            Dialect::Deepgram(_) => Some(Outgoing::fixed(Control::CloseStream)),
            Dialect::Transcription(_) => None,
        }
    }

    /// Reads one text message and appends to `out` what it says.
    ///
    /// # Errors
    /// When it cannot be read. The messages after it may be read all the same.
    pub fn read(&mut self, text: &str, out: &mut Vec<RecogniserEvent>) -> Result<(), ParseError> {
        match &mut self.dialect {
            Dialect::Deepgram(stretches) => {
                if let Some(event) = heard(deepgram::parse(text)?) {
                    stretches.put_in_order(event, out);
                }
            }
            Dialect::Transcription(utterances) => {
                let event = realtime::parse(text)
                    .map_err(|_| ParseError::Unreadable { line: 1, column: 1 })?;
                utterances.heard(event, self.sent_bytes / 8, out);
            }
        }
        Ok(())
    }
}

fn heard(event: deepgram::ServerEvent<'_>) -> Option<RecogniserEvent> {
    use deepgram::ServerEvent as From;
    Some(match event {
        From::Results(results) => {
            let (from_ms, to_ms) = (results.start_ms, results.end_ms());
            let text = results.transcript.into_personal();
            if results.is_final {
                RecogniserEvent::Final {
                    from_ms,
                    to_ms,
                    text,
                    confidence_permille: permille(results.confidence),
                    utterance_ends: results.speech_final,
                    flushed: results.from_finalize,
                }
            } else {
                RecogniserEvent::Interim { from_ms, to_ms, text }
            }
        }
        From::SpeechStarted { at_ms } => RecogniserEvent::SpeechStarted { at_ms },
        From::UtteranceEnd { last_word_end_ms } => {
            RecogniserEvent::UtteranceEnd { last_word_end_ms }
        }
        From::Metadata { duration_ms, .. } => RecogniserEvent::Over { duration_ms },
        From::Error(error) => RecogniserEvent::Failed {
            advice: error.code.as_deref().and_then(Advice::of_code).unwrap_or(Advice::Retry),
            message: error.to_string(),
        },
        From::Other { .. } => return None,
    })
}

fn permille(confidence: f32) -> u16 {
    // `as` saturates, and not-a-number becomes 0.
    (confidence.clamp(0.0, 1.0) * 1_000.0).round() as u16
}
