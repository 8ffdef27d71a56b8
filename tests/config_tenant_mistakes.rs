//! Tenants and personas: each mistake names the file, the line, the key and the fix.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod config_support;

use config_support::{TENANT, assert_problem, bad, files, good};

#[test]
fn each_mistake_names_file_line_key_and_fix() {
    let a = "config/tenants/a.toml";
    // (line added to a good tenant, or replacing one; key; message; fix). The
    // good tenant has four lines, so what is added stands on line 5.
    let cases = [
        ("colour = 1", "colour", "no such key", "use one of"),
        ("humen_number = \"x\"", "humen_number", "no such key", "did you mean human_number?"),
        ("caller_id = \"555\"", "caller_id", "E.164", "write + and"),
        ("mode = \"pipelne\"", "mode", "not known", "did you mean pipeline?"),
        ("mode = \"radio\"", "mode", "not known", "realtime, pipeline, bridge"),
        ("tools = [\"lookup\"]", "tools", "there is no tool \"lookup\"", "did you mean look_up?"),
        ("tools = [\"end_call\", \"end_call\"]", "tools", "twice", "remove"),
        ("tools = \"end_call\"", "tools", "is text, not a list", "["),
        ("record = \"yes\"", "record", "is text, not true or false", "record = true"),
        ("consent = \"\"", "consent", "is empty", "remove"),
        ("limits = 3", "limits", "is a whole number, not a section", "[limits]"),
        ("turns = 1979-05-27", "turns", "is a date, not text", "turns"),
    ];
    for (line, key, message, fix) in cases {
        let problems = bad(files().with(a, format!("{TENANT}{line}\n")), &[]);
        assert_problem(&problems, &format!("{a}:5"), key, message, fix);
        assert_eq!(problems.errors(), 1, "{problems}");
    }
    let in_section = [
        ("[limits]\nmax_turns = -1", "limits.max_turns", "-1 is out of range", "choose 0 to"),
        (
            "[limits]\nconcurent_calls = 1",
            "limits.concurent_calls",
            "no such key",
            "did you mean concurrent_calls?",
        ),
        (
            "[model]\nvad_threshold = 1.5",
            "model.vad_threshold",
            "1.5 is out of range",
            "choose 0 to 1",
        ),
        (
            "[model]\ntemperature = true",
            "model.temperature",
            "true or false, not a number",
            "temperature = 0",
        ),
        (
            "[endpointing]\ndelay_ms = 100",
            "endpointing.delay_ms",
            "100 is not between 300 and 2000",
            "none is less",
        ),
        (
            "[silence]\ngive_up_ms = 6000",
            "silence.give_up_ms",
            "6000 is not more than nudge_ms",
            "choose more than 6000",
        ),
        (
            "[[model.fallback]]\nurl = 'nowhere'",
            "model.fallback.url",
            "does not begin with wss://",
            "write it like wss://",
        ),
        ("[[model.fallback]]\nvoice = 'x'", "model.fallback.voice", "no such key", "use one of"),
        ("[facts]\nhours = 9", "facts.hours", "is a whole number, not text", "\"hours\" = "),
        ("[facts]\nhours = ' '", "facts.hours", "is empty", "write the answer"),
    ];
    for (lines, key, message, fix) in in_section {
        let problems = bad(files().with(a, format!("{TENANT}{lines}\n")), &[]);
        assert_problem(&problems, &format!("{a}:6"), key, message, fix);
        assert_eq!(problems.errors(), 1, "{problems}");
    }
}

#[test]
fn numbers_are_checked_one_by_one() {
    let text =
        TENANT.replace("\"+15550100001\"", "\"+15550100001\", \"5550100\", \"+15550100001\", 7");
    let problems = bad(files().with("config/tenants/a.toml", text), &[]);
    let at = "config/tenants/a.toml:2";
    assert_problem(&problems, at, "numbers", "item 2 is no phone number", "write + and");
    assert_problem(&problems, at, "numbers", "item 3 is there twice", "remove");
    assert_problem(&problems, at, "numbers", "is a whole number, not text", "[");
}

#[test]
fn a_number_of_two_tenants_names_both_files() {
    let problems = bad(files().with("config/tenants/b.toml", TENANT), &[]);
    assert_problem(
        &problems,
        "config/tenants/b.toml:2",
        "numbers",
        "belongs to config/tenants/a.toml",
        "or from config/tenants/a.toml",
    );
    assert!(
        !problems.to_string().contains("5550100001"),
        "numbers are shown shortened: {problems}"
    );
}

#[test]
fn whoever_needs_a_human_must_reach_one() {
    let a = "config/tenants/a.toml";
    let without = "company = \"Acme\"\nnumbers = [\"+15550100001\"]\npersona = \"p\"\n";
    let warned = good(files().with(a, without), &[]);
    assert_problem(&warned.warnings, a, "human_number", "apology", "or \"none\"");
    let told = good(files().with(a, format!("{without}human_number = \"none\"\n")), &[]);
    assert!(!told.warnings.to_string().contains("human_number"), "{}", told.warnings);
    let bridge =
        bad(files().with(a, format!("{without}human_number = \"none\"\nmode = \"bridge\"\n")), &[]);
    assert_problem(&bridge, &format!("{a}:4"), "human_number", "bridge", "add");
    let over = bad(files().with(a, format!("{without}[limits]\nover_cap = \"human\"\n")), &[]);
    assert_problem(&over, a, "human_number", "over_cap", "add");
    let own = bad(files().with(a, format!("{without}human_number = \"+15550100001\"\n")), &[]);
    assert_problem(&own, &format!("{a}:4"), "human_number", "come back", "person");
    let transfer =
        good(files().with(a, format!("{without}tools = [\"transfer_to_human\"]\n")), &[]);
    assert_problem(&transfer.warnings, &format!("{a}:4"), "tools", "not offered", "human_number");
    let ours =
        TENANT.replace("+15550100001", "+15550100002").replace("+15550100099", "+15550100001");
    let looped = good(files().with("config/tenants/b.toml", ours), &[]);
    assert_problem(
        &looped.warnings,
        "config/tenants/b.toml:4",
        "human_number",
        "answered by Trunkline",
        "person",
    );
}

#[test]
fn a_persona_must_be_there_and_be_good() {
    let a = "config/tenants/a.toml";
    let problems = bad(files().with(a, TENANT.replace("\"p\"", "\"q\"")), &[]);
    assert_problem(
        &problems,
        &format!("{a}:3"),
        "persona",
        "there is no persona \"q\"",
        "did you mean p?",
    );
    let p = "config/personas/p.md";
    let cases = [
        ("no fence", 1, "", "no front matter", "+++"),
        ("+++\ngreeting = \"x\"\n+++\n  \n", 4, "", "no instructions", "second +++"),
        ("+++\n+++\nBe.\n", 0, "greeting", "is missing", "add greeting"),
        (
            "+++\ngreeting = \"x\"\nvoyce = \"y\"\n+++\nBe.\n",
            3,
            "voyce",
            "no such key",
            "did you mean voice?",
        ),
        (
            "+++\ngreeting = \"x\"\n+++\nBe.\nYou are {{ compny }}.\n",
            5,
            "instructions",
            "there is no `compny`",
            "did you mean company?",
        ),
        ("+++\ngreeting = \"x\"\n+++\n\n{% if %}\n", 5, "instructions", "", "correct the template"),
        (
            "+++\ngreeting = \"It is {{ weekday }}\"\n+++\nBe.\n",
            2,
            "greeting",
            "differs from call to call",
            "only {{ company }}",
        ),
        (
            "+++\ngreeting = \"{{ pick(['a', 'b', 'c', 'd', 'e']) }}\"\n+++\nBe.\n",
            2,
            "greeting",
            "differs",
            "only",
        ),
        ("+++\ngreeting = \n+++\nBe.\n", 2, "", "not TOML at line 2", "correct"),
    ];
    for (text, line, key, message, fix) in cases {
        let at = if line == 0 { p.to_owned() } else { format!("{p}:{line}") };
        let problems = bad(files().with(p, text), &[]);
        assert_problem(&problems, &at, key, message, fix);
        assert_eq!(
            problems.iter().filter(|p| p.key == "persona").count(),
            0,
            "said once: {problems}"
        );
    }
}

#[test]
fn file_names_and_folders() {
    let odd = bad(files().with("config/tenants/a b.toml", TENANT), &[]);
    assert_problem(
        &odd,
        "config/tenants/a b.toml",
        "",
        "its name cannot be a tenant's",
        "clinic.toml",
    );
    let ignored = files()
        .with("config/tenants/.b.toml.swp", "x")
        .with("config/tenants/.b.toml", "x")
        .with("config/tenants/notes.txt", "x")
        .with("config/personas/README.md", "x")
        .with("config/tenants/deeper/b.toml", "x");
    assert_eq!(good(ignored, &[]).book.current().iter().count(), 1);
    let empty = bad(files(), &[("TENANTS_DIR", "config")]);
    assert_problem(&empty, "config", "TENANTS_DIR", "no .toml file", "put one there");
}

#[test]
fn a_secret_pasted_where_a_name_belongs_is_not_shown() {
    let text = format!("{TENANT}[credentials]\nopenai_api_key_env = \"sk-proj-abc\"\n");
    let problems = bad(files().with("config/tenants/a.toml", text), &[]);
    assert_problem(
        &problems,
        "config/tenants/a.toml:6",
        "credentials.openai_api_key_env",
        "no name of an environment variable",
        "stays in the environment",
    );
    assert!(!problems.to_string().contains("sk-proj"), "{problems}");
}
