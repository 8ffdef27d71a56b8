//! A Postgres server of the tests' own, made in a temporary folder and gone with
//! the process. Never somebody's server.
//!
//! The server runs below a shell that reads from a pipe we hold. However our
//! process ends, by return, panic or kill, the pipe closes; then the shell stops
//! the server and removes the folder.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use tempfile::TempDir;

/// The user that owns every database of the cluster.
const SUPERUSER: &str = "trunkline";

/// Longest wait for the server's first answer. Ours; it takes a tenth of a second.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Where Debian and Red Hat put the binaries, in folders named by version.
const BINARY_FOLDERS: [&str; 2] = ["/usr/lib/postgresql", "/usr/pgsql"];

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The tests need a database server, and none is installed.
    #[error(
        "PostgreSQL's initdb was not found (looked in /usr/lib/postgresql/*/bin, $TRUNKLINE_PG_BIN and $PATH): \
         run scripts/test, which installs it"
    )]
    NotInstalled,
    /// A step of making the cluster failed.
    #[error("{step}: {reason}")]
    Step {
        /// What was tried.
        step: &'static str,
        /// What it said.
        reason: String,
    },
}

fn failed(step: &'static str) -> impl FnOnce(io::Error) -> ClusterError {
    move |error| ClusterError::Step { step, reason: error.to_string() }
}

/// A server with no data, reached through a socket in its own folder.
#[derive(Debug)]
pub struct PrivateCluster {
    folder: PathBuf,
    /// While this is open the server runs.
    lifeline: Option<ChildStdin>,
    shell: Child,
}

impl PrivateCluster {
    /// Makes a cluster and starts its server: two seconds or so. As root, which
    /// Postgres refuses to run as, it runs as the user `postgres`.
    ///
    /// # Errors
    /// When Postgres is not installed, or does not start.
    pub fn start() -> Result<Self, ClusterError> {
        let binaries = find_binaries().ok_or(ClusterError::NotInstalled)?;
        let folder = make_folder()?;
        let user = other_user(folder.path())?;
        if let Some(user) = user {
            chown(folder.path(), Some(user.uid), Some(user.gid)).map_err(failed("chown"))?;
        }
        make_cluster(&binaries, folder.path(), user)?;
        let mut shell = start_server(&binaries, folder.path(), user)?;
        let lifeline = shell.stdin.take();
        // From here on the shell removes the folder.
        let mut cluster = Self { folder: folder.keep(), lifeline, shell };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Makes an empty database and returns its URL. `name`: lower-case letters,
    /// digits and `_`.
    ///
    /// # Errors
    /// When there is one of that name, or the name has other characters.
    pub fn database(&self, name: &str) -> Result<String, ClusterError> {
        if name.is_empty() || !name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')) {
            return Err(ClusterError::Step {
                step: "CREATE DATABASE",
                reason: format!("bad name {name:?}"),
            });
        }
        let step = |reason: String| ClusterError::Step { step: "CREATE DATABASE", reason };
        let mut connection =
            PgConnection::establish(&self.url("postgres")).map_err(|e| step(e.to_string()))?;
        connection
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .map_err(|e| step(e.to_string()))?;
        Ok(self.url(name))
    }

    /// The URL of a database of this cluster, whether there is one or not.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let socket = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres://{SUPERUSER}@{socket}/{database}")
    }

    /// The server and all its processes stand still: connections stay, and are not
    /// answered. What was begun goes on with [`PrivateCluster::resume`].
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&self) -> Result<(), ClusterError> {
        self.signal_all("STOP")
    }

    /// The server goes on where it stood.
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self) -> Result<(), ClusterError> {
        self.signal_all("CONT")
    }

    /// The server dies, as by a power cut but for what the system still writes, and
    /// stays down until [`PrivateCluster::revive`].
    ///
    /// # Errors
    /// When it does not run.
    pub fn crash(&self) -> Result<(), ClusterError> {
        for mark in ["down", "crashed"] {
            fs::write(self.folder.join(mark), "").map_err(failed("marking a crash"))?;
        }
        signal("QUIT", &self.server()?)
    }

    /// A server that crashed starts again, and answers.
    ///
    /// # Errors
    /// When it does not start.
    pub fn revive(&mut self) -> Result<(), ClusterError> {
        fs::remove_file(self.folder.join("down")).map_err(failed("unmarking a crash"))?;
        self.wait_until_ready()
    }

    /// Has a commit wait until it outlasts a crash of the server, which tests that
    /// crash it need and others do not pay for.
    ///
    /// # Errors
    /// When the database is not there.
    pub fn keep_commits(&self, database: &str) -> Result<(), ClusterError> {
        let step = |reason: String| ClusterError::Step { step: "ALTER DATABASE", reason };
        let mut connection =
            PgConnection::establish(&self.url("postgres")).map_err(|e| step(e.to_string()))?;
        connection
            .batch_execute(&format!("ALTER DATABASE \"{database}\" SET synchronous_commit = on"))
            .map_err(|e| step(e.to_string()))
    }

    /// The socket that it listens on.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    fn server(&self) -> Result<String, ClusterError> {
        let text = fs::read_to_string(self.folder.join("server.pid"));
        Ok(text.map_err(failed("reading the server's pid"))?.trim().to_owned())
    }

    /// The server first, so that it begins nothing new.
    fn signal_all(&self, name: &str) -> Result<(), ClusterError> {
        let server = self.server()?;
        signal(name, &server)?;
        for child in children_of(&server).map_err(failed("reading /proc"))? {
            // One that has ended in the meantime is as quiet.
            signal(name, &child).unwrap_or_default();
        }
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<(), ClusterError> {
        let deadline = Instant::now() + START_TIMEOUT;
        let url = self.url("postgres");
        loop {
            let Err(error) = PgConnection::establish(&url) else {
                return Ok(());
            };
            let gone = self.shell.try_wait().map_err(failed("waiting for the server"))?.is_some();
            if gone || Instant::now() > deadline {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(ClusterError::Step {
                    step: "starting the server",
                    reason: format!("{error}\n{log}"),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for PrivateCluster {
    fn drop(&mut self) {
        // One that stands still would not hear that it is to end.
        self.resume().unwrap_or_default();
        drop(self.lifeline.take());
        if let Err(error) = self.shell.wait() {
            tracing::warn!(%error, "the private Postgres did not stop");
        }
    }
}

fn signal(name: &str, pid: &str) -> Result<(), ClusterError> {
    let sent = Command::new("kill").args([&format!("-{name}"), pid]).stderr(Stdio::null()).status();
    if sent.map_err(failed("kill"))?.success() {
        return Ok(());
    }
    Err(ClusterError::Step { step: "kill", reason: format!("{name} to {pid}") })
}

/// The processes that `parent` began. Each of the server's has a session of its own,
/// so that there is no group to be told.
fn children_of(parent: &str) -> io::Result<Vec<String>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let status = fs::read_to_string(format!("/proc/{name}/status")).unwrap_or_default();
        let above = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        if above.is_some_and(|above| above.trim() == parent) {
            children.push(name);
        }
    }
    Ok(children)
}

#[derive(Clone, Copy, Debug)]
struct User {
    uid: u32,
    gid: u32,
}

/// The user to run the server as, when ours is root.
fn other_user(ours: &Path) -> Result<Option<User>, ClusterError> {
    if fs::metadata(ours).map_err(failed("stat"))?.uid() != 0 {
        return Ok(None);
    }
    let id = |flag: &str| -> Result<u32, ClusterError> {
        let output =
            Command::new("id").args([flag, "postgres"]).output().map_err(failed("id postgres"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim().parse().map_err(|_| ClusterError::Step {
            step: "id postgres",
            reason: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    };
    Ok(Some(User { uid: id("-u")?, gid: id("-g")? }))
}

/// A folder whose path is short: a socket's may have 107 bytes.
fn make_folder() -> Result<TempDir, ClusterError> {
    tempfile::Builder::new().prefix("tl-pg-").tempdir().map_err(failed("making a folder"))
}

fn find_binaries() -> Option<PathBuf> {
    let named = std::env::var_os("TRUNKLINE_PG_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    named
        .into_iter()
        .chain(installed_versions())
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// The newest version first.
fn installed_versions() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = BINARY_FOLDERS
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, path)| path).collect()
}

/// A command that runs as `user`.
fn run_as(user: Option<User>, program: &Path) -> Command {
    let Some(User { uid, gid }) = user else {
        return Command::new(program);
    };
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
    command.arg(program);
    command
}

fn make_cluster(binaries: &Path, folder: &Path, user: Option<User>) -> Result<(), ClusterError> {
    let output = run_as(user, &binaries.join("initdb"))
        .args([
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
            "--username",
            SUPERUSER,
        ])
        .arg("--pgdata")
        .arg(folder.join("data"))
        .current_dir("/")
        .output()
        .map_err(failed("initdb"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(ClusterError::Step {
        step: "initdb",
        reason: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The data dies with the tests, so nothing is synced to the disk, and the
/// server is stopped the hard way.
const KEEPER: &str = r#"
exec 3<&0 </dev/null
run() {
    "$1"/postgres -D "$2/data" -k "$2" -h '' -c fsync=off -c full_page_writes=off \
        -c synchronous_commit=off -c max_connections=200 -c shared_buffers=16MB \
        >>"$2/log" 2>&1 3<&- &
    server=$!
    echo $server >"$2/server.pid"
}
trap '' INT TERM HUP
run "$1" "$2"
{ cat <&3 >/dev/null; touch "$2/over"; kill -CONT $(cat "$2/server.pid"); kill -QUIT $(cat "$2/server.pid"); } &
while :; do
    wait $server
    while [ -e "$2/down" ] && [ ! -e "$2/over" ]; do sleep 0.02; done
    if [ -e "$2/over" ] || [ ! -e "$2/crashed" ]; then break; fi
    rm "$2/crashed"
    run "$1" "$2"
done
rm -rf "$2"
"#;

fn start_server(binaries: &Path, folder: &Path, user: Option<User>) -> Result<Child, ClusterError> {
    run_as(user, Path::new("/bin/sh"))
        .args(["-c", KEEPER, "keeper"])
        .arg(binaries)
        .arg(folder)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed("starting the server"))
}
