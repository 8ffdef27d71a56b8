//! What callers hear before and after the agent, rendered as TwiML.

use actix_web::HttpResponse;
use trunkline_core::admission::TurnedAway;
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::Tenant;
use trunkline_core::wire::twilio::twiml::{CONTENT_TYPE, Twiml};
use trunkline_core::wire::twilio::verbs::{ConnectStream, Dial, Gather, RejectReason};

use crate::config::PublicUrl;
use crate::http::routes;
use crate::http::state::AppState;

/// Said before the human number is dialled.
const CONNECTING: &str = "Connecting you to an agent now.";
/// Said when there is no human number, or nobody answers there.
const NOBODY: &str =
    "I'm sorry, nobody can take your call right now. Please try again later. Goodbye.";
/// Said when the channel is off.
const CLOSED: &str =
    "I'm sorry, our phone line is not available at the moment. Please try again later. Goodbye.";
/// Said to the call over the cap.
const BUSY: &str = "All lines are busy right now. Please try again in a few minutes. Goodbye.";
/// Said to a caller who has called too often within the hour.
const CALLER_HOUR: &str =
    "You have reached us several times within the hour. Please try again later. Goodbye.";
/// Said to everybody past a tenant's calls within the hour.
const TENANT_HOUR: &str =
    "We're experiencing a high volume of calls. Please try again later. Goodbye.";
/// Added to the greeting in the classic menu.
const PRESS_ZERO: &str = "Press 0 to speak with a person, or stay on the line.";

/// An answer that the carrier acts on. Always 200: any other status would make it
/// play its own error message.
pub(super) fn answer(twiml: &Twiml) -> HttpResponse {
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(twiml.to_xml())
}

/// The human number is dialled, where there is one, for a caller who had no agent.
pub(super) fn human(
    state: &AppState,
    tenant: Option<&Tenant>,
    called: Option<&PhoneNumber>,
    announce: bool,
) -> Twiml {
    to_human(state, tenant, called, announce, false)
}

/// The same for a caller who had one. A call that is recorded from then on is not
/// recorded once more.
pub(super) fn human_after_agent(
    state: &AppState,
    tenant: Option<&Tenant>,
    called: Option<&PhoneNumber>,
    announce: bool,
) -> Twiml {
    to_human(state, tenant, called, announce, true)
}

fn to_human(
    state: &AppState,
    tenant: Option<&Tenant>,
    called: Option<&PhoneNumber>,
    announce: bool,
    had_agent: bool,
) -> Twiml {
    let Some((tenant, number)) =
        tenant.and_then(|tenant| Some((tenant, tenant.human_number.clone()?)))
    else {
        return nobody();
    };
    let dial = dial(state, tenant, called, number, had_agent);
    let twiml = Twiml::new();
    if announce { twiml.say(CONNECTING).dial(dial) } else { twiml.dial(dial) }
}

/// The human, and what is asked once they have spoken. The path alone: the carrier
/// asks where it got the document from. A process that is about to end is not asked:
/// the caller would hear the carrier's error after the human's goodbye.
fn dial(
    state: &AppState,
    tenant: &Tenant,
    called: Option<&PhoneNumber>,
    number: PhoneNumber,
    had_agent: bool,
) -> Dial {
    let caller_id = tenant.caller_id.clone().or_else(|| called.filter(|n| n.is_e164()).cloned());
    let action = (!state.node.is_draining()).then(|| routes::DIAL_ACTION.to_owned());
    let record = tenant.record || (tenant.recording.enabled && !had_agent);
    let recording_status_callback = record.then(|| recording_callback(&state.public_url, tenant));
    Dial { caller_id, record, recording_status_callback, action, ..Dial::to(number) }
}

/// Where the carrier tells of a tenant's recordings. Its request does not say which
/// number was called, so the address says whose it is; it is signed with the rest.
pub(crate) fn recording_callback(origin: &PublicUrl, tenant: &Tenant) -> String {
    origin.join(&format!("{}?tenant={}", routes::RECORDING, tenant.id))
}

/// There is no human, or none came.
pub(super) fn nobody() -> Twiml {
    Twiml::new().say(NOBODY).hangup()
}

/// The channel is off.
pub(super) fn closed() -> Twiml {
    Twiml::new().say(CLOSED).hangup()
}

/// Every line is taken.
pub(super) fn busy() -> Twiml {
    Twiml::new().say(BUSY).hangup()
}

/// The call is turned away for what was before it. Who is blocked hears the busy
/// tone, and pays nothing, as we do not.
pub(super) fn turned_away(why: TurnedAway) -> Twiml {
    match why {
        TurnedAway::Blocked => Twiml::new().reject(RejectReason::Busy),
        TurnedAway::CallerHour => Twiml::new().say(CALLER_HOUR).hangup(),
        TurnedAway::TenantHour => Twiml::new().say(TENANT_HOUR).hangup(),
    }
}

/// Nobody owns the number.
pub(super) fn reject() -> Twiml {
    Twiml::new().reject(RejectReason::Rejected)
}

/// The classic menu: a key, or the human after a while.
pub(super) fn menu(
    state: &AppState,
    tenant: &Tenant,
    called: Option<&PhoneNumber>,
    action: String,
) -> Twiml {
    let gather = Gather {
        action: Some(action),
        num_digits: Some(1),
        timeout_s: Some(5),
        say: Some(format!("{} {PRESS_ZERO}", tenant.persona.greeting)),
        ..Gather::default()
    };
    let twiml = Twiml::new().gather(gather);
    let Some(number) = tenant.human_number.clone() else {
        return twiml.say(NOBODY).hangup();
    };
    twiml.say(CONNECTING).dial(dial(state, tenant, called, number, false))
}

/// The agent, by a media stream; the consent line first.
pub(super) fn agent(tenant: &Tenant, stream: ConnectStream) -> Twiml {
    let twiml = Twiml::new();
    let twiml = match &tenant.consent {
        Some(consent) => twiml.say(consent),
        None => twiml,
    };
    twiml.connect_stream(stream)
}

/// The call is over.
pub(super) fn hang_up() -> Twiml {
    Twiml::new().hangup()
}
