//! `trunkline costs`: what calls cost, by tenant and day.

use chrono::{Days, NaiveDate, Utc};
use secrecy::ExposeSecret as _;
use trunkline_core::cost::Nanos;
use trunkline_core::ids::TenantId;
use trunkline_store::{DayCost, Scope, Store, StoreError};

use super::{ConfigArgs, complain, load};
use crate::config::Environment;

/// Days before the last one that are shown where nobody says otherwise.
const DAYS: Days = Days::new(29);

/// Which days, and whose.
#[derive(Debug, clap::Args)]
pub struct CostsArgs {
    /// One tenant's alone.
    #[arg(long, value_parser = TenantId::parse)]
    tenant: Option<TenantId>,
    /// The first day, such as 2026-01-31; else thirty days are shown.
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// The last day; else today. Days are UTC.
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Prints them; answers the process's exit code.
#[must_use]
pub fn run(args: &CostsArgs) -> i32 {
    let settings = match load(&args.config, &Environment::of_process()) {
        Ok(configuration) => configuration.settings,
        Err(problems) => {
            complain(&problems.to_string());
            return 1;
        }
    };
    match read(args, settings.store.url.expose_secret()) {
        Ok(days) => {
            tell(&days);
            0
        }
        Err(error) => {
            complain(&error.to_string());
            1
        }
    }
}

fn read(args: &CostsArgs, database: &str) -> Result<Vec<DayCost>, StoreError> {
    let to = args.to.unwrap_or_else(|| Utc::now().date_naive());
    let from = args.from.or_else(|| to.checked_sub_days(DAYS)).unwrap_or(to);
    let scope = args.tenant.as_ref().map_or(Scope::AllTenants, Scope::Tenant);
    Store::open(database, 1)?.day_costs(scope, from, to)
}

fn nanos(stored: i64) -> Nanos {
    Nanos(u64::try_from(stored).unwrap_or(0))
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn tell(days: &[DayCost]) {
    println!("{:<12}{:<24}{:>8}{:>16}", "day", "tenant", "calls", "dollars");
    for day in days {
        let unpriced =
            if day.unpriced_calls > 0 { " and more: something has no price" } else { "" };
        let incomplete = match day.incomplete_calls {
            0 => String::new(),
            1 => " and more: 1 call has not come to its end".to_owned(),
            calls => format!(" and more: {calls} calls have not come to their end"),
        };
        let dollars = nanos(day.nanos).to_string();
        println!(
            "{:<12}{:<24}{:>8}{dollars:>16}{unpriced}{incomplete}",
            day.day, day.tenant_id, day.calls
        );
    }
    let total: Nanos = days.iter().map(|day| nanos(day.nanos)).sum();
    let calls: i64 = days.iter().map(|day| day.calls).sum();
    println!("{:<12}{:<24}{calls:>8}{:>16}", "all", "", total.to_string());
}
