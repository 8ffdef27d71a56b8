//! A way to Postgres on which, when it is told to, the answer to a commit is lost:
//! the server applies it, and the client sees its connection end.

use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::oneshot;

/// How long a commit is given to be applied before the connection ends: nobody can
/// see that it was.
const APPLIED: Duration = Duration::from_millis(200);

/// See the module's text. It ends when it is dropped.
pub struct DeafProxy {
    port: u16,
    deaf: Arc<AtomicUsize>,
    lost: Arc<AtomicUsize>,
    _stay: oneshot::Sender<()>,
}

impl DeafProxy {
    /// A proxy before the server that listens on this socket. It has a thread of its
    /// own: tests wait for the database on theirs.
    pub async fn start(socket: PathBuf) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("no blocking");
        let port = listener.local_addr().expect("an address").port();
        let (stay, gone) = oneshot::channel::<()>();
        let (deaf, lost) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let ears = (Arc::clone(&deaf), Arc::clone(&lost));
        drop(actix_rt::task::spawn_blocking(move || {
            actix_rt::System::new().block_on(async move {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    () = listen(listener, &socket, ears) => {}
                    _ = gone => {}
                }
            });
        }));
        Self { port, deaf, lost, _stay: stay }
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://trunkline@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// The answers to so many commits from now on are lost.
    pub fn lose_answers(&self, commits: usize) {
        self.deaf.store(commits, Ordering::SeqCst);
    }

    /// How many were.
    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }
}

type Ears = (Arc<AtomicUsize>, Arc<AtomicUsize>);

async fn listen(listener: TcpListener, socket: &Path, ears: Ears) {
    loop {
        let (client, _) = listener.accept().await.expect("a client");
        let Ok(server) = StdUnixStream::connect(socket) else {
            continue;
        };
        server.set_nonblocking(true).expect("no blocking");
        let server = UnixStream::from_std(server).expect("a socket");
        drop(actix_rt::spawn(relay(client, server, ears.clone())));
    }
}

async fn relay(client: TcpStream, server: UnixStream, (deaf, lost): Ears) {
    let mut bytes = vec![0; 1 << 16];
    loop {
        tokio::select! {
            ready = client.readable() => {
                let (Ok(()), Some(asked)) = (ready, read(client.try_read(&mut bytes))) else { return };
                let asked = &bytes[..asked];
                let is_commit = asked.windows(6).any(|word| word == b"COMMIT");
                if !write_all(asked, async |part| {
                    server.writable().await?;
                    server.try_write(part)
                }).await {
                    return;
                }
                let left = deaf.load(Ordering::SeqCst);
                if is_commit && left > 0 {
                    deaf.store(left - 1, Ordering::SeqCst);
                    tokio::time::sleep(APPLIED).await;
                    lost.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
            ready = server.readable() => {
                let (Ok(()), Some(answer)) = (ready, read(server.try_read(&mut bytes))) else { return };
                let written = write_all(&bytes[..answer], async |part| {
                    client.writable().await?;
                    client.try_write(part)
                });
                if !written.await {
                    return;
                }
            }
        }
    }
}

/// How much was read; none at the end.
fn read(result: std::io::Result<usize>) -> Option<usize> {
    match result {
        Ok(0) => None,
        Ok(count) => Some(count),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Some(0),
        Err(_) => None,
    }
}

async fn write_all(mut rest: &[u8], write: impl AsyncFn(&[u8]) -> std::io::Result<usize>) -> bool {
    while !rest.is_empty() {
        match write(rest).await {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
    true
}
