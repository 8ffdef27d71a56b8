//! Tools that the model calls.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::json;

use crate::ids::{ResponseId, ToolCallId};
use crate::pii::Personal;
use crate::time::Micros;
use crate::turn::sequencer::Purpose;
use crate::wire::realtime::{ClientEvent, Item};

use super::ending::TransferBy;
use super::{
    Call, Child, EndCause, Metric, Output, Phase, RESPONSE_TIMEOUT, Sentence, Timer, ToolEffect,
    ToolOutcome,
};

/// Calls remembered once they were taken on. A phone call has a few dozen.
const REMEMBERED_CALLS: usize = 256;

/// How long after the last word a filler may follow.
const FILLER_GAP: Micros = Micros::from_millis(400);

#[derive(Debug, Serialize)]
struct Running {
    call_id: ToolCallId,
    name: String,
    response: ResponseId,
    started_at: Micros,
}

/// See the module's text.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tooling {
    running: Vec<Running>,
    /// The last calls that were taken on, so that none is run twice.
    taken_on: VecDeque<ToolCallId>,
    /// Results were given to the model that it has not been asked to speak about.
    unanswered: bool,
    /// The last response that called a tool.
    called_by: Option<ResponseId>,
}

impl Tooling {
    fn take(&mut self, call_id: &ToolCallId) -> Option<Running> {
        let index = self.running.iter().position(|r| r.call_id == *call_id)?;
        Some(self.running.remove(index))
    }

    /// Whether `response` called a tool.
    pub(super) fn was_called_by(&self, response: &ResponseId) -> bool {
        self.called_by.as_ref() == Some(response)
    }

    fn runs(&self, call_id: &ToolCallId) -> bool {
        self.running.iter().any(|r| r.call_id == *call_id)
    }

    pub(super) fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// An answer is on its way, and whatever results there are, it is about them.
    pub(super) fn results_answered(&mut self) {
        self.unanswered = false;
    }

    /// Takes note of a call; answers whether it is a new one.
    fn take_on(&mut self, call_id: &ToolCallId) -> bool {
        if self.taken_on.contains(call_id) {
            return false;
        }
        self.taken_on.push_back(call_id.clone());
        if self.taken_on.len() > REMEMBERED_CALLS {
            self.taken_on.pop_front();
        }
        true
    }
}

impl Call {
    /// The model wants a tool run. One that belongs to a cancelled response, or
    /// was asked for already, is not run.
    pub(super) fn function_call(
        &mut self,
        response: &ResponseId,
        call_id: ToolCallId,
        name: String,
        arguments: Personal,
        now: Micros,
    ) {
        if self.sequencer.current() != Some(response) || !self.tooling.take_on(&call_id) {
            self.stale("function_call");
            return;
        }
        self.timers.clear(&Timer::Watchdog);
        self.timers.clear(&Timer::DeadAir);
        self.timers.set(Timer::ResponseMute, now + RESPONSE_TIMEOUT);
        self.tally.tool_calls += 1;
        self.waterfall.tool_began(now);
        self.event("tool_called", json!({ "tool": name, "call": call_id.as_str() }));
        self.history.tool_call(call_id.clone(), name.clone(), arguments.expose().to_owned());
        let limits = &self.settings.tenant.limits;
        let slow = now + Micros::from_millis(limits.slow_tool_ms);
        let timeout = now + Micros::from_millis(limits.tool_timeout_ms);
        self.timers.set(Timer::SlowTool(call_id.clone()), slow);
        self.timers.set(Timer::ToolTimeout(call_id.clone()), timeout);
        self.tooling.called_by = Some(response.clone());
        self.tooling.running.push(Running {
            call_id: call_id.clone(),
            name: name.clone(),
            response: response.clone(),
            started_at: now,
        });
        if self.children.is_up(Child::ToolRunner) {
            self.out(Output::RunTool { call_id, name, arguments });
        } else {
            self.tool_finished(&call_id, &failed("tools are not available"), now);
        }
    }

    pub(super) fn tool_finished(
        &mut self,
        call_id: &ToolCallId,
        outcome: &ToolOutcome,
        now: Micros,
    ) {
        if let ToolEffect::CollectDigits(plan) = outcome.effect
            && self.tooling.runs(call_id)
            && !matches!(self.phase, Phase::Goodbye(_))
        {
            if self.is_collecting(call_id) {
                self.stale("tool_result");
            } else {
                self.begin_collecting(call_id, plan, now);
            }
            return;
        }
        let Some(tool) = self.tooling.take(call_id) else {
            self.stale("tool_result");
            return;
        };
        if self.is_collecting(call_id) {
            self.forget_collecting();
        }
        self.timers.clear(&Timer::SlowTool(call_id.clone()));
        self.timers.clear(&Timer::ToolTimeout(call_id.clone()));
        let took = now.since(tool.started_at);
        self.waterfall.tool_ended(now);
        self.out(Output::Metric(Metric::ToolTime(took)));
        self.event(
            "tool_finished",
            json!({ "tool": tool.name, "call": call_id.as_str(), "ok": outcome.ok, "took_ms": took.as_millis() }),
        );
        let output = outcome.output.expose().to_owned();
        self.history.tool_result(call_id.clone(), output.clone());
        if self.session.is_ready() {
            let item = Item::FunctionCallOutput { call_id: call_id.clone(), output };
            self.out(Output::Model(ClientEvent::CreateItem(item)));
        }
        match outcome.effect {
            ToolEffect::GoOn | ToolEffect::CollectDigits(_) => {
                self.tooling.unanswered = true;
                self.answer_tools(now);
            }
            ToolEffect::TextSent => {
                self.silence_watch.text_sent();
                self.tooling.unanswered = true;
                self.answer_tools(now);
            }
            ToolEffect::EndCall => {
                let spoke = self.speech.response_spoke(&tool.response);
                self.begin_goodbye(EndCause::Agent { farewell_said: spoke }, now);
            }
            ToolEffect::Transfer => self.transfer(TransferBy::Agent, now),
        }
    }

    /// When the last of a response's tools is done and the response is over, the
    /// model speaks about the results: one answer for all of them.
    pub(super) fn answer_tools(&mut self, now: Micros) {
        let busy = self.tooling.is_running() || self.sequencer.is_live();
        // The end of what the caller is saying asks for an answer to it all.
        let caller = self.floor.caller_speaking || self.floor.turn_open;
        let somebody = !caller && self.machine.is_none();
        let may_speak = somebody && !matches!(self.phase, Phase::Goodbye(_));
        if self.tooling.unanswered && !busy && may_speak {
            self.want(Purpose::Answer, now);
        }
    }

    /// A tool takes its time: the caller hears that something is happening.
    pub(super) fn tool_slow(&mut self, call_id: &ToolCallId, now: Micros) {
        let over = matches!(self.phase, Phase::Goodbye(_));
        if over || !self.tooling.runs(call_id) || self.settings.script.filler.is_none() {
            return;
        }
        if self.floor.caller_speaking || self.is_audible(now) || self.sequencer.is_live() {
            // Somebody is speaking: the silence is yet to come.
            let again = self.clock.ends_at().max(now) + FILLER_GAP;
            self.timers.set(Timer::SlowTool(call_id.clone()), again);
            return;
        }
        self.event("filler", json!({ "call": call_id.as_str() }));
        self.waterfall.filler(now);
        self.say(Sentence::Filler, now);
    }

    pub(super) fn tool_timed_out(&mut self, call_id: &ToolCallId, now: Micros) {
        self.tool_finished(call_id, &failed("it took too long"), now);
    }

    /// Nobody will bring the results of the tools that run. Keys are brought by the
    /// caller.
    pub(super) fn fail_running_tools(&mut self, now: Micros) {
        let ids: Vec<ToolCallId> = self.tooling.running.iter().map(|r| r.call_id.clone()).collect();
        for call_id in ids.into_iter().filter(|id| !self.is_collecting(id)).collect::<Vec<_>>() {
            self.tool_finished(&call_id, &failed("it was interrupted"), now);
        }
    }
}

fn failed(why: &str) -> ToolOutcome {
    let output = json!({ "error": why, "hint": "Tell the caller, and offer another way." });
    ToolOutcome { output: Personal::new(output.to_string()), ok: false, effect: ToolEffect::GoOn }
}
