//! Settings: three layers, every mistake at once, no secret shown.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod config_support;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use config_support::{assert_problem, bad, files, good, with_settings};
use secrecy::ExposeSecret;
use trunkline::config::{self, Environment, LogFormat, MemoryFiles};

#[test]
fn the_environment_beats_the_file_and_the_file_the_default() {
    let settings = "[server]\nport = 1111\nworkers = 3\n";
    let c = good(with_settings(settings), &[("PORT", "2222")]).settings;
    assert_eq!((c.server.port, c.server.workers, c.store.pool_size), (2222, 3, 8));
    assert_eq!(
        good(with_settings(settings), &[("PORT", " ")]).settings.server.port,
        1111,
        "empty is unset"
    );
    assert_eq!(good(files(), &[]).settings.server.port, 8080);
}

#[test]
fn every_kind_of_value_is_read() {
    let env = [
        ("BIND", "::1"),
        ("PUBLIC_URL", "https://voice.example.com"),
        ("TRUST_FORWARDED_HEADERS", "YES"),
        ("DATABASE_URL", "postgres://u:p@h/d"),
        ("OPENAI_REALTIME_DIALECT", "beta"),
        ("LOG_FORMAT", "json"),
        ("SESSION_TTL_MINUTES", "0.5"),
        ("DEFAULT_TENANT", "a"),
        ("NODE_ID", "voice-1"),
    ];
    let c = good(files(), &env);
    let s = c.settings;
    assert!(s.server.bind.is_ipv6() && s.server.trust_forwarded_headers);
    assert_eq!(s.public_url(1).websocket("/x"), "wss://voice.example.com/x");
    assert_eq!(s.store.url.expose_secret(), "postgres://u:p@h/d");
    assert_eq!(s.realtime.dialect.to_string(), "beta");
    assert_eq!(s.log.format, LogFormat::Json);
    assert_eq!(s.timing.session_ttl_ms, 30_000);
    assert_eq!(s.server.node_id.as_str(), "voice-1");
    assert_eq!(c.book.current().default_tenant().unwrap().id.as_str(), "a");
}

#[test]
fn the_defaults_are_those_that_are_documented() {
    let s = good(files(), &[]).settings;
    assert_eq!(s.public_url(4321).as_str(), "http://localhost:4321");
    assert_eq!(s.server.node_id.as_str(), "local");
    assert_eq!(good(files(), &[("HOSTNAME", "box-7")]).settings.server.node_id.as_str(), "box-7");
    assert!(s.twilio.validate_webhooks && s.limits.channel_enabled);
    assert_eq!(s.realtime.model, "gpt-realtime-2.1");
    assert_eq!(
        (s.limits.concurrent_calls_per_tenant, s.limits.max_calls, s.limits.max_turns),
        (5, 1000, 20)
    );
    assert_eq!(
        (s.timing.session_ttl_ms, s.timing.session_sweep_ms, s.timing.watchdog_ms),
        (1_800_000, 60_000, 3_000)
    );
    assert_eq!(
        (
            s.timing.reservation_ttl_ms,
            s.timing.stream_start_timeout_ms,
            s.timing.stream_idle_timeout_ms,
            s.timing.stream_token_ttl_ms
        ),
        (30_000, 5_000, 10_000, 120_000)
    );
}

#[test]
fn a_missing_provider_key_is_no_error() {
    let c = good(files(), &[]);
    assert_problem(&c.warnings, "default", "OPENAI_API_KEY", "not set", "realtime model");
    assert_eq!(c.warnings.errors(), 0);
}

#[test]
fn each_mistake_in_the_environment_names_variable_and_fix() {
    let cases = [
        ("PORT", "80a", "not a whole number", "choose 0 to 65535"),
        ("PORT", "70000", "not a whole number", "choose 0 to 65535"),
        ("BIND", "localhost", "no IP address", "127.0.0.1"),
        (
            "PUBLIC_URL",
            "https://Voice.example.com",
            "capital letters",
            "write https://voice.example.com",
        ),
        ("ENABLE_WEBHOOK_VALIDATION", "maybe", "neither true nor false", "true or false"),
        ("OPENAI_REALTIME_DIALECT", "bta", "not known", "did you mean beta?"),
        ("OPENAI_REALTIME_URL", "api.openai.com", "wss://", "write it like"),
        ("DATABASE_URL", "mysql://u:hunter2@h/d", "no database", "postgres://"),
        ("SESSION_TTL_MINUTES", "NaN", "not a number", "choose 0.001"),
        ("DEFAULT_TENANT", "no such", "tenant id", "without .toml"),
        ("DEFAULT_TENANT", "b", "there is no tenant", "did you mean a?"),
        ("OPENAI_API_KEY", "sk-two words", "white space", "copy it again"),
        ("TENANTS_DIR", "elsewhere", "", ""),
    ];
    for (name, value, message, fix) in cases {
        let problems = bad(files(), &[(name, value)]);
        if name != "TENANTS_DIR" {
            assert_problem(&problems, "environment", name, message, fix);
        } else {
            assert_problem(&problems, "elsewhere", name, "cannot be read", "set TENANTS_DIR");
        }
        assert!(
            !problems.to_string().contains("hunter2") && !problems.to_string().contains("sk-two"),
            "{problems}"
        );
    }
}

#[test]
fn each_mistake_in_the_file_names_line_key_and_fix() {
    let at = |line: usize| format!("config/trunkline.toml:{line}");
    let cases = [
        (
            "[server]\nport = \"8080\"\n",
            2,
            "server.port",
            "is text, not a whole number",
            "write port = 8080",
        ),
        ("[server]\nport = -1\n", 2, "server.port", "not a whole number", "choose 0"),
        ("[server]\nprot = 1\n", 2, "server.prot", "no such key", "did you mean port?"),
        ("[sever]\nport = 1\n", 1, "sever", "no such section", "did you mean server?"),
        ("port = 1\n", 1, "port", "outside every section", "write port under [server]"),
        (
            "[server]\nmax_calls = 1\n",
            2,
            "server.max_calls",
            "no such key",
            "write max_calls under [limits]",
        ),
        (
            "[limits]\nchannel_enabled = 1\n",
            2,
            "limits.channel_enabled",
            "not true or false",
            "channel_enabled = true",
        ),
        ("[log]\nformat = \"jsn\"\n", 2, "log.format", "not known", "did you mean json?"),
        ("[server]\nport = 1\nport = 2\n", 3, "", "not TOML at line 3, column 1", "once"),
        ("[server]\nport = \n", 2, "", "not TOML at line 2", "correct the line"),
    ];
    for (text, line, key, message, fix) in cases {
        assert_problem(&bad(with_settings(text), &[]), &at(line), key, message, fix);
    }
}

#[test]
fn everything_is_said_at_once() {
    let files = with_settings("[server]\nprot = 1\nworkers = \"x\"\n")
        .with("config/tenants/b.toml", "company = 3\n")
        .with("config/personas/q.md", "no front matter");
    let problems = bad(files, &[("PORT", "x"), ("LOG_FORMAT", "xml")]);
    assert_problem(&problems, "environment", "PORT", "", "");
    assert_problem(&problems, "environment", "LOG_FORMAT", "", "");
    assert_problem(&problems, "config/trunkline.toml:2", "server.prot", "", "");
    assert_problem(&problems, "config/trunkline.toml:3", "server.workers", "", "");
    assert_problem(&problems, "config/tenants/b.toml:1", "company", "", "");
    assert_problem(&problems, "config/tenants/b.toml", "persona", "missing", "add persona");
    assert_problem(&problems, "config/personas/q.md:1", "", "front matter", "+++");
    for problem in problems.iter() {
        assert!(!problem.message.is_empty() && !problem.fix.is_empty(), "{problem}");
        assert!(problems.to_string().contains(&problem.to_string()));
    }
}

#[test]
fn bytes_that_are_not_text() {
    let files = files().with("config/trunkline.toml", b"[server]\n# \xff\n".to_vec());
    assert_problem(
        &bad(files, &[]),
        "config/trunkline.toml:2",
        "",
        "not UTF-8 text from line 2, column 3",
        "save",
    );
    let mut env = Environment::default();
    #[cfg(unix)]
    env.set("PORT", <OsString as std::os::unix::ffi::OsStringExt>::from_vec(vec![0xff]));
    let problems = config::load(None, &env, Arc::new(config_support::files())).unwrap_err();
    assert_problem(&problems, "environment", "PORT", "not UTF-8", "set it again");
}

#[test]
fn a_named_settings_file_must_be_there_and_the_usual_one_need_not() {
    assert!(config_support::load(files(), &[]).is_ok());
    let problems = bad(files(), &[("TRUNKLINE_CONFIG", "other.toml")]);
    assert_problem(&problems, "other.toml", "", "cannot be read", "--config");
    let with = |files: MemoryFiles| {
        config::load(Some(Path::new("mine.toml")), &Environment::default(), Arc::new(files))
    };
    assert!(with(files()).is_err());
    let mine = with(files().with("mine.toml", "[server]\nport = 9\n")).unwrap();
    assert_eq!(mine.settings.server.port, 9);
}

#[test]
fn a_slip_in_a_variables_name_is_a_warning() {
    let c = good(
        files(),
        &[("VOICE_MAX_CALL", "1"), ("TWILIO_AUTH_TOKEN_CLINIC", "x"), ("HOME_SWEET_HOME", "x")],
    );
    assert_problem(
        &c.warnings,
        "environment",
        "VOICE_MAX_CALL",
        "no setting",
        "did you mean VOICE_MAX_CALLS?",
    );
    let text = c.warnings.to_string();
    assert!(!text.contains("CLINIC") && !text.contains("HOME_SWEET"), "{text}");
}

#[test]
fn doubtful_choices_are_warnings() {
    let c = good(
        files(),
        &[("ENABLE_WEBHOOK_VALIDATION", "false"), ("PUBLIC_URL", "http://voice.example.com")],
    );
    assert_problem(&c.warnings, "environment", "ENABLE_WEBHOOK_VALIDATION", "anybody", "true");
    assert_problem(&c.warnings, "environment", "PUBLIC_URL", "no TLS", "https://");
    let same = bad(files(), &[("OPS_TOKEN", "t0k3n-a"), ("OPS_READ_TOKEN", "t0k3n-a")]);
    assert_problem(&same, "environment", "OPS_READ_TOKEN", "same token", "another");
    assert!(!same.to_string().contains("t0k3n"), "{same}");
}

#[test]
fn no_secret_is_ever_shown() {
    let names = [
        "TWILIO_AUTH_TOKEN",
        "TWILIO_AUTH_TOKEN_SECONDARY",
        "OPENAI_API_KEY",
        "OPS_TOKEN",
        "OPS_READ_TOKEN",
    ];
    let values: Vec<String> = names.iter().map(|name| format!("s3cret-{name}")).collect();
    let mut env: Vec<(&str, &str)> =
        names.iter().copied().zip(values.iter().map(String::as_str)).collect();
    env.push(("DATABASE_URL", "postgres://u:s3cret@h/d"));
    let c = good(files(), &env);
    let shown = format!("{c:?} {} {:?}", c.warnings, Environment::from_pairs(env.clone()));
    assert!(!shown.contains("s3cret"), "{shown}");
    // A secret of the wrong kind in the file, and on a line that is no TOML.
    for text in [
        "[twilio]\nauth_token = 73570001\n",
        "[realtime]\napi_key = 73570001x\n",
        "[ops]\ntoken = \"73570001 x\"\n",
    ] {
        let problems = bad(with_settings(text), &[]);
        assert!(!problems.to_string().contains("73570001"), "{problems}");
    }
}
