//! The calls of a measurement: one for each scene.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use trunkline_core::audio::{FRAME_BYTES, FRAME_MS};
use trunkline_core::ids::CallSid;
use trunkline_simulator::barge_in::{Called, Scene, Stop};
use trunkline_simulator::carrier::{CallPlan, CallReport, Clip, Script, StreamReport, place_call};
use trunkline_store::{EventRow, Scope};

use super::ground::{Ground, number};

pub(super) const AUTH_TOKEN: &str = "bench-auth-token";

/// Frames of silence ahead of each scene: by then the agent speaks, so that its
/// echo comes after it.
const AHEAD: usize = 3;

/// How much longer than its audio a call lasts, and how long its record is waited
/// for.
const AFTERWARDS: Duration = Duration::from_millis(1_000);
const LOOKS: u32 = 100;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The kept greeting's item.
const GREETING: &str = "greeting";

/// How late the calls' own frames were.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lateness {
    frames: u64,
    late: u64,
}

impl Lateness {
    fn add(&mut self, stream: &StreamReport) {
        let l = &stream.lateness;
        let late = l.under_20_ms + l.over_20_ms;
        self.late += late;
        self.frames += late + l.under_2_ms + l.under_5_ms + l.under_10_ms;
    }

    /// One frame in a hundred was 10 ms late or more.
    pub(super) fn is_too_much(self) -> bool {
        self.late * 100 > self.frames
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} frames were sent 10 ms late or later", self.late, self.frames)
    }
}

/// Calls every scene, so many at a time; the answers are in the scenes' order.
pub(super) async fn call_all(
    ground: &Ground,
    scenes: &[Scene],
    at_once: usize,
) -> (Vec<Called>, Lateness) {
    let calls = scenes.iter().enumerate().map(|(index, scene)| async move {
        let report = place_call(&plan(ground, index, scene), None).await;
        let called = called(ground, &report).await;
        (index, called, report)
    });
    let mut calls = stream::iter(calls).buffer_unordered(at_once);
    let mut all = vec![Called::default(); scenes.len()];
    let mut lateness = Lateness::default();
    while let Some((index, called, report)) = calls.next().await {
        report.streams.iter().for_each(|stream| lateness.add(stream));
        if let Some(place) = all.get_mut(index) {
            *place = called;
        }
    }
    (all, lateness)
}

fn plan(ground: &Ground, index: usize, scene: &Scene) -> CallPlan {
    let mut plan = CallPlan::new(&ground.base());
    plan.public_url = Some(ground.server.public_url.as_str().to_owned());
    plan.auth_token = Some(AUTH_TOKEN.to_owned());
    plan.to = number(index);
    plan.from = format!("+1556{index:07}");
    let mut audio = vec![0xff; AHEAD * FRAME_BYTES];
    audio.extend_from_slice(&scene.dry);
    let frames = audio.len().div_ceil(FRAME_BYTES) as u64;
    plan.script = Script::playing(Clip { name: scene.name.clone(), audio: Arc::from(audio) });
    plan.echo.clone_from(&scene.room);
    plan.max_duration = Duration::from_millis(frames * FRAME_MS) + AFTERWARDS;
    plan
}

async fn called(ground: &Ground, report: &CallReport) -> Called {
    let mut called = Called { failure: report.failure(), ..Called::default() };
    let Some(stream) = report.streams.first() else {
        called.failure.get_or_insert_with(|| "there was no stream".to_owned());
        return called;
    };
    let from_ms = stream.clips.first().map_or(0, |clip| clip.from_ms) + AHEAD as u64 * FRAME_MS;
    let stops = stream.playback.clears.iter().map(|clear| Stop {
        at_ms: millis(clear.at_ms) - millis(from_ms),
        played_ms: millis(clear.played_bytes) / 8.0,
    });
    called.stops = stops.collect();
    match events(ground, &report.call_sid).await {
        Some(events) => note_events(&mut called, &events),
        None => {
            called.failure.get_or_insert_with(|| "its record was not written".to_owned());
        }
    }
    called
}

fn note_events(called: &mut Called, events: &[EventRow]) {
    let of = |kind: &'static str| events.iter().filter(move |event| event.kind == kind);
    let number = |event: &EventRow, name: &str| event.data.0.get(name)?.as_u64();
    called.pauses_ms =
        of("barge_in_resumed").filter_map(|event| number(event, "pause_ms")).collect();
    let greets = |event: &&EventRow| {
        event.data.0.get("item").and_then(|item| item.as_str()) == Some(GREETING)
    };
    called.gave_up_at_ms =
        of("barge_in").find(greets).and_then(|event| number(event, "heard_ms")).map(millis);
}

/// Everything that happened in a call, once it is over and written.
async fn events(ground: &Ground, call_sid: &str) -> Option<Vec<EventRow>> {
    let sid = CallSid::parse(call_sid).ok()?;
    for _ in 0..LOOKS {
        let events = ground.store.events(Scope::AllTenants, &sid).ok()?;
        if events.iter().any(|event| event.kind == "call_ended") {
            return Some(events);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    None
}

#[expect(clippy::cast_precision_loss, reason = "a call has few milliseconds")]
fn millis(ms: u64) -> f64 {
    ms as f64
}
