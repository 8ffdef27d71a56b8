use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use trunkline_core::time::Micros;

use crate::carrier::director::{Director, Told};
use crate::carrier::event::{CallEvent, EventKind, Teller};
use crate::carrier::report::{StreamEnd, StreamReport};
use crate::carrier::session::{Out, Session, Setup, Shared};
use crate::carrier::talker::Talker;
use crate::carrier::wire::Wire;
use crate::carrier::{Clip, Library, Script, Step};

const STREAM: &str = "MZ00000000000000000000000000000001";

/// What a session needs around it.
struct Bench {
    director: Director,
    told: Told,
    teller: Teller,
    events: tokio::sync::mpsc::UnboundedReceiver<CallEvent>,
}

impl Bench {
    fn new(script: &Script) -> Self {
        let (to, events) = tokio::sync::mpsc::unbounded_channel();
        Self {
            director: Director::new(script),
            told: Told::default(),
            teller: Teller::new("CA1", Some(to)),
            events,
        }
    }

    fn reading(text: &str) -> Self {
        let mut library = Library::new(Path::new(""), Path::new(""));
        Self::new(&Script::read(text, &mut library).unwrap())
    }

    fn session(&mut self) -> Session<'_> {
        let setup = Setup {
            echo: None,
            talker: Talker::new(None),
            recorder: None,
            never_starts: false,
            deadline: Micros::from_secs(60),
        };
        let shared =
            Shared { director: &mut self.director, told: &self.told, teller: &mut self.teller };
        let report = StreamReport { stream_sid: STREAM.into(), ..StreamReport::default() };
        let wire = Wire::new(STREAM, "AC1", "CA1").unwrap();
        Session::begin(shared, setup, wire, &[("token".into(), "t".into())], report, Micros::ZERO)
    }

    fn told(&mut self) -> Vec<EventKind> {
        std::iter::from_fn(|| self.events.try_recv().ok()).map(|event| event.kind).collect()
    }
}

fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

fn texts(session: &mut Session<'_>) -> Vec<serde_json::Value> {
    let texts = session.outbox.drain(..).filter_map(|out| match out {
        Out::Media(text) | Out::Control(text) => serde_json::from_str(&text).ok(),
        Out::Binary(_) => None,
    });
    texts.collect()
}

fn media(audio: &[u8]) -> String {
    let payload = STANDARD.encode(audio);
    format!(r#"{{"event":"media","streamSid":"{STREAM}","media":{{"payload":"{payload}"}}}}"#)
}

fn clear() -> String {
    format!(r#"{{"event":"clear","streamSid":"{STREAM}"}}"#)
}

#[test]
fn a_stream_begins_as_twilios_does_and_counts_every_message() {
    let mut bench = Bench::reading("wait 20ms\npress 5");
    let mut session = bench.session();
    for tick in 0..3 {
        session.tick(ms(20 * tick));
    }
    let sent = texts(&mut session);
    let events: Vec<_> = sent.iter().map(|m| m["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["connected", "start", "media", "dtmf", "media", "media"]);
    assert_eq!(sent[1]["start"]["customParameters"]["token"], "t");
    let sequence: Vec<_> =
        sent[1..].iter().map(|m| m["sequenceNumber"].as_str().unwrap()).collect();
    assert_eq!(sequence, ["1", "2", "3", "4", "5"]);
    assert_eq!(sent[5]["media"]["chunk"], "3");
    assert_eq!(sent[5]["media"]["timestamp"], "40");
    assert_eq!(sent[3]["dtmf"]["digit"], "5");
}

#[test]
fn an_interruption_is_measured_from_the_callers_first_frame_to_the_clear() {
    let audio: Arc<[u8]> = vec![0x10; 1_600].into();
    let clip = Clip { name: "stop".into(), audio };
    let mut bench = Bench::new(&Script {
        steps: vec![Step::Wait(crate::carrier::Wait::Speaking(200)), Step::Play(clip)],
    });
    let mut session = bench.session();
    session.text(&media(&[0x20; 16_000]), ms(0));
    for tick in 0..15 {
        session.tick(ms(20 * tick));
    }
    session.text(&clear(), ms(333));
    let (report, _) = session.finish(StreamEnd::ServerClosed, ms(400));
    assert_eq!(report.first_audio_ms, Some(0));
    assert_eq!(report.interruptions.len(), 1);
    assert_eq!(report.interruptions[0].at_ms, 200);
    assert_eq!(report.interruptions[0].cleared_after_ms, Some(133));
    let told = bench.told();
    assert!(told.contains(&EventKind::CallerSpeaks(Some("stop".into()))), "{told:?}");
    assert!(told.contains(&EventKind::Cleared { dropped_ms: 1_700, after_ms: Some(133) }));
}

#[test]
fn speech_after_the_agent_has_finished_is_no_interruption() {
    let audio: Arc<[u8]> = vec![0x10; 1_600].into();
    let clip = Clip { name: "hello".into(), audio };
    let mut bench = Bench::new(&Script { steps: vec![Step::Play(clip)] });
    let mut session = bench.session();
    for tick in 0..10 {
        session.tick(ms(20 * tick));
    }
    session.text(&clear(), ms(200));
    let (report, _) = session.finish(StreamEnd::ServerClosed, ms(400));
    assert!(report.interruptions.is_empty());
    assert_eq!(report.playback.clears.len(), 1);
}

#[test]
fn only_exact_commands_for_this_stream_are_taken() {
    let mut bench = Bench::reading("");
    let mut session = bench.session();
    let other = clear().replace("MZ0", "MZ1");
    for bad in [
        "no JSON",
        r#"{"event":"clear"}"#,
        &other,
        &clear().replace("}", r#","extra":1}"#),
        &media(&[1; 160]).replace("media\":{", "media\":{\"track\":\"outbound\","),
    ] {
        session.text(bad, ms(0));
    }
    session.binary(3);
    session.text(&clear(), ms(0));
    assert_eq!(session.report.invalid_commands, 6);
    assert!(session.report.first_invalid.as_ref().unwrap().contains("no JSON"));
    assert_eq!(session.report.media_received, 0);
}

#[test]
fn a_hang_up_sends_stop_and_a_reset_sends_nothing() {
    for (script, end, last) in
        [("hangup", StreamEnd::CallerHungUp, "stop"), ("drop", StreamEnd::Reset, "start")]
    {
        let mut bench = Bench::reading(script);
        let mut session = bench.session();
        session.tick(ms(0));
        assert_eq!(session.ended, Some(end));
        assert_eq!(texts(&mut session).last().unwrap()["event"], last);
    }
}

#[test]
fn a_stalled_caller_hears_and_sends_nothing() {
    let mut bench = Bench::reading("stall");
    let mut session = bench.session();
    session.tick(ms(0));
    session.outbox.clear();
    session.text(&media(&[0x20; 320]), ms(5));
    session.text(&clear().replace("clear", "mark"), ms(5));
    for tick in 1..9 {
        session.tick(ms(20 * tick));
    }
    assert!(session.outbox.is_empty());
    assert_eq!(session.finish(StreamEnd::ServerClosed, ms(200)).0.playback.played_bytes, 320);
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(texts in proptest::collection::vec(".{0,80}", 0..20)) {
        let mut bench = Bench::reading("");
        let mut session = bench.session();
        for text in &texts {
            session.text(text, ms(1));
        }
        prop_assert_eq!(session.report.invalid_commands, texts.len() as u64);
    }
}
