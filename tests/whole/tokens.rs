//! A stream's token: good once, for its own call and account, for a while. A
//! stream without one gets nothing beyond the reservation of its webhook.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::support::{CLOSED_BY_POLICY, RawStream, World, new_call};

const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a stream that shows `token`; the reason why it was closed.
async fn refusal(world: &World, call: &str, account: Option<&str>, token: Option<&str>) -> String {
    let mut stream = RawStream::open(&world.server).await;
    stream.start(call, account, token).await;
    let (code, reason) = stream.closed(PATIENCE).await;
    assert_eq!(code, CLOSED_BY_POLICY, "{reason}");
    reason
}

#[actix_rt::test]
async fn a_stream_without_a_good_token_gets_nothing_beyond_its_reservation() {
    let world = World::plan().env("RESERVATION_TTL_MS", 2_500).start().await;
    let (call, token) = world.reserved().await;
    let (_, of_another) = world.reserved().await;
    let stranger = "AC00000000000000000000000000000002";
    for (wanted, sid, account, shown) in [
        ("wrong_token", call.as_str(), None, None),
        ("wrong_token", &call, None, Some("")),
        ("wrong_token", &call, None, Some("made-up")),
        ("wrong_token", &call, None, Some(of_another.as_str())),
        ("wrong_account", &call, Some(stranger), Some(&token)),
        ("unknown_call", &new_call(), None, Some(&token)),
    ] {
        assert_eq!(refusal(&world, sid, account, shown).await, wanted);
    }
    // They cost no slot and freed none.
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 2.0);
    let refused = world.server.audited("stream_refused", 6).await;
    assert!(refused.iter().all(|event| event.call_sid.is_none()), "{refused:?}");
    let metrics = world.metrics().await;
    for (reason, times) in [("wrong_token", 4.0), ("wrong_account", 1.0), ("unknown_call", 1.0)] {
        let counted = metrics.with("trunkline_streams_refused_total", &[("reason", reason)]);
        assert_eq!(counted, times, "{reason}");
    }
    world.slots(0.0).await;
    world.assert_not_dialled();
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_token_is_good_once() {
    let world = World::start().await;
    let (call, token) = world.reserved().await;
    let mut first = RawStream::open(&world.server).await;
    first.start(&call, None, Some(&token)).await;
    crate::support::wait_for("the call", async || world.is_live(&call).await.then_some(())).await;

    assert_eq!(refusal(&world, &call, None, Some(&token)).await, "token_used");
    assert!(world.is_live(&call).await, "the first stream goes on");
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 1.0);
    first.hang_up(&call).await;
    world.assert_idle().await;
    assert_eq!(refusal(&world, &call, None, Some(&token)).await, "token_used");
    assert_eq!(world.sessions().len(), 1);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn two_streams_that_show_a_token_at_once_do_not_both_begin() {
    let world = World::start().await;
    let (call, token) = world.reserved().await;
    let mut streams = [RawStream::open(&world.server).await, RawStream::open(&world.server).await];
    for stream in &mut streams {
        stream.start(&call, None, Some(&token)).await;
    }
    let [first, second] = &mut streams;
    // One is closed, whichever it is; the other stays open.
    let closed = futures_util::future::select(
        Box::pin(first.closed(PATIENCE)),
        Box::pin(second.closed(PATIENCE)),
    );
    let ((code, reason), _) = closed.await.factor_first();
    assert_eq!((code, reason.as_str()), (CLOSED_BY_POLICY, "token_used"));
    assert!(world.is_live(&call).await);
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 1.0);
}

#[actix_rt::test]
async fn of_a_hundred_streams_that_show_a_token_at_once_one_begins() {
    const STREAMS: usize = 100;
    let world = World::start().await;
    let (call, token) = world.reserved().await;
    let opened = (0..STREAMS).map(|_| RawStream::open(&world.server));
    let mut streams = futures_util::future::join_all(opened).await;
    let shown = streams.iter_mut().map(|stream| stream.start(&call, None, Some(&token)));
    futures_util::future::join_all(shown).await;
    let closed: FuturesUnordered<_> =
        streams.iter_mut().map(|stream| stream.closed(Duration::from_secs(60))).collect();
    let refused: Vec<(u16, String)> = closed.take(STREAMS - 1).collect().await;
    let used = (CLOSED_BY_POLICY, "token_used".to_owned());
    assert!(refused.iter().all(|answer| *answer == used), "{refused:?}");
    assert!(world.is_live(&call).await);
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 1.0);
    eprintln!("FIGURES {STREAMS} streams showed one token, {} were refused", refused.len());
}

#[actix_rt::test]
async fn a_token_runs_out() {
    let plan = World::plan().env("RESERVATION_TTL_MS", 100).env("STREAM_TOKEN_TTL_MS", 200);
    let world = plan.start().await;
    let (call, token) = world.reserved().await;
    let row = world.server.row(&call, |row| row.ended_at.is_some()).await;
    assert_eq!(row.outcome.map(|o| o.as_str()), Some("abandoned"));
    assert_eq!(row.error.as_deref(), Some("no_stream"));
    let reason = refusal(&world, &call, None, Some(&token)).await;
    assert!(["token_expired", "unknown_call"].contains(&reason.as_str()), "{reason}");
    world.assert_not_dialled();
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_stream_that_comes_after_its_slot_was_given_back_takes_a_free_one() {
    let world = World::plan()
        .shop("[limits]\nconcurrent_calls = 1")
        .env("RESERVATION_TTL_MS", 300)
        .start()
        .await;
    let (late, late_token) = world.reserved().await;
    world.slots(0.0).await;
    let mut stream = RawStream::open(&world.server).await;
    stream.start(&late, None, Some(&late_token)).await;
    crate::support::wait_for("the call", async || world.is_live(&late).await.then_some(())).await;
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 1.0);
    stream.hang_up(&late).await;
    world.assert_idle().await;

    // With every slot taken there is none for it.
    let (later, later_token) = world.reserved().await;
    world.slots(0.0).await;
    let (_live, _stream) = world.live_by_hand().await;
    assert_eq!(refusal(&world, &later, None, Some(&later_token)).await, "no_slot");
}
