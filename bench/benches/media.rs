//! One frame of audio through each part of the media path.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark may fail loudly, and its macros write functions"
)]

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use trunkline_core::audio::g711;
use trunkline_core::audio::transcode::{Pcm24kToPcmu, PcmuToPcm24k};
use trunkline_core::ids::{ResponseId, StreamSid};
use trunkline_core::media::{Downlink, Uplink};
use trunkline_core::time::Micros;
use trunkline_core::wire::realtime;
use trunkline_core::wire::twilio::stream::parse;

const STREAM: &str = "MZ0123456789abcdef0123456789abcdef";

fn frame() -> String {
    let audio: Vec<u8> = (0..160_u8).collect();
    STANDARD.encode(audio)
}

fn codec(criterion: &mut Criterion) {
    let mulaw: Vec<u8> = (0..160_u8).collect();
    let linear: Vec<i16> = (0..160_i16).map(|n| n * 150 - 12_000).collect();
    let mut samples = Vec::with_capacity(160);
    criterion.bench_function("mulaw decode, one frame", |b| {
        b.iter(|| {
            samples.clear();
            g711::decode(black_box(&mulaw), &mut samples);
        });
    });
    let mut bytes = Vec::with_capacity(160);
    criterion.bench_function("mulaw encode, one frame", |b| {
        b.iter(|| {
            bytes.clear();
            g711::encode(black_box(&linear), &mut bytes);
        });
    });
}

fn resampling(criterion: &mut Criterion) {
    let (mut up, mut down) = (PcmuToPcm24k::new().unwrap(), Pcm24kToPcmu::new().unwrap());
    let (narrow, mut out) = (frame(), String::new());
    criterion.bench_function("base64 mulaw to pcm24k, one frame", |b| {
        b.iter(|| {
            out.clear();
            up.push(black_box(&narrow), &mut out).unwrap();
        });
    });
    let wide = STANDARD.encode([3; 960]);
    criterion.bench_function("base64 pcm24k to mulaw, one frame", |b| {
        b.iter(|| {
            out.clear();
            down.push(black_box(&wide), &mut out).unwrap();
        });
    });
}

fn wire(criterion: &mut Criterion) {
    let payload = frame();
    let media = format!(
        r#"{{"event":"media","sequenceNumber":"7","streamSid":"{STREAM}","media":{{"track":"inbound","chunk":"6","timestamp":"100","payload":"{payload}"}}}}"#
    );
    criterion.bench_function("carrier media, parse", |b| {
        b.iter(|| black_box(parse(black_box(&media))).is_ok());
    });
    let delta = format!(
        r#"{{"type":"response.output_audio.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"{payload}"}}"#
    );
    criterion.bench_function("model delta, parse", |b| {
        b.iter(|| black_box(realtime::parse(black_box(&delta))).is_ok());
    });
    let mut uplink = Uplink::default();
    uplink.set_open(true);
    criterion.bench_function("uplink, splice one frame", |b| {
        b.iter(|| {
            uplink.push(black_box(&payload));
            black_box(uplink.pop())
        });
    });
}

fn downlink(criterion: &mut Criterion) {
    let payload = frame();
    let fresh = || {
        let mut downlink = Downlink::new(StreamSid::parse(STREAM).unwrap());
        downlink.admit(&ResponseId::parse("resp_1").unwrap());
        downlink.push("resp_1", "item_1", &payload);
        downlink.poll_write(Micros::ZERO, drop);
        downlink
    };
    criterion.bench_function("downlink, push and write one frame", |b| {
        b.iter_batched_ref(
            fresh,
            |downlink| {
                downlink.push("resp_1", "item_1", black_box(&payload));
                downlink.poll_write(Micros::from_millis(20), |text| drop(black_box(text)));
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, codec, resampling, wire, downlink);
criterion_main!(benches);
