//! A database of one's own.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use trunkline_store::testing::PrivateCluster;

/// The URL of an empty database: a SQLite file in `folder`, or, where the
/// environment says `TEST_DATABASE=postgres`, one in a private cluster.
pub fn fresh(folder: &Path) -> String {
    match std::env::var("TEST_DATABASE").as_deref() {
        Ok("postgres") => in_cluster(),
        Ok("sqlite") | Err(_) => format!("sqlite://{}", folder.join("test.sqlite").display()),
        Ok(other) => panic!("TEST_DATABASE is {other:?}: it may be sqlite or postgres"),
    }
}

fn in_cluster() -> String {
    static CLUSTER: OnceLock<PrivateCluster> = OnceLock::new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let cluster = CLUSTER.get_or_init(|| PrivateCluster::start().expect("a private Postgres"));
    let name = format!("whole_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    cluster.database(&name).expect("a database")
}

/// A Postgres of a test's own, for it to stop, crash and revive: the server's URL of
/// a database in it, whose commits outlast a crash.
pub fn own_cluster() -> (PrivateCluster, String) {
    let cluster = PrivateCluster::start().expect("a private Postgres");
    let url = cluster.database("own").expect("a database");
    cluster.keep_commits("own").expect("a setting");
    (cluster, url)
}
