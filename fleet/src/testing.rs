//! A Redis of the tests' own, in a temporary folder and gone with the process.
//! Never somebody's server.
//!
//! It runs below a shell that reads from a pipe we hold. However our process ends,
//! the pipe closes; then the shell stops the server and removes the folder.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longest wait for the server to listen. Ours; it takes some ten milliseconds.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Nothing is kept on disk: a server that comes back has lost its memory.
const KEEPER: &str = r#"
exec 3<&0 </dev/null
redis-server --port "$1" --bind 127.0.0.1 --dir "$2" --save '' --appendonly no \
    --daemonize no --logfile "$2/log" >/dev/null 2>&1 3<&- &
server=$!
echo $server >"$2/pid.new" && mv "$2/pid.new" "$2/pid"
trap '' INT TERM HUP
{ cat <&3 >/dev/null; kill -CONT $server; kill -KILL $server; } 2>/dev/null &
wait $server
"#;

/// A Redis server on a port of its own on loopback.
#[derive(Debug)]
pub struct PrivateRedis {
    folder: TempDir,
    port: u16,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    /// While this is open the server runs.
    lifeline: Option<ChildStdin>,
    shell: Child,
}

impl PrivateRedis {
    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// When it is not installed (scripts/test installs it), or does not start.
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("tl-redis-").tempdir()?;
        // Free a moment ago; in the rare case that it no longer is, the server
        // does not start and the test says so.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut server = Self { folder, port, running: None };
        server.start_again()?;
        Ok(server)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it again, without its memory, after [`Self::kill`].
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&mut self) -> io::Result<()> {
        drop(std::fs::remove_file(self.pid_file()));
        let mut shell = Command::new("/bin/sh")
            .args(["-c", KEEPER, "keeper", &self.port.to_string()])
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let lifeline = shell.stdin.take();
        self.running = Some(Running { lifeline, shell });
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() || self.pid().is_err() {
            let ended = self.running.as_mut().map(|running| running.shell.try_wait());
            let gone = matches!(ended, None | Some(Ok(Some(_))));
            if gone || Instant::now() > deadline {
                return Err(io::Error::other(
                    "redis-server did not start: is it installed? scripts/test installs it",
                ));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Stops the server in mid-step: it hears and answers nothing.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn pause(&self) -> io::Result<()> {
        self.signal("-STOP")
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn resume(&self) -> io::Result<()> {
        self.signal("-CONT")
    }

    /// Kills it; its memory is lost.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn kill(&mut self) -> io::Result<()> {
        self.signal("-KILL")?;
        if let Some(mut running) = self.running.take() {
            running.shell.wait()?;
        }
        Ok(())
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.path().join("pid")
    }

    fn pid(&self) -> io::Result<String> {
        Ok(std::fs::read_to_string(self.pid_file())?.trim().to_owned())
    }

    fn signal(&self, signal: &str) -> io::Result<()> {
        let sent = Command::new("kill").args([signal, &self.pid()?]).status()?;
        if sent.success() { Ok(()) } else { Err(io::Error::other("no such process")) }
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.lifeline.take());
            drop(running.shell.wait());
        }
    }
}
