//! Frames without end and frames without measure. A frame too long and a message
//! in fragments are refused in `bad_streams`; here are lengths that lie, and
//! messages that are small and too many.

use std::time::Duration;

use crate::support::{GOODBYE, HUMAN, RawConnection, RawStream, World};

const PATIENCE: Duration = Duration::from_secs(30);

/// The head of a masked text frame that claims to be so long.
fn claims(length: u64) -> Vec<u8> {
    let mut head = vec![0x81, 0x80 | 127];
    head.extend_from_slice(&length.to_be_bytes());
    head.extend_from_slice(&[0; 4]);
    head
}

#[actix_rt::test]
async fn a_frame_that_claims_to_be_endless_is_refused_at_its_head() {
    let world = World::start().await;
    let before = world.server.memory_kib();
    for length in [70_000, 1 << 31, 1 << 40, (1 << 63) - 1, 1 << 63, u64::MAX] {
        let mut stream = RawConnection::stream(&world.server).await;
        stream.send(&claims(length));
        let (said, _) = stream.until_closed(None).await;
        assert!(said.contains("oversize"), "{length}: {said:?}");
    }
    let grown = world.server.memory_kib().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB more than before");
    let refused = [("reason", "oversize")];
    assert_eq!(world.metrics().await.with("trunkline_streams_refused_total", &refused), 6.0);
    world.assert_not_dialled();
    world.assert_idle().await;
}

#[actix_rt::test]
async fn before_its_start_a_stream_has_little_to_say() {
    let world = World::start().await;
    let mut pings = RawStream::open(&world.server).await;
    while pings.ping().await {}
    assert_eq!(pings.closed(PATIENCE).await, (1008, "flood".to_owned()));
    let mut greetings = RawStream::open(&world.server).await;
    while greetings.try_send(r#"{"event":"connected","protocol":"Call"}"#).await {}
    assert_eq!(greetings.closed(PATIENCE).await, (1008, "flood".to_owned()));
    let refused = [("reason", "flood")];
    assert_eq!(world.metrics().await.with("trunkline_streams_refused_total", &refused), 2.0);
    world.assert_not_dialled();
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_live_stream_that_floods_is_closed_and_its_neighbour_notices_nothing() {
    let world = World::start().await;
    let neighbour = world.ongoing(GOODBYE).await;
    for tiny in [r#"{"event":"x"}"#, "ping"] {
        let (call, mut stream) = world.live_by_hand().await;
        let sent = async {
            for sent in 0_u32.. {
                assert!(sent < 5_000_000, "{tiny} may be sent for ever");
                let taken = match tiny {
                    "ping" => stream.ping().await,
                    text => stream.try_send(text).await,
                };
                if !taken {
                    break;
                }
                if sent.is_multiple_of(64) {
                    tokio::task::yield_now().await;
                }
            }
        };
        tokio::time::timeout(PATIENCE, sent).await.expect("the stream is closed");
        let (said, number) = world.what_next(&call).await.dialled();
        assert_eq!((said.as_str(), number.as_str()), ("Connecting you to an agent now.", HUMAN));
        let stored = world.stored(&call).await;
        assert_eq!(stored["call"]["mode"], "bridge", "{stored:#}");
    }
    let lost = [("reason", "flood")];
    assert_eq!(world.metrics().await.with("trunkline_streams_lost_total", &lost), 2.0);
    let report = neighbour.report().await;
    assert_eq!(report.failure(), None, "{report:?}");
    world.assert_undisturbed(&report).await;
    world.assert_idle().await;
}
