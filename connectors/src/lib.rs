//! Clients for the services a call talks to. A client knows its protocol and
//! nothing of calls: it is told whom to dial and hands back a connection.

pub mod bounded;
pub mod chat;
pub mod http;
pub mod reach;
pub mod recogniser;
mod resolved;
pub mod socket;
pub mod twilio;
pub mod voice;
pub mod websocket;
mod whole;
