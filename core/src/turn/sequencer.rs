//! The response sequencer: at most one response of the model is open.
//!
//! Asking for a response while one is open is an error at the model, cancelling
//! one that has not been announced yet does nothing there, and a cancelled one
//! ends in its own time. The sequencer holds requests back, merges those that
//! wait, keeps a cancellation in mind until there is an id to cancel, and knows
//! from each response's id whether it may still be heard.

use serde::Serialize;

use crate::ids::ResponseId;
use crate::time::Micros;

/// What a response is for. A newer request replaces one that still waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Purpose {
    /// The first sentence of the call.
    Greeting,
    /// An answer to the caller's turn, or to a tool's result.
    Answer,
    /// A set sentence, to be said word for word.
    Say(String),
    /// The end of a call that has run as long as it may: why, what was agreed, and
    /// a goodbye.
    WrapUp,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
enum State {
    #[default]
    Idle,
    Requested {
        purpose: Purpose,
        cancelled: bool,
    },
    Open {
        id: ResponseId,
        purpose: Purpose,
        /// Whether it answers a request of ours, rather than being the model's own idea.
        asked: bool,
        cancelled_at: Option<Micros>,
    },
    /// The model refused a request because of a response that is unknown here.
    /// What was asked for waits for that one's end.
    Refused,
}

/// What is to be sent to the model now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Create a response.
    Create(Purpose),
    /// Cancel this one.
    Cancel(ResponseId),
}

/// What the model's announcement of a response means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announced {
    /// The one that was asked for, or one that the model began by itself.
    Current(Purpose),
    /// It had been cancelled before it was announced: cancel it now.
    CancelNow,
    /// It is the open one, which was announced before.
    Again,
    /// Another one is open; this one is not ours to play.
    Stray,
}

/// See the module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sequencer {
    state: State,
    waiting: Option<Purpose>,
}

impl Sequencer {
    /// A response is wanted. Answers what to send, if it can be sent now.
    pub fn want(&mut self, purpose: Purpose) -> Option<Step> {
        if self.state == State::Idle {
            self.state = State::Requested { purpose: purpose.clone(), cancelled: false };
            return Some(Step::Create(purpose));
        }
        self.waiting = Some(purpose);
        None
    }

    /// What waits is wanted no more.
    pub fn drop_waiting(&mut self) {
        self.waiting = None;
        if self.state == State::Refused {
            self.state = State::Idle;
        }
    }

    /// The model announced a response.
    pub fn announced(&mut self, id: &ResponseId, now: Micros) -> Announced {
        match std::mem::take(&mut self.state) {
            State::Requested { purpose, cancelled } => {
                let cancelled_at = cancelled.then_some(now);
                let announced = if cancelled {
                    Announced::CancelNow
                } else {
                    Announced::Current(purpose.clone())
                };
                self.state = State::Open { id: id.clone(), purpose, asked: true, cancelled_at };
                announced
            }
            State::Idle | State::Refused => {
                let purpose = Purpose::Answer;
                self.state = State::Open {
                    id: id.clone(),
                    purpose: purpose.clone(),
                    asked: false,
                    cancelled_at: None,
                };
                Announced::Current(purpose)
            }
            State::Open { id: open, purpose, asked, cancelled_at } => {
                let announced = if open == *id { Announced::Again } else { Announced::Stray };
                self.state = State::Open { id: open, purpose, asked, cancelled_at };
                announced
            }
        }
    }

    /// The model says a response is over. Answers whether it was the open one,
    /// and what to send next.
    pub fn finished(&mut self, id: &ResponseId) -> (bool, Option<Step>) {
        match &self.state {
            State::Open { id: open, .. } if open == id => (true, self.free()),
            State::Refused => (false, self.free()),
            State::Open { .. } | State::Requested { .. } | State::Idle => (false, None),
        }
    }

    /// The open response is to stop, and so is any that waits. Answers what to
    /// send; nothing when there is nothing to cancel or its id is not known yet.
    pub fn cancel(&mut self, now: Micros) -> Option<Step> {
        self.waiting = None;
        match &mut self.state {
            State::Idle => None,
            State::Refused => {
                self.state = State::Idle;
                None
            }
            State::Requested { cancelled, .. } => {
                *cancelled = true;
                None
            }
            State::Open { id, cancelled_at, .. } => {
                let first = cancelled_at.is_none();
                cancelled_at.get_or_insert(now);
                first.then(|| Step::Cancel(id.clone()))
            }
        }
    }

    /// The model refused a request because another response was open: wait for
    /// that one's end, then ask again. Where that other one has been announced it
    /// was taken for the one that was asked for.
    pub fn refused_as_busy(&mut self) {
        match std::mem::take(&mut self.state) {
            State::Requested { purpose, cancelled } => {
                if !cancelled {
                    self.waiting.get_or_insert(purpose);
                }
                if self.waiting.is_some() {
                    self.state = State::Refused;
                }
            }
            State::Open { id, purpose, asked: true, cancelled_at } => {
                if cancelled_at.is_none() {
                    self.waiting.get_or_insert(purpose);
                }
                let purpose = Purpose::Answer;
                self.state = State::Open { id, purpose, asked: false, cancelled_at };
            }
            unasked @ (State::Open { .. } | State::Refused | State::Idle) => self.state = unasked,
        }
    }

    /// The model never said that the cancelled response ended: stop waiting for it.
    pub fn give_up(&mut self) -> Option<Step> {
        match &self.state {
            State::Requested { cancelled: true, .. }
            | State::Open { cancelled_at: Some(_), .. } => self.free(),
            State::Requested { .. } | State::Open { .. } | State::Refused | State::Idle => None,
        }
    }

    /// The session is gone, and with it whatever was open. Answers what was
    /// wanted and has not been said.
    pub fn reset(&mut self) -> Option<Purpose> {
        let open = match std::mem::take(&mut self.state) {
            State::Requested { purpose, cancelled: false } => Some(purpose),
            State::Open { purpose, cancelled_at: None, .. } => Some(purpose),
            State::Requested { .. } | State::Open { .. } | State::Refused | State::Idle => None,
        };
        self.waiting.take().or(open)
    }

    /// Whether no response is open, asked for or waiting.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle && self.waiting.is_none()
    }

    /// The open response that may be heard.
    #[must_use]
    pub fn current(&self) -> Option<&ResponseId> {
        match &self.state {
            State::Open { id, cancelled_at: None, .. } => Some(id),
            State::Open { .. } | State::Requested { .. } | State::Refused | State::Idle => None,
        }
    }

    /// What the open response that may be heard is for.
    #[must_use]
    pub fn purpose(&self) -> Option<&Purpose> {
        match &self.state {
            State::Open { purpose, cancelled_at: None, .. } => Some(purpose),
            State::Open { .. } | State::Requested { .. } | State::Refused | State::Idle => None,
        }
    }

    /// Whether a cancelled request has not been announced yet, so that there is
    /// nothing to cancel by name.
    #[must_use]
    pub fn awaits_cancelled(&self) -> bool {
        matches!(self.state, State::Requested { cancelled: true, .. })
    }

    /// Whether a response was asked for or is open, and has not been cancelled.
    #[must_use]
    pub fn is_live(&self) -> bool {
        match &self.state {
            State::Idle | State::Refused => false,
            State::Requested { cancelled, .. } => !cancelled,
            State::Open { cancelled_at, .. } => cancelled_at.is_none(),
        }
    }

    /// Whether there is, or will be, something to say. A cancelled response that
    /// has yet to end is nothing.
    #[must_use]
    pub fn has_more_to_say(&self) -> bool {
        self.is_live() || self.waiting.is_some()
    }

    fn free(&mut self) -> Option<Step> {
        self.state = State::Idle;
        self.waiting.take().and_then(|purpose| self.want(purpose))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn id(name: &str) -> ResponseId {
        ResponseId::parse(name).unwrap()
    }

    const NOW: Micros = Micros::ZERO;

    #[test]
    fn a_second_request_waits_for_the_first_to_end_and_requests_merge() {
        let mut seq = Sequencer::default();
        assert_eq!(seq.want(Purpose::Greeting), Some(Step::Create(Purpose::Greeting)));
        assert_eq!(seq.want(Purpose::Answer), None);
        assert_eq!(seq.want(Purpose::Answer), None);
        assert_eq!(seq.announced(&id("r1"), NOW), Announced::Current(Purpose::Greeting));
        assert_eq!(seq.finished(&id("r1")), (true, Some(Step::Create(Purpose::Answer))));
        assert_eq!(seq.announced(&id("r2"), NOW), Announced::Current(Purpose::Answer));
        assert_eq!(seq.finished(&id("r2")), (true, None));
        assert!(seq.is_idle());
    }

    #[test]
    fn a_cancel_before_the_announcement_is_kept_and_made_once_the_id_is_known() {
        let mut seq = Sequencer::default();
        seq.want(Purpose::Answer);
        assert_eq!(seq.cancel(NOW), None);
        assert!(!seq.is_live());
        assert_eq!(seq.announced(&id("r1"), NOW), Announced::CancelNow);
        assert_eq!(seq.current(), None);
        assert_eq!(seq.cancel(NOW), None, "cancelling twice sends nothing more");
    }

    #[test]
    fn what_is_wanted_while_a_cancelled_response_lingers_waits_for_its_end() {
        let mut seq = Sequencer::default();
        seq.want(Purpose::Answer);
        seq.announced(&id("r1"), NOW);
        assert_eq!(seq.cancel(NOW), Some(Step::Cancel(id("r1"))));
        assert_eq!(seq.want(Purpose::Answer), None);
        assert_eq!(seq.finished(&id("other")), (false, None));
        assert_eq!(seq.finished(&id("r1")), (true, Some(Step::Create(Purpose::Answer))));
    }

    #[test]
    fn a_refusal_because_another_is_open_is_asked_again_after_its_end() {
        let mut seq = Sequencer::default();
        seq.want(Purpose::Answer);
        seq.refused_as_busy();
        assert!(!seq.is_idle());
        assert_eq!(seq.announced(&id("theirs"), NOW), Announced::Current(Purpose::Answer));
        assert_eq!(seq.finished(&id("theirs")).1, Some(Step::Create(Purpose::Answer)));
    }

    #[test]
    fn a_refusal_because_of_an_unknown_response_is_asked_again_when_anything_ends() {
        let mut seq = Sequencer::default();
        seq.want(Purpose::Answer);
        seq.refused_as_busy();
        assert_eq!(seq.want(Purpose::Greeting), None, "asking again would be refused again");
        let again = Some(Step::Create(Purpose::Greeting));
        assert_eq!(seq.finished(&id("forgotten")), (false, again));
        assert!(seq.is_live());
    }

    #[test]
    fn a_refusal_after_the_models_own_response_was_announced_keeps_both() {
        let mut seq = Sequencer::default();
        seq.want(Purpose::Greeting);
        seq.announced(&id("theirs"), NOW);
        seq.refused_as_busy();
        assert_eq!(seq.current(), Some(&id("theirs")));
        seq.refused_as_busy();
        let again = Some(Step::Create(Purpose::Greeting));
        assert_eq!(seq.finished(&id("theirs")), (true, again));
    }

    #[test]
    fn an_announcement_that_comes_twice_changes_nothing() {
        let mut seq = Sequencer::default();
        seq.want(Purpose::Greeting);
        seq.announced(&id("r1"), NOW);
        let before = seq.clone();
        assert_eq!(seq.announced(&id("r1"), NOW), Announced::Again);
        assert_eq!(seq, before);
        assert_eq!(seq.announced(&id("r2"), NOW), Announced::Stray);
        assert_eq!(seq, before);
    }

    #[test]
    fn what_waits_is_something_to_say_and_a_cancel_takes_it_back() {
        let mut seq = Sequencer::default();
        seq.want(Purpose::Answer);
        seq.announced(&id("r1"), NOW);
        seq.cancel(NOW);
        assert!(!seq.has_more_to_say());
        seq.want(Purpose::Answer);
        assert!(!seq.is_live() && seq.has_more_to_say());
        assert_eq!(seq.cancel(NOW), None);
        assert_eq!(seq.finished(&id("r1")), (true, None));
    }

    #[test]
    fn a_lost_session_gives_back_what_was_wanted() {
        let mut seq = Sequencer::default();
        seq.want(Purpose::Greeting);
        assert_eq!(seq.reset(), Some(Purpose::Greeting));
        assert!(seq.is_idle());
    }
}
