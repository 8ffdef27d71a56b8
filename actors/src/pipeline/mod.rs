//! A speech pipeline in place of a speech model: the shell of
//! [`trunkline_core::pipeline`] over three services.

mod services;
mod session;
mod target;

pub use session::{PipelinePlan, PipelineSession};
pub use target::{AgentTarget, PipelineTarget, RecogniserTarget, VoiceService, VoiceTarget};
