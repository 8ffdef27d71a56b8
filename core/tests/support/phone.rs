//! The carrier's far end: a buffer that plays at real speed.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use trunkline_core::audio::chunk::decoded_len;
use trunkline_core::time::Micros;
use trunkline_core::turn::playback::{mulaw_bytes, mulaw_time};
use trunkline_core::wire::twilio::carrier::{Command, parse_command};

/// The byte that the kept greeting is made of. A response's audio is made of the
/// response's number.
pub const GREETING_TAG: u8 = 0xF0;

/// What came over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    Media { tag: u8, bytes: u64 },
    Mark(String),
    Clear,
}

impl Wire {
    pub fn parse(text: &str) -> Self {
        match parse_command(text).expect("the carrier must understand what it is sent") {
            Command::Media { payload, .. } => {
                // All bytes of a chunk are the same: the first group tells which.
                let head = STANDARD.decode(payload.get(..4).unwrap_or_default()).unwrap();
                let tag = head.first().copied().unwrap_or(0);
                Self::Media { tag, bytes: decoded_len(&payload) as u64 }
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
                Wire::Media { tag, bytes } => self.sound(tag, bytes, done_at),
                Wire::Mark(name) => marks.push(name),
                Wire::Clear => {}
            }
            self.free_at = done_at;
        }
        marks
    }

    fn cut_front(&mut self, now: Micros) {
        if let Some((arrived, Wire::Media { tag, bytes })) = self.buffer.front().cloned() {
            let start = self.free_at.max(arrived);
            self.sound(tag, mulaw_bytes(now.since(start)).min(bytes), now);
        }
        self.free_at = now;
    }

    fn sound(&mut self, tag: u8, bytes: u64, until: Micros) {
        if bytes > 0 {
            *self.played.entry(tag).or_default() += bytes;
            self.last_sound.insert(tag, until);
        }
    }

    /// Bytes of this audio that came out of the loudspeaker, whole chunks and what
    /// a clear cut.
    pub fn played(&self, tag: u8) -> u64 {
        self.played.get(&tag).copied().unwrap_or(0)
    }

    /// When the last of this audio came out of the loudspeaker.
    pub fn last_sound(&self, tag: u8) -> Option<Micros> {
        self.last_sound.get(&tag).copied()
    }

    pub fn is_silent(&self) -> bool {
        !self.buffer.iter().any(|(_, wire)| matches!(wire, Wire::Media { .. }))
    }
}
