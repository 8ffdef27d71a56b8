//! What a language model writes of an answer, and who writes it instead when it
//! does not.

use crate::time::Micros;
use crate::turn::waterfall::Stage;

use super::super::{Measure, Output, Pipeline, Question, Thought, ThrownAway};
use super::STALLED;

/// How long a language model may think before another one is asked instead.
const FIRST_TOKEN: Micros = Micros::from_millis(1_500);
/// The same where there is no other.
const FIRST_TOKEN_OF_LAST: Micros = Micros::from_millis(5_000);

/// A language model at work.
#[derive(Debug)]
pub(super) struct Thinking {
    pub(super) request: u32,
    pub(super) provider: usize,
    pub(super) begun: bool,
    pub(super) asked_at: Micros,
    pub(super) until: Micros,
}

impl Pipeline {
    /// Asks a language model that has not been asked for this answer.
    pub(in crate::pipeline) fn ask(&mut self, now: Micros) {
        let request = self.count();
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(provider) = self.agents.pick_beside(&answer.tried, now) else {
            answer.error.get_or_insert_with(|| "no language model answers".to_owned());
            return;
        };
        answer.tried.push(provider);
        let last = self.agents.pick_beside(&answer.tried, now).is_none();
        let patience = if last { FIRST_TOKEN_OF_LAST } else { FIRST_TOKEN };
        let until = now + patience;
        answer.waited_since.get_or_insert(now);
        let again = answer.tried.len() > 1;
        let asked_at = now;
        answer.thinking = Some(Thinking { request, provider, begun: false, asked_at, until });
        let tools = if answer.without_tools { Vec::new() } else { self.settings.tools.clone() };
        let messages = match &answer.guess {
            Some(guess) => guess.messages.clone(),
            None => self.history.messages(answer.instructions.as_deref()),
        };
        let question = Question { request, provider, messages, tools };
        self.outputs.push_back(Output::Ask(Box::new(question)));
        if again {
            self.measure(Measure::Failover("agent"));
        }
    }

    pub(in crate::pipeline) fn thought(&mut self, request: u32, event: Thought, now: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(thinking) = answer.thinking.as_mut().filter(|t| t.request == request) else {
            return;
        };
        let is_first = matches!(event, Thought::Text(_) | Thought::Call(_)) && !thinking.begun;
        if is_first {
            let measure = Measure::FirstToken(now.since(thinking.asked_at));
            self.outputs.push_back(Output::Measured(measure));
            self.reached(Stage::FirstToken, now);
        }
        self.take_thought(event, now);
    }

    fn take_thought(&mut self, event: Thought, now: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(thinking) = &mut answer.thinking else {
            return;
        };
        match event {
            Thought::Text(text) => {
                thinking.begun = true;
                thinking.until = now + STALLED;
                answer.sentences.push(text.expose());
                answer.take_sentences();
            }
            Thought::Call(call) => {
                thinking.begun = true;
                thinking.until = now + STALLED;
                answer.calls.push(call);
            }
            Thought::Finished { usage } => {
                self.agents.worked(thinking.provider);
                answer.usage = usage;
                answer.thinking = None;
                answer.queue.extend(answer.sentences.rest());
            }
            Thought::Failed { reason, retry } => self.thinking_failed(&reason, retry, now),
        }
    }

    /// Before the first token another model takes over; after it, what was written
    /// is what there is.
    pub(super) fn thinking_failed(&mut self, reason: &str, retry: bool, now: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(thinking) = answer.thinking.take() else {
            return;
        };
        self.agents.failed(thinking.provider, !retry, now);
        self.outputs.push_back(Output::StopAsking { request: thinking.request });
        if !thinking.begun && self.agents.pick_beside(&answer.tried, now).is_some() {
            self.ask(now);
            return;
        }
        if answer.is_guess() {
            self.throw_away(ThrownAway::Failed);
            return;
        }
        // Arguments may be missing.
        answer.calls.clear();
        answer.error = Some(reason.to_owned());
        // A sentence that breaks off is better than none, and not as good as those
        // before it.
        let none = answer.queue.is_empty() && answer.speaking.is_none();
        let only = none && !answer.announced;
        let rest = answer.sentences.rest();
        answer.queue.extend(rest.filter(|_| only && thinking.begun));
    }
}
