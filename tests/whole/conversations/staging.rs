//! From a script's text to all that it takes to play it over sockets.

use trunkline_core::tenant::Mode;
use trunkline_simulator::carrier::Step;

use super::facts::{Fact, fact};
use super::recordings::Recording;
use super::setting::{Line, Setting, dialogue};
use super::story::Story;
use super::token::Token::{self, W};
use super::token::{tokens, unknown};

/// A script that is ready to be played.
pub struct Staged {
    pub setting: Setting,
    /// The words of the script's replies.
    pub replies: Vec<String>,
    /// The one mode that it can be played in.
    pub only: Option<Mode>,
    /// What the model says.
    pub dialogue: String,
    pub recordings: Vec<Recording>,
    /// What the caller does.
    pub steps: Vec<Step>,
    /// What is looked at when the call is over.
    pub checks: Vec<Check>,
}

/// A line that must be so, or must not.
pub struct Check {
    pub line: usize,
    pub text: String,
    pub holds: bool,
    pub fact: Fact,
}

#[derive(Default)]
struct Staging {
    setting: Setting,
    replies: Vec<Line>,
    only: Option<Mode>,
    story: Story,
    checks: Vec<Check>,
}

/// Whether a script is to be played over sockets too.
pub fn is_marked(text: &str) -> bool {
    text.lines().any(|line| line.trim() == "also over sockets")
}

/// Stages a script; an error begins with its line.
pub fn staged(text: &str) -> Result<Staged, String> {
    let mut staging = Staging::default();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        staging.line(line, number).map_err(|error| format!("{number}: {error}"))?;
    }
    let Staging { setting, replies, only, mut story, checks } = staging;
    story.finish();
    let answered = story.recordings.iter().filter(|recording| !recording.backchannel);
    let said: Vec<String> = answered.map(|recording| recording.words.clone()).collect();
    Ok(Staged {
        dialogue: dialogue(&said, &replies, &setting.answered_tools),
        setting,
        replies: replies.into_iter().map(|reply| reply.words).collect(),
        only,
        recordings: story.recordings,
        steps: story.steps,
        checks,
    })
}

impl Staging {
    fn line(&mut self, line: &str, number: usize) -> Result<(), String> {
        let tokens = tokens(line)?;
        match tokens.as_slice() {
            [] | [W("also"), W("over"), W("sockets")] => {}
            [W("only"), W("with"), ..] => self.only = Some(Mode::Realtime),
            [W("only"), W("in"), ..] => self.only = Some(Mode::Pipeline),
            [W("given"), W("reply"), rest @ ..] => self.replies.push(Line::read(rest)?),
            [W("given"), rest @ ..] => self.setting.take(rest)?,
            [W("at"), W(at), rest @ ..] => self.story.at(at, rest)?,
            [W("after"), W(after), rest @ ..] => self.story.after(after, rest)?,
            [W("expect"), W("not"), rest @ ..] => self.check(line, number, false, rest)?,
            [W("expect"), rest @ ..] => self.check(line, number, true, rest)?,
            [W("within"), W(_), rest @ ..] => {
                self.check(line, number, true, rest)?;
                self.follow(rest);
            }
            rest => return Err(unknown(rest, "nothing that can be played over sockets")),
        }
        Ok(())
    }

    /// What is looked at, is looked at when the call is over.
    fn check(
        &mut self,
        line: &str,
        number: usize,
        holds: bool,
        what: &[Token<'_>],
    ) -> Result<(), String> {
        let fact = fact(what)?;
        self.checks.push(Check { line: number, text: line.trim().to_owned(), holds, fact });
        Ok(())
    }

    /// What the caller waits for.
    fn follow(&mut self, what: &[Token<'_>]) {
        match what {
            [W("agent"), W("speaks"), W(_)] => self.story.agent_speaks(),
            [W("heard"), W("greeting")] | [W("heard"), W("all"), W("of"), W(_)] => {
                self.story.heard_out();
            }
            [W("ended")] => self.story.ends(),
            _ => {}
        }
    }
}
