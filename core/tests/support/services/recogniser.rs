//! A recogniser that knows what is said from the audio alone: each frame of an
//! utterance says which it is. What it is not sent it does not hear, and what it is
//! sent a second time it hears a second time.

use trunkline_core::pii::Personal;
use trunkline_core::pipeline::Heard;
use trunkline_core::time::Micros;

use super::{Script, Tells};
use crate::support::settings::ms;

/// A frame, in time and in bytes.
pub const FRAME: Micros = ms(20);
const FRAME_BYTES: usize = 160;
/// Interim words come so often while somebody speaks, in frames.
const INTERIM_FRAMES: usize = 25;

/// Something that the caller says.
#[derive(Clone, Debug)]
pub struct Utterance {
    pub pieces: Vec<String>,
    pub frames: usize,
    /// From its first sound to the news of it.
    pub begins_after: Micros,
    /// How much silence ends it.
    pub window: Micros,
    /// The words of each piece come as soon as it is spoken.
    pub at_once: bool,
}

impl Utterance {
    pub fn new(pieces: &[&str], length: Micros) -> Self {
        let pieces = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        let frames = usize::try_from(length.0.div_ceil(FRAME.0)).unwrap().max(1);
        let (begins_after, window) = (Micros::ZERO, Micros::ZERO);
        Self { pieces, frames, begins_after, window, at_once: false }
    }

    /// The recogniser needs its time to begin, and half a second of silence to end.
    pub fn with_windows(self) -> Self {
        Self { begins_after: ms(200), window: ms(500), ..self }
    }

    pub fn at_once(self) -> Self {
        Self { at_once: true, ..self }
    }

    /// The words that are whole in the frames `from..to`.
    fn words(&self, from: usize, to: usize) -> String {
        let all = self.pieces.concat();
        if from == 0 && to >= self.frames {
            return all;
        }
        let words: Vec<&str> = all.split(' ').collect();
        let whole = words.iter().enumerate().filter(|(index, _)| {
            let begins = index * self.frames / words.len();
            let ends = (index + 1) * self.frames / words.len();
            begins >= from && ends <= to
        });
        whole.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
    }

    /// How many pieces are whole in the first `to` frames.
    fn whole_pieces(&self, to: usize) -> usize {
        let whole = |n: &usize| (n + 1) * self.frames / (self.pieces.len() + 1) <= to;
        (0..self.pieces.len()).filter(whole).count()
    }
}

/// A frame of the caller's.
pub fn frame(utterance: u16, index: u16) -> Vec<u8> {
    let head = utterance.to_be_bytes().into_iter().chain(index.to_be_bytes());
    head.chain(std::iter::repeat(0)).take(FRAME_BYTES).collect()
}

fn read(frame: &[u8]) -> (u16, usize) {
    let number = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
    (number(0), usize::from(number(2)))
}

/// One connection.
#[derive(Debug, Default)]
pub struct Listening {
    pub connection: u32,
    /// From a sound to the words of it.
    lag: Micros,
    bytes: u64,
    hears: Option<u16>,
    first_frame: usize,
}

impl Listening {
    pub fn new(connection: u32, lag: Micros) -> Self {
        Self { connection, lag, ..Self::default() }
    }

    fn lag(&self, utterance: &Utterance) -> Micros {
        if utterance.at_once { Micros::ZERO } else { self.lag }
    }

    /// It is sent a piece of audio.
    pub fn hear(&mut self, audio: &[u8], utterances: &[Utterance]) -> Script {
        let (number, index) = read(audio);
        let utterance = &utterances[usize::from(number)];
        self.bytes += audio.len() as u64;
        let mut script = Vec::new();
        if self.hears.replace(number) != Some(number) {
            self.first_frame = index;
            script.push((utterance.begins_after, self.tells(Heard::SpeechStarted)));
        }
        let heard = index + 1;
        if heard == utterance.frames {
            let connection = self.connection;
            let over = Tells::Endpoint { connection, utterance: number };
            script.push((FRAME + utterance.window, over));
        } else if let Some(text) = self.interim(utterance, heard).filter(|text| !text.is_empty()) {
            let text = Personal::new(text);
            script.push((FRAME + self.lag(utterance), self.tells(Heard::Interim { text })));
        }
        script
    }

    fn interim(&self, utterance: &Utterance, heard: usize) -> Option<String> {
        if utterance.at_once {
            let pieces = utterance.whole_pieces(heard);
            let is_new = pieces > utterance.whole_pieces(heard - 1);
            return is_new.then(|| utterance.pieces[..pieces].concat());
        }
        heard.is_multiple_of(INTERIM_FRAMES).then(|| utterance.words(self.first_frame, heard))
    }

    /// So much silence has followed an utterance that its words are final.
    pub fn endpoint(&mut self, number: u16, utterances: &[Utterance]) -> (Micros, Tells) {
        let utterance = &utterances[usize::from(number)];
        let ends = self.hears == Some(number);
        let first_frame = if ends { self.first_frame } else { 0 };
        let text = Personal::new(utterance.words(first_frame, utterance.frames));
        let to_ms = self.bytes / 8;
        if ends {
            self.hears = None;
        }
        (self.lag(utterance), self.tells(Heard::Final { text, to_ms, ends }))
    }

    /// Whether it reports at once that somebody speaks, and somebody does by now. What
    /// ended before he began is told with his beginning behind it, as it comes late.
    pub fn goes_on(&self, utterances: &[Utterance]) -> bool {
        let now = self.hears.map(|number| &utterances[usize::from(number)]);
        now.is_some_and(|utterance| utterance.begins_after == Micros::ZERO)
    }

    fn tells(&self, event: Heard) -> Tells {
        Tells::Heard { connection: self.connection, event }
    }
}
