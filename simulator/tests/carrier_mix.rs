//! Loads of several kinds of callers, good ones and bad ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod carrier_server;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carrier_server::{Canned, Server, connect, xml};
use clap::{CommandFactory as _, Parser as _};
use trunkline_simulator::carrier::{LoadReport, SimulateCallsOptions, Threshold, place_mix, run};

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    options: SimulateCallsOptions,
}

fn options(server: &Server, more: &[&str]) -> SimulateCallsOptions {
    let words = ["calls", "--url", &server.url, "--rate", "0", "--json"];
    Line::try_parse_from(words.iter().chain(more)).unwrap().options
}

/// Echoes until the stream's end.
async fn echoing() -> Server {
    let voice = xml(&connect("wss://127.0.0.1/stream/a", None));
    Server::with_stream(&[("/twilio/voice", voice)], |mut peer| {
        Box::pin(async move {
            while let Some(message) = peer.next().await {
                if let Some(payload) = message["media"]["payload"].as_str() {
                    peer.say(&STANDARD.decode(payload).unwrap()).await;
                }
            }
        })
    })
    .await
}

async fn refusing(status: u16) -> Server {
    let no = Canned { status, content_type: "application/json", body: "{}".to_owned() };
    Server::start(&[("/twilio/voice", no.clone()), ("/twilio/fallback", no)]).await
}

async fn place(server: &Server, more: &[&str]) -> LoadReport {
    let options = options(server, more);
    let (mix, load) = (options.mix().unwrap(), options.load().unwrap());
    place_mix(mix, load, |_, _| {}).await
}

#[actix_web::test]
async fn stories_take_turns_by_weight() {
    let server = echoing().await;
    let stories = ["--story", "wait 100ms; hangup:2", "--story", "no-stream"];
    let report = place(&server, &[&["--calls", "6"][..], &stories].concat()).await;
    assert_eq!((report.calls, report.failed), (6, 0), "{:?}", report.failures);
    let opened = server.paths().iter().filter(|path| *path == "/stream/a").count();
    assert_eq!((opened, server.heard_of("stop").len()), (4, 4));
    assert_eq!(report.ended["caller"], 6);
    assert_eq!(report.first_media_us.count(), 4, "known of callers with a script too");
}

#[actix_web::test]
async fn a_forger_who_is_refused_is_a_good_call_and_one_who_is_taken_is_not() {
    let story = ["--story", "forge; expect refused"];
    let server = refusing(403).await;
    let report = place(&server, &[&["--auth-token", "real"][..], &story].concat()).await;
    assert_eq!((report.failed, report.ended["refused"]), (0, 1), "{:?}", report.failures);
    assert!(report.details[0].errors.iter().all(|error| error.warning));
    let signed = |seen: &carrier_server::Seen| seen.header("x-twilio-signature").map(str::to_owned);
    let forged = signed(&server.seen()[0]).expect("a signature");
    let again = place(&server, &["--auth-token", "real"]).await;
    assert_eq!(again.failed, 1, "nobody else may be refused");
    assert_ne!(server.seen().last().and_then(signed), Some(forged));

    let broken = place(&refusing(500).await, &story).await;
    assert_eq!(broken.failed, 1, "a server that breaks down refuses nobody");
    let credulous = echoing().await;
    let taken = place(&credulous, &[&["--duration", "0.2"][..], &story].concat()).await;
    assert!(taken.failures.contains_key("expected refused"), "{:?}", taken.failures);
}

#[actix_web::test]
async fn callers_who_echo_and_callers_who_do_not_share_a_load() {
    let server = echoing().await;
    let stories = ["--story", "echo:2", "--story", "wait 100ms; drop"];
    let more = ["--echo", "--calls", "3", "--duration", "0.5"];
    let report = place(&server, &[&more[..], &stories].concat()).await;
    assert_eq!(report.failed, 0, "{:?}", report.failures);
    let counts = &report.echo.counts;
    assert!(counts.stamped >= 2 * 15 && counts.stamped == counts.returned, "{counts:?}");
    let in_bands: u64 = report.echo.bands.iter().map(|band| band.count).sum();
    assert_eq!(in_bands, counts.returned);
    let without = options(&server, &["--story", "echo"]);
    assert!(without.mix().is_err(), "nobody measures what comes back");
}

#[actix_web::test]
async fn a_story_with_a_mistake_and_a_page_that_cannot_be_written_exit_with_two() {
    let server = echoing().await;
    assert_eq!(run(options(&server, &["--story", "wait 1s; sing"])).await, 2);
    let page = ["--story", "no-stream", "--html", "/no/such/folder/page.html"];
    assert_eq!(run(options(&server, &page)).await, 2);
}

#[actix_web::test]
async fn the_page_shows_round_trips_and_what_the_process_used() {
    let server = echoing().await;
    let folder = std::env::temp_dir().join(format!("carrier-page-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("page.html");
    let pid = std::process::id().to_string();
    let more = ["--echo", "--duration", "1.2", "--server-pid", &pid, "--html"];
    run(options(&server, &[&more[..], &[file.to_str().unwrap()]].concat())).await;
    let page = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    for title in ["Round trips: frames", "Calls live", "Server memory"] {
        assert!(page.contains(&format!("<h2>{title}")), "{title}: {page}");
    }
    assert!(page.contains("<rect ") && page.contains("<polyline "));
}

#[test]
fn the_help_names_every_threshold_every_story_and_every_exit_code() {
    let help = Line::command().render_long_help().to_string();
    let wrong = "nothing=1".parse::<Threshold>().unwrap_err();
    let names = wrong.to_string();
    let (_, names) = names.split_once("there are ").expect("all names");
    for name in names.split(", ") {
        assert!(help.contains(&format!("  {name} ")), "{name}");
    }
    for part in ["expect refused", "never-start", "Exit codes", "  3  the simulator"] {
        assert!(help.contains(part), "{part}");
    }
}
