//! Calls that are in the middle of something.

use trunkline_core::call::{PhaseName, ToolEffect};
use trunkline_core::tenant::Turns;
use trunkline_core::time::Micros;

use crate::support::{Plan, Reply, World, ms};

/// A sentence that takes its time.
pub const LONG: &str = "well there are quite a few things that I would like to tell you about \
                        that and each of them takes a while to say";

/// The agent has been audible for `time` with its first response, which is this.
pub fn speaking(plan: &Plan, line_delay: Micros, text: &'static str, time: Micros) -> World {
    let mut world = World::started(plan);
    world.line_delay = line_delay;
    world.past_greeting();
    world.model.replies.push_back(Reply::says(text));
    world.caller_speaks(ms(800), "tell me");
    world.run_until_sent(1);
    world.run_for(time);
    world
}

/// Turns are the model's: it has been audible for a while with an answer that nobody
/// asked for.
pub fn speaking_by_itself(plan: Plan) -> World {
    let mut world = World::started(&Plan { turns: Turns::Model, ..plan });
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(510));
    world.model_begins(&Reply::says(LONG));
    world.run_until_sent(1);
    world.run_for(ms(1_200));
    world
}

/// The model will call `end_call` with these words before it.
pub fn ending(plan: &Plan, words: &'static str) -> World {
    let mut world = World::started(plan);
    world.past_greeting();
    world.tools.insert("end_call", (ms(5), ToolEffect::EndCall));
    world.model.replies.push_back(Reply::says(words).with_tools(&[("end_call", "{}")]));
    world.caller_speaks(ms(500), "that is all");
    world
}

/// The last words are being said.
pub fn in_last_words() -> World {
    let mut world = ending(&Plan::default(), "It was a pleasure, goodbye!");
    world.run_for(ms(1_600));
    assert_eq!(world.call.phase(), PhaseName::Goodbye);
    world
}
