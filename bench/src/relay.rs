//! The yardstick: a relay between a carrier's media stream and a realtime model
//! with nothing in it but the two sockets. No actors, no supervision, no marks,
//! no database, no checks: the payload's base64 goes from one message into the
//! other. What trunkline costs is told as a multiple of what this costs.

use std::any::Any;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_ws::{Message, MessageStream, Session};
use awc::ws::{Frame, Message as ModelMessage};
use bytestring::ByteString;
use clap::Parser;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use trunkline_connectors::reach::Reach;
use trunkline_connectors::websocket::{Connection, dial, warm_up};

/// Longest frame of either side, in bytes.
const MAX_FRAME_BYTES: usize = 1_024 * 1_024;

/// How long the model may take to answer the handshake.
const DIAL_PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// A relay with nothing in it, to measure others against.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Port to listen on, on the loopback address.
    #[arg(long)]
    port: u16,
    /// The realtime model's URL.
    #[arg(long)]
    model: String,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    workers: usize,
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    actix_rt::System::new().block_on(async move {
        let (port, workers) = (options.port, options.workers);
        let data = web::Data::new(options);
        HttpServer::new(move || {
            warm_up();
            App::new()
                .app_data(data.clone())
                .route("/twilio/voice", web::post().to(voice))
                .route("/stream", web::get().to(stream))
                .route("/health", web::get().to(HttpResponse::Ok))
        })
        .workers(workers)
        .on_connect(|connection: &dyn Any, _| {
            if let Some(socket) = connection.downcast_ref::<actix_rt::net::TcpStream>() {
                // Measured all the same, only slower.
                socket.set_nodelay(true).unwrap_or_default();
            }
        })
        .bind(("127.0.0.1", port))?
        .run()
        .await
    })
}

async fn voice(options: web::Data<Options>) -> HttpResponse {
    let port = options.port;
    HttpResponse::Ok().content_type("text/xml").body(format!(
        "<Response><Connect><Stream url=\"wss://127.0.0.1:{port}/stream\"/></Connect></Response>"
    ))
}

async fn stream(
    request: HttpRequest,
    body: web::Payload,
    options: web::Data<Options>,
) -> Result<HttpResponse, actix_web::Error> {
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    actix_rt::spawn(relay(session, messages, options.model.clone()));
    Ok(response)
}

/// The caller's messages drive it; the model's have a task of their own.
async fn relay(session: Session, mut messages: MessageStream, url: String) {
    let Some(stream_sid) = started(&mut messages).await else {
        return;
    };
    let Ok(model) = dial(&url, &[], MAX_FRAME_BYTES, DIAL_PATIENCE, &Reach::Anywhere).await else {
        return;
    };
    let (mut sink, source) = model.split();
    let create = ModelMessage::Text(ByteString::from_static(r#"{"type":"response.create"}"#));
    if sink.send(create).await.is_err() {
        return;
    }
    let down = actix_rt::spawn(down(source, session, stream_sid));
    up(messages, sink).await;
    down.abort();
}

/// Waits for `start`; the stream's SID.
async fn started(messages: &mut MessageStream) -> Option<String> {
    while let Some(Ok(message)) = messages.next().await {
        if let Message::Text(text) = message
            && text.starts_with(r#"{"event":"start""#)
        {
            return Some(field(&text, r#""streamSid":""#)?.to_owned());
        }
    }
    None
}

async fn up(mut messages: MessageStream, mut sink: SplitSink<Connection, ModelMessage>) {
    while let Some(Ok(message)) = messages.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        let Some(payload) = field(&text, r#""payload":""#) else {
            if text.starts_with(r#"{"event":"stop""#) {
                return;
            }
            continue;
        };
        let mut append = String::with_capacity(payload.len() + 64);
        append.push_str(r#"{"type":"input_audio_buffer.append","audio":""#);
        append.push_str(payload);
        append.push_str("\"}");
        if sink.send(ModelMessage::Text(append.into())).await.is_err() {
            return;
        }
    }
}

async fn down(mut source: SplitStream<Connection>, mut session: Session, stream_sid: String) {
    let head = format!(r#"{{"event":"media","streamSid":"{stream_sid}","media":{{"payload":""#);
    while let Some(Ok(frame)) = source.next().await {
        let Frame::Text(bytes) = frame else {
            continue;
        };
        let Ok(text) = std::str::from_utf8(&bytes) else {
            continue;
        };
        if !text.starts_with(r#"{"type":"response.output_audio.delta""#) {
            continue;
        }
        let Some(payload) = field(text, r#""delta":""#) else {
            continue;
        };
        let mut media = String::with_capacity(head.len() + payload.len() + 4);
        media.push_str(&head);
        media.push_str(payload);
        media.push_str("\"}}");
        if session.text(media).await.is_err() {
            return;
        }
    }
}

/// The text between `name`, which ends with a quotation mark, and the next one.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(name)?;
    rest.split_once('"').map(|(value, _)| value)
}
