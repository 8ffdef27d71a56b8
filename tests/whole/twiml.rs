//! What the carrier is told when a call for the agent rings.

use trunkline_simulator::carrier::{StreamNoun, Verb};

use crate::support::{Webhook, World, new_call, stream};

const CONSENT: &str = "This call may be recorded & kept.";

#[actix_rt::test]
async fn the_consent_line_then_the_stream_with_its_parameters() {
    let world = World::plan().shop(&format!("consent = \"{CONSENT}\"")).start().await;
    let sid = new_call();
    let answer = Webhook::new("/twilio/voice", &sid).send(&world.server).await;
    assert!(answer.text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{answer:?}");
    let verbs = answer.verbs();
    let [Verb::Say(said), Verb::Stream(StreamNoun { url, action, parameters, .. })] = &verbs[..]
    else {
        panic!("{verbs:?}");
    };
    assert_eq!(said, CONSENT);
    assert_eq!(url, "wss://voice.test/twilio/stream");
    assert_eq!(action.as_deref(), Some("https://voice.test/twilio/connect-action"));
    let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["callSid", "tenant", "token"]);
    assert_eq!(parameters[0].1, sid);
    assert_eq!(parameters[1].1, "shop");
    assert!(parameters[2].1.len() >= 32, "a token that nobody guesses: {parameters:?}");
    assert!(!url.contains('?'), "the carrier drops queries");
    assert_eq!(world.sessions().len(), 0, "the model is dialled by the stream alone");
}

#[actix_rt::test]
async fn without_a_consent_line_the_stream_comes_first() {
    let world = World::start().await;
    let verbs = Webhook::new("/twilio/voice", &new_call()).send(&world.server).await.verbs();
    assert!(matches!(&verbs[..], [Verb::Stream(_)]), "{verbs:?}");
}

#[actix_rt::test]
async fn the_caller_hears_the_consent_line_before_the_agent() {
    let world = World::plan().shop(&format!("consent = \"{CONSENT}\"")).start().await;
    let report = world.place("wait greeting\nhangup").await;
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(report.said, [CONSENT]);
    assert_eq!(report.verbs, ["Say", "Connect/Stream"]);
    assert!(stream(&report).first_audio_ms.is_some());
}
