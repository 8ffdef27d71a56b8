//! What the carrier records: the part of its API by which a recording is begun and
//! fetched, and what it tells a server once a call is over, as often as it likes.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::call::{Form, sid};
use super::follow::form;
use super::status::timestamp;

/// Sample rate of what is served.
const RATE_HZ: u32 = 8_000;
/// Samples of each channel: a second.
const SAMPLES: usize = 8_000;

/// How often, and how far apart, a call that is over looks whether it is recorded.
const LOOKS: u32 = 500;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A recording that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its name.
    pub sid: String,
    /// Whose it is.
    pub account: String,
    /// What is heard in it.
    pub call: String,
    /// 1, or 2.
    pub channels: u8,
    /// `StartCallRecordingAPI` or `DialVerb`.
    pub source: &'static str,
    /// Who is told of it.
    pub callback: Option<String>,
    /// How often its audio was given out.
    pub fetched: u32,
}

struct Kept {
    address: SocketAddr,
    token: String,
    copies: AtomicU32,
    failures: AtomicU32,
    absent: AtomicU32,
    expected: AtomicBool,
    made: Mutex<Vec<Made>>,
}

/// The carrier's recordings, and the server from which they are fetched. Clones are
/// the same.
#[derive(Clone)]
pub struct Recordings(Arc<Kept>);

impl Recordings {
    /// Begins to serve, to accounts that show this token. Must be called within an
    /// actix system, whose life the server shares.
    ///
    /// # Errors
    /// When no port is to be had.
    pub fn serve(token: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let kept = Self(Arc::new(Kept {
            address: listener.local_addr()?,
            token: token.to_owned(),
            copies: AtomicU32::new(1),
            failures: AtomicU32::new(0),
            absent: AtomicU32::new(0),
            expected: AtomicBool::new(false),
            made: Mutex::default(),
        }));
        let shared = web::Data::new(kept.clone());
        let server = HttpServer::new(move || {
            let accounts = "/2010-04-01/Accounts/{account}";
            App::new()
                .app_data(shared.clone())
                .route(&format!("{accounts}/Calls/{{call}}/Recordings.json"), web::post().to(start))
                .route(&format!("{accounts}/Recordings/{{file}}"), web::get().to(media))
        });
        let server = server.workers(1).disable_signals().listen(listener)?.run();
        drop(actix_rt::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the simulated carrier's API failed");
            }
        }));
        Ok(kept)
    }

    /// Where it is: what a server's `TWILIO_API_URL` says.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// Tells of each recording so often.
    pub fn tell_often(&self, copies: u32) {
        self.0.copies.store(copies, Ordering::Relaxed);
    }

    /// Answers the next so many requests for audio with 404, as Twilio may after it has
    /// told of a recording.
    pub fn fail_next(&self, requests: u32) {
        self.0.failures.store(requests, Ordering::Relaxed);
    }

    /// Says of the next so many recordings that there is nothing in them.
    pub fn leave_out(&self, recordings: u32) {
        self.0.absent.store(recordings, Ordering::Relaxed);
    }

    /// Says that the server has each call recorded: a short one does not end before it
    /// has asked, for some seconds at most.
    pub fn expect(&self) {
        self.0.expected.store(true, Ordering::Relaxed);
    }

    /// Waits until a call is recorded, where it is expected to be.
    pub(super) async fn until_asked(&self, call: &str) {
        for _ in 0..LOOKS {
            let asked = || self.list().iter().any(|made| made.call == call);
            if !self.0.expected.load(Ordering::Relaxed) || asked() {
                return;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// What was asked for so far.
    #[must_use]
    pub fn made(&self) -> Vec<Made> {
        self.list().clone()
    }

    /// Adds a recording by hand; its name.
    pub fn make(
        &self,
        (account, call): (&str, &str),
        channels: u8,
        source: &'static str,
        callback: Option<String>,
    ) -> String {
        let (sid, account, call) = (sid("RE"), account.to_owned(), call.to_owned());
        let made = Made { sid: sid.clone(), account, call, channels, source, callback, fetched: 0 };
        self.list().push(made);
        sid
    }

    /// What the carrier posts about a call's recordings once it is over, duplicates
    /// included: address and parameters. It does not say which number was called.
    pub(super) fn news(&self, call: &str, seconds: u64) -> Vec<(String, Form)> {
        let made = self.made();
        let of_call = made.iter().filter(|made| made.call == call);
        let mut news = Vec::new();
        for made in of_call {
            let Some(callback) = &made.callback else {
                continue;
            };
            let status = if take_one(&self.0.absent) { "absent" } else { "completed" };
            for _ in 0..self.0.copies.load(Ordering::Relaxed) {
                news.push((callback.clone(), self.told(made, status, seconds)));
            }
        }
        news
    }

    fn told(&self, made: &Made, status: &str, seconds: u64) -> Form {
        let Made { sid, account, call, channels, source, .. } = made;
        let url = format!("{}/2010-04-01/Accounts/{account}/Recordings/{sid}", self.base());
        let mut told = form(&[
            ("AccountSid", account),
            ("CallSid", call),
            ("RecordingSid", sid),
            ("RecordingUrl", &url),
            ("RecordingStatus", status),
            ("RecordingDuration", &seconds.to_string()),
            ("RecordingChannels", &channels.to_string()),
            ("RecordingStartTime", &timestamp()),
            ("RecordingSource", source),
            ("RecordingTrack", "both"),
        ]);
        if status == "absent" {
            told.extend(form(&[("ErrorCode", "16101")]));
        }
        told
    }

    fn list(&self) -> MutexGuard<'_, Vec<Made>> {
        self.0.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn knows(&self, request: &HttpRequest, account: &str) -> bool {
        let right = format!("Basic {}", STANDARD.encode(format!("{account}:{}", self.0.token)));
        let shown = request.headers().get(header::AUTHORIZATION);
        shown.is_some_and(|shown| shown.as_bytes() == right.as_bytes())
    }
}

/// Takes one of those that are left; whether there was one.
fn take_one(left: &AtomicU32) -> bool {
    let taken = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
}

fn refused(status: u16, code: u32, message: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status)
        .json(json!({ "code": code, "message": message, "status": status.as_u16() }))
}

async fn start(
    request: HttpRequest,
    kept: web::Data<Recordings>,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> HttpResponse {
    let (account, call) = path.into_inner();
    if !kept.knows(&request, &account) {
        return refused(401, 20_003, "Authenticate");
    }
    let asked: Form = form_urlencoded::parse(&body).into_owned().collect();
    let value = |name: &str| asked.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone());
    let dual = value("RecordingChannels").as_deref() == Some("dual");
    let (channels, callback) = (if dual { 2 } else { 1 }, value("RecordingStatusCallback"));
    let sid = kept.make((&account, &call), channels, "StartCallRecordingAPI", callback);
    HttpResponse::Created().json(json!({
        "sid": sid, "account_sid": account, "call_sid": call, "status": "in-progress",
        "channels": channels, "source": "StartCallRecordingAPI",
    }))
}

async fn media(
    request: HttpRequest,
    kept: web::Data<Recordings>,
    path: web::Path<(String, String)>,
) -> HttpResponse {
    let (account, file) = path.into_inner();
    if !kept.knows(&request, &account) {
        return refused(401, 20_003, "Authenticate");
    }
    if take_one(&kept.0.failures) {
        return refused(404, 20_404, "The requested resource was not found");
    }
    let both = request.query_string() == "RequestedChannels=2";
    let mut list = kept.list();
    let found = list
        .iter_mut()
        .find(|made| made.account == account && file.strip_suffix(".wav") == Some(&made.sid));
    let Some(made) = found else {
        return refused(404, 20_404, "The requested resource was not found");
    };
    made.fetched += 1;
    let channels = if both { made.channels } else { 1 };
    HttpResponse::Ok().content_type("audio/x-wav").body(audio(&made.sid, channels))
}

/// The audio of a recording, as a WAV file: the same for the same name, and not that of
/// another.
#[must_use]
pub fn audio(sid: &str, channels: u8) -> Vec<u8> {
    let data = SAMPLES * 2 * usize::from(channels);
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let frame = 2 * u16::from(channels);
    let mut file = Vec::with_capacity(44 + data);
    file.extend(b"RIFF");
    file.extend(number(36 + data));
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(u16::from(channels).to_le_bytes());
    file.extend(RATE_HZ.to_le_bytes());
    file.extend((RATE_HZ * u32::from(frame)).to_le_bytes());
    file.extend(frame.to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(number(data));
    file.extend(sid.bytes().cycle().take(data));
    file
}
