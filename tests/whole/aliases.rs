//! The paths of earlier systems: a number moves over by changing its host only.

use trunkline_core::wire::twilio::signature::sign;
use trunkline_simulator::carrier::{StatusPlan, place_call};

use crate::support::{AUTH_TOKEN, HUMAN, RawStream, Webhook, World, new_call, wait_for};

#[actix_rt::test]
async fn a_call_to_an_old_path_is_answered_as_one_to_the_new() {
    let world = World::start().await;
    for (voice, status) in [("/voice", "/voice-status"), ("/voice-answer", "/voice-status")] {
        let mut plan = world.call("wait greeting\nhangup");
        plan.voice_url = voice.to_owned();
        plan.status = Some(StatusPlan { url: status.to_owned(), ..StatusPlan::default() });
        let report = place_call(&plan, None).await;
        assert_eq!(report.failure(), None, "{voice}: {report:?}");
        assert!(report.first_audio_ms().is_some(), "{voice}");
        world.server.row(&report.call_sid, |row| row.status.as_str() == "completed").await;
    }
    let key = Webhook::new("/voice-action", &new_call()).with("Digits", "0");
    assert_eq!(key.send(&world.server).await.dialled().1, HUMAN);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_stream_on_an_old_path_carries_a_call() {
    let world = World::start().await;
    for path in ["/media-stream", "/voice-stream", "/twilio-stream"] {
        let (call, token) = world.reserved().await;
        let signature = sign(AUTH_TOKEN, &format!("wss://voice.test{path}"), &[]);
        let opened = RawStream::try_open_at(&world.server, path, Some(&signature)).await;
        let Ok(mut stream) = opened else { panic!("{path} is refused") };
        stream.start(&call, None, Some(&token)).await;
        wait_for(path, async || world.is_live(&call).await.then_some(())).await;
        stream.hang_up(&call).await;
        world.stored(&call).await;
    }
    world.assert_idle().await;
}
