//! The caller's audio: the buffer, voice detection, committing and transcripts.

use serde_json::json;

use super::conversation::{Item, Kind};
use super::error::ApiError;
use super::session::{Session, Task};
use super::vad::{Detector, Edge, VadSettings};
use crate::speech::level::{AudioFormat, FRAME_MS, LevelMeter};

/// Least audio that can be committed, in milliseconds.
const MIN_COMMIT_MS: u64 = 100;
/// Part of `transcript_ms` after which the first words of a transcript come.
const FIRST_WORDS_PERCENT: u64 = 60;

/// The input buffer. Of the audio only the loudness contour is kept: it is all
/// that the ears need.
#[derive(Debug)]
pub(crate) struct Input {
    format: AudioFormat,
    meter: LevelMeter,
    detector: Detector,
    /// 20 ms levels of what would be committed.
    levels: Vec<f32>,
    /// Octets of what would be committed.
    bytes: usize,
    /// Whole frames since the session's start.
    frames: u64,
    /// Name that the utterance under way will have.
    item_id: Option<String>,
}

impl Input {
    pub(crate) const fn new(format: AudioFormat) -> Self {
        Self {
            format,
            meter: LevelMeter::new(format),
            detector: Detector::new(),
            levels: Vec::new(),
            bytes: 0,
            frames: 0,
            item_id: None,
        }
    }

    /// A change of format begins a new frame; what was heard before stays.
    pub(crate) fn set_format(&mut self, format: AudioFormat) {
        if format != self.format {
            self.format = format;
            self.meter = LevelMeter::new(format);
        }
    }

    fn clear(&mut self) {
        self.levels.clear();
        self.bytes = 0;
        self.item_id = None;
        self.detector.reset();
    }

    fn ms(&self) -> u64 {
        self.format.ms(self.bytes)
    }

    /// Drops what is older than the padding, so that a silent caller fills nothing.
    fn keep_last(&mut self, keep_ms: u64) {
        let keep = usize::try_from(keep_ms / FRAME_MS).unwrap_or(usize::MAX).max(5);
        if self.levels.len() > keep {
            self.levels.drain(..self.levels.len() - keep);
            self.bytes = self.bytes.min(keep * self.format.frame_bytes());
        }
    }
}

impl Session {
    /// Takes appended audio, already decoded.
    pub(crate) fn append(&mut self, audio: &[u8]) {
        let vad = self.config.vad();
        let mut levels = Vec::with_capacity(audio.len() / 160 + 1);
        self.input.bytes += audio.len();
        self.input.meter.push(audio, |level| levels.push(level));
        for level in levels {
            self.input.frames += 1;
            self.input.levels.push(level);
            if let Some(settings) = vad {
                self.detect(level, &settings);
            }
        }
    }

    fn detect(&mut self, level: f32, settings: &VadSettings) {
        let end_ms = self.input.frames * FRAME_MS;
        match self.input.detector.frame(level, end_ms, settings) {
            Some(Edge::Started { at_ms }) => self.speech_started(at_ms, settings),
            Some(Edge::Stopped { at_ms }) => self.speech_stopped(at_ms, settings),
            None if self.input.detector.speaking() => {}
            None => self.input.keep_last(settings.prefix_ms + 100),
        }
    }

    fn speech_started(&mut self, at_ms: u64, settings: &VadSettings) {
        let item_id = self.new_id("item");
        self.input.item_id = Some(item_id.clone());
        let fields = json!({"audio_start_ms": at_ms, "item_id": item_id});
        self.emit("input_audio_buffer.speech_started", fields);
        if settings.interrupt_response {
            self.interrupt();
        }
    }

    fn speech_stopped(&mut self, at_ms: u64, settings: &VadSettings) {
        let item_id = self.input.item_id.clone();
        let fields = json!({"audio_end_ms": at_ms, "item_id": item_id});
        self.emit("input_audio_buffer.speech_stopped", fields);
        self.commit();
        if settings.create_response
            && let Err(error) = self.create_response(&json!({}))
        {
            self.error(&error, None);
        }
    }

    /// `input_audio_buffer.commit`.
    pub(crate) fn commit_by_client(&mut self) -> Result<(), ApiError> {
        if self.input.ms() < MIN_COMMIT_MS {
            let message = format!(
                "Error committing input audio buffer: buffer too small. Expected at least \
                 {MIN_COMMIT_MS}ms of audio, but buffer only has {}.00ms of audio.",
                self.input.ms()
            );
            return Err(ApiError::new("input_audio_buffer_commit_empty", message));
        }
        self.commit();
        Ok(())
    }

    fn commit(&mut self) {
        let id = self.input.item_id.take().unwrap_or_else(|| self.new_id("item"));
        let audio_ms = self.input.ms();
        let text = self.words_heard(audio_ms);
        self.input.clear();
        self.seat.record.write(|r| r.heard.push(text.clone()));
        let kind = Kind::User { text: text.clone(), audio_ms };
        let item = Item { id: id.clone(), kind, in_progress: false };
        let before = self.conversation.iter().next_back().map(|item| item.id.clone());
        let fields = json!({"item_id": id, "previous_item_id": before});
        self.emit("input_audio_buffer.committed", fields);
        self.add_item(item);
        if self.config.transcribes() {
            self.schedule_transcript(id, text, audio_ms);
        }
    }

    /// What was said in what is being committed.
    fn words_heard(&self, audio_ms: u64) -> String {
        let (ears, input) = (&self.seat.ears, &self.input);
        let to_ms = input.frames * FRAME_MS;
        let from_ms = to_ms.saturating_sub(input.levels.len() as u64 * FRAME_MS);
        ears.told(self.config.instructions(), from_ms, to_ms)
            .or_else(|| ears.recognise(&input.levels))
            .unwrap_or_else(|| format!("(unrecognised speech, {audio_ms} ms)"))
    }

    fn schedule_transcript(&mut self, item_id: String, text: String, audio_ms: u64) {
        let all_ms = self.seat.knobs.transcript_ms;
        let first = Task::TranscriptDelta { item_id: item_id.clone(), text: text.clone() };
        self.queue.at(self.now_ms + all_ms * FIRST_WORDS_PERCENT / 100, first);
        self.queue.at(self.now_ms + all_ms, Task::TranscriptDone { item_id, text, audio_ms });
    }

    pub(crate) fn transcript_delta(&mut self, item_id: &str, text: &str) {
        let fields = json!({"item_id": item_id, "content_index": 0, "delta": text});
        self.emit("conversation.item.input_audio_transcription.delta", fields);
    }

    pub(crate) fn transcript_done(&mut self, item_id: &str, text: &str, audio_ms: u64) {
        let seconds = if self.seat.knobs.fixed_usage { 2 } else { audio_ms.div_ceil(1_000) };
        let fields = json!({
            "item_id": item_id,
            "content_index": 0,
            "transcript": text,
            "usage": {"type": "duration", "seconds": seconds},
        });
        self.emit("conversation.item.input_audio_transcription.completed", fields);
    }

    /// `input_audio_buffer.clear`.
    pub(crate) fn clear_input(&mut self) {
        self.input.clear();
        self.emit("input_audio_buffer.cleared", json!({}));
    }
}
