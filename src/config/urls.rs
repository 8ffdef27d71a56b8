//! The addresses a configuration holds, checked by what they are used for.

use std::fmt;

use super::problem::Complaint;

/// The origin under which the carrier reaches this server: scheme and host,
/// with a port if need be, lower case, without a slash at the end. Webhook
/// signatures are made over addresses that begin with it, so it is kept exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Takes what a person wrote.
    ///
    /// # Errors
    /// When it is no origin in the form above.
    pub(crate) fn parse(text: &str) -> Result<Self, Complaint> {
        origin(text).map(|()| Self(text.to_owned()))
    }

    /// The address under which a server without a public one is reached from
    /// its own machine.
    #[must_use]
    pub fn local(port: u16) -> Self {
        Self(format!("http://localhost:{port}"))
    }

    /// The origin itself, such as `https://voice.example.com`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a path that begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The same with the scheme of a WebSocket: `wss://…`, or `ws://…` where
    /// the origin has no TLS.
    #[must_use]
    pub fn websocket(&self, path: &str) -> String {
        // `http` becomes `ws`, and so `https` becomes `wss`.
        format!("ws{}{path}", self.0.strip_prefix("http").unwrap_or(&self.0))
    }

    /// Whether it has TLS. The carrier opens media streams over TLS only.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether only this machine reaches it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        is_loopback(rest)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host == "localhost" || host.starts_with("127.") || host == "[::1]"
}

fn origin(text: &str) -> Result<(), Complaint> {
    const EXAMPLE: &str = "https://voice.example.com";
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        let fix = if text.contains("://") {
            format!("write it like {EXAMPLE}")
        } else {
            format!("write https://{text}")
        };
        return Err(Complaint::new("does not begin with https://", fix));
    };
    if text.chars().any(|c| c.is_ascii_uppercase()) {
        let fix = format!("write {}", text.to_ascii_lowercase());
        return Err(Complaint::new("has capital letters, which break webhook signatures", fix));
    }
    let bare = rest.trim_end_matches('/');
    if bare.len() < rest.len() && !bare.is_empty() && !bare.contains('/') {
        let fix = format!("write {}", text.trim_end_matches('/'));
        return Err(Complaint::new("ends in a slash", fix));
    }
    if rest.contains(['/', '?', '#', '@']) {
        return Err(Complaint::new(
            "has more than scheme, host and port",
            format!("write only the origin, like {EXAMPLE}"),
        ));
    }
    if is_authority(rest) {
        Ok(())
    } else {
        Err(Complaint::new("has no usable host and port", format!("write it like {EXAMPLE}")))
    }
}

/// `host` or `host:port`, the host a name, an IPv4 address or `[IPv6]`.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let good_port = port.is_none_or(|p| p.parse::<u16>().is_ok_and(|p| p > 0));
    let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let good_host = bracketed.map_or_else(
        || {
            let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            !host.is_empty() && host.chars().all(good) && !host.starts_with('.')
        },
        |six| six.parse::<std::net::Ipv6Addr>().is_ok(),
    );
    good_host && good_port
}

/// The realtime model's base address: `ws://` and `wss://`, or `http(s)://`,
/// which servers of the Azure kind document. A path and a query are welcome.
pub(crate) fn check_realtime_url(text: &str) -> Result<(), Complaint> {
    const FIX: &str =
        "write it like wss://api.openai.com/v1/realtime or ws://127.0.0.1:9000/v1/realtime";
    let schemes = ["wss://", "ws://", "https://", "http://"];
    let Some(rest) = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) else {
        return Err(Complaint::new("does not begin with wss:// or ws://", FIX));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if !is_authority(authority) || text.contains(char::is_whitespace) {
        return Err(Complaint::new("has no usable host and port", FIX));
    }
    Ok(())
}

/// The base address of the carrier's API, which is told the account's secret: TLS,
/// unless it is on this machine.
pub(crate) fn check_api_url(text: &str) -> Result<(), Complaint> {
    const FIX: &str = "write https://api.twilio.com, or http://127.0.0.1:9100 for a simulated one";
    let (rest, is_tls) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return Err(Complaint::new("does not begin with https://", FIX)),
    };
    let authority = rest.trim_end_matches('/');
    if authority.contains(['/', '?', '#', '@']) || !is_authority(authority) {
        return Err(Complaint::new("has more than scheme, host and port, or no host", FIX));
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let bare = host.trim_matches(['[', ']']);
    let is_here = bare == "localhost"
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_tls || is_here {
        Ok(())
    } else {
        Err(Complaint::new("has no TLS, and the account's secret would be sent in clear", FIX))
    }
}

/// A collector's base address: `http://` or `https://`, with a path if need be.
pub(crate) fn check_collector_url(text: &str) -> Result<(), Complaint> {
    const FIX: &str = "write the collector's base address, like http://127.0.0.1:4318";
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return Err(Complaint::new("does not begin with http:// or https://", FIX));
    };
    let authority = rest.split('/').next().unwrap_or_default();
    if !is_authority(authority) || text.contains(|c: char| !c.is_ascii_graphic()) {
        return Err(Complaint::new("has no usable host and port", FIX));
    }
    if text.contains(['?', '#']) {
        return Err(Complaint::new("has a query, and a path is added to its end", FIX));
    }
    if rest.trim_end_matches('/').ends_with("/v1/traces") {
        return Err(Complaint::new("ends in /v1/traces, which is added by itself", FIX));
    }
    Ok(())
}

/// A database's address. What it holds is never shown: it may be a password.
pub(crate) fn check_database_url(text: &str) -> Result<(), Complaint> {
    const FIX: &str = "write sqlite://FILE or postgres://user:password@host/database";
    match text.split_once(':') {
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") && rest.len() > 2 => {
            Ok(())
        }
        Some(("sqlite", rest)) if !rest.trim_start_matches('/').is_empty() => Ok(()),
        Some(("postgres" | "postgresql" | "sqlite", _)) => {
            Err(Complaint::new("names a kind of database, but no database", FIX))
        }
        // A word is shown; anything else may be a part of what must not be.
        Some((scheme, rest)) if rest.starts_with("//") => {
            let is_word =
                scheme.len() <= 16 && scheme.bytes().all(|b| b.is_ascii_lowercase() || b == b'+');
            let named = if is_word { format!("{scheme:?}") } else { "this".to_owned() };
            Err(Complaint::new(format!("{named} is no database that Trunkline can use"), FIX))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_origin_is_taken_as_it_is() {
        for good in [
            "https://voice.example.com",
            "http://127.0.0.1:8080",
            "https://[::1]:8443",
            "https://a.b:443",
        ] {
            assert_eq!(PublicUrl::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn each_mistake_has_its_own_fix() {
        let fix = |text: &str| PublicUrl::parse(text).unwrap_err().fix;
        assert_eq!(fix("voice.example.com"), "write https://voice.example.com");
        assert_eq!(fix("https://Voice.Example.com"), "write https://voice.example.com");
        assert_eq!(fix("https://voice.example.com/"), "write https://voice.example.com");
        assert!(fix("https://voice.example.com/twilio").starts_with("write only the origin"));
        assert!(fix("https://user@voice.example.com").starts_with("write only the origin"));
        assert!(fix("https://voice.example.com:99999").contains("like https://"));
        assert!(fix("ftp://voice.example.com").contains("like https://"));
        assert!(fix("https://").contains("like https://"));
    }

    #[test]
    fn a_stream_has_the_same_security_as_the_webhook() {
        let path = "/twilio/stream";
        let of = |text: &str| PublicUrl::parse(text).unwrap().websocket(path);
        assert_eq!(of("https://voice.example.com"), "wss://voice.example.com/twilio/stream");
        assert_eq!(of("http://localhost:1"), "ws://localhost:1/twilio/stream");
    }

    #[test]
    fn local_is_recognised() {
        let local = |text: &str| PublicUrl::parse(text).unwrap().is_local();
        assert!(
            local("http://localhost:8080") && local("http://127.0.0.1") && local("http://[::1]:80")
        );
        assert!(!local("https://localhost.example.com"));
    }

    #[test]
    fn the_carriers_api_is_told_secrets_by_tls_alone() {
        for good in
            ["https://api.twilio.com", "https://api.dublin.ie1.twilio.com/", "http://127.0.0.1:1"]
        {
            assert_eq!(check_api_url(good), Ok(()), "{good}");
        }
        for bad in [
            "api.twilio.com",
            "http://api.twilio.com",
            "http://127.0.0.1.evil.test",
            "https://api.twilio.com/2010-04-01",
            "https://user@api.twilio.com",
            "https://",
        ] {
            assert!(check_api_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn collectors() {
        for good in
            ["http://127.0.0.1:4318", "https://otel.example.com/tenant/7/", "http://collector"]
        {
            assert_eq!(check_collector_url(good), Ok(()), "{good}");
        }
        for bad in [
            "127.0.0.1:4318",
            "grpc://collector:4317",
            "http://",
            "http://collector:x",
            "http://collector/?a=b",
            "http://collector/v1/traces",
            "http://collector /",
        ] {
            assert!(check_collector_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn databases() {
        for good in
            ["sqlite://.data/a.sqlite", "sqlite::memory:", ".data/a.sqlite", "postgres://u:p@h/d"]
        {
            assert_eq!(check_database_url(good), Ok(()), "{good}");
        }
        for bad in ["mysql://u:hunter2@h/d", "postgres:", "sqlite://"] {
            let complaint = check_database_url(bad).unwrap_err();
            assert!(!format!("{complaint:?}").contains("hunter2"));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_them_panic(text in "\\PC{0,60}") {
            let _ignored = (PublicUrl::parse(&text).is_ok(), check_realtime_url(&text).is_ok(), check_database_url(&text).is_ok(), check_collector_url(&text).is_ok());
        }

        #[test]
        fn whatever_passes_is_usable(text in "https?://[a-zA-Z0-9.:/@\\[\\]-]{0,30}") {
            if let Ok(url) = PublicUrl::parse(&text) {
                prop_assert!(!url.as_str().ends_with('/'));
                prop_assert_eq!(url.as_str().to_ascii_lowercase(), url.as_str());
                prop_assert!(url.websocket("/x").starts_with("ws"));
            }
        }
    }
}
