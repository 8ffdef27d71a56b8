//! Fifteen octets at the start of a frame that say which frame of its stream it
//! is and when it was sent.
//!
//! Layout: two octets of magic, the number (32 bits), the time in microseconds
//! since the load began (48 bits), a check sum (24 bits), most significant octet
//! first. Any octet is good μ-law, so a stamp passes any path that carries the
//! audio unchanged. Fifteen octets are twenty characters of base64 without a
//! rest, so that a stamp can be written and read without touching the others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use trunkline_core::audio::FRAME_BYTES;

use super::super::level::SILENCE;

/// Octets of a stamp.
pub(super) const STAMP_BYTES: usize = 15;

/// Characters of base64 that they are.
const STAMP_CHARS: usize = STAMP_BYTES / 3 * 4;

/// Characters of a whole frame.
const FRAME_CHARS: usize = FRAME_BYTES.div_ceil(3) * 4;

/// Loud samples of alternating sign, other than a watermark's.
const MAGIC: [u8; 2] = [0x03, 0x84];

/// Which frame, and when it was sent, in microseconds since the load began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) number: u32,
    pub(super) sent_us: u64,
}

impl Stamp {
    fn octets(self) -> [u8; STAMP_BYTES] {
        let [n0, n1, n2, n3] = self.number.to_be_bytes();
        let [_, _, t0, t1, t2, t3, t4, t5] = self.sent_us.to_be_bytes();
        let [_, s0, s1, s2] = self.sum().to_be_bytes();
        let [m0, m1] = MAGIC;
        [m0, m1, n0, n1, n2, n3, t0, t1, t2, t3, t4, t5, s0, s1, s2]
    }

    /// 24 bits that mix all others, so that no changed octet goes unseen.
    fn sum(self) -> u32 {
        let both = (self.sent_us << 16) ^ u64::from(self.number);
        let mixed = (both ^ 0x5bd1_e995_9e37_79b1).wrapping_mul(0xff51_afd7_ed55_8ccd);
        u32::try_from((mixed >> 40) & 0x00ff_ffff).unwrap_or(0)
    }

    /// The stamp that these octets begin with.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let head = *octets.first_chunk::<STAMP_BYTES>()?;
        let [m0, m1, n0, n1, n2, n3, t0, t1, t2, t3, t4, t5, _, _, _] = head;
        if [m0, m1] != MAGIC {
            return None;
        }
        let stamp = Self {
            number: u32::from_be_bytes([n0, n1, n2, n3]),
            sent_us: u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5]),
        };
        (stamp.octets() == head).then_some(stamp)
    }
}

/// Writes frames of silence, stamped or not, as base64.
#[derive(Debug)]
pub(super) struct Writer {
    silence: String,
    stamped: String,
}

impl Default for Writer {
    fn default() -> Self {
        let silence = STANDARD.encode([SILENCE; FRAME_BYTES]);
        Self { stamped: silence.clone(), silence }
    }
}

impl Writer {
    pub(super) fn stamped(&mut self, stamp: Stamp) -> &str {
        let rest = self.silence.get(STAMP_CHARS..).unwrap_or_default();
        self.stamped.clear();
        STANDARD.encode_string(stamp.octets(), &mut self.stamped);
        self.stamped.push_str(rest);
        &self.stamped
    }

    pub(super) fn silence(&self) -> &str {
        &self.silence
    }
}

/// Finds stamps in what comes back, wherever a server cuts the audio.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The end of the audio before, which may hold the start of a stamp.
    tail: Vec<u8>,
}

impl Reader {
    /// Takes a payload; answers the bytes of audio in it. `None`: no base64.
    pub(super) fn read(&mut self, base64: &str, found: impl FnMut(Stamp)) -> Option<usize> {
        // One and two bytes more than a frame are as many characters.
        let is_frame = base64.len() == FRAME_CHARS && base64.ends_with("==");
        if self.tail.is_empty() && is_frame {
            return self.read_frame(base64, found);
        }
        self.read_any(base64, found)
    }

    /// The usual: a frame as it was sent. What is behind its stamp is of no
    /// interest.
    fn read_frame(&mut self, base64: &str, mut found: impl FnMut(Stamp)) -> Option<usize> {
        let mut head = [0; STAMP_BYTES + 3];
        let chars = base64.as_bytes().get(..STAMP_CHARS)?;
        let read = STANDARD.decode_slice(chars, &mut head);
        match (read, Stamp::read(&head)) {
            (Ok(_), Some(stamp)) => {
                found(stamp);
                Some(FRAME_BYTES)
            }
            _ => self.read_any(base64, found),
        }
    }

    fn read_any(&mut self, base64: &str, mut found: impl FnMut(Stamp)) -> Option<usize> {
        let before = self.tail.len();
        if STANDARD.decode_vec(base64, &mut self.tail).is_err() {
            self.tail.truncate(before);
            return None;
        }
        let bytes = self.tail.len() - before;
        let mut at = 0;
        while let Some(window) = self.tail.get(at..at + STAMP_BYTES) {
            match Stamp::read(window) {
                Some(stamp) => {
                    found(stamp);
                    at += STAMP_BYTES;
                }
                None => at += 1,
            }
        }
        self.tail.drain(..at);
        // Only what could begin a stamp is worth keeping.
        if !self.tail.contains(&MAGIC[0]) {
            self.tail.clear();
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_stamped_is_read_however_it_is_cut(
            first: u32,
            sent_us in 0u64..1 << 48,
            cuts in proptest::collection::vec(1usize..400, 1..30),
        ) {
            let mut writer = Writer::default();
            let stamps: Vec<_> = (0..8)
                .map(|n| Stamp { number: first.wrapping_add(n), sent_us })
                .collect();
            let audio: Vec<u8> = stamps
                .iter()
                .flat_map(|stamp| STANDARD.decode(writer.stamped(*stamp)).unwrap())
                .collect();
            let (mut reader, mut found, mut at, mut bytes) = (Reader::default(), Vec::new(), 0, 0);
            for cut in cuts.iter().cycle() {
                let end = (at + cut).min(audio.len());
                bytes += reader.read(&STANDARD.encode(&audio[at..end]), |s| found.push(s)).unwrap();
                at = end;
                if at == audio.len() {
                    break;
                }
            }
            prop_assert_eq!(found, stamps);
            prop_assert_eq!(bytes, audio.len());
        }

        #[test]
        fn one_changed_octet_is_noticed(number: u32, sent_us in 0u64..1 << 48, place in 0usize..STAMP_BYTES, change in 1u8..) {
            let stamp = Stamp { number, sent_us };
            let mut octets = stamp.octets();
            octets[place] ^= change;
            prop_assert_ne!(Stamp::read(&octets), Some(stamp));
        }

        #[test]
        fn no_text_makes_it_panic(texts in proptest::collection::vec("[A-Za-z0-9+/=é]{0,230}", 0..4)) {
            let mut reader = Reader::default();
            for text in &texts {
                reader.read(text, |_| ());
            }
        }
    }

    #[test]
    fn silence_bears_no_stamp_and_has_a_frames_length() {
        let (writer, mut reader) = (Writer::default(), Reader::default());
        let mut found = 0;
        assert_eq!(reader.read(writer.silence(), |_| found += 1), Some(FRAME_BYTES));
        assert_eq!((found, writer.silence().len()), (0, FRAME_CHARS));
    }
}
