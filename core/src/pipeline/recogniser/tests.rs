//! A recogniser that is lost, mute or refused.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test may fail loudly, and looks at some outputs only"
)]

use super::*;

fn words(text: &str) -> Personal {
    Personal::new(text)
}

fn drain(recogniser: &mut Recogniser) -> Vec<Hearing> {
    std::iter::from_fn(|| recogniser.poll_output()).collect()
}

fn audio_of(outputs: &[Hearing]) -> Vec<u8> {
    let audio = outputs.iter().filter_map(|output| match output {
        Hearing::Audio(audio) => Some(audio.clone()),
        _ => None,
    });
    audio.flatten().collect()
}

fn up() -> Recogniser {
    let mut recogniser = Recogniser::new(2);
    recogniser.start(Micros::ZERO);
    recogniser.handle(1, Heard::Up, Micros::ZERO);
    assert_eq!(drain(&mut recogniser).last(), Some(&Hearing::Ready));
    recogniser
}

#[test]
fn what_was_said_before_anybody_listened_is_heard() {
    let mut recogniser = Recogniser::new(1);
    recogniser.start(Micros::ZERO);
    recogniser.audio(vec![1; 160]);
    recogniser.audio(vec![2; 160]);
    drain(&mut recogniser);
    recogniser.handle(1, Heard::Up, Micros::ZERO);
    assert_eq!(audio_of(&drain(&mut recogniser)).len(), 320);
}

#[test]
fn a_lost_recogniser_costs_no_word() {
    let mut recogniser = up();
    for n in 0..10 {
        recogniser.audio(vec![n; 160]);
    }
    // The first 100 ms are words for good.
    let words = Heard::Final { text: words("one"), to_ms: 100, ends: false };
    recogniser.handle(1, words, Micros::ZERO);
    recogniser.handle(1, Heard::Lost { reason: String::new(), retry: true }, Micros::ZERO);
    recogniser.audio(vec![10; 160]);
    let outputs = drain(&mut recogniser);
    assert!(outputs.contains(&Hearing::Dial { connection: 2, provider: 0, delay: Micros::ZERO }));
    recogniser.handle(2, Heard::Up, Micros::ZERO);
    let again = audio_of(&drain(&mut recogniser));
    assert_eq!((again[0], again.len()), (5, 6 * 160), "from the sixth frame on");
    // Times of the new connection count from there.
    let words = Heard::Final { text: self::words("two"), to_ms: 100, ends: true };
    recogniser.handle(2, words, Micros::ZERO);
    assert_eq!(recogniser.kept, [vec![10; 160]]);
    let outputs = drain(&mut recogniser);
    assert_eq!(outputs.last(), Some(&Hearing::Stopped(self::words("one two"))));
}

#[test]
fn words_are_told_as_they_grow_and_never_taken_back() {
    let mut recogniser = up();
    for text in ["I", "I would", "I wood like", "I would like"] {
        recogniser.handle(1, Heard::Interim { text: words(text) }, Micros::ZERO);
    }
    let last = Heard::Final { text: words("I would like tea."), to_ms: 900, ends: true };
    recogniser.handle(1, last, Micros::ZERO);
    let told: Vec<Hearing> = drain(&mut recogniser);
    let partial = |text: &str| Hearing::Partial(words(text));
    assert_eq!(
        told,
        [
            Hearing::Started,
            partial("I"),
            partial(" would"),
            partial(" like"),
            partial(" tea."),
            Hearing::Stopped(words("I would like tea.")),
        ]
    );
}

#[test]
fn one_that_fails_again_and_again_gives_way_to_the_next() {
    let mut recogniser = up();
    recogniser.audio(vec![7; 160]);
    drain(&mut recogniser);
    let mut asked = Vec::new();
    for connection in 1..=6 {
        recogniser.handle(connection, lost(), Micros::ZERO);
        for output in drain(&mut recogniser) {
            match output {
                Hearing::Dial { provider, .. } => asked.push(provider),
                Hearing::Unheard(frames) => assert_eq!(frames, [[7; 160]]),
                Hearing::Deaf { .. } => asked.push(99),
                _ => {}
            }
        }
    }
    assert_eq!(asked, [0, 1, 1, 0, 0, 99]);
}

#[test]
fn a_noise_is_no_speech() {
    let mut recogniser = up();
    recogniser.handle(1, Heard::SpeechStarted, Micros::ZERO);
    let nothing = Heard::Final { text: words(""), to_ms: 2_000, ends: false };
    recogniser.handle(1, nothing, Micros::ZERO);
    assert_eq!(drain(&mut recogniser), [Hearing::Started, Hearing::Stopped(words(""))]);
}

#[test]
fn one_that_hears_speech_and_says_no_more_is_left() {
    let mut recogniser = up();
    recogniser.audio(vec![0; 160]);
    recogniser.handle(1, Heard::SpeechStarted, Micros::ZERO);
    let at = recogniser.poll_timeout().unwrap();
    recogniser.handle_timeout(at);
    let outputs = drain(&mut recogniser);
    assert!(
        outputs.iter().any(|o| matches!(o, Hearing::Dial { connection: 2, .. })),
        "{outputs:?}"
    );
    assert_eq!(recogniser.poll_timeout(), None, "nobody is waited for while dialling");
}

#[test]
fn what_was_heard_to_be_quiet_is_not_kept() {
    let mut recogniser = up();
    for _ in 0..1_000 {
        recogniser.audio(vec![0; 160]);
    }
    let nothing = Heard::Final { text: words(""), to_ms: 3_000, ends: false };
    recogniser.handle(1, nothing, Micros::ZERO);
    assert_eq!(recogniser.kept_bytes, 17_000 * 8);
    assert_eq!(recogniser.poll_timeout(), None);
}

/// It hears again what another left, or the machine is slow: what it has to say ends
/// long before the audio that it was sent.
#[test]
fn of_one_that_is_behind_all_that_it_has_not_answered_for_is_kept() {
    let mut recogniser = up();
    for n in 0..250 {
        recogniser.audio(vec![n; 160]);
    }
    recogniser.handle(1, Heard::SpeechStarted, Micros::ZERO);
    let words = Heard::Final { text: words("one two"), to_ms: 1_000, ends: true };
    recogniser.handle(1, words, Micros::ZERO);
    recogniser.handle(1, Heard::UtteranceEnd, Micros::ZERO);
    recogniser.handle(1, lost(), Micros::ZERO);
    drain(&mut recogniser);
    recogniser.handle(2, Heard::Up, Micros::ZERO);
    let again = audio_of(&drain(&mut recogniser));
    assert_eq!((again.first(), again.len()), (Some(&50), 200 * 160));
}

#[test]
fn what_nobody_has_answered_for_is_kept_for_half_a_minute() {
    let mut recogniser = up();
    for n in 0..2_000_u32 {
        recogniser.audio(vec![u8::try_from(n % 256).unwrap(); 160]);
    }
    // It listened, and hung: nobody can know whether the line was quiet.
    recogniser.handle(1, lost(), Micros::from_secs(40));
    drain(&mut recogniser);
    recogniser.handle(2, Heard::Up, Micros::from_secs(40));
    assert_eq!(audio_of(&drain(&mut recogniser)).len() as u64, MOST_KEPT);
}

fn lost() -> Heard {
    Heard::Lost { reason: "gone".to_owned(), retry: true }
}

/// A recogniser with the final words "one two" of 400 ms, which is lost right behind
/// them; the second one listens since then.
fn lost_behind_its_words() -> Recogniser {
    let mut recogniser = up();
    for n in 0..25 {
        recogniser.audio(vec![n; 160]);
    }
    let words = Heard::Final { text: words("one two"), to_ms: 400, ends: false };
    recogniser.handle(1, words, Micros::ZERO);
    recogniser.handle(1, lost(), Micros::ZERO);
    recogniser.handle(2, Heard::Up, Micros::ZERO);
    drain(&mut recogniser);
    recogniser
}

#[test]
fn the_last_words_of_a_lost_recogniser_do_not_wait_for_ever() {
    let mut recogniser = lost_behind_its_words();
    let at = recogniser.poll_timeout().unwrap();
    assert_eq!(at, Micros::from_millis(100) + RESUMED, "a tenth of a second is heard again");
    recogniser.handle_timeout(at);
    assert_eq!(drain(&mut recogniser), [Hearing::Stopped(words("one two"))]);
    // One that tells of silence need not be waited for.
    let mut recogniser = lost_behind_its_words();
    let silence = |to_ms| Heard::Final { text: words(""), to_ms, ends: false };
    recogniser.handle(2, silence(900), Micros::from_millis(900));
    assert_eq!(drain(&mut recogniser), [], "a breath between two words");
    recogniser.handle(2, silence(1_000), Micros::from_millis(1_000));
    assert_eq!(drain(&mut recogniser), [Hearing::Stopped(words("one two"))]);
}

#[test]
fn words_behind_those_of_a_lost_recogniser_belong_to_them() {
    let mut recogniser = lost_behind_its_words();
    recogniser.handle(2, Heard::SpeechStarted, Micros::from_millis(200));
    assert_eq!(recogniser.poll_timeout(), Some(Micros::from_millis(200) + MUTE));
    let rest = Heard::Final { text: words("three"), to_ms: 300, ends: true };
    recogniser.handle(2, rest, Micros::from_millis(500));
    let outputs = drain(&mut recogniser);
    assert_eq!(outputs.last(), Some(&Hearing::Stopped(words("one two three"))));
    assert!(!outputs.contains(&Hearing::Started), "it is one run of speech: {outputs:?}");
}

#[test]
fn a_frame_in_which_the_last_word_ends_is_kept() {
    let mut recogniser = up();
    for n in 0..10 {
        recogniser.audio(vec![n; 160]);
    }
    let words = Heard::Final { text: words("one"), to_ms: 110, ends: false };
    recogniser.handle(1, words, Micros::ZERO);
    assert_eq!(recogniser.kept.front(), Some(&vec![5; 160]), "its second half is not heard yet");
}

#[test]
fn connections_that_stood_for_a_while_may_be_lost_as_often_as_they_like() {
    let mut recogniser = up();
    let mut now = Micros::ZERO;
    for connection in 1..50 {
        now = now + STOOD;
        recogniser.handle(connection, lost(), now);
        let outputs = drain(&mut recogniser);
        let dials = matches!(outputs[..], [Hearing::Dial { .. }]);
        assert!(dials, "{connection}: {outputs:?}");
        recogniser.handle(connection + 1, Heard::Up, now);
        drain(&mut recogniser);
    }
}
