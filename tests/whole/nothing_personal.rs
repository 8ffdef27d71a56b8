//! Nothing personal and nothing secret in the log, however much is logged, nor
//! in what is shown to whoever asks.

use crate::support::{AUTH_TOKEN, HUMAN, OPS_TOKEN, World, new_call};
use trunkline_simulator::carrier::place_call;

#[actix_rt::test]
async fn a_whole_call_leaves_nothing_personal_in_the_log() {
    let world = World::plan().env("RUST_LOG", "trace").start().await;
    let mut plan = world.call(
        "wait greeting
         say Hello, what are your opening hours on Saturday?
         wait reply
         press 7
         wait 1s
         press 0
         wait 2s",
    );
    plan.from = "+15558675309".to_owned();
    let report = place_call(&plan, None).await;
    assert_eq!(report.numbers_dialled(), [HUMAN], "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    let said = stored["transcript"].to_string();
    assert!(said.contains("Saturday") && said.contains("Nine to five"), "{said}");
    // Paths that complain, too: each has its chance to quote.
    let (call, mut stream) = world.live_by_hand().await;
    stream.send(r#"{"event":"dtmf","dtmf":{"digit":"8675309"}}"#).await;
    stream.closed(std::time::Duration::from_secs(5)).await;
    world.what_next(&call).await;
    let forged = crate::support::Webhook::new("/twilio/voice", &new_call());
    forged.with("From", "+15558675309").unsigned().send(&world.server).await;

    let metrics = world.server.text("/metrics").await;
    let actors = world.server.text("/ops/actors").await;
    let log = world.server.log();
    assert!(log.contains("\"level\":\"TRACE\""), "the log is as loud as it can be");
    for (what, text) in [("log", &log), ("metrics", &metrics), ("actors", &actors)] {
        for private in [
            "8675309",
            "5550179124",
            "5550170099",
            "Saturday",
            "opening hours",
            "Nine to five",
            "nine to five",
            "How can I help you",
            AUTH_TOKEN,
            OPS_TOKEN,
            "sk-simulated",
        ] {
            let line = text.lines().find(|line| line.contains(private));
            assert_eq!(line, None, "{private:?} is in the {what}");
        }
    }
}
