//! A sentence at a voice, and at another one when the first gives no sound.

use crate::call::ModelEvent;
use crate::pii::Personal;
use crate::time::Micros;
use crate::turn::waterfall::Stage;

use super::super::pace::Words;
use super::super::sentences::Sentence;
use super::super::{Measure, Output, Pipeline, Speech, ThrownAway, Voiced};

/// How long a voice may take to its first sound before another one is asked.
const FIRST_SOUND: Micros = Micros::from_millis(1_500);
/// The same where there is no other.
const FIRST_SOUND_OF_LAST: Micros = Micros::from_millis(4_000);

/// A voice at work.
#[derive(Debug)]
pub(super) struct Speaking {
    pub(super) request: u32,
    pub(super) provider: usize,
    pub(super) tried: Vec<usize>,
    pub(super) sentence: Sentence,
    /// Its words, told as they are spoken.
    pub(super) words: Words,
    pub(super) bytes: u64,
    pub(super) ordered_at: Micros,
    pub(super) until: Micros,
}

impl Pipeline {
    pub(in crate::pipeline) fn voiced(&mut self, request: u32, event: Voiced, now: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(speaking) = answer.speaking.as_mut().filter(|s| s.request == request) else {
            return;
        };
        match event {
            Voiced::Audio { bytes } => self.sounded(bytes, now),
            Voiced::Finished if speaking.bytes == 0 => {
                self.voice_failed("the voice gave no sound", true, now);
            }
            Voiced::Finished => {
                self.voices.worked(speaking.provider);
                match &mut answer.guess {
                    Some(guess) => guess.finished = answer.speaking.take(),
                    None => self.finish_sentence(),
                }
            }
            Voiced::Failed { reason, retry } => self.voice_failed(&reason, retry, now),
        }
    }

    /// The sentence is spoken whole.
    pub(super) fn finish_sentence(&mut self) {
        let speaking = self.answer.as_mut().and_then(|answer| answer.speaking.as_mut());
        let rest = speaking.map(|speaking| speaking.words.rest()).unwrap_or_default();
        self.tell_words(&rest, None);
        self.end_sentence();
    }

    /// The sentence is spoken, as far as it will be.
    fn end_sentence(&mut self) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        answer.speaking = None;
        if answer.announced {
            // The call is told how much there is by now.
            let (item, audio_bytes) = (answer.item.clone(), answer.audio_bytes);
            self.tell(ModelEvent::AgentText { item, text: Personal::new(""), audio_bytes });
        }
    }

    /// Before its first sound, the sentence is given to another voice. After that
    /// the rest of it is lost, as no word may be heard twice, and another voice
    /// goes on with the next sentence.
    pub(super) fn voice_failed(&mut self, reason: &str, retry: bool, now: Micros) {
        let request = self.count();
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(mut speaking) = answer.speaking.take() else {
            return;
        };
        self.voices.failed(speaking.provider, !retry, now);
        self.outputs.push_back(Output::Hush { request: speaking.request });
        if speaking.bytes > 0 {
            // Not all of it was said: nobody may keep it for other calls.
            answer.error.get_or_insert_with(|| reason.to_owned());
            // A voice that breaks off is not asked for what comes next.
            while !self.voices.failed(speaking.provider, !retry, now) {}
            self.throw_away(ThrownAway::Failed);
            self.end_sentence();
            return;
        }
        match self.voices.pick_beside(&speaking.tried, now) {
            Some(provider) => {
                speaking.provider = provider;
                speaking.tried.push(provider);
                speaking.request = request;
                self.speak(speaking, now);
                self.measure(Measure::Failover("voice"));
            }
            None if answer.is_guess() => self.throw_away(ThrownAway::Failed),
            None => {
                answer.error.get_or_insert_with(|| reason.to_owned());
                answer.queue.clear();
                answer.calls.clear();
                if let Some(thinking) = answer.thinking.take() {
                    let request = thinking.request;
                    self.outputs.push_back(Output::StopAsking { request });
                }
            }
        }
    }

    pub(super) fn speak(&mut self, mut speaking: Speaking, now: Micros) {
        let last = self.voices.pick_beside(&speaking.tried, now).is_none();
        speaking.until = now + if last { FIRST_SOUND_OF_LAST } else { FIRST_SOUND };
        speaking.ordered_at = now;
        let Some(answer) = &mut self.answer else {
            return;
        };
        if let Some(since) = answer.waited_since.take() {
            let measure = Measure::FirstSentence(now.since(since));
            self.outputs.push_back(Output::Measured(measure));
            self.reached(Stage::FirstSentence, now);
        }
        let Some(answer) = &mut self.answer else {
            return;
        };
        let speech = Speech {
            request: speaking.request,
            provider: speaking.provider,
            text: Personal::new(speaking.sentence.spoken.clone()),
            response: answer.response.clone(),
            item: answer.item.clone(),
        };
        answer.speaking = Some(speaking);
        self.outputs.push_back(Output::Speak(Box::new(speech)));
    }
}
