//! Batches of records.

use diesel::Connection;

use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::record::Record;
use crate::store::Store;
use crate::tables::early::Expected;
use crate::tables::events::{self, EventRow};

/// What became of a batch: everything in it is stored, but for these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Records that can never be stored, in the order of the batch.
    pub refused: Vec<Refused>,
}

/// A record that can never be stored. Trying it again is useless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Why, with no value of the record in it.
    pub reason: String,
}

impl Store {
    /// Stores a batch in one transaction. A batch may be replayed, whole or from
    /// any point to its end: what is stored already stays as it is, and changes
    /// come to the same end. A record that the database refuses (a transcript of
    /// a call that never began) is left out and reported; the rest is stored.
    ///
    /// # Errors
    /// When the database is away, locked, full or undecided between two writers.
    /// Then nothing of the batch is stored, and it may be tried again.
    pub fn apply(&self, records: &[Record]) -> Result<Applied, StoreError> {
        if records.is_empty() {
            return Ok(Applied::default());
        }
        match self.write(|connection| together(connection, records)) {
            Ok(()) => Ok(Applied::default()),
            Err(error) if error.blames_record() => {
                self.write(|connection| one_by_one(connection, records))
            }
            Err(error) => Err(error),
        }
    }
}

/// Most events in one statement: Postgres takes 65 535 values, an event has nine.
const EVENTS_AT_ONCE: usize = 500;

/// The fast way, with runs of events in one statement each.
fn together(connection: &mut AnyConnection, records: &[Record]) -> Result<(), StoreError> {
    let mut run: Vec<EventRow> = Vec::new();
    let mut expected = Expected::by(connection, records)?;
    for record in records {
        if let Record::Event(event) = record {
            run.push(event.clone());
            if run.len() < EVENTS_AT_ONCE {
                continue;
            }
        }
        flush(connection, &mut run)?;
        if !matches!(record, Record::Event(_)) {
            record.apply(connection, &mut expected)?;
        }
    }
    flush(connection, &mut run)
}

fn flush(connection: &mut AnyConnection, run: &mut Vec<EventRow>) -> Result<(), StoreError> {
    if run.is_empty() { Ok(()) } else { events::insert(connection, std::mem::take(run)) }
}

/// The slow way: a savepoint for each record, so that a refused one leaves the
/// rest as they are.
fn one_by_one(connection: &mut AnyConnection, records: &[Record]) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    let mut expected = Expected::by(connection, records)?;
    for (index, record) in records.iter().enumerate() {
        match alone(connection, record, &mut expected) {
            Ok(()) => {}
            Err(error) if error.blames_record() => {
                applied.refused.push(Refused { index, reason: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(applied)
}

/// One record; what the database refused because its call is not here waits for it.
fn alone(
    connection: &mut AnyConnection,
    record: &Record,
    expected: &mut Expected,
) -> Result<(), StoreError> {
    match connection.transaction(|connection| record.apply(connection, expected)) {
        Err(error) if error.blames_record() => {
            if connection.transaction(|connection| expected.put_by(connection, record))? {
                return Ok(());
            }
            // It has come meanwhile, or never will.
            connection.transaction(|connection| record.store(connection))
        }
        done => done,
    }
}
