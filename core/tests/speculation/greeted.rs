//! A call in a pipeline whose services take as long as real ones, and answer by words.

use std::collections::BTreeMap;

use trunkline_core::call::ToolEffect;
use trunkline_core::ids::ToolCallId;
use trunkline_core::pii::Personal;
use trunkline_core::pipeline::Thought;
use trunkline_core::tenant::Mode;
use trunkline_core::wire::chat::ToolCall;

use crate::support::{Latencies, Plan, Service, World, ms};

/// What is realistic. The voice gives a sentence as fast as voices do.
pub const REALISTIC: Latencies =
    Latencies { recogniser: ms(150), first_token: ms(350), first_audio: ms(120), word: ms(10) };

/// A call that has greeted, two and a half seconds ago.
pub fn greeted(plan: &Plan, speculate: bool) -> World {
    let seconds = vec![Service::Chat, Service::Voice];
    let plan = Plan { mode: Mode::Pipeline, speculate, seconds, ..plan.clone() };
    let mut world = World::started(&plan);
    world.services.takes = REALISTIC;
    world.services.answers = Some(BTreeMap::new());
    world.tools.insert("look_up", (ms(100), ToolEffect::GoOn));
    world.past_greeting();
    world
}

/// From now on these words are answered so.
pub fn answered(world: &mut World, words: &'static str, thoughts: Vec<Thought>) {
    world.services.answers.get_or_insert_default().insert(words, thoughts);
}

pub fn wants_tool() -> Vec<Thought> {
    let call = ToolCall {
        id: ToolCallId::parse("call_1").unwrap(),
        name: "look_up".to_owned(),
        arguments: "{}".to_owned(),
    };
    vec![
        Thought::Text(Personal::new("Let me see. ")),
        Thought::Call(call),
        Thought::Finished { usage: None },
    ]
}
