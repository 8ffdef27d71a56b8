//! When the database cannot be opened, the message says what and why.

use crate::support::cluster;
use trunkline_store::{Backend, Store};

fn error_of(url: &str) -> String {
    Store::open(url, 1).unwrap_err().to_string()
}

#[test]
fn a_database_that_does_not_exist() {
    let error = error_of(&cluster().url("nowhere"));
    assert!(error.contains(r#"database "nowhere" does not exist"#), "{error}");
    assert!(error.contains("cannot open Postgres at postgres://"), "{error}");
}

#[test]
fn a_server_that_does_not_answer() {
    // Port 1 on loopback: nothing listens there.
    let error = error_of("postgres://ann:hunter2@127.0.0.1:1/x");
    assert!(error.contains("Connection refused"), "{error}");
    assert!(error.contains("postgres://ann@127.0.0.1:1/x"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_file_where_a_folder_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = error_of(&format!("sqlite://{}/x.db", file.display()));
    assert!(error.contains("cannot open SQLite at") && error.contains("cannot be made"), "{error}");
}

#[test]
fn a_folder_where_a_file_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let error = error_of(&format!("sqlite://{}", folder.path().display()));
    assert!(error.to_lowercase().contains("unable to open database file"), "{error}");
}

#[test]
fn a_file_that_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    std::fs::write(&file, "this is a letter to my aunt, and no database at all".repeat(100))
        .unwrap();
    let error = error_of(&file.to_string_lossy());
    assert!(error.contains("not a database"), "{error}");
}

#[test]
fn the_folder_of_a_new_file_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}/a/b/x.db", folder.path().display()), 1).unwrap();
    assert_eq!(store.backend(), Backend::Sqlite);
    store.ping().unwrap();
}
