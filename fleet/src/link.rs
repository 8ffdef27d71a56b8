//! The way to Redis. It is found by a beat and by nothing else: a connection that
//! mended itself could lead to another Redis, or to one that has lost its memory,
//! and nobody would have told it what this node holds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use tokio::sync::mpsc;

use crate::types::{Away, Note};

/// Longest a connection may take to be made, and an answer to come at all. Those
/// who wait for less say so themselves.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection to a Redis that is known.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) connection: MultiplexedConnection,
    /// That Redis process's own name for itself.
    pub(crate) run: String,
    generation: u64,
}

/// See the module's text.
pub(crate) struct Link {
    client: Client,
    /// Where this node is told things.
    channel: String,
    notes: mpsc::UnboundedSender<Note>,
    present: Arc<Mutex<Present>>,
}

#[derive(Default)]
struct Present {
    connected: Option<Connected>,
    generation: u64,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("channel", &self.channel).finish_non_exhaustive()
    }
}

pub(crate) fn away(error: &RedisError) -> Away {
    // The kind and the code say what is wrong; the detail may quote a command.
    Away(match error.code() {
        Some(code) => format!("{} ({code})", error.category()),
        None => error.category().to_owned(),
    })
}

impl Link {
    pub(crate) fn new(client: Client, channel: String, notes: mpsc::UnboundedSender<Note>) -> Self {
        Self { client, channel, notes, present: Arc::default() }
    }

    /// The connection that is there.
    pub(crate) fn connected(&self) -> Result<Connected, Away> {
        let present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.connected.clone().ok_or_else(|| Away("not connected".to_owned()))
    }

    /// The connection that is there, or a new one.
    pub(crate) async fn connect(&self) -> Result<Connected, Away> {
        if let Ok(connected) = self.connected() {
            return Ok(connected);
        }
        let found = tokio::time::timeout(PATIENCE, self.open()).await;
        found.map_err(|_| Away("no connection in time".to_owned()))?.map_err(|e| away(&e))
    }

    async fn open(&self) -> RedisResult<Connected> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let mut connection =
            self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let about: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
        let run = about.lines().find_map(|line| line.strip_prefix("run_id:"));
        let run = run.unwrap_or("unknown").trim().to_owned();
        let mut ear = self.client.get_async_pubsub().await?;
        ear.subscribe(&self.channel).await?;
        let connected = self.enter(connection, run);
        self.listen(ear, connected.generation);
        Ok(connected)
    }

    fn enter(&self, connection: MultiplexedConnection, run: String) -> Connected {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.generation += 1;
        let connected = Connected { connection, run, generation: present.generation };
        present.connected = Some(connected.clone());
        connected
    }

    /// Passes on what is heard for as long as the connection is the present one.
    fn listen(&self, ear: redis::aio::PubSub, generation: u64) {
        let (notes, present) = (self.notes.clone(), Arc::clone(&self.present));
        drop(tokio::spawn(async move {
            let mut heard = ear.into_on_message();
            while let Some(message) = heard.next().await {
                if !is_present(&present, generation) {
                    return;
                }
                match serde_json::from_slice::<Note>(message.get_payload_bytes()) {
                    Ok(note) => {
                        if notes.send(note).is_err() {
                            return;
                        }
                    }
                    Err(error) => tracing::warn!(%error, "a note of another node makes no sense"),
                }
            }
            give_up(&present, generation);
        }));
    }

    /// This connection is of no use any more.
    pub(crate) fn give_up(&self, connected: &Connected) {
        give_up(&self.present, connected.generation);
    }

    /// Whichever connection is there is of no use any more.
    pub(crate) fn disconnect(&self) {
        self.present.lock().unwrap_or_else(PoisonError::into_inner).connected = None;
    }
}

fn is_present(present: &Mutex<Present>, generation: u64) -> bool {
    let present = present.lock().unwrap_or_else(PoisonError::into_inner);
    present.connected.as_ref().is_some_and(|connected| connected.generation == generation)
}

fn give_up(present: &Mutex<Present>, generation: u64) {
    let mut present = present.lock().unwrap_or_else(PoisonError::into_inner);
    if present.connected.as_ref().is_some_and(|connected| connected.generation == generation) {
        present.connected = None;
    }
}
