//! What a caller who rings gets, and what follows a stream: the policy behind the
//! carrier's webhooks, as plain decisions. The edge renders them.

use serde::Serialize;

use crate::call::Disposition;
use crate::cost::Nanos;
use crate::pii::PhoneNumber;
use crate::tenant::{Mode, OverCap, Tenant};
use crate::wire::twilio::CarrierStatus;

/// Switches that act on the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Switches {
    /// Whether calls are taken at all.
    pub channel_enabled: bool,
    /// Whether a stream is opened; none leaves it to the tenant's file.
    pub stream_enabled: Option<bool>,
    /// Whether every call goes straight to the human number.
    pub bridge_only: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self { channel_enabled: true, stream_enabled: None, bridge_only: false }
    }
}

impl Switches {
    /// Both sets together: a call must be allowed by each.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let stream_enabled = match (self.stream_enabled, other.stream_enabled) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, None) => None,
        };
        Self {
            channel_enabled: self.channel_enabled && other.channel_enabled,
            stream_enabled,
            bridge_only: self.bridge_only || other.bridge_only,
        }
    }
}

/// What is known when the carrier asks what to do with a call.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Whether the whole channel is on.
    pub channel_enabled: bool,
    /// The switches that hold for the tenant.
    pub switches: Switches,
    /// Whether the process takes no new calls.
    pub draining: bool,
    /// Whether the model's key is there.
    pub model_available: bool,
    /// What the tenant's calls of the day have cost.
    pub spent_today: Nanos,
}

/// What a caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The agent, by a media stream, if a slot can be had.
    Agent,
    /// The classic menu: press a key, or wait for a human.
    Menu,
    /// The human, and the word for why.
    Human(&'static str),
    /// A sentence that the line is closed.
    Closed,
}

/// Decides what a caller gets before any slot is asked for.
#[must_use]
pub fn answer(tenant: &Tenant, facts: &Facts) -> Answer {
    if !facts.channel_enabled || !facts.switches.channel_enabled {
        return Answer::Closed;
    }
    if facts.switches.bridge_only {
        return Answer::Human("bridge_only");
    }
    if facts.draining {
        return Answer::Human("draining");
    }
    if tenant.mode == Mode::Bridge {
        return Answer::Human("bridge_mode");
    }
    if !facts.switches.stream_enabled.unwrap_or(tenant.stream_enabled) {
        return Answer::Menu;
    }
    if !facts.model_available {
        return Answer::Human("model_unavailable");
    }
    if tenant.budget.is_day_spent(facts.spent_today) {
        return Answer::Human("budget_spent");
    }
    Answer::Agent
}

/// Why a call is turned away for what its caller, or all callers together, did
/// before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// The caller's number is on a block list.
    Blocked,
    /// The caller has called as often within the hour as anybody may.
    CallerHour,
    /// The tenant has had as many calls within the hour as it may.
    TenantHour,
}

impl TurnedAway {
    /// The word for records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked_number",
            Self::CallerHour => "calls_per_number",
            Self::TenantHour => "calls_per_tenant",
        }
    }
}

/// Whether a caller is one that the tenant, or everybody, turns away.
#[must_use]
pub fn is_blocked(tenant: &Tenant, from: Option<&PhoneNumber>) -> bool {
    from.is_some_and(|from| tenant.limits.blocked_numbers.names(from))
}

/// What the carrier writes in place of a number that is withheld: the words
/// ANONYMOUS, BLOCKED, RESTRICTED, UNAVAILABLE and UNKNOWN on a telephone's keys.
const WITHHELD: [&str; 5] = ["+266696687", "+2562533", "+7378742833", "+86282452253", "+8656696"];

/// Whether calls from here are one person's: those whose number is withheld would
/// otherwise use up each other's calls.
#[must_use]
pub fn is_somebody(from: &PhoneNumber) -> bool {
    from.is_e164() && !WITHHELD.contains(&from.expose())
}

/// A node's part of a limit that cannot be kept together: an equal one, and never
/// nothing. 0 is no limit, and has no parts.
#[must_use]
pub fn share(limit: u32, nodes: u32) -> u32 {
    if limit == 0 { 0 } else { (limit / nodes.max(1)).max(1) }
}

/// What the call over the cap gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverCapAnswer {
    /// "All lines are busy".
    Busy,
    /// The human number.
    Human,
}

/// Decides what the call over the cap gets: a human only where there is one.
#[must_use]
pub fn over_cap(tenant: &Tenant) -> OverCapAnswer {
    match tenant.limits.over_cap {
        OverCap::Human if tenant.human_number.is_some() => OverCapAnswer::Human,
        OverCap::Human | OverCap::Busy => OverCapAnswer::Busy,
    }
}

/// What follows a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterStream {
    /// Nothing: the call is over.
    HangUp,
    /// The human; whether something is said first.
    Human {
        /// Whether the caller is told, because the agent did not tell.
        announce: bool,
    },
}

/// Decides what follows a stream. A stream of which nobody knows how it ended was
/// lost, and so was its agent: the human takes over. So is one that the carrier
/// ended although its caller is still on the line.
#[must_use]
pub fn after_stream(disposition: Option<Disposition>, caller_is_there: bool) -> AfterStream {
    match disposition {
        Some(Disposition::HangUp) => AfterStream::HangUp,
        Some(Disposition::CallerGone) if !caller_is_there => AfterStream::HangUp,
        Some(Disposition::CallerGone | Disposition::Transfer | Disposition::Bridge) | None => {
            AfterStream::Human { announce: true }
        }
    }
}

/// What follows a dialled human.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterDial {
    /// Nothing: they spoke, or the caller did not wait.
    HangUp,
    /// The caller waited for somebody who did not come, and is told so.
    NobodyThere,
}

/// Decides what follows a dialled human. Of what the carrier does not say, nothing is
/// told to the caller.
#[must_use]
pub fn after_dial(status: Option<CarrierStatus>) -> AfterDial {
    match status {
        Some(CarrierStatus::Busy | CarrierStatus::NoAnswer | CarrierStatus::Failed) => {
            AfterDial::NobodyThere
        }
        None
        | Some(
            CarrierStatus::Queued
            | CarrierStatus::Initiated
            | CarrierStatus::Ringing
            | CarrierStatus::InProgress
            | CarrierStatus::Completed
            | CarrierStatus::Canceled,
        ) => AfterDial::HangUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_nobody_knows_of_ends_at_the_human() {
        let human = AfterStream::Human { announce: true };
        assert_eq!(after_stream(None, false), human);
        assert_eq!(after_stream(Some(Disposition::HangUp), true), AfterStream::HangUp);
        assert_eq!(after_stream(Some(Disposition::CallerGone), false), AfterStream::HangUp);
        assert_eq!(after_stream(Some(Disposition::CallerGone), true), human);
    }

    #[test]
    fn who_waited_in_vain_is_told_so() {
        assert_eq!(after_dial(Some(CarrierStatus::NoAnswer)), AfterDial::NobodyThere);
        assert_eq!(after_dial(Some(CarrierStatus::Completed)), AfterDial::HangUp);
        assert_eq!(after_dial(None), AfterDial::HangUp);
    }

    #[test]
    fn shares_are_equal_and_never_nothing() {
        assert_eq!([share(50, 2), share(5, 2), share(5, 0), share(2, 9)], [25, 2, 5, 1]);
        assert_eq!(share(0, 3), 0, "no limit stays none");
    }

    #[test]
    fn who_withholds_a_number_is_nobody_in_particular() {
        let somebody = |text: &str| is_somebody(&PhoneNumber::new(text));
        assert!(somebody("+15550179123"));
        for nobody in ["anonymous", "unknown", "", "+266696687", "client:alice", "12345"] {
            assert!(!somebody(nobody), "{nobody}");
        }
    }

    #[test]
    fn of_two_sets_of_switches_the_more_careful_holds() {
        let off = Switches { channel_enabled: false, ..Switches::default() };
        assert!(!Switches::default().and(off).channel_enabled);
        let menu = Switches { stream_enabled: Some(false), ..Switches::default() };
        let on = Switches { stream_enabled: Some(true), ..Switches::default() };
        assert_eq!(on.and(menu).stream_enabled, Some(false));
        assert_eq!(on.and(Switches::default()).stream_enabled, Some(true));
    }
}
