//! What the model answers.

use crate::support::Reply;

use super::token::Token::{self, T, W};
use super::token::{time, unknown};

/// Texts of the supports are static.
pub fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// `"words" calls look_up "{}" after 800ms stalls`: what there is, in any order.
pub fn reply(mut rest: &[Token<'_>]) -> Result<Reply, String> {
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
