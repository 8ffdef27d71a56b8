//! Follows a script: given what the caller hears, what the caller does next.
//! Decides only; the stream and the verbs carry it out.

use std::collections::VecDeque;

use trunkline_core::time::Micros;

use super::report::Ended;
use super::script::{Clip, Expectation, Expected, Fault, Script, Step, Wait};

/// From one key to the next, in milliseconds.
const KEY_SPACING_MS: u64 = 200;

/// What the caller can tell at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Senses {
    pub(super) now: Micros,
    /// The agent's last audible frame.
    pub(super) heard_last: Option<Micros>,
    /// Since when the agent has been speaking without a pause.
    pub(super) heard_since: Option<Micros>,
    /// Whether the caller's own recording is still being sent.
    pub(super) talking: bool,
}

/// What the carrier has been told so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Numbers dialled.
    pub(super) dialled: Vec<String>,
    /// Texts of `<Say>`.
    pub(super) said: Vec<String>,
}

/// What the caller does now.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    Speak(Clip),
    Press(char),
    Hangup,
    Fault(Fault),
}

/// A script under way.
#[derive(Debug, Default)]
pub(super) struct Director {
    steps: VecDeque<Step>,
    /// When the step in front was first looked at.
    began: Option<Micros>,
    next_key: Micros,
    speaking: bool,
    failures: Vec<String>,
}

impl Director {
    pub(super) fn new(script: &Script) -> Self {
        Self { steps: script.steps.iter().cloned().collect(), ..Self::default() }
    }

    /// The next thing to do at this moment, if any. To be asked again until it
    /// has no more.
    pub(super) fn next(&mut self, senses: &Senses, told: &Told) -> Option<Act> {
        loop {
            let began = *self.began.get_or_insert(senses.now);
            match self.steps.front_mut()? {
                Step::Wait(wait) => {
                    if !is_over(*wait, began, senses) {
                        return None;
                    }
                }
                Step::Play(_) if self.speaking => {
                    if senses.talking {
                        return None;
                    }
                    self.speaking = false;
                }
                Step::Play(clip) => {
                    self.speaking = true;
                    return Some(Act::Speak(clip.clone()));
                }
                Step::Press(keys) => {
                    if senses.now < self.next_key {
                        return None;
                    }
                    if let Some(key) = take_first(keys) {
                        self.next_key = senses.now + Micros::from_millis(KEY_SPACING_MS);
                        return Some(Act::Press(key));
                    }
                }
                Step::Hangup => {
                    self.advance();
                    return Some(Act::Hangup);
                }
                Step::Fault(fault) => {
                    let act = Act::Fault(*fault);
                    self.advance();
                    return Some(act);
                }
                Step::Expect(expectation) => {
                    if !is_met(&expectation.what, told, None) {
                        let within = Micros::from_millis(expectation.within_ms?);
                        if senses.now.since(began) < within {
                            return None;
                        }
                        self.failures.push(format!("expected {expectation}"));
                    }
                }
            }
            self.advance();
        }
    }

    /// Keys that the caller presses when asked for some, after at most
    /// `patience`: the silence before them and the keys. `None`: no key comes.
    pub(super) fn keys(&mut self, patience: Micros) -> Option<(Micros, String)> {
        let (silence, place) = self.after_silence()?;
        let Some(Step::Press(keys)) = self.steps.get(place) else {
            return None;
        };
        if silence > patience {
            return None;
        }
        let keys = keys.clone();
        self.steps.drain(..=place);
        self.began = None;
        Some((silence, keys))
    }

    /// How long the caller stays silent before hanging up, when that is next.
    pub(super) fn hangs_up_after(&self) -> Option<Micros> {
        let (silence, place) = self.after_silence()?;
        matches!(self.steps.get(place), Some(Step::Hangup)).then_some(silence)
    }

    /// What the far end should have done and did not, the call being over.
    pub(super) fn finish(mut self, now: Micros, ended: Ended, told: &Told) -> Vec<String> {
        let began = self.began.unwrap_or(now);
        for (place, step) in self.steps.iter().enumerate() {
            let Step::Expect(Expectation { what, within_ms }) = step else {
                continue;
            };
            let late = place == 0
                && within_ms.is_some_and(|ms| now.since(began) > Micros::from_millis(ms));
            if late || !is_met(what, told, Some(ended)) {
                let expectation = Expectation { what: what.clone(), within_ms: *within_ms };
                self.failures.push(format!("expected {expectation}"));
            }
        }
        self.failures
    }

    fn advance(&mut self) {
        self.steps.pop_front();
        self.began = None;
    }

    /// The length of the plain waits in front, and the place of what follows.
    fn after_silence(&self) -> Option<(Micros, usize)> {
        let mut silence = Micros::ZERO;
        for (place, step) in self.steps.iter().enumerate() {
            let Step::Wait(Wait::For(ms)) = step else {
                return Some((silence, place));
            };
            silence = silence + Micros::from_millis(*ms);
        }
        None
    }
}

fn take_first(keys: &mut String) -> Option<char> {
    if keys.is_empty() { None } else { Some(keys.remove(0)) }
}

fn is_over(wait: Wait, began: Micros, senses: &Senses) -> bool {
    let now = senses.now;
    let pause = Micros::from_millis(Wait::PAUSE_MS);
    match wait {
        Wait::For(ms) => now.since(began) >= Micros::from_millis(ms),
        Wait::Greeting => senses.heard_last.is_some_and(|last| now.since(last) >= pause),
        Wait::Reply => {
            senses.heard_last.is_some_and(|last| last > began && now.since(last) >= pause)
        }
        Wait::Quiet(ms) => {
            now.since(senses.heard_last.unwrap_or(Micros::ZERO)) >= Micros::from_millis(ms)
        }
        Wait::Speaking(ms) => {
            senses.heard_since.is_some_and(|since| now.since(since) >= Micros::from_millis(ms))
        }
    }
}

fn is_met(what: &Expected, told: &Told, ended: Option<Ended>) -> bool {
    match what {
        Expected::Hangup => matches!(ended, Some(Ended::FarEnd | Ended::Rejected)),
        Expected::Refused => matches!(ended, Some(Ended::Refused | Ended::Rejected)),
        Expected::Dial(number) => told.dialled.contains(number),
        Expected::Text(text) => {
            let wanted = text.to_lowercase();
            told.said.iter().any(|said| said.to_lowercase().contains(&wanted))
        }
    }
}
