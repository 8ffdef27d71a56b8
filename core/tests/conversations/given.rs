//! What is given before a call begins.

use trunkline_core::call::{Sentence, ToolEffect};
use trunkline_core::tenant::Turns;
use trunkline_core::time::Micros;
use trunkline_core::tools::DigitPlan;
use trunkline_core::turn::barge_in::BargeInMode;
use trunkline_core::turn::silence::AfterSilence;

use crate::support::{Dial, PATIENT, Plan};

use super::reply::{kept, reply};
use super::script::Script;
use super::service::service;
use super::token::Token::{self, T, W};
use super::token::{number, time, unknown};

/// Reads what follows `given`.
pub fn given(tokens: &[Token<'_>], script: &mut Script) -> Result<(), String> {
    let plan = &mut script.plan;
    match tokens {
        [W("greeting"), W("kept")] => plan.cached_greeting = true,
        [W("greeting"), W("spoken")] => plan.cached_greeting = false,
        [W("greeting"), W(mode)] => plan.barge_in.greeting = self::mode(mode)?,
        [W("kept"), W(sentence)] => plan.kept.push(self::sentence(sentence)?),
        [W("turns"), W("ours")] => plan.turns = Turns::Ours,
        [W("turns"), W("model")] => plan.turns = Turns::Model,
        [W("ears")] => plan.barge_in.ears = true,
        [W("barge-in"), W(mode)] => plan.barge_in.mode = self::mode(mode)?,
        [W("silence"), rest @ ..] => silence(rest, plan)?,
        [W("endpointing"), W(name), W(value)] => endpointing(plan, name, value)?,
        [W("no"), W("human")] => plan.human = false,
        [W("no"), W("filler")] => plan.filler = None,
        [W("filler"), T(text)] => plan.filler = Some(kept(text)),
        [W("voicemail"), T(text)] => plan.voicemail = Some(kept(text)),
        [W("limit"), W(name), W(value)] => limit(plan, name, value)?,
        [W("line"), W("delay"), W(delay)] => script.line_delay = Some(time(delay)?),
        [W("stream"), W("not"), W("started")] => script.starts_by_itself = false,
        [W("model"), W("ignores"), W("cancel")] => script.ignores_cancel = true,
        [W("fallback"), W("model")] => plan.providers += 1,
        [W("pipeline"), W("takes"), W("over")] => plan.takes_over = true,
        [W("second"), W(service)] => plan.seconds.push(self::service(service)?),
        [W("tool"), W(name), rest @ ..] => script.tools.push(tool(name, rest)?),
        [W("dial"), rest @ ..] => script.dials.push(dial(rest)?),
        [W("reply"), rest @ ..] => script.replies.push(reply(rest)?),
        _ => return Err(unknown(tokens, "nothing that can be given")),
    }
    Ok(())
}

fn in_ms(value: &str) -> Result<u64, String> {
    time(value).map(|time| time.as_millis())
}

fn limit(plan: &mut Plan, name: &str, value: &str) -> Result<(), String> {
    let limits = &mut plan.limits;
    match name {
        "call" => limits.max_call_duration_ms = in_ms(value)?,
        "turns" => limits.max_turns = number(value)?,
        "watchdog" => limits.watchdog_ms = in_ms(value)?,
        "farewell" => limits.farewell_timeout_ms = in_ms(value)?,
        "slow-tool" => limits.slow_tool_ms = in_ms(value)?,
        "tool" => limits.tool_timeout_ms = in_ms(value)?,
        "session" => plan.session_limit_ms = in_ms(value)?,
        _ => {
            let known = "call, turns, watchdog, farewell, slow-tool, tool, session";
            return Err(format!("{name:?} is no limit; there are {known}"));
        }
    }
    Ok(())
}

fn mode(word: &str) -> Result<BargeInMode, String> {
    match word {
        "immediate" => Ok(BargeInMode::Immediate),
        "after-sentence" => Ok(BargeInMode::AfterSentence),
        "protected" => Ok(BargeInMode::Protected),
        _ => Err(format!("{word:?} is no mode; there are immediate, after-sentence, protected")),
    }
}

fn sentence(word: &str) -> Result<Sentence, String> {
    match word {
        "filler" => Ok(Sentence::Filler),
        "nudge" => Ok(Sentence::Nudge),
        "bridging" => Ok(Sentence::Bridging),
        _ => Err(format!("{word:?} is no sentence; there are filler, nudge, bridging")),
    }
}

fn silence(rest: &[Token<'_>], plan: &mut Plan) -> Result<(), String> {
    let silence = &mut plan.silence;
    match rest {
        [W("left"), W("alone")] => *silence = PATIENT,
        [W("asked"), W("after"), W(value)] => silence.nudge_ms = in_ms(value)?,
        [W("ended"), W("after"), W(value)] => silence.give_up_ms = in_ms(value)?,
        [W("leads"), W("to"), W("human")] => silence.then = AfterSilence::Human,
        [W("after"), W("text"), W(value)] => silence.text_wait_ms = in_ms(value)?,
        _ => return Err(unknown(rest, "nothing that silence comes to")),
    }
    Ok(())
}

fn endpointing(plan: &mut Plan, name: &str, value: &str) -> Result<(), String> {
    let delays = &mut plan.endpointing;
    match name {
        "least" => delays.min_delay_ms = in_ms(value)?,
        "usual" => delays.delay_ms = in_ms(value)?,
        "most" => delays.max_delay_ms = in_ms(value)?,
        "model" => {
            let ms = in_ms(value)?;
            plan.silence_duration_ms = u32::try_from(ms).map_err(|error| error.to_string())?;
        }
        _ => return Err(format!("{name:?} is no delay; there are least, usual, most, model")),
    }
    Ok(())
}

fn tool(name: &str, rest: &[Token<'_>]) -> Result<(&'static str, Micros, ToolEffect), String> {
    let [W("takes"), W(after), effect @ ..] = rest else {
        return Err(unknown(rest, "nothing that a tool does"));
    };
    let effect = match effect {
        [] => ToolEffect::GoOn,
        [W("and"), W("ends")] => ToolEffect::EndCall,
        [W("and"), W("transfers")] => ToolEffect::Transfer,
        [W("and"), W("texts")] => ToolEffect::TextSent,
        [W("and"), W("collects"), W(keys), W("keys")] => {
            let max_digits = number(keys)?;
            let plan = DigitPlan { max_digits, terminator: Some('#'), timeout_ms: 5_000 };
            ToolEffect::CollectDigits(plan)
        }
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
