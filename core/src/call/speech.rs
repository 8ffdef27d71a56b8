//! What the agent is saying: its items from the first word to the last mark.

mod place;

use std::collections::VecDeque;

use serde::Serialize;

use crate::ids::{ItemId, ResponseId};
use crate::media::Notice;
use crate::pii::{Personal, as_personal};
use crate::time::Micros;
use crate::turn::playback::{BYTES_PER_MS, Heard, PlaybackClock};

use super::explain::HeardItem;
use super::{Call, Output, Phase, Speaker, TranscriptEntry, words};

/// Items remembered after they were said.
const KEPT_ITEMS: usize = 32;

#[derive(Debug, PartialEq, Eq, Clone, Copy, Serialize)]
enum Stage {
    /// Audio may still come, or waits to be sent.
    Open,
    /// All of it is with the carrier.
    Delivered,
    /// Heard to its end, or cut.
    Closed,
}

/// How the model's present session knows of an item.
#[derive(Debug, PartialEq, Eq, Clone, Copy, Serialize)]
enum Known {
    /// Not at all: it is a kept rendering, or the session that said it is gone.
    Not,
    /// As something that it said itself.
    AsItem,
    /// As a text that it was told, whole, while the item was being said.
    AsText,
}

#[derive(Debug, Serialize)]
struct Spoken {
    item: ItemId,
    /// None for a kept rendering.
    response: Option<ResponseId>,
    #[serde(serialize_with = "as_personal")]
    text: String,
    received_bytes: u64,
    sent_bytes: u64,
    turn: u32,
    started_at: Option<Micros>,
    stage: Stage,
    known: Known,
}

/// See the module's text.
#[derive(Debug, Default, Serialize)]
pub(super) struct Speech {
    items: VecDeque<Spoken>,
    capturing: Option<ResponseId>,
}

impl Speech {
    pub(super) fn phrase(&mut self, item: ItemId, text: &str, bytes: u64, turn: u32, now: Micros) {
        self.push(Spoken {
            item,
            response: None,
            text: text.to_owned(),
            received_bytes: bytes,
            sent_bytes: 0,
            turn,
            started_at: Some(now),
            stage: Stage::Open,
            known: Known::Not,
        });
    }

    pub(super) fn begin_response(&mut self, response: &ResponseId) {
        if self.capturing.as_ref().is_some_and(|c| c != response) {
            self.capturing = None;
        }
    }

    pub(super) fn capture(&mut self, response: ResponseId) {
        self.capturing = Some(response);
    }

    pub(super) fn stop_capture(&mut self) {
        self.capturing = None;
    }

    /// Takes the capture of `response`, if it is being captured.
    pub(super) fn captured(&mut self, response: &ResponseId) -> bool {
        self.capturing.take_if(|c| c == response).is_some()
    }

    fn announce(&mut self, response: &ResponseId, item: ItemId, turn: u32) {
        if self.find(&item).is_some() {
            return;
        }
        self.push(Spoken {
            item,
            response: Some(response.clone()),
            text: String::new(),
            received_bytes: 0,
            sent_bytes: 0,
            turn,
            started_at: None,
            stage: Stage::Open,
            known: Known::AsItem,
        });
    }

    pub(super) fn text(&mut self, item: &ItemId, more: &str, audio_bytes: u64) {
        if let Some(spoken) = self.find(item) {
            spoken.text.push_str(more);
            spoken.received_bytes = spoken.received_bytes.max(audio_bytes);
        }
    }

    pub(super) fn received(&mut self, item: &ItemId, audio_bytes: u64) {
        if let Some(spoken) = self.find(item) {
            spoken.received_bytes = spoken.received_bytes.max(audio_bytes);
        }
    }

    /// Items of a response that never got audio are over with the response.
    /// Answers whether any got some.
    pub(super) fn end_response(&mut self, response: &ResponseId) -> bool {
        let mut spoke = false;
        for spoken in self.items.iter_mut().filter(|s| s.response.as_ref() == Some(response)) {
            spoke |= spoken.has_audio();
            spoken.end_if_silent();
        }
        spoke
    }

    /// The session is gone: no audio comes for what it had begun, and the next one
    /// knows nothing of it.
    pub(super) fn forget_session(&mut self) {
        for spoken in &mut self.items {
            spoken.known = Known::Not;
            if spoken.response.is_some() {
                spoken.end_if_silent();
            }
        }
    }

    /// What is being said and the session does not know of, as texts that it is
    /// now to be told.
    pub(super) fn tell_in_progress(&mut self) -> Vec<(ItemId, String)> {
        let untold = |s: &&mut Spoken| {
            s.stage != Stage::Closed && s.known == Known::Not && !s.text.trim().is_empty()
        };
        let told = self.items.iter_mut().filter(untold).map(|spoken| {
            spoken.known = Known::AsText;
            (spoken.item.clone(), spoken.text.clone())
        });
        told.collect()
    }

    /// Items that were told as texts and are still being said.
    fn told_in_progress(&self) -> Vec<ItemId> {
        let told = |s: &&Spoken| s.stage != Stage::Closed && s.known == Known::AsText;
        self.items.iter().filter(told).map(|s| s.item.clone()).collect()
    }

    /// Whether the model said something in `response`.
    pub(super) fn response_spoke(&self, response: &ResponseId) -> bool {
        self.items.iter().any(|s| s.response.as_ref() == Some(response) && !s.text.is_empty())
    }

    /// The words of a response, so far.
    pub(super) fn text_of(&self, response: &ResponseId) -> String {
        let of_it = self.items.iter().filter(|s| s.response.as_ref() == Some(response));
        of_it.map(|s| s.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether audio waits to be sent.
    pub(super) fn is_waiting(&self) -> bool {
        self.items.iter().any(|s| s.stage == Stage::Open && s.sent_bytes < s.received_bytes)
    }

    /// Whether an item is not over.
    pub(super) fn is_speaking(&self) -> bool {
        self.items.iter().any(|s| s.stage != Stage::Closed)
    }

    /// Whether an item may still get audio, or has some that is not with the carrier.
    pub(super) fn is_open(&self) -> bool {
        self.items.iter().any(|s| s.stage == Stage::Open)
    }

    pub(super) fn is_of_model(&self, item: &ItemId) -> bool {
        self.items.iter().any(|s| s.item == *item && s.response.is_some())
    }

    /// The response that an item belongs to; none for a kept rendering.
    pub(super) fn response_of(&self, item: &ItemId) -> Option<&ResponseId> {
        self.items.iter().rev().find(|s| s.item == *item)?.response.as_ref()
    }

    pub(super) fn is_of_response(&self, item: &ItemId, response: Option<&ResponseId>) -> bool {
        let of_it = |s: &Spoken| s.item == *item && s.response.as_ref() == response;
        response.is_some() && self.items.iter().any(of_it)
    }

    /// Items that the model remembers more of than was heard, or may, and how much
    /// was heard of each.
    pub(super) fn unheard(&self, clock: &PlaybackClock, now: Micros) -> Vec<Heard> {
        let mut unheard = Vec::new();
        for spoken in self.items.iter().filter(|s| s.known == Known::AsItem) {
            let item = spoken.item.clone();
            let nothing = Heard { item, heard_bytes: 0, sent_bytes: 0 };
            let heard = clock.heard(&spoken.item, now).unwrap_or(nothing);
            let is_unheard = match spoken.stage {
                Stage::Open => true,
                Stage::Delivered => heard.heard_bytes < heard.sent_bytes,
                Stage::Closed => false,
            };
            unheard.extend(is_unheard.then_some(heard));
        }
        unheard
    }

    /// The items that are not over, and how much of each was heard.
    pub(super) fn explain(&self, clock: &PlaybackClock, now: Micros) -> Vec<HeardItem> {
        let open = self.items.iter().filter(|s| s.stage != Stage::Closed);
        let explained = open.map(|spoken| HeardItem {
            item: spoken.item.clone(),
            heard_ms: clock.heard(&spoken.item, now).map_or(0, |heard| heard.heard_ms()),
            sent_ms: spoken.sent_bytes / BYTES_PER_MS,
            received_ms: spoken.received_bytes / BYTES_PER_MS,
        });
        explained.collect()
    }

    fn find(&mut self, item: &ItemId) -> Option<&mut Spoken> {
        self.items.iter_mut().rev().find(|s| s.item == *item)
    }

    fn push(&mut self, spoken: Spoken) {
        self.items.push_back(spoken);
        if self.items.len() > KEPT_ITEMS {
            self.items.pop_front();
        }
    }

    /// Closes items that are over; answers them as transcript entries. `heard`
    /// tells how much of an item the caller heard.
    fn close(
        &mut self,
        now: Micros,
        is_over: impl Fn(&Spoken) -> bool,
        heard_bytes: impl Fn(&ItemId) -> Option<u64>,
    ) -> Vec<TranscriptEntry> {
        let mut entries = Vec::new();
        for spoken in self.items.iter_mut().filter(|s| s.stage != Stage::Closed) {
            if is_over(spoken) {
                let whole = spoken.received_bytes.max(spoken.sent_bytes);
                let heard = heard_bytes(&spoken.item).unwrap_or(0);
                entries.extend(spoken.close(heard, whole, now));
            }
        }
        entries
    }
}

impl Spoken {
    fn has_audio(&self) -> bool {
        self.received_bytes > 0 || self.sent_bytes > 0
    }

    fn end_if_silent(&mut self) {
        if !self.has_audio() {
            self.stage = Stage::Closed;
        }
    }

    fn close(&mut self, heard: u64, whole: u64, now: Micros) -> Option<TranscriptEntry> {
        self.stage = Stage::Closed;
        // Words without audio were written, but not said.
        let interrupted = heard < whole || whole == 0;
        let heard_text =
            if interrupted { words::cut(&self.text, heard, whole) } else { self.text.as_str() };
        (!self.text.is_empty()).then(|| TranscriptEntry {
            speaker: Speaker::Agent,
            turn: self.turn,
            item: self.item.clone(),
            generated: Personal::new(self.text.clone()),
            heard: Personal::new(heard_text),
            interrupted,
            started_at: self.started_at.unwrap_or(now).min(now),
            ended_at: now,
        })
    }
}

impl Call {
    pub(super) fn item_announced(&mut self, response: &ResponseId, item: ItemId) {
        if self.sequencer.current() == Some(response) {
            self.speech.announce(response, item, self.tally.turns);
        }
    }

    /// Audio was let through of an item that was never announced, as some compatible
    /// servers do: it belongs to the response that is open.
    fn adopt(&mut self, item: &ItemId) {
        let response = self.sequencer.current().cloned();
        if let Some(response) = response.filter(|_| self.speech.find(item).is_none()) {
            self.speech.announce(&response, item.clone(), self.tally.turns);
        }
    }

    /// The media path reports what went out and what was played.
    pub(super) fn media_notice(&mut self, notice: Notice, now: Micros) {
        match notice {
            Notice::Sent { item, from, bytes, at } => {
                // What is with the carrier already is heard before it.
                let heard_from = self.clock.ends_at().max(at);
                self.clock.sent(&item, from, bytes, at);
                self.adopt(&item);
                let from_model = self.speech.is_of_model(&item);
                let mut first = false;
                if let Some(spoken) = self.speech.find(&item) {
                    first = spoken.sent_bytes == 0;
                    spoken.sent_bytes = from.saturating_add(bytes);
                    spoken.started_at.get_or_insert(heard_from);
                }
                self.audio_received(&item, bytes, now);
                self.note_last_words();
                if from_model {
                    self.session.prove_voice();
                }
                if first {
                    self.note_first_audio(from_model, now);
                }
                if first && from_model {
                    self.note_answer_audio(now);
                    self.note_sent(&item, at, heard_from);
                }
            }
            Notice::Delivered { item } => {
                if let Some(spoken) = self.speech.find(&item).filter(|s| s.stage == Stage::Open) {
                    spoken.stage = Stage::Delivered;
                }
            }
            Notice::Played { item, bytes } => {
                self.clock.acknowledged(&item, bytes, now);
                self.waterfall.played(&item, bytes, now);
            }
        }
        self.close_heard_items(now);
    }

    pub(super) fn close_heard_items(&mut self, now: Micros) {
        let clock = &self.clock;
        let heard_all = |s: &Spoken| {
            let heard = clock.heard(&s.item, now).is_some_and(|h| h.heard_bytes >= h.sent_bytes);
            s.stage == Stage::Delivered && heard
        };
        let bytes = |item: &ItemId| clock.heard(item, now).map(|h| h.heard_bytes);
        let entries = self.speech.close(now, heard_all, bytes);
        self.record_agent(entries);
        if matches!(self.phase, Phase::Greeting) && !self.speech.is_speaking() {
            self.set_phase(Phase::Conversation);
        }
    }

    /// The clock was cleared: whatever was being said is over. Answers the items
    /// that the session was told as whole texts, with what was heard of each.
    pub(super) fn close_cut_items(&mut self, now: Micros) -> Vec<(ItemId, Personal)> {
        let told = self.speech.told_in_progress();
        let clock = &self.clock;
        let bytes = |item: &ItemId| clock.heard(item, now).map(|h| h.heard_bytes);
        let entries = self.speech.close(now, |_| true, bytes);
        let wrong = entries.iter().filter(|e| e.interrupted && told.contains(&e.item));
        let wrong = wrong.map(|e| (e.item.clone(), e.heard.clone())).collect();
        self.record_agent(entries);
        wrong
    }

    fn record_agent(&mut self, entries: Vec<TranscriptEntry>) {
        for entry in entries {
            self.history.agent(entry.heard.expose());
            self.note_unsafe(&entry);
            self.keep_costs();
            self.out(Output::Transcript(entry));
        }
    }
}
