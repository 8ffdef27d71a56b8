//! The services of a pipeline, in place of the realtime model: a recogniser that
//! hears the caller's audio, a language model and a voice. The machine between them
//! and the call is the real one; the services are modelled, each in a file of its own.

mod agent;
mod by_words;
mod names;
mod recogniser;
mod voice;

use std::collections::{BTreeMap, BTreeSet};

use trunkline_core::call::ModelEvent;
use trunkline_core::cost::Counter;
use trunkline_core::media::Uplink;
use trunkline_core::pipeline::{Heard, Pipeline, PipelineSettings, Speculation, Thought};
use trunkline_core::time::Micros;

use super::model::Reply;
use super::settings::{Plan, ms};

pub use agent::{asked as agent_asked, failed as chat_failed};
pub use by_words::{Answers, Asked, answer_to};
pub use names::Names;
pub use recogniser::{Listening, Utterance, frame};
pub use voice::given as voice_given;

/// From a request to a service that is away to its refusal.
pub const REFUSED: Micros = ms(20);

/// How long the services take when they are well.
#[derive(Clone, Copy, Debug)]
pub struct Latencies {
    /// From a sound to the words of it.
    pub recogniser: Micros,
    /// From a question to the first of its answer.
    pub first_token: Micros,
    /// From a sentence to the first sound of it.
    pub first_audio: Micros,
    /// From one word's sound to the next one's.
    pub word: Micros,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { recogniser: ms(150), first_token: ms(150), first_audio: ms(100), word: ms(60) }
    }
}

/// A kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    Recogniser,
    Chat,
    Voice,
}

/// How a service is, from the next request on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    #[default]
    Well,
    /// Every request is refused, and may be made again.
    Away,
    /// No request is ever answered.
    Hangs,
}

/// Something that a service tells the session.
#[derive(Clone, Debug)]
pub enum Tells {
    Heard {
        connection: u32,
        event: Heard,
    },
    /// So much silence has followed an utterance that it is over, unless another has
    /// begun.
    Endpoint {
        connection: u32,
        utterance: u16,
    },
    Thought {
        request: u32,
        event: Thought,
    },
    Sound {
        request: u32,
        bytes: u64,
    },
    SpeechEnded {
        request: u32,
    },
    SpeechFailed {
        request: u32,
    },
}

impl Tells {
    /// The request that it belongs to.
    pub fn request(&self) -> Option<u32> {
        match self {
            Self::Heard { .. } | Self::Endpoint { .. } => None,
            Self::Thought { request, .. }
            | Self::Sound { request, .. }
            | Self::SpeechEnded { request }
            | Self::SpeechFailed { request } => Some(*request),
        }
    }
}

/// What a service tells, and how much later than now.
pub type Script = Vec<(Micros, Tells)>;

/// A sentence that a voice was given.
#[derive(Clone, Debug)]
pub struct Said {
    pub voice: usize,
    pub text: String,
    pub request: u32,
    /// How much of it went to the media path, in bytes.
    pub bytes: u64,
    /// Where that begins: the number of its response, and the place in its audio.
    pub place: Option<(u8, u64)>,
}

/// The response that is open, as the script wants it.
#[derive(Clone, Debug)]
pub struct Answering {
    pub reply: Reply,
    /// It is said word for word, without a language model.
    pub set: bool,
    /// A language model has been asked already.
    pub asked: bool,
}

/// The session that there is.
#[derive(Debug)]
pub struct Session {
    pub pipeline: Pipeline,
    pub names: Names,
    pub listening: Listening,
    pub answering: Option<Answering>,
    /// The one that is begun in advance, which nobody has wanted yet.
    pub begun: Option<Answering>,
    /// The last response that was wanted is a set sentence.
    pub wants_set: bool,
    /// How long the first dial waits.
    pub delay: Micros,
    /// The requests of which something is still to come, the latest of each kind.
    pub thinking: Option<u32>,
    pub speaking: Option<u32>,
    /// Requests whose connection broke: nothing more comes of them.
    pub broken: BTreeSet<u32>,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Services {
    pub session: Option<Session>,
    /// The caller's audio on its way to a session.
    pub uplink: Uplink,
    pub utterances: Vec<Utterance>,
    /// Whom each request went to, in order, by their numbers in the tenant's list.
    pub dialled: Vec<usize>,
    pub asked: Vec<usize>,
    pub said: Vec<Said>,
    pub health: BTreeMap<(Service, usize), Health>,
    /// What each language model was told last.
    pub told: Vec<String>,
    pub takes: Latencies,
    /// The language models answer by words, and not with the replies that are next.
    pub answers: Option<Answers>,
    /// What they were asked, in order.
    pub questions: Vec<Asked>,
    /// What came of answers that were begun in advance.
    pub speculated: Vec<Speculation>,
    /// Pieces of audio that may not be heard yet, by request to a voice.
    pub held: BTreeMap<u32, Vec<u64>>,
    /// What all of it is paid by.
    pub counter: Counter,
    speculate: bool,
    seconds: Vec<Service>,
    sessions: u32,
}

impl Services {
    pub fn new(plan: &Plan) -> Self {
        let mut uplink = Uplink::default();
        uplink.set_plain(true);
        let (seconds, speculate) = (plan.seconds.clone(), plan.speculate);
        Self { uplink, seconds, speculate, ..Self::default() }
    }

    /// How many there are of a kind.
    fn of(&self, service: Service) -> usize {
        1 + self.seconds.iter().filter(|second| **second == service).count()
    }

    pub fn health(&self, service: Service, number: usize) -> Health {
        self.health.get(&(service, number)).copied().unwrap_or_default()
    }

    /// A session begins in place of the one there is.
    pub fn begin(&mut self, delay: Micros) -> &mut Session {
        self.sessions += 1;
        self.counter.begin_session(0);
        self.held.clear();
        let pipeline = Pipeline::new(PipelineSettings {
            serial: self.sessions,
            instructions: "You answer the phone.".to_owned(),
            tools: Vec::new(),
            recognisers: self.of(Service::Recogniser),
            agents: self.of(Service::Chat),
            voices: self.of(Service::Voice),
            history_tokens: 4_000,
            silence: ms(500),
            speculate: self.speculate,
        });
        self.session.insert(Session {
            pipeline,
            names: Names::default(),
            listening: Listening::default(),
            answering: None,
            begun: None,
            wants_set: false,
            delay,
            thinking: None,
            speaking: None,
            broken: BTreeSet::new(),
        })
    }

    pub fn poll_timeout(&self) -> Option<Micros> {
        self.session.as_ref().and_then(|session| session.pipeline.poll_timeout())
    }
}

/// Whether the call hears no more of a session that tells this.
pub fn is_last(event: &ModelEvent) -> bool {
    matches!(event, ModelEvent::Lost { .. })
}
