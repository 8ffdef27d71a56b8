//! Audio that is kept ready to play: a greeting, a filler, a goodbye.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of μ-law in one chunk: 120 ms, and a multiple of three, so that a
/// chunk's base64 has no padding and chunks can be joined or sent as they are.
pub(super) const CHUNK_BYTES: usize = 960;

/// A rendering of a text, as base64 chunks that go on the wire untouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    chunks: Arc<[Arc<str>]>,
    bytes: u64,
}

impl Phrase {
    /// Cuts μ-law audio (8 kHz, no header) into chunks.
    #[must_use]
    pub fn from_mulaw(audio: &[u8]) -> Self {
        let chunks = audio.chunks(CHUNK_BYTES).map(|c| Arc::from(STANDARD.encode(c))).collect();
        Self { chunks, bytes: audio.len() as u64 }
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> impl Iterator<Item = &Arc<str>> {
        self.chunks.iter()
    }

    /// The audio, as it was before it was cut.
    #[must_use]
    pub fn to_mulaw(&self) -> Vec<u8> {
        // Chunks are base64 because they were made so here.
        self.chunks
            .iter()
            .flat_map(|chunk| STANDARD.decode(chunk.as_bytes()).unwrap_or_default())
            .collect()
    }

    /// Length in bytes of μ-law.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}
