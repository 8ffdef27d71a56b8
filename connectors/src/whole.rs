//! Connections on which the end of a stream has to be announced.
//!
//! awc takes a connection that is closed between two chunks of an answer, or before
//! all of its announced length has come, for the answer's end. Half a sentence of a
//! voice would pass for the whole. So here the end of a stream is an error: an answer
//! that is whole by its own account is never read that far.
//!
//! It has to lie over TLS, whose goodbye says that the peer closed, not that it had
//! said all. awc puts TLS over what it is given; therefore `https` is dialled here,
//! and awc is told `http`.

use std::cell::RefCell;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_rt::net::{ActixStream, Ready, TcpStream};
use actix_service::{Service, fn_service};
use actix_tls::connect::rustls_0_23::reexports::ClientConfig;
use actix_tls::connect::rustls_0_23::{TlsConnector, webpki_roots_cert_store};
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, Connector as TcpConnector};
use awc::http::Uri;
use awc::http::uri::{Authority, InvalidUri, Scheme};
use awc::{Client, Connector};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::socket;
use crate::websocket::{CONNECT_TIMEOUT, install_crypto_provider};

/// How long a connection that nobody uses is kept for the next request.
const IDLE_KEPT: Duration = Duration::from_secs(55);

/// How long one is used at most.
const CONNECTION_KEPT: Duration = Duration::from_secs(600);

/// See the module's text.
#[derive(Debug)]
struct Whole<Io>(Io);

impl<Io: AsyncRead + Unpin> AsyncRead for Whole<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut self.0).poll_read(task, buffer);
        let is_end = room > 0 && buffer.filled().len() == before;
        if is_end && matches!(read, Poll::Ready(Ok(()))) {
            return Poll::Ready(Err(Error::new(ErrorKind::UnexpectedEof, "the peer closed")));
        }
        read
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Whole<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(task)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(task)
    }
}

/// Asked for by TLS over it, of which there is none.
impl<Io: AsyncRead + AsyncWrite + Unpin> ActixStream for Whole<Io> {
    fn poll_read_ready(&self, _: &mut Context<'_>) -> Poll<std::io::Result<Ready>> {
        Poll::Ready(Ok(Ready::READABLE))
    }

    fn poll_write_ready(&self, _: &mut Context<'_>) -> Poll<std::io::Result<Ready>> {
        Poll::Ready(Ok(Ready::WRITABLE))
    }
}

/// Who asks, with and without TLS. Building one loads the TLS roots, so there is one
/// of each per thread.
#[derive(Clone)]
struct Clients {
    plain: Client,
    secure: Client,
}

thread_local! {
    static CLIENTS: RefCell<Option<Clients>> = const { RefCell::new(None) };
}

/// Makes this thread's clients now, so that the first call does not wait for them.
pub(crate) fn warm_up() {
    drop(clients());
}

fn clients() -> Clients {
    CLIENTS.with(|cell| {
        let build = || Clients { plain: plain(), secure: secure(tls_config()) };
        cell.borrow_mut().get_or_insert_with(build).clone()
    })
}

/// The client for `url`, and the URL that it is to be told.
///
/// # Errors
/// When it is no URL.
pub(crate) fn client_for(url: &str) -> Result<(Client, Uri), InvalidUri> {
    let uri: Uri = url.parse()?;
    let Clients { plain, secure } = clients();
    if uri.scheme() == Some(&Scheme::HTTPS) {
        Ok((secure, as_plain(uri)?))
    } else {
        Ok((plain, uri))
    }
}

/// The same place, named as one without TLS. The port of TLS is not written into
/// the request's `Host`.
fn as_plain(uri: Uri) -> Result<Uri, InvalidUri> {
    let mut parts = uri.into_parts();
    parts.scheme = Some(Scheme::HTTP);
    if let Some(authority) = parts.authority.take() {
        let named = authority.port().is_some();
        let full = || Authority::try_from(format!("{authority}:443").as_str());
        parts.authority = Some(if named { authority } else { full()? });
    }
    // Only the scheme's name and a port have changed.
    Ok(Uri::from_parts(parts).unwrap_or_default())
}

async fn dial(info: ConnectInfo<Uri>) -> Result<Connection<Uri, TcpStream>, ConnectError> {
    let connection = TcpConnector::default().service().call(info).await?;
    socket::tune(connection.io_ref());
    Ok(connection)
}

fn whole<Io>(connection: Connection<Uri, Io>) -> Connection<Uri, Whole<Io>> {
    let (io, rest) = connection.replace_io(());
    rest.replace_io(Whole(io)).1
}

fn plain() -> Client {
    client_over(fn_service(|info: ConnectInfo<Uri>| async move { dial(info).await.map(whole) }))
}

fn secure(tls: Arc<ClientConfig>) -> Client {
    client_over(fn_service(move |info: ConnectInfo<Uri>| {
        let tls = TlsConnector::service(Arc::clone(&tls));
        async move {
            let secured = tls.call(dial(info).await?).await;
            secured.map(whole).map_err(ConnectError::Io)
        }
    }))
}

/// awc's own limits are those of a web client. The request's patience is the only
/// clock besides that of a dial, and a key goes where it was meant to.
fn client_over<S, Io>(service: S) -> Client
where
    Io: ActixStream + std::fmt::Debug + 'static,
    S: Service<ConnectInfo<Uri>, Response = Connection<Uri, Io>, Error = ConnectError>,
    S: Clone + 'static,
{
    let connector = Connector::new()
        .connector(service)
        .limit(0)
        .max_http_version(awc::http::Version::HTTP_11)
        // A caller's turns are further apart than the usual 15 s, and a new connection
        // costs them two or three journeys there and back. Most services keep one for a
        // minute or more.
        .conn_keep_alive(IDLE_KEPT)
        .conn_lifetime(CONNECTION_KEPT)
        .timeout(CONNECT_TIMEOUT);
    Client::builder().disable_timeout().disable_redirects().connector(connector).finish()
}

fn tls_config() -> Arc<ClientConfig> {
    install_crypto_provider();
    let config = ClientConfig::builder().with_root_certificates(webpki_roots_cert_store());
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use actix_rt::task::spawn_blocking;
    use futures_util::StreamExt as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

    use super::*;

    /// Of `localhost`, signed by itself, for tests alone.
    const CERTIFICATE: &[u8] = include_bytes!("testdata/localhost.cert");
    const KEY: &[u8] = include_bytes!("testdata/localhost.key");

    /// Answers one request by these bytes, and says TLS's goodbye.
    fn answer(listener: &TcpListener, bytes: &str) {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(KEY));
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key).unwrap();
        let session = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(session, listener.accept().unwrap().0);
        let mut request = Vec::new();
        while !request.ends_with(b"the request") {
            let mut piece = [0; 1_024];
            let read = stream.read(&mut piece).unwrap();
            assert!(read > 0, "the request breaks off");
            request.extend(piece.iter().take(read));
        }
        stream.write_all(bytes.as_bytes()).unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    }

    /// The answer's body as far as it came, and whether it was whole.
    async fn heard(bytes: &'static str) -> (Vec<u8>, bool) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let there = spawn_blocking(move || answer(&listener, bytes));
        install_crypto_provider();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(CERTIFICATE)).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let url = format!("https://localhost:{}/", address.port());
        let url = as_plain(url.parse().unwrap()).unwrap();
        let request = secure(Arc::new(config)).post(url).address(address);
        let mut response = request.send_body("the request").await.unwrap();
        let (mut body, mut whole) = (Vec::new(), true);
        while let Some(piece) = response.next().await {
            match piece {
                Ok(piece) => body.extend_from_slice(&piece),
                // It would be told for ever.
                Err(_) => {
                    whole = false;
                    break;
                }
            }
        }
        there.await.unwrap();
        (body, whole)
    }

    #[actix_rt::test]
    async fn the_goodbye_of_tls_is_no_end_of_an_answer() {
        const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\naaaa\r\n";
        assert_eq!(heard(HEAD).await, (b"aaaa".to_vec(), false));
        let whole = concat!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "4\r\naaaa\r\n0\r\n\r\n"
        );
        assert_eq!(heard(whole).await, (b"aaaa".to_vec(), true));
        let sized = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\naaaabbbb";
        assert_eq!(heard(sized).await, (b"aaaabbbb".to_vec(), false));
    }

    #[test]
    fn the_port_of_tls_is_named_and_another_stays() {
        for (url, told) in [
            ("https://api.example/v1?x=1", "http://api.example:443/v1?x=1"),
            ("https://api.example:8443/v1", "http://api.example:8443/v1"),
            ("https://[::1]/", "http://[::1]:443/"),
            ("http://api.example/v1", "http://api.example/v1"),
        ] {
            assert_eq!(client_for(url).unwrap().1.to_string(), told);
        }
        assert!(client_for("no url").is_err());
    }
}
