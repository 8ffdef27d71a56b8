//! Answers that end before they are whole, byte for byte as a socket brings them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use trunkline_connectors::http::{Patience, RequestError};
use trunkline_connectors::reach::Reach;
use trunkline_connectors::voice::{Order, speak};
use trunkline_core::wire::{azure_speech, elevenlabs};

const PATIENCE: Patience = Patience {
    first_byte: Duration::from_secs(20),
    idle: Duration::from_secs(20),
    whole: Duration::from_secs(60),
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: audio/basic\r\n";

/// How a connection ends behind what was sent on it.
#[derive(Clone, Copy)]
enum End {
    Closed,
    Reset,
    /// It stays.
    Kept,
}

/// Answers one request by these bytes, and ends the connection so.
fn answer(listener: &TcpListener, bytes: &str, end: End) -> TcpStream {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut piece = [0; 1_024];
    while !request.ends_with(b"</speak>") && !request.ends_with(b"}") {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "the request breaks off");
        request.extend(piece.iter().take(read));
    }
    stream.write_all(bytes.as_bytes()).unwrap();
    match end {
        End::Closed => stream.shutdown(Shutdown::Both).unwrap(),
        End::Reset => {
            // What was sent is there before the reset takes the rest.
            std::thread::sleep(Duration::from_millis(200));
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
        End::Kept => {}
    }
    stream
}

/// What a voice's client makes of such an answer: the audio, and how it ended.
async fn heard(order: &Order<'_>, bytes: &str, end: End) -> (String, Option<RequestError>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let bytes = bytes.to_owned();
    let there = actix_rt::task::spawn_blocking(move || {
        let stream = answer(&listener, &bytes, end);
        matches!(end, End::Kept).then_some(stream)
    });
    let mut speech = match speak(&base, "key", order, PATIENCE, &Reach::Anywhere).await {
        Ok(speech) => speech,
        Err(error) => return (String::new(), Some(error)),
    };
    let mut audio = String::new();
    let mut failed = None;
    while let Some(piece) = speech.next().await {
        match piece {
            Ok(piece) => audio.push_str(std::str::from_utf8(&piece).unwrap()),
            Err(error) => failed = Some(error),
        }
    }
    drop(there.await.unwrap());
    (audio, failed)
}

fn orders() -> [Order<'static>; 2] {
    let azure =
        azure_speech::Utterance { voice: "en-US-AvaNeural", rate_percent: 100, text: "Hello." };
    let elevenlabs = elevenlabs::Utterance {
        model: elevenlabs::DEFAULT_MODEL,
        language: None,
        rate_percent: 100,
        text: "Hello.",
        previous_text: None,
    };
    [Order::Azure(azure), Order::ElevenLabs { voice_id: "Rachel", utterance: elevenlabs }]
}

#[actix_rt::test]
async fn a_voice_that_breaks_off_is_never_taken_for_one_that_has_finished() {
    let chunked = format!("{OK}transfer-encoding: chunked\r\n\r\n");
    let sized = format!("{OK}content-length: 9\r\n\r\n");
    let broken = [
        // Between two chunks, within one, within a chunk's length, and before the
        // empty last one's end.
        (format!("{chunked}4\r\naaaa\r\n"), "aaaa"),
        (format!("{chunked}4\r\naaaa\r\n8\r\nbb"), "aaaabb"),
        (format!("{chunked}4\r\naaaa\r\n1"), "aaaa"),
        (format!("{chunked}4\r\naaaa\r\n0\r\n"), "aaaa"),
        (chunked.clone(), ""),
        (format!("{sized}aaaabbbb"), "aaaabbbb"),
        (sized.clone(), ""),
    ];
    for order in orders() {
        for (bytes, came) in &broken {
            for end in [End::Closed, End::Reset] {
                let (audio, error) = heard(&order, bytes, end).await;
                let error = error.unwrap_or_else(|| panic!("{bytes:?} passes for whole"));
                assert!(error.advice().is_retryable(), "{error}");
                assert!(came.starts_with(&audio), "{bytes:?}: {audio}");
            }
        }
    }
}

#[actix_rt::test]
async fn a_voice_that_has_finished_is_whole_whatever_its_connection_does() {
    let whole = [
        format!("{OK}transfer-encoding: chunked\r\n\r\n4\r\naaaa\r\n5\r\nbbbbb\r\n0\r\n\r\n"),
        format!("{OK}content-length: 9\r\n\r\naaaabbbbb"),
    ];
    for order in orders() {
        for bytes in &whole {
            for end in [End::Closed, End::Reset, End::Kept] {
                let (audio, error) = heard(&order, bytes, end).await;
                assert_eq!(audio, "aaaabbbbb");
                assert!(error.is_none(), "{bytes:?}: {error:?}");
            }
        }
        // One of the old protocol says nowhere where it ends.
        let old = "HTTP/1.0 200 OK\r\ncontent-type: audio/basic\r\n\r\naaaa";
        let (audio, error) = heard(&order, old, End::Closed).await;
        assert_eq!((audio.as_str(), error.is_none()), ("aaaa", true), "{error:?}");
    }
}
