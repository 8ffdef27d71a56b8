//! The carrier's far end: a buffer that plays at real speed.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use trunkline_core::audio::chunk::decoded_len;
use trunkline_core::time::Micros;
use trunkline_core::turn::playback::{mulaw_bytes, mulaw_time};
use trunkline_core::wire::twilio::carrier::{Command, parse_command};

/// What the kept greeting's audio is made of. A response's audio is made of the
/// response's number, as [`audio`] makes it.
pub const GREETING_TAG: u8 = 0xF0;
/// What the first kept sentence that is played is made of; the next is of the next.
pub const SENTENCE_TAG: u8 = 0xB0;

/// Audio that tells where it belongs: of each three bytes the first is `tag` and the
/// others are the place in the item, which begins with the byte `from`.
pub fn audio(tag: u8, from: u64, bytes: u64) -> Vec<u8> {
    let group = |at: u64| {
        let [high, low] = u16::try_from((from + at) / 3 % 65_536).unwrap().to_be_bytes();
        [tag, high, low]
    };
    (0..bytes).step_by(3).flat_map(group).take(usize::try_from(bytes).unwrap()).collect()
}

/// What came over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    Media { tag: u8, from: u64, bytes: u64 },
    Mark(String),
    Clear,
}

impl Wire {
    pub fn parse(text: &str) -> Self {
        match parse_command(text).expect("the carrier must understand what it is sent") {
            Command::Media { payload, .. } => {
                let head = STANDARD.decode(payload.get(..4).unwrap_or_default()).unwrap();
                let byte = |index: usize| head.get(index).copied().unwrap_or(0);
                let from = u64::from(u16::from_be_bytes([byte(1), byte(2)])) * 3;
                Self::Media { tag: byte(0), from, bytes: decoded_len(&payload) as u64 }
            }
            Command::Mark { name, .. } => Self::Mark(name.into_owned()),
            Command::Clear { .. } => Self::Clear,
        }
    }
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Phone {
    /// What waits, with the time of its arrival.
    buffer: VecDeque<(Micros, Wire)>,
    /// What is at the buffer's front began, or can begin, here.
    free_at: Micros,
    played: BTreeMap<u8, u64>,
    furthest: BTreeMap<u8, u64>,
    repeated: BTreeMap<u8, u64>,
    skipped: BTreeMap<u8, u64>,
    last_sound: BTreeMap<u8, Micros>,
}

impl Phone {
    /// Takes in a message; answers the marks that a clear sends back.
    pub fn receive(&mut self, wire: Wire, now: Micros) -> Vec<String> {
        if wire != Wire::Clear {
            self.buffer.push_back((now, wire));
            return Vec::new();
        }
        let marks = self.advance(now);
        self.cut_front(now);
        let left =
            std::mem::take(&mut self.buffer).into_iter().filter_map(|(_, wire)| match wire {
                Wire::Mark(name) => Some(name),
                Wire::Media { .. } | Wire::Clear => None,
            });
        marks.into_iter().chain(left).collect()
    }

    /// When something at the buffer's front will have been played.
    pub fn next_event(&self) -> Option<Micros> {
        let (arrived, wire) = self.buffer.front()?;
        let start = self.free_at.max(*arrived);
        Some(match wire {
            Wire::Media { bytes, .. } => start + mulaw_time(*bytes),
            Wire::Mark(_) | Wire::Clear => start,
        })
    }

    /// Plays up to `now`; answers the marks that were passed.
    pub fn advance(&mut self, now: Micros) -> Vec<String> {
        let mut marks = Vec::new();
        while let Some(done_at) = self.next_event().filter(|at| *at <= now) {
            let Some((_, wire)) = self.buffer.pop_front() else {
                break;
            };
            match wire {
                Wire::Media { tag, from, bytes } => self.sound(tag, from, bytes, done_at),
                Wire::Mark(name) => marks.push(name),
                Wire::Clear => {}
            }
            self.free_at = done_at;
        }
        marks
    }

    fn cut_front(&mut self, now: Micros) {
        if let Some((arrived, Wire::Media { tag, from, bytes })) = self.buffer.front().cloned() {
            let start = self.free_at.max(arrived);
            self.sound(tag, from, mulaw_bytes(now.since(start)).min(bytes), now);
        }
        self.free_at = now;
    }

    fn sound(&mut self, tag: u8, from: u64, bytes: u64, until: Micros) {
        if bytes > 0 {
            let played = self.played.entry(tag).or_default();
            *self.repeated.entry(tag).or_default() += played.saturating_sub(from);
            *self.skipped.entry(tag).or_default() += from.saturating_sub(*played);
            *played = from + bytes;
            let furthest = self.furthest.entry(tag).or_default();
            *furthest = (*furthest).max(from + bytes);
            self.last_sound.insert(tag, until);
        }
    }

    /// How much of this audio came out of the loudspeaker, in bytes, up to its last
    /// byte that did: whole chunks and what a clear cut.
    pub fn played(&self, tag: u8) -> u64 {
        self.played.get(&tag).copied().unwrap_or(0)
    }

    /// The furthest that this audio was ever played, in bytes.
    pub fn furthest(&self, tag: u8) -> u64 {
        self.furthest.get(&tag).copied().unwrap_or(0)
    }

    /// Bytes of this audio that came out of the loudspeaker for a second time.
    pub fn repeated(&self, tag: u8) -> u64 {
        self.repeated.get(&tag).copied().unwrap_or(0)
    }

    /// The same, of any audio.
    pub fn repeated_in_all(&self) -> u64 {
        self.repeated.values().sum()
    }

    /// Bytes that were left out between two that came out of the loudspeaker, of
    /// any audio.
    pub fn skipped(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// When the last of this audio came out of the loudspeaker.
    pub fn last_sound(&self, tag: u8) -> Option<Micros> {
        self.last_sound.get(&tag).copied()
    }

    pub fn is_silent(&self) -> bool {
        !self.buffer.iter().any(|(_, wire)| matches!(wire, Wire::Media { .. }))
    }
}
