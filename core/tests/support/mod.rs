//! A call in virtual time: the real core, the real media path, a phone that plays
//! at real speed and a model that answers, all on one clock that jumps from one
//! wake-up to the next. Nothing here sleeps, and nothing here is random.

mod asks;
mod flight;
mod invariant;
mod model;
mod phone;
mod services;
mod settings;
mod world;

#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use flight::{Recording, preamble, replay};
#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use invariant::{Breach, Invariant, holds};
#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use model::{Claim, Dial, Reply, item_of, response_of};
#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use phone::{GREETING_TAG, Phone, SENTENCE_TAG, Wire, audio};
#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use services::{Health, Latencies, Service, answer_to};
#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use settings::{GREETING, GREETING_BYTES, NUDGE, PATIENT, Plan, SENTENCE_BYTES, ms, secs};
#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use world::{Seen, WORD, World};
