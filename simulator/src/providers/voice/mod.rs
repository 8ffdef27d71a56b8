//! Simulated voices: Azure's `POST /cognitiveservices/v1` and ElevenLabs'
//! `POST /v1/text-to-speech/{voice}/stream`, both as μ-law at 8 kHz. With the
//! watermark on, each 20 ms say which request they answer, so that whoever hears
//! them can look up the words.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;

use super::gate::{Provider, enter, refuse};
use super::knobs::Knobs;
use super::log::{Shared, SpokenRecord};
use super::paced::{self, Piece, Watch, What};
use super::state::State;
use crate::speech::level::AudioFormat;

/// What one request asks for.
struct Order {
    provider: Provider,
    voice: String,
    text: String,
}

/// Azure's handler.
pub(crate) async fn azure(
    request: HttpRequest,
    body: web::Bytes,
    state: web::Data<State>,
) -> HttpResponse {
    let knobs = match enter(&state, Provider::Azure, &request).await {
        Ok(knobs) => knobs,
        Err(refusal) => return refusal,
    };
    let bad = |status: u16, message: &str| refuse(Provider::Azure, status, message);
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if header("content-type") != Some("application/ssml+xml") {
        return bad(415, "Unsupported media type.");
    }
    if header("x-microsoft-outputformat") != Some("raw-8khz-8bit-mono-mulaw") {
        return bad(400, "Unsupported output format.");
    }
    if header("user-agent").is_none_or(|agent| agent.is_empty() || agent.len() >= 255) {
        return bad(400, "The request lacks a user agent.");
    }
    match ssml(&body) {
        Some((voice, text)) => {
            speak(&state, Order { provider: Provider::Azure, voice, text }, &knobs)
        }
        None => bad(400, "The SSML is not valid."),
    }
}

/// The voice and the words of an SSML document of one voice.
fn ssml(body: &[u8]) -> Option<(String, String)> {
    let document = roxmltree::Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    let speak = document.root_element();
    if speak.tag_name().name() != "speak" {
        return None;
    }
    let voice = speak.children().find(|child| child.tag_name().name() == "voice")?;
    let texts = voice.descendants().filter(roxmltree::Node::is_text);
    let text = texts.filter_map(|node| node.text()).collect();
    Some((voice.attribute("name")?.to_owned(), text))
}

#[derive(Deserialize)]
struct ElevenLabsBody {
    text: String,
}

/// ElevenLabs' handler.
pub(crate) async fn elevenlabs(
    request: HttpRequest,
    voice: web::Path<String>,
    body: web::Bytes,
    state: web::Data<State>,
) -> HttpResponse {
    let knobs = match enter(&state, Provider::ElevenLabs, &request).await {
        Ok(knobs) => knobs,
        Err(refusal) => return refusal,
    };
    let query = form_urlencoded::parse(request.query_string().as_bytes());
    let format = query.into_iter().find(|(name, _)| name == "output_format");
    if format.is_none_or(|(_, format)| format != "ulaw_8000") {
        return refuse(Provider::ElevenLabs, 422, "The simulated service knows ulaw_8000 only.");
    }
    match serde_json::from_slice::<ElevenLabsBody>(&body) {
        Ok(body) => {
            let order = Order {
                provider: Provider::ElevenLabs,
                voice: voice.into_inner(),
                text: body.text,
            };
            speak(&state, order, &knobs)
        }
        Err(error) => refuse(Provider::ElevenLabs, 422, &error.to_string()),
    }
}

fn speak(state: &State, order: Order, knobs: &Knobs) -> HttpResponse {
    let provider = match order.provider {
        Provider::ElevenLabs => "elevenlabs",
        Provider::Azure | Provider::Realtime | Provider::Recogniser | Provider::Chat => "azure",
    };
    let mut audio = None;
    let record = state.spoken.open(|number| {
        // The watermark has sixteen bits for it.
        let mark = u16::try_from(number & 0xffff).ok().filter(|_| knobs.watermark);
        let made = state.voice.speak(&order.text, AudioFormat::Mulaw, mark);
        let audio_ms = AudioFormat::Mulaw.ms(made.len());
        audio = Some(made);
        let record = SpokenRecord {
            number,
            provider: provider.to_owned(),
            voice: order.voice,
            text: order.text,
            audio_ms,
            sent: 0,
            status: "running".to_owned(),
        };
        state.journal.note("spoken", &record);
        record
    });
    let audio = audio.unwrap_or_default();
    let kind = if knobs.garbage { "text/html" } else { "audio/basic" };
    HttpResponse::Ok()
        .content_type(kind)
        .streaming(paced::body(plan(&audio, knobs), Watching(record)))
}

/// The audio in pieces of `delta_ms`, each as late as the rate says.
fn plan(audio: &[u8], knobs: &Knobs) -> Vec<Piece> {
    if knobs.mute || knobs.mute_before_ready {
        return vec![Piece { at_ms: 0, what: What::Never }];
    }
    let delta_bytes = usize::try_from(knobs.delta_ms * 8).unwrap_or(usize::MAX).max(1);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand milliseconds, and `as` saturates"
    )]
    let at_ms = |place: u64| {
        let audio_ms = place.saturating_mul(knobs.delta_ms) as f64;
        knobs.first_audio_ms.saturating_add((audio_ms / knobs.rate) as u64)
    };
    let mut pieces: Vec<Piece> = (0..)
        .zip(audio.chunks(delta_bytes))
        .map(|(place, piece)| Piece {
            at_ms: at_ms(place),
            what: What::Bytes(Bytes::copy_from_slice(piece)),
        })
        .collect();
    // A voice has no words for an error in the middle: it breaks off.
    let fails = knobs.fail_code.is_some() || knobs.error_code.is_some();
    let half = fails.then_some(pieces.len() as u64 / 2);
    let count = [knobs.drop_after_deltas, half].into_iter().flatten().min();
    paced::cut(&mut pieces, knobs.drop_after_ms, count);
    pieces
}

struct Watching(Shared<SpokenRecord>);

impl Watch for Watching {
    fn note(&mut self, sent: u64, status: Option<&'static str>) {
        self.0.write(|record| {
            record.sent = sent;
            if let Some(status) = status {
                status.clone_into(&mut record.status);
            }
        });
    }
}
