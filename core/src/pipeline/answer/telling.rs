//! What the call is told of a sentence while its audio comes.

use crate::call::ModelEvent;
use crate::pii::Personal;
use crate::time::Micros;
use crate::turn::playback::mulaw_time;

use super::super::{Measure, Output, Pipeline, ThrownAway};
use super::speculation::MOST_HELD;
use super::{STALLED, Stage};

impl Pipeline {
    pub(super) fn sounded(&mut self, bytes: u64, now: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(speaking) = &mut answer.speaking else {
            return;
        };
        let first = speaking.bytes == 0 && bytes > 0;
        speaking.bytes += bytes;
        speaking.until = now + STALLED;
        let too_much = speaking.bytes > MOST_HELD;
        if first {
            let measure = Measure::FirstSound(now.since(speaking.ordered_at));
            self.outputs.push_back(Output::Measured(measure));
        }
        if !answer.is_guess() {
            self.heard_of(bytes, first, now);
        } else if too_much {
            self.throw_away(ThrownAway::Failed);
        }
    }

    /// More of the sentence is with the media path, or the first of it: that is
    /// remembered, and the call is told.
    pub(super) fn heard_of(&mut self, bytes: u64, first: bool, now: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(speaking) = &mut answer.speaking else {
            return;
        };
        answer.audio_bytes += bytes;
        if first {
            answer.last_begins_at = answer.ends_at.max(now);
            answer.ends_at = answer.last_begins_at;
            self.history.speak(&answer.item, "");
        }
        answer.ends_at = answer.ends_at + mulaw_time(bytes);
        self.history.audio(&answer.item, bytes);
        let more = speaking.words.by(speaking.bytes);
        self.tell_words(&more, first.then_some(now));
    }

    /// The call is told words of the sentence, which begins with them at `begins`, and how
    /// much audio there is by now.
    pub(super) fn tell_words(&mut self, more: &str, begins: Option<Micros>) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        if more.is_empty() {
            return;
        }
        self.history.words(&answer.item, more);
        let (response, item) = (answer.response.clone(), answer.item.clone());
        let gap = if answer.announced && begins.is_some() { " " } else { "" };
        let text = Personal::new(format!("{gap}{more}"));
        let audio_bytes = answer.audio_bytes;
        if !std::mem::replace(&mut answer.announced, true) {
            if let Some(at) = begins {
                self.reached(Stage::FirstAudio, at);
            }
            self.tell(ModelEvent::ItemAnnounced { response, item: item.clone() });
        }
        self.tell(ModelEvent::AgentText { item, text, audio_bytes });
    }
}
