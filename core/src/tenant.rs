//! A tenant: one business, its numbers, its voice and its rules. Plain data,
//! validated where it is read; the call core takes what it needs from here.

mod limits;
mod model;
mod pipeline;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cost::Budget;
use crate::flight::Keep;
use crate::ids::TenantId;
use crate::pii::PhoneNumber;
use crate::turn::barge_in::BargeInSettings;
use crate::turn::endpoint::Endpointing;
use crate::turn::silence::SilenceSettings;

pub use limits::{Limits, OverCap};
pub use model::{ModelAudio, ModelFallback, ModelSettings};
pub use pipeline::{
    AgentChoice, PipelineChoice, RecogniserChoice, RecogniserService, VoiceChoice, VoiceService,
};

/// One business, as its file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// The file's name without its ending.
    pub id: TenantId,
    /// What callers know the business as.
    pub company: String,
    /// The numbers callers dial, E.164.
    pub numbers: Vec<PhoneNumber>,
    /// How calls are answered.
    pub mode: Mode,
    /// Who speaks, and what they are told.
    pub persona: Persona,
    /// Where a caller is sent who needs a human.
    pub human_number: Option<PhoneNumber>,
    /// Shown to the human as the caller's number; the called number when unset.
    pub caller_id: Option<PhoneNumber>,
    /// Spoken by the carrier before the stream opens, such as "This call may be recorded".
    pub consent: Option<String>,
    /// Whether a bridged call is recorded from its answer.
    pub record: bool,
    /// Whether the carrier records calls from the moment the agent speaks.
    #[serde(default)]
    pub recording: Recording,
    /// Whether a media stream is opened at all; `false` is the classic menu.
    pub stream_enabled: bool,
    /// Which calls' flight recordings are kept; the server's choice when unset.
    #[serde(default)]
    pub flight_recorder: Option<Keep>,
    /// How long what is known of callers is kept.
    #[serde(default)]
    pub privacy: Privacy,
    /// Caps and clocks.
    pub limits: Limits,
    /// What may be spent.
    #[serde(default)]
    pub budget: Budget,
    /// Who owns the turns.
    pub turns: Turns,
    /// How the agent takes being interrupted.
    pub barge_in: BargeInSettings,
    /// How much silence ends a caller's turn.
    pub endpointing: Endpointing,
    /// What a caller's silence leads to.
    pub silence: SilenceSettings,
    /// What an answering machine is told after its beep; where there is nothing,
    /// the call is hung up.
    pub voicemail: Option<String>,
    /// The speech model to use.
    pub model: ModelSettings,
    /// The services that hear, think and speak in place of a speech model.
    #[serde(default)]
    pub pipeline: PipelineChoice,
    /// Names of the tools that the model may call.
    pub tools: Vec<String>,
    /// Answers that the `look_up` tool gives, by topic.
    pub facts: BTreeMap<String, String>,
    /// Where the account's secrets are found.
    pub credentials: Credentials,
}

/// Whether and how the carrier records calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Whether it does.
    pub enabled: bool,
    /// How.
    pub channels: Channels,
}

/// How both sides of a call are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// The caller and the agent each in a channel of its own.
    #[default]
    Dual,
    /// Both in one.
    Mono,
}

impl Channels {
    /// The carrier's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dual => "dual",
            Self::Mono => "mono",
        }
    }
}

/// For how many days what is known of callers is kept; 0 is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privacy {
    /// What was said, captured and done in calls, and their flight recordings.
    pub transcript_days: u32,
    /// Phone numbers, and the customers of appointments that are over.
    pub number_days: u32,
}

impl Default for Privacy {
    /// 90 days, of both.
    fn default() -> Self {
        Self { transcript_days: 90, number_days: 90 }
    }
}

impl Tenant {
    /// Whether the carrier's recordings of its calls are fetched and kept.
    #[must_use]
    pub const fn keeps_recordings(&self) -> bool {
        self.record || self.recording.enabled
    }

    /// Who speaks, as a name that the kept renderings of its sentences go by.
    #[must_use]
    pub fn voice(&self) -> &str {
        match (self.mode, self.pipeline.voices.first()) {
            (Mode::Pipeline, Some(voice)) => &voice.voice,
            (Mode::Realtime | Mode::Bridge | Mode::Pipeline, _) => &self.persona.voice,
        }
    }

    /// Whether answers are begun before a turn is over, as a pipeline can.
    #[must_use]
    pub fn speculates(&self) -> bool {
        let has_pipeline = self.mode == Mode::Pipeline || self.pipeline.takes_over;
        has_pipeline && self.pipeline.speculate
    }
}

/// How a tenant's calls are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A realtime speech model hears and speaks.
    Realtime,
    /// A recogniser hears, a language model thinks, and a voice speaks.
    Pipeline,
    /// Every call goes straight to the human number.
    Bridge,
}

impl Mode {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Realtime => "realtime",
            Self::Pipeline => "pipeline",
            Self::Bridge => "bridge",
        }
    }
}

/// Who speaks for the business. Texts have their variables filled in already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Persona {
    /// The persona file's name without its ending.
    pub name: String,
    /// What the persona calls itself, such as `Sarah`: `persona` in the templates.
    pub speaks_as: String,
    /// What the model is told to be and do: a template, rendered for each call
    /// with the call's seed (see [`crate::persona`]).
    pub instructions: String,
    /// The first sentence a caller hears.
    pub greeting: String,
    /// The last sentence a caller hears.
    pub farewell: String,
    /// Said when the call has run as long as it may.
    pub wrap_up: String,
    /// Said while a slow tool runs.
    pub fillers: Vec<String>,
    /// Asked when the caller has been silent for a while.
    pub nudge: String,
    /// Said while a lost model is dialled again, where its audio was kept.
    pub bridging: String,
    /// Stories to wander off into, for personas that do.
    pub tangents: Vec<String>,
    /// The provider's name of the voice.
    pub voice: String,
}

/// Who decides when a turn ends and a response begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turns {
    /// The call core: the model only reports speech.
    Ours,
    /// The model's own voice detection creates and interrupts responses.
    Model,
}

/// Names of the environment variables that hold a tenant's own secrets; the
/// server's own are used where a name is unset. Never the secrets themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Twilio account that owns the tenant's numbers.
    pub twilio_account_sid_env: Option<String>,
    /// That account's auth token.
    pub twilio_auth_token_env: Option<String>,
    /// Key for the realtime model.
    pub openai_api_key_env: Option<String>,
}
