//! What has been kept for long enough goes: every hour or so each node looks for it.
//! Batches are small, so that no call's records wait long for the database; several
//! nodes at once do each other no harm.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::rt::task::spawn_blocking;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use trunkline_actors::metrics;
use trunkline_actors::node::Node;
use trunkline_actors::recorder::{RecordingFile, recordings, remove_recording};
use trunkline_core::ids::TenantId;
use trunkline_core::tenant::Privacy;
use trunkline_store::{KeyError, PrivacyKey, Removed, Retention, Store, StoreError};

use crate::config::{PrivacySettings, Settings, TenantBook};
use crate::recordings::Folder;

/// A node that is restarted often must come to it as well.
const FIRST_AFTER: Duration = Duration::from_secs(60);
/// What has not been written to for so long, nobody writes any more: longer than a
/// recording may take.
const UNFINISHED: TimeDelta = TimeDelta::hours(1);
/// Between two batches, so that others get at the database.
const PAUSE: Duration = Duration::from_millis(20);

/// Why a round did not come to its end.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Key(#[from] KeyError),
    #[error("a folder of recordings: {0}")]
    Recordings(#[from] std::io::Error),
    #[error("the thread that did it is gone")]
    Thread,
}

/// Everything that a round needs.
struct Round {
    store: Store,
    settings: PrivacySettings,
    recordings: PathBuf,
    audio: Folder,
    book: TenantBook,
}

/// Begins looking after what is kept, until the process ends.
pub(super) fn keep_in_bounds(node: &Arc<Node>, settings: &Settings, book: &TenantBook) {
    let node = Arc::clone(node);
    let between = Duration::from_millis(settings.privacy.sweep_ms);
    let (settings, book) = (settings.clone(), book.clone());
    drop(actix_rt::spawn(async move {
        let mut wait = between.min(FIRST_AFTER);
        loop {
            tokio::time::sleep(jittered(wait)).await;
            wait = between;
            let round = Round {
                store: node.store.clone(),
                settings: settings.privacy.clone(),
                recordings: settings.recorder.dir.clone(),
                audio: Folder::new(&settings.recordings.dir),
                book: book.clone(),
            };
            let done = spawn_blocking(move || round.run()).await;
            say(&node, done.unwrap_or(Err(RoundError::Thread)));
        }
    }));
}

/// A tenth less to a tenth more, so that the nodes of a fleet come one by one.
fn jittered(wait: Duration) -> Duration {
    let random = uuid::Uuid::new_v4().as_u128() % 201;
    wait.mul_f64(0.9 + f64::from(u32::try_from(random).unwrap_or_default()) / 1_000.0)
}

fn say(node: &Node, done: Result<BTreeMap<&'static str, usize>, RoundError>) {
    match done {
        Ok(went) => {
            metrics::privacy_round(Utc::now().timestamp());
            if went.values().any(|count| *count > 0) {
                tracing::info!(?went, "what was kept for long enough went");
                let counts =
                    went.iter().map(|(what, count)| (String::from(*what), (*count).into()));
                let data = Value::Object(counts.collect::<Map<_, _>>());
                node.audit(None, None, "retention", data);
            }
            for (what, count) in went {
                metrics::privacy_removed(what, count);
            }
        }
        Err(error) => {
            metrics::privacy_failed();
            tracing::warn!(%error, "what was kept for long enough is still there");
        }
    }
}

impl Round {
    /// Takes out all that is due; how much of what.
    fn run(&self) -> Result<BTreeMap<&'static str, usize>, RoundError> {
        let keys = self.settings.keys()?;
        let Some(key) = keys.first() else {
            return Ok(BTreeMap::new());
        };
        let now = Utc::now();
        let mut removed = Removed::default();
        for due in self.due(now)? {
            removed.add(self.take_out(&due, key, now)?);
        }
        let mut went: BTreeMap<_, _> = removed.by_place().into_iter().collect();
        went.insert("recordings", self.remove_recordings()?);
        went.insert("audio_files", self.remove_audio(now)?);
        Ok(went)
    }

    /// What is due of each tenant, of those too that have no file any more.
    fn due(&self, now: DateTime<Utc>) -> Result<Vec<Retention>, StoreError> {
        let mut tenants: BTreeSet<TenantId> =
            self.store.tenants_with_calls()?.into_iter().collect();
        tenants.extend(self.book.current().iter().map(|tenant| tenant.id.clone()));
        let whose = tenants.into_iter().map(Some).chain(std::iter::once(None));
        Ok(whose
            .map(|tenant| {
                let keep = self.keep(tenant.as_ref());
                Retention {
                    words_before: before(now, keep.transcript_days),
                    numbers_before: before(now, keep.number_days),
                    tenant,
                }
            })
            .collect())
    }

    fn keep(&self, tenant: Option<&TenantId>) -> Privacy {
        let tenants = self.book.current();
        let found = tenant.and_then(|id| tenants.by_id(id));
        found.map_or(self.settings.keep, |tenant| tenant.privacy)
    }

    fn take_out(
        &self,
        due: &Retention,
        key: &PrivacyKey,
        now: DateTime<Utc>,
    ) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        loop {
            let batch = self.store.retain(due, key, now)?;
            if batch.total() == 0 {
                return Ok(removed);
            }
            removed.add(batch);
            std::thread::sleep(PAUSE);
        }
    }

    /// Removes this node's recordings of calls whose words are gone, whoever took
    /// them out, and of calls that nobody knows any more and that are too old.
    fn remove_recordings(&self) -> Result<usize, RoundError> {
        let files = recordings(&self.recordings)?;
        let calls: Vec<_> = files.iter().map(|file| file.call_sid.clone()).collect();
        let known = self.store.words_of(&calls)?;
        let known: BTreeMap<_, _> =
            known.iter().map(|(call, tenant, gone)| (call, (tenant, *gone))).collect();
        let mut removed = 0;
        for file in &files {
            let is_due = match known.get(&file.call_sid) {
                Some((_, true)) => true,
                Some((tenant, false)) => is_older(file, self.keep(Some(*tenant)).transcript_days),
                None => is_older(file, self.settings.keep.transcript_days),
            };
            if is_due {
                remove_recording(file)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

impl Round {
    /// The same of what the carrier recorded. Of those that are being written only what
    /// somebody left behind.
    fn remove_audio(&self, now: DateTime<Utc>) -> Result<usize, RoundError> {
        let files = self.audio.files()?;
        let calls: Vec<_> = files.iter().map(|file| file.call_sid.clone()).collect();
        let known = self.store.words_of(&calls)?;
        let known: BTreeMap<_, _> =
            known.iter().map(|(call, tenant, gone)| (call, (tenant, *gone))).collect();
        let mut removed = 0;
        for file in &files {
            let keep = |tenant| self.keep(tenant).transcript_days;
            let is_due = match known.get(&file.call_sid) {
                Some((_, true)) => true,
                Some((tenant, false)) => is_past(file.modified, keep(Some(*tenant))),
                None => is_past(file.modified, self.settings.keep.transcript_days),
            };
            let left_behind = !file.finished && now - DateTime::from(file.modified) > UNFINISHED;
            if left_behind || (is_due && file.finished) {
                self.audio.remove(file)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn is_older(file: &RecordingFile, days: u32) -> bool {
    is_past(file.modified, days)
}

fn is_past(modified: SystemTime, days: u32) -> bool {
    let age = SystemTime::now().duration_since(modified).unwrap_or_default();
    days > 0 && age > Duration::from_secs(u64::from(days) * 86_400)
}

/// The time before which things are older than so many days; none where they are
/// kept for ever.
fn before(now: DateTime<Utc>, days: u32) -> Option<DateTime<Utc>> {
    (days > 0).then(|| now - TimeDelta::days(i64::from(days)))
}
