//! When a test is over nothing of its calls may be left in the server, whatever
//! the test was about. Every server is looked at when its handle is dropped.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use trunkline_store::Scope;

use super::sockets::connections;
use super::{Metrics, OPS_TOKEN, ServerProcess};

/// How long what is under way may take to come to its end. It takes milliseconds,
/// and a second where a lost connection must be noticed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const BETWEEN: Duration = Duration::from_millis(25);
/// The actors that live as long as the process.
const SERVICES: [&str; 3] = ["registry", "limiter", "persistence"];

/// Names the ports of services whose connections are kept for the next request.
pub(super) const POOLED_PORT: &str = "WHOLE_POOLED_PORT";
/// Most of those that are kept: one call asks a language model and a voice at once,
/// and another one of each when the first fails.
const MOST_POOLED: usize = 4;
/// Says how many of a test's calls are live at once, where that is more than one.
pub const CALLS_AT_ONCE: &str = "WHOLE_CALLS_AT_ONCE";
/// The same where a crowd is served, by six services.
const MOST_POOLED_OF_A_CROWD: usize = 6 * 50;

impl ServerProcess {
    /// What is left of calls in the running process, in words; nothing when it is
    /// as it was before the first call: three services and who waits for their
    /// end, a listener, no slot, no record that waits.
    pub fn leftovers(&self) -> Vec<String> {
        let page: Value = serde_json::from_str(&self.page("/ops/actors")).expect("JSON");
        let metrics = Metrics::parse(&self.page("/metrics"));
        let actors = page["live"].as_array().expect("a list of actors");
        let is_service =
            |actor: &&Value| SERVICES.contains(&actor["kind"].as_str().unwrap_or_default());
        let mut left: Vec<String> = actors
            .iter()
            .filter(|actor| !is_service(actor))
            .map(|actor| format!("actor {} of {}", actor["kind"], actor["call_sid"]))
            .collect();
        let services = actors.iter().filter(is_service).count();
        let tasks = page["tasks"].as_u64().expect("a number of tasks");
        if (services, tasks) != (SERVICES.len(), SERVICES.len() as u64) {
            left.push(format!("{services} services and {tasks} tasks"));
        }
        for gauge in [
            "trunkline_slots_held",
            "trunkline_calls_live",
            "trunkline_records_waiting",
            "trunkline_journal_records",
        ] {
            let value = metrics.sum(gauge);
            if value != 0.0 {
                left.push(format!("{gauge} {value}"));
            }
        }
        let sockets = connections(self.pid(), &self.known_peers());
        let (pooled, sockets): (Vec<_>, Vec<_>) =
            sockets.into_iter().partition(|socket| self.is_pooled(socket));
        let is_crowd = self.setting(POOLED_PORT).is_some_and(|ports| ports.contains(','));
        let calls = self.setting(CALLS_AT_ONCE).map_or(1, |calls| calls.parse().expect("a number"));
        let most = if is_crowd { MOST_POOLED_OF_A_CROWD } else { calls * MOST_POOLED };
        if pooled.len() > most {
            left.push(format!("{} sockets to the services of a pipeline", pooled.len()));
        }
        left.extend(sockets.iter().map(|socket| format!("socket {socket}")));
        left
    }

    /// Whether a connection may serve the next request to the same service.
    fn is_pooled(&self, socket: &str) -> bool {
        let mut ports = self.setting(POOLED_PORT).into_iter().flat_map(|ports| ports.split(','));
        ports.any(|port| socket.ends_with(&format!(":{port}")))
    }

    /// Calls of this node whose row says that they go on.
    fn open_rows(&self) -> Vec<String> {
        let rows = self.store().calls(Scope::AllTenants, 100_000, None).expect("rows are read");
        let node = self.setting("NODE_ID");
        let ours = rows.iter().filter(|row| row.node_id.as_ref().map(|id| id.as_str()) == node);
        let open = ours.filter(|row| row.ended_at.is_none());
        open.map(|row| format!("open row of {}", row.call_sid.as_str())).collect()
    }

    /// Waits until nothing is left; what is left when patience is at its end.
    /// Blocks, because it runs where a handle is dropped.
    pub(super) fn look_for_leaks(&mut self) -> Result<(), String> {
        if let Some(status) = self.process.ended() {
            return match (self.waited_for, status.code()) {
                (false, code) => Err(format!("the server ended by itself with {code:?}")),
                (true, Some(0)) => none_left(self.open_rows()),
                // Only its next life closes the books: a test shows that it does.
                (true, _) => Err("the server ended badly and was not started again".to_owned()),
            };
        }
        self.those_who_rang_hang_up();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut left = self.leftovers();
            if left.is_empty() {
                left = self.open_rows();
            }
            if left.is_empty() || Instant::now() >= deadline {
                return none_left(left);
            }
            std::thread::sleep(BETWEEN);
        }
    }

    /// A call whose webhook was sent by hand and that has no stream holds its slot
    /// until its reservation lapses, unless its caller hangs up. A live call is
    /// left alone: it must come to its end without help.
    fn those_who_rang_hang_up(&self) {
        let live = self.page("/api/v1/calls/live");
        for call in self.rung.take() {
            if !live.contains(&call.call_sid()) {
                let request = call.hangs_up().as_http();
                self.exchange(&request).expect("the server answers");
            }
        }
    }

    /// A page as text, asked as the operator.
    fn page(&self, path: &str) -> String {
        let token = self.ops_token();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        let answer = self.exchange(&request).expect("the server answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
        body.to_owned()
    }

    fn exchange(&self, request: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port()))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    fn ops_token(&self) -> String {
        match self.setting("OPS_TOKEN") {
            Some("") | None => {
                let log = self.log();
                let made = log.lines().find(|line| line.starts_with("OPS_TOKEN is not set"));
                made.and_then(|line| line.rsplit(' ').next()).unwrap_or(OPS_TOKEN).to_owned()
            }
            Some(token) => token.to_owned(),
        }
    }

    /// Ports to which the process keeps connections that belong to no call: the
    /// collector of traces, the fleet's Redis, and the database where it is not
    /// reached by a file.
    fn known_peers(&self) -> Vec<u16> {
        let urls = ["OTEL_EXPORTER_OTLP_ENDPOINT", "REDIS_URL"].map(|name| self.setting(name));
        let port = |url: &str| url.trim_end_matches('/').rsplit_once(':')?.1.parse().ok();
        let database = self.database_url().strip_prefix("postgres://");
        let place = database.and_then(|url| url.split('/').next());
        urls.into_iter().flatten().chain(place).filter_map(port).collect()
    }
}

fn none_left(left: Vec<String>) -> Result<(), String> {
    if left.is_empty() { Ok(()) } else { Err(left.join("\n")) }
}
