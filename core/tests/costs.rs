//! Prices times counts, to the billionth: rounding, what was cached, shares of budgets,
//! and what a pipeline is counted by.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::collections::BTreeMap;

use trunkline_core::cost::{
    Amount, Budget, Costing, Counter, Kind, Meter, Nanos, Part, PriceTable, Priced, Rate, Service,
    SessionServices, Spent, Step, Thinker, Used, Waste, Watch,
};
use trunkline_core::ids::{ItemId, ResponseId};
use trunkline_core::pii::Personal;
use trunkline_core::pipeline::{Input, Output, Question, Speculation, Speech, Thought, ThrownAway};
use trunkline_core::time::Micros;
use trunkline_core::wire::chat::Message;
use trunkline_core::wire::realtime::Usage;

const MILLION: u64 = 1_000_000;

fn dollars(text: &str) -> Nanos {
    Nanos::parse(text).unwrap()
}

fn rate(price: &str, per: u64) -> Rate {
    Rate { price: dollars(price), per }
}

fn priced(provider: &str, model: &str, rates: &[(Kind, &str, u64)]) -> Priced {
    let rates: BTreeMap<Kind, Rate> =
        rates.iter().map(|(kind, price, per)| (*kind, rate(price, *per))).collect();
    Priced { service: Service::new(provider, model), rates }
}

fn table() -> PriceTable {
    PriceTable::new(vec![
        priced(
            "openai",
            "gpt-realtime-2.1",
            &[
                (Kind::TextIn, "4", MILLION),
                (Kind::CachedTextIn, "0.40", MILLION),
                (Kind::TextOut, "24", MILLION),
                (Kind::AudioIn, "32", MILLION),
                (Kind::CachedAudioIn, "0.40", MILLION),
                (Kind::AudioOut, "64", MILLION),
            ],
        ),
        priced("deepgram", "nova-3", &[(Kind::AudioMs, "0.0048", 60_000)]),
        priced("azure", "*", &[(Kind::Characters, "16", MILLION)]),
        priced("twilio", "voice", &[(Kind::Minutes, "0.0085", 1)]),
    ])
}

#[test]
fn a_price_is_rounded_once_and_a_half_goes_up() {
    let third = rate("0.000000001", 3);
    assert_eq!([0, 1, 2, 3, 4, 5].map(|n| third.of(n).0), [0, 0, 1, 1, 1, 2]);
    let half = rate("0.000000001", 2);
    assert_eq!([1, 2, 3].map(|n| half.of(n).0), [1, 1, 2]);
    // A minute of Deepgram in pieces of 20 ms costs what a minute costs.
    let service = Service::new("deepgram", "nova-3");
    let mut meter = Meter::default();
    for _ in 0..3_000 {
        meter.add(&service, Amount::AudioMs(20));
    }
    assert_eq!(meter.bill(&table()).total, dollars("0.0048"));
    assert_eq!(rate("18446744073", 1).of(u64::MAX), Nanos(u64::MAX), "it stops at its end");
}

#[test]
fn what_was_cached_is_paid_in_place_of_what_was_read() {
    let service = Service::new("openai", "gpt-realtime-2.1");
    let mut meter = Meter::default();
    let usage = Usage {
        text_in: 1_000,
        cached_text: 600,
        audio_in: 500,
        cached_audio: 100,
        text_out: 50,
        audio_out: 200,
    };
    meter.add(&service, Amount::Tokens(usage));
    let bill = meter.bill(&table());
    let line = |kind: Kind| {
        let line = bill.lines.iter().find(|line| line.kind == kind).unwrap();
        (line.quantity, line.nanos.unwrap().0)
    };
    assert_eq!(line(Kind::TextIn), (400, 1_600_000));
    assert_eq!(line(Kind::CachedTextIn), (600, 240_000));
    assert_eq!(line(Kind::AudioIn), (400, 12_800_000));
    assert_eq!(line(Kind::CachedAudioIn), (100, 40_000));
    assert_eq!(line(Kind::TextOut), (50, 1_200_000));
    assert_eq!(line(Kind::AudioOut), (200, 12_800_000));
    assert_eq!(bill.total, dollars("0.02868"));
    // A server that says that more was cached than was read is not paid for less.
    let mut odd = Meter::default();
    odd.add(&service, Amount::Tokens(Usage { text_in: 10, cached_text: 99, ..Usage::default() }));
    assert_eq!(odd.bill(&table()).total, dollars("0.000004"));
}

#[test]
fn what_has_no_price_is_counted_and_said() {
    let mut meter = Meter::default();
    meter.add(&Service::new("openai", "gpt-unheard-of"), Amount::Characters(7));
    meter.add(&Service::new("azure", "en-US-AvaNeural"), Amount::Characters(1_000));
    meter.add(&Service::new("azure", "en-US-AvaNeural"), Amount::AudioMs(5));
    let bill = meter.bill(&table());
    assert_eq!(bill.total, dollars("0.016"), "all voices of Azure have one price");
    assert!(bill.unpriced);
    let prices: Vec<_> = bill.lines.iter().map(|line| line.nanos.is_some()).collect();
    assert_eq!(prices, [false, true, false]);
}

#[test]
fn each_share_of_a_budget_is_reported_once() {
    let budget = Budget { per_call: Nanos(1_000), per_day: Nanos(10_000), ..Budget::default() };
    let mut watch = Watch::default();
    let mut look = |call, day| -> Vec<(Step, Spent)> {
        let reached = watch.look(&budget, Nanos(call), Nanos(day));
        reached.iter().map(|reached| (reached.step, reached.of)).collect()
    };
    assert_eq!(look(799, 799), []);
    assert_eq!(look(800, 800), [(Step::Warn, Spent::Call)]);
    assert_eq!(look(850, 7_999), []);
    assert_eq!(look(899, 9_000), [(Step::Warn, Spent::Day), (Step::Downgrade, Spent::Day)]);
    assert_eq!(look(1_000, 9_999), [(Step::Downgrade, Spent::Call), (Step::Human, Spent::Call)]);
    assert_eq!(look(5_000, 10_000), [(Step::Human, Spent::Day)]);
    assert_eq!(look(6_000, 20_000), []);
    assert!(Watch::default().look(&Budget::default(), Nanos(u64::MAX), Nanos(u64::MAX)).is_empty());
    let never = Budget { warn_percent: 0, downgrade_percent: 0, ..budget };
    let reached = Watch::default().look(&never, Nanos(1_000), Nanos(0));
    assert_eq!(reached.iter().map(|r| r.step).collect::<Vec<_>>(), [Step::Human]);
    assert!(budget.is_day_spent(Nanos(10_000)) && !budget.is_day_spent(Nanos(9_999)));
    assert!(!Budget::default().is_day_spent(Nanos(u64::MAX)));
}

fn ask(request: u32, provider: usize) -> Output {
    let messages = vec![Message::User { text: "x".repeat(400) }];
    Output::Ask(Box::new(Question { request, provider, messages, tools: Vec::new() }))
}

fn speak(request: u32, provider: usize, text: &str) -> Output {
    Output::Speak(Box::new(Speech {
        request,
        provider,
        text: Personal::new(text),
        response: ResponseId::parse("r1").unwrap(),
        item: ItemId::parse("i1").unwrap(),
    }))
}

fn thought(request: u32, event: Thought) -> Input {
    Input::Thought { request, event }
}

fn used(part: Part, index: usize, amount: Amount) -> Used {
    Used { session: 1, part, index, cheaper: false, amount, estimated: false }
}

fn tokens(text_in: u64, text_out: u64) -> Amount {
    Amount::Tokens(Usage { text_in, text_out, ..Usage::default() })
}

#[test]
fn a_pipeline_is_counted_by_what_it_orders() {
    let mut counter = Counter::default();
    counter.begin_session(1);
    let dial = |connection, provider| Output::Dial { connection, provider, delay: Micros::ZERO };
    counter.output(&dial(1, 0));
    for _ in 0..10 {
        counter.output(&Output::Hear(vec![0xff; 160]));
    }
    assert_eq!(counter.take(true), [], "little pieces wait for each other");
    // What the next recogniser hears again is heard twice, and paid twice.
    counter.output(&dial(2, 1));
    counter.output(&Output::Hear(vec![0xff; 1_604]));
    counter.output(&ask(7, 0));
    let usage = Usage { text_in: 120, text_out: 9, ..Usage::default() };
    counter.input(&thought(7, Thought::Text(Personal::new("Good morning."))));
    counter.input(&thought(7, Thought::Finished { usage: Some(usage) }));
    counter.output(&speak(8, 1, "Grüß Gott."));
    assert_eq!(
        counter.take(false),
        [
            used(Part::Recogniser, 0, Amount::AudioMs(200)),
            used(Part::Agent, 0, tokens(120, 9)),
            used(Part::Voice, 1, Amount::Characters(10)),
            used(Part::Recogniser, 1, Amount::AudioMs(200)),
        ]
    );
    counter.output(&Output::Hear(vec![0xff; 4]));
    let rest = counter.take(false);
    assert_eq!(rest, [used(Part::Recogniser, 1, Amount::AudioMs(1))], "nothing is rounded away");
}

#[test]
fn an_answer_that_nobody_counted_is_guessed() {
    let guess = |amount| Used { estimated: true, ..used(Part::Agent, 0, amount) };
    let mut counter = Counter::default();
    counter.begin_session(1);
    counter.output(&ask(1, 0));
    counter.input(&thought(1, Thought::Text(Personal::new("x".repeat(41)))));
    counter.output(&Output::StopAsking { request: 1 });
    // Its end comes late, and changes nothing.
    counter.input(&thought(1, Thought::Finished { usage: None }));
    assert_eq!(counter.take(false), [guess(tokens(100, 11))]);
    // Who refuses is paid nothing; who breaks off is.
    let failed = || Thought::Failed { reason: "503".to_owned(), retry: true };
    counter.output(&ask(2, 0));
    counter.input(&thought(2, failed()));
    counter.output(&Output::StopAsking { request: 2 });
    assert_eq!(counter.take(false), []);
    counter.economise();
    counter.output(&ask(3, 0));
    counter.input(&thought(3, Thought::Text(Personal::new("abcd"))));
    counter.input(&thought(3, failed()));
    assert_eq!(counter.take(false), [Used { cheaper: true, ..guess(tokens(100, 1)) }]);
}

#[test]
fn what_is_thrown_away_is_a_part_of_what_was_used() {
    let begun = || Output::Speculated(Speculation::Started);
    let thrown_away = || Output::Speculated(Speculation::ThrownAway(ThrownAway::WentOn));
    let mut counter = Counter::default();
    // One that is of use, one that said what it took, and one that was stopped.
    counter.output(&begun());
    counter.output(&ask(1, 0));
    counter.output(&Output::Speculated(Speculation::Used));
    counter.output(&Output::StopAsking { request: 1 });
    counter.output(&begun());
    counter.output(&ask(2, 0));
    let usage = Usage { text_in: 120, text_out: 9, ..Usage::default() };
    counter.input(&thought(2, Thought::Finished { usage: Some(usage) }));
    counter.output(&speak(3, 0, "Good day."));
    counter.output(&thrown_away());
    let said = Waste { tokens_in: 120, tokens_out: 9, characters: 9 };
    assert_eq!(counter.take_waste(), said);
    counter.output(&begun());
    counter.output(&ask(4, 0));
    counter.input(&thought(4, Thought::Text(Personal::new("x".repeat(41)))));
    counter.output(&Output::StopAsking { request: 4 });
    counter.output(&thrown_away());
    let guessed = Waste { tokens_in: 100, tokens_out: 11, characters: 0 };
    assert_eq!(counter.take_waste(), guessed);
    assert_eq!(counter.take_waste(), Waste::default(), "each is told once");
    // What a session's end leaves of it is of no use either.
    counter.output(&begun());
    counter.output(&ask(5, 0));
    counter.begin_session(1);
    let read = Waste { tokens_in: 100, tokens_out: 0, characters: 0 };
    assert_eq!(counter.take_waste(), read);
    let paid: u64 = counter.take(false).iter().map(|used| tokens_in(used.amount)).sum();
    assert_eq!(paid, 100 + 120 + 100 + 100, "and all of it is on the bill");
}

fn tokens_in(amount: Amount) -> u64 {
    match amount {
        Amount::Tokens(usage) => usage.text_in,
        Amount::AudioMs(_) | Amount::Characters(_) => 0,
    }
}

#[test]
fn the_cheaper_model_is_paid_by_its_own_price() {
    let thinker = Thinker {
        service: Service::new("openai", "gpt-4.1-mini"),
        budget_model: Some("gpt-4.1-nano".to_owned()),
    };
    let session = SessionServices { agents: vec![thinker], ..SessionServices::default() };
    let costing = Costing::new(&table(), vec![session.clone(), session], Nanos::ZERO);
    let one = used(Part::Agent, 0, tokens(1, 1));
    let model = |used: &Used| costing.service(used).map(|service| service.model);
    assert_eq!(model(&one).as_deref(), Some("gpt-4.1-mini"));
    assert_eq!(model(&Used { cheaper: true, ..one }).as_deref(), Some("gpt-4.1-nano"));
    assert_eq!(model(&Used { index: 1, ..one }), None);
    assert_eq!(costing.prices.len(), 1, "of the table only what may be used is kept");
}
