//! Reads a script. A word that is not known is an error with its line.

use trunkline_core::tenant::Mode;

use crate::support::Plan;

use super::action::action;
use super::condition;
use super::given::given;
use super::script::{Script, Step, What};
use super::token::Token::{self, T, W};
use super::token::{number, time, tokens, unknown};

/// Reads a script; an error begins with its line.
pub fn script(text: &str) -> Result<Script, String> {
    let mut script = Script {
        plan: Plan::default(),
        only: None,
        starts_by_itself: true,
        line_delay: None,
        ignores_cancel: false,
        tools: Vec::new(),
        dials: Vec::new(),
        replies: Vec::new(),
        steps: Vec::new(),
    };
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        add(line, number, &mut script).map_err(|error| format!("{number}: {error}"))?;
    }
    let expects = |step: &Step| matches!(step.what, What::Expect { .. } | What::Within(..));
    if script.steps.iter().any(expects) {
        Ok(script)
    } else {
        Err(format!("{}: nothing is expected of this call", text.lines().count().max(1)))
    }
}

fn add(line: &str, number: usize, script: &mut Script) -> Result<(), String> {
    let tokens = tokens(line)?;
    let Some(first) = tokens.first() else {
        return Ok(());
    };
    if matches!(first, W("given")) {
        if !script.steps.is_empty() {
            return Err("what is given stands before what happens".to_owned());
        }
        return given(&tokens[1..], script);
    }
    if tokens == [W("also"), W("over"), W("sockets")] {
        return Ok(());
    }
    if matches!(first, W("only")) {
        return only(&tokens[1..], script);
    }
    let what = step(&tokens)?;
    script.steps.push(Step { line: number, text: line.trim().to_owned(), what });
    Ok(())
}

fn only(tokens: &[Token<'_>], script: &mut Script) -> Result<(), String> {
    let (mode, why) = match tokens {
        [W("with"), W("a"), W("speech"), W("model"), T(why)] => (Mode::Realtime, why),
        [W("in"), W("a"), W("pipeline"), T(why)] => (Mode::Pipeline, why),
        _ => return Err(unknown(tokens, "no mode with its reason")),
    };
    if why.trim().is_empty() || script.only.is_some() {
        return Err("what is played in one mode alone says why, once".to_owned());
    }
    script.only = Some((mode, (*why).to_owned()));
    Ok(())
}

fn step(tokens: &[Token<'_>]) -> Result<What, String> {
    match tokens {
        [W("at"), W(at), rest @ ..] => Ok(What::At(time(at)?, action(rest)?)),
        [W("after"), W(after), rest @ ..] => Ok(What::After(time(after)?, action(rest)?)),
        [W("every"), W(every), W(times), W("times"), rest @ ..] => {
            Ok(What::Every { time: time(every)?, times: number(times)?, action: action(rest)? })
        }
        [W("expect"), W("not"), rest @ ..] => {
            Ok(What::Expect { holds: false, condition: condition::parse(rest)? })
        }
        [W("expect"), rest @ ..] => {
            Ok(What::Expect { holds: true, condition: condition::parse(rest)? })
        }
        [W("within"), W(within), rest @ ..] => {
            Ok(What::Within(time(within)?, condition::parse(rest)?))
        }
        _ => Err(unknown(tokens, "no line of a script")),
    }
}
