//! The flight recorder's files: what is kept, sealed, found again and thrown away.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;
use trunkline_actors::recorder::{
    Beginning, CallTape, ENDING, End, KeySource, OpenError, ReadFileError, Recorder, RecorderKey,
    RecorderSettings, read_file,
};
use trunkline_core::call::{Call, CallSettings, Command, Exit, Input, ModelEvent};
use trunkline_core::flight::{Ending, Keep, Replayer, Words, entries};
use trunkline_core::ids::{ItemId, NodeId};
use trunkline_core::pii::Personal;
use trunkline_core::tenant::ModelSettings;
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::BargeInSettings;
use trunkline_core::turn::endpoint::Endpointing;
use trunkline_core::turn::silence::SilenceSettings;

/// Words that are in the settings and in what is said of every call here.
const PRIVATE: [&str; 6] =
    ["Quisquilia", "Zanzibar", "+14155550142", "Hesperides", "4417", "Ornithorhynchus"];

struct Bench {
    folder: tempfile::TempDir,
    settings: RecorderSettings,
}

impl Bench {
    fn new(keep: Keep) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = RecorderSettings {
            keep,
            folder: folder.path().join("recordings"),
            key: KeySource::File(folder.path().join("recorder.key")),
            node: NodeId::parse("one").unwrap(),
            build: "0.0.1-test".to_owned(),
            max_call_bytes: 1 << 20,
            max_files: 100,
            max_total_bytes: 1 << 30,
            retention: Duration::from_secs(3_600),
        };
        Self { folder, settings }
    }

    fn recorder(&self) -> Recorder {
        Recorder::new(self.settings.clone())
    }

    /// Every file there is of a kind.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.settings.folder) else {
            return Vec::new();
        };
        let all = entries.map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> =
            all.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
        files.sort();
        files
    }

    fn replay(&self, path: &Path) -> (Option<Ending>, usize) {
        let unsealed = read_file(path, &self.settings.key).expect("a recording");
        assert_eq!(unsealed.end, End::Whole);
        replay(&unsealed.recording)
    }
}

fn replay(recording: &[u8]) -> (Option<Ending>, usize) {
    let (preamble, all) = entries(recording).expect("a preamble");
    let mut replayer = Replayer::new(preamble, Words::Hidden);
    for entry in all {
        if let Err(difference) = replayer.feed(entry.expect("an entry")) {
            panic!("{difference}");
        }
    }
    (replayer.ending(), replayer.outputs())
}

fn settings(sid: &str, keep: Option<Keep>) -> CallSettings {
    let tenant = json!({
        "id": "elm", "company": "Elm Plumbing", "numbers": ["+14155550142"], "mode": "realtime",
        "persona": {
            "name": "default", "speaks_as": "Sarah", "instructions": "Hesperides",
            "greeting": "Hello.", "farewell": "", "wrap_up": "", "fillers": [], "tangents": [],
            "voice": "marin", "nudge": "", "bridging": "",
        },
        "human_number": "+14155550142", "caller_id": null, "consent": null, "record": false,
        "stream_enabled": true, "flight_recorder": keep,
        "limits": {
            "concurrent_calls": 1, "over_cap": "busy", "max_call_duration_ms": 600_000,
            "max_turns": 20, "watchdog_ms": 3_000, "farewell_timeout_ms": 8_000,
            "slow_tool_ms": 1_200, "tool_timeout_ms": 15_000,
        },
        "turns": "ours", "barge_in": BargeInSettings::default(),
        "endpointing": Endpointing::default(), "silence": SilenceSettings::default(),
        "model": ModelSettings::default(),
        "tools": [], "facts": {},
        "credentials": {
            "twilio_account_sid_env": null, "twilio_auth_token_env": null,
            "openai_api_key_env": null,
        },
    });
    serde_json::from_value(json!({
        "call_sid": sid, "stream_sid": "MZ0", "tenant": tenant, "tools": [],
        "script": {
            "instructions": "The caller's number ends in 4417.", "greeting": "Hello.",
            "farewell": "Bye.", "wrap_up": "Bye.", "filler": null,
            "nudge": "", "bridging": "",
        },
        "kept_greeting_bytes": null, "kept_sentences": {}, "providers": 1,
    }))
    .unwrap()
}

/// A call that is recorded as its actor does it.
struct Recorded {
    call: Call,
    tape: Option<CallTape>,
    now: Micros,
}

impl Recorded {
    fn begin(recorder: &Recorder, sid: &str, keep: Option<Keep>) -> Self {
        let (settings, at) = (settings(sid, keep), Micros(17));
        let tape = recorder.begin(Beginning {
            began_unix_ms: 1_700_000_000_123,
            seed: 9,
            at,
            settings: settings.clone(),
        });
        let mut recorded = Self { call: Call::new(settings, at), tape, now: at };
        recorded.tell(Input::Started);
        recorded.tell(Input::Model(ModelEvent::Ready));
        recorded.tell(Input::Model(ModelEvent::SpeechStarted));
        let item = ItemId::parse("item_1").unwrap();
        let text = Personal::new("I am Quisquilia of Zanzibar, and I lost my Ornithorhynchus");
        recorded.tell(Input::Model(ModelEvent::CallerTranscript { item, text }));
        recorded
    }

    fn tell(&mut self, input: Input) {
        self.now = self.now + Micros::from_millis(700);
        if let Some(tape) = &self.tape {
            tape.input(&input, self.now);
        }
        self.call.handle(input, self.now);
        while let Some(output) = self.call.poll_output() {
            if let Some(tape) = &self.tape {
                tape.output(&output, self.now);
            }
        }
    }

    fn close(self, exit: Exit) {
        if let Some(tape) = &self.tape {
            tape.close(exit);
        }
    }

    fn hangs_up(mut self) {
        self.tell(Input::StreamStopped);
        self.close(Exit::Normal);
    }

    fn breaks(mut self) {
        let lost = ModelEvent::Lost { reason: "gone".to_owned(), retry: false };
        self.tell(Input::Model(lost));
        self.close(Exit::Normal);
    }
}

#[test]
fn what_is_kept_is_chosen_by_the_server_and_by_the_tenant() {
    for (server, tenant, of_good, of_broken) in [
        (Keep::Failed, None, 0, 1),
        (Keep::All, None, 1, 1),
        (Keep::None, None, 0, 0),
        (Keep::None, Some(Keep::Failed), 0, 1),
        (Keep::All, Some(Keep::None), 0, 0),
        (Keep::Failed, Some(Keep::All), 1, 1),
    ] {
        let bench = Bench::new(server);
        let recorder = bench.recorder();
        Recorded::begin(&recorder, "CAgood", tenant).hangs_up();
        assert_eq!(bench.files(ENDING).len(), of_good, "{server:?} {tenant:?}");
        Recorded::begin(&recorder, "CAbroken", tenant).breaks();
        assert_eq!(bench.files(ENDING).len(), of_good + of_broken, "{server:?} {tenant:?}");
        assert!(bench.files("part").is_empty());
        let untouched = tenant.unwrap_or(server) == Keep::None;
        assert_eq!(untouched, !bench.settings.folder.exists(), "no folder without a need");
    }
}

#[test]
fn a_kept_recording_is_named_by_time_and_call_and_replays() {
    let bench = Bench::new(Keep::Failed);
    Recorded::begin(&bench.recorder(), "CA77", None).breaks();
    let [path] = bench.files(ENDING).try_into().unwrap();
    assert!(path.ends_with("20231114T221320123Z-CA77.flight"), "{}", path.display());
    let (ending, outputs) = bench.replay(&path);
    assert_eq!(ending, Some(Ending::Complete));
    assert!(outputs > 10, "{outputs}");
}

#[test]
fn nothing_personal_is_in_any_file_at_any_time() {
    let bench = Bench::new(Keep::All);
    let recorder = bench.recorder();
    let holds_private = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        let found =
            PRIVATE.iter().find(|word| bytes.windows(word.len()).any(|w| w == word.as_bytes()));
        assert_eq!(found, None, "{}", path.display());
    };
    let mut call = Recorded::begin(&recorder, "CA1", None);
    call.tell(Input::Digit('4'));
    let [part] = bench.files("part").try_into().unwrap();
    assert!(std::fs::metadata(&part).unwrap().len() > 1_000, "there is something in it");
    holds_private(&part);
    call.hangs_up();
    let [kept] = bench.files(ENDING).try_into().unwrap();
    holds_private(&kept);
    let unsealed = read_file(&kept, &bench.settings.key).unwrap();
    for word in PRIVATE {
        let there = unsealed.recording.windows(word.len()).any(|w| w == word.as_bytes());
        assert!(there, "{word} is in the recording itself");
    }
    let mode = |path: &Path| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode(&kept), mode(&bench.settings.folder)), (0o600, 0o700));
}

#[test]
fn a_call_whose_actor_died_is_kept_up_to_its_last_input() {
    let bench = Bench::new(Keep::Failed);
    let mut call = Recorded::begin(&bench.recorder(), "CA1", None);
    call.tell(Input::Command(Command::Hangup));
    call.close(Exit::Panicked);
    let [path] = bench.files(ENDING).try_into().unwrap();
    assert_eq!(bench.replay(&path).0, Some(Ending::Died));
}

#[test]
fn the_recordings_of_a_killed_process_are_found_at_its_next_start() {
    let bench = Bench::new(Keep::Failed);
    let mut call = Recorded::begin(&bench.recorder(), "CA1", None);
    call.tell(Input::Digit('5'));
    call.tell(Input::Digit('6'));
    // Nobody closes it.
    drop(call);
    let mut theirs = bench.settings.clone();
    theirs.node = NodeId::parse("two").unwrap();
    Recorder::new(theirs).recover();
    assert_eq!(bench.files("part").len(), 1, "another node's calls may still live");
    bench.recorder().recover();
    assert!(bench.files("part").is_empty());
    let [path] = bench.files(ENDING).try_into().unwrap();
    let (ending, outputs) = bench.replay(&path);
    assert_eq!(ending, None, "it was cut off");
    assert!(outputs > 5, "{outputs}");
    bench.recorder().recover();
    assert_eq!(bench.files(ENDING).len(), 1);
}

#[test]
fn a_recording_ends_where_it_is_as_long_as_it_may() {
    let mut bench = Bench::new(Keep::All);
    bench.settings.max_call_bytes = 6_000;
    let mut call = Recorded::begin(&bench.recorder(), "CA1", None);
    for _ in 0..200 {
        call.tell(Input::Digit('5'));
    }
    call.hangs_up();
    let [path] = bench.files(ENDING).try_into().unwrap();
    assert_eq!(bench.replay(&path).0, Some(Ending::Full));
}

#[test]
fn the_oldest_recordings_go() {
    let mut bench = Bench::new(Keep::All);
    bench.settings.max_files = 2;
    let recorder = bench.recorder();
    for sid in ["CA1", "CA2", "CA3", "CA4"] {
        Recorded::begin(&recorder, sid, None).hangs_up();
    }
    let names: Vec<String> = bench.files(ENDING).iter().map(|p| p.display().to_string()).collect();
    assert!(names.len() == 2 && names.iter().any(|name| name.contains("CA4")), "{names:?}");

    for path in bench.files(ENDING) {
        let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - bench.settings.retention * 2).unwrap();
    }
    bench.recorder().sweep();
    assert!(bench.files(ENDING).is_empty(), "older than they may be");
}

#[test]
fn another_key_and_another_file_are_told_from_damage() {
    let bench = Bench::new(Keep::All);
    Recorded::begin(&bench.recorder(), "CA1", None).hangs_up();
    let [path] = bench.files(ENDING).try_into().unwrap();
    let other = KeySource::Given(RecorderKey::generate().unwrap());
    let error = read_file(&path, &other).unwrap_err();
    assert!(matches!(&error, ReadFileError::Open(OpenError::WrongKey { .. })), "{error}");
    let key_file = bench.folder.path().join("recorder.key");
    let error = read_file(&key_file, &bench.settings.key).unwrap_err();
    assert!(matches!(&error, ReadFileError::Open(OpenError::NoRecording)), "{error}");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = read_file(&path, &bench.settings.key).unwrap_err();
    assert!(matches!(&error, ReadFileError::Open(OpenError::Damaged)), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_costs_the_recordings_and_nothing_else() {
    let bench = Bench::new(Keep::All);
    std::fs::write(&bench.settings.folder, "a file where the folder would be").unwrap();
    let recorder = bench.recorder();
    recorder.recover();
    let mut call = Recorded::begin(&recorder, "CA1", None);
    call.tell(Input::Digit('5'));
    call.hangs_up();
    assert!(bench.settings.folder.is_file());
}

#[actix_rt::test]
async fn a_flush_waits_for_what_was_recorded() {
    let bench = Bench::new(Keep::All);
    let recorder = bench.recorder();
    assert!(recorder.flush(Duration::ZERO).await, "nothing was recorded");
    for n in 0..20 {
        Recorded::begin(&recorder, &format!("CA{n}"), None).hangs_up();
    }
    assert!(recorder.flush(Duration::from_secs(30)).await);
    assert_eq!(bench.files(ENDING).len(), 20);
}
