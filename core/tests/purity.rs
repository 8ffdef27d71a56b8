//! The core stays pure, and imports between the workspace's crates run one way:
//! core ← store, fleet, connectors ← actors ← the server. Read from what Cargo resolves,
//! so that a dependency of a dependency counts as well.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and this one asks Cargo"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Crates, or the first part of their names, that bring a runtime, a clock, a
/// socket, a database or chance with them.
const FORBIDDEN: &[&str] = &[
    "actix",
    "async-",
    "awc",
    "chrono",
    "crossbeam",
    "diesel",
    "fastrand",
    "futures-executor",
    "getrandom",
    "hyper",
    "jiff",
    "metrics",
    "mio",
    "notify",
    "parking_lot",
    "r2d2",
    "rand",
    "rayon",
    "redis",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "time",
    "tokio",
    "tracing",
    "ureq",
    "uuid",
];

/// What each crate of the workspace may import of the others.
const ONE_WAY: &[(&str, &[&str])] = &[
    ("trunkline-core", &[]),
    ("trunkline-store", &["trunkline-core"]),
    ("trunkline-fleet", &["trunkline-core"]),
    ("trunkline-connectors", &["trunkline-core"]),
    ("trunkline-simulator", &["trunkline-core"]),
    (
        "trunkline-actors",
        &["trunkline-core", "trunkline-store", "trunkline-fleet", "trunkline-connectors"],
    ),
    ("trunkline-bench", &["trunkline-core", "trunkline-connectors", "trunkline-simulator"]),
    (
        "trunkline",
        &[
            "trunkline-core",
            "trunkline-store",
            "trunkline-fleet",
            "trunkline-connectors",
            "trunkline-actors",
            "trunkline-simulator",
        ],
    ),
];

/// Who imports whom, by package id, without what only tests and builds need.
struct Graph {
    names: BTreeMap<String, String>,
    imports: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn read() -> Self {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--manifest-path", manifest])
            .output()
            .expect("cargo runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo metadata failed: {error}");
        Self::of(&serde_json::from_slice(&output.stdout).unwrap())
    }

    fn of(metadata: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let packages = metadata["packages"].as_array().unwrap();
        let names = packages.iter().map(|p| (text(&p["id"]), text(&p["name"]))).collect();
        let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
        let imports = nodes.iter().map(|node| {
            let deps = node["deps"].as_array().unwrap().iter().filter(|d| is_normal(d));
            (text(&node["id"]), deps.map(|d| text(&d["pkg"])).collect())
        });
        Self { names, imports: imports.collect() }
    }

    fn id_of(&self, name: &str) -> &str {
        let found = self.names.iter().find(|(_, n)| *n == name);
        found.map(|(id, _)| id.as_str()).unwrap_or_else(|| panic_no_package(name))
    }

    fn direct(&self, name: &str) -> BTreeSet<&str> {
        self.imports[self.id_of(name)].iter().map(|id| self.names[id].as_str()).collect()
    }

    /// Everything that is linked because of `name`, each with one way that leads to it.
    fn closure(&self, name: &str) -> BTreeMap<&str, String> {
        let mut ways = BTreeMap::new();
        let mut open = vec![(self.id_of(name), name.to_owned())];
        while let Some((id, way)) = open.pop() {
            for next in &self.imports[id] {
                let name = self.names[next].as_str();
                if !ways.contains_key(name) {
                    let way = format!("{way} → {name}");
                    ways.insert(name, way.clone());
                    open.push((next, way));
                }
            }
        }
        ways
    }
}

#[allow(clippy::panic, reason = "a test may fail loudly")]
fn panic_no_package(name: &str) -> ! {
    panic!("no package {name} in the workspace")
}

fn is_normal(dependency: &Value) -> bool {
    let kinds = dependency["dep_kinds"].as_array().unwrap();
    kinds.iter().any(|kind| kind["kind"].is_null())
}

fn is_forbidden(name: &str) -> bool {
    let begins = |word: &&str| {
        let rest = name.strip_prefix(*word);
        rest.is_some_and(|r| r.is_empty() || word.ends_with('-') || r.starts_with(['-', '_']))
    };
    FORBIDDEN.iter().any(begins)
}

#[test]
fn the_core_links_no_runtime_no_clock_no_socket_and_no_chance() {
    let graph = Graph::read();
    let closure = graph.closure("trunkline-core");
    assert!(closure.contains_key("serde_json"), "the graph was read");
    let impure: Vec<_> = closure.iter().filter(|(name, _)| is_forbidden(name)).collect();
    assert!(impure.is_empty(), "the core gained {impure:#?}");
}

#[test]
fn imports_between_crates_run_one_way() {
    let graph = Graph::read();
    let ours: BTreeSet<&str> = ONE_WAY.iter().map(|(name, _)| *name).collect();
    for name in graph.names.values().filter(|name| name.starts_with("trunkline")) {
        assert!(ours.contains(name.as_str()), "{name} has no place in the order");
    }
    for (name, allowed) in ONE_WAY {
        for import in graph.direct(name).intersection(&ours) {
            assert!(allowed.contains(import), "{name} must not import {import}");
        }
    }
}

#[test]
fn the_check_knows_what_it_looks_for() {
    for name in ["tokio", "tokio-util", "actix-web", "actix_rt", "rand", "rand_core", "time"] {
        assert!(is_forbidden(name), "{name}");
    }
    for name in ["timely", "random-word", "serde", "rubato", "thiserror", "tokiox"] {
        assert!(!is_forbidden(name), "{name}");
    }
    let metadata = serde_json::json!({
        "packages": [
            { "id": "a", "name": "a" }, { "id": "b", "name": "b" },
            { "id": "t", "name": "tokio" }, { "id": "d", "name": "diesel" },
        ],
        "resolve": { "nodes": [
            { "id": "a", "deps": [
                { "pkg": "b", "dep_kinds": [{ "kind": null }] },
                { "pkg": "d", "dep_kinds": [{ "kind": "dev" }] },
            ] },
            { "id": "b", "deps": [{ "pkg": "t", "dep_kinds": [{ "kind": "build" }, { "kind": null }] }] },
            { "id": "t", "deps": [] },
            { "id": "d", "deps": [] },
        ] },
    });
    let graph = Graph::of(&metadata);
    let closure = graph.closure("a");
    assert_eq!(closure.keys().copied().collect::<Vec<_>>(), ["b", "tokio"]);
    assert_eq!(closure["tokio"], "a → b → tokio");
}
