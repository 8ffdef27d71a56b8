//! `trunkline replay`: runs a flight recording again, shows what happened and what
//! was decided, and says whether the same is decided now.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use secrecy::ExposeSecret as _;
use trunkline_actors::recorder::{End, KeySource, ReadFileError, RecorderKey, read_file};
use trunkline_core::call::Explanation;
use trunkline_core::flight::{
    Difference, Digest, Ending, Entry, Preamble, ReadError, Replayer, Step, Words, entries,
};
use trunkline_core::time::Micros;

use super::replay_view::{write_json, write_text};
use super::{ConfigArgs, complain, load};
use crate::config::Environment;

/// What happened last before a moment that is explained: so much is shown of what
/// led to decisions, and of what did not.
const LAST_DECISIVE: usize = 8;
const LAST_QUIET: usize = 4;

/// What `trunkline replay` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct ReplayArgs {
    /// The recording.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Explain what the call knew at this moment: seconds since its beginning, such
    /// as 12.5, or 800ms.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    why: Option<Micros>,
    /// Show what people said, too. Personal data: for your eyes only.
    #[arg(long)]
    words: bool,
    /// Show also what happened without any decision.
    #[arg(long)]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The file of the key that the recording is sealed with; else RECORDER_KEY, else
    /// what the settings say.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Why a recording cannot be replayed at all.
#[derive(Debug, thiserror::Error)]
enum ReplayError {
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: ReadFileError },
    #[error("{path}: {source}", path = path.display())]
    Read { path: PathBuf, source: ReadError },
    #[error("RECORDER_KEY {0}")]
    Key(String),
    #[error("the settings do not say where the key is; name its file with --key-file\n{0}")]
    Settings(String),
}

/// What a replay came to.
pub(super) struct Replayed {
    pub(super) preamble: Preamble,
    /// All of them, or the last before the moment that is explained.
    pub(super) steps: Vec<Step>,
    /// Inputs told.
    pub(super) inputs: usize,
    /// Outputs that are the same.
    pub(super) outputs: usize,
    pub(super) fingerprint: Digest,
    pub(super) ending: Option<Ending>,
    pub(super) end_of_file: End,
    pub(super) trouble: Option<Trouble>,
    pub(super) explanation: Option<Explanation>,
}

/// Why a replay is not the recorded call, or not all of it.
pub(super) enum Trouble {
    Differs(Box<Difference>),
    NotUnderstood(ReadError),
    Panicked,
}

/// Replays; answers the process's exit code: 0 when the same was decided, else 1.
#[must_use]
pub fn run(args: &ReplayArgs) -> i32 {
    let replayed = match replay(args) {
        Ok(replayed) => replayed,
        Err(error) => {
            complain(&error.to_string());
            return 1;
        }
    };
    let mut out = io::stdout().lock();
    let written = if args.json {
        write_json(&replayed, &mut out)
    } else {
        write_text(&replayed, args.all, &mut out)
    };
    // A reader that closed the pipe early has read enough.
    let broken =
        written.and_then(|()| out.flush()).is_err_and(|e| e.kind() != io::ErrorKind::BrokenPipe);
    i32::from(replayed.trouble.is_some() || broken)
}

fn replay(args: &ReplayArgs) -> Result<Replayed, ReplayError> {
    let path = args.file.clone();
    let unsealed = read_file(&path, &key(args)?)
        .map_err(|source| ReplayError::File { path: path.clone(), source })?;
    let (preamble, all) =
        entries(&unsealed.recording).map_err(|source| ReplayError::Read { path, source })?;
    let words = if args.words { Words::Shown } else { Words::Hidden };
    let mut run = Run::new(preamble, words, args.why);
    for entry in all {
        match entry {
            Ok(entry) if run.is_past(&entry) => break,
            Ok(entry) => run.feed(entry),
            Err(error) => run.trouble = Some(Trouble::NotUnderstood(error)),
        }
        if run.trouble.is_some() {
            break;
        }
    }
    Ok(run.replayed(unsealed.end))
}

fn key(args: &ReplayArgs) -> Result<KeySource, ReplayError> {
    if let Some(path) = &args.key_file {
        return Ok(KeySource::File(path.clone()));
    }
    let environment = Environment::of_process();
    if let Some(key) = environment.secret("RECORDER_KEY") {
        let key = RecorderKey::parse(key.expose_secret());
        return key.map(KeySource::Given).map_err(|error| ReplayError::Key(error.to_string()));
    }
    let configuration = load(&args.config, &environment)
        .map_err(|problems| ReplayError::Settings(problems.to_string()))?;
    Ok(configuration.settings.recorder.key)
}

/// A replay under way.
struct Run {
    preamble: Preamble,
    replayer: Replayer,
    why: Option<Micros>,
    steps: VecDeque<Step>,
    inputs: usize,
    trouble: Option<Trouble>,
}

impl Run {
    fn new(preamble: Preamble, words: Words, why: Option<Micros>) -> Self {
        let replayer = Replayer::new(preamble.clone(), words);
        Self { preamble, replayer, why, steps: VecDeque::new(), inputs: 0, trouble: None }
    }

    /// Whether an entry comes after the moment that is explained.
    fn is_past(&self, entry: &Entry) -> bool {
        let at = match entry {
            Entry::Input(at, _) | Entry::Timeout(at, _) => *at,
            Entry::Preamble(_) | Entry::Decided(_) | Entry::Ending(_) => return false,
        };
        self.why.is_some_and(|why| at > why)
    }

    /// An input that kills the call kills the replay as well, and that is worth
    /// seeing rather than dying of.
    fn feed(&mut self, entry: Entry) {
        let fed = catch_unwind(AssertUnwindSafe(|| self.replayer.feed(entry)));
        match fed {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(step))) => self.add(step),
            Ok(Err(difference)) => self.trouble = Some(Trouble::Differs(difference)),
            Err(_) => self.trouble = Some(Trouble::Panicked),
        }
    }

    fn add(&mut self, step: Step) {
        self.inputs += 1;
        let quiet = step.decided.is_empty();
        self.steps.push_back(step);
        if self.why.is_some() {
            let alike = |step: &Step| step.decided.is_empty() == quiet;
            let most = if quiet { LAST_QUIET } else { LAST_DECISIVE };
            if self.steps.iter().filter(|step| alike(step)).count() > most {
                let oldest = self.steps.iter().position(alike);
                drop(oldest.and_then(|index| self.steps.remove(index)));
            }
        }
    }

    fn replayed(self, end_of_file: End) -> Replayed {
        Replayed {
            explanation: self.why.map(|why| self.replayer.explain(why)),
            outputs: self.replayer.outputs(),
            fingerprint: self.replayer.fingerprint(),
            ending: self.replayer.ending(),
            preamble: self.preamble,
            steps: self.steps.into(),
            inputs: self.inputs,
            end_of_file,
            trouble: self.trouble,
        }
    }
}

/// Reads `12.5`, `12.5s` or `800ms`.
fn moment(text: &str) -> Result<Micros, String> {
    let (number, per_second) = match text.strip_suffix("ms") {
        Some(number) => (number, 1_000.0),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.trim().parse::<f64>().ok().map(|number| number / per_second);
    let duration = seconds.and_then(|s| std::time::Duration::try_from_secs_f64(s).ok());
    duration.map(Micros::from).ok_or_else(|| "write seconds, like 12.5, or 800ms".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_in_seconds_or_milliseconds() {
        for (text, ms) in [("12.5", 12_500), ("12.5s", 12_500), ("800ms", 800), ("0", 0)] {
            assert_eq!(moment(text), Ok(Micros::from_millis(ms)), "{text}");
        }
        for text in ["", "-1", "soon", "1m", "NaN", "inf"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
