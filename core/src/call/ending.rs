//! How calls end: goodbyes, transfers, bridges, and callers who are gone.

use serde::Serialize;
use serde_json::json;

use crate::time::Micros;
use crate::turn::playback::MARK_GRACE;
use crate::turn::sequencer::Purpose;

use super::{Call, Disposition, MediaCommand, Outcome, Output, Phase, Summary, Timer};

/// How long the last words may take when the model does not stop speaking.
const ENDLESS_GOODBYE: Micros = Micros::from_secs(30);

/// Why a call ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum EndCause {
    /// The agent called `end_call`.
    Agent {
        /// Whether it has said goodbye in the same breath.
        farewell_said: bool,
    },
    /// Somebody at the controls asked for it.
    Command,
    /// The call has run as long as it may.
    MaxDuration,
    /// The caller has had all the turns there are.
    MaxTurns,
    /// The caller is put through to a human once the agent has finished speaking.
    Transfer {
        /// For the record.
        reason: String,
    },
    /// Nothing was heard of the call for too long.
    Expired,
    /// The caller was silent for too long.
    Silence,
    /// What may be spent is spent, and there is no human to go on.
    Budget,
    /// The caller goes on by the text message that was sent.
    TextTaken,
    /// A message is left on an answering machine.
    Voicemail,
    /// A machine answered that nothing is said to: a fax, or an answering machine
    /// where there is no message to leave. The word is for the record.
    Machine(&'static str),
}

/// Who wants the caller to speak with a human.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TransferBy {
    /// The caller, by the key 0.
    Caller,
    /// The agent, by its tool.
    Agent,
    /// Somebody at the controls, for a reason of theirs.
    Operator(String),
    /// The process, which is about to end.
    Drain,
    /// Nobody: the caller has been silent for too long.
    Silence,
    /// Nobody: what may be spent is spent.
    Budget,
}

impl TransferBy {
    /// The word for the record.
    fn reason(&self) -> String {
        match self {
            Self::Caller => "dtmf_bridge".to_owned(),
            Self::Agent => "agent_request".to_owned(),
            Self::Operator(reason) => reason.clone(),
            Self::Drain => "draining".to_owned(),
            Self::Silence => "silence".to_owned(),
            Self::Budget => "budget".to_owned(),
        }
    }
}

/// The last words, and why they are said.
#[derive(Debug, Serialize)]
pub(super) struct Goodbye {
    cause: EndCause,
    began_at: Micros,
    /// Something of it went out.
    voiced: bool,
}

impl EndCause {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Agent { .. } | Self::Command => Outcome::Completed,
            Self::MaxDuration | Self::MaxTurns | Self::Expired | Self::Silence | Self::Budget => {
                Outcome::Timeout
            }
            Self::Transfer { .. } => Outcome::Transferred,
            Self::TextTaken => Outcome::Handoff,
            Self::Voicemail => Outcome::Voicemail,
            Self::Machine(_) => Outcome::Abandoned,
        }
    }

    fn reason(&self) -> Option<String> {
        match self {
            Self::Agent { .. } => None,
            Self::Command => Some("command".to_owned()),
            Self::MaxDuration => Some("max_duration".to_owned()),
            Self::MaxTurns => Some("max_turns".to_owned()),
            Self::Transfer { reason } => Some(reason.clone()),
            Self::Expired => Some("ttl_expired".to_owned()),
            Self::Silence => Some("silence".to_owned()),
            Self::Budget => Some("budget".to_owned()),
            Self::TextTaken => Some("text_sent".to_owned()),
            Self::Voicemail => Some("answering_machine".to_owned()),
            Self::Machine(what) => Some((*what).to_owned()),
        }
    }

    fn disposition(&self) -> Disposition {
        match self {
            Self::Transfer { .. } => Disposition::Transfer,
            Self::Agent { .. }
            | Self::Command
            | Self::MaxDuration
            | Self::MaxTurns
            | Self::Expired
            | Self::Silence
            | Self::Budget
            | Self::TextTaken
            | Self::Voicemail
            | Self::Machine(_) => Disposition::HangUp,
        }
    }
}

impl Call {
    /// The last words: what is to be said is said to its end, then the call ends.
    pub(super) fn begin_goodbye(&mut self, cause: EndCause, now: Micros) {
        if matches!(self.phase, Phase::Goodbye(_)) {
            return;
        }
        self.event("goodbye", json!({ "cause": cause.reason() }));
        let words = self.last_words(&cause);
        let limit = Micros::from_millis(self.settings.tenant.limits.farewell_timeout_ms);
        self.timers.set(Timer::Farewell, now + limit);
        self.timers.clear(&Timer::MaxDuration);
        self.timers.clear(&Timer::Watchdog);
        self.forget_collecting();
        self.sequencer.drop_waiting();
        self.end_barge_in(now);
        let cuts_in =
            matches!(cause, EndCause::MaxDuration | EndCause::MaxTurns | EndCause::Voicemail);
        if cuts_in && (self.sequencer.is_live() || self.clock.is_playing(now)) {
            self.silence(now);
        }
        self.set_phase(Phase::Goodbye(Goodbye { cause, began_at: now, voiced: false }));
        if let Some(words) = words.filter(|_| self.session.is_ready()) {
            self.want(words, now);
        }
    }

    fn last_words(&self, cause: &EndCause) -> Option<Purpose> {
        let script = &self.settings.script;
        match cause {
            EndCause::Agent { farewell_said: true }
            | EndCause::Transfer { .. }
            | EndCause::Expired
            | EndCause::Machine(_) => None,
            EndCause::Agent { farewell_said: false }
            | EndCause::Command
            | EndCause::Silence
            | EndCause::TextTaken => Some(Purpose::Say(script.farewell.clone())),
            // To have it summed up would cost more.
            EndCause::Budget => Some(Purpose::Say(script.wrap_up.clone())),
            // There is nothing to sum up where nothing was said.
            EndCause::MaxDuration | EndCause::MaxTurns if self.tally.turns == 0 => {
                Some(Purpose::Say(script.wrap_up.clone()))
            }
            EndCause::MaxDuration | EndCause::MaxTurns => Some(Purpose::WrapUp),
            EndCause::Voicemail => self.settings.tenant.voicemail.clone().map(Purpose::Say),
        }
    }

    /// Ends the call once everything has been said and heard.
    pub(super) fn settle_goodbye(&mut self, now: Micros) {
        if !matches!(self.phase, Phase::Goodbye(_)) {
            return;
        }
        let said = !self.sequencer.has_more_to_say() && !self.speech.is_open();
        if said && self.clock.all_heard(now) {
            self.end_goodbye(now);
        } else {
            self.timers
                .set(Timer::Settle, (self.clock.ends_at() + MARK_GRACE).max(now + MARK_GRACE));
        }
    }

    /// The goodbye has taken as long as it may. Words that are on their way to
    /// the ear are still heard; a model that never comes to an end is not.
    pub(super) fn farewell_due(&mut self, now: Micros) {
        let endless = match &self.phase {
            Phase::Goodbye(goodbye) => now.since(goodbye.began_at) >= ENDLESS_GOODBYE,
            Phase::Answering | Phase::Greeting | Phase::Conversation | Phase::Ended => return,
        };
        let more = self.sequencer.has_more_to_say() || self.speech.is_waiting();
        let going_on = more && endless;
        if self.clock.is_playing(now) && !going_on {
            self.timers.set(Timer::Farewell, self.clock.ends_at() + MARK_GRACE);
        } else {
            self.end_goodbye(now);
        }
    }

    /// The last words will not come: the call ends once what was said before them
    /// has been heard.
    pub(super) fn give_up_goodbye(&mut self, now: Micros) {
        if let Some(response) = self.sequencer.current().cloned() {
            self.speech.end_response(&response);
        }
        self.cancel_current(now);
    }

    /// Audio goes out.
    pub(super) fn note_last_words(&mut self) {
        if let Phase::Goodbye(goodbye) = &mut self.phase {
            goodbye.voiced = true;
        }
    }

    fn end_goodbye(&mut self, now: Micros) {
        if let Phase::Goodbye(goodbye) = &self.phase {
            let cause = goodbye.cause.clone();
            self.finish_with(cause, now);
        }
    }

    pub(super) fn finish_with(&mut self, cause: EndCause, now: Micros) {
        let (outcome, handoff) = match &cause {
            EndCause::Transfer { .. } => self.to_human(),
            EndCause::Voicemail if !self.was_voiced() => (Outcome::Failed, false),
            EndCause::Agent { .. }
            | EndCause::Command
            | EndCause::MaxDuration
            | EndCause::MaxTurns
            | EndCause::Expired
            | EndCause::Silence
            | EndCause::Budget
            | EndCause::TextTaken
            | EndCause::Voicemail
            | EndCause::Machine(_) => (cause.outcome(), false),
        };
        self.finish(cause.disposition(), outcome, handoff, cause.reason(), now);
    }

    fn was_voiced(&self) -> bool {
        matches!(&self.phase, Phase::Goodbye(Goodbye { voiced: true, .. }))
    }

    /// What it comes to when a human is to go on with the call: nothing, where
    /// there is none.
    fn to_human(&self) -> (Outcome, bool) {
        if self.settings.tenant.human_number.is_some() {
            (Outcome::Transferred, true)
        } else {
            (Outcome::Failed, false)
        }
    }

    /// The caller is to speak with a human. A sentence under way is finished, unless
    /// it is the caller who asks. A goodbye is given up for the caller, the agent or
    /// an operator, but not because the process is about to end.
    pub(super) fn transfer(&mut self, asked_by: TransferBy, now: Micros) {
        let by_caller = asked_by == TransferBy::Caller;
        if by_caller {
            self.silence(now);
        }
        let may_wait = asked_by == TransferBy::Drain;
        let cause = EndCause::Transfer { reason: asked_by.reason() };
        match &mut self.phase {
            Phase::Goodbye(_) if by_caller => self.finish_with(cause, now),
            Phase::Goodbye(_) if may_wait => {}
            Phase::Goodbye(goodbye) => goodbye.cause = cause,
            Phase::Answering | Phase::Greeting | Phase::Conversation | Phase::Ended => {
                self.begin_goodbye(cause, now);
            }
        }
    }

    /// The agent cannot go on: the carrier is made to dial the human.
    pub(super) fn bridge(&mut self, word: &str, why: &str, now: Micros) {
        if self.machine.is_some() {
            // No human is called to speak to a machine.
            self.finish_with(EndCause::Machine("answering_machine"), now);
            return;
        }
        let never_there = self.tally.handshake.is_none()
            || self.tally.first_audio.is_none()
            || !self.session.has_spoken();
        if never_there {
            self.report_handshake(Some(why));
        }
        self.event("bridge", json!({ "reason": word, "error": why }));
        let (outcome, handoff) = self.to_human();
        self.finish(Disposition::Bridge, outcome, handoff, Some(word.to_owned()), now);
    }

    /// The carrier ended the stream: the caller hung up. A goodbye under way is
    /// what the call came to; a caller who was to be put through and did not wait
    /// was not. Should the line be up after all, it still leads to the human.
    pub(super) fn caller_gone(&mut self, now: Micros) {
        let disposition = match &self.phase {
            Phase::Goodbye(Goodbye { cause: EndCause::Transfer { .. }, .. }) => {
                Disposition::Transfer
            }
            Phase::Goodbye(goodbye) => {
                let cause = goodbye.cause.clone();
                self.finish_with(cause, now);
                return;
            }
            Phase::Answering | Phase::Greeting | Phase::Conversation | Phase::Ended => {
                Disposition::CallerGone
            }
        };
        let outcome = if self.tally.turns > 0 { Outcome::Completed } else { Outcome::Abandoned };
        self.finish(disposition, outcome, false, Some("caller_hung_up".to_owned()), now);
    }

    pub(super) fn stream_lost(&mut self, reason: &str, now: Micros) {
        self.bridge("stream_lost", reason, now);
    }

    fn finish(
        &mut self,
        disposition: Disposition,
        outcome: Outcome,
        handoff: bool,
        reason: Option<String>,
        now: Micros,
    ) {
        self.clock.cleared(now);
        self.close_cut_items(now);
        let duration = now.since(self.started_at);
        self.end_latency(now);
        self.event("call_ended", json!({ "outcome": outcome, "reason": reason }));
        self.out(Output::Disposition(disposition));
        self.out(Output::Media(MediaCommand::Uplink { open: false }));
        self.out(Output::StopModel);
        self.out(Output::CloseStream);
        self.forget_collecting();
        self.timers.clear_all();
        self.close_bill(now);
        self.set_phase(Phase::Ended);
        self.out(Output::Ended(Summary {
            outcome,
            handoff,
            reason,
            bridged: disposition == Disposition::Bridge,
            turns: self.tally.turns,
            barge_ins: self.tally.barge_ins,
            tool_calls: self.tally.tool_calls,
            duration,
            handshake_ms: self.tally.handshake.map(Micros::as_millis),
        }));
    }
}
