//! The conversation with one connection to a recogniser.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Hearing, RecogniserEvent};
use crate::pii::Personal;
use crate::wire::deepgram::{self, Control, ParseError};
use crate::wire::realtime::{self, ApiError, ErrorClass, ServerEvent, write_append};
use crate::wire::refusal::Advice;

/// Utterances whose words have not come, of which the oldest are forgotten.
const MAX_OPEN: usize = 64;

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
    Deepgram,
    Transcription(Utterances),
}

/// Utterances of a transcription session whose words are on their way.
#[derive(Debug, Default)]
struct Utterances {
    first: Option<String>,
    ready: bool,
    open: VecDeque<Utterance>,
    /// No audio before this is needed again.
    done_ms: u64,
    /// End of the last utterance that has its words.
    closed_ms: u64,
    /// We asked for what was heard so far.
    flushing: bool,
}

#[derive(Debug)]
struct Utterance {
    item_id: String,
    from_ms: u64,
    to_ms: Option<u64>,
    text: Personal,
}

impl Dialogue {
    /// The conversation with a connection that is just open.
    #[must_use]
    pub fn new(hearing: &Hearing) -> Self {
        let dialect = match hearing {
            Hearing::Deepgram(_) => Dialect::Deepgram,
            Hearing::Transcription(transcribe) => Dialect::Transcription(Utterances {
                first: Some(transcribe.session_update()),
                ..Utterances::default()
            }),
        };
        Self { dialect, sent_bytes: 0 }
    }

    /// What to send first, and [`RecogniserEvent::Ready`] where nothing has to be
    /// waited for.
    pub fn open(&mut self) -> (Option<Outgoing>, Option<RecogniserEvent>) {
        match &mut self.dialect {
            Dialect::Deepgram => (None, Some(RecogniserEvent::Ready)),
            Dialect::Transcription(utterances) => {
                (utterances.first.take().map(Outgoing::Text), None)
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
            Dialect::Deepgram => Some(Outgoing::Binary(mulaw.to_vec())),
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
            Dialect::Deepgram => Some(Outgoing::fixed(Control::KeepAlive)),
            Dialect::Transcription(_) => None,
        }
    }

    /// Asks for the words of all audio sent so far.
    #[must_use]
    pub fn finalize(&mut self) -> Outgoing {
        match &mut self.dialect {
            Dialect::Deepgram => Outgoing::fixed(Control::Finalize),
            Dialect::Transcription(utterances) => {
                utterances.flushing = true;
                Outgoing::Text(r#"{"type":"input_audio_buffer.commit"}"#.to_owned())
            }
        }
    }

    /// Says goodbye, where the dialect has a word for it. The service answers by
    /// what is left to say, and closes.
    #[must_use]
    pub fn close(&self) -> Option<Outgoing> {
        match self.dialect {
            Dialect::Deepgram => Some(Outgoing::fixed(Control::CloseStream)),
            Dialect::Transcription(_) => None,
        }
    }

    /// Reads one text message and appends to `out` what it says.
    ///
    /// # Errors
    /// When it cannot be read. The messages after it may be read all the same.
    pub fn read(&mut self, text: &str, out: &mut Vec<RecogniserEvent>) -> Result<(), ParseError> {
        match &mut self.dialect {
            Dialect::Deepgram => out.extend(heard(deepgram::parse(text)?)),
            Dialect::Transcription(utterances) => {
                let event = realtime::parse(text)
                    .map_err(|_| ParseError::Unreadable { line: 1, column: 1 })?;
                out.extend(utterances.heard(event, self.sent_bytes / 8));
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

impl Utterances {
    fn heard(&mut self, event: ServerEvent<'_>, sent_ms: u64) -> Option<RecogniserEvent> {
        match event {
            ServerEvent::SessionUpdated { .. } => {
                (!std::mem::replace(&mut self.ready, true)).then_some(RecogniserEvent::Ready)
            }
            ServerEvent::SpeechStarted { audio_start_ms, item_id } => {
                self.utterance(item_id.as_str()).from_ms = audio_start_ms;
                Some(RecogniserEvent::SpeechStarted { at_ms: audio_start_ms })
            }
            ServerEvent::SpeechStopped { audio_end_ms, item_id } => {
                self.utterance(item_id.as_str()).to_ms = Some(audio_end_ms);
                None
            }
            ServerEvent::Committed { item_id } => {
                self.utterance(item_id.as_str()).to_ms.get_or_insert(sent_ms);
                None
            }
            ServerEvent::InputTranscriptDelta { item_id, delta } => {
                let utterance = self.utterance(item_id.as_str());
                utterance.text.push_str(delta.expose());
                Some(RecogniserEvent::Interim {
                    from_ms: utterance.from_ms,
                    to_ms: utterance.to_ms.unwrap_or(sent_ms),
                    text: utterance.text.clone(),
                })
            }
            ServerEvent::InputTranscript { item_id, transcript, .. } => {
                let (from_ms, to_ms) = self.close(item_id.as_str(), sent_ms);
                Some(RecogniserEvent::Final {
                    from_ms,
                    to_ms,
                    text: transcript.into_personal(),
                    confidence_permille: 0,
                    utterance_ends: true,
                    flushed: std::mem::take(&mut self.flushing),
                })
            }
            ServerEvent::InputTranscriptFailed { item_id, .. } => {
                let (_, to_ms) = self.close(item_id.as_str(), sent_ms);
                Some(RecogniserEvent::Unclear { to_ms })
            }
            ServerEvent::Error(error) => self.failed(&error, sent_ms),
            ServerEvent::SessionCreated { .. }
            | ServerEvent::ResponseCreated { .. }
            | ServerEvent::OutputItemAdded { .. }
            | ServerEvent::AudioDelta(_)
            | ServerEvent::AudioDone { .. }
            | ServerEvent::TranscriptDelta { .. }
            | ServerEvent::TranscriptDone { .. }
            | ServerEvent::FunctionCall { .. }
            | ServerEvent::ResponseDone { .. }
            | ServerEvent::ItemTruncated { .. }
            | ServerEvent::RateLimits
            | ServerEvent::Other { .. } => None,
        }
    }

    /// The utterance of that name, begun where the last one ended if it is new.
    fn utterance(&mut self, item_id: &str) -> &mut Utterance {
        let place = self.open.iter().position(|open| open.item_id == item_id);
        let place = place.unwrap_or_else(|| {
            if self.open.len() >= MAX_OPEN {
                self.open.pop_front();
            }
            self.open.push_back(Utterance {
                item_id: item_id.to_owned(),
                from_ms: self.done_ms,
                to_ms: None,
                text: Personal::default(),
            });
            self.open.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
        &mut self.open[place]
    }

    /// An utterance has its words. Finals may come out of order, and promise that
    /// no audio before them is needed: that is so only up to the first utterance
    /// that is still open.
    fn close(&mut self, item_id: &str, sent_ms: u64) -> (u64, u64) {
        let place = self.open.iter().position(|open| open.item_id == item_id);
        let Some(closed) = place.and_then(|place| self.open.remove(place)) else {
            return (self.done_ms, self.done_ms);
        };
        self.closed_ms = self.closed_ms.max(closed.to_ms.unwrap_or(sent_ms));
        let waiting = self.open.iter().map(|open| open.from_ms).min();
        let to_ms = waiting.map_or(self.closed_ms, |from| self.closed_ms.min(from));
        let to_ms = to_ms.max(self.done_ms);
        self.done_ms = to_ms;
        (closed.from_ms.min(to_ms), to_ms)
    }

    fn failed(&mut self, error: &ApiError, sent_ms: u64) -> Option<RecogniserEvent> {
        let advice = match error.class() {
            // Nothing was left to make final: that is an answer too.
            ErrorClass::Benign if std::mem::take(&mut self.flushing) => {
                return Some(RecogniserEvent::Final {
                    from_ms: self.done_ms,
                    to_ms: if self.open.is_empty() { sent_ms } else { self.done_ms },
                    text: Personal::default(),
                    confidence_permille: 0,
                    utterance_ends: false,
                    flushed: true,
                });
            }
            ErrorClass::Benign | ErrorClass::ActiveResponse => return None,
            ErrorClass::SessionOver | ErrorClass::Retryable => Advice::Retry,
            ErrorClass::Fatal => Advice::GiveUp,
            ErrorClass::OurBug => Advice::OurBug,
        };
        Some(RecogniserEvent::Failed { advice, message: error.to_string() })
    }
}
