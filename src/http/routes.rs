//! Every path there is, in one place.

use actix_web::web;

use super::{
    api, appointments, blocked_numbers, body, costs, health, holds, ops, recordings, twilio,
};

/// What a carrier's path does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Webhook {
    Voice,
    Fallback,
    Status,
    Amd,
    ConnectAction,
    DialAction,
    Menu,
    Recording,
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
    (DIAL_ACTION, Webhook::DialAction),
    (MENU, Webhook::Menu),
    (RECORDING, Webhook::Recording),
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
/// Where the carrier says how a dialled human's leg ended.
pub const DIAL_ACTION: &str = "/twilio/dial-action";
/// Where the carrier sends the key that was pressed in the classic menu.
pub const MENU: &str = "/twilio/menu";
/// Where the carrier tells of a recording.
pub const RECORDING: &str = "/twilio/recording";
/// Where the carrier opens its media stream.
pub const STREAM: &str = "/twilio/stream";

const APPOINTMENTS: &str = "/api/v1/tenants/{tenant}/appointments";
const APPOINTMENT: &str = "/api/v1/tenants/{tenant}/appointments/{confirmation}";
const HOLDS: &str = "/api/v1/tenants/{tenant}/holds";
const HOLD: &str = "/api/v1/tenants/{tenant}/holds/{hold}";

/// The path of a request as a fixed text, for metric labels and logs.
#[must_use]
pub fn known_path(path: &str) -> &'static str {
    CARRIER_PATHS.iter().map(|(known, _)| *known).find(|known| *known == path).unwrap_or("other")
}

/// Adds every path to an application.
pub fn configure(config: &mut web::ServiceConfig) {
    config.app_data(web::PayloadConfig::new(body::MAX_BYTES));
    super::refusals::configure(config);
    for (path, webhook) in CARRIER_PATHS {
        let route = match webhook {
            Webhook::Voice => web::post().to(twilio::voice::voice),
            Webhook::Fallback => web::post().to(twilio::fallback::fallback),
            Webhook::Status => web::post().to(twilio::status::status),
            Webhook::Amd => web::post().to(twilio::amd::amd),
            Webhook::ConnectAction => web::post().to(twilio::connect_action::connect_action),
            Webhook::DialAction => web::post().to(twilio::dial_action::dial_action),
            Webhook::Menu => web::post().to(twilio::menu::menu),
            Webhook::Recording => web::post().to(twilio::recording::recording),
            Webhook::Stream => web::get().to(twilio::stream::stream),
        };
        config.route(path, route);
    }
    config
        .route("/health", web::get().to(health::health))
        .route("/ready", web::get().to(health::ready))
        .route("/metrics", web::get().to(health::metrics))
        .route("/ops/actors", web::get().to(ops::actors))
        .route("/api/v1/blocked-numbers", web::get().to(blocked_numbers::list))
        .route("/api/v1/blocked-numbers", web::post().to(blocked_numbers::block))
        .route("/api/v1/blocked-numbers/{pattern}", web::delete().to(blocked_numbers::unblock))
        .route("/api/v1/calls/live", web::get().to(api::live_calls))
        .route("/api/v1/calls/{call_sid}", web::get().to(api::call))
        .route("/api/v1/calls/{call_sid}/hangup", web::post().to(api::hangup))
        .route("/api/v1/calls/{call_sid}/recording", web::get().to(recordings::recording))
        .route("/api/v1/calls/{call_sid}/transfer", web::post().to(api::transfer))
        .route("/api/v1/costs", web::get().to(costs::list))
        .route("/api/v1/switches", web::get().to(api::switches))
        .route("/api/v1/switches", web::put().to(api::set_switches))
        .route(APPOINTMENTS, web::get().to(appointments::list))
        .route(APPOINTMENTS, web::post().to(appointments::book))
        .route(APPOINTMENT, web::get().to(appointments::one))
        .route(APPOINTMENT, web::patch().to(appointments::reschedule))
        .route(APPOINTMENT, web::delete().to(appointments::cancel))
        .route(HOLDS, web::get().to(holds::list))
        .route(HOLDS, web::post().to(holds::hold))
        .route(HOLD, web::delete().to(holds::release));
    #[cfg(feature = "fault-injection")]
    config.route("/ops/faults", web::post().to(super::faults::inject));
}
