//! A machine answered: a message is left after its beep, or nothing is said.

use serde::Serialize;
use serde_json::json;

use crate::time::Micros;

use super::{AnsweredBy, Call, EndCause, Phase, Timer};

/// How long a machine may talk before the message is left in any case: what the
/// carrier itself waits for the end of a machine's message.
const MACHINE_PATIENCE: Micros = Micros::from_secs(30);

/// How long after a machine's last word its beep is over. The beep itself is no
/// speech, and nobody reports it.
const BEEP: Micros = Micros::from_millis(1_500);

/// What is known of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Machine {
    /// It says its own message.
    Talking,
    /// It records: the message is left as soon as there is a voice for it.
    Recording,
    /// The message is being left, or nothing is to be said.
    Served,
}

impl Call {
    /// The carrier found out who is there. It may say so twice, and the later
    /// report may be the earlier finding.
    pub(super) fn answered_by(&mut self, who: AnsweredBy, now: Micros) {
        self.event("answered_by", json!({ "who": who }));
        if matches!(self.phase, Phase::Goodbye(_)) {
            return;
        }
        match who {
            AnsweredBy::Human | AnsweredBy::Unknown => {}
            AnsweredBy::Fax => self.hang_up_on_machine("fax", now),
            AnsweredBy::MachineStart if self.machine.is_some() => self.stale("answered_by"),
            AnsweredBy::MachineStart if self.settings.tenant.voicemail.is_none() => {
                self.hang_up_on_machine("answering_machine", now);
            }
            AnsweredBy::MachineStart => {
                self.machine = Some(Machine::Talking);
                self.hold_tongue(now);
                self.timers.set(Timer::Machine, now + MACHINE_PATIENCE);
            }
            AnsweredBy::MachineEndBeep
            | AnsweredBy::MachineEndSilence
            | AnsweredBy::MachineEndOther => self.leave_message(now),
        }
    }

    /// Nothing is said to a machine that talks.
    fn hold_tongue(&mut self, now: Micros) {
        self.silence(now);
        self.floor.turn_ended_at = None;
        drop(self.history.take_owed());
    }

    /// A machine paused, or has come to its end: unless it goes on, it has beeped.
    pub(super) fn machine_paused(&mut self, now: Micros) {
        if self.machine == Some(Machine::Talking) {
            self.timers.set(Timer::Machine, now + BEEP);
        }
    }

    /// A machine goes on talking.
    pub(super) fn machine_talks(&mut self, now: Micros) {
        if self.machine == Some(Machine::Talking) {
            self.timers.set(Timer::Machine, now + MACHINE_PATIENCE);
        }
    }

    /// The machine records: the message is left, now or once the model is there.
    pub(super) fn leave_message(&mut self, now: Micros) {
        if matches!(self.phase, Phase::Goodbye(_)) || self.machine == Some(Machine::Served) {
            self.stale("leave_message");
            return;
        }
        self.timers.clear(&Timer::Machine);
        if self.settings.tenant.voicemail.is_none() {
            self.hang_up_on_machine("answering_machine", now);
        } else if self.session.is_ready() {
            self.machine = Some(Machine::Served);
            self.begin_goodbye(EndCause::Voicemail, now);
        } else {
            self.machine = Some(Machine::Recording);
            self.hold_tongue(now);
        }
    }

    /// The model's session is ready: a machine may be waiting for its message.
    /// Answers whether one is on the line, which is all that there is to speak to.
    pub(super) fn serve_machine(&mut self, now: Micros) -> bool {
        if self.machine == Some(Machine::Recording) {
            self.leave_message(now);
        }
        self.machine.is_some()
    }

    fn hang_up_on_machine(&mut self, what: &'static str, now: Micros) {
        self.machine = Some(Machine::Served);
        self.finish_with(EndCause::Machine(what), now);
    }
}
