//! The other end is gone and nobody says so: its machine has lost its power, a
//! router has forgotten the connection, the process stands still. It is found out
//! within fifteen seconds, on either side, and everything is freed.

use std::time::{Duration, Instant};

use trunkline_simulator::carrier::EventKind;

use crate::support::{
    BareStream, NetworkOfItsOwn, SilentProxy, World, assert_human, scaled, wait_for,
};

/// In which a dead peer is found and nothing is left of its call.
const PATIENCE: Duration = Duration::from_secs(15);
/// What a busy machine may add in the suite.
const BUSY: Duration = Duration::from_secs(30);

/// How long it took from `cut` until nothing was left of any call.
async fn freed(world: &World, cut: Instant, whose: &str) {
    let allowed = PATIENCE + scaled(BUSY, Duration::ZERO);
    loop {
        let left = world.server.leftovers();
        if left.is_empty() {
            break;
        }
        assert!(cut.elapsed() <= allowed, "{whose}: {left:?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let took = cut.elapsed();
    eprintln!("FIGURES {whose}: freed after {:.1} s", took.as_secs_f64());
    assert!(took <= allowed, "{whose}: {took:?}");
}

#[actix_rt::test]
async fn a_carrier_that_falls_silent_is_found() {
    let world = World::start().await;
    let proxy = SilentProxy::before(world.server.port()).await;
    let (call, token) = world.reserved().await;
    let mut stream = BareStream::begin(proxy.port(), &call, &token).await;
    stream.talk_for(Duration::from_secs(1)).await;
    assert!(world.is_live(&call).await);
    proxy.fall_silent();
    let cut = Instant::now();
    stream.talk_for(Duration::from_millis(200)).await;
    // The relay's own connection to the server goes with it once the call is gone.
    wait_for("the call to be over", async || (!world.is_live(&call).await).then_some(())).await;
    let found = cut.elapsed();
    eprintln!("FIGURES carrier silent: found after {:.1} s", found.as_secs_f64());
    assert!(found <= PATIENCE + scaled(BUSY, Duration::ZERO), "{found:?}");
    world.stored(&call).await;
    drop(stream);
    drop(proxy);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_carrier_that_no_longer_reads_is_found() {
    // An agent that never stops talking.
    let world = World::plan().knobs(|knobs| knobs.echo = true).start().await;
    let (call, token) = world.reserved().await;
    let mut stream = BareStream::begin(world.server.port(), &call, &token).await;
    stream.talk_for(Duration::from_secs(2)).await;
    let cut = Instant::now();
    let talking = actix_rt::spawn(stream.talk_without_listening());
    freed(&world, cut, "carrier that does not read").await;
    talking.await.expect("the connection was broken from over there");
}

#[actix_rt::test]
async fn a_model_that_falls_silent_is_found_though_nobody_waits_for_it() {
    let proxy = SilentProxy::before(0).await;
    let url = format!("ws://127.0.0.1:{}/v1/realtime", proxy.port());
    let world = World::plan().env("OPENAI_REALTIME_URL", url).start().await;
    proxy.lead_to(world.providers.addr().port());
    world.learn_greeting().await;
    let mut call = world.ongoing("hold 120").await;
    call.until(EventKind::AgentSpeaks).await;
    call.until(EventKind::AgentQuiet).await;
    proxy.fall_silent();
    let cut = Instant::now();
    let report = call.report().await;
    assert_human(&report);
    freed(&world, cut, "model silent").await;
}

#[actix_rt::test]
async fn packets_to_and_from_the_carrier_are_dropped() {
    let network = match NetworkOfItsOwn::make() {
        Ok(network) => network,
        Err(reason) => return eprintln!("SKIP packets of the carrier: {reason}"),
    };
    let world = World::plan().env("BIND", "0.0.0.0").start().await;
    let url = format!("http://{}:{}", network.ours(), world.server.port());
    let carrier = network.runs_calls(&url, "hold 120");
    world.live(1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    network.drop_packets();
    freed(&world, Instant::now(), "packets of the carrier dropped").await;
    drop(carrier);
}

#[actix_rt::test]
async fn packets_to_and_from_the_model_are_dropped() {
    let network = match NetworkOfItsOwn::make() {
        Ok(network) => network,
        Err(reason) => return eprintln!("SKIP packets of the model: {reason}"),
    };
    let (model, url) = network.runs_model();
    let world = World::plan().env("OPENAI_REALTIME_URL", url).start().await;
    let mut call = world.ongoing("hold 120").await;
    call.until(EventKind::AgentSpeaks).await;
    call.until(EventKind::AgentQuiet).await;
    network.drop_packets();
    let cut = Instant::now();
    assert_human(&call.report().await);
    freed(&world, cut, "packets of the model dropped").await;
    drop(model);
}
