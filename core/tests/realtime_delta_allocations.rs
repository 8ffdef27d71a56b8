//! Audio is 95 in 100 of the model's messages: reading it allocates nothing,
//! and neither does sending the caller's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::hint::black_box;

use allocation_counter::measure;
use trunkline_core::wire::realtime::{ServerEvent, parse, write_append};

fn allocations(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1_u64)))), 1);
    let event = r#"{"type":"response.created","response":{"id":"resp_A"}}"#;
    assert!(allocations(|| drop(black_box(parse(event)))) > 0);
}

#[test]
fn reading_an_audio_delta_allocates_nothing() {
    let audio = "f39/".repeat(1_067);
    for kind in ["response.output_audio.delta", "response.audio.delta"] {
        let text = format!(
            r#"{{"type":"{kind}","event_id":"event_Bx","response_id":"resp_Bx","item_id":"item_Bx","output_index":0,"content_index":0,"delta":"{audio}","obfuscation":"x"}}"#
        );
        let mut event = None;
        let count = allocations(|| event = Some(parse(&text)));
        let Some(Ok(ServerEvent::AudioDelta(delta))) = event else { panic!("another event") };
        assert_eq!(delta.delta, audio);
        assert_eq!(count, 0);
    }
}

#[test]
fn sending_a_frame_allocates_nothing_once_the_buffer_has_grown() {
    let payload = "f39/".repeat(54);
    let mut out = String::with_capacity(512);
    let mut result = Ok(());
    let count = allocations(|| result = write_append(&mut out, &payload));
    result.unwrap();
    assert_eq!(count, 0);
}
