//! What a call is told when it begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cost::Costing;
use crate::ids::{CallSid, StreamSid};
use crate::tenant::Tenant;
use crate::wire::realtime::{AudioFormat, SessionConfig, ToolSpec, TurnDetection};

use crate::tenant::{ModelAudio, Turns};

/// Everything a call decides by, fixed at its start, so that a recorded call can
/// be run again with the same settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallSettings {
    /// The carrier's name of the call.
    pub call_sid: CallSid,
    /// The carrier's name of its media stream.
    pub stream_sid: StreamSid,
    /// Whose call it is.
    pub tenant: Arc<Tenant>,
    /// The persona's texts, rendered for this call.
    pub script: Script,
    /// What the model may call.
    pub tools: Vec<ToolSpec>,
    /// Bytes of μ-law of the greeting's kept rendering, where there is one.
    pub kept_greeting_bytes: Option<u64>,
    /// The same for other sentences.
    pub kept_sentences: BTreeMap<Sentence, u64>,
    /// How many models there are to go to, the tenant's first one included; one
    /// at least.
    pub providers: usize,
    /// What its cost is reckoned by; where there is none, it is not reckoned.
    #[serde(default)]
    pub costing: Option<Costing>,
}

/// A sentence of the script that is said when the occasion comes, and whose
/// rendering is kept once the model has given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sentence {
    /// While a slow tool runs.
    Filler,
    /// When the caller has been silent.
    Nudge,
    /// While a lost model is dialled again.
    Bridging,
}

impl Sentence {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Filler, Self::Nudge, Self::Bridging];
}

/// A persona's texts, rendered for one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// What the model is told to be and do.
    pub instructions: String,
    /// The first sentence.
    pub greeting: String,
    /// The last sentence.
    pub farewell: String,
    /// Said when the call has run as long as it may.
    pub wrap_up: String,
    /// Said while a slow tool runs; none when the persona has none.
    pub filler: Option<String>,
    /// Asked when the caller has been silent for a while.
    pub nudge: String,
    /// Said while a lost model is dialled again, where its audio was kept.
    pub bridging: String,
}

impl Script {
    /// The words of a sentence; none where the persona has none.
    #[must_use]
    pub fn text(&self, sentence: Sentence) -> Option<&str> {
        let text = match sentence {
            Sentence::Filler => self.filler.as_deref()?,
            Sentence::Nudge => &self.nudge,
            Sentence::Bridging => &self.bridging,
        };
        (!text.trim().is_empty()).then_some(text)
    }
}

impl CallSettings {
    /// The session that the model is asked for.
    #[must_use]
    pub fn session(&self) -> SessionConfig {
        let model = &self.tenant.model;
        let theirs = self.tenant.turns == Turns::Model;
        SessionConfig {
            instructions: self.script.instructions.clone(),
            voice: self.tenant.persona.voice.clone(),
            audio: match model.audio {
                ModelAudio::Pcmu => AudioFormat::Pcmu,
                ModelAudio::Pcm24k => AudioFormat::Pcm24k,
            },
            turn_detection: Some(TurnDetection {
                threshold: model.vad_threshold,
                prefix_padding_ms: model.prefix_padding_ms,
                silence_duration_ms: model.silence_duration_ms,
                create_response: theirs,
                interrupt_response: theirs,
            }),
            transcription: model.transcription.clone(),
            tools: self.tools.clone(),
            temperature: model.temperature,
        }
    }
}
