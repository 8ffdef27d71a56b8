//! `trunkline erase`: removes everything about a phone number, wherever this machine
//! can reach it, and says place by place what was there.

use std::io::Write as _;

use actix_web::rt::task::spawn_blocking;
use chrono::Utc;
use serde::Serialize;
use trunkline_actors::recorder::remove_recording;
use trunkline_store::{Journal, PersonCall, Removed, StoreError};

use super::complain;
use super::person::{JournalState, Person, PersonArgs, PersonError, in_file};

/// Records that are drained together.
const DRAIN: u32 = 500;

/// What `trunkline erase` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct EraseArgs {
    #[command(flatten)]
    person: PersonArgs,
    /// Only say what there is; remove nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was found in one place.
#[derive(Clone, Debug, Serialize)]
struct Place {
    place: &'static str,
    found: usize,
    removed: usize,
    remaining: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The whole answer. It names nobody.
#[derive(Clone, Debug, Serialize)]
struct Report {
    /// The number's hash.
    number: String,
    tenant: Option<String>,
    dry_run: bool,
    places: Vec<Place>,
    /// How much is left in all.
    remaining: usize,
}

/// Erases; answers the process's exit code: 0 when nothing remains that could be
/// found, or nothing was to be removed.
pub async fn run(args: EraseArgs) -> i32 {
    match erase(&args).await {
        Ok(report) => {
            if let Err(error) = tell(&report, args.json) {
                complain(&error.to_string());
            }
            i32::from(report.remaining > 0 && !report.dry_run)
        }
        Err(error) => {
            complain(&error.to_string());
            1
        }
    }
}

async fn erase(args: &EraseArgs) -> Result<Report, PersonError> {
    let remove = !args.dry_run;
    let person = Person::open(&args.person)?;
    let mut places = vec![journal(&person, remove)?];
    let calls = person.store.calls_of_person(person.scope(), &person.forms)?;
    // The rows last of all: by them the rest is found.
    places.push(recordings(&person, &calls, remove)?);
    places.push(audio_files(&person, &calls, remove)?);
    places.push(fleet(&person, &calls, remove).await);
    let number = person.forms.hash().to_owned();
    let tenant = person.tenant.as_ref().map(ToString::to_string);
    let rows = spawn_blocking(move || database(&person, remove)).await;
    places.extend(rows.map_err(std::io::Error::other)??);
    let remaining = places.iter().map(|place| place.remaining).sum();
    Ok(Report { number, tenant, dry_run: args.dry_run, places, remaining })
}

impl Place {
    fn new(place: &'static str, found: usize, remove: bool) -> Self {
        let removed = if remove { found } else { 0 };
        Self { place, found, removed, remaining: found - removed, note: None }
    }
}

/// A journal that nobody holds is put into the database, where the rest happens.
fn journal(person: &Person, remove: bool) -> Result<Place, PersonError> {
    let mut place = Place::new("journal", 0, remove);
    let state = journal_state(person, remove)?;
    place.note = match state {
        JournalState::None => Some("there is none".to_owned()),
        JournalState::Free => None,
        JournalState::HeldWithout => Some("a running node holds it; nothing found".to_owned()),
        JournalState::HeldWith => {
            (place.found, place.remaining) = (1, 1);
            Some("a running node holds it: restart that node, then run this again".to_owned())
        }
    };
    Ok(place)
}

fn journal_state(person: &Person, remove: bool) -> Result<JournalState, PersonError> {
    let Some(path) = person.journal_path() else {
        return Ok(JournalState::None);
    };
    let journal = match Journal::open(path, u64::MAX) {
        Ok(journal) => journal,
        Err(StoreError::Journal { .. }) => return Ok(person.held_journal(path)),
        Err(error) => return Err(error.into()),
    };
    while remove && !journal.is_empty() {
        journal.drain_into(&person.store, DRAIN)?;
    }
    Ok(JournalState::Free)
}

fn recordings(person: &Person, calls: &[PersonCall], remove: bool) -> Result<Place, PersonError> {
    let (live, over): (Vec<_>, Vec<_>) = calls.iter().cloned().partition(|call| call.live);
    let files = person.recordings(&over)?;
    if remove {
        for file in &files {
            remove_recording(file).map_err(|source| in_file(&file.path, source))?;
        }
    }
    let mut place = Place::new("recordings", files.len(), remove);
    let growing = person.recordings(&live)?.len();
    place.found += growing;
    place.remaining += growing;
    Ok(place)
}

/// What the carrier recorded, of calls that are over: of a live one there is none yet.
/// Files of other nodes go by themselves, as their calls' words are gone.
fn audio_files(person: &Person, calls: &[PersonCall], remove: bool) -> Result<Place, PersonError> {
    let over: Vec<_> = calls.iter().filter(|call| !call.live).cloned().collect();
    let (folder, files) = person.audio_files(&over)?;
    if remove {
        for file in &files {
            folder.remove(file).map_err(|source| in_file(&file.path, source))?;
        }
    }
    Ok(Place::new("audio_files", files.len(), remove))
}

async fn fleet(person: &Person, calls: &[PersonCall], remove: bool) -> Place {
    match person.fleet_keys(calls, remove).await {
        Ok(Some(keys)) => Place::new("redis", keys, remove),
        Ok(None) => {
            Place { note: Some("there is none".to_owned()), ..Place::new("redis", 0, remove) }
        }
        Err(error) => Place {
            remaining: 1,
            note: Some(format!("{error}: run this again when it is back")),
            ..Place::new("redis", 0, remove)
        },
    }
}

fn database(person: &Person, remove: bool) -> Result<Vec<Place>, StoreError> {
    let (store, scope) = (&person.store, person.scope());
    let erased = if remove {
        store.erase(scope, &person.forms, Utc::now())?
    } else {
        store.look_for_person(scope, &person.forms)?
    };
    let mut places = rows(erased.removed, remove);
    if let Some(calls) = places.first_mut().filter(|_| erased.live > 0) {
        calls.found += erased.live;
        calls.remaining += erased.live;
        calls.note = Some(format!("{} not over: run this again when they are", erased.live));
    }
    if remove && !store.overwrite_deleted()? {
        let note = "somebody reads the file: old copies are in its log until it is next emptied";
        places.push(Place {
            remaining: 1,
            note: Some(note.to_owned()),
            ..Place::new("database_log", 0, true)
        });
    }
    Ok(places)
}

fn rows(removed: Removed, remove: bool) -> Vec<Place> {
    let places = removed.by_place().into_iter();
    places.map(|(place, count)| Place::new(place, count, remove)).collect()
}

fn tell(report: &Report, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, report)?;
        return writeln!(out);
    }
    writeln!(out, "{:<16} {:>8} {:>8} {:>10}", "place", "found", "removed", "remaining")?;
    for Place { place, found, removed, remaining, note } in &report.places {
        let note = note.as_ref().map(|note| format!("  {note}")).unwrap_or_default();
        writeln!(out, "{place:<16} {found:>8} {removed:>8} {remaining:>10}{note}")?;
    }
    match (report.dry_run, report.remaining) {
        (true, _) => writeln!(out, "nothing was removed: this was a dry run"),
        (false, 0) => writeln!(out, "nothing remains"),
        (false, left) => writeln!(out, "{left} remain"),
    }
}
