//! How many calls there may be at once, and what the next one hears.

use trunkline_simulator::carrier::Verb;

use crate::support::{Answer, HUMAN, Webhook, World, new_call};

const BUSY: &str = "All lines are busy right now. Please try again in a few minutes. Goodbye.";
const BRANCH: &str = "+15550170002";

fn branch(more: &str) -> String {
    format!(
        "company = \"Branch\"\nnumbers = [\"{BRANCH}\"]\npersona = \"shop\"\nhuman_number = \"+15550170098\"\n{more}"
    )
}

async fn rings_at_branch(world: &World) -> Answer {
    Webhook::new("/twilio/voice", &new_call()).with("To", BRANCH).send(&world.server).await
}

fn is_stream(answer: &Answer) -> bool {
    matches!(answer.verbs().as_slice(), [Verb::Stream(_)])
}

#[actix_rt::test]
async fn the_sixth_call_of_five_hears_that_all_lines_are_busy() {
    let world = World::plan().tenant("branch", &branch("")).start().await;
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(world.reserved().await.0);
    }
    let sixth = new_call();
    assert_eq!(world.rings(&sixth).await.last_words(), BUSY);
    let row = world.server.row(&sixth, |row| row.ended_at.is_some()).await;
    assert_eq!(row.outcome.map(|o| o.as_str()), Some("refused"));
    assert_eq!(row.error.as_deref(), Some("concurrency_limit"));
    let labels = [("tenant", "shop"), ("reason", "concurrency_limit")];
    assert_eq!(world.metrics().await.with("trunkline_calls_refused_total", &labels), 1.0);
    let stored = world.stored(&sixth).await;
    assert_eq!(
        crate::support::event(&stored, "call_refused")["data"]["reason"],
        "concurrency_limit"
    );

    // Another tenant's lines are its own.
    assert!(is_stream(&rings_at_branch(&world).await));
    let metrics = world.metrics().await;
    assert_eq!(metrics.with("trunkline_slots_held", &[("tenant", "shop")]), 5.0);
    assert_eq!(metrics.with("trunkline_slots_held", &[("tenant", "branch")]), 1.0);

    // One hangs up, one more gets in.
    world.status(&calls[0], "completed").await;
    world.slots(5.0).await;
    assert!(is_stream(&world.rings(&new_call()).await));
    assert_eq!(world.rings(&new_call()).await.last_words(), BUSY);
}

#[actix_rt::test]
async fn the_call_over_the_cap_goes_to_a_human_where_the_tenant_says_so() {
    let world =
        World::plan().shop("[limits]\nconcurrent_calls = 1\nover_cap = \"human\"").start().await;
    world.reserved().await;
    let over = new_call();
    let (said, number) = world.rings(&over).await.dialled();
    assert_eq!((said.as_str(), number.as_str()), ("Connecting you to an agent now.", HUMAN));
    let row = world.server.row(&over, |row| row.ended_at.is_some()).await;
    assert_eq!(row.mode.as_str(), "bridge");
    assert_eq!(row.handoff_reason.as_deref(), Some("concurrency_limit"));
    assert_eq!(row.outcome.map(|o| o.as_str()), Some("transferred"));
}

#[actix_rt::test]
async fn a_cap_of_none_is_none() {
    let world = World::plan().shop("[limits]\nconcurrent_calls = 0").start().await;
    for _ in 0..30 {
        world.reserved().await;
    }
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 30.0);
}

#[actix_rt::test]
async fn the_default_cap_holds_where_a_tenant_sets_none() {
    let plan = World::plan().env("VOICE_CONCURRENT_CALLS_PER_TENANT", 1);
    let world = plan.tenant("branch", &branch("[limits]\nconcurrent_calls = 2")).start().await;
    world.reserved().await;
    assert_eq!(world.rings(&new_call()).await.last_words(), BUSY);
    assert!(is_stream(&rings_at_branch(&world).await));
    assert!(is_stream(&rings_at_branch(&world).await));
    assert_eq!(rings_at_branch(&world).await.last_words(), BUSY);
}

#[actix_rt::test]
async fn the_process_has_a_cap_of_its_own() {
    let plan = World::plan().env("VOICE_MAX_CALLS", 2).tenant("branch", &branch(""));
    let world = plan.start().await;
    let (first, _) = world.reserved().await;
    assert!(is_stream(&rings_at_branch(&world).await));
    assert_eq!(rings_at_branch(&world).await.last_words(), BUSY);
    assert_eq!(world.rings(&new_call()).await.last_words(), BUSY);
    let reason = [("reason", "process_limit")];
    assert_eq!(world.metrics().await.with("trunkline_calls_refused_total", &reason), 2.0);
    world.status(&first, "completed").await;
    world.slots(1.0).await;
    assert!(is_stream(&rings_at_branch(&world).await));
}

#[actix_rt::test]
async fn live_calls_hold_their_slots_to_the_end_and_give_them_back() {
    let world = World::plan().shop("[limits]\nconcurrent_calls = 2").start().await;
    let (first, stream) = world.live_by_hand().await;
    let (second, other) = world.live_by_hand().await;
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 2.0);
    let third = world.place("wait 1s").await;
    assert_eq!(third.said, [BUSY], "{third:?}");
    assert!(third.streams.is_empty());

    stream.hang_up(&first).await;
    world.slots(1.0).await;
    let fourth = world.place("wait greeting\nhangup").await;
    assert_eq!(fourth.streams.len(), 1, "{fourth:?}");
    other.hang_up(&second).await;
    world.assert_idle().await;
    let labels = [("tenant", "shop"), ("reason", "concurrency_limit")];
    assert_eq!(world.metrics().await.with("trunkline_calls_refused_total", &labels), 1.0);
}
