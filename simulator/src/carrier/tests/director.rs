use std::path::Path;

use trunkline_core::time::Micros;

use crate::carrier::director::{Act, Director, Senses, Told};
use crate::carrier::{Clip, Ended, Fault, Library, Script, Step};

fn director(text: &str) -> Director {
    let mut library = Library::new(Path::new(""), Path::new(""));
    Director::new(&Script::read(text, &mut library).unwrap())
}

fn at(ms: u64) -> Senses {
    Senses { now: Micros::from_millis(ms), ..Senses::default() }
}

fn heard(ms: u64, since: Option<u64>, last: u64) -> Senses {
    Senses {
        heard_since: since.map(Micros::from_millis),
        heard_last: Some(Micros::from_millis(last)),
        ..at(ms)
    }
}

#[test]
fn waits_and_keys_take_their_time() {
    let mut director = director("wait 1s\npress 12\nhangup");
    let told = Told::default();
    assert_eq!(director.next(&at(100), &told), None);
    assert_eq!(director.next(&at(1_099), &told), None);
    assert_eq!(director.next(&at(1_100), &told), Some(Act::Press('1')));
    assert_eq!(director.next(&at(1_200), &told), None);
    assert_eq!(director.next(&at(1_300), &told), Some(Act::Press('2')));
    assert_eq!(director.next(&at(1_500), &told), Some(Act::Hangup));
    assert_eq!(director.next(&at(1_600), &told), None);
}

#[test]
fn the_greeting_is_over_after_a_pause() {
    let mut director = director("wait greeting\nhangup");
    let told = Told::default();
    assert_eq!(director.next(&at(5_000), &told), None, "nothing has been said yet");
    assert_eq!(director.next(&heard(6_000, Some(5_100), 5_900), &told), None);
    assert_eq!(director.next(&heard(6_500, None, 5_900), &told), Some(Act::Hangup));
}

#[test]
fn a_reply_is_what_comes_after_the_callers_last_step() {
    let mut director = director("wait reply\nhangup");
    let told = Told::default();
    assert_eq!(director.next(&heard(9_000, None, 3_000), &told), None, "an old sentence");
    assert_eq!(director.next(&heard(9_900, None, 9_300), &told), Some(Act::Hangup));
}

#[test]
fn speaking_and_quiet_are_measured_in_what_is_heard() {
    let told = Told::default();
    let mut speaking = director("wait speaking 2s\nstall");
    assert_eq!(speaking.next(&heard(3_999, Some(2_000), 3_990), &told), None);
    let act = speaking.next(&heard(4_000, Some(2_000), 3_990), &told);
    assert_eq!(act, Some(Act::Fault(Fault::Stall)));
    let mut quiet = director("wait quiet 800ms\nhangup");
    assert_eq!(quiet.next(&heard(4_700, None, 4_000), &told), None);
    assert_eq!(quiet.next(&heard(4_800, None, 4_000), &told), Some(Act::Hangup));
}

#[test]
fn the_step_after_a_recording_waits_for_its_end() {
    let clip = Clip { name: "hello".into(), audio: vec![0; 1_600].into() };
    let script = Script { steps: vec![Step::Play(clip.clone()), Step::Hangup] };
    let mut director = Director::new(&script);
    let told = Told::default();
    assert_eq!(director.next(&at(0), &told), Some(Act::Speak(clip)));
    let talking = Senses { talking: true, ..at(100) };
    assert_eq!(director.next(&talking, &told), None);
    assert_eq!(director.next(&at(220), &told), Some(Act::Hangup));
}

#[test]
fn an_expectation_that_comes_true_lets_the_script_go_on() {
    let mut director = director("expect dial +14319900222 within 5s\nhangup");
    let mut told = Told::default();
    assert_eq!(director.next(&at(0), &told), None);
    told.dialled.push("+14319900222".into());
    assert_eq!(director.next(&at(3_000), &told), Some(Act::Hangup));
    assert!(director.finish(Micros::from_millis(3_000), Ended::Caller, &told).is_empty());
}

#[test]
fn an_expectation_that_runs_out_is_reported_and_the_script_goes_on() {
    let mut director = director("expect text all lines are busy within 2s\nhangup");
    let told = Told { said: vec!["Goodbye.".into()], ..Told::default() };
    assert_eq!(director.next(&at(0), &told), None);
    assert_eq!(director.next(&at(2_000), &told), Some(Act::Hangup));
    let unmet = director.finish(Micros::from_millis(2_000), Ended::Caller, &told);
    assert_eq!(unmet, ["expected text all lines are busy within 2000ms"]);
}

#[test]
fn expectations_that_were_never_reached_are_judged_at_the_end() {
    let told = Told { said: vec!["All lines are BUSY now.".into()], ..Told::default() };
    let text = "wait 60s\nexpect text lines are busy\nexpect hangup\nexpect dial +15550000001";
    let end = Micros::from_millis(900);
    assert_eq!(director(text).finish(end, Ended::FarEnd, &told), ["expected dial +15550000001"]);
    assert_eq!(director(text).finish(end, Ended::Caller, &told).len(), 2);
}

#[test]
fn a_hang_up_that_comes_too_late_is_no_hang_up_in_time() {
    let told = Told::default();
    for (end, unmet) in [(1_500, 0), (2_500, 1)] {
        let mut director = director("expect hangup within 2s");
        assert_eq!(director.next(&at(0), &told), None);
        let failures = director.finish(Micros::from_millis(end), Ended::FarEnd, &told);
        assert_eq!(failures.len(), unmet, "ended after {end} ms");
    }
}

#[test]
fn keys_for_a_gather_come_from_the_script_within_its_patience() {
    let mut early = director("wait 2s\npress 4#\nhangup");
    let keys = early.keys(Micros::from_secs(5));
    assert_eq!(keys, Some((Micros::from_secs(2), "4#".to_owned())));
    assert_eq!(early.hangs_up_after(), Some(Micros::ZERO));
    assert_eq!(director("wait 9s\npress 4").keys(Micros::from_secs(5)), None);
    assert_eq!(director("wait greeting\npress 4").keys(Micros::from_secs(5)), None);
}
