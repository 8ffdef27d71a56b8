//! Looks at a call after every step: what was seen since the last look, and how
//! things are now. The promises are those of [`Invariant`].

use trunkline_core::call::{
    Child, Disposition, Input, MediaCommand, Metric, ModelEvent, Outcome, Output, PhaseName,
};
use trunkline_core::flight;
use trunkline_core::media::Notice;
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::BargeInMode;

use super::Peers;
use crate::support::{Claim, Invariant, Plan, Seen, Wire, World, holds, ms};

/// What is kept is a second and a half of each item, and items of a second and a
/// half: four seconds, as base64.
const MOST_KEPT: usize = 4 * 8_000 / 3 * 4;
/// A model that keeps to nothing has its seven items under way at once, in pieces of
/// half a second.
const MOST_KEPT_OF_MANY: usize = 7 * 2 * 8_000 / 3 * 4 + MOST_KEPT;
/// A quarter of a second with each sentence that is taken up again.
const MOST_REPEATED: u64 = 2_000;
/// How long after the caller has begun to speak the agent must be silent.
const SILENT_AFTER: Micros = ms(1_000);
/// How long a hold may last beyond the time that the detector has.
const HOLD_GRACE: Micros = ms(501);
/// What the detector takes to be sure of a run of speech that goes on.
const PROOF: Micros = ms(260);
/// When a claim of what was heard is held against what was played: the line is
/// faster than this.
const SETTLED: Micros = ms(500);
/// A claim is in whole milliseconds, and so is time here and there.
const ROUNDED: Micros = ms(3);
/// Looks between two at all that the call knows, which takes long to write down.
const LOOKS: u32 = 12;

/// See the module's text.
#[derive(Debug)]
pub struct Checker {
    peers: Peers,
    human: bool,
    /// The caller may interrupt whatever is said.
    immediate: bool,
    longest_hold: Micros,
    seen: usize,
    claims: usize,
    looks: u32,
    phase: PhaseName,
    held_at: Option<Micros>,
    /// Since when the model hears the caller.
    speaking_since: Option<Micros>,
    disposition: Option<Disposition>,
    closed: bool,
    ended: bool,
    handshakes: u32,
}

impl Checker {
    pub fn new(plan: &Plan, peers: Peers) -> Self {
        let settings = &plan.barge_in;
        let immediate = |mode| mode == BargeInMode::Immediate;
        let window = ms(settings.confirm_window_ms);
        Self {
            peers,
            human: plan.human,
            immediate: immediate(settings.mode) && immediate(settings.greeting),
            longest_hold: window.max(ms(settings.confirm_speech_ms) + PROOF) + HOLD_GRACE,
            seen: 0,
            claims: 0,
            looks: 0,
            phase: PhaseName::Answering,
            held_at: None,
            speaking_since: None,
            disposition: None,
            closed: false,
            ended: false,
            handshakes: 0,
        }
    }

    /// What holds after every step. `heard` is when the caller spoke so that the
    /// model and our ears heard it.
    pub fn check(&mut self, world: &World, heard: &[(Micros, Micros)]) {
        for (at, seen) in &world.log[self.seen..] {
            match seen {
                Seen::Told(index) => self.told(&world.inputs[*index].1, *at, world),
                Seen::Woken => {}
                Seen::Decided(index) => self.decided(&world.outputs[*index].1, *at),
                Seen::Wire(index) => self.sent(&world.wire[*index].1, *at, heard),
            }
        }
        self.seen = world.log.len();
        self.check_what_is_kept(world);
        self.check_hold(self.held_at, world.now);
        if self.peers == Peers::Legal {
            self.check_model(world);
            self.check_phone(world);
            self.check_claims(world, SETTLED);
        }
    }

    /// What holds when everything is over.
    pub fn check_end(&mut self, world: &World) {
        let over = self.ended && world.call.phase() == PhaseName::Ended;
        holds(over, Invariant::EndsOnce, || "it has not ended".to_owned());
        let let_go = world.count(|o| matches!(o, Output::StopModel)) > 0;
        holds(let_go, Invariant::EndsOnce, || "the model was not let go".to_owned());
        if self.peers == Peers::Legal {
            self.check_claims(world, Micros::ZERO);
        }
    }

    fn told(&mut self, input: &Input, at: Micros, world: &World) {
        match input {
            Input::Model(ModelEvent::SpeechStarted) => {
                self.speaking_since.get_or_insert(at);
            }
            Input::Model(ModelEvent::SpeechStopped | ModelEvent::Lost { .. })
            | Input::ChildExited { child: Child::RealtimeSession, .. } => {
                self.speaking_since = None;
            }
            Input::Media(Notice::Played { item, bytes }) if self.peers == Peers::Legal => {
                let played = world.tag_of_item(item).map_or(0, |tag| world.phone.furthest(tag));
                holds(*bytes <= played, Invariant::OldMarks, || {
                    format!("{bytes} bytes of {item} are said to be played, {played} were")
                });
            }
            _ => {}
        }
    }

    fn decided(&mut self, output: &Output, at: Micros) {
        let after_end = matches!(output, Output::Metric(Metric::Stale("after_end")));
        holds(!self.ended || after_end, Invariant::EndsOnce, || {
            format!("after the end: {output:?}")
        });
        match output {
            Output::Phase(phase) => self.phase = *phase,
            Output::Media(MediaCommand::Hold { .. }) => self.held_at = Some(at),
            Output::Media(MediaCommand::Resume { .. } | MediaCommand::Interrupt { .. }) => {
                let held_at = self.held_at.take();
                self.check_hold(held_at, at);
            }
            Output::StopModel => self.speaking_since = None,
            Output::Transcript(entry) => {
                let (heard, generated) = (entry.heard.expose(), entry.generated.expose());
                holds(generated.starts_with(heard), Invariant::TranscriptPrefix, || {
                    format!("{heard:?} is not how {generated:?} begins")
                });
                holds(entry.started_at <= entry.ended_at, Invariant::TranscriptPrefix, || {
                    format!("from {:?} to {:?}", entry.started_at, entry.ended_at)
                });
            }
            Output::Handshake(_) => {
                self.handshakes += 1;
                holds(self.handshakes <= 2, Invariant::HandshakeOnce, || {
                    format!("{} times", self.handshakes)
                });
            }
            Output::Disposition(disposition) => {
                let first = self.disposition.replace(*disposition).is_none();
                holds(first, Invariant::EndsOnce, || "two dispositions".to_owned());
            }
            Output::CloseStream => {
                let so = self.disposition.is_some() && !std::mem::replace(&mut self.closed, true);
                holds(so, Invariant::EndsOnce, || "closed before it was said why".to_owned());
            }
            Output::Ended(summary) => {
                self.ended = true;
                self.held_at = None;
                let bridged = self.disposition == Some(Disposition::Bridge);
                let to_human = summary.outcome == Outcome::Transferred && self.human;
                let so = self.closed
                    && summary.bridged == bridged
                    && summary.handoff == (summary.outcome == Outcome::Transferred)
                    && (!summary.handoff || to_human);
                holds(so, Invariant::EndsOnce, || format!("{:?} {summary:?}", self.disposition));
            }
            _ => {}
        }
    }

    fn sent(&self, wire: &Wire, at: Micros, heard: &[(Micros, Micros)]) {
        let talks = |since: Micros| {
            let both =
                |(from, to): &(Micros, Micros)| at <= *to && since.max(*from) + SILENT_AFTER <= at;
            heard.iter().any(both)
        };
        let spoken_over = self.speaking_since.is_some_and(talks);
        let last_words = self.phase == PhaseName::Goodbye;
        if matches!(wire, Wire::Media { .. }) && self.immediate && !last_words {
            holds(!spoken_over, Invariant::NeverBothTalk, || {
                format!("{wire:?} was sent at {at:?}, {:?}", self.speaking_since)
            });
        }
    }

    fn check_hold(&self, held_at: Option<Micros>, now: Micros) {
        let lasted = held_at.map_or(Micros::ZERO, |at| now.since(at));
        holds(lasted <= self.longest_hold, Invariant::HoldEnds, || format!("{lasted:?}"));
    }

    fn check_what_is_kept(&mut self, world: &World) {
        for (tag, received) in &world.received {
            let sent = world.bytes_sent(*tag);
            holds(sent <= *received, Invariant::SentReceived, || {
                format!("{sent} of {tag} were sent of {received}")
            });
        }
        self.looks += 1;
        if self.peers == Peers::Legal && self.looks.is_multiple_of(LOOKS) {
            for item in world.call.explain(world.now, flight::Words::Hidden).heard {
                let so = item.heard_ms <= item.sent_ms.max(sent_ms(world, &item.item));
                holds(so, Invariant::SentReceived, || format!("{item:?}"));
            }
        }
        let kept = world.downlink.kept_chars();
        let most = match self.peers {
            Peers::Legal => MOST_KEPT,
            Peers::Hostile => MOST_KEPT_OF_MANY,
        };
        holds(kept <= most, Invariant::KeptBounded, || format!("{kept} characters"));
        if world.call.phase() == PhaseName::Ended {
            let timer = world.call.poll_timeout();
            holds(timer.is_none(), Invariant::EndsOnce, || format!("{timer:?} is left"));
        }
    }

    fn check_model(&self, world: &World) {
        let model = &world.model;
        holds(model.overlaps == 0, Invariant::OneResponse, || "another was open".to_owned());
        holds(model.asked_in_vain == 0, Invariant::AskedInVain, || "the model".to_owned());
        let goes_on = world.interrupted.as_ref().filter(|_| !self.ended);
        let goes_on = goes_on.filter(|id| world.model.is_saying() == Some(id));
        holds(goes_on.is_none(), Invariant::InterruptedCancelled, || format!("{goes_on:?}"));
    }

    fn check_phone(&self, world: &World) {
        let phone = &world.phone;
        holds(phone.skipped() == 0, Invariant::NoGap, || format!("{} bytes", phone.skipped()));
        let (repeated, resumes) = (phone.repeated_in_all(), world.pauses().len() as u64);
        holds(repeated <= MOST_REPEATED * resumes, Invariant::NothingTwice, || {
            format!("{repeated} bytes, after {resumes} holds")
        });
        let stopped_at = world.stopped_at.max(world.stuck_at);
        let line = world.line_delay + world.line.most_jitter() + ROUNDED;
        let stopped = world.is_stopped() && !world.carrier_stuck && !self.ended;
        if stopped && world.now > stopped_at + line {
            holds(phone.is_silent(), Invariant::StopsAtPhone, || {
                format!("stopped at {stopped_at:?}, and it plays on")
            });
        }
    }

    /// Of what the model was told of how much was heard.
    fn check_claims(&mut self, world: &World, settled: Micros) {
        let claims = &world.model.claims;
        while let Some(claim) = claims.get(self.claims).filter(|c| c.at + settled <= world.now) {
            self.claims += 1;
            // What the carrier's buffer does with a stream that is closed is its own.
            let at_the_end = self.ended && world.ended_at() == claim.at;
            // And one that takes nothing is not told to clear.
            let stuck =
                world.stuck_at > Micros::ZERO && world.stuck_at + self.longest_hold >= claim.at;
            check_claim(claim, !at_the_end && !stuck, world);
        }
    }
}

fn sent_ms(world: &World, item: &trunkline_core::ids::ItemId) -> u64 {
    world.tag_of_item(item).map_or(0, |tag| world.bytes_sent(tag) / 8)
}

fn check_claim(claim: &Claim, reached_phone: bool, world: &World) {
    let there = claim.had_ms.is_some_and(|had| claim.heard_ms <= had);
    let not_zero = claim.deleted || claim.heard_ms > 0;
    holds(there && not_zero, Invariant::TruncationKnown, || format!("{claim:?}"));
    if claim.was_text {
        // It is told again, as far as it was heard.
        return;
    }
    let tag = world.tag_of_item(&claim.item);
    let (sent, played) =
        tag.map_or((0, 0), |tag| (world.bytes_sent(tag) / 8, world.phone.furthest(tag) / 8));
    holds(claim.heard_ms <= sent, Invariant::SentReceived, || format!("{claim:?}, sent {sent}"));
    let most = (world.line.most_jitter() + ROUNDED).as_millis();
    let so = !reached_phone || claim.heard_ms.abs_diff(played) <= most;
    holds(so, Invariant::HeardTrue, || format!("{claim:?}, played {played}, give or take {most}"));
}
