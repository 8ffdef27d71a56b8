//! What names stood for a moment ago. A pipeline asks its services several times in
//! each turn, mostly over connections that are open already: asking the resolver
//! each time costs the caller a journey to it for nothing.
//!
//! Who looks here gets the very addresses that were found, to check and to dial.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

/// How long an answer is believed: as long as a name that moves is usually told to
/// be kept for.
const KEPT: Duration = Duration::from_secs(30);

/// Most names that are kept.
const MOST_NAMES: usize = 1_024;

struct Answer {
    at: Instant,
    addresses: Vec<SocketAddr>,
}

thread_local! {
    static ANSWERS: RefCell<HashMap<(String, u16), Answer>> = RefCell::default();
}

/// What a name stands for.
///
/// # Errors
/// When it is not known and the resolver does not answer.
pub(crate) async fn resolve(host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
    if let Some(known) = known(host, port) {
        return Ok(known);
    }
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    let answer = Answer { at: Instant::now(), addresses: found.clone() };
    ANSWERS.with_borrow_mut(|answers| {
        if answers.len() >= MOST_NAMES {
            answers.clear();
        }
        answers.insert((host.to_owned(), port), answer);
    });
    Ok(found)
}

/// Nobody answered there: it may have moved.
pub(crate) fn forget(host: &str, port: u16) {
    ANSWERS.with_borrow_mut(|answers| answers.remove(&(host.to_owned(), port)));
}

fn known(host: &str, port: u16) -> Option<Vec<SocketAddr>> {
    known_at(host, port, Instant::now())
}

fn known_at(host: &str, port: u16, now: Instant) -> Option<Vec<SocketAddr>> {
    ANSWERS.with_borrow(|answers| {
        let answer = answers.get(&(host.to_owned(), port))?;
        (now.duration_since(answer.at) < KEPT).then(|| answer.addresses.clone())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn an_answer_is_believed_for_a_while_and_not_once_nobody_is_there() {
        assert_eq!(known("127.0.0.1", 80), None);
        let found = resolve("127.0.0.1", 80).await.unwrap();
        assert_eq!(found, ["127.0.0.1:80".parse().unwrap()]);
        assert_eq!(known("127.0.0.1", 80), Some(found.clone()));
        assert_eq!(known("127.0.0.1", 81), None, "another port is another matter");
        assert_eq!(known_at("127.0.0.1", 80, Instant::now() + KEPT), None);
        forget("127.0.0.1", 80);
        assert_eq!(known("127.0.0.1", 80), None);
    }
}
