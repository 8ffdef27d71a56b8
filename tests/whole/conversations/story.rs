//! What a caller does and when, as the simulated carrier's steps.

use trunkline_core::time::Micros;
use trunkline_simulator::carrier::{Expectation, Expected, Step, Wait};

use super::recordings::{Recording, cough, saying};
use super::token::Token::{self, T, W};
use super::token::{time, unknown};

/// By when the greeting is heard in virtual time.
const GREETED_MS: u64 = 2_000;
/// Longer than a sentence that is held pauses.
const QUIET_MS: u64 = 1_200;
/// How long the far end may take to end a call.
const END_MS: u64 = 20_000;

/// What the line before left us at: what a time counts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Since {
    #[default]
    Beginning,
    /// The agent speaks.
    Speaking,
    /// The agent was heard out.
    HeardOut,
    /// The caller began to speak; it takes so long, in milliseconds.
    Spoke(u64),
    /// Something else.
    Event,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Story {
    pub steps: Vec<Step>,
    pub recordings: Vec<Recording>,
    since: Since,
    over: bool,
}

impl Story {
    /// Takes in `at TIME …`.
    pub fn at(&mut self, at: &str, action: &[Token<'_>]) -> Result<(), String> {
        let at_ms = time(at)?.as_millis();
        match self.since {
            Since::Beginning if at_ms < GREETED_MS => self.wait(Wait::Speaking(at_ms)),
            Since::Beginning => self.wait(Wait::Greeting),
            Since::HeardOut if self.recordings.is_empty() => {}
            Since::Speaking | Since::HeardOut | Since::Spoke(_) | Since::Event => {
                return Err("only the first thing that happens has a time of the call here".into());
            }
        }
        self.act(action)
    }

    /// Takes in `after TIME …`.
    pub fn after(&mut self, after: &str, action: &[Token<'_>]) -> Result<(), String> {
        let after_ms = time(after)?.as_millis();
        match self.since {
            Since::Speaking => self.wait(Wait::Speaking(after_ms)),
            // Who has heard the agent out has waited already.
            Since::HeardOut => {}
            // The next step comes when the caller has spoken.
            Since::Spoke(length_ms) => self.wait(Wait::For(after_ms.saturating_sub(length_ms))),
            Since::Beginning | Since::Event => self.wait(Wait::For(after_ms)),
        }
        self.since = Since::Event;
        self.act(action)
    }

    /// The agent speaks from now on.
    pub fn agent_speaks(&mut self) {
        self.since = Since::Speaking;
    }

    /// The agent is heard out.
    pub fn heard_out(&mut self) {
        if self.since != Since::HeardOut {
            let first = self.since == Since::Beginning;
            self.wait(if first { Wait::Greeting } else { Wait::Reply });
            self.wait(Wait::Quiet(QUIET_MS));
        }
        self.since = Since::HeardOut;
    }

    /// The call ends.
    pub fn ends(&mut self) {
        if !self.over {
            self.over = true;
            let what = Expected::Hangup;
            self.steps.push(Step::Expect(Expectation { what, within_ms: Some(END_MS) }));
        }
    }

    /// The steps; a call that nobody has ended is ended by the caller.
    pub fn finish(&mut self) {
        if !self.over {
            self.steps.push(Step::Hangup);
        }
    }

    fn wait(&mut self, wait: Wait) {
        self.steps.push(Step::Wait(wait));
    }

    fn act(&mut self, action: &[Token<'_>]) -> Result<(), String> {
        match action {
            [] => {}
            [W("caller"), W("says"), T(words), W("for"), W(length)] => {
                self.plays(saying(words)?, time(length)?);
            }
            [W("caller"), W("coughs")] => self.plays(cough(), Micros::ZERO),
            [W("caller"), W("presses"), W(keys) | T(keys)] => {
                self.steps.push(Step::Press((*keys).to_owned()));
                self.since = Since::Event;
            }
            [W("caller"), W("hangs"), W("up")] => {
                self.steps.push(Step::Hangup);
                self.over = true;
            }
            _ => return Err(unknown(action, "nothing that happens over sockets")),
        }
        Ok(())
    }

    /// The recording takes its own time, at least what the script says.
    fn plays(&mut self, recording: Recording, least: Micros) {
        self.since = Since::Spoke(recording.length_ms().max(least.as_millis()));
        self.steps.push(Step::Play(recording.clip.clone()));
        self.recordings.push(recording);
    }
}
