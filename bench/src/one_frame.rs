//! Takes frames through the core's real path, so many of them, so that an
//! instruction counter can tell what one costs: the difference of two runs,
//! divided by the difference of their lengths.
//!
//! `up`: the carrier's message is parsed, its audio goes into the uplink, the
//! model's message comes out. `down`: the model's message is parsed, its audio
//! goes into the downlink, the carrier's message comes out, with a mark after
//! every sixth, and the marks come back.

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Parser, ValueEnum};
use trunkline_core::ids::{ResponseId, StreamSid};
use trunkline_core::media::{Downlink, Uplink};
use trunkline_core::time::Micros;
use trunkline_core::wire::realtime::{self, ServerEvent};
use trunkline_core::wire::twilio::stream::{StreamMessage, parse};

const STREAM: &str = "MZ0123456789abcdef0123456789abcdef";
const FRAME: Micros = Micros::from_millis(20);

/// Messages that take turns, so that no two in a row are the same.
const MESSAGES: u64 = 50;

/// Takes frames through the core.
#[derive(Debug, Parser)]
struct Options {
    /// Which way.
    way: Way,
    /// How many.
    frames: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    Up,
    Down,
}

fn main() {
    let options = Options::parse();
    let done = match options.way {
        Way::Up => up(options.frames),
        Way::Down => down(options.frames),
    };
    // A path that drops frames would be cheap.
    if done != Some(options.frames) {
        std::process::exit(1);
    }
}

fn payload(n: u64) -> String {
    let byte = u8::try_from(n % 256).unwrap_or(0);
    STANDARD.encode([byte; 160])
}

fn up(frames: u64) -> Option<u64> {
    let messages: Vec<String> = (0..MESSAGES)
        .map(|n| {
            let (sequence, time, payload) = (n + 1_000, n * 20, payload(n));
            format!(
                r#"{{"event":"media","sequenceNumber":"{sequence}","streamSid":"{STREAM}","media":{{"track":"inbound","chunk":"{sequence}","timestamp":"{time}","payload":"{payload}"}}}}"#
            )
        })
        .collect();
    let mut uplink = Uplink::default();
    uplink.set_open(true);
    let (mut now, mut done) = (Micros::ZERO, 0);
    for message in messages.iter().cycle().take(usize::try_from(frames).ok()?) {
        now = now + FRAME;
        if let Ok(StreamMessage::Media(media)) = parse(black_box(message)) {
            uplink.push(&media.payload);
        }
        while let Some(text) = uplink.pop() {
            black_box(&text);
            done += 1;
        }
    }
    Some(done)
}

fn down(frames: u64) -> Option<u64> {
    let messages: Vec<String> = (0..MESSAGES)
        .map(|n| {
            let payload = payload(n);
            format!(
                r#"{{"type":"response.output_audio.delta","event_id":"event_{n}","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"{payload}"}}"#
            )
        })
        .collect();
    let mut downlink = Downlink::new(StreamSid::parse(STREAM).ok()?);
    downlink.admit(&ResponseId::parse("resp_1").ok()?);
    let mut marks: Vec<String> = Vec::new();
    let (mut now, mut done) = (Micros::ZERO, 0);
    for message in messages.iter().cycle().take(usize::try_from(frames).ok()?) {
        now = now + FRAME;
        for name in marks.drain(..) {
            downlink.on_mark(&name);
        }
        if let Ok(ServerEvent::AudioDelta(delta)) = realtime::parse(black_box(message)) {
            downlink.push(&delta.response_id, &delta.item_id, &delta.delta);
        }
        downlink.poll_write(now, |text| {
            black_box(&text);
            match mark_name(&text) {
                Some(name) => marks.push(name.to_owned()),
                None => done += 1,
            }
        });
        black_box(downlink.next_write());
        black_box(downlink.take_notices());
    }
    Some(done)
}

fn mark_name(text: &str) -> Option<&str> {
    // Looked for in marks only: searching is not what is counted here.
    let mark = text.starts_with(r#"{"event":"mark""#).then_some(text)?;
    let (_, rest) = mark.split_once(r#""name":""#)?;
    rest.split_once('"').map(|(name, _)| name)
}
