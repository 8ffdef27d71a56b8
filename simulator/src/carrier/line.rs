//! The carrier's connections: signed form posts and signed WebSockets.

use std::time::Duration;

use actix_codec::Framed;
use actix_rt::net::TcpStream;
use actix_service::{Service, fn_service};
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, ConnectorService};
use awc::error::{SendRequestError, WsClientError};
use awc::http::Uri;
use awc::http::header::HOST;
use awc::{BoxedSocket, Client, Connector};
use bytes::Bytes;
use trunkline_core::wire::twilio::signature;

use super::address::{Address, without_fragment};
use super::twiml::MAX_TWIML_BYTES;
use crate::thin::{self, Connection as ThinConnection, HandshakeError};

/// Twilio gives every webhook this long, whatever its settings say.
pub const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest WebSocket frame that is read, in bytes; awc's own limit is 64 KiB.
const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// The codec's name is private to awc; it is actix-http's.
pub(super) type Socket = Framed<BoxedSocket, awc::ws::Codec>;

thread_local! {
    /// One client a thread: where TLS is compiled in, each loads the roots.
    static CLIENT: Client = client(false);
}

/// An HTTP client without a cap on its connections, whose sockets send at once.
/// With `resets`, a socket that is dropped is reset rather than closed.
fn client(resets: bool) -> Client {
    choose_crypto();
    let tcp = ConnectorService::default();
    let wire = fn_service(move |info: ConnectInfo<Uri>| {
        let connecting = tcp.call(info);
        async move { prepared(connecting.await?, resets) }
    });
    let connector = Connector::new().connector(wire).limit(0).timeout(Duration::from_secs(5));
    Client::builder()
        .connector(connector)
        .disable_redirects()
        .no_default_headers()
        .timeout(WEBHOOK_TIMEOUT)
        .finish()
}

/// Where TLS is compiled in, building a connector panics unless a provider of
/// cryptography has been chosen for the process.
fn choose_crypto() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::trace!("a provider of cryptography was chosen before");
    }
}

fn prepared(
    connection: Connection<Uri, TcpStream>,
    resets: bool,
) -> Result<Connection<Uri, TcpStream>, ConnectError> {
    connection.io_ref().set_nodelay(true).map_err(ConnectError::Io)?;
    if resets {
        connection.io_ref().set_zero_linger().map_err(ConnectError::Io)?;
    }
    Ok(connection)
}

/// An answer to a webhook.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("cannot connect: {0}")]
    Connect(String),
    #[error("no answer within {} s", WEBHOOK_TIMEOUT.as_secs())]
    Timeout,
    #[error("{0}")]
    Broken(String),
}

/// The carrier's side of all connections to one server.
#[derive(Clone)]
pub(super) struct Line {
    address: Address,
    token: Option<String>,
}

impl Line {
    pub(super) fn new(address: Address, token: Option<String>) -> Self {
        Self { address, token }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Posts a form, once more if no connection could be made, as Twilio does.
    pub(super) async fn post(
        &self,
        url: &str,
        params: &[(String, String)],
    ) -> Result<Answer, LineError> {
        match self.post_once(url, params, None).await {
            Err(LineError::Connect(_)) => {
                let token = uuid::Uuid::new_v4().to_string();
                self.post_once(url, params, Some(&token)).await
            }
            result => result,
        }
    }

    async fn post_once(
        &self,
        url: &str,
        params: &[(String, String)],
        retry: Option<&str>,
    ) -> Result<Answer, LineError> {
        let body: String =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let route = self.address.route(url);
        // A connection per request: the server may close an idle one at the very
        // moment it is used again.
        let mut request = CLIENT
            .with(|client| client.post(&route.url))
            .force_close()
            .insert_header(("user-agent", "TwilioProxy/1.1 (trunkline simulate)"))
            .insert_header(("accept", "*/*"))
            .insert_header(("content-type", "application/x-www-form-urlencoded; charset=UTF-8"));
        if let Some(host) = route.host {
            request = request.insert_header((HOST, host));
        }
        if let Some(token) = &self.token {
            let signature = signature::sign(token, without_fragment(url), params);
            request = request.insert_header(("x-twilio-signature", signature));
        }
        if let Some(retry) = retry {
            request = request.insert_header(("i-twilio-idempotency-token", retry));
        }
        let exchange = async {
            let mut answer = request.send_body(body).await.map_err(failed)?;
            let broken = |error| LineError::Broken(format!("{error}"));
            // More than is followed, so that the report can say what was too long.
            let body = answer.body().limit(4 * MAX_TWIML_BYTES).await.map_err(broken)?;
            let content_type = answer.headers().get("content-type");
            let content_type = content_type.and_then(|value| value.to_str().ok());
            Ok(Answer {
                status: answer.status().as_u16(),
                content_type: content_type.unwrap_or_default().to_owned(),
                body,
            })
        };
        tokio::time::timeout(WEBHOOK_TIMEOUT, exchange).await.unwrap_or(Err(LineError::Timeout))
    }

    /// Opens a WebSocket: signed over exactly `url`, no `Origin`, no extensions.
    pub(super) async fn open(&self, url: &str, resets: bool) -> Result<Socket, OpenError> {
        let route = self.address.route(url);
        let client = if resets { client(true) } else { CLIENT.with(Client::clone) };
        let mut request = client
            .ws(&route.url)
            .max_frame_size(MAX_FRAME_BYTES)
            .set_header("user-agent", "Twilio.TmeWs/1.0 (trunkline simulate)");
        if let Some(host) = route.host {
            request = request.set_header(HOST, host);
        }
        if let Some(token) = &self.token {
            request = request.set_header("x-twilio-signature", signature::sign(token, url, &[]));
        }
        let (_, socket) = Box::pin(request.connect()).await.map_err(OpenError::from)?;
        Ok(socket)
    }
}

impl Line {
    /// Opens a WebSocket likewise, on a thin connection: without TLS.
    pub(super) async fn open_thin(&self, url: &str) -> Result<ThinConnection, OpenError> {
        let refused = |message: String| OpenError { code: 31_920, message };
        let route = self.address.route(url);
        let Some(rest) = route.url.strip_prefix("ws://") else {
            return Err(refused(format!(
                "echo load needs a server without TLS, not {}",
                route.url
            )));
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let signature = self.token.as_ref().map(|token| signature::sign(token, url, &[]));
        let mut headers = vec![("user-agent", "Twilio.TmeWs/1.0 (trunkline simulate)")];
        headers.extend(route.host.as_deref().map(|host| ("host", host)));
        headers.extend(signature.as_deref().map(|signature| ("x-twilio-signature", signature)));
        let target = format!("/{path}");
        let opening = Box::pin(thin::connect(authority, &target, &headers));
        opening.await.map_err(|error| OpenError {
            code: match error {
                HandshakeError::Timeout => 31_901,
                HandshakeError::Socket(_) => 31_902,
                HandshakeError::NoHttp | HandshakeError::Refused(_) => 31_920,
            },
            message: format!("the stream could not be opened: {error}"),
        })
    }
}

/// Why a stream could not be opened, with Twilio's number for it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct OpenError {
    pub(super) code: u32,
    pub(super) message: String,
}

impl From<WsClientError> for OpenError {
    fn from(error: WsClientError) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "every other way in which a handshake fails has one number"
        )]
        let code = match &error {
            WsClientError::SendRequest(SendRequestError::Timeout) => 31_901,
            WsClientError::SendRequest(SendRequestError::Connect(_)) => 31_902,
            WsClientError::SendRequest(SendRequestError::Url(_)) => 31_923,
            _ => 31_920,
        };
        Self { code, message: format!("the stream could not be opened: {error}") }
    }
}

fn failed(error: SendRequestError) -> LineError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest differ in their text only")]
    match error {
        SendRequestError::Connect(error) => LineError::Connect(error.to_string()),
        SendRequestError::Timeout => LineError::Timeout,
        other => LineError::Broken(other.to_string()),
    }
}
