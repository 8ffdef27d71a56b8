//! What the services of a speech pipeline send, and what is made of it for them.

use trunkline_core::pipeline::{Checked, Guard, Sentences};
use trunkline_core::wire::chat::{ChatEvent, Stream, StreamError};
use trunkline_core::wire::deepgram::{Closing, Listen};
use trunkline_core::wire::recogniser::{Dialogue, Hearing, RecogniserEvent};
use trunkline_core::wire::refusal::{Advice, Refusal};
use trunkline_core::wire::transcription::Transcribe;
use trunkline_core::wire::{azure_speech, elevenlabs};

use super::{halves, text};

fn answer(pieces: &mut dyn Iterator<Item = &[u8]>) -> (Vec<ChatEvent>, Result<(), StreamError>) {
    let (mut stream, mut events) = (Stream::default(), Vec::new());
    for piece in pieces {
        if let Err(error) = stream.push(piece, &mut events) {
            return (events, Err(error));
        }
    }
    let end = stream.finish(&mut events);
    (events, end)
}

/// A language model's streamed answer: the same wherever it is cut. The first byte
/// is the length of the pieces.
pub fn chat_stream(bytes: &[u8]) {
    let Some((length, bytes)) = bytes.split_first() else { return };
    let whole = answer(&mut std::iter::once(bytes));
    let cut = answer(&mut bytes.chunks(usize::from(*length).max(1)));
    assert_eq!(whole, cut, "cut every {length} bytes");
    let shown = format!("{whole:?}");
    assert!(shown.len() < 100 * bytes.len() + 4_096, "what is shown is in proportion");
}

/// What recognisers of both dialects say, a message a line, with audio between them;
/// and why they close, a reason being a message too.
pub fn recogniser(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let both =
        [Hearing::Deepgram(Listen::default()), Hearing::Transcription(Transcribe::default())];
    for hearing in both {
        let mut dialogue = Dialogue::new(&hearing);
        let mut events = Vec::new();
        drop(dialogue.open());
        for (number, line) in text.lines().enumerate() {
            drop(dialogue.audio(&[0xff; 160]));
            drop(dialogue.read(line, &mut events));
            if number % 4 == 3 {
                drop(dialogue.finalize());
            }
        }
        for event in &events {
            if let RecogniserEvent::Final { from_ms, to_ms, .. } = event {
                assert!(from_ms <= to_ms, "{from_ms} to {to_ms}");
            }
        }
        let shown = format!("{events:?}");
        assert!(shown.len() < 200 * text.len() + 4_096, "what is shown is in proportion");
    }
    let code = bytes.iter().fold(0_u16, |code, byte| code.wrapping_mul(31) ^ u16::from(*byte));
    assert_ne!(
        Closing::read(code, text).advice(),
        Advice::Wait,
        "nobody asks for a wait by closing"
    );
}

/// A service's refusal: its status, how long to wait, and its body.
pub fn refusals(bytes: &[u8]) {
    let (wait, body) = halves(bytes);
    let wait = String::from_utf8_lossy(wait);
    for status in [400, 401, 404, 429, 500, 503] {
        let refusal = Refusal::read(status, Some(&wait), body);
        assert!(refusal.message.len() <= 303, "{} bytes", refusal.message.len());
        assert!(refusal.retry_after_ms.is_none_or(|wait| wait <= 120_000));
        drop((refusal.advice(), refusal.to_string()));
    }
}

/// What a model writes on its way to the voices: sentences, the guard, and requests
/// that no text leaves its place in. The first byte is the length of the pieces.
pub fn sentences(bytes: &[u8]) {
    let Some((length, bytes)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    let chars: Vec<char> = text.chars().collect();
    let (mut sentences, mut guard) = (Sentences::default(), Guard::new(&[]));
    guard.begin();
    let mut spoken = Vec::new();
    for piece in chars.chunks(usize::from(*length).max(1)) {
        sentences.push(&piece.iter().collect::<String>());
        spoken.extend(std::iter::from_fn(|| sentences.next_whole()));
    }
    spoken.extend(sentences.rest());
    let read: usize = spoken.iter().map(|sentence| sentence.spoken.len()).sum();
    assert!(read < 40 * text.len() + 4_096, "what is read out is in proportion");
    for sentence in spoken {
        let (Checked::Fine(sentence) | Checked::Replaced(sentence)) = guard.check(sentence) else {
            continue;
        };
        assert!(!guard.is_unsafe(&sentence.written), "{}", sentence.written);
        stays_a_text(&sentence.spoken);
    }
}

fn stays_a_text(text: &str) {
    let utterance = azure_speech::Utterance { voice: "de-DE-Katja", rate_percent: 110, text };
    let ssml = utterance.ssml();
    let document = roxmltree::Document::parse(&ssml).expect("what is written is XML");
    let names = document.descendants().filter(roxmltree::Node::is_element);
    let names: Vec<_> = names.map(|element| element.tag_name().name()).collect();
    assert_eq!(names, ["speak", "voice", "prosody"], "{ssml}");
    let utterance = elevenlabs::Utterance {
        model: elevenlabs::DEFAULT_MODEL,
        language: None,
        rate_percent: 110,
        text,
        previous_text: Some(text),
    };
    let body: serde_json::Value =
        serde_json::from_str(&utterance.body()).expect("what is written is JSON");
    assert_eq!(body["text"], text);
}
