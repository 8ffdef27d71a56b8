//! One tenant's file, key by key.

use std::path::{Path, PathBuf};

use trunkline_core::block_list::{BlockList, Blocked};
use trunkline_core::flight::Keep;
use trunkline_core::ids::TenantId;
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::{
    Channels, Credentials, Limits, Mode, ModelAudio, ModelFallback, ModelSettings, OverCap,
    Persona, Privacy, Recording, Tenant, Turns,
};
use trunkline_core::tools::{Toolbox, UnknownTool};
use trunkline_core::turn::barge_in::{BargeInMode, BargeInSettings};
use trunkline_core::wire::realtime::Dialect;

use super::conversation;
use super::document;
use super::persona_file::PersonaFile;
use super::pipeline::pipeline;
use super::prices;
use super::problem::{Complaint, Problems, Source};
use super::section::Section;
use super::suggest::did_you_mean;
use super::urls::check_realtime_url;

/// How calls are answered, by word.
const ANSWERED: [(&str, Mode); 3] =
    [("realtime", Mode::Realtime), ("pipeline", Mode::Pipeline), ("bridge", Mode::Bridge)];
const NUMBER_FIX: &str = "write + and 8 to 15 digits, like +15550100000";
/// Which recordings may be kept, by word.
const KEEP: [(&str, Keep); 3] =
    [("failed", Keep::Failed), ("all", Keep::All), ("none", Keep::None)];
const DAY_MS: u64 = 86_400_000;

/// What holds for a tenant whose file says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Voice of a persona that names none.
    pub voice: String,
    /// Caps and clocks.
    pub limits: Limits,
    /// How long what is known of callers is kept.
    pub privacy: Privacy,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { voice: "alloy".to_owned(), limits: Limits::default(), privacy: Privacy::default() }
    }
}

/// The persona files that tenants may name.
pub(crate) struct Personas<'a> {
    pub(crate) good: &'a [PersonaFile],
    /// Names of those that are there but of no use; their files have been complained of.
    pub(crate) broken: &'a [String],
}

/// A tenant and where its numbers stand.
pub(crate) struct TenantFile {
    pub(crate) path: PathBuf,
    pub(crate) tenant: Tenant,
    pub(crate) numbers_at: Source,
    pub(crate) human_at: Source,
}

/// Reads a tenant. What is wrong is noted; a tenant comes back whenever the
/// checks between files can make use of it.
pub(crate) fn parse(
    path: &Path,
    bytes: &[u8],
    personas: &Personas<'_>,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<TenantFile> {
    let id = id_of(path, problems)?;
    let text = document::utf8(path, bytes, problems)?;
    let entries = document::parse(path, text, 1, problems);
    let mut section = Section::top(path, &entries, problems);
    let tenant = read(&mut section, id, personas, defaults);
    let (numbers_at, human_at) = (section.source("numbers"), section.source("human_number"));
    section.finish();
    Some(TenantFile { path: path.to_owned(), tenant, numbers_at, human_at })
}

fn id_of(path: &Path, problems: &mut Problems) -> Option<TenantId> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    match TenantId::parse(stem) {
        Ok(id) => Some(id),
        Err(error) => {
            problems.error(
                Source::file(path),
                "",
                format!("its name cannot be a tenant's: {error}"),
                "name it like clinic.toml",
            );
            None
        }
    }
}

fn read(
    section: &mut Section<'_>,
    id: TenantId,
    personas: &Personas<'_>,
    defaults: &Defaults,
) -> Tenant {
    let company = section.needed_text("company", "Riverside Medical Clinic").unwrap_or_default();
    let persona = persona(section, &company, personas, defaults);
    let human = section.or_none("human_number", number);
    let mut tenant = Tenant {
        id,
        company,
        numbers: numbers(section),
        mode: section.choice("mode", &ANSWERED).unwrap_or(Mode::Realtime),
        persona,
        human_number: human.clone().flatten(),
        caller_id: number(section, "caller_id"),
        consent: section.text("consent"),
        record: section.flag("record").unwrap_or(false),
        recording: section.section("recording", recording),
        stream_enabled: section.flag("stream_enabled").unwrap_or(true),
        flight_recorder: section.choice("flight_recorder", &KEEP),
        privacy: section.section("privacy", |s| privacy(s, &defaults.privacy)),
        limits: section.section("limits", |s| limits(s, &defaults.limits)),
        budget: section.section("budget", prices::budget),
        turns: section
            .choice("turns", &[("ours", Turns::Ours), ("model", Turns::Model)])
            .unwrap_or(Turns::Ours),
        barge_in: section.section("barge_in", barge_in),
        endpointing: section.section("endpointing", conversation::endpointing),
        silence: section.section("silence", conversation::silence),
        voicemail: section.text("voicemail"),
        model: section.section("model", model),
        pipeline: section.section("pipeline", pipeline),
        tools: tools(section),
        facts: section.map("facts"),
        credentials: section.section("credentials", credentials),
    };
    check_tools(section, &mut tenant);
    check_turns(section, &tenant);
    check_human(section, &tenant, human.is_some());
    check_recording(section, &tenant);
    tenant
}

fn persona(
    section: &mut Section<'_>,
    company: &str,
    personas: &Personas<'_>,
    defaults: &Defaults,
) -> Persona {
    let voice = section.text("voice");
    let Some(name) = section.needed_text("persona", "receptionist") else {
        return nobody();
    };
    let Some(file) = personas.good.iter().find(|file| file.name == name) else {
        if !personas.broken.contains(&name) {
            let names: Vec<&str> = personas.good.iter().map(|file| file.name.as_str()).collect();
            section.error(
                "persona",
                format!("there is no persona {name:?}"),
                did_you_mean(&name, &names),
            );
        }
        return nobody();
    };
    match file.speaking_for(company, &defaults.voice) {
        Ok(persona) => Persona { voice: voice.unwrap_or(persona.voice), ..persona },
        Err(error) => {
            let fix = format!("correct {}", file.path.display());
            section.error("persona", format!("{name} cannot speak for this company: {error}"), fix);
            nobody()
        }
    }
}

/// Stands in while the other mistakes of a file are looked for.
fn nobody() -> Persona {
    Persona {
        name: String::new(),
        speaks_as: String::new(),
        instructions: String::new(),
        greeting: String::new(),
        farewell: String::new(),
        wrap_up: String::new(),
        fillers: Vec::new(),
        nudge: String::new(),
        bridging: String::new(),
        tangents: Vec::new(),
        voice: String::new(),
    }
}

fn numbers(section: &mut Section<'_>) -> Vec<PhoneNumber> {
    let mut numbers: Vec<PhoneNumber> = Vec::new();
    for (index, text) in section.texts("numbers").iter().enumerate() {
        let number = PhoneNumber::new(text);
        if !number.is_e164() {
            section.error(
                "numbers",
                format!("item {} is no phone number in E.164 form", index + 1),
                NUMBER_FIX,
            );
        } else if numbers.contains(&number) {
            section.error(
                "numbers",
                format!("item {} is there twice", index + 1),
                "remove one of them",
            );
        } else {
            numbers.push(number);
        }
    }
    numbers
}

fn number(section: &mut Section<'_>, key: &'static str) -> Option<PhoneNumber> {
    let number = PhoneNumber::new(&section.text(key)?);
    if !number.is_e164() {
        section.error(key, "is no phone number in E.164 form", NUMBER_FIX);
        return None;
    }
    Some(number)
}

fn recording(section: &mut Section<'_>) -> Recording {
    const CHANNELS: [(&str, Channels); 2] = [("dual", Channels::Dual), ("mono", Channels::Mono)];
    let default = Recording::default();
    Recording {
        enabled: section.flag("enabled").unwrap_or(default.enabled),
        channels: section.choice("channels", &CHANNELS).unwrap_or(default.channels),
    }
}

fn privacy(section: &mut Section<'_>, default: &Privacy) -> Privacy {
    Privacy {
        transcript_days: section
            .whole("transcript_days", 0..=36_500)
            .unwrap_or(default.transcript_days),
        number_days: section.whole("number_days", 0..=36_500).unwrap_or(default.number_days),
    }
}

fn limits(section: &mut Section<'_>, default: &Limits) -> Limits {
    Limits {
        concurrent_calls: section
            .whole("concurrent_calls", 0..=100_000)
            .unwrap_or(default.concurrent_calls),
        calls_per_number_per_hour: section
            .whole("calls_per_number_per_hour", 0..=1_000_000)
            .unwrap_or(default.calls_per_number_per_hour),
        calls_per_hour: section
            .whole("calls_per_hour", 0..=1_000_000)
            .unwrap_or(default.calls_per_hour),
        blocked_numbers: blocked(section, &default.blocked_numbers),
        over_cap: section
            .choice("over_cap", &[("busy", OverCap::Busy), ("human", OverCap::Human)])
            .unwrap_or(default.over_cap),
        max_call_duration_ms: section
            .whole("max_call_duration_ms", 0..=DAY_MS)
            .unwrap_or(default.max_call_duration_ms),
        max_turns: section.whole("max_turns", 0..=100_000).unwrap_or(default.max_turns),
        watchdog_ms: section.whole("watchdog_ms", 10..=60_000).unwrap_or(default.watchdog_ms),
        farewell_timeout_ms: section
            .whole("farewell_timeout_ms", 100..=60_000)
            .unwrap_or(default.farewell_timeout_ms),
        slow_tool_ms: section.whole("slow_tool_ms", 0..=60_000).unwrap_or(default.slow_tool_ms),
        tool_timeout_ms: section
            .whole("tool_timeout_ms", 100..=300_000)
            .unwrap_or(default.tool_timeout_ms),
    }
}

fn barge_in(section: &mut Section<'_>) -> BargeInSettings {
    const MODES: [(&str, BargeInMode); 3] = [
        ("immediate", BargeInMode::Immediate),
        ("after_sentence", BargeInMode::AfterSentence),
        ("protected", BargeInMode::Protected),
    ];
    let default = BargeInSettings::default();
    let own = section.has("backchannels");
    BargeInSettings {
        mode: section.choice("mode", &MODES).unwrap_or(default.mode),
        greeting: section.choice("greeting", &MODES).unwrap_or(default.greeting),
        ears: section.flag("ears").unwrap_or(default.ears),
        confirm_window_ms: section
            .whole("confirm_window_ms", 100..=5_000)
            .unwrap_or(default.confirm_window_ms),
        confirm_speech_ms: section
            .whole("confirm_speech_ms", 150..=2_000)
            .unwrap_or(default.confirm_speech_ms),
        cooldown_ms: section.whole("cooldown_ms", 0..=10_000).unwrap_or(default.cooldown_ms),
        backchannels: if own { section.texts("backchannels") } else { default.backchannels },
    }
}

/// The tenant's own block list, behind everybody's. What stands there may be
/// somebody's number, so only its place is shown.
fn blocked(section: &mut Section<'_>, everybodys: &BlockList) -> BlockList {
    let mut list = everybodys.clone();
    for (index, text) in section.texts("blocked_numbers").iter().enumerate() {
        match Blocked::parse(text) {
            Ok(blocked) => list.push(blocked),
            Err(error) => section.error(
                "blocked_numbers",
                format!("item {} {error}", index + 1),
                super::keys::BLOCKED_FIX,
            ),
        }
    }
    list
}

fn model(section: &mut Section<'_>) -> ModelSettings {
    let default = ModelSettings::default();
    ModelSettings {
        name: section.text("name"),
        provider: section.text("provider"),
        budget_model: section.text("budget_model"),
        audio: section
            .choice("audio", &[("pcmu", ModelAudio::Pcmu), ("pcm24k", ModelAudio::Pcm24k)])
            .unwrap_or(default.audio),
        temperature: section
            .or_none("temperature", |s, key| s.decimal(key, 0.0..=2.0))
            .unwrap_or(default.temperature),
        transcription: section
            .or_none("transcription", Section::text)
            .unwrap_or(default.transcription),
        vad_threshold: section.decimal("vad_threshold", 0.0..=1.0).unwrap_or(default.vad_threshold),
        prefix_padding_ms: section
            .whole("prefix_padding_ms", 0..=5_000)
            .unwrap_or(default.prefix_padding_ms),
        silence_duration_ms: section
            .whole("silence_duration_ms", 50..=10_000)
            .unwrap_or(default.silence_duration_ms),
        session_limit_ms: section
            .whole("session_limit_ms", 0..=DAY_MS)
            .unwrap_or(default.session_limit_ms),
        fallbacks: section.tables("fallback", fallback),
    }
}

fn fallback(section: &mut Section<'_>) -> ModelFallback {
    let url = section.text("url").filter(|url| match check_realtime_url(url) {
        Ok(()) => true,
        Err(Complaint { message, fix }) => {
            section.error("url", message, fix);
            false
        }
    });
    ModelFallback {
        name: section.text("name"),
        url,
        api_key_env: variable(section, "api_key_env"),
        dialect: section.choice("dialect", &[("ga", Dialect::Ga), ("beta", Dialect::Beta)]),
        provider: section.text("provider"),
        budget_model: section.text("budget_model"),
    }
}

fn tools(section: &mut Section<'_>) -> Vec<String> {
    let mut tools: Vec<String> = Vec::new();
    for name in section.texts("tools") {
        if tools.contains(&name) {
            section.error("tools", format!("{name} is there twice"), "remove one of them");
        } else {
            tools.push(name);
        }
    }
    tools
}

/// Whether the tools exist, and suit the tenant.
fn check_tools(section: &mut Section<'_>, tenant: &mut Tenant) {
    let toolbox = loop {
        match Toolbox::for_tenant(tenant) {
            Ok(toolbox) => break toolbox,
            Err(UnknownTool { name, known }) => {
                section.error(
                    "tools",
                    format!("there is no tool {name:?}"),
                    did_you_mean(&name, &known),
                );
                tenant.tools.retain(|tool| *tool != name);
            }
        }
    };
    let offered = toolbox.names();
    for name in tenant.tools.iter().filter(|name| !offered.contains(&name.as_str())) {
        section.warning(
            "tools",
            format!("{name} is not offered to callers, as the tenant lacks what it needs"),
            "remove it, or add what it needs (a transfer needs human_number)",
        );
    }
}

fn credentials(section: &mut Section<'_>) -> Credentials {
    Credentials {
        twilio_account_sid_env: variable(section, "twilio_account_sid_env"),
        twilio_auth_token_env: variable(section, "twilio_auth_token_env"),
        openai_api_key_env: variable(section, "openai_api_key_env"),
    }
}

/// The name of an environment variable. Somebody will paste the secret itself
/// here, so what was written is not shown.
pub(super) fn variable(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let name = section.text(key)?;
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let secret_like = name.len() == 34 && name.starts_with("AC");
    if secret_like || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain) {
        section.error(
            key,
            "is no name of an environment variable",
            "write the variable's name in capitals, like CLINIC_TWILIO_AUTH_TOKEN; the secret itself stays in the environment",
        );
        return None;
    }
    Some(name)
}

/// Whether there is somebody to decide when a turn ends: a pipeline's services
/// only report speech.
fn check_turns(section: &mut Section<'_>, tenant: &Tenant) {
    let pipeline = tenant.mode == Mode::Pipeline || tenant.pipeline.takes_over;
    if pipeline && tenant.turns == Turns::Model {
        section.error(
            "turns",
            "is \"model\", and no service of a pipeline decides when a turn ends",
            "write turns = \"ours\", or remove the line",
        );
    }
}

/// Whether callers who are recorded are told.
fn check_recording(section: &mut Section<'_>, tenant: &Tenant) {
    if tenant.recording.enabled && tenant.consent.is_none() {
        section.warning(
            "consent",
            "is missing, and calls are recorded, so callers are not told",
            "add consent = \"This call may be recorded.\"",
        );
    }
}

/// Whether whoever needs a human reaches one. `chosen` is whether the file
/// names one, or says properly that there is none.
fn check_human(section: &mut Section<'_>, tenant: &Tenant, chosen: bool) {
    const FIX: &str = "add human_number = \"+…\"";
    let Some(human) = &tenant.human_number else {
        // A number that was written wrongly has been complained of.
        if section.has("human_number") && !chosen {
            return;
        }
        if tenant.mode == Mode::Bridge {
            section.error(
                "human_number",
                "is missing, and mode = \"bridge\" sends every call there",
                FIX,
            );
        } else if tenant.limits.over_cap == OverCap::Human {
            section.error(
                "human_number",
                "is missing, and over_cap = \"human\" sends calls there",
                FIX,
            );
        } else if !chosen {
            section.warning(
                "human_number",
                "is missing, so a call that fails ends with an apology",
                format!("{FIX}, or \"none\" if that is meant"),
            );
        }
        return;
    };
    if tenant.numbers.contains(human) {
        section.error(
            "human_number",
            "is one of the tenant's own numbers, so a transfer would come back",
            "write the number of a person's phone",
        );
    }
}
