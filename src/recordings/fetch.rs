//! The job that fetches what the carrier recorded. Each recording is taken on by one
//! node; one that cannot be had is asked for again, later and later; and what a
//! process was at when it died is taken on again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::sync::mpsc;
use trunkline_actors::metrics;
use trunkline_actors::node::Node;
use trunkline_connectors::http::{Body, RequestError};
use trunkline_connectors::twilio::MEDIA_PATIENCE;
use trunkline_store::{FetchAgain, RecordingRow, Store, StoreError};

use super::folder::{Draft, Folder};
use super::{account, why};
use crate::config::{Environment, Settings, TenantBook};

/// Recordings that a node fetches at once.
const AT_ONCE: usize = 2;
/// Longest pause between two looks for what is due.
const LOOK: Duration = Duration::from_secs(5);
/// Longest pause before a recording is asked for again.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// After so long whoever took a recording on is lost: longer than fetching takes.
const LEASE: Duration = MEDIA_PATIENCE.saturating_add(Duration::from_secs(60));
/// Pieces that wait for the disk.
const PIECES: usize = 16;

/// Everything that fetching needs.
struct Fetcher {
    node: Arc<Node>,
    settings: Settings,
    environment: Environment,
    book: TenantBook,
    folder: Folder,
}

/// Why a recording could not be had.
struct Failure {
    why: String,
    /// How long the carrier asks us to wait.
    wait: Duration,
}

impl Failure {
    fn new(why: &str) -> Self {
        Self { why: why.to_owned(), wait: Duration::ZERO }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let asked = match &error {
            RequestError::Refused(refusal) => refusal.retry_after_ms.unwrap_or_default(),
            RequestError::Url(_)
            | RequestError::Timeout { .. }
            | RequestError::OutOfReach(_)
            | RequestError::Connection(_)
            | RequestError::TooLong(_)
            | RequestError::Useless(_) => 0,
        };
        Self { why: why(&error), wait: Duration::from_millis(asked) }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let is_no_audio = error.kind() == std::io::ErrorKind::InvalidData;
        Self::new(if is_no_audio { "no_audio" } else { "disk" })
    }
}

/// Begins to fetch, until the process ends.
pub(crate) fn keep_fetching(
    node: &Arc<Node>,
    settings: &Settings,
    environment: &Environment,
    book: &TenantBook,
) {
    let fetcher = Arc::new(Fetcher {
        node: Arc::clone(node),
        settings: settings.clone(),
        environment: environment.clone(),
        book: book.clone(),
        folder: Folder::new(Path::new(&settings.recordings.dir)),
    });
    drop(actix_rt::spawn(async move {
        fetcher.release().await;
        for _ in 0..AT_ONCE {
            drop(actix_rt::spawn(Arc::clone(&fetcher).run()));
        }
    }));
}

impl Fetcher {
    /// What an earlier life of this node was at is to be taken on again.
    async fn release(&self) {
        let node = self.node.settings.id.clone();
        loop {
            let me = node.clone();
            let released = self.ask(move |store| store.release_recordings(&me, Utc::now())).await;
            let Err(error) = released else {
                return;
            };
            tracing::warn!(%error, "recordings that were being fetched wait for the database");
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn run(self: Arc<Self>) {
        let pause = LOOK.min(Duration::from_millis(self.settings.recordings.retry_ms));
        loop {
            match self.claim().await {
                Ok(Some(row)) => self.fetch(&row).await,
                Ok(None) => tokio::time::sleep(pause).await,
                Err(error) => {
                    tracing::debug!(%error, "nobody can say which recordings are due");
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
    }

    async fn claim(&self) -> Result<Option<RecordingRow>, StoreError> {
        let node = self.node.settings.id.clone();
        self.ask(move |store| {
            let now = Utc::now();
            store.claim_recording(&node, now, later(now, LEASE))
        })
        .await
    }

    /// Asks the database on a thread that may wait.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.node.store.clone();
        let asked = spawn_blocking(move || work(&store)).await;
        asked.unwrap_or_else(|error| Err(StoreError::Busy(error.to_string())))
    }

    /// One try, and what became of it.
    async fn fetch(&self, row: &RecordingRow) {
        let place = Folder::place(row);
        let noted = match self.bring(row, &place).await {
            Ok(bytes) => self.stored(row, place, bytes).await,
            Err(failure) => self.failed(row, failure).await,
        };
        if let Err(error) = noted {
            // Nobody knows of it, so it is taken on again once the claim runs out.
            tracing::warn!(%error, call.id = %row.call_sid, "what became of a recording is not written down");
        }
    }

    /// Brings a recording into the folder; its length.
    async fn bring(&self, row: &RecordingRow, place: &str) -> Result<u64, Failure> {
        let tenants = self.book.current();
        let tenant = tenants.by_id(&row.tenant_id).ok_or_else(|| Failure::new("no_tenant"))?;
        let tries = usize::try_from(row.attempts.saturating_sub(1)).unwrap_or_default();
        let sid = row.account_sid.clone();
        let account = account(tenant, sid, tries, &self.settings, &self.environment)
            .ok_or_else(|| Failure::new("no_account"))?;
        let most = self.settings.recordings.max_bytes;
        let body = account.recording(&row.recording_sid, row.channels, most).await?;
        let (folder, place) = (self.folder.clone(), place.to_owned());
        let draft = spawn_blocking(move || folder.draft(&place)).await;
        let draft = draft.map_err(|_| Failure::new("disk"))??;
        save(body, draft).await
    }

    async fn stored(
        &self,
        row: &RecordingRow,
        place: String,
        bytes: u64,
    ) -> Result<(), StoreError> {
        let (claimed, folder) = (row.clone(), self.folder.clone());
        let ours = self.ask(move |store| {
            let ours = store.recording_stored(&claimed, (&place, bytes), Utc::now())?;
            // Erased while it was fetched, or fetched by somebody else.
            if !ours && !is_kept(store, &claimed)? {
                folder.discard(&place).unwrap_or_default();
            }
            Ok(ours)
        });
        if ours.await? {
            metrics::call_recording(&row.tenant_id, "stored");
            let data = json!({ "recording": row.recording_sid, "bytes": bytes });
            self.note(row, "recording_stored", data);
        }
        Ok(())
    }

    async fn failed(&self, row: &RecordingRow, failure: Failure) -> Result<(), StoreError> {
        let limit = i32::try_from(self.settings.recordings.attempts).unwrap_or(i32::MAX);
        let again = if row.attempts >= limit {
            FetchAgain::Never
        } else {
            let pause = pause(self.settings.recordings.retry_ms, row.attempts).max(failure.wait);
            FetchAgain::At(later(Utc::now(), pause))
        };
        let (claimed, error) = (row.clone(), failure.why.clone());
        let ours =
            self.ask(move |store| store.recording_failed(&claimed, &error, again, Utc::now()));
        if !ours.await? {
            return Ok(());
        }
        let is_last = again == FetchAgain::Never;
        metrics::call_recording(&row.tenant_id, if is_last { "failed" } else { "retried" });
        let why = failure.why;
        tracing::warn!(call.id = %row.call_sid, tenant.id = %row.tenant_id, attempt = row.attempts, is_last, why, "a recording cannot be had");
        let data = json!({
            "recording": row.recording_sid,
            "error": why,
            "attempt": row.attempts,
            "last": is_last,
        });
        self.note(row, "recording_failed", data);
        Ok(())
    }

    fn note(&self, row: &RecordingRow, kind: &str, data: serde_json::Value) {
        let (sid, id) = (Some(row.call_sid.clone()), Some(row.tenant_id.clone()));
        self.node.audit(sid, id, kind, data);
    }
}

/// Whether somebody else keeps, or is to fetch, the file of a recording.
fn is_kept(store: &Store, row: &RecordingRow) -> Result<bool, StoreError> {
    let scope = trunkline_store::Scope::Tenant(&row.tenant_id);
    Ok(store.recordings(scope, &row.call_sid)?.iter().any(|known| known.id == row.id))
}

/// Writes an answer to the disk as it comes; its length.
async fn save(mut body: Body, mut draft: Draft) -> Result<u64, Failure> {
    let (pieces, mut coming) = mpsc::channel::<Bytes>(PIECES);
    let written = spawn_blocking(move || {
        while let Some(piece) = coming.blocking_recv() {
            // An empty one says that all have come.
            if piece.is_empty() {
                return draft.finish();
            }
            draft.write(&piece)?;
        }
        Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
    });
    let broken = loop {
        let piece = match body.next().await {
            Some(Ok(piece)) if piece.is_empty() => continue,
            Some(Ok(piece)) => piece,
            Some(Err(error)) => break Some(error),
            None => Bytes::new(),
        };
        let is_end = piece.is_empty();
        if pieces.send(piece).await.is_err() || is_end {
            break None;
        }
    };
    drop(pieces);
    let written = written.await.map_err(|_| Failure::new("disk"))?;
    match broken {
        Some(error) => Err(error.into()),
        None => Ok(written?),
    }
}

/// The pause after so many tries: each is twice the one before.
fn pause(first_ms: u64, attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    let pause_ms = first_ms.saturating_mul(2_u64.saturating_pow(doublings));
    Duration::from_millis(pause_ms).min(LONGEST_PAUSE)
}

fn later(now: DateTime<Utc>, after: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(after).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let all: Vec<u64> = [1, 2, 3, 11, 60, i32::MAX].map(|n| pause(5_000, n).as_secs()).into();
        assert_eq!(all, [5, 10, 20, 3_600, 3_600, 3_600]);
        assert_eq!(pause(10, 0), Duration::from_millis(10));
    }
}
