//! The phone's ear: a buffer that plays at real speed, knows to the frame what
//! has been played, echoes marks when the audio before them has been heard, and
//! gives all of them back at once when it is cleared.
//!
//! Nothing here reads a clock or a socket: the stream calls [`Playback::tick`]
//! every 20 ms of its schedule.

use std::collections::VecDeque;

use serde::Serialize;
use trunkline_core::audio::FRAME_BYTES;
use trunkline_core::time::Micros;

use super::heard::{Heard, Scanner, Stamp};
use super::level::{SILENCE, audible};

/// Without watermarks, audio that resumes within this time of the buffer's
/// running dry was cut in the middle of an utterance; later, it is another one.
const SAME_UTTERANCE_MS: u64 = 400;

/// Most clears of one stream that are kept one by one.
const MAX_CLEARS: usize = 1_000;

/// A mark waiting for the audio before it.
#[derive(Debug)]
struct Mark {
    /// Bytes received before it.
    after: u64,
    name: String,
}

/// One `clear`, and what it cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClearRecord {
    /// When it arrived, in milliseconds of the call.
    pub at_ms: u64,
    /// Audio that was thrown away unheard, in bytes.
    pub dropped_bytes: u64,
    /// Audio that had been played by then since the stream began, in bytes.
    pub played_bytes: u64,
    /// Response and frame, by watermark, that the caller was hearing; nothing
    /// when silence was playing or the audio has no watermark.
    pub playing: Option<(u16, u16)>,
    /// Marks given back.
    pub marks: u64,
}

/// What was played and what was not, over one stream. Bytes of μ-law, 8 to a
/// millisecond.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlaybackReport {
    /// Audio received.
    pub received_bytes: u64,
    /// Audio played.
    pub played_bytes: u64,
    /// Audio thrown away by `clear`.
    pub cleared_bytes: u64,
    /// Audio still waiting when the stream ended.
    pub unplayed_bytes: u64,
    /// Most audio that was ever waiting.
    pub peak_bytes: u64,
    /// How often the buffer ran dry in the middle of an utterance.
    pub underruns: u64,
    /// Silence in the middle of utterances, in milliseconds.
    pub underrun_ms: u64,
    /// Frames heard of a response that had been cleared before.
    pub stale_frames: u64,
    /// What was heard of each response, by watermark.
    pub responses: Vec<Heard>,
    /// Every clear, to a thousand.
    pub clears: Vec<ClearRecord>,
}

/// What the caller hears in one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Played {
    /// Bytes that came from the buffer; the rest is silence.
    pub(super) bytes: usize,
    /// Whether there is something to hear.
    pub(super) audible: bool,
}

/// The buffer of one stream.
#[derive(Debug, Default)]
pub(super) struct Playback {
    buffer: VecDeque<u8>,
    /// Bytes taken by the tick under way: heard only when it is over.
    in_ear: usize,
    /// Received offset of the next byte to play.
    head: u64,
    marks: VecDeque<Mark>,
    stamps: VecDeque<Stamp>,
    scanner: Scanner,
    /// Response and frame that was played last.
    current: Option<(u16, u16)>,
    dry_since: Option<Micros>,
    report: PlaybackReport,
}

impl Playback {
    /// Audio arrives.
    pub(super) fn media(&mut self, audio: &[u8]) {
        self.scanner.scan(audio, &mut self.stamps);
        self.buffer.extend(audio);
        self.report.received_bytes += as_u64(audio.len());
        self.report.peak_bytes = self.report.peak_bytes.max(as_u64(self.buffer.len()));
    }

    /// A mark arrives; it goes to `echoes` at once when nothing is left to play.
    pub(super) fn mark(&mut self, name: &str, echoes: &mut Vec<String>) {
        if self.is_idle() {
            echoes.push(name.to_owned());
        } else {
            self.marks.push_back(Mark { after: self.report.received_bytes, name: name.to_owned() });
        }
    }

    /// Drops what waits and gives back every mark. The frame in the ear counts
    /// as heard.
    pub(super) fn clear(&mut self, at: Micros, echoes: &mut Vec<String>) -> ClearRecord {
        let record = ClearRecord {
            at_ms: at.as_millis(),
            dropped_bytes: as_u64(self.buffer.len()),
            played_bytes: self.report.played_bytes,
            playing: if self.is_idle() { None } else { self.current },
            marks: as_u64(self.marks.len()),
        };
        self.note_cleared();
        self.buffer.clear();
        self.stamps.clear();
        self.head = self.report.received_bytes;
        echoes.extend(self.marks.drain(..).map(|mark| mark.name));
        self.dry_since = None;
        self.report.cleared_bytes += record.dropped_bytes;
        if self.report.clears.len() < MAX_CLEARS {
            self.report.clears.push(record.clone());
        }
        record
    }

    /// Ends the tick before and begins the next: 160 bytes into `frame`, padded
    /// with silence. Marks whose audio is now over go to `echoes`.
    pub(super) fn tick(
        &mut self,
        at: Micros,
        frame: &mut [u8; FRAME_BYTES],
        echoes: &mut Vec<String>,
    ) -> Played {
        self.in_ear = 0;
        while self.marks.front().is_some_and(|mark| mark.after <= self.head) {
            echoes.extend(self.marks.pop_front().map(|mark| mark.name));
        }
        let bytes = self.buffer.len().min(FRAME_BYTES);
        frame.fill(SILENCE);
        for (slot, byte) in frame.iter_mut().zip(self.buffer.drain(..bytes)) {
            *slot = byte;
        }
        self.in_ear = bytes;
        self.head += as_u64(bytes);
        self.report.played_bytes += as_u64(bytes);
        let before = self.current;
        self.note_stamps(at);
        self.note_gap(at, bytes, before);
        Played { bytes, audible: bytes > 0 && audible(frame) }
    }

    /// Whether neither the ear nor the buffer holds anything.
    pub(super) fn is_idle(&self) -> bool {
        self.in_ear == 0 && self.buffer.is_empty()
    }

    /// The stream is over; what still waits is never played.
    pub(super) fn into_report(mut self) -> PlaybackReport {
        self.report.unplayed_bytes = as_u64(self.buffer.len());
        self.report
    }

    /// Counts the frames whose first byte has now been played.
    fn note_stamps(&mut self, at: Micros) {
        while let Some(stamp) = self.stamps.front().copied().filter(|s| s.offset < self.head) {
            self.stamps.pop_front();
            self.current = Some((stamp.response, stamp.frame));
            let heard = Heard::of(&mut self.report.responses, stamp.response, at);
            heard.note(stamp.frame, at);
            if heard.cleared {
                self.report.stale_frames += 1;
            }
        }
    }

    /// Every response in the ear or in the buffer is cut off.
    fn note_cleared(&mut self) {
        if self.is_idle() {
            return;
        }
        let playing = self.current.map(|(response, _)| response);
        let waiting = self.stamps.iter().map(|stamp| stamp.response);
        for response in playing.into_iter().chain(waiting) {
            Heard::cut(&mut self.report.responses, response);
        }
    }

    fn note_gap(&mut self, at: Micros, bytes: usize, before: Option<(u16, u16)>) {
        if bytes == 0 {
            if self.head > 0 && self.marks.is_empty() {
                self.dry_since.get_or_insert(at);
            }
            return;
        }
        let Some(dry) = self.dry_since.take() else {
            return;
        };
        let gap_ms = at.since(dry).as_millis();
        let same = match (before, self.current) {
            (Some((old, _)), Some((new, _))) => old == new,
            (None, _) | (_, None) => gap_ms < SAME_UTTERANCE_MS,
        };
        if same {
            self.report.underruns += 1;
            self.report.underrun_ms += gap_ms;
        }
    }
}

fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
