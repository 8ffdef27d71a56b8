//! `trunkline demo`: the first thing that anybody runs.

use super::{path, told, trunkline};

/// Where the first line that contains all of `words` stands.
fn find(text: &str, words: &[&str]) -> usize {
    let found = text.lines().position(|line| words.iter().all(|word| line.contains(word)));
    found.unwrap_or_else(|| panic!("no line with {words:?} in\n{text}"))
}

/// The times at which the lines of the conversation stand, in milliseconds.
fn times(text: &str) -> Vec<u64> {
    let time = |line: &str| {
        let (seconds, millis) = line.split_whitespace().next()?.split_once('.')?;
        Some(seconds.parse::<u64>().ok()? * 1_000 + millis.parse::<u64>().ok()?)
    };
    text.lines().take_while(|line| !line.starts_with("outcome")).filter_map(time).collect()
}

#[actix_rt::test]
async fn it_shows_a_whole_conversation_and_exits_with_its_result() {
    let folder = tempfile::tempdir().unwrap();
    let phrases = path(folder.path(), "phrases");
    let recordings = path(folder.path(), "recordings");
    let output = trunkline(
        &["demo", "--once", "--wav", "config/audio/caller.wav"],
        &[
            ("PORT", "0"),
            ("DATABASE_URL", &format!("sqlite://{}", path(folder.path(), "demo.sqlite"))),
            ("PHRASE_CACHE_DIR", &phrases),
            ("RECORDER_DIR", &recordings),
            ("RECORDER_KEY_FILE", &path(folder.path(), "recorder.key")),
        ],
    )
    .await;
    let (code, shown, complaints) = told(&output);
    assert_eq!(code, Some(0), "{shown}\n{complaints}");

    let listens = find(&shown, &["Trunkline listens on http://127.0.0.1:"]);
    let rings = find(&shown, &["phone", "rings"]);
    let ready = find(&shown, &["model", "ready", "ms after the stream began"]);
    let greeting = find(&shown, &["agent", "“Hello, this is Robin at Harbour Street Bakery."]);
    let caller = find(&shown, &["caller", "“Hello, what are your opening hours on Saturday?”"]);
    let tool = find(&shown, &["tool", "look_up done in"]);
    let answer = find(&shown, &["agent", "Saturday eight to two"]);
    let asks = find(&shown, &["caller", "“Tell me about your services.”"]);
    let barge_in = find(&shown, &["barge-in", "the agent stops"]);
    let cut = find(&shown, &["agent", "(cut off after"]);
    let farewell = find(&shown, &["agent", "“Thank you for calling. Goodbye!”"]);
    let outcome = find(&shown, &["outcome completed, mode realtime, 3 turns, 1 interruptions"]);
    let look = find(&shown, &["Where to look:"]);
    for order in [
        [listens, rings, ready, greeting],
        [greeting, caller, answer, asks],
        [greeting, tool, answer, asks],
        [asks, barge_in, farewell, outcome],
        [asks, cut, farewell, outcome],
    ] {
        assert!(order.is_sorted(), "{order:?}\n{shown}");
    }
    find(&shown, &["model ready after", "first audio after", "heard by the phone after"]);
    assert!(find(&shown, &["curl", "/api/v1/calls/CA"]) > look);
    assert!(find(&shown, &["curl", "/ops/actors"]) > look);
    assert!(find(&shown, &["simulate calls", "--auth-token demo-auth-token"]) > look);
    assert!(find(&shown, &["replay", &recordings, "--key-file"]) > look);
    assert_eq!(std::fs::read_dir(&recordings).unwrap().count(), 1, "the call can be replayed");
    let times = times(&shown);
    assert!(times.len() > 15 && times.is_sorted(), "{shown}");
    assert!(
        std::fs::read_dir(&phrases).unwrap().count() > 0,
        "the greeting was kept where it was said"
    );
}

#[actix_rt::test]
async fn a_recording_that_is_not_there_is_complained_of() {
    let output = trunkline(&["demo", "--once", "--wav", "nowhere.wav"], &[("PORT", "0")]).await;
    let (code, shown, complaints) = told(&output);
    assert_eq!(code, Some(1), "{shown}");
    assert!(complaints.contains("nowhere.wav"), "{complaints}");
    assert!(!complaints.contains("panicked"), "{complaints}");
}

#[actix_rt::test]
async fn a_tenant_in_pipeline_mode_needs_no_account_either() {
    let folder = tempfile::tempdir().unwrap();
    let tenants = folder.path().join("tenants");
    std::fs::create_dir(&tenants).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = port.to_string();
    // The shipped file, but for the port, which somebody else may have.
    let shipped = std::fs::read_to_string("config/tenants/pipeline.toml").unwrap();
    let here = shipped.replace("127.0.0.1:8090", &format!("127.0.0.1:{port}"));
    std::fs::write(tenants.join("pipeline.toml"), here).unwrap();
    let recordings = path(folder.path(), "recordings");
    let output = trunkline(
        &["demo", "--once", "--tenant", "pipeline", "--services-port", &port],
        &[
            ("PORT", "0"),
            ("TENANTS_DIR", &tenants.display().to_string()),
            ("DEFAULT_TENANT", "pipeline"),
            ("DATABASE_URL", &format!("sqlite://{}", path(folder.path(), "demo.sqlite"))),
            ("PHRASE_CACHE_DIR", &path(folder.path(), "phrases")),
            ("RECORDER_DIR", &recordings),
            ("RECORDER_KEY_FILE", &path(folder.path(), "recorder.key")),
        ],
    )
    .await;
    let (code, shown, complaints) = told(&output);
    assert_eq!(code, Some(0), "{shown}\n{complaints}");
    let caller = find(&shown, &["caller", "“Hello, what are your opening hours on Saturday?”"]);
    let tool = find(&shown, &["tool", "look_up done in"]);
    let answer = find(&shown, &["agent", "Saturday eight to two"]);
    let outcome = find(&shown, &["outcome completed, mode pipeline, 3 turns"]);
    assert!([caller, tool, answer, outcome].is_sorted(), "{shown}");
}

#[actix_rt::test]
async fn a_tenant_that_is_not_there_is_complained_of() {
    let arguments = ["demo", "--once", "--tenant", "nobody", "--services-port", "0"];
    let (code, shown, complaints) = told(&trunkline(&arguments, &[("PORT", "0")]).await);
    assert_eq!(code, Some(1), "{shown}");
    assert!(complaints.contains("there is no tenant nobody"), "{complaints}");
}
