//! Rereads the tenants when their files change, and on SIGHUP.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::{Handle, Signals};

use super::book::{Summary, TenantBook};
use super::problem::Problems;

/// Editors write a file in several steps; this long without another one is the end.
const QUIET: Duration = Duration::from_millis(200);
/// A folder that never comes to rest is read anyway after this long.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why the tenants were read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A file changed.
    Change,
    /// Somebody sent SIGHUP.
    Hangup,
}

/// One reread and what came of it.
#[derive(Clone, Debug)]
pub struct ReloadOutcome {
    /// Why the tenants were read again.
    pub cause: Cause,
    /// What changed, or why nothing was taken over.
    pub result: Result<Summary, Problems>,
}

/// Why watching could not begin.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A folder cannot be watched.
    #[error("cannot watch for changed files: {0}")]
    Files(#[from] notify::Error),
    /// SIGHUP cannot be listened to, or a thread cannot be started.
    #[error("cannot listen for SIGHUP: {0}")]
    Signals(#[from] std::io::Error),
}

enum Nudge {
    Change,
    Hangup,
    Stop,
}

/// Watches as long as it lives.
#[must_use = "watching ends when the guard is dropped"]
pub struct WatchGuard {
    // Dropped first, so that it sends nothing after the stop.
    watcher: Option<RecommendedWatcher>,
    signals: Handle,
    stop: Sender<Nudge>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts to watch the folders of `book` and SIGHUP, on threads of their own.
/// `on_event` hears of every reread, also of those that found nothing new. A
/// folder that is itself removed and made again is no longer watched; SIGHUP
/// still works then.
///
/// # Errors
/// When the folders cannot be watched or the signal cannot be listened to.
pub fn watch(
    book: TenantBook,
    on_event: impl Fn(ReloadOutcome) + Send + 'static,
) -> Result<WatchGuard, WatchError> {
    let (nudge, nudges) = channel();
    let watcher = watch_folders(&book, nudge.clone())?;
    let mut signals = Signals::new([SIGHUP])?;
    let handle = signals.handle();
    let hangup = nudge.clone();
    let mut guard =
        WatchGuard { watcher: Some(watcher), signals: handle, stop: nudge, threads: Vec::new() };
    guard.threads.push(start("config-signals", move || {
        for _ in signals.forever() {
            if hangup.send(Nudge::Hangup).is_err() {
                break;
            }
        }
    })?);
    guard.threads.push(start("config-reload", move || run(&book, &nudges, on_event))?);
    Ok(guard)
}

fn start(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(body)
}

fn watch_folders(
    book: &TenantBook,
    nudge: Sender<Nudge>,
) -> Result<RecommendedWatcher, notify::Error> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| is_change(&event)) {
            // Fails only when the reader has gone, and then nobody needs to know.
            nudge.send(Nudge::Change).unwrap_or_default();
        }
    })?;
    for folder in book.folders() {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Reading a file is an event too, and a reread must not cause the next.
fn is_change(event: &notify::Event) -> bool {
    let kind = &event.kind;
    kind.is_modify() || kind.is_create() || kind.is_remove() || event.need_rescan()
}

fn run(book: &TenantBook, nudges: &Receiver<Nudge>, on_event: impl Fn(ReloadOutcome)) {
    while let Ok(nudge) = nudges.recv() {
        let cause = match nudge {
            Nudge::Stop => return,
            Nudge::Hangup => Some(Cause::Hangup),
            Nudge::Change => settle(nudges),
        };
        let Some(cause) = cause else { return };
        on_event(ReloadOutcome { cause, result: book.reload() });
    }
}

/// Waits until the files are at rest; `None` when watching ends meanwhile.
fn settle(nudges: &Receiver<Nudge>) -> Option<Cause> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match nudges.recv_timeout(QUIET) {
            Ok(Nudge::Change) => {}
            Ok(Nudge::Hangup) => return Some(Cause::Hangup),
            Ok(Nudge::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => break,
        }
    }
    Some(Cause::Change)
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        self.watcher = None;
        self.signals.close();
        self.stop.send(Nudge::Stop).unwrap_or_default();
        for thread in self.threads.drain(..) {
            // A panic over there was reported by its own hook.
            thread.join().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RemoveKind};
    use notify::{Event, event::Flag};

    use super::*;

    #[test]
    fn a_read_is_no_change_and_anything_else_is() {
        let event = |kind| Event::new(kind);
        for kind in [
            AccessKind::Open(AccessMode::Any),
            AccessKind::Read,
            AccessKind::Close(AccessMode::Read),
        ] {
            assert!(!is_change(&event(EventKind::Access(kind))), "{kind:?}");
        }
        assert!(is_change(&event(EventKind::Create(CreateKind::File))));
        assert!(is_change(&event(EventKind::Modify(ModifyKind::Any))));
        assert!(is_change(&event(EventKind::Remove(RemoveKind::Any))));
        let lost_some = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(is_change(&lost_some), "what was missed may have been a change");
    }
}
