//! `X-Twilio-Signature` against the vectors of Twilio's own libraries, and
//! against what must never pass.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use proptest::prelude::*;
use trunkline_core::wire::twilio::signature::{
    SignatureError, sign, verify_form, verify_get, verify_json, verify_stream,
};

const TOKEN: [&str; 1] = ["12345"];
const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
/// Names and values.
type Pairs<'a> = &'a [(&'a str, &'a str)];

const P1: Pairs<'_> = &[
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
];

fn params(pairs: Pairs<'_>) -> Vec<(String, String)> {
    pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

const P9: Pairs<'_> = &[
    ("AccountSid", "AC1"),
    ("ApiVersion", "2010-04-01"),
    ("CallSid", "CA1"),
    ("CallStatus", "ringing"),
    ("CallToken", "%7B%22a%22%3A1%7D"),
    ("Called", "+18005551212"),
    ("Caller", "+14158675309"),
    ("ToZip", ""),
];

#[test]
fn forms() {
    let mut p2 = P1.to_vec();
    p2[1].1 = "+12349013030";
    p2[3].1 = "+12349013030";
    let p6a = [
        ("Sid", "CA123"),
        ("SidAccount", "AC123"),
        ("Digits", "5678"),
        ("Digits", "1234"),
        ("Digits", "1234"),
    ];
    let p6b = [
        ("MessagingBinding.Address", "+1415xxxxxxx"),
        ("MessagingBinding.Address", "+1325xxxxxxx"),
    ];
    let p10 = [("Body", "café ☃ a b"), ("From", "+1")];
    let vectors: [(&str, &str, Pairs<'_>, &str); 10] = [
        ("1", URL, P1, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("2", URL, &p2, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
        (
            "3a",
            "https://mycompany.com:443/myapp.php?foo=1&bar=2",
            P1,
            "kvajT1Ptam85bY51eRf/AJRuM3w=",
        ),
        ("3b", "http://mycompany.com:80/myapp.php?foo=1&bar=2", P1, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        (
            "3c",
            "http://mycompany.com:1234/myapp.php?foo=1&bar=2",
            P1,
            "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
        ),
        ("6a", URL, &p6a, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        ("6b", URL, &p6b, "83O6e2vORAoJHUNzJjDWN1jz+BA="),
        (
            "7",
            "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2",
            P1,
            "CukzLTc1tT5dXEDIHm/tKBanW10=",
        ),
        ("9", "https://mycompany.com/voice", P9, "92XKdCob/IrHSm1vZ0iUUOf49a0="),
        ("10", "https://mycompany.com/voice", &p10, "XH/pHUEd1gK8n5XcDNLzlj6miWk="),
    ];
    for (name, url, pairs, signature) in vectors {
        let mut params = params(pairs);
        assert_eq!(sign(TOKEN[0], url, &params), signature, "vector {name}");
        assert_eq!(verify_form(&TOKEN, url, &params, Some(signature)), Ok(()), "vector {name}");
        params.reverse();
        assert_eq!(verify_form(&TOKEN, url, &params, Some(signature)), Ok(()), "vector {name}");
        params.push(("New".to_owned(), String::new()));
        let result = verify_form(&TOKEN, url, &params, Some(signature));
        assert_eq!(result, Err(SignatureError::Mismatch), "vector {name} and a parameter more");
    }
}

#[test]
fn a_signature_that_left_blanks_out_is_refused() {
    let result = verify_form(
        &TOKEN,
        "https://mycompany.com/voice",
        &params(P9),
        Some("Y93ykOHSYUgfa1AqwDO5EvmgXAE="),
    );
    assert_eq!(result, Err(SignatureError::Mismatch));
}

#[test]
fn the_port_may_be_signed_or_not() {
    let with = |port: &str| format!("https://mycompany.com{port}/myapp.php?foo=1&bar=2");
    let (bare, standard) = ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", "kvajT1Ptam85bY51eRf/AJRuM3w=");
    for port in ["", ":443"] {
        for signature in [bare, standard] {
            assert_eq!(verify_form(&TOKEN, &with(port), &params(P1), Some(signature)), Ok(()));
        }
    }
    let other = verify_form(&TOKEN, &with(":8443"), &params(P1), Some(standard));
    assert_eq!(other, Err(SignatureError::Mismatch));
    assert_eq!(verify_form(&TOKEN, &with(":8443"), &params(P1), Some(bare)), Ok(()));
    let six = |port: &str| format!("http://u:p@[2001:db8::1]{port}/x");
    for (signed, checked) in [("", ":80"), (":80", ""), (":1234", ":1234"), ("", ":1234")] {
        let signature = sign("12345", &six(signed), &[]);
        assert_eq!(verify_get(&TOKEN, &six(checked), Some(&signature)), Ok(()), "{checked}");
    }
}

#[test]
fn an_apostrophe_may_be_signed_raw_or_escaped() {
    let raw = format!("{URL}&Body=It's+amazing");
    let escaped = format!("{URL}&Body=It%27s+amazing");
    for signature in ["TfZzewPq8wqrGlMfyAud8+/IvJ0=", "dsq4Ehbj6cs+KdTkpF5sSSplOWw="] {
        for url in [&raw, &escaped] {
            assert_eq!(verify_form(&TOKEN, url, &params(P1), Some(signature)), Ok(()), "{url}");
        }
    }
}

#[test]
fn a_json_body_is_signed_by_its_hash() {
    let hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let body = br#"{"property": "value", "boolean": true}"#;
    let empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let vectors: [(String, &[u8], &str); 4] = [
        (format!("{URL}&bodySHA256={hash}"), body, "a9nBmqA0ju/hNViExpshrM61xv4="),
        (
            format!("https://mycompany.com/myapp.php?bodySHA256={hash}"),
            body,
            "y77kIzt2vzLz71DgmJGsen2scGs=",
        ),
        (format!("{URL}&bodySHA256={empty}"), b"{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc="),
        (format!("{URL}&bodySHA256={empty}"), b"{}", "rw/jVviOgicj2+kHZULvebnA4ag="),
    ];
    for (url, body, signature) in vectors {
        assert_eq!(verify_json(&TOKEN, &url, body, Some(signature)), Ok(()), "{url}");
        let other = verify_json(&TOKEN, &url, b"{ }", Some(signature));
        assert_eq!(other, Err(SignatureError::Body), "{url}");
        let moved = url.replace("foo=1", "foo=2").replace("myapp", "app");
        let moved = verify_json(&TOKEN, &moved, body, Some(signature));
        assert_eq!(moved, Err(SignatureError::Mismatch), "{url}");
    }
    let unhashed = sign("12345", URL, &[]);
    let result = verify_json(&TOKEN, URL, b"{}", Some(&unhashed));
    assert_eq!(result, Err(SignatureError::Body));
}

#[test]
fn the_handshake_of_a_stream() {
    let url = "wss://mycompany.com/media";
    let good = [
        "okykUWKkAOgQseVjzERZh4soLeU=", // the URL itself
        "m6zCRgAmr39sY5bRHH3mG0yRr1o=", // with a slash at its end
        "y/eZxfvMeXBmejSJYHDm4y/cRMk=", // with its port
    ];
    assert_eq!(sign("12345", url, &[]), good[0]);
    assert_eq!(sign("12345", "wss://mycompany.com/media/", &[]), good[1]);
    assert_eq!(sign("12345", "wss://mycompany.com:443/media", &[]), good[2]);
    for signature in good {
        for url in [url, "wss://mycompany.com/media/", "wss://mycompany.com:443/media"] {
            assert_eq!(verify_stream(&TOKEN, url, Some(signature)), Ok(()), "{url} {signature}");
        }
    }
    let over_https = "767ALDRNA8VrAN2kKcJ/ivLgcfQ=";
    assert_eq!(sign("12345", "https://mycompany.com/media", &[]), over_https);
    assert_eq!(verify_stream(&TOKEN, url, Some(over_https)), Err(SignatureError::Mismatch));
    let result = verify_stream(&TOKEN, "https://mycompany.com/media", Some(over_https));
    assert_eq!(result, Err(SignatureError::Scheme));
    assert_eq!(verify_stream(&TOKEN, url, None), Err(SignatureError::Missing));
    let local = sign("12345", "ws://127.0.0.1:8080/twilio/stream", &[]);
    let result = verify_stream(&TOKEN, "ws://127.0.0.1:8080/twilio/stream", Some(&local));
    assert_eq!(result, Ok(()));
}

#[test]
fn any_of_the_tokens_will_do_but_never_a_blank_one() {
    let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    let check = |tokens: &[&str], header| verify_form(tokens, URL, &params(P1), header);
    assert_eq!(check(&["new", "12345"], Some(signature)), Ok(()));
    assert_eq!(check(&["12345", "new"], Some(signature)), Ok(()));
    assert_eq!(check(&["new"], Some(signature)), Err(SignatureError::Mismatch));
    let blank = sign("", URL, &params(P1));
    assert_eq!(check(&[""], Some(&blank)), Err(SignatureError::NoToken));
    assert_eq!(check(&[], Some(signature)), Err(SignatureError::NoToken));
    assert_eq!(check(&["", "12345"], Some(&blank)), Err(SignatureError::Mismatch));
}

#[test]
fn a_missing_signature_is_told_from_a_wrong_one() {
    let check = |header| verify_form(&TOKEN, URL, &params(P1), header);
    assert_eq!(check(None), Err(SignatureError::Missing));
    assert_eq!(check(Some("")), Err(SignatureError::Missing));
    for wrong in [
        "RSOYDt4T1cUTdK1PDd93/VVr8B8",
        "RSOYDt4T1cUTdK1PDd93/VVr8B9=",
        "RSOYDt4T1cUTdK1PDd93/VVr8B8= ",
        "RSOYDt4T1cUTdK1PDd93/VVr8B8=RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        "*",
        "é",
    ] {
        assert_eq!(check(Some(wrong)), Err(SignatureError::Mismatch), "{wrong}");
    }
}

#[test]
fn the_overrides_in_a_fragment_are_not_signed() {
    let url = format!("{URL}#rt=3000&rc=2");
    let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    assert_eq!(verify_form(&TOKEN, &url, &params(P1), Some(signature)), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_is_signed_verifies_and_nothing_else(
        token in "[ -~]{1,40}",
        url in any::<String>(),
        pairs in prop::collection::vec(any::<(String, String)>(), 0..8),
        header in any::<String>(),
    ) {
        let good = sign(&token, &url, &pairs);
        prop_assert_eq!(verify_form(&[&token], &url, &pairs, Some(&good)), Ok(()));
        let other = format!("{token}x");
        prop_assert!(verify_form(&[other], &url, &pairs, Some(&good)).is_err());
        prop_assert!(verify_form(&[&token], &url, &pairs, Some(&header)).is_err());
        verify_stream(&[&token], &url, Some(&header)).ok();
        verify_json(&[&token], &url, b"", Some(&header)).ok();
    }
}
