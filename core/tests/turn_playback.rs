//! The playback clock against a buffer that really plays.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use proptest::prelude::*;
use trunkline_core::ids::ItemId;
use trunkline_core::time::Micros;
use trunkline_core::turn::playback::{MARK_GRACE, PlaybackClock, mulaw_bytes, mulaw_time};

const fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

fn item(index: usize) -> ItemId {
    ItemId::parse(&format!("item_{index}")).unwrap()
}

/// One item sent in chunks of 100 ms, a mark after each, over a line with a delay.
struct Line {
    delay: Micros,
    clock: PlaybackClock,
    /// When each mark comes back, and what it says.
    marks: Vec<(Micros, u64)>,
}

impl Line {
    fn playing(delay_ms: u64, chunks: u64) -> Self {
        let (delay, mut clock) = (ms(delay_ms), PlaybackClock::default());
        let mut marks = Vec::new();
        for chunk in 1..=chunks {
            clock.sent(&item(0), (chunk - 1) * 800, 800, Micros::ZERO);
            marks.push((delay + ms(chunk * 100) + delay, chunk * 800));
        }
        Self { delay, clock, marks }
    }

    fn run_until(&mut self, now: Micros) {
        let due = self.marks.iter().filter(|(at, _)| *at <= now).copied().collect::<Vec<_>>();
        self.marks.retain(|(at, _)| *at > now);
        for (at, bytes) in due {
            self.clock.acknowledged(&item(0), bytes, at);
        }
    }
}

#[test]
fn a_clear_is_believed_at_what_the_far_buffer_will_have_played_when_it_gets_there() {
    for delay_ms in [0, 20, 60, 150, 300] {
        for cut_ms in [50, 333, 1_000, 1_850] {
            let mut line = Line::playing(delay_ms, 20);
            line.run_until(ms(cut_ms));
            let arrives_at = ms(cut_ms) + line.delay;
            let really = arrives_at.since(line.delay).as_millis();
            let cut = line.clock.cleared(ms(cut_ms));
            let believed =
                cut.first().map_or(2_000, trunkline_core::turn::playback::Heard::heard_ms);
            assert_eq!(believed, really, "{delay_ms} ms of line");
        }
    }
}

#[test]
fn without_a_clear_what_is_being_heard_lags_by_what_the_marks_show() {
    let mut line = Line::playing(100, 20);
    line.run_until(ms(1_000));
    let heard = line.clock.heard(&item(0), ms(1_000)).unwrap().heard_ms();
    assert_eq!(heard, 800, "there and back is 200 ms");
    assert!(line.clock.is_playing(ms(2_100)), "the last words are on their way");
    assert!(!line.clock.all_heard(ms(2_199)));
    line.run_until(ms(2_200));
    assert!(line.clock.all_heard(ms(2_200)));
}

proptest! {
    #[test]
    fn no_story_makes_it_say_more_than_was_sent_or_take_back_what_was_heard(
        story in prop::collection::vec((0_u8..4, 0_usize..4, 0_u64..20_000, 0_u64..700), 0..80)
    ) {
        let mut clock = PlaybackClock::default();
        let mut sent = [0_u64; 4];
        let mut now = Micros::ZERO;
        for (what, index, bytes, wait) in story {
            now = now + ms(wait);
            match what {
                0 | 1 => {
                    clock.sent(&item(index), sent[index], bytes % 3_000, now);
                    sent[index] += bytes % 3_000;
                }
                2 => clock.acknowledged(&item(index), bytes, now),
                _ => {
                    for cut in clock.cleared(now) {
                        prop_assert!(cut.heard_bytes < cut.sent_bytes);
                    }
                    prop_assert!(clock.cleared(now).is_empty());
                    prop_assert!(!clock.is_playing(now) && clock.all_heard(now));
                }
            }
            for (index, sent) in sent.iter().enumerate() {
                let Some(heard) = clock.heard(&item(index), now) else { continue };
                prop_assert!(heard.heard_bytes <= heard.sent_bytes && heard.sent_bytes <= *sent);
                let later = clock.heard(&item(index), now + ms(5)).unwrap();
                prop_assert!(later.heard_bytes >= heard.heard_bytes);
            }
            prop_assert!(clock.all_heard(clock.ends_at() + MARK_GRACE));
        }
    }

    #[test]
    fn time_and_bytes_convert_both_ways(bytes in 0_u64..1 << 40) {
        prop_assert_eq!(mulaw_bytes(mulaw_time(bytes)), bytes);
    }
}
