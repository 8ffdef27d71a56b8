//! What every handler can reach.

use std::sync::Arc;
use std::time::Instant;

use metrics_exporter_prometheus::PrometheusHandle;
use trunkline_actors::node::Node;

use crate::config::{Environment, PublicUrl, Settings, TenantBook};

pub use super::auth::OpsTokens;
pub use super::quota::AuditQuota;

/// What every handler can reach.
pub struct AppState {
    /// The settings the process was started with.
    pub settings: Settings,
    /// The environment, for secrets that tenants name.
    pub environment: Environment,
    /// The tenants as last read.
    pub book: TenantBook,
    /// The origin under which the carrier reaches this process.
    pub public_url: PublicUrl,
    /// The calls and everything around them.
    pub node: Arc<Node>,
    /// Who may look and who may act.
    pub ops: OpsTokens,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// How many more requests of strangers are written down.
    pub stranger_audit: AuditQuota,
    /// When the process started.
    pub started_at: Instant,
}
