//! What a test says and asks in its own words.

use trunkline_core::call::{
    Disposition, Handshake, Input, Metric, ModelEvent, Output, PhaseName, Speaker, Summary,
    TranscriptEntry,
};
use trunkline_core::detect::Sound;
use trunkline_core::ids::ItemId;
use trunkline_core::pii::Personal;
use trunkline_core::time::Micros;
use trunkline_core::wire::realtime::ClientEvent;

use super::model::item_of;
use super::phone::Wire;
use super::services::Utterance;
use super::settings::ms;
use super::world::World;

impl World {
    /// The caller speaks from now on for so long; the words come a little later.
    pub fn caller_speaks(&mut self, time: Micros, words: &str) {
        if self.has_recogniser() {
            return self.caller_utters(Utterance::new(&[words], time));
        }
        self.model_says_in(Micros::ZERO, ModelEvent::SpeechStarted);
        self.model_says_in(time, ModelEvent::SpeechStopped);
        let item = ItemId::parse(&format!("caller_{}", self.now.0)).unwrap();
        let text = Personal::new(words);
        self.model_says_in(time + ms(150), ModelEvent::CallerTranscript { item, text });
    }

    /// The caller makes a sound, as our ears tell it.
    pub fn caller_sounds(&mut self, length: Micros, strong: bool) {
        let (since, gate) = (self.now, ms(160));
        let speech_ms = u32::try_from(length.as_millis()).unwrap();
        self.ears_hear_in(ms(40), Sound::Began { at: since, level_db: -20.0 });
        if length >= gate {
            let at = since + gate;
            self.ears_hear_in(gate, Sound::Sustained { at, since, speech_ms: 160, strong });
        }
        let at = since + length;
        self.ears_hear_in(length + ms(240), Sound::Ended { at, speech_ms, voiced_ms: speech_ms });
    }

    /// The caller speaks from now on, near, and so that our ears and the model hear
    /// it: the model begins to 200 ms later, ends after 500 ms of silence, and knows
    /// the words 150 ms after that.
    pub fn caller_says(&mut self, length: Micros, words: &str) {
        self.caller_sounds(length, true);
        self.model_hears(length, words);
    }

    /// The same, heard by the model alone.
    pub fn model_hears(&mut self, length: Micros, words: &str) {
        if self.has_recogniser() {
            return self.caller_utters(Utterance::new(&[words], length).with_windows());
        }
        self.model_says_in(ms(200), ModelEvent::SpeechStarted);
        self.model_says_in(length + ms(500), ModelEvent::SpeechStopped);
        let item = ItemId::parse(&format!("caller_{}", self.now.0)).unwrap();
        let text = Personal::new(words);
        self.model_says_in(length + ms(650), ModelEvent::CallerTranscript { item, text });
    }

    /// Pauses of the stops that came to nothing, in milliseconds.
    pub fn pauses(&self) -> Vec<u64> {
        let all = self.outputs.iter().filter_map(|(_, output)| match output {
            Output::Metric(Metric::BargeInResumed(pause)) => Some(pause.as_millis()),
            _ => None,
        });
        all.collect()
    }

    /// The caller speaks from now on for so long, and the words come while they are
    /// spoken, piece by piece, the last of them just before the end.
    pub fn caller_speaks_in_pieces(&mut self, time: Micros, pieces: &[&str]) {
        if self.has_recogniser() {
            return self.caller_utters(Utterance::new(pieces, time).at_once());
        }
        let item = ItemId::parse(&format!("caller_{}", self.now.0)).unwrap();
        self.model_says_in(Micros::ZERO, ModelEvent::SpeechStarted);
        for (index, piece) in pieces.iter().enumerate() {
            let at = Micros(time.0 * (index as u64 + 1) / (pieces.len() as u64 + 1));
            let text = Personal::new(*piece);
            let item = item.clone();
            self.model_says_in(at, ModelEvent::CallerPartial { item, text });
        }
        self.model_says_in(time, ModelEvent::SpeechStopped);
        let text = Personal::new(pieces.concat());
        self.model_says_in(time + ms(150), ModelEvent::CallerTranscript { item, text });
    }

    /// Runs up to the moment the greeting has been heard and the model is ready.
    pub fn past_greeting(&mut self) {
        self.run_until(ms(4_500));
        assert_eq!(self.call.phase(), PhaseName::Conversation);
    }

    /// Runs until audio of the response that is made of `tag` is on the wire.
    pub fn run_until_sent(&mut self, tag: u8) {
        for _ in 0..10_000 {
            if self.bytes_sent(tag) > 0 {
                return;
            }
            self.run_for(ms(5));
        }
        panic!("response {tag} never spoke");
    }

    pub fn told_model(&self) -> impl Iterator<Item = &ClientEvent> {
        self.model.received.iter().map(|(_, event)| event)
    }

    /// Responses that were asked for.
    pub fn creates(&self) -> usize {
        self.told_model().filter(|e| matches!(e, ClientEvent::CreateResponse { .. })).count()
    }

    pub fn cancels(&self) -> usize {
        self.told_model().filter(|e| matches!(e, ClientEvent::CancelResponse { .. })).count()
    }

    /// What the last request asked to be said word for word.
    pub fn asked_to_say(&self, words: &str) -> bool {
        self.told_model().any(|e| match e {
            ClientEvent::CreateResponse { instructions: Some(text), .. } => text.contains(words),
            _ => false,
        })
    }

    /// Where the model was told to cut the item of this response, in milliseconds.
    pub fn truncated_at(&self, tag: u8) -> Option<u64> {
        self.told_model().find_map(|e| match e {
            ClientEvent::TruncateItem { item_id, audio_end_ms, .. } if *item_id == item_of(tag) => {
                Some(*audio_end_ms)
            }
            _ => None,
        })
    }

    pub fn deleted(&self, tag: u8) -> bool {
        let wanted = item_of(tag);
        self.told_model()
            .any(|e| matches!(e, ClientEvent::DeleteItem { item_id } if *item_id == wanted))
    }

    pub fn deleted_item(&self, name: &str) -> bool {
        self.told_model()
            .any(|e| matches!(e, ClientEvent::DeleteItem { item_id } if item_id.as_str() == name))
    }

    pub fn bytes_sent(&self, tag: u8) -> u64 {
        self.sent.get(&tag).copied().unwrap_or(0)
    }

    pub fn clears(&self) -> usize {
        self.wire.iter().filter(|(_, wire)| *wire == Wire::Clear).count()
    }

    pub fn when(&self, is_it: impl Fn(&Output) -> bool) -> Option<Micros> {
        self.outputs.iter().find(|(_, output)| is_it(output)).map(|(at, _)| *at)
    }

    pub fn count(&self, is_it: impl Fn(&Output) -> bool) -> usize {
        self.outputs.iter().filter(|(_, output)| is_it(output)).count()
    }

    pub fn events(&self, word: &str) -> usize {
        self.count(|o| matches!(o, Output::Event { kind, .. } if *kind == word))
    }

    pub fn event_at(&self, word: &str) -> Option<Micros> {
        self.when(|o| matches!(o, Output::Event { kind, .. } if *kind == word))
    }

    /// The models that were dialled, in order, each as its number in the tenant's list.
    pub fn dialled(&self) -> Vec<usize> {
        let dials = self.outputs.iter().filter_map(|(_, output)| match output {
            Output::StartModel { provider, .. } => Some(*provider),
            _ => None,
        });
        dials.collect()
    }

    pub fn stale(&self, word: &str) -> usize {
        self.count(|o| matches!(o, Output::Metric(Metric::Stale(what)) if *what == word))
    }

    pub fn disposition(&self) -> Option<Disposition> {
        self.outputs.iter().find_map(|(_, output)| match output {
            Output::Disposition(disposition) => Some(*disposition),
            _ => None,
        })
    }

    pub fn summary(&self) -> Option<&Summary> {
        self.outputs.iter().find_map(|(_, output)| match output {
            Output::Ended(summary) => Some(summary),
            _ => None,
        })
    }

    /// The summary of a call that must be over.
    pub fn ended(&self) -> &Summary {
        self.summary().unwrap_or_else(|| panic!("the call goes on, {:?}", self.call.phase()))
    }

    pub fn ended_at(&self) -> Micros {
        self.when(|o| matches!(o, Output::Ended(_))).expect("the call is over")
    }

    pub fn reason(&self) -> Option<&str> {
        self.ended().reason.as_deref()
    }

    pub fn handshakes(&self) -> Vec<&Handshake> {
        let all = self.outputs.iter().filter_map(|(_, output)| match output {
            Output::Handshake(handshake) => Some(handshake),
            _ => None,
        });
        all.collect()
    }

    pub fn transcript(&self) -> Vec<&TranscriptEntry> {
        let all = self.outputs.iter().filter_map(|(_, output)| match output {
            Output::Transcript(entry) => Some(entry),
            _ => None,
        });
        all.collect()
    }

    /// All that was said, by whomever, as it was meant.
    pub fn lines(&self) -> Vec<&str> {
        self.transcript().iter().map(|entry| entry.generated.expose()).collect()
    }

    /// When a sentence of a voice's that begins so was on the wire first.
    pub fn sentence_sent_at(&self, text: &str) -> Option<Micros> {
        let said = self.services.said.iter().filter(|said| said.text.starts_with(text));
        let sent = said.filter_map(|said| {
            let (of, begins) = said.place?;
            let is_it = |wire: &Wire| match wire {
                Wire::Media { tag, from, bytes } => *tag == of && from + bytes > begins,
                Wire::Mark(_) | Wire::Clear => false,
            };
            self.wire.iter().find(|(_, wire)| is_it(wire)).map(|(at, _)| *at)
        });
        sent.min()
    }

    /// The sentences of a voice's of which the caller heard something.
    pub fn sentences_heard(&self) -> Vec<&str> {
        let is_heard = |(tag, begins)| self.phone.furthest(tag) > begins;
        let said = self.services.said.iter().filter(|said| said.place.is_some_and(is_heard));
        said.map(|said| said.text.as_str()).collect()
    }

    pub fn transcripts(&self, speaker: Speaker) -> Vec<&TranscriptEntry> {
        self.transcript().into_iter().filter(|entry| entry.speaker == speaker).collect()
    }

    pub fn phases(&self) -> Vec<PhaseName> {
        let all = self.outputs.iter().filter_map(|(_, output)| match output {
            Output::Phase(phase) => Some(*phase),
            _ => None,
        });
        all.collect()
    }

    pub fn press(&mut self, digit: char) {
        self.tell(Input::Digit(digit));
    }

    pub fn hang_up(&mut self) {
        self.tell(Input::StreamStopped);
    }
}
