//! The price table and budgets: what is shipped is whole, and each mistake is named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod config_support;

use config_support::{TENANT, assert_problem, bad, files, good};
use trunkline_core::cost::{Kind, Nanos, Service};

const TABLE: &str = "config/prices.toml";
const SHIPPED: &str = include_str!("../config/prices.toml");

/// A good price. What is added to it stands on line 8.
const TOKENS: &str = "[[price]]\nprovider = \"openai\"\nmodel = \"m\"\nunit = \"1M tokens\"\ntext_in = \"4.00\"\ntext_out = 0.5\n";
const MINUTES: &str = "[[price]]\nprovider = \"d\"\nmodel = \"*\"\nunit = \"minute\"\n";

#[test]
fn the_shipped_table_prices_all_that_a_tenant_gets_where_its_file_says_nothing() {
    for mode in ["realtime", "pipeline"] {
        let tenant = format!("{TENANT}mode = \"{mode}\"\n[budget]\nper_call = \"0.50\"\n");
        let files = files().with(TABLE, SHIPPED).with("config/tenants/a.toml", tenant);
        let c = good(files, &[]);
        assert!(!c.warnings.to_string().contains("no price"), "{mode}: {}", c.warnings);
        assert!(c.prices.len() > 10);
        let nova = c.prices.rate(&Service::new("deepgram", "nova-3"), Kind::AudioMs).unwrap();
        assert_eq!(nova.of(60_000), Nanos::parse("0.0048").unwrap());
        let voice = c.prices.rate(&Service::new("azure", "en-US-AvaNeural"), Kind::Characters);
        assert_eq!(voice.unwrap().of(1_000_000), Nanos::parse("16").unwrap());
    }
    let dated = SHIPPED.matches("[[price]]").count();
    assert_eq!(SHIPPED.matches("\ndate = 20").count(), dated, "each price has its date");
    assert_eq!(SHIPPED.matches("\nsource = \"https://").count(), dated, "and its source");
}

#[test]
fn what_was_cached_costs_as_much_as_the_rest_where_nothing_else_is_said() {
    let c = good(files().with(TABLE, TOKENS), &[]);
    let rate = |kind| c.prices.rate(&Service::new("openai", "m"), kind).map(|rate| rate.price);
    assert_eq!(rate(Kind::CachedTextIn), Some(Nanos::parse("4").unwrap()));
    assert_eq!(rate(Kind::TextOut), Some(Nanos::parse("0.50").unwrap()));
    assert_eq!(rate(Kind::AudioIn), None, "it hears nothing");
}

#[test]
fn each_mistake_in_the_table_names_line_key_and_fix() {
    let cases = [
        (format!("{TOKENS}audio_in = \"-1\""), 7, "audio_in", "negative", "0 or more"),
        (
            format!("{TOKENS}audio_in = \"1,5\""),
            7,
            "audio_in",
            "no sum in dollars",
            "write dollars",
        ),
        (format!("{TOKENS}audio_in = 0.0000000001"), 7, "audio_in", "nine digits", "write dollars"),
        (format!("{TOKENS}audio_in = true"), 7, "audio_in", "not a number", "audio_in ="),
        (format!("{TOKENS}price = \"1\""), 7, "price", "no such key", ""),
        (format!("{TOKENS}date = \"soon\""), 7, "date", "not a date", "2026"),
        (TOKENS.replace("1M tokens", "tokens"), 4, "unit", "not known", "1M tokens"),
        (format!("{TOKENS}{TOKENS}"), 9, "model", "has a price already", "remove"),
    ];
    for (text, line, key, message, fix) in cases {
        let problems = bad(files().with(TABLE, text), &[]);
        let key = format!("price.{key}");
        assert_problem(&problems, &format!("{TABLE}:{line}"), &key, message, fix);
        assert_eq!(problems.errors(), 1, "{problems}");
    }
    for (text, key) in [
        (MINUTES.to_owned(), "price"),
        (TOKENS.replace("text_out = 0.5\n", ""), "text_out"),
        (TOKENS.replace("unit = \"1M tokens\"\n", ""), "unit"),
        (TOKENS.replace("model = \"m\"\n", ""), "model"),
        (TOKENS.replace("provider = \"openai\"\n", ""), "provider"),
    ] {
        let problems = bad(files().with(TABLE, text), &[]);
        assert_problem(&problems, TABLE, &format!("price.{key}"), "is missing", "add");
        assert_eq!(problems.errors(), 1, "{problems}");
    }
}

#[test]
fn the_table_may_be_absent_unless_somebody_names_it() {
    assert!(good(files(), &[]).prices.is_empty());
    let problems = bad(files(), &[("PRICES_FILE", "elsewhere.toml")]);
    assert_problem(&problems, "elsewhere.toml", "", "cannot be read", "PRICES_FILE");
    let there = files().with("elsewhere.toml", TOKENS);
    assert_eq!(good(there, &[("PRICES_FILE", "elsewhere.toml")]).prices.len(), 1);
}

#[test]
fn a_budget_is_read_and_what_it_does_not_see_is_told() {
    let tenant = format!(
        "{TENANT}[budget]\nper_call = \"0.50\"\nper_day = 20\nwarn_percent = 50\n[model]\nname = \"m\"\nbudget_model = \"unheard-of\"\n"
    );
    let table = format!("{TOKENS}audio_in = 1\naudio_out = 2\n");
    let c = good(files().with(TABLE, table).with("config/tenants/a.toml", tenant), &[]);
    let budget = c.book.current().iter().next().unwrap().budget;
    assert_eq!(budget.per_call, Nanos::parse("0.5").unwrap());
    assert_eq!(budget.per_day, Nanos::parse("20").unwrap());
    assert_eq!((budget.warn_percent, budget.downgrade_percent), (50, 90));
    let warned = c.warnings.to_string();
    assert!(warned.contains("does not see what has no price"), "{warned}");
    assert!(warned.contains("openai unheard-of") && !warned.contains("openai m,"), "{warned}");

    for (line, key, message) in [
        ("per_call = \"-1\"", "budget.per_call", "negative"),
        ("per_day = \"much\"", "budget.per_day", "no sum in dollars"),
        ("warn_percent = 101", "budget.warn_percent", "out of range"),
        ("per_month = 1", "budget.per_month", "no such key"),
    ] {
        let a = "config/tenants/a.toml";
        let problems = bad(files().with(a, format!("{TENANT}[budget]\n{line}\n")), &[]);
        assert_problem(&problems, &format!("{a}:6"), key, message, "");
    }
}

/// What a budget does not see, by the warning of a tenant whose file goes on like this.
fn unseen(table: &str, rest: &str) -> String {
    let tenant = format!("{TENANT}{rest}\n[budget]\nper_call = \"0.50\"\n");
    let files = files().with(TABLE, table).with("config/tenants/a.toml", tenant);
    good(files, &[]).warnings.to_string()
}

#[test]
fn a_budget_looks_at_fallbacks_and_at_what_a_price_is_for() {
    let fallback = "[[model.fallback]]\nname = \"other\"\nprovider = \"elsewhere\"\nbudget_model = \"little\"\n";
    let warned = unseen(SHIPPED, fallback);
    for name in ["elsewhere other", "elsewhere little", "elsewhere gpt-realtime-whisper"] {
        assert!(warned.contains(name), "{name}: {warned}");
    }
    assert!(!warned.contains("openai"), "{warned}");
    let plain = unseen(SHIPPED, "[[model.fallback]]\nname = \"gpt-realtime-2.1-mini\"\n");
    assert!(!plain.contains("no price"), "{plain}");
    // Words have a price, and what is spoken has none.
    let text_only = format!("{SHIPPED}\n{TOKENS}");
    let warned = unseen(&text_only, "[model]\nname = \"m\"\n");
    assert!(warned.contains("no price: openai m\n"), "{warned}");

    let heard_by = |model: &str| {
        let other = format!(
            "mode = \"pipeline\"\n[[pipeline.recogniser.fallback]]\nservice = \"openai\"\n{model}\n"
        );
        unseen(SHIPPED, &other)
    };
    assert!(!heard_by("").contains("no price"), "{}", heard_by(""));
    assert!(heard_by("model = \"gpt-4.1\"").contains("no price: openai gpt-4.1\n"));
}
