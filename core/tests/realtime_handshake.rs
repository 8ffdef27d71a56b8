//! Where the model's WebSocket is dialled, and with which headers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use proptest::prelude::*;
use trunkline_core::wire::realtime::{Dialect, UrlError, headers, request_target};

#[test]
fn the_model_is_added_to_whatever_query_there_is() {
    let azure_old =
        "wss://r.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=d";
    for (base, expected) in [
        ("wss://api.openai.com/v1/realtime", "wss://api.openai.com/v1/realtime?model=m%20%2F%26"),
        ("wss://api.openai.com", "wss://api.openai.com/v1/realtime?model=m%20%2F%26"),
        ("https://api.openai.com/", "wss://api.openai.com/v1/realtime?model=m%20%2F%26"),
        ("http://127.0.0.1:9/v1/realtime?", "ws://127.0.0.1:9/v1/realtime?model=m%20%2F%26"),
        (" WS://[::1]:9/x?a=1& ", "ws://[::1]:9/x?a=1&model=m%20%2F%26"),
        ("ws://h?a=1", "ws://h/v1/realtime?a=1&model=m%20%2F%26"),
        (
            "wss://r.openai.azure.com/openai/v1/realtime",
            "wss://r.openai.azure.com/openai/v1/realtime?model=m%20%2F%26",
        ),
        (azure_old, azure_old),
        ("wss://h/p?model=mine", "wss://h/p?model=mine"),
    ] {
        assert_eq!(request_target(base, "m /&").as_deref(), Ok(expected), "{base}");
    }
    assert_eq!(request_target("ws://h/p", "").as_deref(), Ok("ws://h/p"));
}

#[test]
fn what_cannot_be_dialled_says_why() {
    for (base, expected) in [
        ("", UrlError::Scheme),
        ("api.openai.com/v1", UrlError::Scheme),
        ("ftp://h/p", UrlError::Scheme),
        ("wss://", UrlError::NoHost),
        ("wss:///v1", UrlError::NoHost),
        ("wss://:80/v1", UrlError::NoHost),
        ("wss://me:secret@h/v1", UrlError::UserInfo),
        ("wss://h/v1#top", UrlError::Fragment),
        ("wss://h/v 1", UrlError::BadCharacter),
        ("wss://h/v1\r\nHost: x", UrlError::BadCharacter),
        ("wss://hé/v1", UrlError::BadCharacter),
    ] {
        assert_eq!(request_target(base, "m"), Err(expected), "{base}");
    }
}

#[test]
fn only_the_beta_dialect_sends_the_beta_header() {
    assert_eq!(headers(Dialect::Ga, " sk-1\n"), [("Authorization", "Bearer sk-1".to_owned())]);
    assert_eq!(
        headers(Dialect::Beta, "sk-1"),
        [("Authorization", "Bearer sk-1".to_owned()), ("OpenAI-Beta", "realtime=v1".to_owned())]
    );
}

#[test]
fn a_dialect_has_a_name() {
    for dialect in [Dialect::Ga, Dialect::Beta] {
        assert_eq!(dialect.to_string().parse(), Ok(dialect));
    }
    let error = "GA".parse::<Dialect>().unwrap_err();
    assert_eq!(error.to_string(), "\"GA\" is no realtime dialect; use \"ga\" or \"beta\"");
}

proptest! {
    #[test]
    fn any_model_name_comes_back_from_the_query(model in ".{1,40}") {
        let url = request_target("wss://h/p?a=1", &model).unwrap();
        prop_assert!(url.bytes().all(|b| b.is_ascii_graphic()));
        let (_, query) = url.split_once('?').unwrap();
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        prop_assert_eq!(pairs.len(), 2);
        prop_assert_eq!(&pairs[1].1, &model);
    }

    #[test]
    fn any_text_is_a_url_or_an_error(base in "(ws|wss|http)?(://)?.*", model in ".*") {
        if let Ok(url) = request_target(&base, &model) {
            prop_assert!(url.starts_with("ws://") || url.starts_with("wss://"));
            prop_assert!(url.bytes().all(|b| b.is_ascii_graphic()));
        }
    }
}
