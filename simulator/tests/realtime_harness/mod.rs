//! A client of the simulated model, for tests: sends events, keeps what comes.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly, and no test uses all of this"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use actix_rt::time::timeout;
use awc::ws::{Frame, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use trunkline_core::audio::g711;
use trunkline_simulator::providers::{Knobs, ProvidersOptions, RunningProviders, serve};

type Socket = actix_codec::Framed<awc::BoxedSocket, awc::ws::Codec>;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A fast model: nothing waits but what a test says.
pub fn fast() -> Knobs {
    Knobs { latency_ms: 0, first_audio_ms: 10, transcript_ms: 30, rate: 100.0, ..Knobs::default() }
}

pub fn audio_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/audio")
}

pub async fn start(knobs: Knobs) -> RunningProviders {
    let ears = Some(audio_folder());
    serve(ProvidersOptions { knobs, ears, ..ProvidersOptions::default() }).await.unwrap()
}

/// One of the shipped recordings as μ-law, with silence before and after.
pub fn recording(name: &str, silence_after_ms: usize) -> Vec<u8> {
    let reader = hound::WavReader::open(audio_folder().join(name)).unwrap();
    let mut audio = vec![g711::SILENCE; 8 * 400];
    audio.extend(reader.into_samples::<i16>().map(|s| g711::encode_sample(s.unwrap())));
    audio.resize(audio.len() + 8 * silence_after_ms, g711::SILENCE);
    audio
}

pub struct Client {
    socket: Socket,
    partial: Vec<u8>,
    /// Every event that came, in order.
    pub seen: Vec<Value>,
    /// Messages that were no events.
    pub garbage: usize,
    /// Messages that came in pieces.
    pub joined: usize,
    /// Code of the close frame.
    pub closed: Option<u16>,
}

impl Client {
    pub async fn connect(running: &RunningProviders, query: &str) -> Self {
        Self::connect_with(running, query, &[]).await
    }

    pub async fn connect_with(
        running: &RunningProviders,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Self {
        Self::open(&format!("{}?model=test-model&{query}", running.url()), headers).await
    }

    pub async fn open(url: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = awc::Client::new().ws(url).max_frame_size(4 << 20);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (_, socket) = timeout(PATIENCE, request.connect()).await.expect("in time").unwrap();
        Self { socket, partial: Vec::new(), seen: Vec::new(), garbage: 0, joined: 0, closed: None }
    }

    pub async fn send(&mut self, event: Value) {
        self.send_text(&event.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::Text(text.to_owned().into())).await.unwrap();
    }

    pub async fn append(&mut self, audio: &[u8]) {
        for frame in audio.chunks(160) {
            let audio = STANDARD.encode(frame);
            self.send(json!({"type": "input_audio_buffer.append", "audio": audio})).await;
        }
    }

    /// The next event; `None` once the connection is over.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let frame = timeout(PATIENCE, self.socket.next()).await;
            let frame = frame.unwrap_or_else(|_| panic!("nothing came; seen: {:?}", self.kinds()));
            let whole = match frame {
                Some(Ok(Frame::Text(bytes))) => bytes.to_vec(),
                Some(Ok(Frame::Continuation(item))) => match self.join(item) {
                    Some(whole) => whole,
                    None => continue,
                },
                Some(Ok(Frame::Binary(_))) => {
                    self.garbage += 1;
                    continue;
                }
                Some(Ok(Frame::Close(reason))) => {
                    self.closed = reason.map(|r| r.code.into());
                    continue;
                }
                Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => continue,
                Some(Err(_)) | None => return None,
            };
            match serde_json::from_slice::<Value>(&whole) {
                Ok(event) if event.get("type").is_some_and(Value::is_string) => {
                    self.seen.push(event.clone());
                    return Some(event);
                }
                Ok(_) | Err(_) => self.garbage += 1,
            }
        }
    }

    fn join(&mut self, item: actix_http::ws::Item) -> Option<Vec<u8>> {
        use actix_http::ws::Item;
        match item {
            Item::FirstText(bytes) | Item::FirstBinary(bytes) => {
                self.partial = bytes.to_vec();
                None
            }
            Item::Continue(bytes) => {
                self.partial.extend(bytes);
                None
            }
            Item::Last(bytes) => {
                self.partial.extend(bytes);
                self.joined += 1;
                Some(std::mem::take(&mut self.partial))
            }
        }
    }

    /// Reads on to the next event of this type.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            match self.next().await {
                Some(event) if event["type"] == kind => return event,
                Some(_) => {}
                None => panic!("over before {kind}; seen: {:?}", self.kinds()),
            }
        }
    }

    /// Reads on to the end of the connection.
    pub async fn until_closed(&mut self) {
        while self.next().await.is_some() {}
    }

    /// Whether nothing of this type comes for a while.
    pub async fn nothing_of(&mut self, kind: &str, ms: u64) -> bool {
        let wait = async {
            loop {
                match self.next().await {
                    Some(event) if event["type"] == kind => return false,
                    Some(_) => {}
                    None => return true,
                }
            }
        };
        timeout(Duration::from_millis(ms), wait).await.unwrap_or(true)
    }

    pub async fn error(&mut self) -> Value {
        self.until("error").await["error"].clone()
    }

    pub fn kinds(&self) -> Vec<&str> {
        self.seen.iter().filter_map(|e| e["type"].as_str()).collect()
    }

    pub fn all(&self, kind: &str) -> Vec<&Value> {
        self.seen.iter().filter(|e| e["type"] == kind).collect()
    }

    pub fn audio_bytes(&self, response_id: &Value) -> usize {
        self.seen
            .iter()
            .filter(|e| &e["response_id"] == response_id)
            .filter(|e| {
                e["type"] == "response.output_audio.delta" || e["type"] == "response.audio.delta"
            })
            .map(|e| STANDARD.decode(e["delta"].as_str().unwrap()).unwrap().len())
            .sum()
    }

    /// A GA session in μ-law, ready, with these fields besides.
    pub async fn ready(&mut self, more: Value) -> Value {
        let mut session = json!({
            "type": "realtime",
            "audio": {
                "input": {"format": {"type": "audio/pcmu"}, "transcription": {"model": "gpt-realtime-whisper"}},
                "output": {"format": {"type": "audio/pcmu"}},
            },
        });
        merge(&mut session, more);
        self.until("session.created").await;
        self.send(json!({"type": "session.update", "session": session})).await;
        self.until("session.updated").await["session"].clone()
    }

    pub async fn say(&mut self, text: &str) {
        let instructions = format!("Say exactly: \"{text}\"");
        self.send(json!({"type": "response.create", "response": {"instructions": instructions}}))
            .await;
    }
}

pub fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}
