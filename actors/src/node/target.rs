//! Where who hears and speaks for a tenant is reached.

use std::sync::Arc;

use trunkline_connectors::reach::Reach;
use trunkline_core::tenant::Tenant;
use trunkline_core::wire::realtime::Dialect;

use crate::pipeline::PipelineTarget;

/// Where a tenant's speech model is reached, and as whom.
#[derive(Clone)]
pub struct ModelTarget {
    /// The WebSocket URL, model name included.
    pub url: String,
    /// Request headers, the key among them.
    pub headers: Vec<(&'static str, String)>,
    /// The dialect that is spoken there.
    pub dialect: Dialect,
    /// The model's name, for the record.
    pub model: String,
    /// Who is paid for it, as the price table says it.
    pub provider: String,
    /// The cheaper model's name, where there is one, and its WebSocket URL.
    pub budget: Option<(String, String)>,
    /// How far the dial may reach: whoever named the URL decides that.
    pub reach: Reach,
}

impl ModelTarget {
    /// The cheaper model in its place, where there is one.
    #[must_use]
    pub fn economised(mut self) -> Self {
        if let Some((model, url)) = self.budget.take() {
            (self.model, self.url) = (model, url);
        }
        self
    }
}

impl std::fmt::Debug for ModelTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelTarget").field("model", &self.model).finish_non_exhaustive()
    }
}

/// Where who hears and speaks for a tenant is reached.
#[derive(Clone, Debug)]
pub enum SessionTarget {
    /// A speech model.
    Realtime(ModelTarget),
    /// A recogniser, a language model and a voice.
    Pipeline(Arc<PipelineTarget>),
}

/// Finds who hears and speaks for a tenant, whom to begin with first; none when
/// there is no key for any.
pub type FindModels = Box<dyn Fn(&Tenant) -> Vec<SessionTarget> + Send + Sync>;
