//! Every path there is, in one place.

use actix_web::web;

use super::{api, health, ops, twilio};

/// What a carrier's path does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Webhook {
    Voice,
    Fallback,
    Status,
    Amd,
    ConnectAction,
    Menu,
    Stream,
}

/// The carrier's paths. Those after the blank line are the ones that earlier
/// systems used, so that a number moves over by changing its host only.
const CARRIER_PATHS: &[(&str, Webhook)] = &[
    ("/twilio/voice", Webhook::Voice),
    ("/twilio/fallback", Webhook::Fallback),
    ("/twilio/status", Webhook::Status),
    ("/twilio/amd", Webhook::Amd),
    (CONNECT_ACTION, Webhook::ConnectAction),
    (MENU, Webhook::Menu),
    (STREAM, Webhook::Stream),
    //
    ("/voice", Webhook::Voice),
    ("/voice-answer", Webhook::Voice),
    ("/voice-status", Webhook::Status),
    ("/voice-action", Webhook::Menu),
    ("/media-stream", Webhook::Stream),
    ("/voice-stream", Webhook::Stream),
    ("/twilio-stream", Webhook::Stream),
];

/// Where the carrier asks what follows a stream.
pub const CONNECT_ACTION: &str = "/twilio/connect-action";
/// Where the carrier sends the key that was pressed in the classic menu.
pub const MENU: &str = "/twilio/menu";
/// Where the carrier opens its media stream.
pub const STREAM: &str = "/twilio/stream";

/// The path of a request as a fixed text, for metric labels and logs.
#[must_use]
pub fn known_path(path: &str) -> &'static str {
    CARRIER_PATHS.iter().map(|(known, _)| *known).find(|known| *known == path).unwrap_or("other")
}

/// Adds every path to an application.
pub fn configure(config: &mut web::ServiceConfig) {
    super::refusals::configure(config);
    for (path, webhook) in CARRIER_PATHS {
        let route = match webhook {
            Webhook::Voice => web::post().to(twilio::voice::voice),
            Webhook::Fallback => web::post().to(twilio::fallback::fallback),
            Webhook::Status => web::post().to(twilio::status::status),
            Webhook::Amd => web::post().to(twilio::amd::amd),
            Webhook::ConnectAction => web::post().to(twilio::connect_action::connect_action),
            Webhook::Menu => web::post().to(twilio::menu::menu),
            Webhook::Stream => web::get().to(twilio::stream::stream),
        };
        config.route(path, route);
    }
    config
        .route("/health", web::get().to(health::health))
        .route("/ready", web::get().to(health::ready))
        .route("/metrics", web::get().to(health::metrics))
        .route("/ops/actors", web::get().to(ops::actors))
        .route("/api/v1/calls/live", web::get().to(api::live_calls))
        .route("/api/v1/calls/{call_sid}", web::get().to(api::call))
        .route("/api/v1/calls/{call_sid}/hangup", web::post().to(api::hangup))
        .route("/api/v1/calls/{call_sid}/transfer", web::post().to(api::transfer))
        .route("/api/v1/switches", web::get().to(api::switches))
        .route("/api/v1/switches", web::put().to(api::set_switches));
    #[cfg(feature = "fault-injection")]
    config.route("/ops/faults", web::post().to(super::faults::inject));
}
