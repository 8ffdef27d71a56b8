//! Utterances of a transcription session whose words are on their way. Their words may
//! come in any order, and are told in that in which they were spoken.

use std::collections::VecDeque;

use super::RecogniserEvent;
use crate::pii::Personal;
use crate::wire::realtime::{ApiError, ErrorClass, ServerEvent};
use crate::wire::refusal::Advice;

/// Utterances whose words have not come, of which the oldest are forgotten.
const MAX_OPEN: usize = 64;
/// Utterances whose words may wait for those of one before them.
const MOST_WAITING: usize = 3;
/// Utterances remembered once they were told, to know doubled words by.
const REMEMBERED: usize = 64;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Utterances {
    first: Option<String>,
    ready: bool,
    /// In the order in which they were spoken.
    open: VecDeque<Utterance>,
    /// Those that were told.
    told: VecDeque<String>,
    /// No audio before this is needed again.
    done_ms: u64,
    /// We asked for what was heard so far.
    flushing: bool,
}

#[derive(Debug)]
struct Utterance {
    item_id: String,
    from_ms: u64,
    to_ms: Option<u64>,
    /// The service reported where it begins.
    reported: bool,
    text: Personal,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its words are on their way.
    Coming,
    Whole,
    /// They could not be made out.
    Unclear,
}

impl Utterances {
    /// Those of a session that begins with a message.
    pub(super) fn new(first: String) -> Self {
        Self { first: Some(first), ..Self::default() }
    }

    /// The message to begin with.
    pub(super) fn take_first(&mut self) -> Option<String> {
        self.first.take()
    }

    /// What was heard so far was asked for.
    pub(super) fn flush(&mut self) {
        self.flushing = true;
    }

    /// The service says something; appends what that means.
    pub(super) fn heard(
        &mut self,
        event: ServerEvent<'_>,
        sent_ms: u64,
        out: &mut Vec<RecogniserEvent>,
    ) {
        match event {
            ServerEvent::SessionUpdated { .. } => {
                if !std::mem::replace(&mut self.ready, true) {
                    out.push(RecogniserEvent::Ready);
                }
            }
            ServerEvent::SpeechStarted { audio_start_ms, item_id } => {
                if self.begins(item_id.as_str(), audio_start_ms) {
                    out.push(RecogniserEvent::SpeechStarted { at_ms: audio_start_ms });
                }
            }
            ServerEvent::SpeechStopped { audio_end_ms, item_id } => {
                if let Some(utterance) = self.utterance(item_id.as_str()) {
                    utterance.to_ms = Some(audio_end_ms);
                }
            }
            ServerEvent::Committed { item_id, previous_item_id } => {
                let previous = previous_item_id.as_ref().map(|id| id.as_str());
                self.committed(item_id.as_str(), previous, sent_ms);
            }
            ServerEvent::InputTranscriptDelta { item_id, delta } => {
                if let Some(utterance) = self.utterance(item_id.as_str()) {
                    utterance.text.push_str(delta.expose());
                    out.extend(self.interim(item_id.as_str(), sent_ms));
                }
            }
            ServerEvent::InputTranscript { item_id, transcript, .. } => {
                if let Some(utterance) = self.utterance(item_id.as_str()) {
                    utterance.text = transcript.into_personal();
                    utterance.state = State::Whole;
                    self.release(sent_ms, out);
                }
            }
            ServerEvent::InputTranscriptFailed { item_id, .. } => {
                if let Some(utterance) = self.utterance(item_id.as_str()) {
                    utterance.state = State::Unclear;
                    self.release(sent_ms, out);
                }
            }
            ServerEvent::Error(error) => out.extend(self.failed(&error, sent_ms)),
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
            | ServerEvent::Other { .. } => {}
        }
    }

    /// Somebody begins to speak. Answers whether that is news.
    fn begins(&mut self, item_id: &str, from_ms: u64) -> bool {
        let Some(utterance) = self.utterance(item_id) else {
            return false;
        };
        utterance.from_ms = from_ms;
        utterance.reported = true;
        let place = self.open.iter().position(|open| open.item_id == item_id);
        let Some(utterance) = place.and_then(|place| self.open.remove(place)) else {
            return false;
        };
        // Reports may come out of order too.
        let later = self.open.iter().position(|open| open.reported && open.from_ms > from_ms);
        self.open.insert(later.unwrap_or(self.open.len()), utterance);
        true
    }

    /// The audio has become an item, which says which one it follows.
    fn committed(&mut self, item_id: &str, previous: Option<&str>, sent_ms: u64) {
        let known = self.open.iter().any(|open| open.item_id == item_id);
        let Some(utterance) = self.utterance(item_id) else {
            return;
        };
        utterance.to_ms.get_or_insert(sent_ms);
        let before = previous.and_then(|id| self.open.iter().position(|open| open.item_id == id));
        if let Some(place) = before.filter(|_| !known)
            && let Some(utterance) = self.open.pop_back()
        {
            self.open.insert((place + 1).min(self.open.len()), utterance);
        }
    }

    /// The words so far of all that is not final, up to this utterance.
    fn interim(&self, item_id: &str, sent_ms: u64) -> Option<RecogniserEvent> {
        let upto = self.open.iter().position(|open| open.item_id == item_id)?;
        let shown = || self.open.iter().take(upto + 1).filter(|open| !open.text.is_blank());
        let texts: Vec<&str> = shown().map(|open| open.text.expose()).collect();
        Some(RecogniserEvent::Interim {
            from_ms: shown().map(|open| open.from_ms).min()?,
            to_ms: self.open.get(upto)?.to_ms.unwrap_or(sent_ms),
            text: Personal::new(match texts.as_slice() {
                [one] => (*one).to_owned(),
                several => several.iter().map(|text| text.trim()).collect::<Vec<_>>().join(" "),
            }),
        })
    }

    /// The utterance of that name, begun where the last one ended if it is new; none
    /// for one that was told.
    fn utterance(&mut self, item_id: &str) -> Option<&mut Utterance> {
        if self.told.iter().any(|told| told == item_id) {
            return None;
        }
        if !self.open.iter().any(|open| open.item_id == item_id) {
            if self.open.len() >= MAX_OPEN {
                self.open.pop_front();
            }
            self.open.push_back(Utterance {
                item_id: item_id.to_owned(),
                from_ms: self.done_ms,
                to_ms: None,
                reported: false,
                text: Personal::default(),
                state: State::Coming,
            });
        }
        self.open.iter_mut().find(|open| open.item_id == item_id)
    }

    /// Tells the utterances that have their words and follow on none that has not. One
    /// whose words do not come is given up when enough others have theirs.
    fn release(&mut self, sent_ms: u64, out: &mut Vec<RecogniserEvent>) {
        let mut ended = false;
        while let Some(first) = self.open.front() {
            let waiting = self.open.iter().filter(|open| open.state != State::Coming).count();
            if first.state == State::Coming && waiting <= MOST_WAITING {
                break;
            }
            let Some(utterance) = self.open.pop_front() else {
                break;
            };
            ended = true;
            out.push(self.tell(utterance, sent_ms));
        }
        // Somebody who has begun since still speaks.
        let next = self.open.front().filter(|open| ended && open.reported);
        out.extend(next.map(|open| RecogniserEvent::SpeechStarted { at_ms: open.from_ms }));
    }

    fn tell(&mut self, utterance: Utterance, sent_ms: u64) -> RecogniserEvent {
        let Utterance { item_id, from_ms, to_ms, text, state, .. } = utterance;
        self.told.push_back(item_id);
        if self.told.len() > REMEMBERED {
            self.told.pop_front();
        }
        // No audio is needed again but that of the utterances that are still open.
        let open = self.open.iter().map(|open| open.from_ms).min();
        let to_ms = to_ms.unwrap_or(sent_ms);
        let to_ms = open.map_or(to_ms, |open| to_ms.min(open)).max(self.done_ms);
        self.done_ms = to_ms;
        if state != State::Whole {
            return RecogniserEvent::Unclear { to_ms };
        }
        RecogniserEvent::Final {
            from_ms: from_ms.min(to_ms),
            to_ms,
            text,
            confidence_permille: 0,
            utterance_ends: true,
            flushed: std::mem::take(&mut self.flushing),
        }
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
