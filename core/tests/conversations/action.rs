//! What somebody does.

use trunkline_core::call::{AnsweredBy, Child};

use super::reply::reply;
use super::script::{Action, Voice};
use super::service::{health, is_service, place, service, services};
use super::token::Token::{self, T, W};
use super::token::{number, time, unknown};

/// Reads what follows a time.
pub fn action(tokens: &[Token<'_>]) -> Result<Action, String> {
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
        [W("model"), W("answers"), rest @ ..] => Action::ModelAnswers(reply(rest)?),
        [W("model"), W("sends"), W(length), W("of"), W(response)] => {
            Action::ModelSends { response: number(response)?, time: time(length)? }
        }
        [W("model"), W("expires"), W("in"), W(left)] => Action::ModelExpires(time(left)?),
        [
            W("agent's"),
            W("echo"),
            W("comes"),
            W("back"),
            W("as"),
            T(words),
            W("for"),
            W(length),
        ] => {
            let time = time(length)?;
            Action::Says { pieces: vec![(*words).to_owned()], time, voice: Voice::Faint }
        }
        [W(service), W("breaks"), W("off")] => Action::BreaksOff(self::service(service)?),
        [W(service), W(n), W("is"), how @ ..] if is_service(service) => {
            Action::ServiceIs(self::service(service)?, Some(place(n)?), health(how)?)
        }
        [W("all"), W(services), W("are"), how @ ..] => {
            Action::ServiceIs(self::services(services)?, None, health(how)?)
        }
        [W("carrier"), W("is"), W("stuck")] => Action::CarrierIsStuck(true),
        [W("carrier"), W("moves"), W("again")] => Action::CarrierIsStuck(false),
        [W("marks"), W("are"), W("lost")] => Action::MarksAreLost,
        [W("marks"), W("are"), W("doubled")] => Action::MarksAreDoubled,
        [W("marks"), W("return")] => Action::MarksReturn,
        [W("answered"), W("by"), W(who)] => Action::AnsweredBy(answered_by(who)?),
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
    let one = |words: &str| vec![words.to_owned()];
    match rest {
        [W("says"), T(words), W("for"), W(length)] => {
            Ok(Action::Says { pieces: one(words), time: time(length)?, voice: Voice::Near })
        }
        [W("says"), T(words), W("for"), W(length), W("faintly")] => {
            Ok(Action::Says { pieces: one(words), time: time(length)?, voice: Voice::Faint })
        }
        [W("says"), pieces @ .., W("for"), W(length), W("in"), W("pieces")] => {
            let text = |token: &Token<'_>| match token {
                T(words) => Ok((*words).to_owned()),
                W(_) => Err(unknown(tokens, "no text in pieces")),
            };
            let pieces = pieces.iter().map(text).collect::<Result<_, _>>()?;
            Ok(Action::Says { pieces, time: time(length)?, voice: Voice::InPieces })
        }
        [W("coughs")] => Ok(Action::Sounds { time: time("250ms")?, strong: true }),
        [W("sounds"), W("for"), W(length)] => {
            Ok(Action::Sounds { time: time(length)?, strong: false })
        }
        [W("sounds"), W("for"), W(length), W("strongly")] => {
            Ok(Action::Sounds { time: time(length)?, strong: true })
        }
        [W("presses"), W(key)] => match key.chars().collect::<Vec<_>>().as_slice() {
            [key @ ('0'..='9' | '*')] => Ok(Action::Presses(key.to_string())),
            _ => Err(format!("{key:?} is no key; they are 0 to 9, *, and \"#\" in quotes")),
        },
        [W("presses"), T(keys)] if !keys.is_empty() && keys.chars().all(is_key) => {
            Ok(Action::Presses((*keys).to_owned()))
        }
        [W("hangs"), W("up")] => Ok(Action::HangsUp),
        _ => Err(unknown(tokens, "nothing that a caller does")),
    }
}

fn is_key(key: char) -> bool {
    key.is_ascii_digit() || matches!(key, '*' | '#')
}

fn answered_by(word: &str) -> Result<AnsweredBy, String> {
    Ok(match word {
        "human" => AnsweredBy::Human,
        "machine" => AnsweredBy::MachineStart,
        "beep" => AnsweredBy::MachineEndBeep,
        "machine-silence" => AnsweredBy::MachineEndSilence,
        "machine-other" => AnsweredBy::MachineEndOther,
        "fax" => AnsweredBy::Fax,
        "unknown" => AnsweredBy::Unknown,
        _ => {
            let known = "human, machine, beep, machine-silence, machine-other, fax, unknown";
            return Err(format!("nobody answers as {word:?}; there are {known}"));
        }
    })
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
