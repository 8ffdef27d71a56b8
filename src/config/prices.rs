//! The price table: who is paid how much for what.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use trunkline_core::cost::{
    Budget, Costing, Kind, Nanos, NotMoney, PriceTable, Priced, Rate, Service,
};
use trunkline_core::tenant::{
    Mode, ModelSettings, PipelineChoice, RecogniserService, Tenant, VoiceService,
};
use trunkline_core::wire::deepgram::Listen;
use trunkline_core::wire::elevenlabs;
use trunkline_core::wire::transcription::Transcribe;

use super::document;
use super::files::Files;
use super::problem::{Problems, Source};
use super::section::Section;

/// How a price is written.
const MONEY: &str = "write dollars like \"0.0048\"";

/// What a price is for, by word.
const UNITS: [(&str, Unit); 4] = [
    ("1M tokens", Unit::Tokens),
    ("minute", Unit::Minute),
    ("1M characters", Unit::Characters),
    ("started minute", Unit::StartedMinute),
];

#[derive(Clone, Copy)]
enum Unit {
    Tokens,
    Minute,
    Characters,
    StartedMinute,
}

/// Kinds of tokens, and the kind whose price holds where one has none.
const TOKENS: [(&str, Kind, Option<Kind>); 6] = [
    ("text_in", Kind::TextIn, None),
    ("cached_text_in", Kind::CachedTextIn, Some(Kind::TextIn)),
    ("text_out", Kind::TextOut, None),
    ("audio_in", Kind::AudioIn, None),
    ("cached_audio_in", Kind::CachedAudioIn, Some(Kind::AudioIn)),
    ("audio_out", Kind::AudioOut, None),
];

const MILLION: u64 = 1_000_000;
const MINUTE_MS: u64 = 60_000;

/// Reads the table. Where nobody named the file, it may be absent: then nothing is
/// reckoned.
pub(super) fn load(
    path: &Path,
    named: bool,
    files: &dyn Files,
    problems: &mut Problems,
) -> PriceTable {
    match files.read(path) {
        Ok(bytes) => parse(path, &bytes, problems),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !named => PriceTable::default(),
        Err(error) => {
            let fix = format!("check the path that {} names", super::keys::PRICES_FILE.env);
            problems.error(Source::file(path), "", format!("cannot be read: {error}"), fix);
            PriceTable::default()
        }
    }
}

fn parse(path: &Path, bytes: &[u8], problems: &mut Problems) -> PriceTable {
    let Some(text) = document::utf8(path, bytes, problems) else {
        return PriceTable::default();
    };
    let entries = document::parse(path, text, 1, problems);
    let mut section = Section::top(path, &entries, problems);
    let mut known: Vec<Priced> = Vec::new();
    section.tables("price", |section| {
        let Some(priced) = price(section) else {
            return;
        };
        if known.iter().any(|one| one.service == priced.service) {
            let Service { provider, model } = &priced.service;
            section.error(
                "model",
                format!("{model} of {provider} has a price already"),
                "remove one of them",
            );
        } else {
            known.push(priced);
        }
    });
    section.finish();
    PriceTable::new(known)
}

fn price(section: &mut Section<'_>) -> Option<Priced> {
    let provider = section.needed_text("provider", "openai");
    let model = section.needed_text("model", "gpt-realtime-2.1");
    let unit = needed_unit(section);
    // For people; nothing follows from them.
    section.date("date");
    section.text("source");
    let rates = match unit {
        Some(Unit::Tokens) => tokens(section),
        Some(Unit::Minute) => one(section, Kind::AudioMs, MINUTE_MS),
        Some(Unit::Characters) => one(section, Kind::Characters, MILLION),
        Some(Unit::StartedMinute) => one(section, Kind::Minutes, 1),
        None => {
            section.known(&["price"]);
            section.known(&TOKENS.map(|(key, ..)| key));
            return None;
        }
    };
    Some(Priced { service: Service { provider: provider?, model: model? }, rates })
}

fn needed_unit(section: &mut Section<'_>) -> Option<Unit> {
    if section.has("unit") {
        return section.choice("unit", &UNITS);
    }
    section.needed_text("unit", "1M tokens");
    None
}

fn one(section: &mut Section<'_>, kind: Kind, per: u64) -> BTreeMap<Kind, Rate> {
    if !section.has("price") {
        section.known(&["price"]);
        section.error("price", "is missing", "add price = \"…\", in dollars");
    }
    let price = section.money("price");
    price.map(|price| (kind, Rate { price, per })).into_iter().collect()
}

fn tokens(section: &mut Section<'_>) -> BTreeMap<Kind, Rate> {
    let mut rates = BTreeMap::new();
    for (key, kind, instead) in TOKENS {
        let own = section.money(key).map(|price| Rate { price, per: MILLION });
        let rate = own.or_else(|| rates.get(&instead?).copied());
        rates.extend(rate.map(|rate| (kind, rate)));
    }
    for key in ["text_in", "text_out"] {
        if !section.has(key) {
            section.error(
                key,
                "is missing",
                format!("add {key} = \"…\", in dollars per 1M tokens"),
            );
        }
    }
    rates
}

impl Section<'_> {
    /// Dollars, as a text or a number.
    pub(super) fn money(&mut self, key: &'static str) -> Option<Nanos> {
        let text = self.number_as_text(key, "\"0.50\"")?;
        match Nanos::parse(&text) {
            Ok(nanos) => Some(nanos),
            Err(error) => {
                let fix = match error {
                    NotMoney::Negative => "write 0 or more",
                    NotMoney::TooFine | NotMoney::TooLarge | NotMoney::Other => MONEY,
                };
                self.error(key, format!("{text:?} {error}"), fix);
                None
            }
        }
    }
}

/// A tenant's budget is of no use where something has no price: says what has none.
pub(super) fn check_budget(
    tenant: &Tenant,
    file: &Path,
    model: &str,
    prices: &PriceTable,
    problems: &mut Problems,
) {
    if !tenant.budget.is_set() || tenant.mode == Mode::Bridge {
        return;
    }
    let mut missing: Vec<String> = Vec::new();
    for (service, kinds) in paid_by(tenant, model) {
        let name = format!("{} {}", service.provider, service.model);
        let has_price = kinds.iter().any(|kind| prices.rate(&service, *kind).is_some());
        if !has_price && !missing.contains(&name) {
            missing.push(name);
        }
    }
    if !missing.is_empty() {
        problems.warning(
            Source::file(file),
            "budget",
            format!("does not see what has no price: {}", missing.join(", ")),
            "add the prices to the price table",
        );
    }
}

/// Whoever a tenant's calls may pay, and what for: a price for none of it is no price.
fn paid_by(tenant: &Tenant, model: &str) -> Vec<(Service, &'static [Kind])> {
    let carrier = Costing::twilio().into_iter();
    let mut all: Vec<(Service, &[Kind])> =
        carrier.map(|line| (line, &[Kind::Minutes] as &[Kind])).collect();
    if tenant.mode == Mode::Realtime {
        paid_for_speech(&tenant.model, model, &mut all);
    }
    if tenant.mode == Mode::Pipeline || tenant.pipeline.takes_over {
        paid_in_pipeline(&tenant.pipeline, &mut all);
    }
    all
}

const SPEECH: &[Kind] = &[Kind::AudioIn, Kind::AudioOut];
const THOUGHT: &[Kind] = &[Kind::TextIn, Kind::TextOut];
/// Some say how long they listened, and some how many tokens that was.
const WORDS: &[Kind] = &[Kind::AudioMs, Kind::AudioIn];

/// The speech model and its fallbacks, and who puts words down beside each.
fn paid_for_speech(
    settings: &ModelSettings,
    default: &str,
    all: &mut Vec<(Service, &'static [Kind])>,
) {
    let first = (&settings.name, &settings.provider, &settings.budget_model);
    let rest = settings.fallbacks.iter().map(|one| (&one.name, &one.provider, &one.budget_model));
    for (name, provider, cheaper) in std::iter::once(first).chain(rest) {
        let provider = provider.as_deref().unwrap_or("openai");
        let names = [Some(name.as_deref().unwrap_or(default)), cheaper.as_deref()];
        all.extend(names.into_iter().flatten().map(|name| (Service::new(provider, name), SPEECH)));
        let words = settings.transcription.as_deref();
        all.extend(words.map(|name| (Service::new(provider, name), WORDS)));
    }
}

fn paid_in_pipeline(choice: &PipelineChoice, all: &mut Vec<(Service, &'static [Kind])>) {
    for one in &choice.recognisers {
        let (provider, plain) = match one.service {
            RecogniserService::Deepgram => ("deepgram", Listen::default().model),
            RecogniserService::Openai => ("openai", Transcribe::default().model),
        };
        let model = one.model.as_deref().unwrap_or(&plain);
        all.push((Service::new(provider, model), &[Kind::AudioMs]));
    }
    for one in &choice.agents {
        let names = [Some(&one.model), one.budget_model.as_ref()].into_iter().flatten();
        all.extend(names.map(|name| (Service::new(&one.provider, name), THOUGHT)));
    }
    for one in &choice.voices {
        let service = match one.service {
            VoiceService::Azure => Service::new("azure", &one.voice),
            VoiceService::Elevenlabs => {
                let model = one.model.as_deref().unwrap_or(elevenlabs::DEFAULT_MODEL);
                Service::new("elevenlabs", model)
            }
        };
        all.push((service, &[Kind::Characters]));
    }
}

/// The section `[budget]` of a tenant's file.
pub(super) fn budget(section: &mut Section<'_>) -> Budget {
    let default = Budget::default();
    Budget {
        per_call: section.money("per_call").unwrap_or(default.per_call),
        per_day: section.money("per_day").unwrap_or(default.per_day),
        warn_percent: section.whole("warn_percent", 0..=100).unwrap_or(default.warn_percent),
        downgrade_percent: section
            .whole("downgrade_percent", 0..=100)
            .unwrap_or(default.downgrade_percent),
    }
}
