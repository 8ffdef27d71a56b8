//! The server as a process of its own, in a folder of its own.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::process::{Process, command};
use super::{AUTH_TOKEN, OPS_TOKEN, PUBLIC_URL, Webhook, database};

const PERSONA: &str = r#"+++
name = "Robin"
voice = "alloy"
greeting = "Hello, this is Robin at {{ company }}. How can I help you?"
farewell = "Thank you for calling. Goodbye!"
wrap_up = "I am sorry, our time is up. Goodbye!"
fillers = ["One moment, please."]
+++
You are {{ persona }} at {{ company }}. The caller's number ends in {{ caller_last4 }}.
"#;

/// A server that is killed when this is dropped, after it was looked at: nothing
/// of its calls may be left.
pub struct ServerProcess {
    pub(super) process: Process,
    port: u16,
    folder: TempDir,
    env: Vec<(String, String)>,
    /// Calls whose webhooks were sent by hand.
    pub(super) rung: RefCell<Vec<Webhook>>,
    /// Whether the test has seen the process end.
    pub(super) waited_for: bool,
}

impl ServerProcess {
    /// Starts a server and waits until it listens.
    pub fn start(env: &[(String, String)], shop: &str, tenants: &[(String, String)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_configuration(folder.path(), shop, tenants);
        let mut all = base_env(folder.path());
        all.extend_from_slice(env);
        Self::run(folder, all)
    }

    fn run(folder: TempDir, env: Vec<(String, String)>) -> Self {
        let (process, port) = spawn(folder.path(), &env, "first");
        let rung = RefCell::default();
        Self { process, port, folder, env, rung, waited_for: false }
    }

    /// Starts another server of the same configuration on the same database.
    pub fn beside(&self, node: &str) -> Self {
        self.beside_with(node, |_| Vec::new())
    }

    /// The same with other settings, which may be in its own folder.
    pub fn beside_with(
        &self,
        node: &str,
        change: impl FnOnce(&Path) -> Vec<(String, String)>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut env = self.env.clone();
        env.extend(change(folder.path()));
        env.push(("NODE_ID".to_owned(), node.to_owned()));
        let journal = folder.path().join("journal.sqlite").display().to_string();
        env.push(("JOURNAL_PATH".to_owned(), journal));
        Self::run(folder, env)
    }

    /// Starts the same server again in the same folder, after it ended.
    pub fn start_again(&mut self) {
        let (process, port) = spawn(self.folder.path(), &self.env, "again");
        self.process = process;
        self.port = port;
        self.waited_for = false;
        self.rung.take();
    }

    /// Where it listens.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its database.
    pub fn database_url(&self) -> &str {
        self.setting("DATABASE_URL").expect("a database")
    }

    /// A variable of its environment, as it was set last.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        let set = self.env.iter().rev().find(|(known, _)| known == name);
        set.map(|(_, value)| value.as_str())
    }

    /// Its environment, for a command beside it.
    pub fn environment(&self) -> Vec<(&str, &str)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The flight recordings that it kept, the oldest first.
    pub fn recordings(&self) -> Vec<PathBuf> {
        self.files_in("recordings")
            .into_iter()
            .filter(|f| f.extension() == Some("flight".as_ref()))
            .collect()
    }

    /// Every file in a folder of its own, by name.
    pub fn files_in(&self, name: &str) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join(name)) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> =
            entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        files
    }

    /// The key of its recordings.
    pub fn recorder_key(&self) -> PathBuf {
        self.folder.path().join("recorder.key")
    }

    /// Its journal.
    pub fn journal(&self) -> PathBuf {
        self.setting("JOURNAL_PATH").expect("a journal").into()
    }

    /// Lets it write files no longer than so many bytes; none: as long as it likes.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let pid = self.pid().to_string();
        // The soft limit alone, so that it can be lifted.
        let fsize = format!("--fsize={limit}:");
        let done = Command::new("prlimit").args(["--pid", &pid, &fsize]).status();
        assert!(done.expect("prlimit can be run").success());
    }

    /// The memory it has in use, in KiB.
    pub fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.expect("a size")
    }

    /// Everything it logged.
    pub fn log(&self) -> String {
        log_of(self.folder.path())
    }

    /// Sends it a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Waits for its end; its exit code, none when a signal ended it.
    pub async fn wait(&mut self) -> Option<i32> {
        let Self { process, folder, .. } = self;
        let status = process.wait(|| log_of(folder.path())).await;
        self.waited_for = true;
        status.code()
    }

    /// Watches for so long that it does not end, where it is to wait for something.
    pub async fn lives_on(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let ended = self.process.ended();
            assert!(ended.is_none(), "the server ended with {ended:?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// A page as text, asked as the operator.
    pub async fn text(&self, path: &str) -> String {
        let mut answer = client()
            .get(format!("{}{path}", self.base()))
            .bearer_auth(OPS_TOKEN)
            .timeout(Duration::from_secs(10))
            .send()
            .await
            .expect("the server answers");
        let body = answer.body().limit(64 << 20).await.expect("a whole answer");
        String::from_utf8(body.to_vec()).expect("text")
    }

    /// A page as JSON, asked as the operator.
    pub async fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).expect("JSON")
    }

    /// A request with a JSON body, as the operator: status and answer.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        self.send_as(Some(OPS_TOKEN), method, path, body).await
    }

    /// The same with another token, or none.
    pub async fn send_as(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u16, String) {
        let method = awc::http::Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = client()
            .request(method, format!("{}{path}", self.base()))
            .timeout(Duration::from_secs(10));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let mut answer = request.send_json(body).await.expect("the server answers");
        let body = answer.body().await.expect("a whole answer");
        (answer.status().as_u16(), String::from_utf8_lossy(&body).into_owned())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        // Even if the look itself fails, the process must not outlive the test.
        let look = AssertUnwindSafe(|| if failed { Ok(()) } else { self.look_for_leaks() });
        let looked = std::panic::catch_unwind(look)
            .unwrap_or_else(|_| Err("unknown: the server could not be looked at".to_owned()));
        self.process.end();
        if failed || looked.is_err() {
            eprintln!("--- the server's log ---\n{}", self.log());
        }
        if let Err(left) = looked {
            panic!("the test is over, and this is left:\n{left}");
        }
    }
}

/// A client without the roots of TLS, which nobody needs here.
pub fn client() -> awc::Client {
    trunkline_connectors::websocket::install_crypto_provider();
    awc::Client::default()
}

fn base_env(folder: &Path) -> Vec<(String, String)> {
    let path = |name: &str| folder.join(name).display().to_string();
    [
        ("PORT", "0".to_owned()),
        ("BIND", "127.0.0.1".to_owned()),
        ("WORKERS", "1".to_owned()),
        ("PUBLIC_URL", PUBLIC_URL.to_owned()),
        ("DATABASE_URL", database::fresh(folder)),
        ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
        ("OPS_TOKEN", OPS_TOKEN.to_owned()),
        ("TENANTS_DIR", path("tenants")),
        ("PERSONAS_DIR", path("personas")),
        ("PHRASE_CACHE_DIR", path("phrases")),
        ("JOURNAL_PATH", path("journal.sqlite")),
        ("RECORDER_DIR", path("recordings")),
        ("RECORDINGS_DIR", path("call-recordings")),
        // Nobody listens there: no test asks the carrier itself.
        ("TWILIO_API_URL", "http://127.0.0.1:9".to_owned()),
        ("RECORDER_KEY_FILE", path("recorder.key")),
        ("PRIVACY_KEY_FILE", path("privacy.key")),
        ("TRUNKLINE_CONFIG", path("trunkline.toml")),
        ("NODE_ID", "node-under-test".to_owned()),
        // Tests call as often as they like; those of these limits set them.
        ("VOICE_CALLS_PER_NUMBER_PER_HOUR", "0".to_owned()),
        ("VOICE_CALLS_PER_TENANT_PER_HOUR", "0".to_owned()),
        ("SIGNATURE_FAILURES_PER_SOURCE", "0".to_owned()),
        ("OPS_FAILURES_PER_SOURCE", "0".to_owned()),
        ("DIAL_PRIVATE_NETWORKS", "127.0.0.0/8".to_owned()),
        // Tests count what voices are asked for; those of rendering ahead set it.
        ("WARM_PHRASES", "false".to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
        ("RUST_LOG", "info,trunkline_actors=debug".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn write_configuration(folder: &Path, shop: &str, tenants: &[(String, String)]) {
    for name in ["tenants", "personas"] {
        std::fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    let write = |path: PathBuf, text: &str| std::fs::write(path, text).expect("a file");
    write(folder.join("trunkline.toml"), "");
    write(folder.join("personas/shop.md"), PERSONA);
    write(folder.join("tenants/shop.toml"), shop);
    for (id, text) in tenants {
        write(folder.join(format!("tenants/{id}.toml")), text);
    }
}

fn log_path(folder: &Path, life: &str) -> PathBuf {
    folder.join(format!("server-{life}.log"))
}

/// Everything that the server of this folder logged.
fn log_of(folder: &Path) -> String {
    let lives = ["first", "again"].iter();
    lives.filter_map(|life| std::fs::read_to_string(log_path(folder, life)).ok()).collect()
}

fn spawn(folder: &Path, env: &[(String, String)], life: &str) -> (Process, u16) {
    let log = std::fs::File::create(log_path(folder, life)).expect("a log file");
    let mut serve = command(program());
    serve.arg("serve").envs(env.iter().map(|(name, value)| (name, value))).stderr(log);
    let mut process = Process::run("the server", &mut serve);
    let text = || std::fs::read_to_string(log_path(folder, life)).unwrap_or_default();
    let port = process.until_ready(|| text().lines().find_map(listening_port), text);
    (process, port)
}

/// The server under test. `WHOLE_SERVER` names another build of it, for the tests
/// that measure: without fault injection some of the others cannot pass.
fn program() -> PathBuf {
    let other = std::env::var_os("WHOLE_SERVER").map(PathBuf::from);
    other.unwrap_or_else(|| env!("CARGO_BIN_EXE_trunkline").into())
}

fn listening_port(line: &str) -> Option<u16> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields")?;
    (fields.get("message")? == "listening").then_some(())?;
    fields.get("address")?.as_str()?.rsplit_once(':')?.1.parse().ok()
}
