//! What the call wants done, and who does it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use trunkline_core::call::{Input, Output, ToolOutcome};
use trunkline_core::pii::Personal;
use trunkline_core::turn::barge_in::BargeInDetector;
use trunkline_core::turn::endpoint::TurnMachine;

use super::{Seen, World};
use crate::support::invariant::{Invariant, holds};

impl World {
    pub(super) fn perform_all(&mut self) {
        let mut verdicts = Vec::new();
        while let Some(output) = self.call.poll_output() {
            self.recording.tape.output(&output);
            self.log.push((self.now, Seen::Decided(self.outputs.len())));
            self.outputs.push((self.now, output.clone()));
            self.perform(output, &mut verdicts);
        }
        for verdict in verdicts {
            self.step(Some(verdict));
        }
    }

    fn perform(&mut self, output: Output, verdicts: &mut Vec<Input>) {
        let now = self.now;
        match output {
            Output::Media(command) => self.command_media(command),
            Output::Model(event) => {
                self.model.asked_in_vain += u32::from(!self.model.ready);
                if self.services.session.is_some() {
                    return self.tell_session(event);
                }
                let script = self.model.receive(&event, now);
                self.model_sends(script);
            }
            Output::StartModel { delay, provider, .. } if self.is_pipeline(provider) => {
                self.start_pipeline(delay);
            }
            Output::StartModel { delay, .. } => self.dial(delay),
            Output::StopModel => self.stop_session(),
            Output::StartBargeIn(s) => self.barge_in = Some(BargeInDetector::new(s)),
            Output::StartTurnManager(s) => self.turns = Some(TurnMachine::new(s, now)),
            Output::StartToolRunner => self.tool_runner = true,
            Output::BargeIn(input) => {
                let verdict = self.barge_in.as_mut().and_then(|b| b.handle(&input, now));
                verdicts.extend(verdict.map(Input::BargeIn));
            }
            Output::Turn(input) => {
                if let Some(turns) = &mut self.turns {
                    turns.handle(&input, now);
                }
            }
            Output::RunTool { call_id, name, .. } => {
                holds(self.tool_runner, Invariant::AskedInVain, || format!("tool {name}"));
                if let Some((after, effect)) = self.tools.get(name.as_str()).cloned() {
                    let output = Personal::new("{\"ok\":true}");
                    let outcome = ToolOutcome { output, ok: true, effect };
                    self.tell_in(after, Input::ToolFinished { call_id, outcome });
                }
            }
            Output::CloseStream => self.closed = true,
            Output::Speculate => self.begin_in_advance(),
            Output::LearnPhrase { .. } => {
                let audio = self.downlink.take_capture().unwrap_or_default();
                self.captured =
                    Some(audio.iter().map(|a| STANDARD.decode(a).unwrap().len() as u64).sum());
            }
            Output::Disposition(_)
            | Output::Phase(_)
            | Output::Event { .. }
            | Output::Money(_)
            | Output::Transcript(_)
            | Output::Handshake(_)
            | Output::Metric(_)
            | Output::Ended(_) => {}
        }
    }
}
