//! Prices: who is paid how much for what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Nanos;

/// Who is paid: a provider, and which of its models, voices or lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Service {
    /// The provider, such as `openai`.
    pub provider: String,
    /// Its name of the model, the voice or the line.
    pub model: String,
}

impl Service {
    /// Stands in a price for every model of a provider that has no price of its own.
    pub const ANY_MODEL: &'static str = "*";

    /// A provider's model.
    #[must_use]
    pub fn new(provider: &str, model: &str) -> Self {
        Self { provider: provider.to_owned(), model: model.to_owned() }
    }
}

/// What is paid for. Each is counted in whole units of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Tokens of text read, without those from the cache.
    TextIn,
    /// Tokens of text read from the cache.
    CachedTextIn,
    /// Tokens of text written.
    TextOut,
    /// Tokens of audio heard, without those from the cache.
    AudioIn,
    /// Tokens of audio read from the cache.
    CachedAudioIn,
    /// Tokens of audio spoken.
    AudioOut,
    /// Audio by its length, in milliseconds.
    AudioMs,
    /// Characters spoken.
    Characters,
    /// Minutes of a line, each that began.
    Minutes,
}

impl Kind {
    /// The word for records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TextIn => "text_in",
            Self::CachedTextIn => "cached_text_in",
            Self::TextOut => "text_out",
            Self::AudioIn => "audio_in",
            Self::CachedAudioIn => "cached_audio_in",
            Self::AudioOut => "audio_out",
            Self::AudioMs => "audio_ms",
            Self::Characters => "characters",
            Self::Minutes => "minutes",
        }
    }
}

/// A price: so much for so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// The price.
    pub price: Nanos,
    /// For how many units of its kind; never 0.
    pub per: u64,
}

impl Rate {
    /// What `quantity` units cost, to the nearest billionth; a half goes up.
    #[must_use]
    pub fn of(self, quantity: u64) -> Nanos {
        let per = u128::from(self.per.max(1));
        let exact = u128::from(self.price.0) * u128::from(quantity);
        let rounded = (exact + per / 2) / per;
        Nanos(u64::try_from(rounded).unwrap_or(u64::MAX))
    }
}

/// The prices of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// Who is paid.
    pub service: Service,
    /// How much, by what for.
    pub rates: BTreeMap<Kind, Rate>,
}

/// Every price that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PriceTable(Vec<Priced>);

impl PriceTable {
    /// A table of these. Of two prices of one service the first holds.
    #[must_use]
    pub const fn new(prices: Vec<Priced>) -> Self {
        Self(prices)
    }

    /// Whether no price is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many services have a price.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The prices of a service: its own, else those of all its provider's models.
    #[must_use]
    pub fn find(&self, service: &Service) -> Option<&Priced> {
        let own = self.0.iter().find(|priced| priced.service == *service);
        own.or_else(|| {
            let any = |priced: &&Priced| {
                priced.service.provider == service.provider
                    && priced.service.model == Service::ANY_MODEL
            };
            self.0.iter().find(any)
        })
    }

    /// What a service takes for one kind.
    #[must_use]
    pub fn rate(&self, service: &Service, kind: Kind) -> Option<Rate> {
        self.find(service)?.rates.get(&kind).copied()
    }

    /// The prices of these services alone.
    #[must_use]
    pub fn only<'a>(&self, services: impl IntoIterator<Item = &'a Service>) -> Self {
        let mut some: Vec<Priced> = Vec::new();
        for priced in services.into_iter().filter_map(|service| self.find(service)) {
            if !some.contains(priced) {
                some.push(priced.clone());
            }
        }
        Self(some)
    }
}
