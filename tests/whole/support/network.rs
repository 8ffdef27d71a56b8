//! A network of a test's own, with one machine on it, whose cable can be cut: from
//! then on packets are dropped, and nobody is told.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempPath;

use super::process::{Process, command};
use super::{AUTH_TOKEN, PUBLIC_URL, SHOP};

/// See the module's text. Gone, with whatever runs on it, when it is dropped.
pub struct NetworkOfItsOwn {
    name: String,
    number: u32,
}

/// A program on that network's machine, and the file that it reads.
pub struct Resident(Process, Option<TempPath>);

impl NetworkOfItsOwn {
    /// Makes it; why it cannot be made, where that needs rights or tools that are
    /// not here.
    pub fn make() -> Result<Self, String> {
        if !super::scale::is_full() {
            return Err("only with FAULTS=full; the suite has a silent relay instead".to_owned());
        }
        if !Path::new("/proc/self/ns/net").exists() {
            return Err("no network namespaces here".to_owned());
        }
        // Two tests of one process may each have one.
        let free = (0..50).map(|more| (std::process::id() + more) % 250);
        for number in free {
            let network = Self { name: format!("tl-faults-{number}"), number };
            if ip(&["netns", "add", &network.name]).is_err() {
                std::mem::forget(network);
                continue;
            }
            network.connect()?;
            return Ok(network);
        }
        Err("`ip netns add` is not possible here: it needs root and iproute2".to_owned())
    }

    fn connect(&self) -> Result<(), String> {
        let (ours, theirs) = (self.device(), format!("tlp{}", self.number));
        ip(&["link", "add", &ours, "type", "veth", "peer", "name", &theirs])?;
        ip(&["link", "set", &theirs, "netns", &self.name])?;
        ip(&["addr", "add", &format!("{}/24", self.ours()), "dev", &ours])?;
        ip(&["link", "set", &ours, "up"])?;
        self.inside(&["addr", "add", &format!("{}/24", self.theirs()), "dev", &theirs])?;
        self.inside(&["link", "set", &theirs, "up"])
    }

    fn inside(&self, arguments: &[&str]) -> Result<(), String> {
        let mut all = vec!["-n", self.name.as_str()];
        all.extend_from_slice(arguments);
        ip(&all)
    }

    fn device(&self) -> String {
        format!("tlf{}", self.number)
    }

    /// Our address on it.
    pub fn ours(&self) -> String {
        format!("10.213.{}.1", self.number)
    }

    fn theirs(&self) -> String {
        format!("10.213.{}.2", self.number)
    }

    /// The other end of the cable is pulled: what is sent is dropped.
    pub fn drop_packets(&self) {
        self.inside(&["link", "set", &format!("tlp{}", self.number), "down"]).expect("a cut");
    }

    /// A carrier over there, one of whose callers does what `script` says.
    pub fn runs_calls(&self, url: &str, script: &str) -> Resident {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), script).expect("a script");
        let kept = file.into_temp_path();
        let path = kept.display().to_string();
        let mut carrier = self.runs(&[
            "calls",
            "--url",
            url,
            "--public-url",
            PUBLIC_URL,
            "--auth-token",
            AUTH_TOKEN,
            "--to",
            SHOP,
            "--duration",
            "300",
            "--script",
            &path,
        ]);
        carrier.1 = Some(kept);
        carrier
    }

    /// A model over there, and its URL.
    pub fn runs_model(&self) -> (Resident, String) {
        let mut model =
            self.runs(&["providers", "--bind", "0.0.0.0", "--port", "8090", "--watermark"]);
        let address = format!("{}:8090", self.theirs());
        model.0.until_it_listens(&address);
        (model, format!("ws://{address}/v1/realtime"))
    }

    fn runs(&self, arguments: &[&str]) -> Resident {
        let mut inside = command("ip");
        inside
            .args(["netns", "exec", &self.name, env!("CARGO_BIN_EXE_trunkline"), "simulate"])
            .args(arguments)
            .stderr(Stdio::inherit());
        Resident(Process::run("a program on that network", &mut inside), None)
    }
}

impl Drop for NetworkOfItsOwn {
    fn drop(&mut self) {
        // Half of it may be there; what is not cannot be removed.
        for gone in [["link", "del", &self.device()], ["netns", "del", &self.name]] {
            ip(&gone).unwrap_or_default();
        }
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let done =
        Command::new("ip").args(arguments).output().map_err(|error| format!("ip: {error}"))?;
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    done.status.success().then_some(()).ok_or_else(|| format!("ip {}: {said}", arguments.join(" ")))
}
