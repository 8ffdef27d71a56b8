//! A language model that writes what the script has it answer, piece by piece.

use trunkline_core::ids::ToolCallId;
use trunkline_core::pii::Personal;
use trunkline_core::pipeline::Thought;
use trunkline_core::time::Micros;
use trunkline_core::wire::chat::ToolCall;

use super::{Answering, Health, REFUSED, Script, Tells};
use crate::support::settings::ms;

/// What of a reply's latency is not the language model's.
const SPEAKING: Micros = ms(150);
/// From one piece to the next.
const TOKEN: Micros = ms(2);
/// Letters of a piece, which ends anywhere in a word.
const PIECE: usize = 5;

/// It is asked; what it tells.
pub fn asked(
    request: u32,
    answering: &mut Answering,
    first_token: Micros,
    health: Health,
) -> Script {
    let again = std::mem::replace(&mut answering.asked, true);
    let mut reply = answering.reply.clone();
    let tells = |event| Tells::Thought { request, event };
    match health {
        Health::Well => {}
        Health::Hangs => return Vec::new(),
        Health::Away => {
            // Nobody has begun with the reply.
            answering.asked = again;
            return vec![(REFUSED, tells(failed("it is away")))];
        }
    }
    if again {
        (reply.mute, reply.stalls, reply.fails) = (false, false, None);
    }
    if reply.mute || reply.never_announced {
        return Vec::new();
    }
    let mut at = reply.latency.map_or(first_token, |latency| latency.since(SPEAKING));
    let mut script = Vec::new();
    let letters: Vec<char> = reply.text.chars().collect();
    for piece in letters.chunks(PIECE) {
        let text: String = piece.iter().collect();
        script.push((at, tells(Thought::Text(Personal::new(text)))));
        at = at + TOKEN;
    }
    if reply.stalls {
        return script;
    }
    if let Some(code) = reply.fails {
        script.push((at, tells(failed(code))));
        return script;
    }
    for (index, (name, arguments)) in reply.tools.iter().enumerate() {
        let call = ToolCall {
            id: ToolCallId::parse(&format!("call_{request}_{index}")).unwrap(),
            name: (*name).to_owned(),
            arguments: (*arguments).to_owned(),
        };
        script.push((at, tells(Thought::Call(call))));
    }
    script.push((at, tells(Thought::Finished { usage: None })));
    script
}

pub fn failed(reason: &str) -> Thought {
    Thought::Failed { reason: reason.to_owned(), retry: true }
}
