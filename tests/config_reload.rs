//! Tenants are read again while the server runs: bad files lose nothing,
//! changed files are noticed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod config_support;

use std::fs;
use std::sync::Arc;

use config_support::folder::{Folder, PATIENCE};
use config_support::{PERSONA, TENANT, assert_problem};
use trunkline::config::{Cause, watch};
use trunkline_core::ids::TenantId;

fn id(text: &str) -> TenantId {
    TenantId::parse(text).unwrap()
}

#[test]
fn a_reread_says_what_changed() {
    let folder = Folder::new();
    assert!(!folder.book.reload().unwrap().is_change());
    folder.write("tenants/a.toml", &TENANT.replace("Acme", "Apex"));
    folder.write("tenants/b.toml", &TENANT.replace("0100001", "0100002"));
    let summary = folder.book.reload().unwrap();
    assert_eq!((summary.tenants, summary.numbers), (2, 2));
    assert_eq!(
        (summary.added, summary.changed, summary.removed),
        (vec![id("b")], vec![id("a")], vec![])
    );
    fs::remove_file(folder.root.path().join("tenants/a.toml")).unwrap();
    assert_eq!(folder.book.reload().unwrap().removed, [id("a")]);
    folder.write("personas/p.md", &PERSONA.replace("Hello", "Good day"));
    assert_eq!(
        folder.book.reload().unwrap().changed,
        [id("b")],
        "a persona belongs to its tenants"
    );
}

#[test]
fn bad_files_leave_the_tenants_as_they_were() {
    let folder = Folder::new();
    let before = folder.book.current();
    folder.write("tenants/a.toml", "company = \n");
    folder.write("tenants/b.toml", TENANT);
    let problems = folder.book.reload().unwrap_err();
    let file = folder.root.path().join("tenants/a.toml");
    assert_problem(&problems, &format!("{}:1", file.display()), "", "not TOML", "correct");
    assert!(Arc::ptr_eq(&before, &folder.book.current()));
    fs::remove_dir_all(folder.root.path().join("tenants")).unwrap();
    assert!(folder.book.reload().is_err());
    assert_eq!(folder.company("a").as_deref(), Some("Acme"));
}

#[test]
fn a_call_keeps_the_tenants_it_began_with() {
    let folder = Folder::new();
    let at_the_start = folder.book.current();
    folder.write("tenants/a.toml", &TENANT.replace("Acme", "Apex"));
    folder.book.reload().unwrap();
    assert_eq!(at_the_start.by_id(&id("a")).unwrap().company, "Acme");
    assert_eq!(folder.company("a").as_deref(), Some("Apex"));
}

#[test]
fn a_changed_file_is_noticed() {
    let folder = Folder::new();
    let (guard, told) = folder.watch();
    let next = || told.recv_timeout(PATIENCE).unwrap();
    folder.write("tenants/b.toml", &TENANT.replace("0100001", "0100002"));
    let first = next();
    assert_eq!(first.cause, Cause::Change);
    assert_eq!(first.result.unwrap().added, [id("b")]);
    folder.write("tenants/b.toml", "company = ");
    assert!(next().result.is_err());
    assert_eq!(folder.company("b").as_deref(), Some("Acme"));
    folder.write("tenants/b.toml", &TENANT.replace("0100001", "0100003"));
    assert_eq!(next().result.unwrap().changed, [id("b")]);
    folder.write("personas/p.md", &PERSONA.replace("Hello", "Good day"));
    assert_eq!(next().result.unwrap().changed, [id("a"), id("b")]);
    drop(guard);
    assert!(told.recv().is_err(), "the watcher's threads have ended");
}

#[test]
fn an_editor_that_writes_in_place_is_noticed() {
    let folder = Folder::new();
    let (_guard, told) = folder.watch();
    let path = folder.root.path().join("tenants/a.toml");
    fs::write(path, TENANT.replace("Acme", "Apex")).unwrap();
    // A slow machine may read the file while it is still empty; that is an
    // error, after which the whole file is read.
    while told.recv_timeout(PATIENCE).unwrap().result.is_err() {}
    assert_eq!(folder.company("a").as_deref(), Some("Apex"));
}

#[test]
fn a_folder_that_is_not_there_cannot_be_watched() {
    let folder = Folder::new();
    fs::remove_dir_all(folder.root.path().join("personas")).unwrap();
    let error = watch(folder.book.clone(), |_| {}).err().unwrap();
    assert!(error.to_string().contains("cannot watch"), "{error}");
}
