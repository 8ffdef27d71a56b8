//! A tiny server for the simulated carrier to call: canned TwiML by path, and a
//! stream handler that the test writes. Everything that arrives is kept.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly, and not every test uses all of this"
)]

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_ws::{CloseReason, Message, MessageStream, Session};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use trunkline_simulator::carrier::CallPlan;

/// One HTTP request or WebSocket handshake.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub form: Vec<(String, String)>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// What a path answers with.
#[derive(Clone)]
pub struct Canned {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

pub fn xml(verbs: &str) -> Canned {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{verbs}</Response>");
    Canned { status: 200, content_type: "text/xml", body }
}

type Handling = Pin<Box<dyn Future<Output = ()>>>;
type Handler = dyn Fn(Peer) -> Handling + Send + Sync;

#[derive(Clone)]
struct Shared {
    answers: Arc<BTreeMap<String, Canned>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    heard: Arc<Mutex<Vec<Value>>>,
    handler: Arc<Handler>,
}

/// The running server; it stops when the test ends.
pub struct Server {
    pub port: u16,
    pub url: String,
    shared: Shared,
}

impl Server {
    pub async fn start(answers: &[(&str, Canned)]) -> Self {
        Self::with_stream(answers, |peer| Box::pin(peer.until_stop())).await
    }

    pub async fn with_stream(
        answers: &[(&str, Canned)],
        handler: impl Fn(Peer) -> Handling + Send + Sync + 'static,
    ) -> Self {
        let answers = answers.iter().map(|(path, canned)| ((*path).to_owned(), canned.clone()));
        let shared = Shared {
            answers: Arc::new(answers.collect()),
            seen: Arc::default(),
            heard: Arc::default(),
            handler: Arc::new(handler),
        };
        let data = shared.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(data.clone()))
                .route("/stream/{name}", web::get().to(stream))
                .default_service(web::to(page))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let port = server.addrs()[0].port();
        actix_web::rt::spawn(server.run());
        Self { port, url: format!("http://127.0.0.1:{port}"), shared }
    }

    /// A caller for this server who hangs up after two seconds at the latest.
    pub fn plan(&self) -> CallPlan {
        CallPlan { max_duration: Duration::from_secs(2), ..CallPlan::new(&self.url) }
    }

    /// Everything that was requested, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub fn paths(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.path).collect()
    }

    /// Every message that came over streams, with `at_ms` since the stream's
    /// opening.
    pub fn heard(&self) -> Vec<Value> {
        self.shared.heard.lock().unwrap().clone()
    }

    pub fn heard_of(&self, event: &str) -> Vec<Value> {
        self.heard().into_iter().filter(|message| message["event"] == event).collect()
    }
}

async fn page(request: HttpRequest, body: web::Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let form = form_urlencoded::parse(&body).into_owned().collect();
    let seen = note(&request, form);
    let canned = shared.answers.get(&seen.path).cloned();
    shared.seen.lock().unwrap().push(seen);
    let Some(canned) = canned else {
        return HttpResponse::NotFound().finish();
    };
    let status = actix_web::http::StatusCode::from_u16(canned.status).unwrap();
    HttpResponse::build(status).content_type(canned.content_type).body(canned.body)
}

async fn stream(
    request: HttpRequest,
    body: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, actix_web::Error> {
    shared.seen.lock().unwrap().push(note(&request, Vec::new()));
    if request.path().ends_with("/refused") {
        return Ok(HttpResponse::Forbidden().finish());
    }
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    let peer = Peer {
        session,
        messages,
        opened: Instant::now(),
        stream_sid: String::new(),
        heard: Arc::clone(&shared.heard),
    };
    actix_web::rt::spawn((shared.handler)(peer));
    Ok(response)
}

fn note(request: &HttpRequest, form: Vec<(String, String)>) -> Seen {
    let headers = request.headers().iter();
    let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap_or("?").to_owned()));
    Seen { path: request.path().to_owned(), headers: headers.collect(), form }
}

/// The server's end of a stream.
pub struct Peer {
    pub session: Session,
    pub messages: MessageStream,
    pub opened: Instant,
    pub stream_sid: String,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Peer {
    /// The next message, which is also kept; `None` when the stream is over.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let mut message = match self.messages.next().await?.ok()? {
                Message::Text(text) => serde_json::from_str::<Value>(&text)
                    .ok()
                    .filter(Value::is_object)
                    .unwrap_or_else(|| json!({"event": "garbage"})),
                Message::Binary(_) => json!({"event": "binary"}),
                Message::Close(_) => json!({"event": "close"}),
                Message::Continuation(_) | Message::Ping(_) | Message::Pong(_) | Message::Nop => {
                    continue;
                }
            };
            message["at_ms"] = json!(u64::try_from(self.opened.elapsed().as_millis()).unwrap());
            if let Some(sid) = message["streamSid"].as_str() {
                self.stream_sid = sid.to_owned();
            }
            self.heard.lock().unwrap().push(message.clone());
            if message["event"] == "close" {
                return None;
            }
            return Some(message);
        }
    }

    /// The next message of a kind.
    pub async fn wait_for(&mut self, event: &str) -> Option<Value> {
        loop {
            let message = self.next().await?;
            if message["event"] == event {
                return Some(message);
            }
        }
    }

    /// Listens until the stream is over.
    pub async fn until_stop(mut self) {
        while self.next().await.is_some() {}
        // The carrier waits for the other half of the close.
        drop(self.session.close(None).await);
    }

    /// Listens to so many media messages.
    pub async fn hear(&mut self, frames: usize) {
        for _ in 0..frames {
            if self.wait_for("media").await.is_none() {
                return;
            }
        }
    }

    pub async fn say(&mut self, audio: &[u8]) {
        let payload = STANDARD.encode(audio);
        self.send(
            json!({"event": "media", "streamSid": self.stream_sid, "media": {"payload": payload}}),
        )
        .await;
    }

    pub async fn mark(&mut self, name: &str) {
        self.send(json!({"event": "mark", "streamSid": self.stream_sid, "mark": {"name": name}}))
            .await;
    }

    pub async fn clear(&mut self) {
        self.send(json!({"event": "clear", "streamSid": self.stream_sid})).await;
    }

    pub async fn send(&mut self, message: Value) {
        self.session.text(message.to_string()).await.unwrap();
    }

    pub async fn close(self) {
        self.session.close(Some(CloseReason::from(actix_ws::CloseCode::Normal))).await.unwrap();
    }
}

/// `<Connect><Stream>` to a path of this server.
pub fn connect(url: &str, action: Option<&str>) -> String {
    let action = action.map(|action| format!(" action=\"{action}\"")).unwrap_or_default();
    format!(
        "<Connect{action}><Stream url=\"{url}\"><Parameter name=\"token\" value=\"a&amp;b\"/>\
         </Stream></Connect>"
    )
}
