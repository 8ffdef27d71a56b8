//! `trunkline export`: prints everything that is held about a phone number, for a
//! person who asks.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;
use trunkline_core::pii::PhoneNumber;
use trunkline_store::Held;

use super::complain;
use super::person::{Person, PersonArgs, PersonError, in_file};

/// Version of the document's form.
const FORMAT: u32 = 1;

/// What `trunkline export` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    person: PersonArgs,
    /// Write here instead, for this user's eyes only. The file must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The document.
#[derive(Debug, Serialize)]
struct Export {
    format: u32,
    number: PhoneNumber,
    tenant: Option<String>,
    made_at: DateTime<Utc>,
    #[serde(flatten)]
    held: Held,
    flight_recordings: Vec<Recording>,
    /// What the carrier recorded, as files of this machine.
    audio_files: Vec<Recording>,
    /// Keys in the fleet's Redis; none where there is no Redis.
    redis_keys: Option<usize>,
}

/// A file of a call: its sealed flight recording, in which there is nothing that is not
/// in the rows as well, or its audio.
#[derive(Debug, Serialize)]
struct Recording {
    call_sid: String,
    file: String,
    bytes: u64,
    finished: bool,
}

impl Recording {
    fn new(call_sid: &impl ToString, path: &Path, bytes: u64, finished: bool) -> Self {
        let (call_sid, file) = (call_sid.to_string(), path.display().to_string());
        Self { call_sid, file, bytes, finished }
    }
}

/// Exports; answers the process's exit code.
pub async fn run(args: ExportArgs) -> i32 {
    match export(&args).await {
        Ok(()) => 0,
        Err(error) => {
            complain(&error.to_string());
            1
        }
    }
}

async fn export(args: &ExportArgs) -> Result<(), PersonError> {
    let person = Person::open(&args.person)?;
    let calls = person.store.calls_of_person(person.scope(), &person.forms)?;
    let document = Export {
        format: FORMAT,
        number: person.forms.plain().clone(),
        tenant: person.tenant.as_ref().map(ToString::to_string),
        made_at: Utc::now(),
        held: person.store.held_about(person.scope(), &person.forms)?,
        flight_recordings: person
            .recordings(&calls)?
            .into_iter()
            .map(|file| Recording::new(&file.call_sid, &file.path, file.bytes, file.finished))
            .collect(),
        audio_files: person
            .audio_files(&calls)?
            .1
            .into_iter()
            .map(|file| Recording::new(&file.call_sid, &file.path, file.bytes, file.finished))
            .collect(),
        redis_keys: person.fleet_keys(&calls, false).await?,
    };
    let Some(path) = &args.out else {
        return write(&document, std::io::stdout().lock());
    };
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(|source| in_file(path, source))?;
    write(&document, &file)?;
    Ok(file.sync_all()?)
}

fn write(document: &Export, mut out: impl Write) -> Result<(), PersonError> {
    serde_json::to_writer_pretty(&mut out, document).map_err(std::io::Error::from)?;
    Ok(writeln!(out)?)
}
