//! Ten times the usual webhooks come beside live calls: those who are not let in
//! are told so at once, and nobody who talks notices.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{
    Webhook, World, many_calls, new_call, own_lateness, reports_and_gaps, scaled,
};

/// Webhooks a second that two hundred calls of two minutes bring, with their status
/// callbacks: five for each.
const USUAL_A_SECOND: f64 = 200.0 / 120.0 * 5.0;

/// One answer of the flood.
struct Answered {
    took: Duration,
    status: u16,
    let_in: bool,
}

async fn ask(port: u16, request: String) -> Answered {
    let began = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("a request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answered {
        took: began.elapsed(),
        status: status.expect("an answer of HTTP"),
        let_in: answer.contains("<Stream"),
    }
}

/// One request in three is not the carrier's.
fn requests(count: usize) -> Vec<String> {
    let ring = |number: usize| {
        let webhook = Webhook::new("/twilio/voice", &new_call());
        if number.is_multiple_of(3) { webhook.token("not-the-token") } else { webhook }.as_http()
    };
    (0..count).map(ring).collect()
}

/// Sends them on a thread of their own, so many a second, whoever answers when.
async fn flood(port: u16, requests: Vec<String>, a_second: f64) -> Vec<Answered> {
    let sent = actix_rt::task::spawn_blocking(move || {
        actix_rt::System::new().block_on(async move {
            let began = tokio::time::Instant::now();
            let asked = requests.into_iter().enumerate().map(|(number, request)| async move {
                let due = Duration::from_secs_f64(number as f64 / a_second);
                tokio::time::sleep_until(began + due).await;
                ask(port, request).await
            });
            join_all(asked).await
        })
    });
    sent.await.expect("the flood's thread")
}

#[actix_rt::test]
async fn whoever_is_not_let_in_is_told_at_once_and_nobody_notices() {
    let calls = many_calls(20);
    let (a_second, seconds) = (USUAL_A_SECOND * 10.0, scaled(4, 30));
    let world = World::plan().for_crowd().env("VOICE_MAX_CALLS", calls).start().await;
    world.learn_greeting().await;
    let hold = format!("hold {}\nhangup", seconds + scaled(8, 40));
    let crowd = world.live_crowd(calls, &hold).await;
    let count = usize::try_from(seconds).expect("a count") * a_second as usize;
    let answered = flood(world.server.port(), requests(count), a_second).await;
    assert_eq!(world.metrics().await.sum("trunkline_calls_live"), calls as f64);

    let mut took: Vec<Duration> = answered.iter().map(|answer| answer.took).collect();
    took.sort_unstable();
    let longest = *took.last().expect("an answer");
    let statuses = |status| answered.iter().filter(|answer| answer.status == status).count();
    assert_eq!(statuses(200) + statuses(403), count, "each was answered");
    assert_eq!(statuses(403), count.div_ceil(3));
    assert!(!answered.iter().any(|answer| answer.let_in), "somebody got in");
    let (reports, gaps) = reports_and_gaps(crowd).await;
    for report in &reports {
        assert_eq!(report.failure(), None, "{report:?}");
    }
    let (late, latest) = own_lateness(&reports);
    eprintln!(
        "FIGURES {calls} calls, {count} webhooks at {a_second:.0}/s: refused within {:.0} ms (median {:.0}); \
         frame gap p50 {} ms, p99 {} ms, longest {} ms of {} frames; \
         {late} per mille of the callers' own ten milliseconds late, the latest {latest} ms",
        longest.as_secs_f64() * 1e3,
        took[took.len() / 2].as_secs_f64() * 1e3,
        gaps.per_mille_ms(500),
        gaps.per_mille_ms(990),
        gaps.max_ms(),
        gaps.count(),
    );
    assert!(longest < Duration::from_millis(scaled(10_000, 500)), "{longest:?}");
    assert!(gaps.count() > 1_000, "{} frames", gaps.count());
    // The suite runs beside other work, and says no more than that nothing stood still.
    let p99 = gaps.per_mille_ms(990);
    assert!(p99 < scaled(1_000, 60), "{p99} ms");
    world.assert_idle().await;
}
