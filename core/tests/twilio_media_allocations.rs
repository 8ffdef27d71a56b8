//! A frame of the caller's audio is read, and one of the agent's written, without
//! touching the heap.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use allocation_counter::measure;
use trunkline_core::ids::StreamSid;
use trunkline_core::wire::twilio::stream::{StreamMessage, parse, write_media};

fn allocations(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}

#[test]
fn a_media_frame_allocates_nothing() {
    let payload = "/38A".repeat(54);
    let text = format!(
        r#"{{"event":"media","sequenceNumber":"4","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0","media":{{"track":"inbound","chunk":"2","timestamp":"5","payload":"{payload}"}}}}"#
    );
    let reversed = format!(
        r#"{{"media":{{"payload":"{payload}","timestamp":5,"chunk":2,"track":"inbound"}},"streamSid":"MZ1","sequenceNumber":4,"event":"media"}}"#
    );
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![0_u8; 9]))), 1, "the counter works");
    for text in [&text, &reversed] {
        let count = allocations(|| {
            let Ok(StreamMessage::Media(media)) = parse(text) else { panic!("no media") };
            assert_eq!(media.payload.len(), payload.len());
        });
        assert_eq!(count, 0, "{text}");
    }

    let sid = StreamSid::parse("MZ18ad3ab5a668481ce02b83e7395059f0").unwrap();
    let mut out = String::new();
    write_media(&mut out, &sid, &payload);
    out.clear();
    assert_eq!(allocations(|| write_media(&mut out, &sid, &payload)), 0);
}
