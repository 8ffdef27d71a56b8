//! The stretches of a stream that a recogniser of Deepgram's kind makes final. Each
//! begins where the one before it ended, so a place tells the order, and which is told
//! a second time.

use std::collections::VecDeque;

use super::RecogniserEvent;

/// Finals that may wait for one before them. The service has none that is older.
const MOST_WAITING: usize = 2;
/// Stretches remembered once they were final, to know a doubled one by.
const REMEMBERED: usize = 16;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    /// The first stretch with words that are not final yet, as far as it goes.
    open: Option<(u64, u64)>,
    /// Finals that came too early, in their order.
    waiting: Vec<RecogniserEvent>,
    /// The last ones that were told, by their beginning and end.
    told: VecDeque<(u64, u64)>,
    /// Where the speech began that was reported last.
    started_ms: Option<u64>,
}

fn place(event: &RecogniserEvent) -> Option<(u64, u64)> {
    match event {
        RecogniserEvent::Final { from_ms, to_ms, .. } => Some((*from_ms, *to_ms)),
        RecogniserEvent::Ready
        | RecogniserEvent::SpeechStarted { .. }
        | RecogniserEvent::Interim { .. }
        | RecogniserEvent::UtteranceEnd { .. }
        | RecogniserEvent::Unclear { .. }
        | RecogniserEvent::Over { .. }
        | RecogniserEvent::Failed { .. } => None,
    }
}

impl Stretches {
    /// Takes in an event, and gives those whose turn it is.
    pub(super) fn put_in_order(&mut self, event: RecogniserEvent, out: &mut Vec<RecogniserEvent>) {
        match &event {
            RecogniserEvent::Final { from_ms, to_ms, text, .. } => {
                let known = (*from_ms, *to_ms);
                let before = self.waiting.iter().filter_map(place).any(|place| place == known);
                if !text.is_blank() && (before || self.told.contains(&known)) {
                    return;
                }
                self.waiting.push(event);
                self.waiting.sort_by_key(place);
                self.release(out);
            }
            RecogniserEvent::Interim { from_ms, to_ms, text } => {
                if !text.is_blank() {
                    self.has_words(*from_ms, *to_ms);
                }
                out.push(event);
            }
            RecogniserEvent::SpeechStarted { at_ms } => {
                self.started_ms = Some(*at_ms);
                out.push(event);
            }
            // Nothing that waits is waited for behind these.
            RecogniserEvent::UtteranceEnd { .. }
            | RecogniserEvent::Over { .. }
            | RecogniserEvent::Failed { .. } => {
                self.open = None;
                self.release(out);
                out.push(event);
            }
            RecogniserEvent::Ready | RecogniserEvent::Unclear { .. } => out.push(event),
        }
    }

    /// There are words in this stretch, which will be final.
    fn has_words(&mut self, from_ms: u64, to_ms: u64) {
        match &mut self.open {
            Some((begins, ends)) if from_ms < *ends => {
                (*begins, *ends) = ((*begins).min(from_ms), (*ends).max(to_ms));
            }
            Some(_) => {}
            None if self.told.iter().all(|(_, told)| *told <= from_ms) => {
                self.open = Some((from_ms, to_ms));
            }
            // They come late.
            None => {}
        }
    }

    /// Gives the finals before which no words are missing.
    fn release(&mut self, out: &mut Vec<RecogniserEvent>) {
        while let Some((from_ms, to_ms)) = self.waiting.first().and_then(place) {
            let missing = self.open.is_some_and(|(_, end)| end <= from_ms);
            if missing && self.waiting.len() <= MOST_WAITING {
                return;
            }
            let event = self.waiting.remove(0);
            self.open.take_if(|(begins, _)| *begins < to_ms);
            self.told.push_back((from_ms, to_ms));
            if self.told.len() > REMEMBERED {
                self.told.pop_front();
            }
            self.tell(event, to_ms, out);
        }
    }

    /// Somebody who began to speak behind the end that is told now still does.
    fn tell(&mut self, event: RecogniserEvent, to_ms: u64, out: &mut Vec<RecogniserEvent>) {
        let ends = matches!(event, RecogniserEvent::Final { utterance_ends: true, .. });
        out.push(event);
        if let Some(at_ms) = self.started_ms.filter(|at| ends && *at >= to_ms) {
            out.push(RecogniserEvent::SpeechStarted { at_ms });
        }
    }
}
