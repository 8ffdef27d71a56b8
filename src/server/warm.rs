//! Set sentences of pipelines' tenants are rendered before they are needed: when
//! the server starts, and when its tenants change. Nobody waits for it, and no call
//! needs it: what is not rendered yet is rendered when it is said.

use std::sync::Arc;
use std::time::Duration;

use trunkline_actors::node::{Node, SessionTarget};
use trunkline_actors::pipeline::{PipelineTarget, Warmed, warm};
use trunkline_core::tenant::{Mode, Tenant};

use crate::config::{TenantBook, Tenants};

/// How often it is looked whether the tenants have changed.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait before a voice that was away is asked again: at first, and at
/// most, as it doubles.
const FIRST_AGAIN: Duration = Duration::from_secs(2);
const LAST_AGAIN: Duration = Duration::from_secs(120);

/// Begins to render, until the process ends.
pub(super) fn keep_warm(node: &Arc<Node>, book: &TenantBook) {
    let (node, book) = (Arc::clone(node), book.clone());
    drop(actix_rt::spawn(async move {
        loop {
            let tenants = book.current();
            warm_until_changed(&node, &book, &tenants).await;
        }
    }));
}

/// Renders what these tenants say, again and again until there is nothing left,
/// and ends when there are others.
async fn warm_until_changed(node: &Node, book: &TenantBook, tenants: &Arc<Tenants>) {
    let mut again = FIRST_AGAIN;
    let mut missing = true;
    loop {
        if missing {
            missing = warm_all(node, tenants).await;
        }
        let wait = if missing { again } else { Duration::MAX };
        if !same_for(book, tenants, wait).await {
            return;
        }
        again = (again * 2).min(LAST_AGAIN);
    }
}

/// Waits so long, or until the tenants are others. Answers whether they are the same.
async fn same_for(book: &TenantBook, tenants: &Arc<Tenants>, wait: Duration) -> bool {
    let mut waited = Duration::ZERO;
    while waited < wait {
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
        if !Arc::ptr_eq(&book.current(), tenants) {
            return false;
        }
    }
    true
}

/// One tenant after the other. Answers whether something is missing that may be had
/// later.
async fn warm_all(node: &Node, tenants: &Tenants) -> bool {
    let mut all = Warmed::default();
    for tenant in tenants.iter() {
        let Some(pipeline) = pipeline_of(node, tenant) else {
            continue;
        };
        let Some(voice) = pipeline.voices.first() else {
            continue;
        };
        // Kept whole for who looks for it by the tenant's voice.
        let whole = Some(tenant.voice()).filter(|_| tenant.mode == Mode::Pipeline);
        let whole = whole.filter(|name| *name == voice.voice);
        let warmed = warm(voice, whole, &said(tenant), &node.phrases).await;
        all.made += warmed.made;
        all.missing += warmed.missing;
        all.refused += warmed.refused;
    }
    if all != Warmed::default() {
        let Warmed { made, missing, refused } = all;
        tracing::info!(made, missing, refused, "set sentences were rendered ahead");
    }
    all.missing > 0
}

/// The pipeline that answers a tenant's calls, or takes them over.
fn pipeline_of(node: &Node, tenant: &Tenant) -> Option<Arc<PipelineTarget>> {
    node.models_of(tenant).into_iter().find_map(|target| match target {
        SessionTarget::Pipeline(target) => Some(target),
        SessionTarget::Realtime(_) => None,
    })
}

/// What a tenant's agent says word for word. The consent line is the carrier's to
/// say.
fn said(tenant: &Tenant) -> Vec<String> {
    let persona = &tenant.persona;
    let one =
        [&persona.greeting, &persona.nudge, &persona.bridging, &persona.farewell, &persona.wrap_up];
    let all = one.into_iter().chain(&persona.fillers);
    all.filter(|text| !text.trim().is_empty()).cloned().collect()
}
