//! Audio is transcoded without touching the heap once the buffers have their size.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use allocation_counter::measure;
use trunkline_core::audio::transcode::{Pcm24kToPcmu, PcmuToPcm24k};

fn allocations(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}

#[test]
fn a_transcoded_frame_allocates_nothing() {
    // 160 bytes of μ-law, and 20 ms of linear audio, cut in the middle of a sample.
    let (narrow, wide) = (format!("{}/w==", "/38A".repeat(53)), "AAEC".repeat(319));
    let mut up = PcmuToPcm24k::new().unwrap();
    let mut down = Pcm24kToPcmu::new().unwrap();
    let mut out = String::new();
    let mut frame = || {
        out.clear();
        up.push(&narrow, &mut out).unwrap();
        out.clear();
        down.push(&wide, &mut out).unwrap();
    };
    assert!(allocations(&mut frame) > 0, "the counter works");
    frame();
    assert_eq!(allocations(|| (0..50).for_each(|_| frame())), 0);
}
