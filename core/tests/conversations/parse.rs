//! Reads a script. A word that is not known is an error with its line.

use trunkline_core::call::{Child, ToolEffect};
use trunkline_core::tenant::Turns;

use crate::support::{Dial, Plan, Reply};

use super::condition;
use super::script::{Action, Script, Step, What};
use super::token::Token::{self, T, W};
use super::token::{number, time, tokens};

/// Reads a script; an error begins with its line.
pub fn script(text: &str) -> Result<Script, String> {
    let mut script = Script {
        plan: Plan::default(),
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
    let what = step(&tokens)?;
    script.steps.push(Step { line: number, text: line.trim().to_owned(), what });
    Ok(())
}

pub fn unknown(tokens: &[Token<'_>], wanted: &str) -> String {
    let shown: Vec<String> = tokens
        .iter()
        .map(|token| match token {
            W(word) => (*word).to_owned(),
            T(text) => format!("{text:?}"),
        })
        .collect();
    format!("`{}` is {wanted}; see tests/conversations/README.md", shown.join(" "))
}

/// Texts of the supports are static.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn given(tokens: &[Token<'_>], script: &mut Script) -> Result<(), String> {
    let plan = &mut script.plan;
    match tokens {
        [W("greeting"), W("kept")] => plan.cached_greeting = true,
        [W("greeting"), W("spoken")] => plan.cached_greeting = false,
        [W("turns"), W("ours")] => plan.turns = Turns::Ours,
        [W("turns"), W("model")] => plan.turns = Turns::Model,
        [W("no"), W("human")] => plan.human = false,
        [W("no"), W("filler")] => plan.filler = None,
        [W("filler"), T(text)] => plan.filler = Some(kept(text)),
        [W("limit"), W(name), W(value)] => limit(plan, name, value)?,
        [W("line"), W("delay"), W(delay)] => script.line_delay = Some(time(delay)?),
        [W("stream"), W("not"), W("started")] => script.starts_by_itself = false,
        [W("model"), W("ignores"), W("cancel")] => script.ignores_cancel = true,
        [W("tool"), W(name), rest @ ..] => script.tools.push(tool(name, rest)?),
        [W("dial"), rest @ ..] => script.dials.push(dial(rest)?),
        [W("reply"), rest @ ..] => script.replies.push(reply(rest)?),
        _ => return Err(unknown(tokens, "nothing that can be given")),
    }
    Ok(())
}

fn limit(plan: &mut Plan, name: &str, value: &str) -> Result<(), String> {
    let limits = &mut plan.limits;
    let in_ms = || time(value).map(|time| time.as_millis());
    match name {
        "call" => limits.max_call_duration_ms = in_ms()?,
        "turns" => limits.max_turns = number(value)?,
        "watchdog" => limits.watchdog_ms = in_ms()?,
        "farewell" => limits.farewell_timeout_ms = in_ms()?,
        "slow-tool" => limits.slow_tool_ms = in_ms()?,
        "tool" => limits.tool_timeout_ms = in_ms()?,
        _ => {
            let known = "call, turns, watchdog, farewell, slow-tool, tool";
            return Err(format!("{name:?} is no limit; there are {known}"));
        }
    }
    Ok(())
}

fn tool(
    name: &str,
    rest: &[Token<'_>],
) -> Result<(&'static str, trunkline_core::time::Micros, ToolEffect), String> {
    let (after, effect) = match rest {
        [W("takes"), W(after)] => (after, ToolEffect::GoOn),
        [W("takes"), W(after), W("and"), W("ends")] => (after, ToolEffect::EndCall),
        [W("takes"), W(after), W("and"), W("transfers")] => (after, ToolEffect::Transfer),
        _ => return Err(unknown(rest, "nothing that a tool does")),
    };
    Ok((kept(name), time(after)?, effect))
}

fn dial(rest: &[Token<'_>]) -> Result<Dial, String> {
    match rest {
        [W("ready"), W("after"), W(after)] => Ok(Dial::Ready(time(after)?)),
        [W("hangs")] => Ok(Dial::Hangs),
        [W("fails"), W("after"), W(after)] => Ok(Dial::Fails { after: time(after)?, retry: true }),
        [W("fails"), W("for"), W("good"), W("after"), W(after)] => {
            Ok(Dial::Fails { after: time(after)?, retry: false })
        }
        _ => Err(unknown(rest, "nothing that a dial comes to")),
    }
}

/// `"words" calls look_up "{}" after 800ms stalls`: what there is, in any order.
fn reply(mut rest: &[Token<'_>]) -> Result<Reply, String> {
    let mut reply = Reply::default();
    if let [T(text), after @ ..] = rest {
        (reply.text, rest) = (kept(text), after);
    }
    if reply.text.is_empty() && rest.is_empty() {
        return Err("a reply says or does something".to_owned());
    }
    while !rest.is_empty() {
        rest = match rest {
            [W("calls"), W(name), T(arguments), after @ ..] => {
                reply.tools.push((kept(name), kept(arguments)));
                after
            }
            [W("after"), W(latency), after @ ..] => {
                reply.latency = Some(time(latency)?);
                after
            }
            [W("fails"), W(code), after @ ..] => {
                reply.fails = Some(kept(code));
                after
            }
            [W("stalls"), after @ ..] => {
                reply.stalls = true;
                after
            }
            [W("mute"), after @ ..] => {
                reply.mute = true;
                after
            }
            [W("unannounced"), after @ ..] => {
                reply.never_announced = true;
                after
            }
            _ => return Err(unknown(rest, "nothing that a reply does")),
        };
    }
    Ok(reply)
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

fn action(tokens: &[Token<'_>]) -> Result<Action, String> {
    Ok(match tokens {
        [] => Action::Nothing,
        [W("caller"), rest @ ..] => return caller(rest, tokens),
        [W("stream"), W("starts")] => Action::StreamStarts,
        [W("stream"), W("is"), W("lost")] => Action::StreamIsLost,
        [W("model"), W("is"), W("lost")] => Action::ModelIsLost { retry: true },
        [W("model"), W("is"), W("lost"), W("for"), W("good")] => {
            Action::ModelIsLost { retry: false }
        }
        [W("model"), W("begins"), rest @ ..] => Action::ModelBegins(reply(rest)?),
        [W("model"), W("sends"), W(length), W("of"), W(response)] => {
            Action::ModelSends { response: number(response)?, time: time(length)? }
        }
        [W("marks"), W("are"), W("lost")] => Action::MarksAreLost,
        [W("marks"), W("are"), W("doubled")] => Action::MarksAreDoubled,
        [W("marks"), W("return")] => Action::MarksReturn,
        [W("child"), W(child), W("dies")] => Action::ChildDies(self::child(child)?),
        [W("operator"), W("hangs"), W("up")] => Action::OperatorHangsUp,
        [W("operator"), W("transfers"), T(reason)] => {
            Action::OperatorTransfers((*reason).to_owned())
        }
        [W("process"), W("drains")] => Action::ProcessDrains,
        [W("call"), W("expires")] => Action::CallExpires,
        _ => return Err(unknown(tokens, "nothing that happens")),
    })
}

fn caller(rest: &[Token<'_>], tokens: &[Token<'_>]) -> Result<Action, String> {
    match rest {
        [W("says"), T(words), W("for"), W(length)] => {
            Ok(Action::Says { words: (*words).to_owned(), time: time(length)? })
        }
        [W("presses"), W(key)] => match key.chars().collect::<Vec<_>>().as_slice() {
            [key @ ('0'..='9' | '*')] => Ok(Action::Presses(*key)),
            _ => Err(format!("{key:?} is no key; they are 0 to 9, *, and \"#\" in quotes")),
        },
        [W("presses"), T("#")] => Ok(Action::Presses('#')),
        [W("hangs"), W("up")] => Ok(Action::HangsUp),
        _ => Err(unknown(tokens, "nothing that a caller does")),
    }
}

fn child(word: &str) -> Result<Child, String> {
    Ok(match word {
        "barge-in" => Child::BargeIn,
        "turn-manager" => Child::TurnManager,
        "tool-runner" => Child::ToolRunner,
        "session" => Child::RealtimeSession,
        "stream" => Child::TwilioStream,
        _ => {
            let known = "barge-in, turn-manager, tool-runner, session, stream";
            return Err(format!("{word:?} is no child; there are {known}"));
        }
    })
}
