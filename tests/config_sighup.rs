//! SIGHUP rereads the tenants. In a process of its own, as a signal reaches
//! every watcher there is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod config_support;

use config_support::folder::{Folder, PATIENCE};
use trunkline::config::Cause;

#[test]
fn sighup_rereads() {
    let folder = Folder::new();
    let (_guard, told) = folder.watch();
    signal_hook::low_level::raise(signal_hook::consts::SIGHUP).unwrap();
    let outcome = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(outcome.cause, Cause::Hangup);
    assert!(!outcome.result.unwrap().is_change());
}
