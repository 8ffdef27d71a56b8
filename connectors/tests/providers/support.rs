//! A server of simulated providers, and how long a test waits for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use trunkline_connectors::http::Patience;
use trunkline_core::audio::g711;
use trunkline_simulator::providers::{Knobs, ProvidersOptions, RunningProviders, serve};

/// Longer than anything takes on a machine that does other things as well.
pub(crate) const LONG: Duration = Duration::from_secs(30);
/// What a test waits for in vain.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

pub(crate) const PATIENT: Patience = Patience { first_byte: LONG, idle: LONG, whole: LONG };

/// Providers that wait for nothing.
pub(crate) fn fast() -> Knobs {
    Knobs {
        latency_ms: 0,
        first_audio_ms: 0,
        transcript_ms: 0,
        first_token_ms: 0,
        token_ms: 0,
        rate: 1_000.0,
        watermark: true,
        ..Knobs::default()
    }
}

pub(crate) async fn start(knobs: Knobs) -> RunningProviders {
    let ears = Some(audio_folder());
    serve(ProvidersOptions { knobs, ears, ..ProvidersOptions::default() }).await.unwrap()
}

fn audio_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/audio")
}

/// One of the shipped recordings as μ-law, with silence around it.
pub(crate) fn recording(name: &str, before_ms: usize, after_ms: usize) -> Vec<u8> {
    let reader = hound::WavReader::open(audio_folder().join("utterances").join(name)).unwrap();
    let mut audio = vec![g711::SILENCE; 8 * before_ms];
    audio.extend(reader.into_samples::<i16>().map(|s| g711::encode_sample(s.unwrap())));
    audio.resize(audio.len() + 8 * after_ms, g711::SILENCE);
    audio
}

/// Waits until something that another task does has happened.
pub(crate) async fn eventually(mut happened: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + LONG;
    while !happened() {
        assert!(tokio::time::Instant::now() < deadline, "it never happened");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A listener that redirects, and counts who comes.
pub(crate) struct Elsewhere {
    pub(crate) base: String,
}

/// A server that answers every request with a redirect to `target`.
pub(crate) fn redirecting(target: &str) -> Elsewhere {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let target = target.to_owned();
    let server = HttpServer::new(move || {
        let target = target.clone();
        App::new().default_service(web::to(move || {
            let to = target.clone();
            async move { HttpResponse::TemporaryRedirect().insert_header(("location", to)).finish() }
        }))
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let base = format!("http://{}", server.addrs()[0]);
    actix_rt::spawn(server.run());
    Elsewhere { base }
}
