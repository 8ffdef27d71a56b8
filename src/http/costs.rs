//! What calls cost: of one call, and by tenant and day.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{NaiveDate, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use trunkline_core::cost::Nanos;
use trunkline_core::ids::TenantId;
use trunkline_store::{CostRow, DayCost, Scope};

use super::api;
use super::auth::Role;
use super::state::AppState;

/// Days before the last one that are shown where nobody says otherwise.
const DAYS: u64 = 29;

/// Which days, and whose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CostsQuery {
    tenant: Option<TenantId>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

/// `GET /api/v1/costs?tenant=&from=&to=`: what calls cost by tenant and day (UTC, the
/// day on which a call began), both days included; the last thirty where none is named.
pub(super) async fn list(
    request: HttpRequest,
    state: web::Data<AppState>,
    query: web::Query<CostsQuery>,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Read) {
        return refusal;
    }
    let CostsQuery { tenant, from, to } = query.into_inner();
    let to = to.unwrap_or_else(|| Utc::now().date_naive());
    let month = to.checked_sub_days(chrono::Days::new(DAYS)).unwrap_or(to);
    let from = from.unwrap_or(month);
    if from > to {
        return api::error(StatusCode::BAD_REQUEST, "from is after to");
    }
    let found = api::query(&state, move |store| {
        let scope = tenant.as_ref().map_or(Scope::AllTenants, Scope::Tenant);
        store.day_costs(scope, from, to)
    });
    match found.await {
        Ok(days) => {
            let total: Nanos = days.iter().map(|day| nanos(day.nanos)).sum();
            let costs: Vec<Value> = days.iter().map(day_shown).collect();
            HttpResponse::Ok().json(json!({
                "from": from,
                "to": to,
                "total_usd": total.to_string(),
                "total_nanos": total,
                "costs": costs,
            }))
        }
        Err(refusal) => refusal,
    }
}

/// A call's bill as it is shown.
pub(super) fn shown(cost: &CostRow) -> Value {
    json!({
        "usd": nanos(cost.nanos).to_string(),
        "nanos": cost.nanos,
        "unpriced": cost.unpriced,
        "estimated": cost.estimated,
        "incomplete": cost.incomplete,
        "day": cost.day,
        "lines": cost.breakdown,
    })
}

fn day_shown(day: &DayCost) -> Value {
    json!({
        "tenant_id": day.tenant_id,
        "day": day.day,
        "usd": nanos(day.nanos).to_string(),
        "nanos": day.nanos,
        "calls": day.calls,
        "unpriced_calls": day.unpriced_calls,
        "incomplete_calls": day.incomplete_calls,
    })
}

fn nanos(stored: i64) -> Nanos {
    Nanos(u64::try_from(stored).unwrap_or(0))
}
