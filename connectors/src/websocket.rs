//! WebSocket connections to providers.
//!
//! Building a client loads the TLS roots, which takes milliseconds, so there is
//! one per thread. awc's own limits are those of a web client: a hundred
//! connections, 64 KiB frames, Nagle's algorithm on. A call engine needs none of
//! the three.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use actix_codec::Framed;
use actix_service::{Service as _, fn_service};
use actix_tls::connect::{ConnectInfo, Connector as TcpConnector};
use awc::error::WsClientError;
use awc::http::{StatusCode, Uri, header};
use awc::ws::WebsocketsRequest;
use awc::{BoxedSocket, Client, Connector};

use crate::bounded::Bounded;
use crate::reach::{self, OutOfReach, Reach};
use crate::socket;

/// How long a TCP connection and its TLS may take, whatever the patience.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An open connection: a stream and a sink of WebSocket frames. Fragmented
/// messages come in fragments.
pub type Connection = Framed<BoxedSocket, Bounded>;

/// What a dial came to.
pub struct Dialled {
    /// The open connection.
    pub connection: Connection,
    /// What time it was over there, to a second, where they said so.
    pub their_time: Option<SystemTime>,
}

/// Why no connection came about. Holds no header and no query.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody answered in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The service answered the handshake with something else.
    #[error("the handshake was answered with HTTP {0}")]
    Status(StatusCode),
    /// The address may not be dialled.
    #[error("{0}")]
    OutOfReach(#[from] OutOfReach),
    /// No connection, or a broken one.
    #[error("{0}")]
    Connection(String),
}

impl DialError {
    /// Whether dialling again could help: a refused key stays refused.
    #[must_use]
    pub fn is_worth_retrying(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Connection(_) | Self::OutOfReach(OutOfReach::NoAddress) => {
                true
            }
            Self::OutOfReach(OutOfReach::NotPublic) => false,
            Self::Status(status) => {
                !status.is_client_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
        }
    }
}

thread_local! {
    static CLIENT: RefCell<Option<Client>> = const { RefCell::new(None) };
}

/// Dials `url` (`ws:` or `wss:`) with these headers, as far as `reach` goes. It
/// follows no redirection. `max_frame_bytes` bounds one frame. Waits for at most
/// `patience` in all.
///
/// # Errors
/// When the address may not be dialled, or nobody answers, or not with a WebSocket.
pub async fn dial(
    url: &str,
    headers: &[(&'static str, String)],
    max_frame_bytes: usize,
    patience: Duration,
    reach: &Reach,
) -> Result<Dialled, DialError> {
    let request = || {
        let request = client().ws(url).max_frame_size(max_frame_bytes);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, value.as_str()))
    };
    let connected = Box::pin(async {
        let checked = checked_addresses(url, reach).await?;
        let mut last = None;
        for address in &checked {
            match connect(request().address(*address), max_frame_bytes).await {
                Err(DialError::Connection(error)) => last = Some(error),
                done => return done,
            }
        }
        match last {
            Some(error) => {
                nobody_there(url);
                Err(DialError::Connection(error))
            }
            None => connect(request(), max_frame_bytes).await,
        }
    });
    match tokio::time::timeout(patience, connected).await {
        Err(_) => Err(DialError::Timeout(patience)),
        Ok(done) => done,
    }
}

async fn connect(request: WebsocketsRequest, max_frame_bytes: usize) -> Result<Dialled, DialError> {
    match Box::pin(request.connect()).await {
        Err(WsClientError::InvalidResponseStatus(status)) => Err(DialError::Status(status)),
        Err(other) => Err(DialError::Connection(other.to_string())),
        Ok((answer, connection)) => {
            let said = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
            let their_time = said.and_then(|date| date.parse::<header::HttpDate>().ok());
            let bounded = |codec| Bounded { codec, most: max_frame_bytes };
            Ok(Dialled {
                connection: connection.into_map_codec(bounded),
                their_time: their_time.map(SystemTime::from),
            })
        }
    }
}

/// The addresses that `reach` lets be dialled; none where it does not matter.
pub(crate) async fn checked_addresses(
    url: &str,
    reach: &Reach,
) -> Result<Vec<SocketAddr>, OutOfReach> {
    if *reach == Reach::Anywhere {
        return Ok(Vec::new());
    }
    let (host, port) = host_of(url).ok_or(OutOfReach::NoAddress)?;
    reach.check(&host, port).await
}

/// None of the addresses of a URL answered.
pub(crate) fn nobody_there(url: &str) {
    if let Some((host, port)) = host_of(url) {
        reach::nobody_there(&host, port);
    }
}

fn host_of(url: &str) -> Option<(String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let is_tls = matches!(uri.scheme_str(), Some("wss" | "https"));
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    Some((uri.host()?.to_owned(), port))
}

/// Makes this thread's clients now, so that the first call does not wait for them.
pub fn warm_up() {
    drop(client());
    crate::whole::warm_up();
}

fn client() -> Client {
    CLIENT.with(|cell| cell.borrow_mut().get_or_insert_with(build).clone())
}

fn build() -> Client {
    install_crypto_provider();
    let tcp = fn_service(|info: ConnectInfo<Uri>| async move {
        let connection = TcpConnector::default().service().call(info).await?;
        socket::tune(connection.io_ref());
        Ok(connection)
    });
    let connector = Connector::new()
        .connector(tcp)
        .limit(0)
        .max_http_version(awc::http::Version::HTTP_11)
        .timeout(CONNECT_TIMEOUT);
    // The dial's own patience is the only clock, and a key goes where it was meant to.
    Client::builder().disable_timeout().disable_redirects().connector(connector).finish()
}

/// rustls takes no provider by itself. Installing one twice is harmless: the
/// first stays.
pub fn install_crypto_provider() {
    drop(rustls::crypto::ring::default_provider().install_default());
}
