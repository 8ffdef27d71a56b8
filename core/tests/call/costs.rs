//! What a call costs while it lasts, and what its budget has it do.

use std::collections::BTreeMap;

use trunkline_core::call::{
    Command, Disposition, Input, ModelEvent, Money, Outcome, Output, PhaseName,
};
use trunkline_core::cost::{
    Amount, Bill, Budget, Costing, Kind, Nanos, Part, PriceTable, Priced, Rate, Service,
    SessionServices, Step, Thinker, Used,
};
use trunkline_core::ids::ItemId;
use trunkline_core::pii::Personal;
use trunkline_core::wire::realtime::Usage;

use crate::support::{PATIENT, Plan, World, ms, secs};

/// A tenth of a cent for each character.
const CHARACTER: u64 = 1_000_000;
/// A cent for each minute of the line.
const MINUTE: u64 = 10_000_000;

fn service(model: &str) -> Service {
    Service::new("test", model)
}

fn priced(service: Service, kind: Kind, nanos: u64) -> Priced {
    let rates = BTreeMap::from([(kind, Rate { price: Nanos(nanos), per: 1 })]);
    Priced { service, rates }
}

fn costing() -> Costing {
    let table = PriceTable::new(vec![
        priced(Service::new("twilio", "voice"), Kind::Minutes, MINUTE),
        priced(Service::new("twilio", "media_streams"), Kind::Minutes, 0),
        priced(service("voice"), Kind::Characters, CHARACTER),
    ]);
    let session = SessionServices {
        model: Some(Thinker { service: service("model"), budget_model: Some("small".to_owned()) }),
        voices: vec![service("voice")],
        ..SessionServices::default()
    };
    Costing::new(&table, vec![session], Nanos::ZERO)
}

fn plan(budget: Budget) -> Plan {
    Plan { costing: Some(costing()), budget, silence: PATIENT, ..Plan::default() }
}

/// Budgets in characters.
fn budget(per_call: u64, per_day: u64) -> Budget {
    let nanos = |characters| Nanos(characters * CHARACTER);
    Budget { per_call: nanos(per_call), per_day: nanos(per_day), ..Budget::default() }
}

fn characters(n: u64) -> Input {
    Input::Used(Used {
        session: 0,
        part: Part::Voice,
        index: 0,
        cheaper: false,
        amount: Amount::Characters(n),
        estimated: false,
    })
}

fn bill(world: &World) -> Bill {
    let bills = world.outputs.iter().filter_map(|(_, output)| match output {
        Output::Money(Money::Bill(bill)) => Some(bill.clone()),
        _ => None,
    });
    let bills: Vec<Bill> = bills.collect();
    assert_eq!(bills.len(), 1, "a call has one bill");
    bills[0].clone()
}

fn running(world: &World) -> Vec<u64> {
    let totals = world.outputs.iter().filter_map(|(_, output)| match output {
        Output::Money(Money::Running(total)) => Some(total.0),
        _ => None,
    });
    totals.collect()
}

/// The totals that were handed over to be kept.
fn kept(world: &World) -> Vec<u64> {
    let bills = world.outputs.iter().filter_map(|(_, output)| match output {
        Output::Money(Money::SoFar(bill)) => Some(bill.total.0),
        _ => None,
    });
    bills.collect()
}

fn steps(world: &World) -> Vec<Step> {
    let steps = world.outputs.iter().filter_map(|(_, output)| match output {
        Output::Money(Money::Reached(reached)) => Some(reached.step),
        _ => None,
    });
    steps.collect()
}

#[test]
fn a_minute_is_paid_once_it_began_and_the_bill_is_whole_at_the_end() {
    for (length, minutes) in [(ms(5_000), 1), (secs(60), 1), (ms(60_001), 2), (secs(119), 2)] {
        let mut world = World::started(&plan(Budget::default()));
        world.past_greeting();
        world.tell(characters(3));
        world.run_until(length);
        world.hang_up();
        let bill = bill(&world);
        assert_eq!(bill.total.0, minutes * MINUTE + 3 * CHARACTER, "{length:?}");
        assert_eq!(running(&world)[0], MINUTE, "the first minute is paid at once");
        assert!(!bill.estimated);
    }
}

#[test]
fn what_it_cost_so_far_is_kept_with_each_turn_and_each_minute_and_no_more_often() {
    let mut world = World::started(&plan(Budget::default()));
    assert_eq!(kept(&world), [MINUTE], "the first minute has begun");
    world.past_greeting();
    let greeted = kept(&world).len();
    for _ in 0..50 {
        world.tell(characters(1));
    }
    assert_eq!(kept(&world).len(), greeted, "not with each piece");
    world.caller_speaks(ms(500), "what do you do?");
    world.run_for(secs(3));
    assert_eq!(kept(&world).last(), Some(&(MINUTE + 50 * CHARACTER)), "the caller has spoken");
    let spoken = kept(&world).len();
    world.run_for(secs(20));
    world.tell(characters(1));
    world.run_until(secs(61));
    world.tell(characters(1));
    assert!(kept(&world).last() >= Some(&(2 * MINUTE + 51 * CHARACTER)), "a minute has begun");
    assert!(kept(&world).len() <= spoken + 2, "{:?}", kept(&world));
    world.hang_up();
    assert_eq!(bill(&world).total.0, 2 * MINUTE + 52 * CHARACTER);
}

#[test]
fn a_model_without_a_price_is_told_of_once() {
    let mut world = World::started(&plan(Budget::default()));
    world.past_greeting();
    let usage = Usage { text_out: 5, ..Usage::default() };
    for _ in 0..2 {
        world.tell(Input::Used(Used {
            session: 0,
            part: Part::Model,
            index: 0,
            cheaper: false,
            amount: Amount::Tokens(usage),
            estimated: false,
        }));
    }
    world.hang_up();
    let told = |o: &Output| matches!(o, Output::Money(Money::Unpriced { service, kind: Kind::TextOut }) if service.model == "model");
    assert_eq!(world.count(told), 1);
    assert!(bill(&world).unpriced);
}

#[test]
fn what_a_response_took_that_never_ended_is_guessed() {
    let mut world = World::started(&plan(Budget::default()));
    world.past_greeting();
    world.caller_speaks(ms(500), "what do you do?");
    world.run_until_sent(1);
    world.run_for(ms(200));
    world.hang_up();
    let bill = bill(&world);
    let quantity = |kind: Kind| {
        let line = bill.lines.iter().find(|line| line.kind == kind);
        line.map_or(0, |line| line.quantity)
    };
    assert!(bill.estimated, "{bill:?}");
    assert_eq!(quantity(Kind::AudioOut), world.received[&1].div_ceil(400));
    assert_eq!(quantity(Kind::TextIn), 6, "twenty-one characters of instructions");
}

#[test]
fn without_prices_nothing_is_reckoned() {
    let mut world = World::started(&Plan { budget: budget(1, 1), ..Plan::default() });
    world.past_greeting();
    world.tell(characters(1_000));
    world.run_for(secs(2));
    world.hang_up();
    assert_eq!(world.count(|o| matches!(o, Output::Money(_))), 0);
}

#[test]
fn a_call_that_spent_its_budget_goes_to_the_human() {
    let mut world = World::started(&plan(budget(100, 0)));
    world.past_greeting();
    world.tell(characters(69));
    assert_eq!(steps(&world), [], "79 of 100 with the first minute");
    world.tell(characters(1));
    assert_eq!(steps(&world), [Step::Warn]);
    world.tell(characters(20));
    world.run_for(secs(3));
    assert_eq!(steps(&world), [Step::Warn, Step::Downgrade, Step::Human]);
    assert_eq!(world.disposition(), Some(Disposition::Transfer));
    assert_eq!(world.ended().outcome, Outcome::Transferred);
    assert_eq!(world.reason(), Some("budget"));
    assert_eq!(world.events("budget"), 3);
}

#[test]
fn where_there_is_no_human_a_call_that_spent_its_budget_says_goodbye() {
    let mut world = World::started(&Plan { human: false, ..plan(budget(100, 0)) });
    world.past_greeting();
    world.tell(characters(90));
    assert!(world.phases().contains(&PhaseName::Goodbye));
    world.run_for(secs(15));
    assert!(world.asked_to_say("our time is over"));
    assert_eq!(world.disposition(), Some(Disposition::HangUp));
    assert_eq!((world.ended().outcome, world.reason()), (Outcome::Timeout, Some("budget")));
}

#[test]
fn what_others_spend_counts_for_the_day_alone() {
    let mut world = World::started(&plan(budget(0, 100)));
    world.past_greeting();
    world.tell(Input::OthersSpent(Nanos(80 * CHARACTER)));
    assert_eq!(steps(&world), [Step::Warn, Step::Downgrade]);
    world.tell(Input::OthersSpent(Nanos(89 * CHARACTER)));
    assert_eq!(world.disposition(), None);
    world.tell(characters(1));
    world.run_for(secs(3));
    assert_eq!(world.reason(), Some("budget"));
    assert_eq!(bill(&world).total.0, 11 * CHARACTER, "its own bill is its own");
}

#[test]
fn a_speech_model_is_exchanged_for_the_cheaper_one_at_a_quiet_moment() {
    let mut world = World::started(&plan(budget(100, 0)));
    world.past_greeting();
    let dials = world.dialled().len();
    world.caller_speaks(ms(500), "are you there?");
    world.run_for(ms(300));
    world.tell(characters(80));
    assert_eq!(steps(&world), [Step::Warn, Step::Downgrade]);
    assert_eq!(world.count(|o| matches!(o, Output::Money(Money::Economise))), 1);
    world.run_for(secs(8));
    assert_eq!(world.dialled().len(), dials + 1);
    assert_eq!(world.events("session_recycled"), 1);
    let wanted = world.when(|o| matches!(o, Output::Money(Money::Economise)));
    assert!(wanted < world.event_at("session_recycled"), "first it is wanted, then it is done");
    assert_eq!(world.phone.played(1), world.received[&1], "the answer was heard whole");
}

#[test]
fn what_ends_no_call_is_known_until_the_goodbye() {
    let mut world = World::started(&plan(Budget::default()));
    world.run_for(secs(3));
    let text = || Personal::new("Hm.");
    let item = ItemId::parse("item_1").unwrap();
    let harmless = [
        Input::TurnEnded { utterances: 1 },
        Input::Model(ModelEvent::CallerPartial { item: item.clone(), text: text() }),
        Input::Model(ModelEvent::AgentText { item, text: text(), audio_bytes: 0 }),
    ];
    let endings = [
        Input::StreamStopped,
        Input::Command(Command::Expire),
        Input::Model(ModelEvent::Lost { reason: "gone".to_owned(), retry: false }),
        Input::Digit('0'),
        Input::TurnLikelyOver,
    ];
    assert_eq!(world.call.phase(), PhaseName::Conversation);
    assert!(!world.call.may_end_by(None), "before a goodbye no audio that was played ends it");
    assert!(harmless.iter().all(|input| !world.call.may_end_by(Some(input))));
    assert!(endings.iter().all(|input| world.call.may_end_by(Some(input))));
    world.tell(Input::Command(Command::Hangup));
    assert_eq!(world.call.phase(), PhaseName::Goodbye);
    let all = harmless.iter().chain(&endings);
    assert!(all.map(Some).chain([None]).all(|next| world.call.may_end_by(next)));
}
