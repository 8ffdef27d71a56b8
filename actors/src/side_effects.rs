//! What tools do to the world is done once, and is known to be done before anybody
//! is told so.
//!
//! [`SideEffects::once`] is the one way to change something outside: it writes to
//! the ledger that the effect begins, has it carried out, writes down what came of
//! it, and only then answers. Whoever asks for the same again, in this life of the
//! process or another, on this node or another, is given the first answer; while
//! the first is at it, they wait for it. An effect that was begun and never
//! answered, because a process died in between, is looked up on the other side
//! before it is carried out again.
//!
//! The ledger is in the database alone. While that is away nothing is begun: what
//! cannot be remembered must not be done.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_rt::task::spawn_blocking;
use chrono::Utc;
use trunkline_store::{Begun, EffectKey, EffectRow, EffectState, Payload, Store, StoreError};
use uuid::Uuid;

use crate::metrics;

/// Between two looks at what somebody else has begun.
const LOOK: Duration = Duration::from_millis(50);
/// How long whoever began it in another process is given: longer than a tool may
/// take. Then it counts as begun and never answered.
const PATIENCE: chrono::TimeDelta = chrono::TimeDelta::seconds(30);
/// How long the database may take over one entry.
const LEDGER_PATIENCE: Duration = Duration::from_secs(3);

/// What carrying something out came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Carried {
    /// It happened; every repetition is answered this.
    Out(Payload),
    /// It did not happen, and that is certain; it may be asked for again.
    Not(Payload),
    /// Nobody knows. It counts as begun: before it is tried again the other side
    /// is asked.
    Unknown,
}

/// What the other side says of something that was begun.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It happened.
    Done(Payload),
    /// It did not: it may be carried out.
    Nothing,
    /// It cannot be asked, or does not say.
    Unknown,
}

/// Something that can be done to the world, once.
pub trait Effect {
    /// Does it.
    fn carry_out(&self) -> impl Future<Output = Carried>;

    /// Asks the other side whether it was done. Whoever cannot be asked says
    /// [`Found::Unknown`], and then it is not done again.
    fn look_up(&self) -> impl Future<Output = Found> {
        async { Found::Unknown }
    }
}

/// What became of a side effect that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is done, now or before, with this result.
    Done(Payload),
    /// It is not done, and that is certain.
    Failed(Payload),
    /// It may have been done: nobody could tell, and so it was not done again.
    Unknown,
}

/// Why a side effect was not begun.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// The ledger cannot be written.
    #[error("the ledger of side effects cannot be written: {0}")]
    Ledger(#[from] StoreError),
    /// The ledger did not answer in time. It may have been begun, and then it
    /// counts as never answered.
    #[error("the ledger of side effects does not answer")]
    Silent,
}

/// The node's side effects. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SideEffects {
    store: Store,
    /// One run of the process: what an earlier one began, it will not answer.
    life: Uuid,
    /// What is being carried out here.
    under_way: Arc<Mutex<HashSet<EffectKey>>>,
}

/// Holds an effect's place among those under way, until it is dropped.
struct UnderWay {
    all: Arc<Mutex<HashSet<EffectKey>>>,
    key: EffectKey,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl SideEffects {
    /// Side effects in the ledger of this database.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, life: Uuid::new_v4(), under_way: Arc::default() }
    }

    /// Has something done, unless it was done before.
    ///
    /// # Errors
    /// When it cannot be written down beforehand. Then it is not done.
    pub async fn once(&self, key: &EffectKey, effect: &impl Effect) -> Result<Answer, NotBegun> {
        loop {
            let Some(under_way) = self.enter(key) else {
                tokio::time::sleep(LOOK).await;
                if let Some(answer) = self.answered(key).await? {
                    return Ok(repeated(answer));
                }
                continue;
            };
            let (begin, life) = (key.clone(), self.life);
            let begun = self.ledger(move |s| s.begin_effect(&begin, life, Utc::now())).await?;
            match begun {
                Begun::Go => return Ok(self.carry_out(key, effect, under_way).await),
                Begun::There(row) => match answer_of(&row) {
                    Some(answer) => return Ok(repeated(answer)),
                    None if self.is_abandoned(&row) => {
                        if let Some(answer) = self.resolve(key, row, effect, under_way).await? {
                            return Ok(answer);
                        }
                    }
                    None => drop(under_way),
                },
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Takes the effect's place; none while somebody here is at it.
    fn enter(&self, key: &EffectKey) -> Option<UnderWay> {
        let mut all = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let free = all.insert(key.clone());
        drop(all);
        free.then(|| UnderWay { all: Arc::clone(&self.under_way), key: key.clone() })
    }

    /// Whether whoever began it will not answer: it was this life, and nobody here
    /// is at it (we have its place), or another that has had its time.
    fn is_abandoned(&self, row: &EffectRow) -> bool {
        row.begun_by == self.life || Utc::now() - row.begun_at >= PATIENCE
    }

    /// Something was begun and never answered. None when somebody else sees to it.
    async fn resolve(
        &self,
        key: &EffectKey,
        row: EffectRow,
        effect: &impl Effect,
        under_way: UnderWay,
    ) -> Result<Option<Answer>, NotBegun> {
        let life = self.life;
        let ours = self.ledger(move |s| s.take_over_effect(&row, life, Utc::now())).await?;
        if !ours {
            return Ok(None);
        }
        Ok(Some(match effect.look_up().await {
            Found::Done(result) => self.settle(key, Carried::Out(result)).await,
            Found::Nothing => self.carry_out(key, effect, under_way).await,
            Found::Unknown => self.settle(key, Carried::Unknown).await,
        }))
    }

    /// `_under_way` is held until what came of it is written down.
    async fn carry_out(
        &self,
        key: &EffectKey,
        effect: &impl Effect,
        _under_way: UnderWay,
    ) -> Answer {
        let carried = effect.carry_out().await;
        self.settle(key, carried).await
    }

    /// Writes down what came of it, then says so.
    async fn settle(&self, key: &EffectKey, carried: Carried) -> Answer {
        let (written, at) = (key.clone(), Utc::now());
        let (answer, write) = match carried {
            Carried::Out(result) => {
                let kept = result.clone();
                let write = self.ledger(move |s| s.finish_effect(&written, &kept, at)).await;
                ((Answer::Done(result), "done"), write)
            }
            Carried::Not(result) => {
                let kept = result.clone();
                let write = self.ledger(move |s| s.fail_effect(&written, &kept, at)).await;
                ((Answer::Failed(result), "failed"), write)
            }
            Carried::Unknown => ((Answer::Unknown, "unknown"), Ok(())),
        };
        let (answer, counted) = answer;
        if let Err(error) = write {
            // Nobody is told of what is not written down: it counts as begun and
            // never answered, and the next who asks finds out.
            metrics::side_effect("unrecorded");
            tracing::error!(%error, key = key.text(), "what came of a side effect was not recorded");
            return Answer::Unknown;
        }
        metrics::side_effect(counted);
        answer
    }

    /// The answer that is there by now.
    async fn answered(&self, key: &EffectKey) -> Result<Option<Answer>, NotBegun> {
        let key = key.clone();
        let row = self.ledger(move |store| store.effect(&key)).await?;
        Ok(row.as_ref().and_then(answer_of_any))
    }

    async fn ledger<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, NotBegun> {
        let store = self.store.clone();
        let asked = spawn_blocking(move || ask(&store));
        match tokio::time::timeout(LEDGER_PATIENCE, asked).await {
            Ok(Ok(answer)) => Ok(answer?),
            Ok(Err(_)) | Err(_) => Err(NotBegun::Silent),
        }
    }
}

fn repeated(answer: Answer) -> Answer {
    metrics::side_effect("repeated");
    answer
}

/// What somebody who wants it done now is answered: what failed may be tried again.
fn answer_of(row: &EffectRow) -> Option<Answer> {
    (row.state == EffectState::Done).then(|| Answer::Done(row.result.clone().unwrap_or_default()))
}

/// What somebody who waited for the first is answered, which failed for both.
fn answer_of_any(row: &EffectRow) -> Option<Answer> {
    let result = row.result.clone().unwrap_or_default();
    match row.state {
        EffectState::Begun => None,
        EffectState::Done => Some(Answer::Done(result)),
        EffectState::Failed => Some(Answer::Failed(result)),
    }
}
