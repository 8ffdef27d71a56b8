//! Appointments and holds over HTTP: who gets a time that many want, what is refused
//! and why, and whose business it is.

use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{OPS_TOKEN, ServerProcess, World, client, own_cluster, wait_for};

const SHOP: &str = "/api/v1/tenants/shop/appointments";
const BRANCH: &str = "/api/v1/tenants/branch/appointments";
const HOLDS: &str = "/api/v1/tenants/shop/holds";

fn branch() -> String {
    "company = \"Branch\"\nnumbers = [\"+15550170002\"]\npersona = \"shop\"\nhuman_number = \"none\"\n"
        .to_owned()
}

/// So many minutes after some moment next week.
fn start(minutes: i64) -> DateTime<Utc> {
    Utc::now().trunc_subsecs(0) + TimeDelta::days(7) + TimeDelta::minutes(minutes)
}

fn wanted(start: DateTime<Utc>) -> Value {
    json!({
        "start": start,
        "minutes": 30,
        "customer_name": "Ada Lovelace",
        "phone_number": "+1 (555) 867-5309",
        "email": "ada@example.com",
    })
}

/// A request under a name, as the operator.
async fn named(server: &ServerProcess, path: &str, name: &str, body: &Value) -> (u16, Value) {
    let request = client()
        .post(format!("{}{path}", server.base()))
        .timeout(Duration::from_secs(30))
        .bearer_auth(OPS_TOKEN)
        .insert_header(("idempotency-key", name));
    let mut answer = request.send_json(body).await.expect("the server answers");
    let text = answer.body().await.expect("a whole answer");
    (answer.status().as_u16(), serde_json::from_slice(&text).expect("JSON"))
}

async fn ask(server: &ServerProcess, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let (status, text) = server.send(method, path, body).await;
    let answer =
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
    (status, answer)
}

async fn book(server: &ServerProcess, body: &Value) -> (u16, Value) {
    ask(server, "POST", SHOP, body).await
}

/// The path of a booked appointment.
fn path_of(tenant: &str, appointment: &Value) -> String {
    format!("{tenant}/{}", appointment["confirmation_number"].as_str().expect("a number"))
}

async fn count(world: &World) -> usize {
    world.get(SHOP).await["appointments"].as_array().expect("a list").len()
}

#[actix_rt::test]
async fn of_a_hundred_who_want_one_time_at_two_processes_one_gets_it() {
    one_of_a_hundred(&World::start().await).await;
}

#[actix_rt::test]
async fn of_a_hundred_beside_postgres_one_gets_it() {
    let (_cluster, url) = own_cluster();
    one_of_a_hundred(&World::plan().env("DATABASE_URL", &url).start().await).await;
}

async fn one_of_a_hundred(world: &World) {
    let other = world.server.beside("another-node");
    let time = start(0);
    let began = std::time::Instant::now();
    let tries = (0..100).map(|n| {
        let server = if n % 2 == 0 { &world.server } else { &other };
        // Everybody of another name; some want a little earlier or later.
        let from = time + TimeDelta::minutes([0, 10, -10, 5][n / 2 % 4]);
        let body = json!({ "start": from, "minutes": 30, "customer_name": format!("Customer {n}"),
            "phone_number": format!("+1555867{n:04}") });
        async move { named(server, SHOP, &format!("try-{n}"), &body).await }
    });
    let answers = join_all(tries).await;
    let took = began.elapsed();
    let got: Vec<&Value> =
        answers.iter().filter(|(status, _)| *status == 201).map(|(_, row)| row).collect();
    let refused = answers
        .iter()
        .filter(|(status, answer)| (*status, &answer["code"]) == (409, &json!("slot_taken")));
    let refused = refused.count();
    assert_eq!((got.len(), refused), (1, 99), "{answers:?}");
    assert_eq!(count(world).await, 1);
    let stored = world.get(&path_of(SHOP, got[0])).await;
    assert_eq!(&stored, got[0]);
    eprintln!(
        "FIGURES {}: 100 wanted one time at 2 processes, {} got it, {refused} were refused, in {:.1} s",
        world.server.database_url().split(':').next().unwrap_or_default(),
        got.len(),
        took.as_secs_f64()
    );
}

#[actix_rt::test]
async fn everybody_who_wants_another_time_gets_it() {
    let world = World::start().await;
    let other = world.server.beside("another-node");
    let first = start(0);
    let tries = (0..40).map(|n| {
        let server = if n % 2 == 0 { &world.server } else { &other };
        async move { book(server, &wanted(first + TimeDelta::minutes(30 * n))).await }
    });
    let answers = join_all(tries).await;
    assert!(answers.iter().all(|(status, _)| *status == 201), "{answers:?}");
    let mut numbers: Vec<&str> =
        answers.iter().filter_map(|(_, row)| row["confirmation_number"].as_str()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 40);
    assert!(numbers.iter().all(|n| n.starts_with("APT-") && n.len() == 9), "{numbers:?}");
}

#[actix_rt::test]
async fn an_appointment_is_made_found_moved_and_cancelled() {
    let world = World::start().await;
    let time = start(0);
    let (status, row) = book(&world.server, &wanted(time)).await;
    assert_eq!(status, 201, "{row}");
    assert_eq!((&row["status"], &row["resource"]), (&json!("confirmed"), &json!("main")));
    assert_eq!(
        (&row["customer_name"], &row["phone_number"]),
        (&json!("Ada Lovelace"), &json!("+15558675309"))
    );
    assert_eq!(row["ends_at"], json!(time + TimeDelta::minutes(30)));
    let path = path_of(SHOP, &row);
    assert_eq!(world.get(&path).await, row);
    assert_eq!(world.get(&path.to_lowercase()).await, row, "as people type it");
    for (query, found) in [
        ("?phone_number=%2B15558675309", 1),
        ("?phone_number=%2B15558675308", 0),
        (&format!("?from={}", (time + TimeDelta::minutes(1)).format("%FT%TZ")), 0),
        (&format!("?to={}", (time + TimeDelta::minutes(1)).format("%FT%TZ")), 1),
    ] {
        let list = world.get(&format!("{SHOP}{query}")).await;
        assert_eq!(list["appointments"].as_array().map(Vec::len), Some(found), "{query}: {list}");
    }

    // It keeps its length where none is given.
    let later = time + TimeDelta::minutes(45);
    let (status, moved) = ask(&world.server, "PATCH", &path, &json!({ "start": later })).await;
    assert_eq!(
        (status, &moved["ends_at"]),
        (200, &json!(later + TimeDelta::minutes(30))),
        "{moved}"
    );
    let (status, second) = book(&world.server, &wanted(time)).await;
    assert_eq!(status, 201, "the old time is free: {second}");
    let (status, answer) = ask(&world.server, "PATCH", &path, &json!({ "start": time })).await;
    assert_eq!((status, &answer["code"]), (409, &json!("slot_taken")));

    for _ in 0..2 {
        let (status, gone) = ask(&world.server, "DELETE", &path, &json!({})).await;
        assert_eq!((status, &gone["status"]), (200, &json!("cancelled")), "{gone}");
    }
    let (status, answer) =
        ask(&world.server, "PATCH", &path, &json!({ "start": start(200) })).await;
    assert_eq!((status, &answer["code"]), (409, &json!("appointment_cancelled")));
    assert_eq!(count(&world).await, 1);
    let all = world.get(&format!("{SHOP}?cancelled=true")).await;
    assert_eq!(all["appointments"].as_array().map(Vec::len), Some(2));
    assert_eq!(book(&world.server, &wanted(later)).await.0, 201);
    let told = world.server.audited("appointment_rescheduled", 1).await;
    assert!(!told[0].data.0.to_string().contains("Ada"), "{told:?}");
}

#[actix_rt::test]
async fn a_held_time_is_its_holders_until_the_hold_runs_out() {
    let world = World::start().await;
    let time = start(0);
    let hold = |seconds: u32, start: DateTime<Utc>| json!({ "start": start, "minutes": 30, "seconds": seconds });
    let held = async |body: &Value| ask(&world.server, "POST", HOLDS, body).await;
    let (status, first) = held(&hold(60, time)).await;
    assert_eq!(status, 201, "{first}");
    let token = first["token"].as_str().expect("a token");
    let shown = world.get(HOLDS).await;
    assert_eq!(shown["holds"].as_array().map(Vec::len), Some(1));
    assert!(!shown.to_string().contains(token), "the token is told once");
    assert_eq!(book(&world.server, &wanted(time)).await.1["code"], "slot_taken");
    assert_eq!(held(&hold(60, time)).await.1["code"], "slot_taken");

    let with = |token: &str| json!({ "hold_token": token, "customer_name": "Ada", "phone_number": "+15558675309" });
    assert_eq!(book(&world.server, &with("made-up")).await.1["code"], "no_such_hold");
    let (status, row) = book(&world.server, &with(token)).await;
    assert_eq!((status, &row["starts_at"]), (201, &json!(time)), "{row}");
    assert_eq!(
        book(&world.server, &with(token)).await.1["code"],
        "no_such_hold",
        "it is good once"
    );

    let later = start(100);
    let (_, short) = held(&hold(1, later)).await;
    wait_for("the hold to run out", async || {
        (book(&world.server, &wanted(later)).await.0 == 201).then_some(())
    })
    .await;
    let (status, answer) =
        book(&world.server, &with(short["token"].as_str().expect("a token"))).await;
    assert_eq!((status, &answer["code"]), (404, &json!("no_such_hold")));

    let (_, given_up) = held(&hold(60, start(200))).await;
    let path = format!("{HOLDS}/{}", given_up["id"].as_str().expect("an id"));
    assert_eq!(ask(&world.server, "DELETE", &path, &json!({})).await.0, 204);
    assert_eq!(ask(&world.server, "DELETE", &path, &json!({})).await.0, 404);
    assert_eq!(world.get(HOLDS).await["holds"], json!([]));
}

#[actix_rt::test]
async fn a_request_that_is_repeated_is_not_made_again() {
    let world = World::start().await;
    let other = world.server.beside("another-node");
    let body = wanted(start(0));
    let (status, row) = named(&world.server, SHOP, "form-17", &body).await;
    assert_eq!(status, 201, "{row}");
    for server in [&world.server, &other] {
        assert_eq!(named(server, SHOP, "form-17", &body).await, (200, row.clone()));
    }
    let (status, answer) = named(&other, SHOP, "form-17", &wanted(start(60))).await;
    assert_eq!((status, &answer["code"]), (422, &json!("idempotency_key_reused")));
    assert_eq!(
        named(&other, SHOP, "form-18", &body).await.0,
        409,
        "another request wants the same time"
    );
    assert_eq!(named(&other, SHOP, " ", &body).await.0, 400);
    assert_eq!(count(&world).await, 1);
}

#[actix_rt::test]
async fn another_tenants_appointments_are_not_there() {
    let world = World::plan().tenant("branch", &branch()).start().await;
    let (_, row) = book(&world.server, &wanted(start(0))).await;
    let (_, hold) =
        ask(&world.server, "POST", HOLDS, &json!({ "start": start(60), "minutes": 30 })).await;
    let path = path_of(BRANCH, &row);
    for (method, body) in
        [("GET", json!({})), ("PATCH", json!({ "start": start(90) })), ("DELETE", json!({}))]
    {
        let (status, answer) = ask(&world.server, method, &path, &body).await;
        assert_eq!((status, &answer["code"]), (404, &json!("no_such_appointment")), "{method}");
    }
    assert_eq!(world.get(BRANCH).await["appointments"], json!([]));
    assert_eq!(world.get("/api/v1/tenants/branch/holds").await["holds"], json!([]));
    let foreign = format!("/api/v1/tenants/branch/holds/{}", hold["id"].as_str().expect("an id"));
    assert_eq!(ask(&world.server, "DELETE", &foreign, &json!({})).await.0, 404);
    let with = json!({ "hold_token": hold["token"], "customer_name": "Ada", "phone_number": "+15558675309" });
    assert_eq!(ask(&world.server, "POST", BRANCH, &with).await.0, 404);
    // It is free there, and stands here.
    assert_eq!(ask(&world.server, "POST", BRANCH, &wanted(start(0))).await.0, 201);
    assert_eq!(world.get(&path_of(SHOP, &row)).await, row);
}

#[actix_rt::test]
async fn what_makes_no_sense_is_refused_with_a_reason() {
    let world = World::plan().env("OPS_READ_TOKEN", "a-token-that-may-only-look").start().await;
    let but = |change: Value| {
        let mut body = wanted(start(0));
        for (name, value) in change.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    for (body, complaint) in [
        (but(json!({ "minutes": 0 })), "between 1 and 1440"),
        (but(json!({ "minutes": "half" })), "expected u32"),
        (but(json!({ "start": "next Tuesday" })), "body"),
        (but(json!({ "start": "2020-01-01T10:00:00Z" })), "in the past"),
        (but(json!({ "start": start(200_000) })), "90 days"),
        (but(json!({ "start": start(0) + TimeDelta::milliseconds(5) })), "whole second"),
        (but(json!({ "customer_name": " " })), "customer_name"),
        (but(json!({ "phone_number": "867-5309" })), "phone_number"),
        (but(json!({ "email": "ada" })), "email"),
        (but(json!({ "resource": "room 1" })), "body"),
        (but(json!({ "hold_token": "x" })), "leave out"),
        (but(json!({ "surname": "x" })), "expected one of `start`, `minutes`"),
        (json!({ "customer_name": "Ada", "phone_number": "+15558675309" }), "start and minutes"),
        (json!([]), "body"),
    ] {
        let (status, answer) = book(&world.server, &body).await;
        assert_eq!((status, &answer["code"]), (400, &json!("bad_request")), "{body}: {answer}");
        let said = answer["error"].as_str().unwrap_or_default();
        assert!(said.contains(complaint), "{body}: {said}");
    }
    let hold = json!({ "start": start(0), "minutes": 30, "seconds": 0 });
    assert_eq!(ask(&world.server, "POST", HOLDS, &hold).await.0, 400);
    for path in ["/api/v1/tenants/nobody/appointments", "/api/v1/tenants/no%20body/holds"] {
        let (status, answer) = ask(&world.server, "GET", path, &json!({})).await;
        assert_eq!((status, &answer["code"]), (404, &json!("no_such_tenant")), "{path}");
    }
    for path in ["?from=yesterday", "?phone_number=12", "?when=now"] {
        assert_eq!(
            ask(&world.server, "GET", &format!("{SHOP}{path}"), &json!({})).await.0,
            400,
            "{path}"
        );
    }
    assert_eq!(ask(&world.server, "GET", &format!("{SHOP}/12345"), &json!({})).await.0, 404);
    for (token, method, status) in [
        (None, "GET", 401),
        (Some("wrong"), "POST", 401),
        (Some("a-token-that-may-only-look"), "POST", 403),
        (Some("a-token-that-may-only-look"), "GET", 200),
    ] {
        for path in [SHOP, HOLDS] {
            let answer = world.server.send_as(token, method, path, &wanted(start(0))).await;
            assert_eq!(answer.0, status, "{token:?} {method} {path}: {}", answer.1);
        }
    }
    assert_eq!(count(&world).await, 0);
}

#[actix_rt::test]
async fn no_customer_is_in_the_log() {
    let world = World::plan().env("RUST_LOG", "trace").start().await;
    let (_, row) = book(&world.server, &wanted(start(0))).await;
    let path = path_of(SHOP, &row);
    book(&world.server, &wanted(start(0))).await;
    world.get(&format!("{SHOP}?phone_number=%2B15558675309")).await;
    ask(&world.server, "DELETE", &path, &json!({})).await;
    world.server.audited("appointment_cancelled", 1).await;
    let log = world.server.log();
    assert!(log.contains("\"level\":\"TRACE\""));
    for private in ["Ada", "Lovelace", "8675309", "ada@example.com"] {
        let line = log.lines().find(|line| line.contains(private));
        assert_eq!(line, None, "{private:?} is in the log");
    }
}
