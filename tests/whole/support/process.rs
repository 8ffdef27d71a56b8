//! A program beside the test: run with nothing in its environment but what it is
//! given, waited for, and gone with the value.

use std::ffi::OsStr;
use std::net::{TcpStream, ToSocketAddrs};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take until it is there, or gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command with nothing in its environment but the path to other programs, which
/// reads nothing and says nothing.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The same of this build's `trunkline`.
pub fn trunkline() -> Command {
    command(env!("CARGO_BIN_EXE_trunkline"))
}

/// A process that is killed when this is dropped.
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Runs a command; `name` is what it is called when it fails.
    pub fn run(name: &str, command: &mut Command) -> Self {
        let child = command.spawn().unwrap_or_else(|error| panic!("{name} cannot be run: {error}"));
        Self { name: name.to_owned(), child }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended; none while it lives.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Sends it a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let done = Command::new("kill").arg(format!("-{name}")).arg(pid).status();
        assert!(done.expect("kill can be run").success());
    }

    /// Waits for its end, which somebody else brings about; `complaint` is what is said
    /// when it does not come.
    pub async fn wait(&mut self, complaint: impl Fn() -> String) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(Instant::now() < deadline, "{} does not end\n{}", self.name, complaint());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Blocks until `look` finds that it is ready; fails when it ends before, or takes
    /// too long, and says `complaint` then.
    pub fn until_ready<T>(
        &mut self,
        mut look: impl FnMut() -> Option<T>,
        complaint: impl Fn() -> String,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            let ended = self.ended();
            assert!(ended.is_none(), "{} ended at once\n{}", self.name, complaint());
            assert!(Instant::now() < deadline, "{} does not listen\n{}", self.name, complaint());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The same of a program that is ready once somebody listens at an address.
    pub fn until_it_listens(&mut self, address: impl ToSocketAddrs) {
        self.until_ready(|| TcpStream::connect(&address).ok(), String::new);
    }

    /// Kills it, if it did not end by itself, which is as good.
    pub fn end(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
