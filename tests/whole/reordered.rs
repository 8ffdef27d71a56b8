//! Everything that the carrier tells of a call comes ten times and in any order:
//! one session, one slot, one final state.

use futures_util::StreamExt as _;
use futures_util::stream;
use trunkline_simulator::carrier::Verb;

use crate::support::{Dice, RawStream, Webhook, World, event, kinds, new_call, scaled, seed};

/// Each webhook comes so many times.
const TIMES: usize = 10;
/// Under way at once.
const AT_ONCE: usize = 4;

fn status(call: &str, status: &str) -> Webhook {
    Webhook::new("/twilio/status", call).with("CallStatus", status)
}

/// While a call goes on.
fn live(call: &str) -> Vec<Webhook> {
    vec![
        Webhook::new("/twilio/voice", call),
        status(call, "initiated"),
        status(call, "ringing"),
        status(call, "in-progress"),
        Webhook::new("/twilio/amd", call).with("AnsweredBy", "human"),
    ]
}

/// And at its end.
fn all(call: &str) -> Vec<Webhook> {
    let asks = Webhook::new("/twilio/connect-action", call).with("CallStatus", "completed");
    live(call).into_iter().chain([status(call, "completed"), asks]).collect()
}

fn tenfold(mut webhooks: Vec<Webhook>, dice: &mut Dice) -> Vec<Webhook> {
    let times = webhooks.len() * TIMES;
    webhooks = webhooks.into_iter().cycle().take(times).collect();
    dice.shuffle(&mut webhooks);
    webhooks
}

async fn send(world: &World, webhooks: Vec<Webhook>) {
    let sent = stream::iter(&webhooks).map(|webhook| async {
        let answer = webhook.send(&world.server).await;
        assert!(answer.status < 300, "{} {}", answer.status, answer.text);
    });
    let mut sent = sent.buffer_unordered(AT_ONCE);
    while sent.next().await.is_some() {}
}

#[actix_rt::test]
async fn a_call_without_a_stream_has_one_slot_and_one_end() {
    let mut dice = Dice::new(seed());
    let rounds = scaled(3, 30);
    let world = World::start().await;
    for round in 0..rounds {
        let call = new_call();
        let mut webhooks = tenfold(all(&call), &mut dice);
        // Nobody speaks of a call that has never rung.
        webhooks.insert(0, Webhook::new("/twilio/voice", &call));
        for webhook in webhooks {
            let answer = webhook.send(&world.server).await;
            assert!(answer.status < 300, "{} {}", answer.status, answer.text);
            let held = world.metrics().await.sum("trunkline_slots_held");
            assert!(held <= 1.0, "{held} slots in round {round}");
        }
        // It is over, and nobody has to wait for its reservation to lapse.
        world.slots(0.0).await;
        let before = world.server.row(&call, |row| row.ended_at.is_some()).await;
        send(&world, tenfold(all(&call), &mut dice)).await;
        let late = world.rings(&call).await;
        assert!(!matches!(late.verbs().as_slice(), [Verb::Stream(_)]), "round {round}: {late:?}");
        world.assert_idle().await;
        let after = world.server.row(&call, |_| true).await;
        assert_eq!((after.outcome, after.ended_at), (before.outcome, before.ended_at));
    }
    assert_eq!(world.server.rows(), rounds);
    world.assert_not_dialled();
    eprintln!("FIGURES {rounds} calls without a stream, {TIMES} of each webhook, seed {}", seed());
}

#[actix_rt::test]
async fn a_live_call_has_one_session_one_slot_and_one_end() {
    let mut dice = Dice::new(seed() + 1);
    let rounds = scaled(2, 20);
    let world = World::start().await;
    for round in 0..rounds {
        let (call, token) = world.reserved().await;
        let mut stream = RawStream::open(&world.server).await;
        stream.start(&call, None, Some(&token)).await;
        stream.first_media().await;
        send(&world, tenfold(live(&call), &mut dice)).await;
        assert!(world.is_live(&call).await, "it goes on");
        assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 1.0);
        assert_eq!(world.sessions().len(), round + 1, "one session");
        send(&world, tenfold(all(&call), &mut dice)).await;
        drop(stream);
        let stored = world.stored(&call).await;
        send(&world, tenfold(all(&call), &mut dice)).await;
        world.assert_idle().await;
        let after = world.stored(&call).await;
        for part in ["outcome", "ended_at", "duration_ms", "handoff", "mode", "error"] {
            assert_eq!(after["call"][part], stored["call"][part], "{part} in round {round}");
        }
        assert_eq!(after["call"]["status"], "completed", "{after:#}");
        event(&after, "call_ended");
        for once in ["call_started", "call_ended"] {
            let times = kinds(&after).iter().filter(|kind| *kind == once).count();
            assert_eq!(times, 1, "{once}: {:?}", kinds(&after));
        }
    }
    assert_eq!(world.server.rows(), rounds);
    eprintln!("FIGURES {rounds} live calls, {TIMES} of each webhook, seed {}", seed() + 1);
}
