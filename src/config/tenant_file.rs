//! One tenant's file, key by key: the keys at its top here, its tables in `sections`.

mod checks;
mod sections;

use std::path::{Path, PathBuf};

use trunkline_core::flight::Keep;
use trunkline_core::ids::TenantId;
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::{Credentials, Limits, Mode, Persona, Privacy, Tenant, Turns};

use super::conversation;
use super::document;
use super::persona_file::PersonaFile;
use super::pipeline::pipeline;
use super::prices;
use super::problem::{Problems, Source};
use super::section::Section;
use super::suggest::did_you_mean;

/// How calls are answered, by word.
const ANSWERED: [(&str, Mode); 3] =
    [("realtime", Mode::Realtime), ("pipeline", Mode::Pipeline), ("bridge", Mode::Bridge)];
const NUMBER_FIX: &str = "write + and 8 to 15 digits, like +15550100000";
/// Which recordings may be kept, by word.
const KEEP: [(&str, Keep); 3] =
    [("failed", Keep::Failed), ("all", Keep::All), ("none", Keep::None)];

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
        recording: section.section("recording", sections::recording),
        stream_enabled: section.flag("stream_enabled").unwrap_or(true),
        flight_recorder: section.choice("flight_recorder", &KEEP),
        privacy: section.section("privacy", |s| sections::privacy(s, &defaults.privacy)),
        limits: section.section("limits", |s| sections::limits(s, &defaults.limits)),
        budget: section.section("budget", prices::budget),
        turns: section
            .choice("turns", &[("ours", Turns::Ours), ("model", Turns::Model)])
            .unwrap_or(Turns::Ours),
        barge_in: section.section("barge_in", sections::barge_in),
        endpointing: section.section("endpointing", conversation::endpointing),
        silence: section.section("silence", conversation::silence),
        voicemail: section.text("voicemail"),
        model: section.section("model", sections::model),
        pipeline: section.section("pipeline", pipeline),
        tools: tools(section),
        facts: section.map("facts"),
        credentials: section.section("credentials", credentials),
    };
    checks::tools(section, &mut tenant);
    checks::turns(section, &tenant);
    checks::human(section, &tenant, human.is_some());
    checks::recording(section, &tenant);
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
