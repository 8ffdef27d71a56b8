//! What is fuzzed: every parser that reads from outside, as a function of bytes.
//! None may panic, hang, or take memory out of proportion.

use std::sync::{Arc, OnceLock};

use trunkline::config::{self, Environment, MemoryFiles, PublicUrl};
use trunkline_actors::recorder::{KeySource, RecorderKey, read_file};
use trunkline_actors::registry::LiveCallView;
use trunkline_connectors::reach::Networks;
use trunkline_core::audio::chunk::{decoded_len, is_plausible_base64};
use trunkline_core::audio::transcode::{Pcm24kToPcmu, PcmuToPcm24k};
use trunkline_core::audio::{g711, wav};
use trunkline_core::call::Command;
use trunkline_core::flight::{Replayer, Words, entries};
use trunkline_core::persona::{self, Vars};
use trunkline_core::suspicion;
use trunkline_core::tools::{ToolContext, Toolbox};
use trunkline_core::wire::realtime;
use trunkline_core::wire::twilio::form::Form;
use trunkline_core::wire::twilio::recording;
use trunkline_core::wire::twilio::signature::{sign, verify_form, verify_json, verify_stream};
use trunkline_core::wire::twilio::stream::{self, write_media};
use trunkline_core::wire::twilio::twiml::Twiml;
use trunkline_core::wire::twilio::verbs::{ConnectStream, Dial};
use trunkline_core::wire::twilio::webhook;
use trunkline_core::{ids, pii::PhoneNumber};
use trunkline_fleet::Note;
use trunkline_simulator::carrier::{Library, Script, Verb, parse_twiml};
use trunkline_simulator::providers;
use trunkline_store::Record;

// Named by its path, as this file is another module's in the tests.
#[path = "targets/speech.rs"]
mod speech;

pub use speech::{chat_stream, recogniser, refusals, sentences};

/// A target: its name, which is that of its corpus too, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("audio", audio),
    ("chat_stream", chat_stream),
    ("command_line", command_line),
    ("flight", flight),
    ("fleet_notes", fleet_notes),
    ("journal_record", journal_record),
    ("persona", persona_template),
    ("prices_file", prices_file),
    ("realtime_events", realtime_events),
    ("recogniser", recogniser),
    ("recording_file", recording_file),
    ("refusals", refusals),
    ("scripts", scripts),
    ("sentences", sentences),
    ("settings_file", settings_file),
    ("tenant_file", tenant_file),
    ("tool_arguments", tool_arguments),
    ("twilio_form", twilio_form),
    ("twilio_stream", twilio_stream),
    ("twiml", twiml),
    ("urls", urls),
    ("words", words),
];

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Two texts, parted by the first zero byte.
fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    (&bytes[..at], bytes.get(at + 1..).unwrap_or_default())
}

/// Messages of the carrier's media stream.
pub fn twilio_stream(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(stream::StreamMessage::Media(media)) = stream::parse(text) {
        if is_plausible_base64(&media.payload) {
            let mut out = String::new();
            let sid = ids::StreamSid::parse("MZ0").expect("a SID");
            write_media(&mut out, &sid, &media.payload);
            serde_json::from_str::<serde_json::Value>(&out).expect("what is written is JSON");
        }
    }
}

/// Events of the speech model: one parser reads both dialects.
pub fn realtime_events(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let read = realtime::parse(text);
    let shown = format!("{read:?}");
    assert!(shown.len() < 4 * text.len() + 4_096, "what is shown is in proportion");
}

/// A webhook's form, its types, and its signature.
pub fn twilio_form(bytes: &[u8]) {
    let (header, body) = halves(bytes);
    let Ok(form) = Form::parse(body) else { return };
    assert_eq!(Form::parse(form.to_body().as_bytes()).ok().as_ref(), Some(&form));
    drop(webhook::VoiceWebhook::from_form(&form));
    drop(webhook::StatusWebhook::from_form(&form));
    drop(webhook::ConnectActionWebhook::from_form(&form));
    drop(webhook::DialActionWebhook::from_form(&form));
    drop(webhook::AmdWebhook::from_form(&form));
    drop(webhook::StreamStatusWebhook::from_form(&form));
    drop(recording::RecordingWebhook::from_form(&form));
    let header = String::from_utf8_lossy(header);
    let url = "https://voice.example.com/twilio/voice";
    assert!(verify_form(&["token"], url, form.pairs(), Some(&header)).is_err(), "no guess is good");
    assert!(verify_stream(&["token"], &header, Some("c2ln")).is_err());
    assert!(verify_json(&["token"], &header, body, Some("c2ln")).is_err());
    let good = sign("token", &header, form.pairs());
    assert_eq!(verify_form(&["token"], &header, form.pairs(), Some(&good)), Ok(()));
}

/// Texts, numbers and custom parameters on their way into TwiML: they stay texts.
pub fn twiml(bytes: &[u8]) {
    let (first, second) = halves(bytes);
    let (first, second) = (String::from_utf8_lossy(first), String::from_utf8_lossy(second));
    let stream = ConnectStream {
        action: Some(first.clone().into_owned()),
        url: format!("wss://voice.example.com/{second}"),
        name: None,
        status_callback: None,
        parameters: vec![(first.clone().into_owned(), second.clone().into_owned())],
    };
    // Whoever answers a webhook checks first: the carrier would not open it.
    if stream.check().is_err() {
        return;
    }
    let document = Twiml::new()
        .say(&first)
        .connect_stream(stream)
        .dial(Dial::to(PhoneNumber::new(&second)))
        .hangup();
    let verbs = parse_twiml(&document.to_xml()).expect("what is written is TwiML");
    assert!(
        matches!(&verbs[..], [Verb::Say(_), Verb::Stream(_), Verb::Dial(_), Verb::Hangup]),
        "{verbs:?}"
    );
}

/// Base64, companding, conversion of rates, and sound files.
pub fn audio(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        let good = is_plausible_base64(text);
        assert!(decoded_len(text) <= text.len());
        let (mut up, mut down) = (String::new(), String::new());
        let (Ok(mut to_model), Ok(mut to_phone)) = (PcmuToPcm24k::new(), Pcm24kToPcmu::new())
        else {
            return;
        };
        for piece in text.as_bytes().chunks(400) {
            let piece = String::from_utf8_lossy(piece);
            drop(to_model.push(&piece, &mut up));
            drop(to_phone.push(&piece, &mut down));
        }
        drop((to_model.flush(&mut up), to_phone.flush(&mut down)));
        assert!(up.len() <= 8 * text.len() + 65_536 && down.len() <= text.len() + 65_536);
        assert!(up.is_empty() || is_plausible_base64(&up) || !good || up.contains('='));
    }
    let mut linear = Vec::new();
    g711::decode(bytes, &mut linear);
    let mut mulaw = Vec::new();
    g711::encode(&linear, &mut mulaw);
    assert_eq!(mulaw.len(), bytes.len());
    drop(wav::parse(bytes));
}

const PERSONA: &str = "+++\nname = \"Robin\"\nvoice = \"alloy\"\ngreeting = \"Hello.\"\nfarewell = \"Bye.\"\nwrap_up = \"Bye.\"\n+++\nYou are {{ persona }} at {{ company }}.\n";
const TENANT: &str = "company = \"Shop\"\nnumbers = [\"+15550170001\"]\npersona = \"shop\"\nhuman_number = \"none\"\n";

fn shop(settings: &[u8], persona: &[u8], tenant: &[u8]) -> MemoryFiles {
    MemoryFiles::default()
        .with("config/trunkline.toml", settings)
        .with("config/personas/shop.md", persona)
        .with("config/tenants/shop.toml", tenant)
}

fn load(settings: &[u8], persona: &[u8], tenant: &[u8], env: &Environment) {
    read(shop(settings, persona, tenant), env);
}

fn read(files: MemoryFiles, env: &Environment) {
    match config::load(None, env, Arc::new(files)) {
        Ok(loaded) => drop(format!("{loaded:?}")),
        Err(problems) => drop(format!("{problems}")),
    }
}

/// A tenant's file.
pub fn tenant_file(bytes: &[u8]) {
    load(b"", PERSONA.as_bytes(), bytes, &Environment::default());
}

/// The server's settings, in their file and in the environment.
pub fn settings_file(bytes: &[u8]) {
    let (file, pairs) = halves(bytes);
    let pairs = String::from_utf8_lossy(pairs);
    let env = Environment::from_pairs(pairs.lines().filter_map(|line| line.split_once('=')));
    load(file, PERSONA.as_bytes(), TENANT.as_bytes(), &env);
}

/// The price table, with a budget that depends on it.
pub fn prices_file(bytes: &[u8]) {
    let tenant = TENANT.to_owned() + "[budget]\nper_call = \"1.00\"\n";
    let files = shop(b"", PERSONA.as_bytes(), tenant.as_bytes()).with("config/prices.toml", bytes);
    read(files, &Environment::default());
}

/// A persona's file, and its template filled in.
pub fn persona_template(bytes: &[u8]) {
    load(b"", bytes, TENANT.as_bytes(), &Environment::default());
    let Some(text) = text(bytes) else { return };
    drop(persona::check(text));
    let vars = Vars { tangents: vec!["your knee".to_owned()], ..Vars::default() };
    if let Ok(rendered) = persona::render(text, &vars, 7) {
        assert_eq!(persona::render(text, &vars, 7).as_ref(), Ok(&rendered), "always the same");
    }
}

/// The arguments of every tool, as a model may write them.
pub fn tool_arguments(bytes: &[u8]) {
    static TOOLS: OnceLock<(ToolContext, Toolbox)> = OnceLock::new();
    let (context, toolbox) = TOOLS.get_or_init(|| {
        let files = MemoryFiles::default()
            .with("config/personas/shop.md", PERSONA)
            .with(
                "config/tenants/shop.toml",
                TENANT.replace("\"none\"", "\"+15550170099\"")
                    + "tools = [\"collect_digits\", \"end_call\", \"look_up\", \"transfer_to_human\"]\n[facts]\nhours = \"Nine to five.\"\n",
            );
        let loaded = config::load(None, &Environment::default(), Arc::new(files));
        let loaded = loaded.expect("a good configuration");
        let tenant = loaded.book.current().iter().next().cloned().expect("a tenant");
        let toolbox = Toolbox::for_tenant(&tenant).expect("known tools");
        (ToolContext { tenant }, toolbox)
    });
    let Some(text) = text(bytes) else { return };
    for name in toolbox.names() {
        if let Err(error) = toolbox.prepare(name, text, context) {
            assert!(error.output()["error"].is_string());
        }
    }
    let (name, _) = text.split_once(' ').unwrap_or((text, ""));
    drop(toolbox.prepare(name, text, context));
}

/// A flight recording, read and run again.
pub fn flight(bytes: &[u8]) {
    let Ok((preamble, all)) = entries(bytes) else { return };
    let mut replayer = Replayer::new(preamble, Words::Hidden);
    for entry in all.take(2_000) {
        let Ok(entry) = entry else { return };
        if replayer.feed(entry).is_err() {
            return;
        }
    }
}

/// A flight recording's file, sealed and packed.
pub fn recording_file(bytes: &[u8]) {
    static FILE: OnceLock<tempfile::NamedTempFile> = OnceLock::new();
    let file = FILE.get_or_init(|| tempfile::NamedTempFile::new().expect("a file"));
    let key = RecorderKey::parse(&"5a".repeat(32)).expect("a key");
    std::fs::write(file.path(), bytes).expect("it is written");
    if let Ok(unsealed) = read_file(file.path(), &KeySource::Given(key)) {
        flight(&unsealed.recording);
    }
}

/// A line of the journal.
pub fn journal_record(bytes: &[u8]) {
    if let Ok(record) = serde_json::from_slice::<Record>(bytes) {
        let again = serde_json::to_vec(&record).expect("it can be written");
        assert_eq!(serde_json::from_slice::<Record>(&again).ok().as_ref(), Some(&record));
        drop((record.kind(), record.is_essential()));
    }
}

/// What nodes tell each other through Redis.
pub fn fleet_notes(bytes: &[u8]) {
    drop(serde_json::from_slice::<Note>(bytes));
    drop(serde_json::from_slice::<Command>(bytes));
    drop(serde_json::from_slice::<LiveCallView>(bytes).map(LiveCallView::aged));
}

/// What callers, models and documents of the simulator are written in.
pub fn scripts(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let nowhere = std::path::Path::new("/nonexistent");
    drop(Script::read(text, &mut Library::new(nowhere, nowhere)));
    if let Ok(script) = providers::Script::parse(text) {
        drop((script.rule_for("when are you open"), script.result_for("look_up")));
    }
    drop(parse_twiml(text));
}

/// Addresses and networks that a person wrote.
pub fn urls(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    drop(realtime::request_target(text, "model"));
    if let Ok(networks) = Networks::parse(text) {
        assert_eq!(Networks::parse(&networks.to_string()).as_ref(), Ok(&networks));
    }
    let env = Environment::from_pairs([("PUBLIC_URL", text), ("OPENAI_REALTIME_URL", text)]);
    load(b"", PERSONA.as_bytes(), TENANT.as_bytes(), &env);
    let local = PublicUrl::local(1);
    drop(local.websocket(text));
}

/// What a caller says, and who a caller is.
pub fn words(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    drop(suspicion::patterns(&text));
    let number = PhoneNumber::new(&text);
    assert!(format!("{number}").chars().count() <= 5, "four characters and a mark at most");
    drop(ids::CallSid::parse(&text));
    drop(ids::TenantId::parse(&text));
}

/// The command line: no word of it may end the process but by saying so.
pub fn command_line(bytes: &[u8]) {
    use clap::Parser as _;
    let Some(text) = text(bytes) else { return };
    let words = std::iter::once("trunkline").chain(text.split('\n'));
    if let Ok(cli) = trunkline::cli::Cli::try_parse_from(words) {
        drop(format!("{cli:?}"));
    }
}
