//! What the call costs while it lasts, and what follows when its budget, or its
//! tenant's for the day, runs short.

use serde::Serialize;
use serde_json::json;

use crate::cost::{
    Amount, Bill, Budget, CHARACTERS_PER_TOKEN, Costing, Kind, Meter, Nanos, Part, Reached,
    Service, Step, Used, Watch,
};
use crate::time::Micros;
use crate::wire::realtime::Usage;

use super::ending::TransferBy;
use super::{Call, EndCause, Input, ModelEvent, Money, Output, Phase, PhaseName};

/// A minute of a line is paid once it has begun.
const MINUTE: Micros = Micros::from_secs(60);
/// Bytes of the agent's μ-law in a token: 50 ms.
const BYTES_PER_TOKEN: u64 = 400;

/// See the module's text.
#[derive(Debug, Default, Serialize)]
pub(super) struct Costs {
    meter: Meter,
    /// Minutes of the line that have begun.
    minutes: u64,
    total: Nanos,
    /// What the tenant's other calls of the day have cost.
    others: Nanos,
    /// Something changed that the total does not show yet.
    changed: bool,
    /// What is reckoned has not been handed over to be kept.
    unkept: bool,
    /// This is a moment for that.
    keeping: bool,
    watch: Watch,
    /// What has no price, as far as it was told.
    unpriced: Vec<(Service, Kind)>,
    /// The speech model's response that has not said what it took.
    open: Option<OpenResponse>,
    /// What the last one took.
    last_usage: Option<Usage>,
    /// Cheaper models are wanted.
    economises: bool,
    /// The present session is the cheaper model's.
    cheaper: bool,
}

/// Whether no call ends by it before its goodbye. It is said of what comes often, so that
/// not every piece of audio has to be told by itself.
fn ends_nothing(input: &Input) -> bool {
    matches!(
        input,
        Input::BargeIn(_)
            | Input::TurnEnded { .. }
            | Input::Model(ModelEvent::CallerPartial { .. } | ModelEvent::AgentText { .. })
    )
}

/// What came of a response so far.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct OpenResponse {
    characters: u64,
    audio_bytes: u64,
}

impl Costs {
    pub(super) fn new(costing: Option<&Costing>) -> Self {
        let others = costing.map_or(Nanos::ZERO, |costing| costing.spent_today);
        Self { others, ..Self::default() }
    }

    /// A session is dialled: it is the cheaper model's, if that is wanted.
    pub(super) fn session_begins(&mut self) {
        self.cheaper = self.economises;
    }

    /// The speech model has begun a response.
    pub(super) fn response_opened(&mut self) {
        self.open.get_or_insert_default();
    }

    /// More of it came: these words, and so much audio of the item in all.
    pub(super) fn response_grew(&mut self, words: &str, audio_bytes: u64) {
        if let Some(open) = &mut self.open {
            open.characters += words.chars().count() as u64;
            open.audio_bytes = open.audio_bytes.max(audio_bytes);
        }
    }

    fn tick(&mut self, lines: &[Service], since_start: Micros) {
        let begun = since_start.0.div_ceil(MINUTE.0).max(1);
        let more = begun.saturating_sub(self.minutes);
        self.minutes = self.minutes.max(begun);
        for line in lines {
            self.meter.count(line, Kind::Minutes, more);
        }
        self.changed |= more > 0;
        self.keeping |= more > 0;
    }
}

impl Call {
    /// Whether the call may end by what happens next; where that is nothing, by what the
    /// media path has to tell. What was used by then has to be told before it, as what
    /// comes after the end is not on the bill.
    #[must_use]
    pub fn may_end_by(&self, next: Option<&Input>) -> bool {
        let winds_down = self.phase() >= PhaseName::Goodbye;
        winds_down || !next.is_none_or(ends_nothing)
    }

    /// A service was used.
    pub(super) fn used(&mut self, used: &Used) {
        let service = self.settings.costing.as_ref().and_then(|costing| costing.service(used));
        let Some(service) = service else {
            return;
        };
        self.costs.meter.add(&service, used.amount);
        if used.estimated {
            self.costs.meter.guessed();
        }
        self.costs.changed = true;
    }

    /// A speech model's response is over. What a pipeline's answers used is told
    /// apart, by who knows which of its models was asked.
    pub(super) fn model_used(&mut self, usage: Option<Usage>) {
        self.costs.open = None;
        self.costs.last_usage = usage.or(self.costs.last_usage);
        self.count_model(usage, false);
    }

    /// Nobody will say what the open response took: it is guessed by what came of it.
    /// What it read is what the one before it had read, or its instructions.
    pub(super) fn guess_open_response(&mut self) {
        let Some(open) = self.costs.open.take() else {
            return;
        };
        let told = self.settings.script.instructions.chars().count() as u64;
        let first = Usage { text_in: told.div_ceil(CHARACTERS_PER_TOKEN), ..Usage::default() };
        let read = self.costs.last_usage.unwrap_or(first);
        let usage = Usage {
            text_out: open.characters.div_ceil(CHARACTERS_PER_TOKEN),
            audio_out: open.audio_bytes.div_ceil(BYTES_PER_TOKEN),
            ..read
        };
        self.count_model(Some(usage), true);
    }

    fn count_model(&mut self, usage: Option<Usage>, estimated: bool) {
        let session = self.session.provider;
        let sessions = self.settings.costing.as_ref().map(|costing| &costing.sessions);
        let is_model = sessions.and_then(|all| all.get(session)).is_some_and(|s| s.model.is_some());
        if let Some(usage) = usage.filter(|_| is_model) {
            self.used(&Used {
                session,
                part: Part::Model,
                index: 0,
                cheaper: self.costs.cheaper,
                amount: Amount::Tokens(usage),
                estimated,
            });
        }
    }

    /// What the tenant's other calls of the day have cost by now.
    pub(super) fn others_spent(&mut self, nanos: Nanos) {
        self.costs.others = nanos;
        self.costs.changed = true;
    }

    /// Somebody has finished saying something: what the call cost until then is to
    /// outlive the process. So is each minute that begins.
    pub(super) fn keep_costs(&mut self) {
        self.costs.keeping = true;
    }

    /// After every mutation: what it costs now, and whether that is too much.
    pub(super) fn settle_costs(&mut self, now: Micros) {
        if !self.started || matches!(self.phase, Phase::Ended) {
            return;
        }
        if let Some(bill) = self.reckon(now) {
            self.look_at(&bill, now);
        }
        self.keep_bill();
    }

    /// What changed since the last time is handed over, where this is the moment.
    fn keep_bill(&mut self) {
        let keeping = std::mem::take(&mut self.costs.keeping);
        let Some(costing) = self.settings.costing.as_ref().filter(|_| keeping) else {
            return;
        };
        if std::mem::take(&mut self.costs.unkept) {
            let bill = self.costs.meter.bill(&costing.prices);
            self.out(Output::Money(Money::SoFar(bill)));
        }
    }

    fn look_at(&mut self, bill: &Bill, now: Micros) {
        if bill.total != self.costs.total {
            self.costs.total = bill.total;
            self.out(Output::Money(Money::Running(bill.total)));
        }
        self.tell_unpriced(bill);
        let day = bill.total.plus(self.costs.others);
        let budget = self.settings.tenant.budget;
        for reached in self.costs.watch.look(&budget, bill.total, day) {
            self.reached(reached, &budget, now);
        }
    }

    /// The bill as it is now, if anything changed.
    fn reckon(&mut self, now: Micros) -> Option<Bill> {
        let costing = self.settings.costing.as_ref()?;
        self.costs.tick(&costing.carrier, now.since(self.started_at));
        let changed = std::mem::take(&mut self.costs.changed);
        self.costs.unkept |= changed;
        changed.then(|| self.costs.meter.bill(&costing.prices))
    }

    fn tell_unpriced(&mut self, bill: &Bill) {
        for line in bill.lines.iter().filter(|line| line.nanos.is_none()) {
            let what = (line.service.clone(), line.kind);
            if !self.costs.unpriced.contains(&what) {
                self.costs.unpriced.push(what.clone());
                let (service, kind) = what;
                self.out(Output::Money(Money::Unpriced { service, kind }));
            }
        }
    }

    fn reached(&mut self, reached: Reached, budget: &Budget, now: Micros) {
        let (percent, done) = match reached.step {
            Step::Warn => (budget.warn_percent, None),
            Step::Downgrade => (budget.downgrade_percent, Some(self.economise())),
            Step::Human => (100, Some(self.spent(now))),
        };
        let facts = json!({
            "step": reached.step,
            "of": reached.of,
            "percent": percent,
            "spent_nanos": reached.spent,
            "limit_nanos": reached.limit,
            "done": done,
        });
        self.event("budget", facts);
        self.out(Output::Money(Money::Reached(reached)));
    }

    /// Cheaper models from now on: a pipeline asks them for its next answer, a speech
    /// model is exchanged at the next quiet moment. Answers what is done.
    fn economise(&mut self) -> &'static str {
        if self.costs.economises {
            return "already";
        }
        let sessions = self.settings.costing.as_ref().map_or(&[][..], |c| &c.sessions);
        if !sessions.iter().any(|session| session.has_cheaper()) {
            return "no_budget_model";
        }
        let present = sessions.get(self.session.provider);
        let exchange = present.is_some_and(|s| s.model.is_some() && s.has_cheaper());
        self.costs.economises = true;
        self.session.wants_recycling |= exchange && self.session.is_begun();
        self.out(Output::Money(Money::Economise));
        "cheaper_model"
    }

    /// The budget is spent: a human goes on with the call, where there is one.
    fn spent(&mut self, now: Micros) -> &'static str {
        if matches!(self.phase, Phase::Goodbye(_) | Phase::Ended) || self.machine.is_some() {
            return "nothing";
        }
        if self.settings.tenant.human_number.is_some() {
            self.transfer(TransferBy::Budget, now);
            return "human";
        }
        self.begin_goodbye(EndCause::Budget, now);
        "goodbye"
    }

    /// The call is over: its whole bill, to the last minute that began.
    pub(super) fn close_bill(&mut self, now: Micros) {
        if !self.started {
            return;
        }
        self.guess_open_response();
        self.costs.changed = true;
        if let Some(bill) = self.reckon(now) {
            self.tell_unpriced(&bill);
            self.costs.total = bill.total;
            self.out(Output::Money(Money::Bill(bill)));
        }
    }
}
