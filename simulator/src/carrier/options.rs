//! The command line of `trunkline simulate calls`, and its run.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::library::Library;
use super::load::{Load, place_mix};
use super::pattern::{Mix, Pattern, Weighted};
use super::plan::{CallPlan, DialOutcome, StatusPlan};
use super::print::Display;
use super::script::{Script, ScriptError};
use super::threshold::Threshold;

/// Places simulated calls to a server as Twilio would.
#[derive(Clone, Debug, clap::Args)]
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
    /// Calls begun per second; 0 begins all at once.
    #[arg(long, default_value_t = 10.0)]
    pub rate: f64,
    /// How calls come: one after the other, or so that all are live together in
    /// the end, or in bursts.
    #[arg(long, value_enum, default_value_t = Pattern::Steady)]
    pub pattern: Pattern,
    /// Calls that begin at once in a burst.
    #[arg(long, default_value_t = 10)]
    pub burst: u32,
    /// Seconds that each call lasts; of a ramp, from its last call's beginning to
    /// the end of all [default: --duration]
    #[arg(long)]
    pub hold: Option<f64>,
    /// Measures the relay: callers send numbered frames, which a model that
    /// echoes (simulate providers --echo) sends back.
    #[arg(long, conflicts_with_all = ["script", "wav", "comfort_noise", "save"])]
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
    #[arg(long, conflicts_with = "script")]
    pub wav: Option<PathBuf>,
    /// A file that says what the caller does; of several, each with a weight as
    /// FILE:3, calls take turns.
    #[arg(long)]
    pub script: Vec<WeightedFile>,
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
    /// Limits that make the run fail, as NAME=NUMBER: max_setup_ms,
    /// max_first_audio_ms, max_interruption_ms (95th percentiles), setup_p99_ms,
    /// first_audio_p99_ms, interruption_p99_ms, p50_round_trip_ms,
    /// p99_round_trip_ms, p999_round_trip_ms, lost_frames, duplicated_frames,
    /// cpu_ms_per_call_second, max_failed, max_lost, max_underruns, max_stale,
    /// max_invalid.
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

/// A script's file and how often it is played in one round: `FILE` or `FILE:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightedFile {
    /// The file.
    pub path: PathBuf,
    /// Calls of this kind in one round.
    pub weight: u32,
}

impl FromStr for WeightedFile {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let with_weight =
            text.rsplit_once(':').and_then(|(path, weight)| Some((path, weight.parse().ok()?)));
        let (path, weight) = with_weight.unwrap_or((text, 1));
        Ok(Self { path: PathBuf::from(path), weight })
    }
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
    /// A number out of range.
    #[error("--{0} must be a number of 0 or more")]
    Number(&'static str),
}

/// Exit code of a run whose result says little about the server.
const LIMITED: i32 = 3;

/// Places the calls, shows how it goes, prints the report. Returns the process's
/// exit code: 0 when all is well, 1 when a call failed or a threshold was broken,
/// 2 when the options are wrong or the page cannot be written, 3 when the
/// simulator itself was too slow for what it measured to mean anything. Must run
/// on an actix runtime.
pub async fn run(options: SimulateCallsOptions) -> i32 {
    let (mix, load) = match options.mix().and_then(|mix| Ok((mix, options.load()?))) {
        Ok(both) => both,
        Err(error) => {
            super::print::error(&error);
            return 2;
        }
    };
    let mut display = Display::new(load.calls, options.json);
    let told = |counts: super::load::Counts, sample: Option<&super::sampler::Sample>| {
        display.update(counts, sample);
    };
    let mut summary = Box::pin(place_mix(mix, load, told)).await;
    display.finish();
    summary.judge(&options.threshold);
    super::print::report(&summary, options.json);
    if let Some(path) = &options.html
        && let Err(error) = std::fs::write(path, super::html::page(&summary))
    {
        super::print::error(&format!("cannot write {}: {error}", path.display()));
        return 2;
    }
    match (&summary.limited, summary.broken.is_empty()) {
        (Some(why), _) => {
            super::print::error(&format!(
                "the result is refused: {why}; use fewer calls, or a faster machine for the simulator"
            ));
            LIMITED
        }
        (None, broken) => i32::from(!broken),
    }
}

impl SimulateCallsOptions {
    /// The plans of the calls.
    ///
    /// # Errors
    /// When a script or the recording cannot be had.
    pub fn mix(&self) -> Result<Mix, OptionsError> {
        if self.script.is_empty() {
            return Ok(self.plan(self.recording()?)?.into());
        }
        let plans = self.script.iter().map(|file| {
            let plan = self.plan(self.read_script(&file.path)?)?;
            Ok(Weighted { plan, weight: file.weight })
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
            save: self.save.clone(),
            ..base
        })
    }

    fn load(&self) -> Result<Load, OptionsError> {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_what_follows_the_last_colon_if_it_is_a_number() {
        let file = |text: &str| text.parse::<WeightedFile>().map(|f| (f.path, f.weight));
        for (text, path, weight) in
            [("a.txt", "a.txt", 1), ("a.txt:3", "a.txt", 3), ("c:d", "c:d", 1)]
        {
            assert_eq!(file(text), Ok((PathBuf::from(path), weight)));
        }
    }
}
