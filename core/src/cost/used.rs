//! What a call used of whom, as plain data.

use serde::{Deserialize, Serialize};

use crate::wire::realtime::Usage;

use super::{Nanos, PriceTable, Service};

/// Which part of a session was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The speech model.
    Model,
    /// What puts the caller's words down beside the speech model.
    Transcription,
    /// A recogniser of a pipeline.
    Recogniser,
    /// A language model of a pipeline.
    Agent,
    /// A voice of a pipeline.
    Voice,
}

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Amount {
    /// Tokens by kind.
    Tokens(Usage),
    /// Audio, in milliseconds.
    AudioMs(u64),
    /// Characters.
    Characters(u64),
}

/// Something was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Which of the tenant's models or pipelines, from 0, in its order.
    pub session: usize,
    /// Which part of it.
    pub part: Part,
    /// Which of several of its kind, from 0.
    pub index: usize,
    /// Whether the cheaper model was asked in its place.
    pub cheaper: bool,
    /// How much.
    pub amount: Amount,
    /// Whether that is a guess, as nobody said how much it was.
    pub estimated: bool,
}

/// A model that thinks, and the cheaper one that takes its place when money runs short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thinker {
    /// Who is paid.
    pub service: Service,
    /// The provider's name of the cheaper model, where there is one.
    pub budget_model: Option<String>,
}

impl Thinker {
    fn paid(&self, cheaper: bool) -> Service {
        let model = self.budget_model.as_ref().filter(|_| cheaper);
        match model {
            Some(model) => Service::new(&self.service.provider, model),
            None => self.service.clone(),
        }
    }
}

/// Who is paid for one of the tenant's models or pipelines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionServices {
    /// The speech model, where it is one.
    pub model: Option<Thinker>,
    /// What puts the caller's words down beside it.
    pub transcription: Option<Service>,
    /// A pipeline's recognisers, in their order.
    pub recognisers: Vec<Service>,
    /// Its language models.
    pub agents: Vec<Thinker>,
    /// Its voices.
    pub voices: Vec<Service>,
}

impl SessionServices {
    /// Whether a cheaper model can take over within it.
    #[must_use]
    pub fn has_cheaper(&self) -> bool {
        self.model.iter().chain(&self.agents).any(|thinker| thinker.budget_model.is_some())
    }

    fn all(&self) -> Vec<Service> {
        let thinkers = self.model.iter().chain(&self.agents);
        let paid = thinkers.flat_map(|thinker| [thinker.paid(false), thinker.paid(true)]);
        let rest = self.transcription.iter().chain(&self.recognisers).chain(&self.voices);
        paid.chain(rest.cloned()).collect()
    }
}

/// What a call's cost is reckoned by, fixed at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Costing {
    /// The prices of whoever may be used.
    pub prices: PriceTable,
    /// Who is paid, by model or pipeline, in the tenant's order.
    pub sessions: Vec<SessionServices>,
    /// Who is paid for each minute of the line that began.
    pub carrier: Vec<Service>,
    /// What the tenant's other calls have cost on the day on which this one began, as
    /// far as it was known then.
    pub spent_today: Nanos,
}

impl Costing {
    /// The lines that each call takes of its carrier: the call and its media stream.
    #[must_use]
    pub fn twilio() -> Vec<Service> {
        vec![Service::new("twilio", "voice"), Service::new("twilio", "media_streams")]
    }

    /// A costing of these sessions over a table.
    #[must_use]
    pub fn new(prices: &PriceTable, sessions: Vec<SessionServices>, spent_today: Nanos) -> Self {
        let carrier = Self::twilio();
        let mut all = carrier.clone();
        all.extend(sessions.iter().flat_map(SessionServices::all));
        Self { prices: prices.only(&all), sessions, carrier, spent_today }
    }

    /// Who is paid for what was used.
    #[must_use]
    pub fn service(&self, used: &Used) -> Option<Service> {
        let session = self.sessions.get(used.session).or(self.sessions.last())?;
        match used.part {
            Part::Model => session.model.as_ref().map(|model| model.paid(used.cheaper)),
            Part::Transcription => session.transcription.clone(),
            Part::Recogniser => session.recognisers.get(used.index).cloned(),
            Part::Agent => session.agents.get(used.index).map(|agent| agent.paid(used.cheaper)),
            Part::Voice => session.voices.get(used.index).cloned(),
        }
    }
}
