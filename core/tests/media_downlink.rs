//! Agent audio on its way to the caller: order, lead, gate, marks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use trunkline_core::ids::{ItemId, ResponseId, StreamSid};
use trunkline_core::media::{Downlink, LEAD, MARK_SPACING_BYTES, Notice, Phrase, Pushed};
use trunkline_core::time::Micros;
use trunkline_core::turn::playback::{mulaw_bytes, mulaw_time};
use trunkline_core::wire::twilio::carrier::{Command, parse_command};

const fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

fn downlink() -> Downlink {
    Downlink::new(StreamSid::parse("MZ1").unwrap())
}

fn response(name: &str) -> ResponseId {
    ResponseId::parse(name).unwrap()
}

fn item(name: &str) -> ItemId {
    ItemId::parse(name).unwrap()
}

fn audio(byte: u8, bytes: usize) -> String {
    STANDARD.encode(vec![byte; bytes])
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Written {
    audio: Vec<u8>,
    marks: Vec<String>,
    clears: usize,
}

fn write(downlink: &mut Downlink, now: Micros) -> Written {
    let mut written = Written::default();
    downlink.poll_write(now, |text| match parse_command(&text).expect("the carrier reads it") {
        Command::Media { stream_sid, payload } => {
            assert_eq!(stream_sid, "MZ1");
            written.audio.extend(STANDARD.decode(payload.as_bytes()).unwrap());
        }
        Command::Mark { name, .. } => written.marks.push(name.into_owned()),
        Command::Clear { .. } => written.clears += 1,
    });
    written
}

#[test]
fn only_about_a_second_goes_ahead_of_the_ear_and_the_line_never_runs_dry() {
    let mut downlink = downlink();
    downlink.admit(&response("r"));
    downlink.push("r", "i", &audio(1, 80_000));
    downlink.finish("i");
    let mut sent = 0;
    let mut wakes = 0;
    let mut now = Micros::ZERO;
    loop {
        sent += write(&mut downlink, now).audio.len() as u64;
        let ahead = mulaw_time(sent.saturating_sub(mulaw_bytes(now)));
        assert!(ahead <= LEAD + ms(120), "{ahead:?} ahead");
        let Some(next) = downlink.next_write() else {
            break;
        };
        assert!(next < mulaw_time(sent), "the line would be silent before {next:?}");
        assert!(next > now, "waking without getting on");
        now = next;
        wakes += 1;
    }
    assert_eq!(sent, 80_000);
    assert!(wakes <= 80, "ten seconds of speech took {wakes} wake-ups");
}

#[test]
fn audio_waits_for_the_calls_ruling() {
    let mut downlink = downlink();
    assert_eq!(downlink.push("r", "i", &audio(1, 100)), Pushed::Queued);
    assert_eq!(write(&mut downlink, ms(0)), Written::default());
    assert_eq!(downlink.next_write(), None, "nothing to wake for");
    downlink.admit(&response("r"));
    assert_eq!(write(&mut downlink, ms(5)).audio.len(), 100);
    assert_eq!(
        downlink.take_notices(),
        [Notice::Sent { item: item("i"), from: 0, bytes: 100, at: ms(5) }],
        "more may come: it is not delivered"
    );
}

#[test]
fn a_rejected_response_is_silent_whenever_its_audio_comes() {
    let mut downlink = downlink();
    downlink.push("r", "i", &audio(1, 100));
    downlink.reject(&response("r"));
    assert_eq!(downlink.push("r", "i", &audio(1, 100)), Pushed::Unwanted);
    assert_eq!(downlink.push("r", "other", &audio(1, 100)), Pushed::Unwanted);
    assert_eq!(write(&mut downlink, ms(0)), Written::default());
    assert!(!downlink.has_audio());
    assert_eq!(downlink.stale(), (2, 0));
}

#[test]
fn items_are_heard_in_the_order_of_their_first_audio_each_to_its_end() {
    let mut downlink = downlink();
    downlink.admit(&response("r"));
    downlink.admit(&response("s"));
    downlink.push("r", "first", &audio(1, 80));
    downlink.push("s", "second", &audio(2, 80));
    downlink.push("r", "first", &audio(1, 80));
    assert_eq!(write(&mut downlink, ms(0)).audio, vec![1; 160], "the first is not over");
    downlink.finish("first");
    assert_eq!(write(&mut downlink, ms(1)).audio, vec![2; 80]);
    downlink.finish_response("s");
    let marks = write(&mut downlink, ms(2)).marks;
    assert_eq!(marks.len(), 1);
    assert!(downlink.take_notices().contains(&Notice::Delivered { item: item("second") }));
}

#[test]
fn an_interruption_drops_what_was_let_through_and_keeps_what_is_held() {
    let mut downlink = downlink();
    downlink.admit(&response("old"));
    downlink.push("old", "i", &audio(1, 30_000));
    downlink.push("new", "j", &audio(2, 160));
    write(&mut downlink, ms(0));
    downlink.interrupt(1, true, ms(100));
    assert_eq!(write(&mut downlink, ms(100)), Written { clears: 1, ..Written::default() });
    assert_eq!(downlink.push("old", "i", &audio(1, 160)), Pushed::Unwanted);
    downlink.admit(&response("new"));
    assert_eq!(write(&mut downlink, ms(110)).audio, vec![2; 160]);
    assert_eq!(write(&mut downlink, ms(120)).clears, 0, "cleared once");
}

#[test]
fn a_kept_phrase_is_dropped_by_an_interruption_as_well() {
    let mut downlink = downlink();
    downlink.play(&item("greeting"), &Phrase::from_mulaw(&[7; 20_000]));
    assert!(write(&mut downlink, ms(0)).audio.len() >= 8_000);
    downlink.interrupt(1, true, ms(100));
    assert_eq!(write(&mut downlink, secs(9)), Written { clears: 1, ..Written::default() });
}

const fn secs(s: u64) -> Micros {
    Micros::from_secs(s)
}

#[test]
fn marks_come_back_as_what_was_heard_and_after_an_interruption_as_nothing() {
    let mut downlink = downlink();
    downlink.admit(&response("r"));
    downlink.push("r", "i", &audio(1, 4_000));
    downlink.finish("i");
    let marks = write(&mut downlink, ms(0)).marks;
    assert!(marks.len() >= 4_000 / 1_600, "a mark every 200 ms at least: {marks:?}");
    downlink.take_notices();
    downlink.on_mark(&marks[1]);
    let played: Vec<Notice> = downlink.take_notices();
    assert_eq!(played.len(), 2, "a mark that was lost is made up for by the next");
    let expected = Notice::Played { item: item("i"), bytes: 2 * MARK_SPACING_BYTES };
    assert_eq!(played[1], expected);
    downlink.on_mark(&marks[1]);
    downlink.interrupt(1, true, ms(50));
    downlink.on_mark(&marks[2]);
    assert!(!downlink.has_news());
    assert_eq!(downlink.stale(), (0, 2));
}

#[test]
fn a_captured_response_is_captured_from_its_first_byte() {
    let mut downlink = downlink();
    downlink.push("r", "i", &audio(1, 500));
    downlink.admit(&response("r"));
    downlink.capture(&response("r"));
    write(&mut downlink, ms(0));
    downlink.push("r", "i", &audio(2, 300));
    downlink.push("other", "j", &audio(3, 300));
    assert_eq!(downlink.take_capture(), Some(vec![audio(1, 500), audio(2, 300)]));
    assert_eq!(downlink.take_capture(), None);
}

#[test]
fn what_has_gone_in_part_or_is_too_long_is_not_captured() {
    let mut downlink = downlink();
    downlink.push("r", "i", &audio(1, 500));
    downlink.admit(&response("r"));
    write(&mut downlink, ms(0));
    downlink.capture(&response("r"));
    assert_eq!(downlink.take_capture(), None);
    downlink.capture(&response("s"));
    (0..40).for_each(|_| {
        downlink.push("s", "k", &audio(1, 8_000));
    });
    assert_eq!(downlink.take_capture(), None, "forty seconds are no phrase");
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8, usize),
    Admit(u8),
    Reject(u8),
    Finish(u8),
    FinishAll,
    Interrupt,
    Wait(u64),
    Mark(String),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let tag = 1_u8..5;
    let step = prop_oneof![
        4 => (tag.clone(), 0_usize..3_000).prop_map(|(tag, bytes)| Step::Push(tag, bytes)),
        2 => tag.clone().prop_map(Step::Admit),
        1 => tag.clone().prop_map(Step::Reject),
        1 => tag.prop_map(Step::Finish),
        1 => Just(Step::FinishAll),
        1 => Just(Step::Interrupt),
        4 => (0_u64..2_000).prop_map(Step::Wait),
        1 => ".*".prop_map(Step::Mark),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_things_loses_doubles_or_leaks_audio(steps in steps()) {
        let mut downlink = downlink();
        let mut now = Micros::ZERO;
        let mut generation = 0;
        let (mut pushed, mut sent, mut allowed) = ([0_usize; 5], [0_usize; 5], [false; 5]);
        for step in steps {
            match step {
                Step::Push(tag, bytes) => {
                    let name = tag.to_string();
                    let dropped = downlink.push(&name, &name, &audio(tag, bytes)) == Pushed::Unwanted;
                    pushed[usize::from(tag)] += if dropped { 0 } else { bytes };
                }
                Step::Admit(tag) => {
                    allowed[usize::from(tag)] = true;
                    downlink.admit(&response(&tag.to_string()));
                }
                Step::Reject(tag) => {
                    allowed[usize::from(tag)] = false;
                    downlink.reject(&response(&tag.to_string()));
                }
                Step::Finish(tag) => downlink.finish(&tag.to_string()),
                Step::FinishAll => downlink.finish_all(),
                Step::Interrupt => {
                    allowed = [false; 5];
                    generation += 1;
                    downlink.interrupt(generation, true, now);
                }
                Step::Wait(time) => now = now + ms(time),
                Step::Mark(name) => downlink.on_mark(&name),
            }
            let written = write(&mut downlink, now);
            for byte in written.audio {
                prop_assert!(allowed[usize::from(byte)], "{byte} was not let through");
                sent[usize::from(byte)] += 1;
            }
            written.marks.iter().for_each(|name| downlink.on_mark(name));
            let mut told = 0;
            for notice in downlink.take_notices() {
                if let Notice::Sent { bytes, .. } = notice {
                    told += bytes;
                }
            }
            prop_assert!(told < 20_000);
        }
        for tag in 1..5 {
            prop_assert!(sent[tag] <= pushed[tag]);
        }
    }

    #[test]
    fn whatever_is_let_through_arrives_whole(sizes in prop::collection::vec(0_usize..5_000, 1..20)) {
        let mut downlink = downlink();
        downlink.admit(&response("r"));
        let mut expected = Vec::new();
        for (index, size) in sizes.iter().enumerate() {
            let byte = u8::try_from(index).unwrap();
            downlink.push("r", "i", &audio(byte, *size));
            expected.extend(vec![byte; *size]);
        }
        downlink.finish("i");
        let mut heard = write(&mut downlink, Micros::ZERO).audio;
        while let Some(at) = downlink.next_write() {
            heard.extend(write(&mut downlink, at).audio);
        }
        prop_assert_eq!(heard, expected);
        prop_assert!(!downlink.has_audio());
    }
}
