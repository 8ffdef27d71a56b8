//! Voices.

use trunkline_connectors::http::{Patience, RequestError, Stage};
use trunkline_connectors::reach::Reach;
use trunkline_connectors::voice::{Order, Speech, speak};
use trunkline_core::wire::refusal::Advice;
use trunkline_core::wire::{azure_speech, elevenlabs};
use trunkline_simulator::providers::{Knobs, Provider};
use trunkline_simulator::speech::watermark;

use crate::support::{PATIENT, SHORT, eventually, fast, start};

const TEXT: &str = "Tom & Ann's <b>café</b> opens at \"nine\".";

fn azure(text: &str) -> Order<'_> {
    Order::Azure(azure_speech::Utterance { voice: "en-US-AvaNeural", rate_percent: 100, text })
}

fn elevenlabs(text: &str) -> Order<'_> {
    Order::ElevenLabs {
        voice_id: "Rachel",
        utterance: elevenlabs::Utterance {
            model: elevenlabs::DEFAULT_MODEL,
            language: None,
            rate_percent: 110,
            text,
            previous_text: None,
        },
    }
}

async fn all(mut speech: Speech) -> (Vec<u8>, Option<RequestError>) {
    let mut audio = Vec::new();
    while let Some(piece) = speech.next().await {
        match piece {
            Ok(piece) => audio.extend_from_slice(&piece),
            Err(error) => return (audio, Some(error)),
        }
    }
    (audio, None)
}

#[actix_rt::test]
async fn what_is_heard_tells_its_words() {
    let running = start(fast()).await;
    let base = running.http_base();
    for (order, provider, voice) in
        [(azure(TEXT), "azure", "en-US-AvaNeural"), (elevenlabs(TEXT), "elevenlabs", "Rachel")]
    {
        let (audio, error) =
            all(speak(&base, "key", &order, PATIENT, &Reach::Anywhere).await.unwrap()).await;
        assert!(error.is_none(), "{error:?}");
        let (number, first) = watermark::read(&audio).unwrap();
        assert_eq!(first, 0);
        let spoken = &running.spoken()[usize::from(number) - 1];
        assert_eq!((spoken.text.as_str(), spoken.voice.as_str()), (TEXT, voice));
        assert_eq!((spoken.provider.as_str(), spoken.status.as_str()), (provider, "completed"));
        assert_eq!(spoken.audio_ms, audio.len() as u64 / 8);
        // About 14 characters a second.
        let expected = TEXT.chars().count() as u64 * 70;
        assert!((expected..expected + 20).contains(&spoken.audio_ms), "{}", spoken.audio_ms);
    }
    running.stop().await;
}

#[actix_rt::test]
async fn what_goes_wrong_with_a_voice() {
    let running = start(fast()).await;
    let base = running.http_base();
    for (order, provider) in
        [(azure(TEXT), Provider::Azure), (elevenlabs(TEXT), Provider::ElevenLabs)]
    {
        let knobs = |knobs: Knobs| running.set_knobs_of(provider, Some(knobs));
        for (status, advice) in [(429, Advice::Wait), (502, Advice::Retry), (401, Advice::GiveUp)] {
            knobs(Knobs { refuse: Some(status), ..fast() });
            let error = speak(&base, "key", &order, PATIENT, &Reach::Anywhere).await.unwrap_err();
            assert_eq!(error.advice(), advice, "{error}");
        }
        knobs(Knobs { drop_after_deltas: Some(2), ..fast() });
        let (audio, error) =
            all(speak(&base, "key", &order, PATIENT, &Reach::Anywhere).await.unwrap()).await;
        assert_eq!(audio.len(), 2 * 8 * 400);
        // Cut between two chunks.
        assert!(error.is_some_and(|error| error.advice().is_retryable()));
        knobs(Knobs { garbage: true, ..fast() });
        let error = speak(&base, "key", &order, PATIENT, &Reach::Anywhere).await.unwrap_err();
        assert!(matches!(error, RequestError::Useless("no audio")), "{error}");
        knobs(Knobs { mute: true, ..fast() });
        let hasty = Patience { first_byte: SHORT, ..PATIENT };
        let (_, error) =
            all(speak(&base, "key", &order, hasty, &Reach::Anywhere).await.unwrap()).await;
        assert!(matches!(error, Some(RequestError::Timeout { stage: Stage::FirstByte, .. })));
        running.set_knobs_of(provider, None);
    }
    let (_, error) =
        all(speak(&base, "key", &azure(""), PATIENT, &Reach::Anywhere).await.unwrap()).await;
    assert!(matches!(error, Some(RequestError::Useless("empty"))), "{error:?}");
    let error = speak(&base, " ", &azure("x"), PATIENT, &Reach::Anywhere).await.unwrap_err();
    assert_eq!(error.advice(), Advice::GiveUp, "no key: {error}");
    running.stop().await;
}

#[actix_rt::test]
async fn audio_plays_while_it_is_made_and_stops_when_it_is_dropped() {
    let running = start(Knobs { rate: 4.0, delta_ms: 100, ..fast() }).await;
    let long = "It goes on and on. ".repeat(20);
    let mut speech =
        speak(&running.http_base(), "key", &azure(&long), PATIENT, &Reach::Anywhere).await.unwrap();
    assert!(speech.next().await.unwrap().is_ok());
    assert_eq!(running.spoken()[0].status, "running");
    drop(speech);
    eventually(|| running.spoken()[0].status == "cancelled").await;
    running.stop().await;
}
