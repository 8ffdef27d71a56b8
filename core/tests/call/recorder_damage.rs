//! Recordings that are not as they were written.

use proptest::prelude::*;
use trunkline_core::call::{CallSettings, Input};
use trunkline_core::flight::{Entry, ReadError, Replayer, Tape, Words, entries};
use trunkline_core::tenant::Limits;

use crate::support::{PATIENT, Plan, Reply, World, ms, preamble, replay, secs};

fn recorded() -> Vec<u8> {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply::says("We are open from nine to five"));
    world.caller_speaks(ms(600), "when are you open");
    world.run_for(secs(3));
    world.hang_up();
    world.recording.finish()
}

/// Where each entry begins, and the end.
fn bounds(bytes: &[u8]) -> Vec<usize> {
    let mut bounds = vec![0];
    let mut at = 0;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        at += 4 + length as usize;
        bounds.push(at);
    }
    bounds
}

#[test]
fn a_recording_that_is_torn_at_any_byte_is_read_and_replayed_up_to_there() {
    let bytes = recorded();
    let bounds = bounds(&bytes);
    for end in 0..bytes.len() {
        let whole = bounds.iter().filter(|bound| **bound <= end).count() - 1;
        let Ok((_, mut all)) = entries(&bytes[..end]) else {
            assert_eq!(whole, 0, "the preamble is whole at {end}");
            continue;
        };
        assert!(all.by_ref().all(|entry| entry.is_ok()), "at {end}");
        assert_eq!(all.number(), whole, "at {end}");
        assert_eq!(all.is_torn(), !bounds.contains(&end), "at {end}");
    }
    for end in bounds.into_iter().skip(1).step_by(7) {
        let replayed = replay(&bytes[..end], Words::Hidden).expect("no difference");
        assert_eq!(replayed.ending.is_none(), end < bytes.len());
    }
}

#[test]
fn every_decision_that_was_changed_or_taken_out_is_missed() {
    let bytes = recorded();
    let bounds = bounds(&bytes);
    let mut checked = 0;
    for pair in bounds.windows(2).skip(1) {
        let (start, end) = (pair[0], pair[1]);
        let entry: Entry = ciborium::from_reader(&bytes[start + 4..end]).unwrap();
        if !matches!(entry, Entry::Decided(_)) {
            continue;
        }
        let without: Vec<u8> = [&bytes[..start], &bytes[end..]].concat();
        assert!(replay(&without, Words::Hidden).is_err(), "without the entry at {start}");
        // A byte of the digest, which comes first: after the map, the name, the map,
        // the name, the list and the head of the number.
        let mut changed = bytes.clone();
        changed[start + 4 + 8] ^= 1;
        if let Ok((_, mut all)) = entries(&changed) {
            let read = all.all(|entry| entry.is_ok());
            assert!(
                !read || replay(&changed, Words::Hidden).is_err(),
                "with a bit turned at {start}"
            );
        }
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
}

/// The first difference when each entry is first passed through `change`, in a call
/// that begins with `change_settings` of its own.
fn difference(
    bytes: &[u8],
    change_settings: impl Fn(&mut CallSettings),
    change: impl Fn(Entry) -> Entry,
) -> String {
    let (mut began_with, all) = entries(bytes).unwrap();
    change_settings(&mut began_with.settings);
    let mut replayer = Replayer::new(began_with, Words::Hidden);
    let found = all.map(Result::unwrap).find_map(|entry| replayer.feed(change(entry)).err());
    found.expect("a difference").to_string()
}

#[test]
fn an_input_that_was_changed_is_named_with_what_it_led_to() {
    let said = difference(
        &recorded(),
        |_| {},
        |entry| match entry {
            // The caller presses a key where he had hung up.
            Entry::Input(at, input) if *input == Input::StreamStopped => {
                Entry::Input(at, Box::new(Input::Digit('0')))
            }
            other => other,
        },
    );
    assert!(said.contains("after \"digit [1 character]\""), "{said}");
    assert!(said.contains("then: transcript: "), "{said}");
    assert!(said.contains("now:  event: kind dtmf, data (human yes)"), "{said}");
}

#[test]
fn other_settings_lead_to_another_call() {
    let cached = |settings: &mut CallSettings| settings.kept_greeting_bytes = None;
    let said = difference(&recorded(), cached, |entry| entry);
    assert!(said.contains("after \"started\""), "{said}");
    assert!(said.contains("greeting cached yes") && said.contains("greeting cached no"), "{said}");
}

#[test]
fn a_call_that_wants_to_be_woken_at_another_time_is_another_call() {
    let limits = |max| Limits { max_call_duration_ms: max, ..Limits::default() };
    let mut world =
        World::started(&Plan { limits: limits(20_000), silence: PATIENT, ..Plan::default() });
    world.run_until(secs(40));
    assert!(world.summary().is_some());
    let longer = |settings: &mut CallSettings| {
        *settings = Plan { limits: limits(21_000), silence: PATIENT, ..Plan::default() }.settings();
    };
    let said = difference(&world.recording.finish(), longer, |entry| entry);
    assert!(said.contains("then: wake 20.000 s\n  now:  wake 21.000 s"), "{said}");
}

#[test]
fn what_is_no_recording_is_told_from_one_of_another_format() {
    for bytes in [&b""[..], b"hello, this is a text file and no recording", &[0xff; 64]] {
        assert!(matches!(entries(bytes), Err(ReadError::NoPreamble(_))), "{bytes:?}");
    }
    let mut other = preamble(&Plan::default().settings());
    other.format = 99;
    let bytes = Tape::new(&other, u64::MAX).take();
    assert_eq!(entries(&bytes).err(), Some(ReadError::OtherFormat(99)));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok((_, all)) = entries(&bytes) {
            all.for_each(drop);
        }
    }

    #[test]
    fn no_damage_makes_the_reader_panic(at in 0_usize..4_000, bit in 0_u8..8) {
        thread_local!(static BYTES: Vec<u8> = recorded());
        let mut bytes = BYTES.with(Vec::clone);
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok((began_with, all)) = entries(&bytes) {
            let mut replayer = Replayer::new(began_with, Words::Hidden);
            for entry in all {
                // Damage may also turn one call into another that could have been.
                if entry.is_ok_and(|entry| replayer.feed(entry).is_err()) {
                    break;
                }
            }
        }
    }
}
