//! Somebody sets the clock of the machine by an hour, forwards and back, while
//! calls live. The wall clock is a label: nothing is decided by it.
//!
//! The true server runs below libfaketime, which Debian has in its package
//! `faketime`; without it these tests say that they were left out.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use trunkline_simulator::carrier::{EventKind, Verb};

use crate::support::{CLOSED_BY_POLICY, RawStream, Webhook, World, WorldPlan, new_call, wait_for};

/// Of a token that lapses in the test.
const SHORT_LIFE: Duration = Duration::from_secs(3);

/// The wall clock of a server.
struct WallClock(tempfile::NamedTempFile);

impl WallClock {
    /// A clock that is right, and the plan of a server that goes by it.
    fn of(plan: WorldPlan) -> Option<(Self, WorldPlan)> {
        let Some(library) = library() else {
            eprintln!("SKIP clock: libfaketime is not here; scripts/test installs it");
            return None;
        };
        let clock = Self(tempfile::NamedTempFile::new().expect("a file"));
        clock.write(0);
        let plan = plan
            .env("LD_PRELOAD", library.display())
            .env("FAKETIME_TIMESTAMP_FILE", clock.0.path().display())
            .env("FAKETIME_NO_CACHE", 1)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", 1)
            .env("DONT_FAKE_MONOTONIC", 1);
        Some((clock, plan))
    }

    fn write(&self, seconds: i64) {
        // By another file that takes its place: nobody reads half of it.
        let new = self.0.path().with_extension("new");
        std::fs::write(&new, format!("{seconds:+}s\n")).expect("a time");
        std::fs::rename(&new, self.0.path()).expect("a time");
    }

    /// The clock is that far off from now on, and the server has seen it.
    async fn jumps(&self, world: &World, seconds: i64) {
        self.write(seconds);
        wait_for("the jump to be seen", async || {
            let health = world.get("/health").await;
            let told = health["timestamp"].as_str().and_then(|text| text.parse().ok());
            let told: chrono::DateTime<chrono::Utc> = told.expect("a time");
            let off = (told - chrono::Utc::now()).num_seconds();
            ((off - seconds).abs() < 30).then_some(())
        })
        .await;
    }
}

fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let mut found = folders.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists())
}

async fn gets_in(world: &World, from: &str) -> bool {
    let answer = Webhook::new("/twilio/voice", &new_call()).with("From", from);
    matches!(answer.send(&world.server).await.verbs().as_slice(), [Verb::Stream(_)])
}

#[actix_rt::test]
async fn a_call_lasts_as_long_as_it_lasts() {
    let Some((clock, plan)) = WallClock::of(World::plan()) else { return };
    let world = plan.start().await;
    for hour in [3_600, -3_600] {
        clock.jumps(&world, 0).await;
        let (before, began) = (world.sessions().len(), Instant::now());
        let mut call = world.ongoing("wait greeting\nwait 5s\nhangup").await;
        call.until(EventKind::AgentSpeaks).await;
        clock.jumps(&world, hour).await;
        // One that begins when the clock is wrong, and ends when it is right again.
        let mut other = world.ongoing("wait greeting\nwait 5s\nhangup").await;
        other.until(EventKind::AgentSpeaks).await;
        let first = call.report().await;
        clock.jumps(&world, 0).await;
        let second = other.report().await;
        let most = began.elapsed();
        for report in [&first, &second] {
            assert_eq!(report.failure(), None, "{report:?}");
            let stored = world.stored(&report.call_sid).await;
            let told = stored["call"]["duration_ms"].as_u64().expect("a duration");
            let heard = report.streams[0].ended_at_ms - report.streams[0].started_at_ms.unwrap();
            assert!(told + 1_000 > heard && told < heard + 10_000, "{told} for {heard}");
            let at = |name: &str| {
                let text = stored["call"][name].as_str().unwrap_or_default();
                text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time")
            };
            let spans = (at("ended_at") - at("created_at")).num_milliseconds();
            assert!(spans >= 0, "{spans} ms");
            assert!(spans < i64::try_from(most.as_millis()).unwrap() + 1_000, "{spans} ms");
        }
        // No session seemed to be over as it began.
        assert_eq!(world.sessions().len(), before + 2);
        eprintln!("FIGURES a jump of {hour} s in a call: {} ms by its row", first.duration_ms);
    }
    world.assert_idle().await;
}

#[actix_rt::test]
async fn tokens_neither_come_back_nor_lapse_and_an_hour_is_not_over() {
    let shop = "[limits]\nconcurrent_calls = 0\ncalls_per_number_per_hour = 2";
    let plan = World::plan().shop(shop).env("RESERVATION_TTL_MS", SHORT_LIFE.as_millis());
    let plan = plan.env("STREAM_TOKEN_TTL_MS", SHORT_LIFE.as_millis());
    let Some((clock, plan)) = WallClock::of(plan) else { return };
    let world = plan.start().await;
    let frequent = "+15550179333";
    assert!(gets_in(&world, frequent).await && gets_in(&world, frequent).await);
    for hour in [3_600, -3_600] {
        clock.jumps(&world, 0).await;
        let reserved = async || {
            let call = new_call();
            let ring = Webhook::new("/twilio/voice", &call).with("From", "anonymous");
            let token = ring.send(&world.server).await.stream_token();
            (call, token)
        };
        let lapsed = reserved().await;
        tokio::time::sleep(SHORT_LIFE + Duration::from_secs(1)).await;
        let waiting = reserved().await;
        clock.jumps(&world, hour).await;
        // What was good is good.
        let mut stream = RawStream::open(&world.server).await;
        stream.start(&waiting.0, None, Some(&waiting.1)).await;
        stream.first_media().await;
        // What was over is over, and what was used is used.
        for (call, token) in [&lapsed, &waiting] {
            let mut again = RawStream::open(&world.server).await;
            again.start(call, None, Some(token)).await;
            let (code, _) = again.closed(Duration::from_secs(10)).await;
            assert_eq!(code, CLOSED_BY_POLICY);
        }
        // The caller who called twice has not waited for an hour.
        assert!(!gets_in(&world, frequent).await, "{hour}");
        stream.hang_up(&waiting.0).await;
        world.assert_idle().await;
    }
    eprintln!("FIGURES tokens and windows: an hour forwards and an hour back");
}
