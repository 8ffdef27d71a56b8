//! Agent audio on its way to the caller.
//!
//! A model speaks several times faster than real time, so most of a long answer
//! waits here. Only about a second goes ahead of the caller's ear: little enough
//! that stopping is quick, enough that the line never runs dry. Marks follow the
//! audio so that the call learns what was heard.
//!
//! Audio of a response that the call has not ruled on yet is held, neither sent
//! nor lost: the announcement and the first audio come from the model in one
//! read, and the audio is here before the call has heard of the response.

mod hold;
mod marks;
mod notice;

use std::collections::VecDeque;

use crate::ids::{ItemId, ResponseId, StreamSid};
use crate::time::Micros;
use crate::turn::playback::{Playout, mulaw_time};
use crate::wire::twilio::{write_clear, write_media};

use super::phrase::Phrase;
use super::rulings::{Ruling, Rulings};
use super::segment::Segment;

pub use marks::MARK_SPACING_BYTES;
pub use notice::{Notice, Pushed, Unheard};

use hold::Delivered;
use marks::Marks;

/// Audio that may be ahead of the caller's ear.
pub const LEAD: Micros = Micros::from_millis(1_000);

/// When the lead is full, how far it may fall before more is sent. It sets how
/// often a speaking call wakes.
const REFILL: Micros = Micros::from_millis(160);

/// Most audio kept of a response that is captured for the phrase cache: 30 s.
const CAPTURE_BYTES: usize = 30 * 8_000 / 3 * 4;

/// Most audio that waits in one call: ten minutes, as base64. A model that gives
/// more than a whole call's worth in one go has lost its way.
const MOST_WAITING_CHARS: usize = 600 * 8_000 / 3 * 4;

#[derive(Debug)]
struct Capture {
    response: String,
    base64: Vec<String>,
    chars: usize,
}

/// Somebody who listens in on what goes to the carrier.
pub trait Tap {
    /// A chunk goes out, base64 μ-law, that begins to play at `plays_at`, as far as
    /// can be known here.
    fn audio(&mut self, base64: &str, plays_at: Micros);
    /// The carrier is told at `at` to throw away what it has not played.
    fn cleared(&mut self, at: Micros);
}

/// Nobody.
impl Tap for () {
    fn audio(&mut self, _: &str, _: Micros) {}
    fn cleared(&mut self, _: Micros) {}
}

/// See the module's text.
#[derive(Debug)]
pub struct Downlink {
    stream: StreamSid,
    generation: u64,
    segments: VecDeque<Segment>,
    delivered: Delivered,
    /// Whether the sentence is stopped, and kept.
    held: bool,
    rulings: Rulings,
    marks: Marks,
    playout: Playout,
    notices: Vec<Notice>,
    /// Whether one of the notices should not wait for the call's next step.
    news: bool,
    capture: Option<Capture>,
    clear_pending: bool,
    stale_chunks: u64,
    stale_marks: u64,
    overflow_chunks: u64,
}

impl Downlink {
    /// A downlink with nothing to say, towards `stream`.
    #[must_use]
    pub fn new(stream: StreamSid) -> Self {
        Self {
            stream,
            generation: 0,
            segments: VecDeque::new(),
            delivered: Delivered::default(),
            held: false,
            rulings: Rulings::default(),
            marks: Marks::default(),
            playout: Playout::default(),
            notices: Vec::new(),
            news: false,
            capture: None,
            clear_pending: false,
            stale_chunks: 0,
            stale_marks: 0,
            overflow_chunks: 0,
        }
    }

    /// Whether audio of `response` may still be heard. A piece that may not is
    /// counted as stale.
    pub fn wants(&mut self, response: &str) -> bool {
        let wanted = self.rulings.of(response) != Ruling::Rejected;
        self.stale_chunks += u64::from(!wanted);
        wanted
    }

    fn waiting_chars(&self) -> usize {
        self.segments.iter().map(Segment::waiting_chars).sum()
    }

    /// Base64 μ-law that the model gave for `item` of `response`.
    pub fn push(&mut self, response: &str, item: &str, payload: &str) -> Pushed {
        let ruling = self.rulings.of(response);
        if ruling == Ruling::Rejected {
            self.stale_chunks += 1;
            return Pushed::Unwanted;
        }
        if self.waiting_chars() + payload.len() > MOST_WAITING_CHARS {
            self.overflow_chunks += 1;
            return Pushed::Dropped;
        }
        self.capture_audio(response, payload);
        match self.segment_of(item, Some((response, ruling))) {
            Some(segment) => segment.push(payload),
            None => return Pushed::Dropped,
        }
        Pushed::Queued
    }

    /// The model will give no more audio for `item`.
    pub fn finish(&mut self, item: &str) {
        if let Some(segment) = self.segments.iter_mut().find(|s| s.item.as_str() == item) {
            segment.finished = true;
        }
    }

    /// The model will give no more audio for any item of `response`.
    pub fn finish_response(&mut self, response: &str) {
        let of_it = |s: &&mut Segment| s.response.as_deref() == Some(response);
        self.segments.iter_mut().filter(of_it).for_each(|s| s.finished = true);
    }

    /// The model is gone: what it gave is all that there will be.
    pub fn finish_all(&mut self) {
        self.segments.iter_mut().for_each(|s| s.finished = true);
    }

    /// Plays a kept rendering as `item`.
    pub fn play(&mut self, item: &ItemId, phrase: &Phrase) {
        let Some(segment) = self.segment_of(item.as_str(), None) else {
            return;
        };
        phrase.chunks().for_each(|chunk| segment.push_shared(chunk));
        segment.finished = true;
    }

    /// The call lets `response` be heard.
    pub fn admit(&mut self, response: &ResponseId) {
        self.rulings.set(response.as_str(), Ruling::Admitted);
        let of_it = |s: &&mut Segment| s.response.as_deref() == Some(response.as_str());
        self.segments.iter_mut().filter(of_it).for_each(|s| s.admitted = true);
    }

    /// The call will not have `response` heard: what waits of it is dropped, and
    /// so is what still comes.
    pub fn reject(&mut self, response: &ResponseId) {
        self.rulings.set(response.as_str(), Ruling::Rejected);
        self.segments.retain(|s| s.response.as_deref() != Some(response.as_str()));
        self.delivered.reject(response.as_str());
    }

    /// Keeps the audio of `response` for [`Self::take_capture`]: what was held of
    /// it and what comes. Once some of it has gone there is nothing whole to keep.
    pub fn capture(&mut self, response: &ResponseId) {
        let response = response.as_str();
        let of_it = |s: &&Segment| s.response.as_deref() == Some(response);
        let segments = || self.segments.iter().filter(of_it);
        self.capture = None;
        if segments().any(|s| s.sent_bytes > 0) {
            return;
        }
        let base64: Vec<String> =
            segments().flat_map(Segment::waiting).map(str::to_owned).collect();
        let chars = base64.iter().map(String::len).sum();
        self.capture = Some(Capture { response: response.to_owned(), base64, chars });
    }

    /// The audio that was captured, as base64 payloads; none when it was too long.
    pub fn take_capture(&mut self) -> Option<Vec<String>> {
        let capture = self.capture.take()?;
        (capture.chars <= CAPTURE_BYTES).then_some(capture.base64)
    }

    /// The caller has the floor: everything that was let through before is
    /// silenced here and, with `clear`, in the carrier's buffer.
    pub fn interrupt(&mut self, generation: u64, clear: bool, now: Micros) {
        self.stop(generation, clear, now);
        self.held = false;
        self.capture = None;
        self.rulings.reject_admitted();
        let rulings = &self.rulings;
        let held = |response: &str| rulings.is(response, Ruling::Held);
        self.segments.retain(|s| s.response.as_deref().is_some_and(held));
        self.delivered.clear();
    }

    /// Writes what may go to the carrier at `now`: each call of `send` is one
    /// WebSocket text message.
    pub fn poll_write(&mut self, now: Micros, send: impl FnMut(String)) {
        self.poll_write_tapped(now, send, &mut ());
    }

    /// The same, while `tap` listens in.
    pub fn poll_write_tapped(
        &mut self,
        now: Micros,
        mut send: impl FnMut(String),
        tap: &mut impl Tap,
    ) {
        if std::mem::take(&mut self.clear_pending) {
            send(message(|out| write_clear(out, &self.stream)));
            tap.cleared(now);
        }
        while let Some(index) = self.next_segment() {
            if !self.write_segment(index, now, &mut send, tap) {
                break;
            }
        }
    }

    /// When to call [`Self::poll_write`] again; none while there is nothing to say.
    #[must_use]
    pub fn next_write(&self) -> Option<Micros> {
        self.next_segment()?;
        let resume_at = self.playout.ends_at().0.saturating_sub(LEAD.0 - REFILL.0);
        Some(Micros(resume_at))
    }

    /// The carrier returned a mark. A mark of an older generation came back
    /// because of a clear, not because it was heard.
    pub fn on_mark(&mut self, name: &str) {
        let Some(marks) = self.marks.take(name, self.generation) else {
            self.stale_marks += 1;
            return;
        };
        for mark in marks {
            if mark.finishes {
                self.delivered.heard(&mark.item);
            }
            self.notices.push(Notice::Played { item: mark.item, bytes: mark.bytes });
            self.news = true;
        }
    }

    /// What the call has not been told yet.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.news = false;
        std::mem::take(&mut self.notices)
    }

    /// Whether there is something that the call should be told now: an item's
    /// first audio, its end, or a mark. That more audio went out can wait for the
    /// call's next step, which takes it in first.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.news
    }

    /// Chunks that were thrown away because too much waited, since the call began.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.overflow_chunks
    }

    /// Whether anything waits to be sent.
    #[must_use]
    pub fn has_audio(&self) -> bool {
        self.segments.iter().any(|s| !s.is_empty())
    }

    /// Chunks and marks that came too late to matter, since the call began.
    #[must_use]
    pub fn stale(&self) -> (u64, u64) {
        (self.stale_chunks, self.stale_marks)
    }

    fn stop(&mut self, generation: u64, clear: bool, now: Micros) {
        self.generation = generation;
        self.marks.forget();
        self.playout.cleared(now);
        self.clear_pending |= clear;
    }

    fn capture_audio(&mut self, response: &str, payload: &str) {
        let Some(capture) = self.capture.as_mut().filter(|c| c.response == response) else {
            return;
        };
        capture.chars += payload.len();
        if capture.chars <= CAPTURE_BYTES {
            capture.base64.push(payload.to_owned());
        } else {
            capture.base64.clear();
        }
    }

    /// The segment of an item, made where there is none; none for a name that no
    /// item can have.
    fn segment_of(&mut self, item: &str, response: Option<(&str, Ruling)>) -> Option<&mut Segment> {
        // Nearly always it is the last one.
        let index = match self.segments.iter().rposition(|s| s.item.as_str() == item) {
            Some(index) => index,
            None => {
                let item = ItemId::parse(item).ok()?;
                let admitted = response.is_none_or(|(_, ruling)| ruling == Ruling::Admitted);
                let response = response.map(|(id, _)| id.to_owned());
                self.segments.push_back(Segment::new(item, response, admitted));
                self.segments.len() - 1
            }
        };
        self.segments.get_mut(index)
    }

    /// The first segment that may be heard and is not done with.
    fn next_segment(&self) -> Option<usize> {
        if self.held {
            return None;
        }
        let index = self.segments.iter().position(|s| s.admitted)?;
        let segment = self.segments.get(index)?;
        (!segment.is_empty() || segment.finished).then_some(index)
    }

    /// Sends as much of a segment as the lead allows. Answers whether the
    /// segment is done with, so that the next one may follow.
    fn write_segment(
        &mut self,
        index: usize,
        now: Micros,
        send: &mut impl FnMut(String),
        tap: &mut impl Tap,
    ) -> bool {
        let Some(segment) = self.segments.get_mut(index) else {
            return false;
        };
        let from = segment.sent_bytes;
        let mut sent = 0;
        while self.playout.lead(now) < LEAD {
            let (stream, plays_at) = (&self.stream, self.playout.ends_at().max(now));
            let chunk = segment.take_chunk(|chunk| {
                tap.audio(chunk, plays_at);
                send(message(|out| write_media(out, stream, chunk)));
            });
            let Some(bytes) = chunk else {
                break;
            };
            self.playout.sent(bytes, now);
            sent += bytes;
            if segment.unmarked_bytes >= MARK_SPACING_BYTES {
                send(self.marks.set(segment, false, self.generation, stream));
            }
        }
        let first = sent > 0 && from == 0;
        let done = segment.finished && segment.is_empty();
        if sent > 0 {
            note_sent(&mut self.notices, &segment.item, from, sent, self.playout.ends_at());
            self.delivered.sent(sent);
            self.news |= first;
        }
        if done {
            self.close_segment(index, send);
        }
        done
    }

    fn close_segment(&mut self, index: usize, send: &mut impl FnMut(String)) {
        let Some(mut segment) = self.segments.remove(index) else {
            return;
        };
        if segment.unmarked_bytes > 0 {
            send(self.marks.set(&mut segment, true, self.generation, &self.stream));
        }
        self.notices.push(Notice::Delivered { item: segment.item.clone() });
        self.news = true;
        if segment.sent_bytes > 0 {
            self.delivered.keep(segment);
        }
    }
}

/// Tells the call what went out. Pieces of one item that it has not been told of
/// yet become one, dated so that they end when the last of them does.
fn note_sent(notices: &mut Vec<Notice>, item: &ItemId, from: u64, sent: u64, ends_at: Micros) {
    let dated = |bytes| Micros(ends_at.0.saturating_sub(mulaw_time(bytes).0));
    match notices.last_mut() {
        Some(Notice::Sent { item: last, from: start, bytes, at })
            if last == item && *start + *bytes == from =>
        {
            *bytes += sent;
            *at = dated(*bytes);
        }
        Some(_) | None => {
            notices.push(Notice::Sent { item: item.clone(), from, bytes: sent, at: dated(sent) });
        }
    }
}

fn message(write: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    write(&mut out);
    out
}
