//! The first sentence: spoken by the model in the first call, played from the
//! kept rendering in the next, while the model is still being dialled.

use crate::support::World;

#[actix_rt::test]
async fn the_second_call_is_greeted_from_the_kept_rendering() {
    let world = World::plan().knobs(|k| k.connect_delay_ms = 700).start().await;

    let first = world.place("wait greeting\nhangup").await;
    assert_eq!(first.failure(), None);
    let stored = world.stored(&first.call_sid).await;
    assert_eq!(stored["events"][0]["data"]["greeting_cached"], false);
    assert!(first.first_audio_ms().unwrap() >= 700, "the model spoke it: {first:?}");

    let second = world.place("wait greeting\nhangup").await;
    assert_eq!(second.failure(), None);
    assert!(second.first_audio_ms().unwrap() < 500, "{:?}", second.first_audio_ms());
    let stored = world.stored(&second.call_sid).await;
    assert_eq!(stored["events"][0]["data"]["greeting_cached"], true);
    assert_eq!(
        stored["transcript"][0]["generated"],
        "Hello, this is Robin at The Test Shop. How can I help you?"
    );
    // The model is told that it was said, and not asked to say it again.
    let session = &world.sessions()[1];
    let created: Vec<&str> = session.events.iter().map(|e| e.kind.as_str()).collect();
    assert!(created.contains(&"conversation.item.create"), "{created:?}");
    assert!(!created.contains(&"response.create"), "{created:?}");
    world.assert_idle().await;
}
