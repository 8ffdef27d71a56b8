//! The services of a pipeline as processes of their own, which can be killed.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::leaks::POOLED_PORT;
use super::process::{Process, trunkline};
use super::scale::Dice;
use super::{World, WorldPlan};

/// Names of the services, in the tenant's order of each kind.
pub const SERVICES: [&str; 6] =
    ["recogniser", "other-recogniser", "model", "other-model", "azure", "elevenlabs"];

/// Between one kill and the next, in milliseconds.
const BETWEEN: (u64, u64) = (100, 1_200);
/// How long a service is away.
const AWAY: (u64, u64) = (0, 800);

/// One service of each kind and another one beside it, each a process.
pub struct Services {
    folder: TempDir,
    ports: Vec<u16>,
    processes: Vec<Service>,
}

struct Service {
    place: usize,
    /// The command line but for what goes wrong.
    arguments: Vec<String>,
    port: u16,
    /// None between two lives.
    life: Option<Process>,
}

impl Services {
    /// Starts them. They understand what is spelt of the recordings in `ears`, and
    /// answer as `dialogue` says.
    pub fn start(ears: &Path, dialogue: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = folder.path().join("dialogue.toml");
        std::fs::write(&script, dialogue).expect("a dialogue");
        let mut processes = Vec::new();
        for (place, name) in SERVICES.iter().enumerate() {
            let port = free_port();
            // Watermarks have sixteen bits for the numbers of both voices.
            let numbers_from = (place % 2) * 32_000;
            let journal = folder.path().join(name).display().to_string();
            let text = |text: &str| text.to_owned();
            let mut arguments = vec![text("simulate"), text("providers"), text("--watermark")];
            let settings = [
                ("--port", port.to_string()),
                ("--ears", ears.display().to_string()),
                ("--script", script.display().to_string()),
                ("--journal", journal),
                ("--numbers-from", numbers_from.to_string()),
                ("--transcript-ms", text("150")),
                ("--first-token-ms", text("120")),
                ("--first-audio-ms", text("80")),
            ];
            arguments.push(text("--spelt"));
            arguments.extend(settings.into_iter().flat_map(|(name, value)| [text(name), value]));
            let mut process = Service { place, arguments, port, life: None };
            process.live(&[]);
            processes.push(process);
        }
        let ports = processes.iter().map(|process| process.port).collect();
        Self { folder, ports, processes }
    }

    /// A world whose shop is served by them.
    pub async fn world(&self, plan: WorldPlan) -> World {
        let ports = self.ports.iter().map(ToString::to_string).collect::<Vec<_>>();
        let [hears, hears_too, thinks, thinks_too, speaks, speaks_too] = ports.as_slice() else {
            panic!("six services");
        };
        let shop = format!(
            r#"mode = "pipeline"
[pipeline.recogniser]
url = "ws://127.0.0.1:{hears}"
[[pipeline.recogniser.fallback]]
url = "ws://127.0.0.1:{hears_too}"
[pipeline.agent]
model = "first-model"
url = "http://127.0.0.1:{thinks}/v1"
[[pipeline.agent.fallback]]
model = "second-model"
url = "http://127.0.0.1:{thinks_too}/v1"
[pipeline.voice]
url = "http://127.0.0.1:{speaks}"
[[pipeline.voice.fallback]]
service = "elevenlabs"
voice = "second-voice"
url = "http://127.0.0.1:{speaks_too}""#
        );
        let keys = ["DEEPGRAM_API_KEY", "AZURE_SPEECH_KEY", "ELEVENLABS_API_KEY"];
        let plan = keys.iter().fold(plan, |plan, key| plan.env(key, "key-of-the-tests"));
        plan.env(POOLED_PORT, ports.join(",")).shop(&shop).start().await
    }

    /// What all of them noted of this kind, in whichever life: `chat` or `spoken`.
    pub fn journal(&self, kind: &str) -> Vec<Value> {
        let files = SERVICES.iter().map(|name| self.folder.path().join(name));
        let read = |file: PathBuf| std::fs::read_to_string(file).unwrap_or_default();
        let mut all = Vec::new();
        for text in files.map(read) {
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            all.extend(lines.filter(|line| line["kind"] == kind));
        }
        all
    }

    /// Kills them, one at a time, at moments and for times that `dice` say, until
    /// [`Killer::stop`]. The lives between are good, or break off what they do.
    pub fn killed_by(&mut self, dice: Dice) -> Killer {
        let processes = std::mem::take(&mut self.processes);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = actix_rt::task::spawn_blocking(move || kill(processes, dice, &stopped));
        Killer { stop, thread }
    }
}

/// Somebody who kills services.
pub struct Killer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(Vec<Service>, Vec<usize>)>,
}

impl Killer {
    /// Kills no more; the services are all there again, and well. Answers how often
    /// each was killed.
    pub async fn stop(mut self, services: &mut Services) -> Vec<usize> {
        self.stop.store(true, Ordering::Relaxed);
        let (processes, kills) = (&mut self.thread).await.expect("the killer's thread");
        services.processes = processes;
        kills
    }
}

/// A test that fails does not wait for its end.
impl Drop for Killer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn kill(
    mut processes: Vec<Service>,
    mut dice: Dice,
    stop: &AtomicBool,
) -> (Vec<Service>, Vec<usize>) {
    let mut kills = vec![0; processes.len()];
    while !stop.load(Ordering::Relaxed) {
        sleep(&mut dice, BETWEEN);
        let place = usize::try_from(dice.below(SERVICES.len() as u64)).expect("a place");
        processes[place].die();
        kills[place] += 1;
        sleep(&mut dice, AWAY);
        let wrong = match dice.below(4) {
            0 => vec!["--drop-after-ms".to_owned(), (200 + dice.below(4_000)).to_string()],
            1 => vec!["--drop-after-deltas".to_owned(), (1 + dice.below(12)).to_string()],
            _ => Vec::new(),
        };
        processes[place].live(&wrong);
    }
    for process in &mut processes {
        process.die();
        process.live(&[]);
    }
    (processes, kills)
}

fn sleep(dice: &mut Dice, (least, most): (u64, u64)) {
    std::thread::sleep(Duration::from_millis(least + dice.below(most - least)));
}

impl Service {
    fn live(&mut self, wrong: &[String]) {
        // Of this build, whichever server is under test.
        let mut command = trunkline();
        let mut life =
            Process::run(SERVICES[self.place], command.args(&self.arguments).args(wrong));
        life.until_it_listens((Ipv4Addr::LOCALHOST, self.port));
        self.life = Some(life);
    }

    fn die(&mut self) {
        self.life = None;
    }
}

/// A port that nobody listens on, and that is not given to others soon.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}
