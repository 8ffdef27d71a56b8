//! One connection, as a state machine without I/O: audio, texts and times in,
//! texts and a deadline out.

use std::sync::Arc;

use serde_json::Value;
use trunkline_core::audio::FRAME_BYTES;

use super::finals::Finals;
use super::message::{self, Words};
use super::wishes::Wishes;
use crate::providers::ears::Ears;
use crate::providers::knobs::Knobs;
use crate::providers::log::{HearingRecord, Shared};
use crate::providers::realtime::socket::Machine;
use crate::providers::realtime::{Detector, Edge, Output, Queue, VadSettings};
use crate::speech::level::{AudioFormat, FRAME_MS, LevelMeter};
use crate::speech::spelling::Speller;

/// Time without audio or keep-alive after which the service closes.
const STARVED_MS: u64 = 10_000;
/// Audio from before speech was noticed that belongs to it, in frames.
const PADDING_FRAMES: usize = 20;
/// Silence that is made final, so that nobody keeps it.
const SILENCE_MS: u64 = 3_000;
/// Audio between two interim results.
const INTERIM_MS: u64 = 300;
/// Spelt words that are made final at once while more are spoken.
const WORDS_AT_ONCE: usize = 3;
/// The least silence that ends an utterance here: the ears know whole utterances.
const LEAST_ENDPOINTING_MS: u64 = 100;

/// What a connection is given.
pub(super) struct Seat {
    pub(super) knobs: Knobs,
    pub(super) wishes: Wishes,
    pub(super) ears: Arc<Ears>,
    pub(super) record: Shared<HearingRecord>,
}

enum Task {
    Results(Words),
    UtteranceEnd(u64),
    /// Everything has been said.
    Over,
    Drop,
    Expire,
}

pub(super) struct Listening {
    seat: Seat,
    /// The query as a text.
    told: String,
    vad: VadSettings,
    meter: LevelMeter,
    detector: Detector,
    /// What the marks in the audio spell, where that is what is heard.
    speller: Option<Speller>,
    /// The audio since the last final, padding apart, where its sound is recognised.
    sound: Vec<u8>,
    /// 20 ms levels since the last final, padding apart.
    levels: Vec<f32>,
    frames: u64,
    speech_from_ms: u64,
    final_to_ms: u64,
    /// End of the last word, as long as no `UtteranceEnd` was sent for it.
    last_word_end_ms: Option<u64>,
    interim: String,
    queue: Queue<Task>,
    now_ms: u64,
    /// When audio or a keep-alive came last.
    sign_ms: u64,
    results: u64,
    finals: Finals,
    out: Vec<Output>,
    ended: bool,
}

impl Listening {
    pub(super) fn new(seat: Seat) -> Self {
        let vad = VadSettings {
            threshold: 0.5,
            prefix_ms: 0,
            silence_ms: seat.wishes.endpointing_ms.max(LEAST_ENDPOINTING_MS),
            create_response: false,
            interrupt_response: false,
        };
        Self {
            told: seat.wishes.as_text(),
            speller: seat.knobs.spelt.then(Speller::default),
            seat,
            vad,
            meter: LevelMeter::new(AudioFormat::Mulaw),
            detector: Detector::new(),
            sound: Vec::new(),
            levels: Vec::new(),
            frames: 0,
            speech_from_ms: 0,
            final_to_ms: 0,
            last_word_end_ms: None,
            interim: String::new(),
            queue: Queue::new(),
            now_ms: 0,
            sign_ms: 0,
            results: 0,
            finals: Finals::default(),
            out: Vec::new(),
            ended: false,
        }
    }

    const fn audio_ms(&self) -> u64 {
        self.frames * FRAME_MS
    }

    fn frame(&mut self, level: f32) {
        self.frames += 1;
        self.levels.push(level);
        let end_ms = self.audio_ms();
        match self.detector.frame(level, end_ms, &self.vad) {
            Some(Edge::Started { at_ms }) => self.speech_started(at_ms),
            Some(Edge::Stopped { at_ms }) => {
                let speech_to_ms = at_ms.saturating_sub(self.vad.silence_ms);
                self.settle(speech_to_ms, true, false);
            }
            None if self.detector.speaking() => {
                self.interim(end_ms);
                self.settle_words();
            }
            None => self.silence(end_ms),
        }
    }

    fn speech_started(&mut self, at_ms: u64) {
        self.speech_from_ms = at_ms.max(self.final_to_ms);
        self.last_word_end_ms = None;
        if self.seat.wishes.vad_events {
            self.say(message::speech_started(self.speech_from_ms));
        }
    }

    /// Says what the utterance seems to begin with, where that is news.
    fn interim(&mut self, end_ms: u64) {
        let due = (end_ms - self.speech_from_ms).is_multiple_of(INTERIM_MS);
        if !self.seat.wishes.interim_results || !due {
            return;
        }
        let Some(text) =
            self.begun(end_ms).filter(|text| !text.is_empty() && *text != self.interim)
        else {
            return;
        };
        self.interim.clone_from(&text);
        self.later(Words {
            from_ms: self.final_to_ms,
            to_ms: end_ms,
            speech_ms: (self.speech_from_ms, end_ms),
            text,
            ..Words::default()
        });
    }

    fn begun(&self, end_ms: u64) -> Option<String> {
        let ears = &self.seat.ears;
        if let Some(speller) = &self.speller {
            return Some(self.in_words(speller.waiting()));
        }
        if ears.listens_to_the_sound() {
            return None;
        }
        let told = ears.told(&self.told, self.levels_from_ms(), end_ms);
        told.or_else(|| ears.recognise_start(&self.levels))
    }

    fn in_words(&self, numbers: impl IntoIterator<Item = u16>) -> String {
        let words = numbers.into_iter().filter_map(|number| self.seat.ears.spelt(number));
        words.collect::<Vec<_>>().join(" ")
    }

    /// Makes final the words that are over while more are spoken, as the true service
    /// does every few seconds.
    fn settle_words(&mut self) {
        let over = self.speller.as_mut().and_then(|speller| speller.take_over(WORDS_AT_ONCE));
        let Some((words, to)) = over else {
            return;
        };
        let to_ms = to / 8;
        self.later(Words {
            from_ms: self.final_to_ms,
            to_ms,
            speech_ms: (self.speech_from_ms, to_ms),
            text: self.in_words(words),
            is_final: true,
            ..Words::default()
        });
        self.final_to_ms = to_ms;
        self.interim.clear();
    }

    fn silence(&mut self, end_ms: u64) {
        let over = self.levels.len().saturating_sub(PADDING_FRAMES);
        self.levels.drain(..over);
        let gap = self.seat.wishes.utterance_end_ms;
        if let (Some(gap), Some(last)) = (gap, self.last_word_end_ms)
            && end_ms >= last + gap
        {
            self.last_word_end_ms = None;
            self.queue.at(self.now_ms + self.seat.knobs.transcript_ms, Task::UtteranceEnd(last));
        }
        let to_ms = self.levels_from_ms();
        if to_ms >= self.final_to_ms + SILENCE_MS {
            self.later(Words {
                from_ms: self.final_to_ms,
                to_ms,
                is_final: true,
                ..Words::default()
            });
            self.final_to_ms = to_ms;
        }
    }

    fn levels_from_ms(&self) -> u64 {
        let held = u64::try_from(self.levels.len()).unwrap_or(0) * FRAME_MS;
        self.audio_ms().saturating_sub(held)
    }

    /// Makes final what is held.
    fn settle(&mut self, speech_to_ms: u64, speech_final: bool, from_finalize: bool) {
        let to_ms = self.audio_ms();
        let text = self.recognised(to_ms);
        self.later(Words {
            from_ms: self.final_to_ms,
            to_ms,
            speech_ms: (self.speech_from_ms, speech_to_ms),
            text,
            is_final: true,
            speech_final,
            from_finalize,
        });
        self.final_to_ms = to_ms;
        self.last_word_end_ms = Some(speech_to_ms);
        self.levels.clear();
        self.interim.clear();
        self.detector.reset();
    }

    fn recognised(&mut self, to_ms: u64) -> String {
        if let Some(words) = self.speller.as_mut().map(Speller::take_all) {
            return self.in_words(words);
        }
        if let Some(words) = self.seat.ears.by_sound(&self.sound) {
            self.sound.clear();
            return words;
        }
        let (from_ms, ears) = (self.levels_from_ms(), &self.seat.ears);
        ears.told(&self.told, from_ms, to_ms)
            .or_else(|| ears.recognise(&self.levels))
            .unwrap_or_else(|| format!("(unrecognised speech, {} ms)", to_ms - from_ms))
    }

    fn finalize(&mut self, asked: bool) {
        if self.detector.speaking() {
            self.settle(self.audio_ms(), false, asked);
        } else if asked {
            self.later(Words {
                from_ms: self.final_to_ms,
                to_ms: self.audio_ms(),
                is_final: true,
                from_finalize: true,
                ..Words::default()
            });
            self.final_to_ms = self.audio_ms();
            self.levels.clear();
        }
    }

    fn close_stream(&mut self) {
        self.finalize(false);
        let over_ms = Finals::all_given_ms(self.now_ms, &self.seat.knobs);
        self.queue.at(over_ms, Task::Over);
    }

    fn later(&mut self, words: Words) {
        let (at_ms, again_ms) = self.finals.times(self.now_ms, &words, &self.seat.knobs);
        for at_ms in std::iter::once(at_ms).chain(again_ms) {
            self.queue.at(at_ms, Task::Results(words.clone()));
        }
    }

    fn task(&mut self, task: Task) {
        match task {
            Task::Results(words) => self.give(&words),
            Task::UtteranceEnd(ms) => self.say(message::utterance_end(ms)),
            Task::Over => {
                self.say(message::metadata(self.audio_ms()));
                self.end(Output::Close(1_000, String::new()), "closed by request");
            }
            Task::Drop => self.end(Output::Drop, "dropped"),
            Task::Expire => self.end(Output::Close(1_011, "NET-0000".to_owned()), "expired"),
        }
    }

    fn give(&mut self, words: &Words) {
        if let Some(code) = self.seat.knobs.fail_code.clone().filter(|_| words.is_final) {
            return self.fail(&code);
        }
        if self.mute() {
            return;
        }
        if words.is_final && !words.text.is_empty() {
            self.seat.record.write(|record| record.finals.push(words.text.clone()));
        }
        self.say(words.to_text());
        self.results += 1;
        if self.seat.knobs.drop_after_deltas.is_some_and(|after| self.results >= after) {
            self.end(Output::Drop, "dropped");
        }
    }

    fn fail(&mut self, code: &str) {
        self.say(message::error(code));
        self.end(Output::Close(1_011, "NET-0000".to_owned()), "failed");
    }

    const fn mute(&self) -> bool {
        self.seat.knobs.mute || self.seat.knobs.mute_before_ready
    }

    fn say(&mut self, text: String) {
        if !self.ended && !self.mute() {
            self.out.push(Output::Text(text));
        }
    }

    fn end(&mut self, output: Output, how: &str) {
        if self.ended {
            return;
        }
        self.queue.clear();
        self.out.push(output);
        self.ended = true;
        self.note_end(how);
    }

    fn note_end(&self, how: &str) {
        self.seat.record.write(|record| {
            record.ended.get_or_insert_with(|| how.to_owned());
        });
    }

    fn starved_ms(&self) -> u64 {
        // Keep-alives alone do not do at the start.
        let sign = if self.frames == 0 { 0 } else { self.sign_ms };
        sign + STARVED_MS
    }
}

impl Machine for Listening {
    fn start(&mut self) {
        let knobs = self.seat.knobs.clone();
        if let Some(after_ms) = knobs.drop_after_ms {
            self.queue.at(after_ms, Task::Drop);
        }
        self.queue.at(knobs.session_limit_s.saturating_mul(1_000), Task::Expire);
        if knobs.garbage {
            self.say("<<< this is no JSON".to_owned());
            self.out.push(Output::Binary(vec![0x00, 0x9f, 0x92, 0x96, 0xff]));
            self.say("[]".to_owned());
            self.say(r#"{"type":17}"#.to_owned());
            self.say(r#"{"type":"Unheard","of":[null]}"#.to_owned());
        }
        if let Some(code) = &knobs.error_code {
            self.fail(code);
        }
    }

    fn on_text(&mut self, text: &str, now_ms: u64) {
        self.on_time(now_ms);
        let kind = serde_json::from_str::<Value>(text).ok();
        match kind.as_ref().and_then(|value| value.get("type")?.as_str()) {
            Some("KeepAlive") => {
                self.sign_ms = now_ms;
                self.seat.record.write(|record| record.keep_alives += 1);
            }
            Some("Finalize") => {
                self.seat.record.write(|record| record.finalizes += 1);
                self.finalize(true);
            }
            Some("CloseStream") => self.close_stream(),
            Some(_) | None => self.say(message::error("UNPARSABLE_CLIENT_MESSAGE")),
        }
    }

    fn on_binary(&mut self, audio: &[u8], now_ms: u64) {
        self.on_time(now_ms);
        if audio.is_empty() {
            return self.close_stream();
        }
        self.sign_ms = now_ms;
        let length = u64::try_from(audio.len()).unwrap_or(0);
        self.seat.record.write(|record| record.audio_bytes += length);
        if let Some(speller) = &mut self.speller {
            speller.push(audio);
        }
        let mut levels = Vec::with_capacity(audio.len() / 160 + 1);
        self.meter.push(audio, |level| levels.push(level));
        if self.seat.ears.listens_to_the_sound() {
            self.sound.extend_from_slice(audio);
        }
        for level in levels {
            self.frame(level);
        }
        if !self.detector.speaking() {
            let over = self.sound.len().saturating_sub(PADDING_FRAMES * FRAME_BYTES);
            self.sound.drain(..over);
        }
        self.on_time(now_ms);
    }

    fn on_time(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        while let Some(task) = self.queue.pop(now_ms) {
            self.task(task);
        }
        if now_ms >= self.starved_ms() {
            self.end(Output::Close(1_011, "NET-0001".to_owned()), "starved");
        }
    }

    fn deadline_ms(&self) -> Option<u64> {
        let starved = self.starved_ms();
        Some(self.queue.next_ms().map_or(starved, |next| next.min(starved)))
    }

    fn take_output(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    fn ended(&self) -> bool {
        self.ended
    }

    fn left(&mut self, _now_ms: u64, how: &str) {
        self.note_end(how);
    }

    fn fragments(&self) -> bool {
        self.seat.knobs.fragment
    }
}
