//! The links to a call's children.

use trunkline_core::call::{Child, ModelEvent};

use crate::barge_in::{BargeIn, BargeInMessage};
use crate::message::Link;
use crate::pipeline::PipelineSession;
use crate::realtime_session::{RealtimeSession, SessionMessage};
use crate::tool_runner::{ToolMessage, ToolRunner};
use crate::turn_manager::{TurnManager, TurnMessage};
use crate::twilio_stream::{TwilioMessage, TwilioStream};

/// A child and its number, which tells it from the one that it replaced.
type Numbered<A> = Option<(u32, Link<A>)>;

/// Who hears and speaks.
pub(super) enum ModelLink {
    Realtime(Link<RealtimeSession>),
    Pipeline(Link<PipelineSession>),
}

impl ModelLink {
    pub(super) fn tell(&self, message: SessionMessage) {
        match self {
            Self::Realtime(link) => link.tell(message),
            Self::Pipeline(link) => link.tell(message),
        }
    }

    /// Something is to go wrong with it, if it is of this kind.
    #[cfg(feature = "fault-injection")]
    fn inject(&self, wanted: crate::tree::Kind, fault: crate::fault::Fault) {
        use crate::tree::Kind;
        match self {
            Self::Realtime(link) if wanted == Kind::RealtimeSession => link.inject(fault),
            Self::Pipeline(link) if wanted == Kind::PipelineSession => link.inject(fault),
            Self::Realtime(_) | Self::Pipeline(_) => {}
        }
    }
}

/// See the module's text. The stream is there from the start; the others come
/// and go.
pub(crate) struct Children {
    pub(super) stream: Link<TwilioStream>,
    pub(super) model: Option<(u32, ModelLink)>,
    pub(super) barge_in: Numbered<BargeIn>,
    pub(super) turns: Numbered<TurnManager>,
    pub(super) tools: Numbered<ToolRunner>,
    serials: u32,
    barge_in_starts: u32,
    turn_starts: u32,
    tool_starts: u32,
}

impl Children {
    pub(super) fn new(stream: Link<TwilioStream>) -> Self {
        Self {
            stream,
            model: None,
            barge_in: None,
            turns: None,
            tools: None,
            serials: 0,
            barge_in_starts: 0,
            turn_starts: 0,
            tool_starts: 0,
        }
    }

    /// A number for the next child.
    pub(super) fn next_serial(&mut self) -> u32 {
        self.serials += 1;
        self.serials
    }

    /// How many detectors there have been before the one that starts now.
    pub(super) fn barge_in_starts(&mut self) -> u32 {
        count(&mut self.barge_in_starts)
    }

    /// How many turn managers there have been before the one that starts now.
    pub(super) fn turn_starts(&mut self) -> u32 {
        count(&mut self.turn_starts)
    }

    /// How many tool runners there have been before the one that starts now.
    pub(super) fn tool_starts(&mut self) -> u32 {
        count(&mut self.tool_starts)
    }

    /// Whether an event comes from the present session. One that says it is lost
    /// is that session's last.
    pub(super) fn is_model(&mut self, serial: u32, event: &ModelEvent) -> bool {
        let present = self.model.as_ref().is_some_and(|(number, _)| *number == serial);
        if present && matches!(event, ModelEvent::Lost { .. }) {
            self.model = None;
        }
        present
    }

    /// Takes a child that ended out of the table; answers whether it was in it,
    /// and so had not been told to end.
    pub(super) fn forget(&mut self, child: Child, serial: u32) -> bool {
        fn take<L>(slot: &mut Option<(u32, L)>, serial: u32) -> bool {
            slot.take_if(|(number, _)| *number == serial).is_some()
        }
        match child {
            Child::TwilioStream => true,
            Child::RealtimeSession => take(&mut self.model, serial),
            Child::BargeIn => take(&mut self.barge_in, serial),
            Child::TurnManager => take(&mut self.turns, serial),
            Child::ToolRunner => take(&mut self.tools, serial),
        }
    }

    pub(super) fn stop_model(&mut self) {
        if let Some((_, link)) = self.model.take() {
            link.tell(SessionMessage::Stop);
        }
    }

    /// Something is to go wrong with a child.
    #[cfg(feature = "fault-injection")]
    pub(super) fn inject(&self, kind: crate::tree::Kind, fault: crate::fault::Fault) {
        use crate::tree::Kind;
        match kind {
            Kind::TwilioStream => self.stream.inject(fault),
            Kind::RealtimeSession | Kind::PipelineSession => {
                self.model.iter().for_each(|(_, link)| link.inject(kind, fault));
            }
            Kind::BargeIn => self.barge_in.iter().for_each(|(_, link)| link.inject(fault)),
            Kind::TurnManager => self.turns.iter().for_each(|(_, link)| link.inject(fault)),
            Kind::ToolRunner => self.tools.iter().for_each(|(_, link)| link.inject(fault)),
            Kind::Call | Kind::Registry | Kind::Limiter | Kind::Persistence => {}
        }
    }

    /// Ends every child. The carrier's stream is closed, which makes the carrier
    /// ask what follows.
    pub(super) fn stop_all(&mut self) {
        self.stop_model();
        if let Some((_, link)) = self.barge_in.take() {
            link.tell(BargeInMessage::Stop);
        }
        if let Some((_, link)) = self.turns.take() {
            link.tell(TurnMessage::Stop);
        }
        if let Some((_, link)) = self.tools.take() {
            link.tell(ToolMessage::Stop);
        }
        self.stream.tell(TwilioMessage::Close);
    }
}

fn count(starts: &mut u32) -> u32 {
    let before = *starts;
    *starts += 1;
    before
}
