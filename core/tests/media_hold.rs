//! Agent audio that is stopped and goes on.
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
use trunkline_core::media::{Downlink, Notice, Phrase, Unheard};
use trunkline_core::time::Micros;
use trunkline_core::turn::playback::{PlaybackClock, mulaw_bytes};
use trunkline_core::wire::twilio::carrier::{Command, parse_command};

const fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

fn item(name: &str) -> ItemId {
    ItemId::parse(name).unwrap()
}

fn response(name: &str) -> ResponseId {
    ResponseId::parse(name).unwrap()
}

/// What a byte of an item is: it tells its place.
fn byte(name: u8, at: u64) -> u8 {
    name.wrapping_mul(83).wrapping_add(u8::try_from(at % 251).unwrap())
}

fn audio(name: u8, from: u64, bytes: u64) -> String {
    STANDARD.encode((from..from + bytes).map(|at| byte(name, at)).collect::<Vec<_>>())
}

/// A downlink, the call's clock, and a phone at the other end of a short line.
struct Line {
    downlink: Downlink,
    clock: PlaybackClock,
    now: Micros,
    generation: u64,
    held: bool,
    /// What the phone has and has not played.
    buffer: Vec<u8>,
    marks: Vec<(usize, String)>,
    played: Vec<u8>,
    items: Vec<(ItemId, u64)>,
}

impl Line {
    fn new() -> Self {
        Self {
            downlink: Downlink::new(StreamSid::parse("MZ1").unwrap()),
            clock: PlaybackClock::default(),
            now: Micros::ZERO,
            generation: 0,
            held: false,
            buffer: Vec::new(),
            marks: Vec::new(),
            played: Vec::new(),
            items: Vec::new(),
        }
    }

    fn push(&mut self, name: u8, from: u64, bytes: u64) {
        let id = name.to_string();
        self.downlink.admit(&response(&id));
        self.downlink.push(&id, &id, &audio(name, from, bytes));
        self.write();
    }

    fn finish(&mut self, name: u8) {
        self.downlink.finish(&name.to_string());
        self.write();
    }

    fn write(&mut self) {
        let (mut audio, mut cleared) = (Vec::new(), false);
        let (buffer, marks) = (&mut self.buffer, &mut self.marks);
        let mut returned = Vec::new();
        self.downlink.poll_write(self.now, |text| match parse_command(&text).unwrap() {
            Command::Media { payload, .. } => {
                audio.extend(STANDARD.decode(payload.as_bytes()).unwrap());
            }
            Command::Mark { name, .. } => {
                marks.push((buffer.len() + audio.len(), name.into_owned()));
            }
            Command::Clear { .. } => {
                cleared = true;
                buffer.clear();
                returned.extend(marks.drain(..).map(|(_, name)| name));
            }
        });
        assert!(!self.held || audio.is_empty(), "nothing goes out while it is held");
        assert!(!cleared || audio.is_empty() || !self.held);
        self.buffer.extend(audio);
        returned.iter().for_each(|name| self.downlink.on_mark(name));
        self.note();
    }

    fn note(&mut self) {
        for notice in self.downlink.take_notices() {
            match notice {
                Notice::Sent { item, from, bytes, at } => {
                    self.clock.sent(&item, from, bytes, at);
                    self.items.retain(|(known, _)| *known != item);
                    self.items.push((item, from + bytes));
                }
                Notice::Played { item, bytes } => self.clock.acknowledged(&item, bytes, self.now),
                Notice::Delivered { .. } => {}
            }
        }
    }

    /// The phone plays for a while.
    fn play(&mut self, time: u64) {
        for _ in 0..time {
            self.now = self.now + ms(1);
            let bytes = usize::try_from(mulaw_bytes(ms(1))).unwrap().min(self.buffer.len());
            self.played.extend(self.buffer.drain(..bytes));
            for (at, _) in &mut self.marks {
                *at = at.saturating_sub(bytes);
            }
            let passed = self.marks.iter().take_while(|(at, _)| *at == 0).count();
            let names: Vec<_> = self.marks.drain(..passed).map(|(_, name)| name).collect();
            names.iter().for_each(|name| self.downlink.on_mark(name));
            if self.downlink.next_write().is_some_and(|at| at <= self.now) {
                self.write();
            }
            self.note();
        }
    }

    fn hold(&mut self) {
        self.generation += 1;
        self.clock.cleared(self.now);
        let unheard = self.items.iter().filter_map(|(item, sent)| {
            let from = self.clock.heard(item, self.now)?.heard_bytes;
            (from < *sent).then(|| Unheard { item: item.clone(), from })
        });
        let unheard: Vec<Unheard> = unheard.collect();
        self.held = true;
        self.downlink.hold(self.generation, true, &unheard, self.now);
        self.write();
        assert!(self.buffer.is_empty());
    }

    fn resume(&mut self) {
        self.generation += 1;
        self.held = false;
        self.downlink.resume(self.generation);
        self.write();
    }
}

#[test]
fn what_was_not_heard_is_sent_again_and_nothing_else() {
    let mut line = Line::new();
    line.push(1, 0, 16_000);
    line.finish(1);
    line.play(700);
    line.hold();
    line.play(400);
    assert_eq!(line.played.len(), 5_600);
    line.resume();
    line.play(2_000);
    let twice = line.played.len() - 16_000;
    assert!(twice < 3, "{twice} bytes twice");
    let again = &line.played[5_600..];
    assert_eq!(again[0], byte(1, 5_600 - twice as u64));
    assert!(!line.downlink.has_audio());
}

#[test]
fn marks_of_what_was_stopped_say_nothing_and_those_of_what_goes_on_do() {
    let mut line = Line::new();
    line.push(1, 0, 16_000);
    line.play(500);
    let stale = line.downlink.stale().1;
    line.hold();
    assert!(line.downlink.stale().1 > stale + 5, "the clear returned them");
    assert_eq!(line.clock.heard(&item("1"), ms(9_000)).unwrap().heard_ms(), 500);
    line.resume();
    line.play(1_000);
    assert_eq!(line.clock.heard(&item("1"), line.now).unwrap().heard_ms(), 1_499);
}

#[test]
fn a_kept_phrase_goes_on_too() {
    let mut line = Line::new();
    let sound: Vec<u8> = (0..8_000).map(|at| byte(7, at)).collect();
    line.downlink.play(&item("greeting"), &Phrase::from_mulaw(&sound));
    line.write();
    line.play(300);
    line.hold();
    line.play(300);
    line.resume();
    line.play(2_000);
    assert_eq!(line.played[line.played.len() - 5_600..], sound[2_400..]);
}

#[test]
fn what_was_heard_whole_is_kept_no_longer() {
    let mut line = Line::new();
    line.push(1, 0, 4_000);
    line.finish(1);
    assert!(line.downlink.kept_chars() > 0);
    line.play(600);
    assert_eq!(line.downlink.kept_chars(), 0);
}

#[test]
fn without_marks_what_is_kept_is_bounded_all_the_same() {
    let mut line = Line::new();
    let mut most = 0;
    for name in 0..60 {
        line.push(name, 0, 3_000);
        line.finish(name);
        line.marks.clear();
        line.play(375);
        most = most.max(line.downlink.kept_chars() / 4 * 3);
    }
    assert!((12_000..21_000).contains(&most), "{most} bytes");
}

#[test]
fn what_is_rejected_or_interrupted_does_not_come_back() {
    let mut line = Line::new();
    line.push(1, 0, 4_000);
    line.finish(1);
    line.push(2, 0, 4_000);
    line.play(100);
    line.hold();
    line.downlink.reject(&response("1"));
    line.resume();
    line.play(1_000);
    assert!(line.played[800..].iter().enumerate().all(|(at, b)| *b == byte(2, at as u64)));
    line.hold();
    line.downlink.interrupt(99, true, line.now);
    line.held = false;
    let before = line.played.len();
    line.play(1_000);
    assert_eq!(line.played.len(), before);
    assert_eq!(line.downlink.kept_chars(), 0);
}

#[test]
fn it_is_audible_until_the_last_of_it_is_off_the_line() {
    let mut line = Line::new();
    line.play(600);
    assert!(!line.downlink.is_audible(line.now));
    line.push(1, 0, 4_000);
    line.finish(1);
    line.play(990);
    assert!(line.downlink.is_audible(line.now));
    line.play(20);
    assert!(!line.downlink.is_audible(line.now));
    line.push(2, 0, 4_000);
    line.hold();
    line.play(5_000);
    assert!(line.downlink.is_audible(line.now), "while it is held");
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8, u64),
    Finish(u8),
    Hold,
    Resume,
    Play(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = 1_u8..4;
    let step = prop_oneof![
        4 => (name.clone(), 1_u64..3_000).prop_map(|(name, bytes)| Step::Push(name, bytes)),
        1 => name.prop_map(Step::Finish),
        2 => Just(Step::Hold),
        2 => Just(Step::Resume),
        4 => (1_u64..900).prop_map(Step::Play),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_caller_hears_every_byte_in_order_however_often_it_is_stopped(steps in steps()) {
        let mut line = Line::new();
        let (mut pushed, mut finished) = ([0_u64; 4], [false; 4]);
        let mut order: Vec<u8> = Vec::new();
        let mut holds = 0;
        for step in steps {
            match step {
                Step::Push(name, bytes) if !finished[usize::from(name)] => {
                    if !order.contains(&name) {
                        order.push(name);
                    }
                    line.push(name, pushed[usize::from(name)], bytes);
                    pushed[usize::from(name)] += bytes;
                }
                Step::Finish(name) if pushed[usize::from(name)] > 0 => {
                    finished[usize::from(name)] = true;
                    line.finish(name);
                }
                Step::Hold if !line.held => {
                    holds += 1;
                    line.hold();
                }
                Step::Resume if line.held => line.resume(),
                Step::Play(time) => line.play(time),
                Step::Push(..) | Step::Finish(_) | Step::Hold | Step::Resume => {}
            }
        }
        if line.held {
            line.resume();
        }
        (1..4).for_each(|name| line.finish(name));
        line.play(20_000);
        let expected: Vec<u8> =
            order.iter().flat_map(|n| (0..pushed[usize::from(*n)]).map(|at| byte(*n, at))).collect();
        let twice = line.played.len().checked_sub(expected.len());
        prop_assert!(twice.is_some_and(|twice| twice <= 2 * holds), "{twice:?} bytes twice");
        prop_assert!(goes_through(&line.played, &expected), "something was left out");
        for (item, sent) in &line.items {
            let heard = line.clock.heard(item, line.now).unwrap();
            prop_assert_eq!((heard.heard_bytes, heard.sent_bytes), (*sent, *sent));
        }
    }
}

/// Whether `played` is `expected` with a byte or two twice here and there.
fn goes_through(played: &[u8], expected: &[u8]) -> bool {
    let mut at = 0;
    for byte in played {
        let next = expected.get(at) == Some(byte);
        let back = (1..4).find(|b| at >= *b && expected.get(at - b) == Some(byte));
        match (next, back) {
            (true, _) => at += 1,
            (false, Some(back)) => at = at - back + 1,
            (false, None) => return false,
        }
    }
    at == expected.len()
}
