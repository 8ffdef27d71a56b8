//! Forms that the carrier signs in ways that are easy to get wrong: duplicates,
//! blanks, values that are encoded twice, names in any order. Each form of the
//! address is tested in the core (`tests/twilio_signature.rs`).

use std::time::Duration;

use trunkline_core::wire::twilio::signature::sign;

use crate::support::{ACCOUNT, AUTH_TOKEN, CALLER, PUBLIC_URL, SHOP, World, client, new_call};

/// A token of the carrier's, as it is once the form has been decoded: still encoded.
const CALL_TOKEN: &str = "%7B%22parentCallInfoToken%22%3A%22eyJhbGciOiJFUzI1NiJ9%22%7D";

fn encoded(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let all: Vec<String> =
        pairs.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
    all.join("&")
}

async fn rings(world: &World, body: String, signature: &str) -> u16 {
    let request = client()
        .post(format!("{}/twilio/voice", world.server.base()))
        .timeout(Duration::from_secs(15))
        .content_type("application/x-www-form-urlencoded")
        .insert_header(("x-twilio-signature", signature));
    request.send_body(body).await.expect("the server answers").status().as_u16()
}

/// Names and values of a form.
type Fields = Vec<(&'static str, String)>;

#[actix_rt::test]
async fn what_the_carrier_signed_is_heard_however_it_is_written() {
    let world = World::plan().shop("mode = \"bridge\"").start().await;
    let call = new_call();
    let mut pairs = vec![
        ("CallSid", call.as_str()),
        ("AccountSid", ACCOUNT),
        ("From", CALLER),
        ("To", SHOP),
        ("CallToken", CALL_TOKEN),
        ("Digits", "2"),
        ("Digits", "1"),
        ("Digits", "2"),
        ("FromCity", ""),
        ("CallerName", "J & D = 50% \u{2603}"),
    ];
    let owned: Vec<(String, String)> =
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let good = sign(AUTH_TOKEN, &format!("{PUBLIC_URL}/twilio/voice"), &owned);
    assert_eq!(rings(&world, encoded(&pairs), &good).await, 200);
    pairs.reverse();
    assert_eq!(rings(&world, encoded(&pairs), &good).await, 200, "in another order");
    pairs.rotate_left(3);
    assert_eq!(rings(&world, encoded(&pairs), &good).await, 200, "and another");

    let changed = |change: &dyn Fn(&mut Fields)| {
        let mut all: Fields = vec![
            ("CallSid", call.clone()),
            ("AccountSid", ACCOUNT.to_owned()),
            ("From", CALLER.to_owned()),
            ("To", SHOP.to_owned()),
            ("CallToken", CALL_TOKEN.to_owned()),
            ("Digits", "2".to_owned()),
            ("Digits", "1".to_owned()),
            ("FromCity", String::new()),
            ("CallerName", "J & D = 50% \u{2603}".to_owned()),
        ];
        change(&mut all);
        let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (*n, v.as_str())).collect();
        encoded(&all)
    };
    assert_eq!(rings(&world, changed(&|_| {}), &good).await, 200, "a duplicate counts once");
    let decoded = "{\"parentCallInfoToken\":\"eyJhbGciOiJFUzI1NiJ9\"}";
    type Change = (&'static str, Box<dyn Fn(&mut Vec<(&'static str, String)>)>);
    let changes: [Change; 5] = [
        ("a token decoded twice", Box::new(move |all| all[4].1 = decoded.to_owned())),
        ("a blank left out", Box::new(|all| drop(all.remove(7)))),
        ("a second value left out", Box::new(|all| drop(all.remove(6)))),
        ("another blank", Box::new(|all| all.push(("More", String::new())))),
        ("another number", Box::new(|all| all[3].1 = "+15550170002".to_owned())),
    ];
    for (what, change) in changes {
        assert_eq!(rings(&world, changed(&*change), &good).await, 403, "{what}");
    }
}
