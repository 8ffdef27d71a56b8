//! What a measurement is made on: a folder of its own, a simulated model, and a
//! server with a tenant for each scene, whose kept greeting is what the scene's
//! agent says.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use trunkline_actors::phrases::PhraseCache;
use trunkline_simulator::barge_in::Scene;
use trunkline_simulator::providers::{ProvidersOptions, RunningProviders, Said, serve};
use trunkline_store::Store;

use super::text;
use crate::cli::{ConfigArgs, load};
use crate::config::Environment;
use crate::server::{self, Server};

const VOICE: &str = "alloy";

const PERSONA: &str = r#"+++
name = "Robin"
voice = "alloy"
greeting = "{{ company }}."
farewell = "Goodbye!"
wrap_up = "Goodbye!"
+++
You are {{ persona }} at {{ company }}.
"#;

/// See the module's text.
pub(super) struct Ground {
    pub(super) server: Server,
    pub(super) store: Store,
    providers: RunningProviders,
    // Dropped last: the server writes there.
    _folder: Option<TempDir>,
}

/// The number that is called to hear a scene's agent.
pub(super) fn number(scene: usize) -> String {
    format!("+1555{scene:07}")
}

impl Ground {
    /// With `keep`, that folder is made and stays.
    pub(super) async fn prepare(scenes: &[Scene], keep: Option<&Path>) -> Result<Self, String> {
        let (folder, temporary) = folder(keep).map_err(|error| error.to_string())?;
        write(&folder, scenes).map_err(|error| error.to_string())?;
        let providers =
            serve(ProvidersOptions::default()).await.map_err(|error| error.to_string())?;
        teach(&providers, scenes);
        let environment = environment(&folder, &providers, keep.is_some());
        let settings = ConfigArgs { config: Some(folder.join("trunkline.toml")) };
        let configuration = load(&settings, &environment).map_err(|found| found.to_string())?;
        let server = server::start(configuration, environment).await.map_err(|e| e.to_string())?;
        let store = Store::open(&database(&folder), 1).map_err(|error| error.to_string())?;
        Ok(Self { server, store, providers, _folder: temporary })
    }

    pub(super) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.address.port())
    }

    pub(super) async fn leave(self) {
        drop(self.store);
        self.server.stop().await;
        self.providers.stop().await;
    }
}

fn folder(keep: Option<&Path>) -> std::io::Result<(PathBuf, Option<TempDir>)> {
    if let Some(keep) = keep {
        std::fs::create_dir(keep)?;
        return Ok((std::path::absolute(keep)?, None));
    }
    let temporary = tempfile::tempdir()?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

fn database(folder: &Path) -> String {
    format!("sqlite://{}", text(&folder.join("trunkline.sqlite")))
}

fn write(folder: &Path, scenes: &[Scene]) -> std::io::Result<()> {
    for name in ["tenants", "personas", "phrases"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    std::fs::write(folder.join("trunkline.toml"), "")?;
    std::fs::write(folder.join("personas/scene.md"), PERSONA)?;
    let phrases = PhraseCache::open(Some(folder.join("phrases")));
    for (index, scene) in scenes.iter().enumerate() {
        let tenant = format!(
            "company = \"Scene {index}\"\nnumbers = [\"{}\"]\npersona = \"scene\"\nhuman_number = \"none\"\nsilence.nudge_ms = 0\nlimits.concurrent_calls = 0\n",
            number(index)
        );
        std::fs::write(folder.join(format!("tenants/scene-{index}.toml")), tenant)?;
        let audio = [STANDARD.encode(&scene.agent)];
        if let Some(phrase) = phrases.learn(VOICE, &format!("Scene {index}."), &audio) {
            phrase.write()?;
        }
    }
    Ok(())
}

/// The model is to understand what a good recogniser would: whoever says something.
/// The session begins with the stream, give or take some frames.
fn teach(providers: &RunningProviders, scenes: &[Scene]) {
    for (index, scene) in scenes.iter().enumerate() {
        let said = scene.onset_ms.filter(|_| !scene.text.is_empty()).map(|onset_ms| {
            let from_ms = u64::from(onset_ms);
            Said { from_ms, to_ms: from_ms + u64::from(scene.length_ms), text: scene.text.clone() }
        });
        providers.ears().tell(&format!("Scene {index}."), said.into_iter().collect());
    }
}

fn environment(folder: &Path, providers: &RunningProviders, record: bool) -> Environment {
    let path = |name: &str| text(&folder.join(name));
    let mut environment = Environment::from_pairs([
        ("PORT", "0"),
        ("BIND", "127.0.0.1"),
        ("OPENAI_API_KEY", "simulated"),
        ("OPENAI_REALTIME_DIALECT", "ga"),
        ("TWILIO_AUTH_TOKEN", super::scenes::AUTH_TOKEN),
        ("RECORDER_KEEP", if record { "all" } else { "none" }),
    ]);
    environment.set("OPENAI_REALTIME_URL", providers.url());
    environment.set("DATABASE_URL", database(folder));
    environment.set("TENANTS_DIR", path("tenants"));
    environment.set("PERSONAS_DIR", path("personas"));
    environment.set("PHRASE_CACHE_DIR", path("phrases"));
    environment.set("RECORDER_DIR", path("recordings"));
    environment.set("RECORDER_KEY_FILE", path("recorder.key"));
    environment
}
