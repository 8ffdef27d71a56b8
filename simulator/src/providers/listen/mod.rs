//! Simulated live recognition in Deepgram's dialect: `GET /v1/listen` as a
//! WebSocket. What was said is told by the ears that the realtime model has.

mod finals;
mod message;
mod session;
mod wishes;

use actix_web::{HttpRequest, HttpResponse, web};

use self::session::{Listening, Seat};
use self::wishes::Wishes;
use super::gate::{Provider, enter, headers, refuse};
use super::log::HearingRecord;
use super::realtime::socket;
use super::state::State;

/// Longest message taken: ten seconds of audio.
const MAX_MESSAGE_BYTES: usize = 80_000;

/// The handler.
pub(crate) async fn live(
    request: HttpRequest,
    body: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, actix_web::Error> {
    let knobs = match enter(&state, Provider::Recogniser, &request).await {
        Ok(knobs) => knobs,
        Err(refusal) => return Ok(refusal),
    };
    let wishes = match Wishes::read(request.query_string()) {
        Ok(wishes) => wishes,
        Err(message) => return Ok(refuse(Provider::Recogniser, 400, message)),
    };
    let (response, socket, messages) = actix_ws::handle(&request, body)?;
    let messages = messages
        .max_frame_size(MAX_MESSAGE_BYTES)
        .aggregate_continuations()
        .max_continuation_size(MAX_MESSAGE_BYTES);
    let record = state.hearings.open(|number| HearingRecord {
        number,
        wishes: wishes.told.clone(),
        headers: headers(&request),
        ..HearingRecord::default()
    });
    let seat = Seat { knobs, wishes, ears: state.ears.clone(), record };
    actix_web::rt::spawn(socket::drive(Listening::new(seat), socket, messages));
    Ok(response)
}
