//! The journal keeps what it took, in order, and gives each record to the database.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Database, at, call, event, said, sid, started};
use tempfile::TempDir;
use trunkline_core::pii::Personal;
use trunkline_store::{
    CallChange, CallRow, Journal, Outcome, Record, Scope, Speaker, TranscriptHeard,
};

const ROOM: u64 = 1 << 20;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("deep/journal.sqlite")
    }

    fn open(&self) -> Journal {
        Journal::open(&self.path(), ROOM).unwrap()
    }
}

fn put(journal: &Journal, records: &[Record]) {
    assert_eq!(journal.append(records, at(0)).unwrap().refused, 0);
}

fn ended(call: &CallRow, ms: i64) -> Record {
    let change = CallChange {
        outcome: Some(Outcome::Completed),
        ended_at: Some(at(ms)),
        ..CallChange::new(call.call_sid.clone(), at(ms))
    };
    Record::CallChanged(Box::new(change))
}

/// A call from its beginning to its end, with every kind of its records.
fn story(call: &CallRow) -> Vec<Record> {
    let reply = said(call, 0, Speaker::Agent, "good evening");
    let heard = TranscriptHeard {
        id: reply.id,
        heard: Personal::new("good"),
        interrupted: true,
        ended_at: at(9),
    };
    let mut story = vec![started(call), Record::Event(event(call, 0, "answered"))];
    story.extend([Record::Transcript(reply), Record::TranscriptHeard(heard)]);
    story.push(Record::Event(event(call, 1, "ended")));
    story.push(ended(call, 10));
    story
}

fn assert_told(database: &Database, call: &CallRow) {
    let store = &database.store;
    let row = store.call(Scope::AllTenants, &call.call_sid).unwrap().unwrap();
    assert_eq!((row.outcome, row.ended_at), (Some(Outcome::Completed), Some(at(10))));
    let events = store.events(Scope::AllTenants, &call.call_sid).unwrap();
    assert_eq!(events.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(), ["answered", "ended"]);
    let lines = store.transcript(Scope::AllTenants, &call.call_sid).unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].heard.as_ref().map(Personal::expose), Some("good"));
}

/// Moves everything into the database, so many at a time.
fn drain(journal: &Journal, database: &Database, limit: u32) -> usize {
    let mut moved = 0;
    while !journal.is_empty() {
        let drained = journal.drain_into(&database.store, limit).unwrap();
        assert_eq!(drained.refused, []);
        moved += drained.records;
    }
    moved
}

on_both_databases! {
    fn what_is_put_in_comes_out_in_order_and_once(database) {
        let folder = Folder::new();
        let journal = folder.open();
        let (one, two) = (call("CA1", "salon"), call("CA2", "salon"));
        put(&journal, &story(&one));
        put(&journal, &story(&two));
        assert_eq!((journal.size().records, journal.size().oldest), (12, Some(at(0))));
        assert_eq!(drain(&journal, database, 5), 12);
        assert_told(database, &one);
        assert_told(database, &two);
        assert_eq!(journal.size(), trunkline_store::JournalSize::default());
    }

    fn what_the_database_had_already_is_not_there_twice(database) {
        let folder = Folder::new();
        let journal = folder.open();
        let call = call("CA1", "salon");
        // Committed, and the answer was lost: so it went to the journal as well.
        database.apply(&story(&call));
        put(&journal, &story_as_stored(database, &call));
        assert_eq!(drain(&journal, database, 100), 6);
        assert_told(database, &call);
    }

    fn it_is_all_there_after_a_restart(database) {
        let folder = Folder::new();
        let call = call("CA1", "salon");
        {
            let journal = folder.open();
            put(&journal, &story(&call));
            assert_eq!(journal.drain_into(&database.store, 2).unwrap().records, 2);
        }
        let journal = folder.open();
        assert_eq!(journal.size().records, 4);
        assert_eq!(drain(&journal, database, 100), 4);
        assert_told(database, &call);
    }

    fn a_database_that_cannot_take_them_leaves_them_in(database) {
        let folder = Folder::new();
        let journal = folder.open();
        let call = call("CA1", "salon");
        put(&journal, &story(&call));
        database.execute("ALTER TABLE transcripts RENAME TO elsewhere").unwrap();
        let before = journal.size();
        journal.drain_into(&database.store, 100).unwrap_err();
        assert_eq!(journal.size(), before);
        database.execute("ALTER TABLE elsewhere RENAME TO transcripts").unwrap();
        drain(&journal, database, 100);
        assert_told(database, &call);
    }

    fn a_record_that_can_never_be_stored_holds_up_nobody(database) {
        let folder = Folder::new();
        let journal = folder.open();
        let (call, never_began) = (call("CA1", "salon"), call("CA2", "salon"));
        put(&journal, &[Record::Transcript(said(&never_began, 0, Speaker::Caller, "hello"))]);
        put(&journal, &story(&call));
        let drained = journal.drain_into(&database.store, 100).unwrap();
        assert_eq!((drained.records, drained.refused.len()), (7, 1));
        assert_eq!(drained.refused[0].0, "transcript");
        assert!(journal.is_empty());
        assert_told(database, &call);
    }
}

/// The same story, with the ids that are in the database.
fn story_as_stored(database: &Database, call: &CallRow) -> Vec<Record> {
    let store = &database.store;
    let events = store.events(Scope::AllTenants, &call.call_sid).unwrap();
    let line = store.transcript(Scope::AllTenants, &call.call_sid).unwrap().remove(0);
    let heard = TranscriptHeard {
        id: line.id,
        heard: Personal::new("good"),
        interrupted: true,
        ended_at: at(9),
    };
    vec![
        started(call),
        Record::Event(events[0].clone()),
        Record::Transcript(line),
        Record::TranscriptHeard(heard),
        Record::Event(events[1].clone()),
        ended(call, 10),
    ]
}

#[test]
fn a_second_process_is_refused_in_plain_words() {
    let folder = Folder::new();
    let held = folder.open();
    let error = Journal::open(&folder.path(), ROOM).unwrap_err().to_string();
    assert!(error.contains("another process holds it"), "{error}");
    assert!(error.contains("journal.sqlite"), "{error}");
    drop(held);
    drop(folder.open());
}

#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let journal = folder.open();
    put(&journal, &story(&call("CA1", "salon")));
    for file in std::fs::read_dir(folder.path().parent().unwrap()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} {mode:o}", file.file_name());
    }
}

#[test]
fn past_its_bound_only_beginnings_and_ends_of_calls_are_taken() {
    let folder = Folder::new();
    let journal = Journal::open(&folder.path(), 1_000).unwrap();
    let (early, late) = (call("CA1", "salon"), call("CA2", "salon"));
    put(&journal, &[started(&early)]);
    assert!(!journal.is_full());
    let talk: Vec<Record> = (0..50).map(|seq| Record::Event(event(&early, seq, "step"))).collect();
    let refused = journal.append(&talk, at(1)).unwrap().refused;
    assert!((1..50).contains(&refused), "{refused}");
    assert!(journal.is_full());
    assert_eq!(journal.append(&story(&late), at(2)).unwrap().refused, 4);
    assert_eq!(journal.append(&[ended(&early, 10)], at(3)).unwrap().refused, 0);

    let database = Database::postgres();
    drain(&journal, &database, 100);
    assert!(!journal.is_full());
    for call in [&early, &late] {
        let row = database.store.call(Scope::AllTenants, &call.call_sid).unwrap().unwrap();
        assert_eq!(row.outcome, Some(Outcome::Completed));
    }
    let kept = database.store.events(Scope::AllTenants, &early.call_sid).unwrap();
    assert!(kept.iter().map(|e| e.seq).eq(0..50 - i32::try_from(refused).unwrap()), "the first");
}

#[test]
fn what_was_taken_out_is_not_left_on_the_disk() {
    let folder = Folder::new();
    let journal = folder.open();
    let secret = "the caller's mother is called Ermintrude";
    let call = call("CA1", "salon");
    put(&journal, &[started(&call), Record::Transcript(said(&call, 0, Speaker::Caller, secret))]);
    drain(&journal, &Database::postgres(), 100);
    drop(journal);
    for file in std::fs::read_dir(folder.path().parent().unwrap()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(10).any(|w| w == b"Ermintrude"), "it is still there");
    }
}

/// Where a child process of the test below puts its records.
const CHILD: &str = "TRUNKLINE_JOURNAL_OF_A_CHILD";

#[test]
fn what_it_said_it_has_outlasts_a_kill() {
    if let Some(path) = std::env::var_os(CHILD) {
        write_until_killed(Path::new(&path));
    }
    for life in 0..5 {
        let folder = Folder::new();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "journal::what_it_said_it_has_outlasts_a_kill", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = 0;
        let acknowledged = |line: &str| line.split("has ").nth(1)?.parse::<usize>().ok();
        // Somewhere in the middle, at another place each time.
        while said < 40 + life * 17 {
            let line = lines.next().unwrap().unwrap();
            said = acknowledged(&line).unwrap_or(said);
        }
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            said = acknowledged(&line).unwrap_or(said);
        }
        child.wait().unwrap();

        let (journal, database) = (folder.open(), Database::sqlite());
        assert!(journal.size().records as usize > said, "{said} were acknowledged");
        drain(&journal, &database, 100);
        let kept = database.store.events(Scope::AllTenants, &sid("CA1")).unwrap();
        assert!(kept.len() >= said, "{} of {said}", kept.len());
        assert!((0..).zip(&kept).all(|(seq, event)| event.seq == seq), "none is missing");
    }
}

#[expect(clippy::print_stdout, reason = "the test that started this process reads it")]
fn write_until_killed(path: &Path) -> ! {
    let journal = Journal::open(path, ROOM).unwrap();
    let call = call("CA1", "salon");
    put(&journal, &[started(&call)]);
    for seq in 0.. {
        put(&journal, &[Record::Event(event(&call, seq, "step"))]);
        println!("has {}", seq + 1);
    }
    unreachable!("it is killed")
}
