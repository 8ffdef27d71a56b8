//! What a call costs, and what a tenant may spend.
//!
//! Who is paid ([`Service`]) and for what ([`Kind`]) is counted in whole units by a
//! [`Meter`]; a [`PriceTable`] turns the counts into [`Nanos`], billionths of a
//! dollar. Nothing here is a float: a bill is its counts times its prices, rounded
//! once for each line. [`Counter`] watches a pipeline and counts what it orders;
//! [`Watch`] says when a [`Budget`] has been used up to a share.

mod budget;
mod counter;
mod meter;
mod money;
mod price;
mod used;
mod waste;

pub use budget::{Budget, Reached, Spent, Step, Watch};
pub(crate) use counter::CHARACTERS_PER_TOKEN;
pub use counter::Counter;
pub use meter::{Bill, BillLine, Meter};
pub use money::{Nanos, NotMoney};
pub use price::{Kind, PriceTable, Priced, Rate, Service};
pub use used::{Amount, Costing, Part, SessionServices, Thinker, Used};
pub use waste::Waste;
