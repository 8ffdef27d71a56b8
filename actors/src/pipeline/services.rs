//! The services' connections as tasks: each tells what happens through one
//! channel, and ends when it is dropped.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender};
use trunkline_connectors::http::Patience;
use trunkline_connectors::recogniser::{self, Patience as RecogniserPatience, Recogniser};
use trunkline_connectors::voice::Order;
use trunkline_connectors::{chat, voice};
use trunkline_core::media::Phrase;
use trunkline_core::pipeline::{Heard, Thought};
use trunkline_core::time::Micros;
use trunkline_core::wire::azure_speech;
use trunkline_core::wire::chat::{ChatEvent, Message, Request, ToolChoice, Usage as Tokens};
use trunkline_core::wire::elevenlabs;
use trunkline_core::wire::realtime::{ToolSpec, Usage};
use trunkline_core::wire::recogniser::RecogniserEvent;

use super::target::{AgentTarget, RecogniserTarget, VoiceService, VoiceTarget};

/// Frames that may wait for a recogniser's socket: more than are ever kept for
/// one that was lost.
pub(super) const MOST_WAITING_FRAMES: usize = 2_048;

/// Longest that the services may take. The pipeline itself is stricter where a
/// caller waits.
const REQUEST: Patience = Patience {
    first_byte: Duration::from_secs(8),
    idle: Duration::from_secs(5),
    whole: Duration::from_secs(60),
};
const CONNECTION: RecogniserPatience = RecogniserPatience {
    connect: Duration::from_secs(3),
    idle: Duration::from_secs(10),
    send: Duration::from_secs(2),
};

/// What happened with a service.
#[derive(Debug)]
pub(super) enum Happened {
    Heard { connection: u32, event: Heard },
    Thought { request: u32, event: Thought },
    Sound { request: u32, audio: Bytes },
    Kept { request: u32, phrase: Phrase },
    SpeechEnded { request: u32 },
    SpeechFailed { request: u32, reason: String, retry: bool },
}

/// Listens to a recogniser until it is lost, or `audio` ends.
pub(super) async fn hear(
    target: RecogniserTarget,
    (connection, delay): (u32, Micros),
    mut audio: Receiver<Vec<u8>>,
    tell: Sender<Happened>,
) {
    let delay = Duration::from(delay);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let lost = match listen(&target, connection, &mut audio, &tell).await {
        Ok(()) => return,
        Err(error) => error,
    };
    let retry = lost.advice().is_retryable();
    let event = Heard::Lost { reason: lost.to_string(), retry };
    drop(tell.send(Happened::Heard { connection, event }).await);
}

async fn listen(
    target: &RecogniserTarget,
    connection: u32,
    audio: &mut Receiver<Vec<u8>>,
    tell: &Sender<Happened>,
) -> Result<(), recogniser::RecogniserError> {
    let mut recogniser =
        recogniser::connect(&target.hearing, &target.url, &target.key, CONNECTION, &target.reach)
            .await?;
    loop {
        let event = tokio::select! {
            event = recogniser.next() => event,
            frame = audio.recv() => {
                let Some(frame) = frame else {
                    return say_goodbye(recogniser).await;
                };
                recogniser.audio(&frame).await?;
                continue;
            }
        };
        let Some(event) = event else {
            return Ok(());
        };
        if let Some(event) = heard(event?) {
            drop(tell.send(Happened::Heard { connection, event }).await);
        }
    }
}

async fn say_goodbye(mut recogniser: Recogniser) -> Result<(), recogniser::RecogniserError> {
    recogniser.close().await?;
    while recogniser.next().await.is_some_and(|event| event.is_ok()) {}
    Ok(())
}

fn heard(event: RecogniserEvent) -> Option<Heard> {
    Some(match event {
        RecogniserEvent::Ready => Heard::Up,
        RecogniserEvent::SpeechStarted { .. } => Heard::SpeechStarted,
        RecogniserEvent::Interim { text, .. } => Heard::Interim { text },
        RecogniserEvent::Final { to_ms, text, utterance_ends, .. } => {
            Heard::Final { text, to_ms, ends: utterance_ends }
        }
        RecogniserEvent::UtteranceEnd { .. } | RecogniserEvent::Unclear { .. } => {
            Heard::UtteranceEnd
        }
        RecogniserEvent::Failed { advice, message } => {
            Heard::Lost { reason: message, retry: advice.is_retryable() }
        }
        RecogniserEvent::Over { .. } => return None,
    })
}

/// Asks a language model.
pub(super) async fn think(
    target: AgentTarget,
    request: u32,
    (messages, tools): (Vec<Message>, Vec<ToolSpec>),
    tell: Sender<Happened>,
) {
    let tell = |event| tell.send(Happened::Thought { request, event });
    let body = Request {
        model: &target.model,
        messages: &messages,
        tools: &tools,
        tool_choice: ToolChoice::Auto,
        temperature: target.temperature,
        max_tokens: None,
    };
    let event = match answer(&target, &body, &tell).await {
        Ok(usage) => Thought::Finished { usage },
        Err(error) => {
            let retry = error.advice().is_retryable();
            Thought::Failed { reason: error.to_string(), retry }
        }
    };
    drop(tell(event).await);
}

async fn answer<F>(
    target: &AgentTarget,
    body: &Request<'_>,
    tell: &impl Fn(Thought) -> F,
) -> Result<Option<Usage>, chat::ChatError>
where
    F: Future<Output = Result<(), tokio::sync::mpsc::error::SendError<Happened>>>,
{
    let mut answer = chat::ask(&target.url, &target.key, body, REQUEST, &target.reach).await?;
    let mut usage = None;
    while let Some(event) = answer.next().await {
        let thought = match event? {
            ChatEvent::Text(text) | ChatEvent::Declined(text) => Thought::Text(text),
            ChatEvent::Call(call) => Thought::Call(call),
            ChatEvent::Usage(tokens) => {
                usage = Some(used(tokens));
                continue;
            }
            ChatEvent::CallBegun { .. } | ChatEvent::Finished(_) | ChatEvent::Done => continue,
        };
        drop(tell(thought).await);
    }
    Ok(usage)
}

fn used(tokens: Tokens) -> Usage {
    Usage {
        text_in: tokens.prompt,
        cached_text: tokens.cached,
        text_out: tokens.completion,
        ..Usage::default()
    }
}

/// What the voice's service is asked.
fn order<'a>(target: &'a VoiceTarget, text: &'a str) -> Order<'a> {
    match &target.service {
        VoiceService::Azure => {
            Order::Azure(azure_speech::Utterance { voice: &target.voice, rate_percent: 100, text })
        }
        VoiceService::ElevenLabs { model } => Order::ElevenLabs {
            voice_id: &target.voice,
            utterance: elevenlabs::Utterance {
                model,
                language: None,
                rate_percent: 100,
                text,
                previous_text: None,
            },
        },
    }
}

/// The whole of a sentence, for nobody who waits.
pub(super) async fn render(
    target: &VoiceTarget,
    text: &str,
) -> Result<Vec<u8>, trunkline_connectors::http::RequestError> {
    let VoiceTarget { url, key, reach, .. } = target;
    let mut speech = voice::speak(url, key, &order(target, text), REQUEST, reach).await?;
    let mut audio = Vec::new();
    while let Some(piece) = speech.next().await {
        audio.extend_from_slice(&piece?);
    }
    Ok(audio)
}

/// A kept rendering takes the voice's place.
pub(super) async fn replay(request: u32, phrase: Phrase, tell: Sender<Happened>) {
    drop(tell.send(Happened::Kept { request, phrase }).await);
    drop(tell.send(Happened::SpeechEnded { request }).await);
}

/// Has a sentence spoken.
pub(super) async fn speak(target: VoiceTarget, request: u32, text: String, tell: Sender<Happened>) {
    let order = order(&target, &text);
    let VoiceTarget { url, key, reach, .. } = &target;
    let mut speech = match voice::speak(url, key, &order, REQUEST, reach).await {
        Ok(speech) => speech,
        Err(error) => return drop(tell.send(failed(request, &error)).await),
    };
    while let Some(piece) = speech.next().await {
        let happened = match piece {
            Ok(audio) => Happened::Sound { request, audio },
            Err(error) => return drop(tell.send(failed(request, &error)).await),
        };
        drop(tell.send(happened).await);
    }
    drop(tell.send(Happened::SpeechEnded { request }).await);
}

fn failed(request: u32, error: &trunkline_connectors::http::RequestError) -> Happened {
    let retry = error.advice().is_retryable();
    Happened::SpeechFailed { request, reason: error.to_string(), retry }
}
