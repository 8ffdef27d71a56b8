//! Tenants and personas: what is read, and who answers with which secrets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod config_support;

use config_support::{PERSONA, TENANT, assert_problem, files, good};
use secrecy::ExposeSecret;
use trunkline::config::{Environment, TenantSecrets};
use trunkline_core::ids::TenantId;
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::{
    Channels, Mode, ModelAudio, ModelFallback, OverCap, Recording, Tenant, Turns,
};
use trunkline_core::turn::endpoint::Endpointing;
use trunkline_core::turn::silence::{AfterSilence, SilenceSettings};
use trunkline_core::wire::realtime::Dialect;

fn id(text: &str) -> TenantId {
    TenantId::parse(text).unwrap()
}

fn tenant_a(text: &str, env: &[(&str, &str)]) -> Tenant {
    let c = good(files().with("config/tenants/a.toml", text), env);
    c.book.current().by_id(&id("a")).unwrap().as_ref().clone()
}

#[test]
fn every_key_is_read() {
    let text = r#"
        company = "Acme"
        numbers = ["+1 (555) 010-0001", "+15550100002"]
        mode = "realtime"
        persona = "p"
        voice = "cedar"
        human_number = "+15550100099"
        caller_id = "+15550100001"
        consent = "Recorded."
        record = true
        stream_enabled = false
        turns = "model"
        tools = ["look_up", "end_call"]
        voicemail = "Call back."
        [recording]
        enabled = true
        channels = "mono"
        [limits]
        concurrent_calls = 0
        over_cap = "human"
        max_call_duration_ms = 1
        max_turns = 2
        watchdog_ms = 30
        farewell_timeout_ms = 400
        slow_tool_ms = 5
        tool_timeout_ms = 600
        [model]
        name = "m"
        audio = "pcm24k"
        temperature = "none"
        transcription = "none"
        vad_threshold = 1
        prefix_padding_ms = 7
        silence_duration_ms = 80
        session_limit_ms = 90
        [[model.fallback]]
        name = "n"
        url = "wss://other.example.com"
        api_key_env = "B_KEY"
        dialect = "beta"
        [[model.fallback]]
        [endpointing]
        min_delay_ms = 1
        delay_ms = 2
        max_delay_ms = 3
        [silence]
        nudge_ms = 4
        give_up_ms = 5
        then = "human"
        text_wait_ms = 6
        [facts]
        "opening hours" = "Always."
        [credentials]
        twilio_account_sid_env = "A_SID"
        twilio_auth_token_env = "A_TOKEN"
        openai_api_key_env = "A_KEY"
    "#;
    let t = tenant_a(text, &[]);
    assert_eq!(t.numbers, [PhoneNumber::new("+15550100001"), PhoneNumber::new("+15550100002")]);
    assert_eq!(t.recording, Recording { enabled: true, channels: Channels::Mono });
    assert_eq!(
        (t.mode, t.turns, t.record, t.stream_enabled),
        (Mode::Realtime, Turns::Model, true, false)
    );
    assert_eq!(t.consent.as_deref(), Some("Recorded."));
    assert_eq!((t.persona.voice.as_str(), t.persona.greeting.as_str()), ("cedar", "Hello, Acme."));
    assert_eq!(t.limits.over_cap, OverCap::Human);
    let l = &t.limits;
    assert_eq!(
        (l.concurrent_calls, l.max_call_duration_ms, l.max_turns, l.watchdog_ms),
        (0, 1, 2, 30)
    );
    assert_eq!((l.farewell_timeout_ms, l.slow_tool_ms, l.tool_timeout_ms), (400, 5, 600));
    assert_eq!(
        (t.model.audio, t.model.temperature, &t.model.transcription),
        (ModelAudio::Pcm24k, None, &None)
    );
    assert_eq!((t.model.prefix_padding_ms, t.model.silence_duration_ms), (7, 80));
    assert_eq!((t.model.session_limit_ms, t.voicemail.as_deref()), (90, Some("Call back.")));
    let other = ModelFallback {
        name: Some("n".to_owned()),
        url: Some("wss://other.example.com".to_owned()),
        api_key_env: Some("B_KEY".to_owned()),
        dialect: Some(Dialect::Beta),
        ..ModelFallback::default()
    };
    assert_eq!(t.model.fallbacks, [other, ModelFallback::default()]);
    let delays = Endpointing { min_delay_ms: 1, delay_ms: 2, max_delay_ms: 3 };
    let then = AfterSilence::Human;
    let silence = SilenceSettings { nudge_ms: 4, give_up_ms: 5, then, text_wait_ms: 6 };
    assert_eq!((t.endpointing, t.silence), (delays, silence));
    assert_eq!(t.facts.get("opening hours").unwrap(), "Always.");
    assert_eq!(t.credentials.openai_api_key_env.as_deref(), Some("A_KEY"));
    assert_eq!(t.tools, ["look_up", "end_call"]);
}

#[test]
fn what_a_file_leaves_out_comes_from_the_settings() {
    let env = [
        ("VOICE_CONCURRENT_CALLS_PER_TENANT", "7"),
        ("VOICE_MAX_TURNS", "8"),
        ("VOICE_MAX_CALL_DURATION_MS", "9"),
        ("WATCHDOG_MS", "10"),
        ("OPENAI_VOICE", "verse"),
    ];
    let t = tenant_a(TENANT, &env);
    let l = &t.limits;
    assert_eq!(
        (l.concurrent_calls, l.max_turns, l.max_call_duration_ms, l.watchdog_ms),
        (7, 8, 9, 10)
    );
    assert_eq!(t.persona.voice, "verse");
    assert_eq!(t.persona.speaks_as, "p", "the file's name where none is given");
}

#[test]
fn a_call_goes_to_the_owner_else_to_the_default_else_nowhere() {
    let other = PhoneNumber::new("+15550100777");
    let own = PhoneNumber::new("+15550100001");
    let without = good(files(), &[]).book.current();
    assert_eq!(without.for_call(Some(&own)).unwrap().id, id("a"));
    assert!(without.for_call(Some(&other)).is_none() && without.for_call(None).is_none());
    let with = good(files(), &[("DEFAULT_TENANT", "a")]).book.current();
    assert_eq!(with.for_call(Some(&other)).unwrap().id, id("a"));
    assert_eq!(with.for_call(None).unwrap().id, id("a"));
    assert!(with.owner(&other).is_none());
    let settings = files().with("config/trunkline.toml", "[tenants]\ndefault_tenant = \"a\"\n");
    assert!(good(settings.clone(), &[]).book.current().for_call(None).is_some());
    let undone = good(settings, &[("DEFAULT_TENANT", "none")]).book.current();
    assert!(undone.for_call(None).is_none(), "the environment can undo the file's choice");
}

#[test]
fn a_tenants_own_secrets_come_before_the_servers_and_never_mix() {
    let text = format!(
        "{TENANT}[credentials]\ntwilio_auth_token_env = \"A_TOKEN\"\nopenai_api_key_env = \"A_KEY\"\n"
    );
    let env = [
        ("TWILIO_AUTH_TOKEN", "t1"),
        ("TWILIO_AUTH_TOKEN_SECONDARY", "t2"),
        ("A_TOKEN", "own"),
        ("OPENAI_API_KEY", "sk-server"),
    ];
    let c = good(files().with("config/tenants/a.toml", text), &env);
    assert_problem(
        &c.warnings,
        "config/tenants/a.toml",
        "credentials.openai_api_key_env",
        "no A_KEY",
        "set A_KEY",
    );
    let current = c.book.current();
    let secrets = TenantSecrets::of(
        current.by_id(&id("a")).unwrap(),
        &c.settings,
        &Environment::from_pairs(env),
    );
    let tokens: Vec<&str> = secrets.auth_tokens.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(tokens, ["own"]);
    assert!(secrets.openai_api_key.is_none());
    let plain = good(files(), &env);
    let current = plain.book.current();
    let secrets = TenantSecrets::of(
        current.by_id(&id("a")).unwrap(),
        &plain.settings,
        &Environment::from_pairs(env),
    );
    assert_eq!(secrets.auth_tokens.len(), 2);
    assert!(!format!("{secrets:?}").contains("sk-server"));
}

#[test]
fn a_persona_speaks_for_each_company_in_its_own_name() {
    let persona = PERSONA.replacen("+++\n", "+++\nname = \"Sam\"\nfarewell = \"{{ persona }} says goodbye & thanks.\"\nfillers = [\"{{ company }}, one moment.\"]\n", 1);
    let b = TENANT.replace("Acme", "Bolt").replace("0100001", "0100002");
    let c =
        good(files().with("config/personas/p.md", persona).with("config/tenants/b.toml", b), &[]);
    let current = c.book.current();
    let of = |name: &str| current.by_id(&id(name)).unwrap().persona.clone();
    assert_eq!(
        (of("a").greeting.as_str(), of("b").greeting.as_str()),
        ("Hello, Acme.", "Hello, Bolt.")
    );
    assert_eq!(of("a").farewell, "Sam says goodbye & thanks.");
    assert_eq!(of("b").fillers, ["Bolt, one moment."]);
    assert_eq!(
        (of("a").speaks_as.as_str(), of("a").instructions.as_str()),
        ("Sam", "You are {{ persona }}.")
    );
}
