//! Requests that are answered by a stream: sent once, read as it comes. Dropping
//! what [`post`] gives, or the future itself, closes the connection, so that the
//! service stops working for us.
//!
//! No redirect is followed: the request holds a key.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use awc::ClientResponse;
use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::http::{Method, StatusCode, header};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout, timeout_at};
use trunkline_core::wire::refusal::{Advice, Refusal};
use trunkline_core::wire::url::UrlError;

use crate::reach::{OutOfReach, Reach};
use crate::websocket::{checked_addresses, nobody_there};
use crate::whole::client_for;

/// Longest refusal that is read, in bytes.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;
/// How long the end of an answer that is complete is waited for, so that its
/// connection can serve the next request.
const END_PATIENCE: Duration = Duration::from_millis(200);

/// The headers of which one says where an answer ends.
const LENGTHS: [header::HeaderName; 2] = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING];

/// How long a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From the request to the first byte of its answer's body, connecting
    /// included.
    pub first_byte: Duration,
    /// From one piece of the body to the next.
    pub idle: Duration,
    /// From the request to the body's end.
    pub whole: Duration,
}

/// Which patience came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing of the answer came.
    FirstByte,
    /// It stopped coming.
    Idle,
    /// It went on for too long.
    Whole,
}

/// Why an answer cannot be had, or not to its end. Holds no header, no query and
/// nothing of the request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The configured URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Nobody answered in time.
    #[error("no answer within {after:?} ({stage:?})")]
    Timeout {
        /// What was waited for.
        stage: Stage,
        /// How long.
        after: Duration,
    },
    /// The service answered with something other than 200.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The address may not be dialled.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
    /// No connection, or a broken one.
    #[error("{0}")]
    Connection(String),
    /// The answer is longer than anybody would want it.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// The answer is complete and holds nothing, or not what was asked for.
    #[error("the answer is {0}")]
    Useless(&'static str),
}

impl RequestError {
    /// What it asks of us. Asking again is for those who have used nothing of
    /// the answer yet.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Url(_) | Self::OutOfReach(OutOfReach::NotPublic) => Advice::GiveUp,
            Self::OutOfReach(OutOfReach::NoAddress) => Advice::Retry,
            Self::Refused(refusal) => refusal.advice(),
            Self::Timeout { .. } | Self::Connection(_) | Self::TooLong(_) | Self::Useless(_) => {
                Advice::Retry
            }
        }
    }
}

/// The body of an answer, as it comes.
pub struct Body {
    response: ClientResponse,
    patience: Patience,
    sent_at: Instant,
    bytes: usize,
    max_bytes: usize,
    /// Whether the answer says itself where it ends. One of HTTP/1.0 may end with its
    /// connection, and nobody knows whether all of it came.
    announced: bool,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Posts `body` to `url`, as far as `reach` goes, and waits for an answer of at most
/// `max_bytes`.
///
/// # Errors
/// When the address may not be dialled, or there is no answer in time, or none of
/// status 200.
pub async fn post(
    url: &str,
    headers: &[(&'static str, String)],
    body: String,
    max_bytes: usize,
    patience: Patience,
    reach: &Reach,
) -> Result<Body, RequestError> {
    send(Request { method: Method::POST, url, headers, body }, max_bytes, patience, reach).await
}

/// A request. One whose headers close the connection leaves none to be used again.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'static str, String)],
    pub(crate) body: String,
}

/// Sends a request likewise.
///
/// # Errors
/// As [`post`]; 201 is as good as 200.
pub(crate) async fn send(
    Request { method, url, headers, body }: Request<'_>,
    max_bytes: usize,
    patience: Patience,
    reach: &Reach,
) -> Result<Body, RequestError> {
    let sent_at = Instant::now();
    let first_byte_at = sent_at + patience.first_byte;
    let checked = match timeout_at(first_byte_at, checked_addresses(url, reach)).await {
        Err(_) => return Err(too_late(Stage::FirstByte, patience.first_byte)),
        Ok(checked) => checked?,
    };
    let (client, uri) =
        client_for(url).map_err(|error| RequestError::Connection(error.to_string()))?;
    let send = |address: Option<SocketAddr>| {
        let mut request = client.request(method.clone(), &uri);
        for (name, value) in headers {
            request = request.insert_header((*name, value.as_str()));
            if *name == "connection" && value == "close" {
                request = request.force_close();
            }
        }
        if let Some(address) = address {
            request = request.address(address);
        }
        timeout_at(first_byte_at, Box::pin(request.send_body(body.clone())))
    };
    let mut addresses = checked.into_iter();
    let mut head = send(addresses.next()).await;
    // Another address of the same name may be the one that answers.
    for address in addresses {
        if !matches!(head, Ok(Err(SendRequestError::Connect(_)))) {
            break;
        }
        head = send(Some(address)).await;
    }
    let response = match head {
        Err(_) => return Err(too_late(Stage::FirstByte, patience.first_byte)),
        Ok(Err(SendRequestError::Connect(ConnectError::Timeout))) => {
            nobody_there(url);
            return Err(too_late(Stage::FirstByte, crate::websocket::CONNECT_TIMEOUT));
        }
        Ok(Err(SendRequestError::Connect(error))) => {
            nobody_there(url);
            return Err(RequestError::Connection(error.to_string()));
        }
        Ok(Err(other)) => return Err(RequestError::Connection(other.to_string())),
        Ok(Ok(response)) => response,
    };
    let announced = LENGTHS.iter().any(|name| response.headers().contains_key(name));
    let mut body = Body { response, patience, sent_at, bytes: 0, max_bytes, announced };
    if matches!(body.response.status(), StatusCode::OK | StatusCode::CREATED) {
        return Ok(body);
    }
    Err(RequestError::Refused(body.refusal().await))
}

const fn too_late(stage: Stage, after: Duration) -> RequestError {
    RequestError::Timeout { stage, after }
}

impl Body {
    /// The header of that name, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The next piece; `None` once the answer is complete by its own account. May be cancelled and
    /// called again.
    ///
    /// # Errors
    /// When nothing comes in time, too much comes, or the connection breaks.
    pub async fn next(&mut self) -> Option<Result<Bytes, RequestError>> {
        let (stage, after) = if self.bytes == 0 {
            let rest = self.patience.first_byte.saturating_sub(self.sent_at.elapsed());
            (Stage::FirstByte, rest)
        } else {
            (Stage::Idle, self.patience.idle)
        };
        let left = self.patience.whole.saturating_sub(self.sent_at.elapsed());
        let (stage, wait) = if left < after { (Stage::Whole, left) } else { (stage, after) };
        let told = match stage {
            Stage::FirstByte => self.patience.first_byte,
            Stage::Idle => self.patience.idle,
            Stage::Whole => self.patience.whole,
        };
        match timeout(wait, self.response.next()).await {
            Err(_) => Some(Err(too_late(stage, told))),
            Ok(None) => None,
            Ok(Some(Err(PayloadError::Incomplete(Some(error)))))
                if !self.announced && error.kind() == ErrorKind::UnexpectedEof =>
            {
                None
            }
            Ok(Some(Err(error))) => Some(Err(RequestError::Connection(error.to_string()))),
            Ok(Some(Ok(piece))) => {
                self.bytes = self.bytes.saturating_add(piece.len());
                let good = self.bytes <= self.max_bytes;
                Some(good.then_some(piece).ok_or(RequestError::TooLong(self.max_bytes)))
            }
        }
    }

    /// Bytes that came so far.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Waits a moment for the end of an answer of which nothing more is wanted.
    pub(crate) async fn end(&mut self) {
        let rest = async { while let Some(Ok(_)) = self.response.next().await {} };
        if timeout(END_PATIENCE, rest).await.is_err() {
            tracing::debug!("an answer did not end, so its connection is closed");
        }
    }

    async fn refusal(&mut self) -> Refusal {
        let status = self.response.status().as_u16();
        let retry_after = self.header("retry-after").map(str::to_owned);
        let mut body = Vec::new();
        while let Some(Ok(piece)) = self.next().await {
            body.extend_from_slice(&piece);
            if body.len() > MAX_REFUSAL_BYTES {
                break;
            }
        }
        Refusal::read(status, retry_after.as_deref(), &body)
    }
}
