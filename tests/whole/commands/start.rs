//! Starting, migrating, and what is said when that cannot be.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::fresh_database;

use super::{path, told, trunkline};

const ALL: [&[&str]; 8] = [
    &[],
    &["serve"],
    &["demo"],
    &["check"],
    &["migrate"],
    &["replay"],
    &["simulate", "calls"],
    &["simulate", "providers"],
];

/// The options of a help text that it does not explain, beside or below them.
fn without_words(help: &str) -> Vec<&str> {
    // A heading stands at the margin; below others than these are examples.
    let mut among_options = false;
    let of_options = help.lines().filter(|line| {
        if !line.is_empty() && !line.starts_with(' ') {
            among_options = line.ends_with("Options:");
        }
        among_options
    });
    let lines: Vec<&str> = of_options.map(str::trim).chain([""]).collect();
    let mute = |pair: &&[&str]| {
        let explained = pair[0].contains("  ") || !(pair[1].is_empty() || pair[1].starts_with('-'));
        pair[0].starts_with("--") && !explained
    };
    lines.windows(2).filter(mute).map(|pair| pair[0]).collect()
}

#[actix_rt::test]
async fn every_command_explains_itself() {
    for command in ALL {
        let (code, shown, complaints) =
            told(&trunkline(&[command, &["--help"]].concat(), &[]).await);
        assert_eq!(code, Some(0), "{command:?}: {complaints}");
        assert!(shown.contains("Usage: trunkline"), "{command:?}: {shown}");
        assert!(shown.contains("Options:") && shown.contains("Print help"), "{command:?}: {shown}");
        assert_eq!(without_words(&shown), Vec::<&str>::new(), "{command:?}");
    }
    let (_, shown, _) = told(&trunkline(&["--help"], &[]).await);
    for command in ["serve", "demo", "check", "migrate", "replay", "simulate"] {
        assert!(shown.contains(command), "{shown}");
    }
    let (code, _, complaints) = told(&trunkline(&["sreve"], &[]).await);
    assert_eq!(code, Some(2));
    assert!(complaints.contains("serve"), "a suggestion: {complaints}");
}

#[actix_rt::test]
async fn a_database_is_migrated_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = fresh_database(folder.path());
    let env = [("DATABASE_URL", url.as_str())];
    let (code, shown, complaints) = told(&trunkline(&["migrate"], &env).await);
    assert_eq!(code, Some(0), "{complaints}");
    assert!(shown.starts_with("applied "), "{shown}");
    let (code, shown, complaints) = told(&trunkline(&["migrate"], &env).await);
    assert_eq!(code, Some(0), "{complaints}");
    assert_eq!(shown, "the database is up to date\n");
}

#[actix_rt::test]
async fn a_database_that_cannot_be_had_is_complained_of_without_its_password() {
    let url = "postgres://somebody:dont-tell@127.0.0.1:1/nothing";
    for command in ["migrate", "serve"] {
        let env = [("DATABASE_URL", url), ("PORT", "0"), ("BIND", "127.0.0.1")];
        let (code, shown, complaints) = told(&trunkline(&[command], &env).await);
        assert_eq!(code, Some(1), "{command}: {shown}");
        assert!(complaints.contains("trunkline: "), "{command}: {complaints}");
        assert!(!complaints.contains("dont-tell"), "{command}: {complaints}");
        assert!(!complaints.contains("panicked"), "{command}: {complaints}");
    }
}

#[actix_rt::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", path(folder.path(), "x.sqlite"));
    let env = [("PORT", port.as_str()), ("BIND", "127.0.0.1"), ("DATABASE_URL", &database)];
    let (code, _, complaints) = told(&trunkline(&["serve"], &env).await);
    assert_eq!(code, Some(1), "{complaints}");
    let expected = format!("trunkline: cannot listen on 127.0.0.1:{port}: ");
    assert!(complaints.contains(&expected), "{complaints}");
    assert!(complaints.contains("choose another PORT or BIND"), "{complaints}");
}

#[actix_rt::test]
async fn every_mistake_of_a_configuration_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let tenants = folder.path().join("tenants");
    std::fs::create_dir(&tenants).unwrap();
    let tenant = "company = \"X\"\nnumbers = [\"12\"]\npersona = \"demo\"\ncolour = 3\n";
    std::fs::write(tenants.join("x.toml"), tenant).unwrap();
    let tenants = tenants.display().to_string();
    let env = [
        ("TENANTS_DIR", tenants.as_str()),
        ("PORT", "many"),
        ("BIND", "somewhere"),
        ("DATABASE_URL", "mysql://x"),
        ("DEFAULT_TENANT", "none"),
    ];
    let mistakes = [
        "PORT",
        "BIND",
        "DATABASE_URL",
        "x.toml:2: numbers",
        "x.toml:4: colour",
        "x.toml: human_number",
    ];
    for command in ["serve", "migrate"] {
        let (code, _, complaints) = told(&trunkline(&[command], &env).await);
        assert_eq!(code, Some(1), "{command}: {complaints}");
        for mistake in mistakes {
            assert!(complaints.contains(mistake), "{command} misses {mistake}: {complaints}");
        }
        let problems =
            complaints.matches("error: ").count() + complaints.matches("warning: ").count();
        assert_eq!(complaints.matches("  fix: ").count(), problems, "{complaints}");
    }
    let (code, shown, _) = told(&trunkline(&["check", "--json"], &env).await);
    assert_eq!(code, Some(1), "{shown}");
    let report: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(report["ok"], false);
    assert!(report["problems"].as_array().unwrap().len() >= mistakes.len(), "{report:#}");
}

#[actix_rt::test]
async fn what_is_shipped_is_good() {
    let (code, shown, complaints) = told(&trunkline(&["check"], &[]).await);
    assert_eq!(code, Some(0), "{shown}\n{complaints}");
    assert!(shown.contains("The configuration is good."), "{shown}");
    assert!(shown.contains("+15550100000"), "{shown}");
}
