//! A response's body that is sent piece by piece, each at its time, and may break.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind};
use std::time::Duration;

use actix_web::rt::time::{Instant, sleep, sleep_until};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;

/// Time in which what was sent before a cut leaves for the client.
const FLUSH: Duration = Duration::from_millis(5);

/// What is sent, and when: milliseconds since the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) at_ms: u64,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Bytes(Bytes),
    /// The connection is cut.
    Break,
    /// Nothing more is ever sent, and no end either.
    Never,
}

/// Told how far the body came: pieces sent, and how it ended once it has.
pub(crate) trait Watch {
    fn note(&mut self, sent: u64, status: Option<&'static str>);
}

struct Sending<W: Watch> {
    pieces: VecDeque<Piece>,
    origin: Instant,
    sent: u64,
    ended: bool,
    watch: W,
}

impl<W: Watch> Drop for Sending<W> {
    fn drop(&mut self) {
        if !self.ended {
            self.watch.note(self.sent, Some("cancelled"));
        }
    }
}

impl<W: Watch> Sending<W> {
    fn end(&mut self, status: &'static str) {
        self.ended = true;
        self.watch.note(self.sent, Some(status));
    }
}

/// The body as a stream. `drop_after_ms` and `drop_after_pieces` cut it.
pub(crate) fn body<W: Watch>(
    pieces: Vec<Piece>,
    watch: W,
) -> impl Stream<Item = Result<Bytes, Error>> {
    let sending =
        Sending { pieces: pieces.into(), origin: Instant::now(), sent: 0, ended: false, watch };
    unfold(sending, |mut sending| async move {
        if sending.ended {
            return None;
        }
        let Some(piece) = sending.pieces.pop_front() else {
            sending.end("completed");
            return None;
        };
        sleep_until(sending.origin + Duration::from_millis(piece.at_ms)).await;
        match piece.what {
            What::Bytes(bytes) => {
                sending.sent += 1;
                sending.watch.note(sending.sent, None);
                Some((Ok(bytes), sending))
            }
            What::Break => {
                // Counted from now: the pieces before it are written while this waits.
                sleep(FLUSH).await;
                sending.end("broken");
                Some((Err(Error::new(ErrorKind::ConnectionReset, "cut by a knob")), sending))
            }
            What::Never => std::future::pending().await,
        }
    })
}

/// Cuts a plan of pieces where the knobs say so.
pub(crate) fn cut(pieces: &mut Vec<Piece>, after_ms: Option<u64>, after_pieces: Option<u64>) {
    let by_time = after_ms.map(|ms| (pieces.iter().take_while(|p| p.at_ms < ms).count(), ms));
    let by_count = after_pieces.and_then(|count| usize::try_from(count).ok()).map(|count| {
        let before = count.checked_sub(1).and_then(|last| pieces.get(last));
        (count, before.map_or(0, |piece| piece.at_ms))
    });
    let first = [by_time, by_count].into_iter().flatten().min();
    if let Some((keep, at_ms)) = first.filter(|(keep, _)| *keep <= pieces.len()) {
        pieces.truncate(keep);
        pieces.push(Piece { at_ms, what: What::Break });
    }
}
