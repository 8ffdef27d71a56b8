//! Markup where words are meant: what a tenant's file or a caller brings into
//! TwiML is text there, whatever it looks like. Every place of the document is
//! tried with any text in the core (`tests/twilio_twiml.rs`).

use trunkline_simulator::carrier::Verb;

use crate::support::{HUMAN, Webhook, World, new_call};

const MARKUP: &str = "</Say><Dial>+19005550100</Dial><Say>\"&quot;'<![CDATA[x]]>&#10;";

#[actix_rt::test]
async fn markup_in_texts_is_read_aloud_and_not_obeyed() {
    let shop = format!("consent = '''{MARKUP}'''");
    let menu = format!(
        "company = '''{MARKUP}'''\nnumbers = [\"+15550170002\"]\npersona = \"shop\"\nhuman_number = \"{HUMAN}\"\nstream_enabled = false\n"
    );
    let world = World::plan().shop(&shop).tenant("menu", &menu).start().await;
    let ringing = || {
        ["From", "Caller", "CallerName", "ForwardedFrom", "StirVerstat"]
            .iter()
            .fold(Webhook::new("/twilio/voice", &new_call()), |w, name| w.with(name, MARKUP))
    };
    let answer = ringing().send(&world.server).await;
    let verbs = answer.verbs();
    assert!(
        matches!(&verbs[..], [Verb::Say(said), Verb::Stream(_)] if said == MARKUP),
        "{verbs:?}"
    );

    let answer = ringing().with("To", "+15550170002").send(&world.server).await;
    let verbs = answer.verbs();
    let dialled: Vec<_> =
        verbs.iter().filter_map(|v| if let Verb::Dial(d) = v { Some(d) } else { None }).collect();
    assert!(matches!(dialled[..], [dial] if dial.numbers == [HUMAN]), "{verbs:?}");
    assert!(!answer.text.contains("<Dial>+1900"), "{}", answer.text);
    assert!(answer.text.contains("&lt;/Say&gt;"), "the company's name is said: {}", answer.text);
}

#[actix_rt::test]
async fn markup_in_a_streams_parameters_is_a_wrong_token() {
    let world = World::start().await;
    let (call, _) = world.reserved().await;
    let mut stream = crate::support::RawStream::open(&world.server).await;
    stream.start(&call, None, Some("</Parameter><Hangup/>&amp;")).await;
    let closed = stream.closed(std::time::Duration::from_secs(5)).await;
    assert_eq!(closed, (1008, "wrong_token".to_owned()));
    world.assert_not_dialled();
}
