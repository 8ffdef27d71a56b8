//! A server of one's own, and the peers it talks to.

mod balancer;
mod bare;
mod books;
mod by_hand;
mod crowd;
mod database;
mod deaf;
mod evidence;
mod leaks;
mod lock;
mod looks;
mod machine;
mod metrics;
mod neighbour;
mod network;
mod ongoing;
mod process;
mod raw;
mod scale;
mod server;
mod services;
mod sockets;
mod stream;
mod webhook;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;
use trunkline_simulator::carrier::{CallPlan, CallReport, Library, Script, place_call};
use trunkline_simulator::providers::{
    Knobs, ProvidersOptions, RunningProviders, SessionRecord, serve,
};

#[allow(unused_imports, reason = "not every test asks for everything")]
pub use self::leaks::CALLS_AT_ONCE;
pub use self::{
    balancer::Balancer,
    bare::{BareStream, SilentProxy},
    books::{Books, gaps, own_lateness},
    crowd::{Crowd, Past, allow_many_files, reports_and_gaps},
    database::{fresh as fresh_database, own_cluster},
    deaf::DeafProxy,
    lock::DatabaseLock,
    looks::{agent_line, assert_heard_whole, fact, heard, lines_of, response, sent, stream},
    metrics::Metrics,
    neighbour::{GOODBYE, assert_human, assert_whole, event},
    network::NetworkOfItsOwn,
    ongoing::Ongoing,
    process::trunkline,
    raw::{RawConnection, handshake as stream_handshake},
    scale::{Dice, many_calls, scaled, seed},
    server::{ServerProcess, client},
    services::Services,
    stream::{CLOSED_BY_POLICY, RawStream},
    webhook::{Answer, CALLER, Webhook, new_call},
};

/// The key that the carrier signs with.
pub const AUTH_TOKEN: &str = "auth-token-of-the-tests";
/// The token for operations.
pub const OPS_TOKEN: &str = "ops-token-of-the-tests";
/// The origin the server is known by. Nobody resolves it: the simulated carrier
/// connects to the server's own port and signs over this.
pub const PUBLIC_URL: &str = "https://voice.test";
/// The number of the tenant `shop`.
pub const SHOP: &str = "+15550170001";
/// Where that tenant's callers are sent who need a human.
pub const HUMAN: &str = "+15550170099";
/// The tests' account.
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// A pipeline of the simulated services, in a tenant's file.
pub const PIPELINE: &str = r#"mode = "pipeline"
[pipeline.recogniser]
url = "ws://services"
[[pipeline.recogniser.fallback]]
service = "openai"
url = "ws://services"
[pipeline.agent]
model = "first-model"
url = "http://services/v1"
[[pipeline.agent.fallback]]
model = "second-model"
url = "http://services/v1"
[pipeline.voice]
url = "http://services"
[[pipeline.voice.fallback]]
service = "elevenlabs"
voice = "second-voice"
url = "http://services""#;

/// How a world is made.
#[derive(Default)]
pub struct WorldPlan {
    env: Vec<(String, String)>,
    knobs: Knobs,
    shop: String,
    tenants: Vec<(String, String)>,
    no_model: bool,
    dialogue: Option<String>,
    ears: Option<PathBuf>,
    crowd: bool,
}

impl WorldPlan {
    /// Sets an environment variable of the server.
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }

    /// Changes how the simulated model behaves.
    pub fn knobs(mut self, change: impl FnOnce(&mut Knobs)) -> Self {
        change(&mut self.knobs);
        self
    }

    /// Adds lines to the top of the tenant `shop`'s file.
    pub fn shop(mut self, lines: &str) -> Self {
        self.shop.push_str(lines);
        self.shop.push('\n');
        self
    }

    /// Adds a tenant file.
    pub fn tenant(mut self, id: &str, text: &str) -> Self {
        self.tenants.push((id.to_owned(), text.to_owned()));
        self
    }

    /// Has the simulated model speak by this dialogue (TOML) instead of its own.
    pub fn dialogue(mut self, text: &str) -> Self {
        self.dialogue = Some(text.to_owned());
        self
    }

    /// Has the simulated model understand the recordings of this folder instead of
    /// those that are shipped.
    pub fn ears(mut self, folder: &Path) -> Self {
        self.ears = Some(folder.to_owned());
        self
    }

    /// Makes room for hundreds of calls: no cap on the shop's, files enough, a
    /// watchdog that bears with a machine that is busy, and the machine for this
    /// test alone.
    pub fn for_crowd(mut self) -> Self {
        self.crowd = true;
        self.shop("silence.nudge_ms = 0\n[limits]\nconcurrent_calls = 0\nwatchdog_ms = 30000")
    }

    /// Has the shop's calls answered by a pipeline: the simulated recogniser,
    /// language model and voices, and of each kind a second one.
    pub fn pipeline(self) -> Self {
        let keys = ["DEEPGRAM_API_KEY", "AZURE_SPEECH_KEY", "ELEVENLABS_API_KEY"];
        let with_keys = keys.iter().fold(self, |plan, key| plan.env(key, "key-of-the-tests"));
        with_keys.shop(PIPELINE)
    }

    /// Gives the server no key for its model.
    pub fn no_model(mut self) -> Self {
        self.no_model = true;
        self
    }

    /// Starts everything.
    pub async fn start(self) -> World {
        let machine = machine::Part::take(self.crowd);
        if self.crowd {
            crowd::allow_many_files();
        }
        let mut knobs = self.knobs;
        knobs.watermark = true;
        let dialogue = self.dialogue.map(|text| {
            let file = tempfile::NamedTempFile::new().expect("a temporary file");
            std::fs::write(file.path(), text).expect("a dialogue");
            file
        });
        let providers = serve(ProvidersOptions {
            ears: Some(self.ears.unwrap_or_else(|| "config/audio".into())),
            script: dialogue.as_ref().map(|file| file.path().to_owned()),
            knobs,
            ..ProvidersOptions::default()
        })
        .await
        .expect("the simulated model starts");
        let mut env = vec![("OPENAI_REALTIME_URL".to_owned(), providers.url())];
        if !self.no_model {
            env.push(("OPENAI_API_KEY".to_owned(), "sk-simulated".to_owned()));
        }
        if self.shop.contains("http://services") {
            env.push((leaks::POOLED_PORT.to_owned(), providers.addr().port().to_string()));
        }
        env.extend(self.env);
        let shop = self.shop.replace("ws://services", &providers.socket_base());
        let shop = shop.replace("http://services", &providers.http_base());
        let mut tenants = self.tenants;
        for (_, text) in &mut tenants {
            *text = text.replace("ws://services", &providers.socket_base());
            *text = text.replace("http://services", &providers.http_base());
        }
        let server = ServerProcess::start(&env, &shop_file(&shop), &tenants);
        World { server, providers, _machine: machine }
    }
}

fn shop_file(more: &str) -> String {
    format!(
        r#"company = "The Test Shop"
numbers = ["{SHOP}"]
persona = "shop"
human_number = "{HUMAN}"
tools = ["end_call", "look_up", "transfer_to_human"]
{more}
[facts]
"opening hours" = "Nine to five."
"#
    )
}

/// A running server and its simulated model.
pub struct World {
    /// The server's process.
    pub server: ServerProcess,
    /// The simulated model.
    pub providers: RunningProviders,
    /// Given back last of all.
    _machine: Rc<machine::Part>,
}

impl World {
    /// A world with nothing special about it.
    pub async fn start() -> Self {
        WorldPlan::default().start().await
    }

    /// How the next one is to be.
    pub fn plan() -> WorldPlan {
        WorldPlan::default()
    }

    /// A call to the shop whose caller does what `script` says.
    pub fn call(&self, script: &str) -> CallPlan {
        let mut library = Library::new("config/audio".as_ref(), "config/audio/utterances".as_ref());
        let mut plan = CallPlan::new(&self.server.base());
        plan.public_url = Some(PUBLIC_URL.to_owned());
        plan.to = SHOP.to_owned();
        plan.from = "+15550179123".to_owned();
        plan.account_sid = ACCOUNT.to_owned();
        plan.auth_token = Some(AUTH_TOKEN.to_owned());
        plan.script = Script::read(script, &mut library).expect("the script can be read");
        plan.max_duration = Duration::from_secs(60);
        plan
    }

    /// Places that call and waits for its end.
    pub async fn place(&self, script: &str) -> CallReport {
        place_call(&self.call(script), None).await
    }

    /// Places that call; the test goes on while it lasts.
    pub async fn ongoing(&self, script: &str) -> Ongoing {
        Ongoing::place(self.call(script)).await
    }

    /// Changes how the model behaves in the sessions that follow.
    pub fn model(&self, change: impl FnOnce(&mut Knobs)) {
        let mut knobs = Knobs { watermark: true, ..Knobs::default() };
        change(&mut knobs);
        self.providers.set_knobs(knobs);
    }

    /// Asks the server's API as the operator.
    pub async fn get(&self, path: &str) -> Value {
        self.server.get(path).await
    }

    /// Everything stored about a call, once it is over and its row says so.
    pub async fn stored(&self, call_sid: &str) -> Value {
        let path = format!("/api/v1/calls/{call_sid}");
        wait_for("the call's row to be closed", async || {
            let found = self.server.get(&path).await;
            let ended = found.pointer("/call/ended_at").is_some_and(|at| !at.is_null());
            ended.then_some(found)
        })
        .await
    }

    /// Waits until so many slots are held.
    pub async fn slots(&self, held: f64) {
        wait_for(&format!("{held} slots to be held"), async || {
            let now = self.metrics().await.sum("trunkline_slots_held");
            (now == held).then_some(())
        })
        .await;
    }

    /// Asserts that the model was never dialled.
    pub fn assert_not_dialled(&self) {
        assert!(self.sessions().is_empty(), "{:?}", self.sessions());
        assert_eq!(self.providers.refused(), 0);
    }

    /// The metrics now.
    pub async fn metrics(&self) -> Metrics {
        Metrics::parse(&self.server.text("/metrics").await)
    }

    /// The simulated model's sessions so far.
    pub fn sessions(&self) -> Vec<SessionRecord> {
        self.providers.sessions()
    }

    /// Makes an actor fail.
    pub async fn fault(&self, kind: &str, call_sid: Option<&str>, fault: Value) {
        let order = serde_json::json!({ "kind": kind, "call": call_sid, "fault": fault });
        let (status, body) = self.server.send("POST", "/ops/faults", &order).await;
        assert_eq!(status, 202, "{body}");
    }

    /// Waits until nothing is left of any call. The same is asked at the end of
    /// every test; this is for what comes in the middle of one.
    pub async fn assert_idle(&self) {
        let mut left = Vec::new();
        let gone = async || {
            left = self.server.leftovers();
            left.is_empty().then_some(())
        };
        if look_for(gone).await.is_none() {
            panic!("this is left of the calls:\n{}", left.join("\n"));
        }
    }
}

/// Waits until `look` finds something; fails after half a minute.
pub async fn wait_for<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    look_for(look).await.unwrap_or_else(|| panic!("waited in vain for {what}"))
}

/// Looks until something is found, for half a minute.
async fn look_for<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = look().await;
        if found.is_some() || Instant::now() >= deadline {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// The kinds of a call's stored events, in order.
pub fn kinds(stored: &Value) -> Vec<String> {
    let events = stored["events"].as_array().expect("a list of events");
    events.iter().map(|event| event["kind"].as_str().unwrap_or_default().to_owned()).collect()
}
