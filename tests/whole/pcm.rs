//! A tenant whose model speaks linear audio at 24 kHz: everything passes through
//! the resampler, both ways.

use crate::support::{World, WorldPlan, agent_line, fact, lines_of, response, stream};

fn plan() -> WorldPlan {
    World::plan().shop("[model]\naudio = \"pcm24k\"")
}

#[actix_rt::test]
async fn both_sides_understand_each_other_through_the_resampler() {
    for dialect in ["ga", "beta"] {
        let world = plan().env("OPENAI_REALTIME_DIALECT", dialect).start().await;
        let report = world
            .place(
                "wait greeting
                 say Hello, what are your opening hours on Saturday?
                 wait reply
                 say Sorry, that is all I needed, thank you. Goodbye!
                 expect hangup within 20s",
            )
            .await;
        assert_eq!(report.failure(), None, "{report:?}");
        let session = world.sessions().remove(0);
        let format = ["/audio/input/format/type", "/input_audio_format"];
        let format = format.iter().find_map(|path| session.config.pointer(path)).unwrap();
        assert_eq!(format, if dialect == "ga" { "audio/pcm" } else { "pcm16" });
        assert_eq!(
            session.heard,
            [
                "Hello, what are your opening hours on Saturday?",
                "Sorry, that is all I needed, thank you. Goodbye!"
            ]
        );
        // Six bytes of theirs are one of ours, to within the last second's frames.
        let sent_ms = stream(&report).frames_sent * 20;
        let got_ms = session.audio_received_bytes / 48;
        assert!(sent_ms.abs_diff(got_ms) < 1_000, "{sent_ms} ms sent, {got_ms} ms received");

        let said_ms: u64 = session.responses.iter().map(|response| response.audio_ms).sum();
        let played_ms = stream(&report).playback.played_bytes / 8;
        assert!(said_ms.abs_diff(played_ms) <= 100, "{said_ms} ms said, {played_ms} ms played");
        assert_eq!(stream(&report).playback.unplayed_bytes, 0);
        assert_eq!(stream(&report).playback.underruns, 0);
        let stored = world.stored(&report.call_sid).await;
        assert_eq!(stored["call"]["outcome"], "completed");
        assert_eq!(lines_of(&stored, "caller").len(), 2);
        assert_eq!(agent_line(&stored, "Nine to five.")["interrupted"], false);
    }
}

#[actix_rt::test]
async fn the_model_is_told_what_was_heard_in_its_own_time() {
    let world = plan().start().await;
    let report = world
        .place(
            "wait greeting
             say Tell me about your services.
             wait speaking 2s
             say Sorry, that is all I needed, thank you. Goodbye!
             expect hangup within 20s",
        )
        .await;
    assert_eq!(report.failure(), None, "{report:?}");
    let session = world.sessions().remove(0);
    let interruption = &stream(&report).interruptions[0];
    let cleared_after_ms = interruption.cleared_after_ms.expect("the phone was cleared");
    assert!(cleared_after_ms <= 300, "{interruption:?}");
    // Linear audio has no watermarks: the answer is the second thing that was heard.
    let answer = &stream(&report).utterances[1];
    let played_ms = interruption.at_ms + cleared_after_ms - answer.from_ms;
    let told_ms = response(&session, "We look after homes").truncated_ms.expect("it was told");
    assert!(told_ms.abs_diff(played_ms) <= 120, "told {told_ms} ms, played {played_ms} ms");
    assert!(answer.to_ms <= interruption.at_ms + cleared_after_ms, "{answer:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(fact(&stored, "barge_in")["heard_ms"], told_ms);
    assert_eq!(agent_line(&stored, "Of course.")["interrupted"], true);
}

#[actix_rt::test]
async fn its_greeting_is_kept_as_well() {
    let world = plan().start().await;
    let first = world.place("wait greeting\nhangup").await;
    world.stored(&first.call_sid).await;
    let second = world.place("wait greeting\nhangup").await;
    let stored = world.stored(&second.call_sid).await;
    assert_eq!(fact(&stored, "call_started")["greeting_cached"], true);
    let length = |n: usize| {
        let report = if n == 1 { &first } else { &second };
        stream(report).playback.played_bytes
    };
    assert!(length(1).abs_diff(length(2)) <= 800, "{} and {} bytes", length(1), length(2));
}
