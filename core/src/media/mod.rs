//! The media path of one call: caller frames towards the model, agent audio
//! towards the caller. It runs where the sockets are and knows nothing of
//! policy: the call moves its gate, and what belongs to an older generation is
//! dropped here, so that one mind decides and no frame waits for it.

mod downlink;
mod hearing;
mod phrase;
mod rulings;
mod segment;
mod uplink;

pub use downlink::{Downlink, LEAD, MARK_SPACING_BYTES, Notice, Pushed, Tap, Unheard};
pub use hearing::Hearing;
pub use phrase::Phrase;
pub use uplink::{Uplink, UplinkCounts};
