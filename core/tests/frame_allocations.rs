//! A frame costs the copies of its own audio and nothing else: one each way for
//! the message that goes out, and one more for agent audio, which may have to
//! wait.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use allocation_counter::{AllocationInfo, measure};
use trunkline_core::ids::{ResponseId, StreamSid};
use trunkline_core::media::{Downlink, Uplink};
use trunkline_core::time::Micros;
use trunkline_core::wire::realtime::{self, ServerEvent};
use trunkline_core::wire::twilio::stream::{StreamMessage, parse};

const STREAM: &str = "MZ18ad3ab5a668481ce02b83e7395059f0";
const FRAME: Micros = Micros::from_millis(20);

/// Frames that are counted together, so that what happens now and then (a mark
/// after every sixth) is counted too.
const FRAMES: u64 = 60;
const WARM_UP: u64 = 3 * FRAMES;

fn per_frames(mut frame: impl FnMut()) -> AllocationInfo {
    // The queues have grown to their size by then: one keeps the last 1.5 s.
    (0..WARM_UP).for_each(|_| frame());
    measure(|| (0..FRAMES).for_each(|_| frame()))
}

#[test]
fn a_frame_up_is_copied_once() {
    let payload = "/38A".repeat(54);
    let text = format!(
        r#"{{"event":"media","sequenceNumber":"4","media":{{"track":"inbound","chunk":"2","timestamp":"5","payload":"{payload}"}},"streamSid":"{STREAM}"}}"#
    );
    let mut uplink = Uplink::default();
    uplink.set_open(true);
    let cost = per_frames(|| {
        let Ok(StreamMessage::Media(media)) = parse(&text) else { panic!("no media") };
        assert!(uplink.push(&media.payload));
        let message = uplink.pop().unwrap();
        assert!(message.contains(payload.as_str()));
        assert!(uplink.pop().is_none());
    });
    assert_eq!(cost.count_total, FRAMES);
    assert!(cost.bytes_total < FRAMES * 300, "{}", cost.bytes_total);
    assert_eq!(cost.count_current, 0, "nothing is kept");
}

#[test]
fn a_frame_down_is_copied_twice_and_every_sixth_is_followed_by_a_mark() {
    let payload = "/38A".repeat(54);
    let text = format!(
        r#"{{"type":"response.output_audio.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"{payload}"}}"#
    );
    let mut downlink = Downlink::new(StreamSid::parse(STREAM).unwrap());
    downlink.admit(&ResponseId::parse("resp_1").unwrap());
    let (mut now, mut media, mut marks) = (Micros::ZERO, 0_u64, Vec::with_capacity(4));
    let cost = per_frames(|| {
        now = now + FRAME;
        let Ok(ServerEvent::AudioDelta(delta)) = realtime::parse(&text) else { panic!("no audio") };
        downlink.push(&delta.response_id, &delta.item_id, &delta.delta);
        downlink.poll_write(now, |message| {
            if message.contains(payload.as_str()) {
                media += 1;
            } else {
                marks.push(message);
            }
        });
        // The carrier gives a mark back, and the call is told of it.
        if let Some(mark) = marks.pop() {
            let name = mark.rsplit('"').nth(1).unwrap();
            downlink.on_mark(name);
            drop(downlink.take_notices());
        }
    });
    assert_eq!(media, WARM_UP + FRAMES);
    assert!(
        cost.count_total <= 2 * FRAMES + MARK * FRAMES / 6,
        "{} allocations for {FRAMES} frames",
        cost.count_total
    );
    assert!(cost.bytes_total < FRAMES * 700, "{}", cost.bytes_total);
}

/// What a mark costs: its name, the text that asks for it, the list of notices,
/// and room in them.
const MARK: u64 = 5;
