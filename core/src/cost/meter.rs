//! The meter of a call, and its bill.

use serde::{Deserialize, Serialize};

use crate::wire::realtime::Usage;

use super::{Amount, Kind, Nanos, PriceTable, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Line {
    service: Service,
    kind: Kind,
    quantity: u64,
}

/// Counts what was used, by whom it is paid to and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Meter {
    lines: Vec<Line>,
    estimated: bool,
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillLine {
    /// Who is paid.
    #[serde(flatten)]
    pub service: Service,
    /// What for.
    pub kind: Kind,
    /// How many units of it.
    pub quantity: u64,
    /// How much; none where no price is known.
    pub nanos: Option<Nanos>,
}

/// What a call cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The sum of the lines that have a price.
    pub total: Nanos,
    /// Whether something had no price: it cost more than the total says.
    pub unpriced: bool,
    /// Whether some of it is a guess.
    pub estimated: bool,
    /// By whom is paid and what for, in the order of first use.
    pub lines: Vec<BillLine>,
}

impl Meter {
    /// So much was used of a service.
    pub fn add(&mut self, service: &Service, amount: Amount) {
        match amount {
            Amount::Tokens(usage) => self.tokens(service, &usage),
            Amount::AudioMs(ms) => self.count(service, Kind::AudioMs, ms),
            Amount::Characters(characters) => self.count(service, Kind::Characters, characters),
        }
    }

    /// Some of what is counted is a guess.
    pub fn guessed(&mut self) {
        self.estimated = true;
    }

    /// Cached tokens are a part of those that were read, and are paid in their place.
    fn tokens(&mut self, service: &Service, usage: &Usage) {
        let cached_text = usage.cached_text.min(usage.text_in);
        let cached_audio = usage.cached_audio.min(usage.audio_in);
        self.count(service, Kind::TextIn, usage.text_in - cached_text);
        self.count(service, Kind::CachedTextIn, cached_text);
        self.count(service, Kind::AudioIn, usage.audio_in - cached_audio);
        self.count(service, Kind::CachedAudioIn, cached_audio);
        self.count(service, Kind::TextOut, usage.text_out);
        self.count(service, Kind::AudioOut, usage.audio_out);
    }

    /// Adds units of one kind.
    pub fn count(&mut self, service: &Service, kind: Kind, quantity: u64) {
        if quantity == 0 {
            return;
        }
        let known = self.lines.iter_mut().find(|l| l.kind == kind && l.service == *service);
        match known {
            Some(line) => line.quantity = line.quantity.saturating_add(quantity),
            None => self.lines.push(Line { service: service.clone(), kind, quantity }),
        }
    }

    /// What that comes to. Each line is rounded by itself, once, to the billionth.
    #[must_use]
    pub fn bill(&self, prices: &PriceTable) -> Bill {
        let priced = |line: &Line| BillLine {
            nanos: prices.rate(&line.service, line.kind).map(|rate| rate.of(line.quantity)),
            service: line.service.clone(),
            kind: line.kind,
            quantity: line.quantity,
        };
        let lines: Vec<BillLine> = self.lines.iter().map(priced).collect();
        Bill {
            total: lines.iter().filter_map(|line| line.nanos).sum(),
            unpriced: lines.iter().any(|line| line.nanos.is_none()),
            estimated: self.estimated,
            lines,
        }
    }
}
