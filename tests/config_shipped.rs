//! The configuration that ships is good, and documents every key.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use trunkline::config::{self, Configuration, Disk, Environment, keys};
use trunkline_core::persona::{Vars, render};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn shipped(config: &Path) -> Configuration {
    let folder = |name: &str| root().join("config").join(name).to_str().unwrap().to_owned();
    let env = Environment::from_pairs([
        ("TENANTS_DIR", folder("tenants").as_str()),
        ("PERSONAS_DIR", folder("personas").as_str()),
        ("TWILIO_AUTH_TOKEN", "t"),
        ("OPENAI_API_KEY", "sk-k"),
        ("PUBLIC_URL", "https://voice.example.com"),
    ]);
    config::load(Some(config), &env, Arc::new(Disk)).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn it_loads_without_a_warning() {
    let c = shipped(&root().join("config/trunkline.toml"));
    assert!(c.warnings.is_empty(), "{}", c.warnings);
    let tenants = c.book.current();
    let names: Vec<&str> = tenants.iter().map(|tenant| tenant.id.as_str()).collect();
    assert_eq!(
        names,
        ["clinic", "demo", "earl", "load", "pipeline", "plumbing", "salon", "tradeline"]
    );
    assert_eq!(tenants.default_tenant().unwrap().id.as_str(), "demo");
    assert_eq!(tenants.numbers().count(), 8);
}

#[test]
fn every_persona_can_speak_in_a_call() {
    for tenant in shipped(&root().join("config/trunkline.toml")).book.current().iter() {
        let vars = Vars {
            company: tenant.company.clone(),
            persona: tenant.persona.speaks_as.clone(),
            tangents: tenant.persona.tangents.clone(),
            ..Vars::default()
        };
        for seed in 0..20 {
            let text = render(&tenant.persona.instructions, &vars, seed).unwrap();
            assert!(!text.contains("{{") && !text.contains("{%"), "{}: {text}", tenant.id);
        }
    }
}

#[test]
fn facts_of_the_systems_before_are_kept() {
    let tenants = shipped(&root().join("config/trunkline.toml")).book.current();
    let of = |name: &str| tenants.iter().find(|tenant| tenant.id.as_str() == name).unwrap();
    assert_eq!(of("plumbing").company, "Call Operator Pro Plumbing");
    let tradeline = of("tradeline");
    assert_eq!(tradeline.human_number.as_ref().unwrap().expose(), "+14319900222");
    assert_eq!(
        (tradeline.limits.concurrent_calls, tradeline.limits.max_call_duration_ms),
        (10, 480_000)
    );
    assert!(
        tradeline.persona.greeting.starts_with("Hi, you've reached TradeLine 24/7")
            && tradeline.record
    );
    assert_eq!(
        of("clinic").persona.greeting,
        "Hi! This is Sarah from Riverside Medical Clinic. How can I help you today?"
    );
    assert!(of("earl").tools.is_empty() && of("earl").persona.tangents.len() == 8);
    assert_eq!((of("load").limits.concurrent_calls, of("load").limits.max_turns), (0, 0));
    assert!(of("demo").facts.contains_key("opening hours"));
}

/// `# key = value` lines as they would be if they were not comments.
fn uncommented(text: &str) -> String {
    let line = |line: &str| {
        let bare =
            line.strip_prefix("# ").filter(|l| l.split_once(" = ").is_some_and(|(k, _)| is_key(k)));
        bare.unwrap_or(line).to_owned()
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[test]
fn the_settings_file_shows_every_key_with_its_default() {
    let text = std::fs::read_to_string(root().join("config/trunkline.toml")).unwrap();
    let plain: toml::Table = toml::from_str(&uncommented(&text)).unwrap();
    let mut shown = 0;
    for (section, table) in &plain {
        for (leaf, value) in table.as_table().unwrap() {
            let path = format!("{section}.{leaf}");
            let key =
                keys::ALL.iter().find(|key| key.path == path).unwrap_or_else(|| panic!("{path}"));
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let default = if path == "tenants.default_tenant" { "demo" } else { key.default };
            assert_eq!(value, default, "{path}");
            assert!(text.contains(key.env), "{path} does not name {}", key.env);
            shown += 1;
        }
    }
    assert_eq!(shown, keys::ALL.len());
}

#[test]
fn the_settings_file_is_still_good_when_every_line_is_used() {
    let text = std::fs::read_to_string(root().join("config/trunkline.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trunkline.toml");
    std::fs::write(&path, uncommented(&text)).unwrap();
    assert!(shipped(&path).warnings.is_empty());
}

#[test]
fn the_example_environment_shows_every_name_with_its_default() {
    let text = std::fs::read_to_string(root().join(".env.example")).unwrap();
    let shown: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|l| l.strip_prefix('#')?.split_once('='))
        .filter(|(n, _)| !n.contains(' '))
        .collect();
    for (name, value) in &shown {
        if *name == keys::CONFIG_ENV {
            assert_eq!(*value, keys::CONFIG_DEFAULT);
            continue;
        }
        let key = keys::ALL.iter().find(|key| key.env == *name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(*value, key.default, "{name}");
    }
    assert_eq!(shown.len(), keys::ALL.len() + 1);
}

#[test]
fn the_demo_tenant_is_still_good_when_every_line_is_used() {
    let text = std::fs::read_to_string(root().join("config/tenants/demo.toml")).unwrap();
    let files = config::MemoryFiles::default()
        .with("t/demo.toml", uncommented(&text))
        .with("p/demo.md", std::fs::read(root().join("config/personas/demo.md")).unwrap());
    let env = Environment::from_pairs([("TENANTS_DIR", "t"), ("PERSONAS_DIR", "p")]);
    let c =
        config::load(None, &env, Arc::new(files)).unwrap_or_else(|problems| panic!("{problems}"));
    let short = shipped(&root().join("config/trunkline.toml"));
    let of = |c: &Configuration| {
        c.book.current().iter().find(|t| t.id.as_str() == "demo").unwrap().limits.clone()
    };
    assert_eq!(of(&c), of(&short), "the defaults it shows are the defaults");
}
