//! The command line of `trunkline simulate calls`, and its run.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::library::Library;
use super::load::Load;
use super::pattern::{Mix, Pattern, Weighted};
use super::plan::{CallPlan, DialOutcome, StatusPlan};
use super::script::{Script, ScriptError};
use super::story::Weighing;
use super::threshold::Threshold;

/// Places simulated calls to a server as Twilio would.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "--help names the thresholds, a script's steps and the exit codes.")]
#[command(after_long_help = super::help::text())]
pub struct SimulateCallsOptions {
    /// The server to call.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// The origin the server is known by, over which requests are signed [default: --url]
    #[arg(long, env = "PUBLIC_URL")]
    pub public_url: Option<String>,
    /// How many calls to place.
    #[arg(long, default_value_t = 1)]
    pub calls: u32,
    /// Calls begun per second; 0 begins all at once, or as soon as --concurrency
    /// lets them.
    #[arg(long, default_value_t = 10.0)]
    pub rate: f64,
    /// How calls come.
    #[arg(long, value_enum, default_value_t = Pattern::Steady)]
    pub pattern: Pattern,
    /// Calls that begin at once in a burst.
    #[arg(long, default_value_t = 10)]
    pub burst: u32,
    /// Seconds that each call lasts; of a ramp, from its last call's beginning to
    /// the end of all [default: --duration]
    #[arg(long)]
    pub hold: Option<f64>,
    /// Measures the relay: callers without a script or story send numbered
    /// frames, which a model that echoes (simulate providers --echo) sends back.
    #[arg(long, conflicts_with_all = ["wav", "comfort_noise", "save"])]
    pub echo: bool,
    /// The server's process on this machine, whose CPU and memory are measured.
    #[arg(long)]
    pub server_pid: Option<u32>,
    /// Most calls at a time; 0 is no limit.
    #[arg(long, default_value_t = 0)]
    pub concurrency: u32,
    /// Seconds after which a caller hangs up at the latest.
    #[arg(long, default_value_t = 60.0)]
    pub duration: f64,
    /// The called number.
    #[arg(long, default_value = "+15550100000")]
    pub to: String,
    /// The caller's number.
    #[arg(long, default_value = "+15550109999")]
    pub from: String,
    /// A mono WAV file that the caller sends from the stream's start.
    #[arg(long, conflicts_with_all = ["script", "story"])]
    pub wav: Option<PathBuf>,
    /// A file that says what the caller does; of several, each with a weight as
    /// FILE:3, calls take turns.
    #[arg(long)]
    pub script: Vec<Weighing>,
    /// What the caller does, told in place, its steps between semicolons and with
    /// a weight at its end: 'wait 2s; hangup:9'. Takes turns with --script; of an
    /// --echo load, `echo` is the story of those who echo.
    #[arg(long)]
    pub story: Vec<Weighing>,
    /// Folder of recorded utterances for the script's `say`.
    #[arg(long, default_value = "config/audio/utterances")]
    pub utterances: PathBuf,
    /// Signs requests; they go unsigned without it.
    #[arg(long, env = "TWILIO_AUTH_TOKEN", hide_env_values = true)]
    pub auth_token: Option<AuthToken>,
    /// The account that the number belongs to.
    #[arg(long, env = "TWILIO_ACCOUNT_SID", default_value = "AC00000000000000000000000000000001")]
    pub account_sid: String,
    /// Path of the voice webhook.
    #[arg(long, default_value = "/twilio/voice")]
    pub voice_path: String,
    /// Path of the fallback URL.
    #[arg(long, default_value = "/twilio/fallback")]
    pub fallback_path: String,
    /// Speed of the carrier's own voice and waits; 1 is real, 0 takes no time.
    #[arg(long, default_value_t = 0.0)]
    pub say_speed: f64,
    /// What somebody who is dialled does.
    #[arg(long, value_enum, default_value_t = DialOutcome::Answered)]
    pub dial: DialOutcome,
    /// Sends a quiet room's noise where the caller is silent.
    #[arg(long)]
    pub comfort_noise: bool,
    /// Posts status callbacks to /twilio/status.
    #[arg(long)]
    pub status_callbacks: bool,
    /// Posts them out of order.
    #[arg(long, requires = "status_callbacks")]
    pub status_shuffled: bool,
    /// Posts each of them twice.
    #[arg(long, requires = "status_callbacks")]
    pub status_duplicated: bool,
    /// Limits that make the run fail, as NAME=NUMBER; the names are below.
    #[arg(long, value_delimiter = ',')]
    pub threshold: Vec<Threshold>,
    /// Folder for recordings of both sides.
    #[arg(long)]
    pub save: Option<PathBuf>,
    /// Prints the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Writes the report as a page with plots.
    #[arg(long)]
    pub html: Option<PathBuf>,
}

/// A secret that does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthToken(String);

impl FromStr for AuthToken {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthToken(…)")
    }
}

/// Why no call was placed.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// The script cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The script, or audio that it names, is wrong.
    #[error("{}, {source}", path.display())]
    Script {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ScriptError,
    },
    /// The recording cannot be played.
    #[error(transparent)]
    Wav(#[from] super::library::LibraryError),
    /// Nobody echoes in a load that is no echo load.
    #[error("the story echo needs --echo")]
    Echo,
    /// A number out of range.
    #[error("--{0} must be a number of 0 or more")]
    Number(&'static str),
}

impl SimulateCallsOptions {
    /// The plans of the calls.
    ///
    /// # Errors
    /// When a script or the recording cannot be had.
    pub fn mix(&self) -> Result<Mix, OptionsError> {
        if self.script.is_empty() && self.story.is_empty() {
            return Ok(self.plan(self.recording()?)?.into());
        }
        let files = self.script.iter().map(|file| (file, self.read_script(file.what.as_ref())));
        let stories = self.story.iter().map(|story| (story, self.read_story(story)));
        let plans = files.chain(stories).map(|(weighing, script)| {
            Ok(Weighted { plan: self.plan(script?)?, weight: weighing.weight })
        });
        Ok(Mix::new(plans.collect::<Result<_, OptionsError>>()?))
    }

    fn plan(&self, script: Script) -> Result<CallPlan, OptionsError> {
        // A blank line in an environment file sets nothing.
        let base = CallPlan::new(&self.url);
        let account_sid = Some(self.account_sid.clone()).filter(|sid| !sid.is_empty());
        Ok(CallPlan {
            public_url: self.public_url.clone().filter(|url| !url.is_empty()),
            voice_url: self.voice_path.clone(),
            fallback_url: Some(self.fallback_path.clone()),
            status: self.status_callbacks.then(|| StatusPlan {
                shuffled: self.status_shuffled,
                duplicated: self.status_duplicated,
                ..StatusPlan::default()
            }),
            to: self.to.clone(),
            from: self.from.clone(),
            account_sid: account_sid.unwrap_or_else(|| base.account_sid.clone()),
            auth_token: self.auth_token.clone().map(|token| token.0).filter(|t| !t.is_empty()),
            script,
            max_duration: Duration::try_from_secs_f64(self.duration)
                .map_err(|_| OptionsError::Number("duration"))?,
            verb_speed: self.say_speed,
            dial: self.dial,
            comfort_noise: self.comfort_noise,
            echo: None,
            save: self.save.clone(),
            ..base
        })
    }

    /// The load itself.
    ///
    /// # Errors
    /// When a number is negative or none.
    pub fn load(&self) -> Result<Load, OptionsError> {
        let spacing = if self.rate > 0.0 {
            Duration::try_from_secs_f64(1.0 / self.rate)
                .map_err(|_| OptionsError::Number("rate"))?
        } else {
            Duration::ZERO
        };
        let hold = self.hold.unwrap_or(self.duration);
        let hold = Duration::try_from_secs_f64(hold).map_err(|_| OptionsError::Number("hold"))?;
        Ok(Load {
            calls: self.calls,
            spacing,
            concurrency: self.concurrency,
            pattern: self.pattern,
            burst: self.burst,
            hold: Some(hold),
            echo: self.echo,
            server_pid: self.server_pid,
        })
    }

    /// What the caller says without a script.
    fn recording(&self) -> Result<Script, OptionsError> {
        let Some(wav) = &self.wav else {
            return Ok(Script::default());
        };
        let mut library = Library::new(Path::new(""), &self.utterances);
        Ok(Script::playing(library.file(wav)?))
    }

    fn read_script(&self, path: &Path) -> Result<Script, OptionsError> {
        let read = |source| OptionsError::Read { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(read)?;
        // A script names its recordings relative to itself.
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut library = Library::new(folder, &self.utterances);
        let wrong = |source| OptionsError::Script { path: path.to_owned(), source };
        Script::read(&text, &mut library).map_err(wrong)
    }

    fn read_story(&self, story: &Weighing) -> Result<Script, OptionsError> {
        if story.is_echo() {
            return if self.echo { Ok(Script::default()) } else { Err(OptionsError::Echo) };
        }
        let mut library = Library::new(Path::new(""), &self.utterances);
        let path = PathBuf::from(format!("--story {:?}", story.what));
        let wrong = |source| OptionsError::Script { path, source };
        Script::read(&story.script_text(), &mut library).map_err(wrong)
    }
}
