//! Where a pipeline's services are, and as whom they are reached.

use std::fmt;

use trunkline_connectors::reach::Reach;
use trunkline_core::wire::recogniser::Hearing;

/// The services of a pipeline, each kind in the tenant's order; one at least of
/// each.
#[derive(Clone)]
pub struct PipelineTarget {
    /// Who hears.
    pub recognisers: Vec<RecogniserTarget>,
    /// Who thinks.
    pub agents: Vec<AgentTarget>,
    /// Who speaks.
    pub voices: Vec<VoiceTarget>,
    /// What a language model is told at most, in tokens.
    pub history_tokens: usize,
    /// Whether an answer is begun when the caller has likely said all.
    pub speculate: bool,
}

/// A recogniser.
#[derive(Clone)]
pub struct RecogniserTarget {
    /// Its address.
    pub url: String,
    /// Its key.
    pub key: String,
    /// How far the dial may reach: whoever named the URL decides that.
    pub reach: Reach,
    /// What it is to recognise, in which dialect.
    pub hearing: Hearing,
}

/// A language model.
#[derive(Clone)]
pub struct AgentTarget {
    /// Its address.
    pub url: String,
    /// Its key.
    pub key: String,
    /// How far the dial may reach: whoever named the URL decides that.
    pub reach: Reach,
    /// The model's name.
    pub model: String,
    /// Who is paid for it, as the price table says it.
    pub provider: String,
    /// The cheaper model's name, where there is one.
    pub budget_model: Option<String>,
    /// Sampling temperature.
    pub temperature: Option<f32>,
}

/// A voice.
#[derive(Clone)]
pub struct VoiceTarget {
    /// Its address.
    pub url: String,
    /// Its key.
    pub key: String,
    /// How far the dial may reach: whoever named the URL decides that.
    pub reach: Reach,
    /// The provider's name of the voice.
    pub voice: String,
    /// Whose it is.
    pub service: VoiceService,
}

/// Who has voices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VoiceService {
    /// Azure.
    Azure,
    /// ElevenLabs, with one of its models.
    ElevenLabs {
        /// The model's name.
        model: String,
    },
}

impl PipelineTarget {
    /// The names of the language model and of the voice that are asked first.
    #[must_use]
    pub fn names(&self) -> (&str, &str) {
        let model = self.agents.first().map_or("", |agent| agent.model.as_str());
        let voice = self.voices.first().map_or("", |voice| voice.voice.as_str());
        (model, voice)
    }
}

/// Keys are not shown.
impl fmt::Debug for PipelineTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (model, voice) = self.names();
        let mut shown = f.debug_struct("PipelineTarget");
        shown.field("model", &model).field("voice", &voice).finish_non_exhaustive()
    }
}
