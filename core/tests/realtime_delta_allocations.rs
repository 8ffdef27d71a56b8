//! Audio is 95 in 100 of the model's messages: reading it allocates nothing,
//! and neither does sending the caller's.
#![allow(unsafe_code, reason = "counting allocations needs an allocator of our own")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use trunkline_core::wire::realtime::{ServerEvent, parse, write_append};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // Gone while the thread ends; what is allocated then is not of interest.
    COUNT.try_with(|count| count.set(count.get() + 1)).ok();
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the pointer came from `System` with this layout.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = COUNT.with(Cell::get);
    let result = work();
    (COUNT.with(Cell::get) - before, result)
}

#[test]
fn the_count_counts() {
    assert_eq!(allocations(|| Box::new(1_u64)).0, 1);
}

#[test]
fn reading_an_audio_delta_allocates_nothing() {
    let audio = "f39/".repeat(1_067);
    for kind in ["response.output_audio.delta", "response.audio.delta"] {
        let text = format!(
            r#"{{"type":"{kind}","event_id":"event_Bx","response_id":"resp_Bx","item_id":"item_Bx","output_index":0,"content_index":0,"delta":"{audio}","obfuscation":"x"}}"#
        );
        let (count, event) = allocations(|| parse(&text));
        let ServerEvent::AudioDelta(delta) = event.unwrap() else { panic!("another event") };
        assert_eq!(delta.delta, audio);
        assert_eq!(count, 0);
    }
}

#[test]
fn sending_a_frame_allocates_nothing_once_the_buffer_has_grown() {
    let payload = "f39/".repeat(54);
    let mut out = String::with_capacity(512);
    let (count, result) = allocations(|| write_append(&mut out, &payload));
    result.unwrap();
    assert_eq!(count, 0);
}
