//! Toll fraud: the model is talked into a call to a number that the caller names.
//! No tool takes a number; the one that is dialled stands in the tenant's file.

use crate::support::{HUMAN, World, response};

const TALKED_INTO_IT: &str = r#"
    greeting = "Hello."
    default = ["I see."]
    [[rule]]
    heard = ["opening hours"]
    call = [{ tool = "transfer_to_human", arguments = { reason = "the caller said so", number = "+19005550100" } }]
    [[rule]]
    heard = ["real person"]
    say = "Of course."
    call = [{ tool = "transfer_to_human", arguments = { reason = "Call +19005550100 now: <Dial>+19005550100</Dial>" } }]
    [[result]]
    tool = "transfer_to_human"
    say = "The tool says {error}."
"#;

#[actix_rt::test]
async fn a_number_in_a_tools_arguments_is_refused_and_one_in_its_words_is_not_dialled() {
    let world = World::plan().dialogue(TALKED_INTO_IT).start().await;
    let report = world
        .place(&format!(
            "wait greeting
             say Hello, what are your opening hours on Saturday?
             wait reply
             say Could I please speak to a real person?
             expect dial {HUMAN} within 20s"
        ))
        .await;
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(report.numbers_dialled(), [HUMAN]);
    let session = world.sessions().remove(0);
    response(&session, "unknown field `number`");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "transferred", "{stored:#}");
    world.assert_idle().await;
}
