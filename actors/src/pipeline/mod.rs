//! A speech pipeline in place of a speech model: the shell of
//! [`trunkline_core::pipeline`] over three services.

mod services;
mod session;
mod target;
mod warm;

pub use session::{PipelinePlan, PipelineSession};
pub use target::{AgentTarget, PipelineTarget, RecogniserTarget, VoiceService, VoiceTarget};
pub use warm::{Warmed, warm};
