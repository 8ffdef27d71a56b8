//! The language model: one request for each turn, its answer event by event.

use std::collections::VecDeque;

use trunkline_core::wire::chat::{
    ChatEvent, Request, Stream, StreamError, headers, request_target,
};
use trunkline_core::wire::refusal::Advice;

use crate::http::{Body, Patience, RequestError, post};
use crate::reach::Reach;

/// Longest answer that is read, in bytes: chunks are a few hundred bytes for
/// each token.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Why an answer cannot be had, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The request, or its connection.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// What the answer says.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

impl ChatError {
    /// What it asks of us. Asking again is for those who have used nothing of
    /// the answer yet.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Request(error) => error.advice(),
            Self::Stream(error) => error.advice(),
        }
    }
}

/// An answer under way. Dropping it cancels it.
#[derive(Debug)]
pub struct Answer {
    body: Body,
    stream: Stream,
    events: VecDeque<ChatEvent>,
    state: State,
}

#[derive(Debug)]
enum State {
    Reading,
    /// To be told once the events before it are.
    Failed(ChatError),
    Complete,
    Over,
}

/// Asks the service at `base_url`.
///
/// # Errors
/// When it does not answer in time, or refuses.
pub async fn ask(
    base_url: &str,
    api_key: &str,
    request: &Request<'_>,
    patience: Patience,
    reach: &Reach,
) -> Result<Answer, ChatError> {
    let url = request_target(base_url).map_err(RequestError::from)?;
    let body =
        post(&url, &headers(api_key), request.write(), MAX_ANSWER_BYTES, patience, reach).await?;
    Ok(Answer { body, stream: Stream::default(), events: VecDeque::new(), state: State::Reading })
}

impl Answer {
    /// The next event. `None` after [`ChatEvent::Done`] or an error; whoever asks
    /// once more after `Done` lets the connection serve the next request. May be
    /// cancelled and called again.
    ///
    /// # Errors
    /// When the answer breaks off. All that came before has been told then.
    pub async fn next(&mut self) -> Option<Result<ChatEvent, ChatError>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return None,
                State::Failed(error) => return Some(Err(error)),
                State::Complete => {
                    self.body.end().await;
                    return None;
                }
                State::Reading => {
                    // Set first: this may be cancelled at the await.
                    self.state = State::Reading;
                    let piece = self.body.next().await;
                    self.state = self.read(piece);
                }
            }
        }
    }

    fn read(&mut self, piece: Option<Result<bytes::Bytes, RequestError>>) -> State {
        let mut events = Vec::new();
        let read = match piece {
            Some(Ok(bytes)) => self.stream.push(&bytes, &mut events).map_err(ChatError::from),
            Some(Err(error)) => Err(ChatError::from(error)),
            None => self.stream.finish(&mut events).map_err(ChatError::from),
        };
        self.events.extend(events);
        match read {
            // What breaks after the last event breaks nothing.
            _ if self.stream.is_done() => State::Complete,
            Ok(()) => State::Reading,
            Err(error) => State::Failed(error),
        }
    }
}
