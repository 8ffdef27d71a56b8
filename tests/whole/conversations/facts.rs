//! What a script expects, looked for in what the simulated carrier and the simulated
//! model saw and in what was stored, when the call is over.

use serde_json::Value;
use trunkline_core::tenant::Mode;
use trunkline_core::time::Micros;
use trunkline_simulator::carrier::{CallReport, Ended, Heard};
use trunkline_simulator::providers::{ResponseRecord, SessionRecord};

use super::count::{Count, count};
use super::token::Token::{self, T, W};
use super::token::{number, time, unknown};
use crate::support::{kinds, lines_of, stream};

/// What there is to look at.
#[derive(Debug)]
pub struct Seen {
    pub report: CallReport,
    pub session: SessionRecord,
    pub stored: Value,
    pub mode: Mode,
}

/// Whether it is so, and how it is.
pub type Fact = Box<dyn Fn(&Seen) -> (bool, String)>;

/// How much later than in virtual time something may be: the machine is busy.
const SLACK_MS: u64 = 3_000;
/// How far apart what the model is told and what was played may be.
const CLOSE_MS: u64 = 100;
/// The same where the model is told it in words: two of them.
const CLOSE_WORDS_MS: u64 = 800;

/// Reads what is expected.
pub fn fact(tokens: &[Token<'_>]) -> Result<Fact, String> {
    heard_fact(tokens)
        .or_else(|| told_fact(tokens))
        .or_else(|| outcome_fact(tokens))
        .unwrap_or_else(|| Err(unknown(tokens, "nothing that can be expected over sockets")))
}

type Read = Option<Result<Fact, String>>;

fn made(is_so: impl Fn(&Seen) -> (bool, String) + 'static) -> Result<Fact, String> {
    Ok(Box::new(is_so))
}

fn counted(
    wanted: &[Token<'_>],
    how_often: impl Fn(&Seen) -> usize + 'static,
) -> Result<Fact, String> {
    let wanted = count(wanted)?;
    made(move |seen| holds(wanted, how_often(seen)))
}

fn holds(wanted: Count, n: usize) -> (bool, String) {
    (wanted.holds(n), format!("{n} times"))
}

fn is(found: &str, wanted: &str) -> (bool, String) {
    (found == wanted, found.to_owned())
}

/// What came out of the phone.
fn heard_fact(tokens: &[Token<'_>]) -> Read {
    Some(match tokens {
        [W("agent"), W("speaks"), W(n)] => of_response(n, |seen, n| {
            (heard(seen, n).is_some(), "nothing of it was heard".to_owned())
        }),
        // When the call is over nobody speaks.
        [W("agent"), W("silent")] => made(|_| (true, String::new())),
        [W("heard"), W("greeting")] => made(|seen| heard_all(seen, 0)),
        [W("heard"), W("all"), W("of"), W(n)] => of_response(n, heard_all),
        [W("heard"), W("nothing"), W("of"), W(n)] => of_response(n, |seen, n| {
            let heard = heard(seen, n);
            (heard.is_none(), format!("{heard:?}"))
        }),
        [W("heard"), W("at"), W("most"), W(most), W("of"), W(n)] => {
            bounded(most, n, |ms, most| ms <= most + SLACK_MS)
        }
        [W("heard"), W("at"), W("least"), W(least), W("of"), W(n)] => {
            bounded(least, n, |ms, least| ms >= least / 10)
        }
        [W("heard"), W("twice"), W("at"), W("most"), W(most), W("of"), W(n)] => {
            let most = time(most).map(Micros::as_millis);
            most.and_then(|most_ms| of_response(n, move |seen, n| heard_twice(seen, n, most_ms)))
        }
        [W("held")] => made(|seen| (events(seen, "barge_in_stop") > 0, "never".to_owned())),
        [W("resumed"), rest @ .., W("pause"), W("at"), W("most"), W(most)] => {
            let wanted = count(rest).and_then(|wanted| Ok((wanted, time(most)?.as_millis())));
            wanted.and_then(|(wanted, most_ms)| made(move |seen| resumed(seen, wanted, most_ms)))
        }
        [W("resumed"), rest @ ..] => counted(rest, |seen| events(seen, "barge_in_resumed")),
        [W("cleared"), rest @ ..] => {
            counted(rest, |seen| stream(&seen.report).playback.clears.len())
        }
        _ => return None,
    })
}

/// What the model was told.
fn told_fact(tokens: &[Token<'_>]) -> Read {
    Some(match tokens {
        [W("truncated"), W(n), W("at"), W(_), W("give"), W(_)] => of_response(n, truncated),
        [W("deleted"), W(n)] => of_response(n, |seen, n| {
            let item = response(seen, n).and_then(|r| r.item_id.clone()).unwrap_or_default();
            let deletes = seen.session.events.iter().any(|event| {
                event.kind == "conversation.item.delete" && event.fields["item_id"] == item.as_str()
            });
            (deletes, "it was not deleted".to_owned())
        }),
        [W("cancelled"), rest @ ..] => counted(rest, |seen| sent(seen, "response.cancel")),
        [W("asked"), W("to"), W("say"), T(words)] => {
            let words = (*words).to_owned();
            made(move |seen| {
                let asked = told(seen, "response.create", &words);
                (asked, "it was not asked for".to_owned())
            })
        }
        // The greeting is asked for too.
        [W("asked"), rest @ ..] => {
            counted(rest, |seen| sent(seen, "response.create").saturating_sub(1))
        }
        [W("told"), W("of"), W("caller"), T(words)] => {
            let words = (*words).to_owned();
            made(move |seen| {
                let told = told(seen, "conversation.item.create", &words);
                (told, "the model was not told".to_owned())
            })
        }
        [W("told"), W("of"), W("keys"), T(keys), W("ended"), W("by"), W(what)] => {
            let (keys, what) = ((*keys).to_owned(), (*what).to_owned());
            made(move |seen| told_of_keys(seen, &keys, &what))
        }
        _ => return None,
    })
}

/// What was stored, and how the call came out.
fn outcome_fact(tokens: &[Token<'_>]) -> Read {
    Some(match tokens {
        [W("tool"), W(name), W("ran"), rest @ ..] => {
            let name = (*name).to_owned();
            counted(rest, move |seen| tool_runs(seen, &name))
        }
        [W("event"), W(kind), rest @ ..] => {
            let kind = (*kind).to_owned();
            counted(rest, move |seen| events(seen, &kind))
        }
        [W("stored"), W("caller"), T(words)] => {
            let words = (*words).to_owned();
            made(move |seen| {
                let lines = lines_of(&seen.stored, "caller");
                (lines.iter().any(|line| line["heard"] == words.as_str()), format!("{lines:?}"))
            })
        }
        [W("stored"), W("agent"), T(words), W(how @ ("whole" | "cut"))] => {
            let (words, whole) = ((*words).to_owned(), *how == "whole");
            made(move |seen| stored_agent(seen, &words, whole))
        }
        [W("turns"), rest @ ..] => counted(rest, |seen| events(seen, "turn_ended")),
        [W("interruptions"), rest @ ..] => counted(rest, |seen| events(seen, "barge_in")),
        [W("outcome"), W(word)] => {
            let word = (*word).to_owned();
            made(move |seen| is(text(&seen.stored["call"]["outcome"]), &word))
        }
        [W("reason"), W(word)] => {
            let word = (*word).to_owned();
            made(move |seen| is(text(&seen.stored["call"]["captured_fields"]["end_reason"]), &word))
        }
        [W("disposition"), W(word)] => {
            let word = (*word).to_owned();
            made(move |seen| is(disposition(seen), &word))
        }
        [W("ended")] => made(|_| (true, String::new())),
        _ => return None,
    })
}

/// Response N of the script, and the greeting as 0: the model speaks it here.
fn of_response(
    n: &str,
    is_so: impl Fn(&Seen, usize) -> (bool, String) + 'static,
) -> Result<Fact, String> {
    let n: usize = number(n)?;
    made(move |seen| is_so(seen, n))
}

fn bounded(
    bound: &str,
    n: &str,
    is_so: impl Fn(u64, u64) -> bool + 'static,
) -> Result<Fact, String> {
    let bound_ms = time(bound)?.as_millis();
    of_response(n, move |seen, n| {
        let heard_ms = heard_ms(seen, n);
        (is_so(heard_ms, bound_ms), format!("{heard_ms} ms of it were heard"))
    })
}

fn response(seen: &Seen, n: usize) -> Option<&ResponseRecord> {
    seen.session.responses.get(n)
}

fn heard(seen: &Seen, n: usize) -> Option<&Heard> {
    let number = response(seen, n)?.number;
    let all = &stream(&seen.report).playback.responses;
    all.iter().find(|heard| heard.response == number && heard.frames > 0)
}

/// Up to the last frame that was heard; what was heard twice counts once.
fn heard_ms(seen: &Seen, n: usize) -> u64 {
    heard(seen, n).map_or(0, |heard| (u64::from(heard.last_frame) + 1) * 20)
}

fn heard_all(seen: &Seen, n: usize) -> (bool, String) {
    let Some((response, heard)) = response(seen, n).zip(heard(seen, n)) else {
        return (false, format!("nothing of it: {:?}", seen.session.responses));
    };
    // A sentence that went on after a stop is heard from a little before it.
    let resumes = u64::try_from(events(seen, "barge_in_resumed")).unwrap_or(u64::MAX);
    let all = heard_ms(seen, n) == response.audio_ms && heard.frames * 20 >= response.audio_ms;
    (all && heard.skips <= resumes, format!("{heard:?} of {response:?}"))
}

fn heard_twice(seen: &Seen, n: usize, most_ms: u64) -> (bool, String) {
    let frames = heard(seen, n).map_or(0, |heard| heard.frames);
    let twice_ms = (frames * 20).saturating_sub(heard_ms(seen, n));
    (twice_ms <= most_ms, format!("{twice_ms} ms of it were heard twice"))
}

/// Where it was cut is a matter of the machine's pace; that it was cut where the phone
/// stopped is not.
fn truncated(seen: &Seen, n: usize) -> (bool, String) {
    let told_ms = response(seen, n).and_then(|response| response.truncated_ms);
    let played_ms = heard_ms(seen, n);
    let most_ms = if seen.mode == Mode::Pipeline { CLOSE_WORDS_MS } else { CLOSE_MS };
    let close = told_ms.is_some_and(|told_ms| told_ms.abs_diff(played_ms) <= most_ms);
    (close, format!("told {told_ms:?} ms, played {played_ms} ms"))
}

fn resumed(seen: &Seen, wanted: Count, most_ms: u64) -> (bool, String) {
    let all = seen.stored["events"].as_array().expect("a list of events");
    let resumes = all.iter().filter(|event| event["kind"] == "barge_in_resumed");
    let pauses: Vec<u64> =
        resumes.map(|event| event["data"]["pause_ms"].as_u64().expect("a pause")).collect();
    let short = pauses.iter().all(|pause_ms| *pause_ms <= most_ms + SLACK_MS);
    (wanted.holds(pauses.len()) && short, format!("the pauses, in ms: {pauses:?}"))
}

fn sent(seen: &Seen, kind: &str) -> usize {
    seen.session.events.iter().filter(|event| event.kind == kind).count()
}

fn told(seen: &Seen, kind: &str, words: &str) -> bool {
    let tells = |fields: &Value| fields.to_string().contains(words);
    seen.session.events.iter().any(|event| event.kind == kind && tells(&event.fields))
}

fn told_of_keys(seen: &Seen, keys: &str, ended_by: &str) -> (bool, String) {
    let outputs = seen.session.events.iter().filter_map(|event| {
        let output = event.fields["item"]["output"].as_str()?;
        serde_json::from_str::<Value>(output).ok()
    });
    let outputs: Vec<Value> = outputs.collect();
    let found = outputs.iter().any(|o| o["digits"] == keys && o["ended_by"] == ended_by);
    (found, format!("told: {outputs:?}"))
}

fn events(seen: &Seen, kind: &str) -> usize {
    kinds(&seen.stored).iter().filter(|known| *known == kind).count()
}

fn tool_runs(seen: &Seen, name: &str) -> usize {
    let events = seen.stored["events"].as_array().expect("a list of events");
    events.iter().filter(|e| e["kind"] == "tool_called" && e["data"]["tool"] == name).count()
}

fn stored_agent(seen: &Seen, words: &str, whole: bool) -> (bool, String) {
    let lines = lines_of(&seen.stored, "agent");
    let found = lines.iter().any(|line| {
        let (generated, heard) = (text(&line["generated"]), text(&line["heard"]));
        if whole {
            line["interrupted"] == false && generated == words && heard == words
        } else {
            line["interrupted"] == true && words.starts_with(generated) && heard != words
        }
    });
    (found, format!("stored: {lines:?}"))
}

fn disposition(seen: &Seen) -> &'static str {
    match seen.report.ended {
        Ended::Caller => "caller_gone",
        _ if !seen.report.dialled.is_empty() => "transfer",
        Ended::FarEnd => "hang_up",
        Ended::Duration | Ended::Rejected | Ended::Refused | Ended::Failed => "none",
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
