//! The flight recorder of every call under test: what was recorded is read back and
//! run again when the world ends, and must come to the same to the byte.

use trunkline_core::call::{Call, CallSettings};
use trunkline_core::flight::{
    Difference, Digest, Ending, FORMAT, Preamble, Replayer, Step, Tape, Words, entries,
};
use trunkline_core::time::Micros;

/// See the module's text.
#[derive(Debug)]
pub struct Recording {
    pub tape: Tape,
    replayed: bool,
}

/// What a replay came to.
#[derive(Debug)]
pub struct Replayed {
    pub steps: Vec<Step>,
    pub outputs: usize,
    pub fingerprint: Digest,
    pub ending: Option<Ending>,
    pub torn: bool,
}

/// What a call that is told `settings` begins with.
pub fn preamble(settings: &CallSettings) -> Preamble {
    Preamble {
        format: FORMAT,
        build: "test".to_owned(),
        began_unix_ms: 1_700_000_000_000,
        seed: 7,
        at: Micros::ZERO,
        settings: settings.clone(),
    }
}

/// Runs recorded bytes again.
pub fn replay(bytes: &[u8], words: Words) -> Result<Replayed, Box<Difference>> {
    let (preamble, mut entries) = entries(bytes).expect("a recording");
    let mut replayer = Replayer::new(preamble, words);
    let mut steps = Vec::new();
    for entry in entries.by_ref() {
        steps.extend(replayer.feed(entry.expect("an entry"))?);
    }
    Ok(Replayed {
        steps,
        outputs: replayer.outputs(),
        fingerprint: replayer.fingerprint(),
        ending: replayer.ending(),
        torn: entries.is_torn(),
    })
}

impl Recording {
    pub fn new(settings: &CallSettings) -> Self {
        Self { tape: Tape::new(&preamble(settings), u64::MAX), replayed: false }
    }

    /// The call is about to be woken.
    pub fn timeout(&mut self, call: &Call, now: Micros) {
        self.tape.timeout(now, call.poll_timeout().map(|(at, _)| at));
    }

    /// Ends the recording and runs it again; says where the two part.
    pub fn check(&mut self) -> Result<(), String> {
        let bytes = self.finish();
        replay(&bytes, Words::Shown).map(drop).map_err(|difference| difference.to_string())
    }

    /// Ends the recording; answers its bytes. It is not replayed by itself then.
    pub fn finish(&mut self) -> Vec<u8> {
        self.replayed = true;
        self.tape.end(Ending::Complete);
        self.tape.take()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // A test that has failed has said why.
        if self.replayed || std::thread::panicking() {
            return;
        }
        let bytes = self.finish();
        if let Err(difference) = replay(&bytes, Words::Hidden) {
            panic!("the replay differs {difference}");
        }
    }
}
