//! Silence on the line: the caller says nothing although it is the caller's turn.
//!
//! Only time in which nothing at all goes on counts: nobody speaks, no sentence
//! plays, no answer is awaited and no tool runs. First the caller is asked; what
//! silence follows the question counts on from there. Noise is no sign of a
//! caller: only what the voice detection took for speech, and keys, are.

use serde::{Deserialize, Serialize};

use crate::time::Micros;

/// When silence is noticed, in milliseconds of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceSettings {
    /// Until the caller is asked; 0 leaves silence alone.
    pub nudge_ms: u64,
    /// Until the call is brought to an end, the first wait included; 0 leaves it
    /// at the question.
    pub give_up_ms: u64,
    /// What the end is.
    pub then: AfterSilence,
    /// Until a caller who was sent a text message is taken for gone on with it.
    pub text_wait_ms: u64,
}

/// The end that a silent call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterSilence {
    /// A goodbye.
    Goodbye,
    /// The human number.
    Human,
}

impl Default for SilenceSettings {
    /// Six and nine seconds, and half a minute for a text message: what callers
    /// of the systems before were given.
    fn default() -> Self {
        Self {
            nudge_ms: 6_000,
            give_up_ms: 9_000,
            then: AfterSilence::Goodbye,
            text_wait_ms: 30_000,
        }
    }
}

/// What silence leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilenceStep {
    /// Ask whether the caller is there.
    Nudge,
    /// The caller is not: bring the call to an end.
    GiveUp,
    /// The caller has gone on with the text message.
    TextTaken,
}

/// See the module's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Silence {
    settings: SilenceSettings,
    quiet_since: Option<Micros>,
    nudged: bool,
    given_up: bool,
    text_sent: bool,
}

impl Silence {
    /// A line on which nothing has been quiet yet.
    #[must_use]
    pub const fn new(settings: SilenceSettings) -> Self {
        Self { settings, quiet_since: None, nudged: false, given_up: false, text_sent: false }
    }

    /// Whether nothing goes on, seen from outside, at `now`. What plays until
    /// `audible_until` is part of what goes on.
    pub fn line(&mut self, quiet: bool, audible_until: Micros, now: Micros) {
        if !quiet {
            self.quiet_since = None;
            return;
        }
        let since = self.quiet_since.get_or_insert(now);
        *since = (*since).max(audible_until);
    }

    /// The caller gave a sign of life: everything begins anew.
    pub fn caller_is_there(&mut self) {
        self.quiet_since = None;
        self.nudged = false;
        self.given_up = false;
    }

    /// A text message was sent: the caller may take the time to look at it. From
    /// here on the line is kept so long each time.
    pub fn text_sent(&mut self) {
        self.text_sent = true;
        self.nudged = false;
    }

    /// When to call [`Self::take_due`].
    #[must_use]
    pub fn due(&self) -> Option<Micros> {
        let (wait_ms, _) = self.next()?;
        Some(self.quiet_since? + Micros::from_millis(wait_ms))
    }

    /// What is due at `now`.
    pub fn take_due(&mut self, now: Micros) -> Option<SilenceStep> {
        self.due().filter(|at| *at <= now)?;
        let (_, step) = self.next()?;
        match step {
            SilenceStep::Nudge => self.nudged = true,
            SilenceStep::GiveUp | SilenceStep::TextTaken => self.given_up = true,
        }
        self.quiet_since = None;
        Some(step)
    }

    fn next(&self) -> Option<(u64, SilenceStep)> {
        let SilenceSettings { nudge_ms, give_up_ms, text_wait_ms, .. } = self.settings;
        if self.given_up {
            None
        } else if self.text_sent && text_wait_ms > 0 {
            Some((text_wait_ms, SilenceStep::TextTaken))
        } else if nudge_ms == 0 {
            None
        } else if !self.nudged {
            Some((nudge_ms, SilenceStep::Nudge))
        } else if give_up_ms == 0 {
            None
        } else {
            Some((give_up_ms.saturating_sub(nudge_ms), SilenceStep::GiveUp))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Micros {
        Micros::from_millis(ms)
    }

    fn quiet_from(at: Micros) -> Silence {
        let mut silence = Silence::new(SilenceSettings::default());
        silence.line(true, Micros::ZERO, at);
        silence
    }

    #[test]
    fn six_seconds_then_three_more_after_the_question_was_heard() {
        let mut silence = quiet_from(ms(1_000));
        assert_eq!(silence.due(), Some(ms(7_000)));
        assert_eq!(silence.take_due(ms(6_999)), None);
        assert_eq!(silence.take_due(ms(7_000)), Some(SilenceStep::Nudge));
        silence.line(false, Micros::ZERO, ms(7_000));
        silence.line(true, ms(9_500), ms(8_000));
        assert_eq!(silence.due(), Some(ms(12_500)), "the question itself is no silence");
        assert_eq!(silence.take_due(ms(12_500)), Some(SilenceStep::GiveUp));
        silence.line(true, Micros::ZERO, ms(13_000));
        assert_eq!(silence.due(), None, "once is enough");
    }

    #[test]
    fn a_sentence_that_plays_puts_it_off() {
        let mut silence = quiet_from(ms(1_000));
        silence.line(true, ms(4_000), ms(1_500));
        assert_eq!(silence.due(), Some(ms(10_000)));
        silence.line(false, Micros::ZERO, ms(5_000));
        assert_eq!(silence.due(), None);
    }

    #[test]
    fn a_caller_who_is_there_begins_it_anew() {
        let mut silence = quiet_from(ms(0));
        silence.take_due(ms(6_000));
        silence.caller_is_there();
        silence.line(true, Micros::ZERO, ms(8_000));
        assert_eq!(silence.due(), Some(ms(14_000)));
        assert_eq!(silence.take_due(ms(14_000)), Some(SilenceStep::Nudge));
    }

    #[test]
    fn a_text_message_gives_half_a_minute_without_a_question() {
        let mut silence = quiet_from(ms(0));
        silence.text_sent();
        assert_eq!(silence.due(), Some(ms(30_000)));
        assert_eq!(silence.take_due(ms(30_000)), Some(SilenceStep::TextTaken));
    }

    #[test]
    fn each_step_can_be_switched_off() {
        let off = SilenceSettings { nudge_ms: 0, ..SilenceSettings::default() };
        let mut silence = Silence::new(off);
        silence.line(true, Micros::ZERO, ms(0));
        assert_eq!(silence.due(), None);
        let no_end = SilenceSettings { give_up_ms: 0, ..SilenceSettings::default() };
        let mut silence = Silence::new(no_end);
        silence.line(true, Micros::ZERO, ms(0));
        assert_eq!(silence.take_due(ms(6_000)), Some(SilenceStep::Nudge));
        silence.line(true, Micros::ZERO, ms(7_000));
        assert_eq!(silence.due(), None);
    }
}
