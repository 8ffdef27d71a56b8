//! What a script may expect: how it is written, and whether it is so.

use trunkline_core::call::{Output, Speaker};
use trunkline_core::time::Micros;
use trunkline_core::turn::playback::mulaw_time;
use trunkline_core::wire::realtime::{ClientEvent, Item};

use crate::support::{GREETING_TAG, SENTENCE_BYTES, SENTENCE_TAG, World};

use super::count::{Count, count};
use super::script::{Condition, Heard};
use super::service::{asked, is_service, place, service};
use super::token::Token::{self, T, W};
use super::token::{number, time, unknown};

/// Reads a condition.
pub fn parse(tokens: &[Token<'_>]) -> Result<Condition, String> {
    use Condition as C;
    let own = |text: &str| text.to_owned();
    Ok(match tokens {
        [W("agent"), W("speaks"), W(n)] => C::AgentSpeaks(number(n)?),
        [W("agent"), W("silent")] => C::AgentIsSilent,
        [W("heard"), W("greeting")] => C::HeardGreeting,
        [W("heard"), W("all"), W("of"), W(n)] => C::HeardAll(number(n)?),
        [W("heard"), W("nothing"), W("of"), W(n)] => C::HeardAtMost(number(n)?, Micros::ZERO),
        [W("heard"), W("at"), W("least"), W(t), W("of"), W(n)] => {
            C::HeardAtLeast(number(n)?, time(t)?)
        }
        [W("heard"), W("at"), W("most"), W(t), W("of"), W(n)] => {
            C::HeardAtMost(number(n)?, time(t)?)
        }
        [W("heard"), W("twice"), W("at"), W("most"), W(t), W("of"), W(n)] => {
            C::HeardTwiceAtMost(number(n)?, time(t)?)
        }
        [W("heard"), W("kept"), W("sentence")] => C::HeardKeptSentence,
        [W("held")] => C::Held,
        [W("resumed"), rest @ .., W("pause"), W("at"), W("most"), W(pause)] => {
            C::Resumed(count(rest)?, Some(time(pause)?))
        }
        [W("resumed"), rest @ ..] => C::Resumed(count(rest)?, None),
        [W("truncated"), W(n), W("at"), W(at), W("give"), W(give)] => {
            C::Truncated { response: number(n)?, at: time(at)?, give: time(give)? }
        }
        [W("deleted"), W(n)] => C::Deleted(number(n)?),
        [W("cleared"), rest @ ..] => C::Clears(count(rest)?),
        [W("cancelled"), rest @ ..] => C::Cancels(count(rest)?),
        [W("asked"), W("to"), W("say"), T(text)] => C::AskedToSay(own(text)),
        [W("asked"), rest @ ..] => C::Asked(count(rest)?),
        [W("told"), W("of"), W("caller"), T(text)] => C::ToldOfCaller(own(text)),
        [W("told"), W("of"), W("keys"), T(keys), W("ended"), W("by"), W(what)] => {
            C::ToldOfKeys { keys: own(keys), ended_by: own(what) }
        }
        [W("model"), W(n), W("dialled"), rest @ ..] => C::Dialled(number(n)?, count(rest)?),
        [W(service), W(n), W("asked"), rest @ ..] if is_service(service) => {
            C::ServiceAsked(self::service(service)?, place(n)?, count(rest)?)
        }
        [W("voice"), W(n), W("said"), T(text), rest @ ..] => {
            C::VoiceSaid(place(n)?, own(text), count(rest)?)
        }
        [W("chat"), W("told"), T(text)] => C::ChatTold(own(text)),
        [W("tool"), W(name), W("ran"), rest @ ..] => C::ToolRan(own(name), count(rest)?),
        [W("event"), W(kind), rest @ ..] => C::Event(own(kind), count(rest)?),
        [W("stale"), W(kind), rest @ ..] => C::Stale(own(kind), count(rest)?),
        [W("stored"), W("caller"), T(text)] => C::StoredCaller(own(text)),
        [W("stored"), W("agent"), T(text), W("whole")] => C::StoredAgent(own(text), Heard::Whole),
        [W("stored"), W("agent"), T(text), W("cut")] => C::StoredAgent(own(text), Heard::Cut),
        [W("phase"), W(phase)] => C::Phase(own(phase)),
        [W("outcome"), W(word)] => C::Outcome(own(word)),
        [W("disposition"), W(word)] => C::Disposition(own(word)),
        [W("reason"), W(word)] => C::Reason(own(word)),
        [W("turns"), rest @ ..] => C::Turns(count(rest)?),
        [W("interruptions"), rest @ ..] => C::Interruptions(count(rest)?),
        [W("bridged")] => C::Bridged,
        [W("ended")] => C::Ended,
        _ => return Err(unknown(tokens, "nothing that can be expected")),
    })
}

/// Whether a condition holds, and how it is.
pub fn check(condition: &Condition, world: &World) -> (bool, String) {
    use Condition as C;
    let counted = |wanted: Count, n: usize| (wanted.holds(n), format!("{n} times"));
    match condition {
        C::AgentSpeaks(n) => (
            world.bytes_sent(*n) > 0,
            format!("{:?} of it were sent", mulaw_time(world.bytes_sent(*n))),
        ),
        C::AgentIsSilent => (world.phone.is_silent(), "the phone's buffer is not empty".to_owned()),
        C::HeardGreeting => heard_all(world, GREETING_TAG),
        C::HeardAll(n) => heard_all(world, *n),
        C::HeardAtLeast(n, least) => heard(world, *n, |heard| heard >= *least),
        C::HeardAtMost(n, most) => heard(world, *n, |heard| heard <= *most),
        C::HeardTwiceAtMost(n, most) => {
            let twice = mulaw_time(world.phone.repeated(*n));
            (twice <= *most, format!("{twice:?} of it were heard twice"))
        }
        C::HeardKeptSentence => (
            world.phone.played(SENTENCE_TAG) == SENTENCE_BYTES,
            format!("{} bytes of one were heard", world.phone.played(SENTENCE_TAG)),
        ),
        C::Held => (world.is_held(), "nothing is held".to_owned()),
        C::Resumed(wanted, pause) => resumed(world, *wanted, *pause),
        C::Clears(wanted) => counted(*wanted, world.clears()),
        C::Cancels(wanted) => counted(*wanted, world.cancels()),
        C::Asked(wanted) => counted(*wanted, world.creates()),
        C::AskedToSay(text) => (world.asked_to_say(text), "it was not asked for".to_owned()),
        C::Truncated { response, at, give } => truncated(world, *response, *at, *give),
        C::Deleted(n) => (world.deleted(*n), "it was not deleted".to_owned()),
        C::ToldOfCaller(text) => (told(world, text), "the model was not told".to_owned()),
        C::ToldOfKeys { keys, ended_by } => told_of_keys(world, keys, ended_by),
        C::Dialled(model, wanted) => counted(
            *wanted,
            world.dialled().iter().filter(|dialled| **dialled + 1 == *model).count(),
        ),
        C::ServiceAsked(service, n, wanted) => counted(*wanted, asked(world, *service, *n)),
        C::VoiceSaid(n, text, wanted) => {
            let said = world.services.said.iter();
            let said = said.filter(|s| s.voice == *n && s.text == *text && s.bytes > 0);
            counted(*wanted, said.count())
        }
        C::ChatTold(text) => {
            let told = &world.services.told;
            (told.iter().any(|message| message.contains(text)), format!("told: {told:#?}"))
        }
        C::ToolRan(tool, wanted) => {
            let ran = |o: &Output| matches!(o, Output::RunTool { name, .. } if name == tool);
            counted(*wanted, world.count(ran))
        }
        C::Event(kind, wanted) => counted(*wanted, world.events(kind)),
        C::Stale(kind, wanted) => counted(*wanted, world.stale(kind)),
        C::StoredCaller(text) => stored_caller(world, text),
        C::StoredAgent(text, heard) => stored_agent(world, text, *heard),
        C::Phase(phase) => is(world.call.phase().as_str(), phase),
        C::Outcome(word) => is(world.summary().map_or("none yet", |s| s.outcome.as_str()), word),
        C::Disposition(word) => is(&disposition(world), word),
        C::Reason(word) => {
            let reason = world.summary().and_then(|s| s.reason.as_deref());
            is(reason.unwrap_or("none"), word)
        }
        C::Turns(wanted) => counted(*wanted, world.events("turn_ended")),
        C::Interruptions(wanted) => counted(*wanted, world.events("barge_in")),
        C::Bridged => (world.summary().is_some_and(|s| s.bridged), "it was not".to_owned()),
        C::Ended => (world.summary().is_some(), format!("{:?}", world.call.phase())),
    }
}

fn is(found: &str, wanted: &str) -> (bool, String) {
    (found == wanted, found.to_owned())
}

fn heard(world: &World, tag: u8, is_so: impl Fn(Micros) -> bool) -> (bool, String) {
    let heard = mulaw_time(world.phone.played(tag));
    (is_so(heard), format!("{heard:?} of it were heard"))
}

fn heard_all(world: &World, tag: u8) -> (bool, String) {
    let received = world.received.get(&tag).copied().unwrap_or(0);
    let played = world.phone.played(tag);
    let (heard, given) = (mulaw_time(played), mulaw_time(received));
    (played > 0 && played == received, format!("{heard:?} of {given:?} were heard"))
}

fn truncated(world: &World, tag: u8, at: Micros, give: Micros) -> (bool, String) {
    let found = world.truncated_at(tag).map(Micros::from_millis);
    let near = |found: Micros| found.since(at).max(at.since(found)) <= give;
    (found.is_some_and(near), found.map_or("it was not".to_owned(), |at| format!("at {at:?}")))
}

fn resumed(world: &World, wanted: Count, longest: Option<Micros>) -> (bool, String) {
    let pauses = world.pauses();
    let short = longest.is_none_or(|most| pauses.iter().all(|ms| *ms <= most.as_millis()));
    (wanted.holds(pauses.len()) && short, format!("the pauses, in ms: {pauses:?}"))
}

/// The last result that the model was told, which an entry of keys is.
fn told_of_keys(world: &World, keys: &str, ended_by: &str) -> (bool, String) {
    let results = world.told_model().filter_map(|event| match event {
        ClientEvent::CreateItem(Item::FunctionCallOutput { output, .. }) => Some(output.clone()),
        _ => None,
    });
    let last = results.last().unwrap_or_default();
    let result: serde_json::Value = serde_json::from_str(&last).unwrap_or_default();
    (result["digits"] == keys && result["ended_by"] == ended_by, format!("told: {last:?}"))
}

fn told(world: &World, words: &str) -> bool {
    let says = |event: &ClientEvent| match event {
        ClientEvent::CreateItem(Item::UserText { text }) => text.contains(words),
        _ => false,
    };
    world.told_model().any(says)
}

fn disposition(world: &World) -> String {
    let disposition = world.disposition().map(|d| serde_json::to_value(d).unwrap());
    disposition.map_or("none yet".to_owned(), |word| word.as_str().unwrap().to_owned())
}

fn stored_caller(world: &World, text: &str) -> (bool, String) {
    let said: Vec<&str> =
        world.transcripts(Speaker::Caller).iter().map(|entry| entry.heard.expose()).collect();
    (said.contains(&text), format!("stored: {said:?}"))
}

fn stored_agent(world: &World, text: &str, wanted: Heard) -> (bool, String) {
    let entries = world.transcripts(Speaker::Agent);
    let found = entries.iter().any(|entry| {
        let (generated, heard) = (entry.generated.expose(), entry.heard.expose());
        match wanted {
            // The model may not have come to the end of it.
            Heard::Cut => entry.interrupted && text.starts_with(generated) && heard != text,
            Heard::Whole => !entry.interrupted && generated == text && heard == text,
        }
    });
    let said: Vec<(&str, &str)> =
        entries.iter().map(|entry| (entry.generated.expose(), entry.heard.expose())).collect();
    (found, format!("stored, with what was heard of it: {said:?}"))
}
