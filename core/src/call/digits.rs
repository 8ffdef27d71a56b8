//! Keys: "0" means a human, the others are told to the agent, and a tool may ask
//! for several as one entry.

use serde::Serialize;
use serde_json::json;

use crate::ids::ToolCallId;
use crate::pii::Personal;
use crate::time::Micros;
use crate::tools::DigitPlan;
use crate::turn::sequencer::Purpose;
use crate::wire::realtime::{ClientEvent, Item};

use super::ending::TransferBy;
use super::{Call, Output, Phase, Timer, ToolEffect, ToolOutcome};

/// An entry that a tool waits for.
#[derive(Debug, Serialize)]
pub(super) struct Collecting {
    call_id: ToolCallId,
    plan: DigitPlan,
    digits: Personal,
    /// When the last key was pressed, or asked for.
    since: Micros,
}

/// Keys that nobody asked for yet. Who knows the question types before its end, and
/// the tool is asked for then.
#[derive(Debug, Default, Serialize)]
pub(super) struct TypedAhead {
    keys: Personal,
    last_at: Micros,
}

/// How old the last key may be that was typed ahead.
const TYPED_AHEAD: Micros = Micros::from_secs(3);

/// Why an entry is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum EndedBy {
    /// The key that ends it was pressed.
    Terminator,
    /// There are as many as were asked for.
    Length,
    /// No key was pressed for too long.
    Timeout,
    /// The caller spoke instead.
    Speech,
    /// Another entry was asked for.
    Replaced,
}

impl Call {
    /// A key was pressed.
    pub(super) fn digit(&mut self, digit: char, now: Micros) {
        self.silence_watch.caller_is_there();
        if self.collecting.is_some() && !matches!(self.phase, Phase::Goodbye(_)) {
            self.event("dtmf", json!({ "human": false, "collected": true }));
            self.collect(digit, now);
            return;
        }
        self.event("dtmf", json!({ "human": digit == '0' }));
        if digit == '0' {
            self.transfer(TransferBy::Caller, now);
        } else if !matches!(self.phase, Phase::Goodbye(_)) {
            self.tell_agent_of_key(digit, now);
        }
    }

    fn tell_agent_of_key(&mut self, digit: char, now: Micros) {
        let ahead = self.take_typed_ahead(now);
        let keys = Personal::new(format!("{}{digit}", ahead.expose()));
        self.typed_ahead = TypedAhead { keys, last_at: now };
        let text = format!("[The caller pressed the key {digit}.]");
        self.history.caller(&text);
        if self.session.is_ready() {
            self.out(Output::Model(ClientEvent::CreateItem(Item::UserText { text })));
        }
        // A key pressed while speaking is answered with what is being said.
        if !self.floor.turn_open {
            self.floor.turn_ended_at = Some(now);
            self.want(Purpose::Answer, now);
        }
    }

    /// A tool wants keys: it runs until they are there.
    pub(super) fn begin_collecting(&mut self, call_id: &ToolCallId, plan: DigitPlan, now: Micros) {
        self.end_collecting(EndedBy::Replaced, now);
        self.timers.clear(&Timer::SlowTool(call_id.clone()));
        self.timers.clear(&Timer::ToolTimeout(call_id.clone()));
        let facts = json!({ "max_digits": plan.max_digits, "timeout_ms": plan.timeout_ms });
        self.event("collecting_digits", facts);
        let digits = Personal::default();
        let call_id = call_id.clone();
        self.collecting = Some(Collecting { call_id, plan, digits, since: now });
        self.await_key();
        for digit in self.take_typed_ahead(now).expose().chars() {
            if self.collecting.is_some() {
                self.collect(digit, now);
            }
        }
    }

    fn take_typed_ahead(&mut self, now: Micros) -> Personal {
        let TypedAhead { keys, last_at } = std::mem::take(&mut self.typed_ahead);
        if now.since(last_at) <= TYPED_AHEAD { keys } else { Personal::default() }
    }

    /// When an entry is over if no key is pressed. What is being said may be the
    /// very request for the keys.
    fn entry_ends_at(&self) -> Option<Micros> {
        let entry = self.collecting.as_ref()?;
        let from = self.clock.ends_at().max(entry.since);
        Some(from + Micros::from_millis(entry.plan.timeout_ms))
    }

    fn await_key(&mut self) {
        self.timers.set_or_clear(Timer::Digits, self.entry_ends_at());
    }

    fn collect(&mut self, digit: char, now: Micros) {
        if self.clock.is_playing(now) || self.speech.is_waiting() {
            // Who types has heard enough.
            self.silence(now);
        }
        let Some(entry) = &mut self.collecting else {
            return;
        };
        if entry.plan.terminator == Some(digit) {
            self.end_collecting(EndedBy::Terminator, now);
            return;
        }
        entry.digits = Personal::new(format!("{}{digit}", entry.digits.expose()));
        entry.since = now;
        let (most, length) = (entry.plan.max_digits, entry.digits.expose().chars().count());
        if u32::try_from(length).is_ok_and(|length| length >= most) {
            self.end_collecting(EndedBy::Length, now);
        } else {
            self.await_key();
        }
    }

    pub(super) fn digits_due(&mut self, now: Micros) {
        let agent = self.sequencer.is_live() || self.speech.is_waiting();
        if let Some(entry) = self.collecting.as_mut().filter(|_| agent) {
            // It is still being asked for.
            entry.since = now;
        }
        match self.entry_ends_at() {
            Some(at) if at > now => self.await_key(),
            Some(_) => self.end_collecting(EndedBy::Timeout, now),
            None => {}
        }
    }

    /// The caller said something instead, which the model is to hear of together
    /// with what was pressed.
    pub(super) fn spoke_instead_of_keys(&mut self, now: Micros) {
        self.typed_ahead = TypedAhead::default();
        self.end_collecting(EndedBy::Speech, now);
    }

    /// Nobody waits for keys any more.
    pub(super) fn forget_collecting(&mut self) {
        self.collecting = None;
        self.timers.clear(&Timer::Digits);
    }

    /// Whether this call of a tool is an entry that is under way.
    pub(super) fn is_collecting(&self, call_id: &ToolCallId) -> bool {
        self.collecting.as_ref().is_some_and(|entry| entry.call_id == *call_id)
    }

    fn end_collecting(&mut self, by: EndedBy, now: Micros) {
        let Some(entry) = self.collecting.take() else {
            return;
        };
        self.timers.clear(&Timer::Digits);
        let count = entry.digits.expose().chars().count();
        self.event("digits_collected", json!({ "count": count, "ended_by": by }));
        let output = json!({ "digits": entry.digits.expose(), "ended_by": by });
        let outcome = ToolOutcome {
            output: Personal::new(output.to_string()),
            ok: count > 0,
            effect: ToolEffect::GoOn,
        };
        self.tool_finished(&entry.call_id, &outcome, now);
    }
}
