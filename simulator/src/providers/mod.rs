//! Simulated providers: the realtime speech model, at
//! `ws://HOST:PORT/v1/realtime`, good enough for the vendor's own SDK and for
//! everything that a call can meet; and what the speech pipeline is made of, a
//! recogniser at `/v1/listen`, chat completions at `/v1/chat/completions`, and
//! two voices.
//!
//! The parts: [`Script`] is what the model says, [`Ears`] what it understands,
//! [`Knobs`] what goes wrong; `realtime` is the protocol as a state machine
//! without I/O, and `server` the sockets around it; `echo` takes the server's
//! place where thousands of sessions do nothing but echo.

mod brain;
mod chat;
mod control;
mod ears;
mod echo;
mod gate;
mod handshake;
mod journal;
mod knobs;
mod listen;
mod log;
mod options;
mod paced;
mod realtime;
mod record;
mod script;
mod server;
mod state;
mod voice;

pub use ears::{Ears, EarsError, Said};
pub use gate::Provider;
pub use knobs::{KnobError, Knobs};
pub use log::{ChatRecord, HearingRecord, SpokenRecord};
pub use options::{ProvidersError, ProvidersOptions, run};
pub use record::{ClientEvent, ResponseRecord, SessionRecord};
pub use script::{Call, ResultRule, Rule, Script, ScriptError};
pub use server::{RunningProviders, serve};
