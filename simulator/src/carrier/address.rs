//! Two names of one server: the public one, which is signed and shown to it,
//! and the one that a socket is opened to.

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The URL to connect to.
    pub(super) url: String,
    /// The `Host` header, where it is not that URL's own.
    pub(super) host: Option<String>,
}

/// The server's two origins, without a slash at the end.
#[derive(Clone, Debug)]
pub(super) struct Address {
    server: String,
    public: String,
}

impl Address {
    pub(super) fn new(server: &str, public: Option<&str>) -> Self {
        let server = server.trim_end_matches('/').to_owned();
        let public = public.map_or_else(|| server.clone(), |p| p.trim_end_matches('/').to_owned());
        Self { server, public }
    }

    /// The public URL of a path on the server.
    pub(super) fn public(&self, path: &str) -> String {
        resolve(&format!("{}/", self.public), path)
    }

    /// Where to connect for a URL. The server's own public name leads to the
    /// server, and so does any TLS URL when the server is given without TLS:
    /// behind a test server there is nobody else. Other URLs are taken as they
    /// are.
    pub(super) fn route(&self, url: &str) -> Route {
        let url = without_fragment(url);
        let Some((scheme, rest)) = url.split_once("://") else {
            return Route { url: url.to_owned(), host: None };
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let plain_server = self.server.starts_with("http://");
        let secure = matches!(scheme, "https" | "wss");
        let ours =
            authority == authority_of(&self.public) || authority == authority_of(&self.server);
        if !(ours || secure && plain_server) {
            return Route { url: url.to_owned(), host: None };
        }
        let web_socket = matches!(scheme, "ws" | "wss");
        let scheme = match (web_socket, plain_server) {
            (true, true) => "ws",
            (true, false) => "wss",
            (false, true) => "http",
            (false, false) => "https",
        };
        let server = authority_of(&self.server);
        let host = (authority != server).then(|| authority.to_owned());
        Route { url: format!("{scheme}://{server}{path}"), host }
    }
}

/// A URL reference against the document that holds it.
pub(super) fn resolve(base: &str, target: &str) -> String {
    if target.contains("://") {
        return target.to_owned();
    }
    if target.is_empty() {
        return base.to_owned();
    }
    let base = without_fragment(base);
    let base = base.split_once('?').map_or(base, |(path, _)| path);
    let start = base.find("://").map_or(0, |at| at + 3);
    let path_at = base.get(start..).and_then(|rest| rest.find('/')).map(|at| start + at);
    let origin = path_at.and_then(|at| base.get(..at)).unwrap_or(base);
    if target.starts_with('/') {
        return format!("{origin}{target}");
    }
    let folder = path_at.and(base.rfind('/')).and_then(|at| base.get(..at)).unwrap_or(origin);
    format!("{folder}/{target}")
}

/// Twilio reads connection settings from the fragment and neither sends nor
/// signs it.
pub(super) fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

fn authority_of(origin: &str) -> &str {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    rest.split_once('/').map_or(rest, |(authority, _)| authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_against_their_document() {
        let base = "https://h.example/twilio/voice?x=1#rt=3000";
        for (target, url) in [
            ("/a/b", "https://h.example/a/b"),
            ("menu", "https://h.example/twilio/menu"),
            ("http://o.example/x", "http://o.example/x"),
            ("", base),
        ] {
            assert_eq!(resolve(base, target), url);
        }
        assert_eq!(resolve("https://h.example", "menu"), "https://h.example/menu");
    }

    #[test]
    fn public_names_lead_to_the_server() {
        let address = Address::new("http://127.0.0.1:8080/", Some("https://voice.example"));
        assert_eq!(address.public("/twilio/voice"), "https://voice.example/twilio/voice");
        let route = |url, to: &str, host: Option<&str>| {
            let expected = Route { url: to.to_owned(), host: host.map(str::to_owned) };
            assert_eq!(address.route(url), expected, "{url}");
        };
        route("wss://voice.example/s/1", "ws://127.0.0.1:8080/s/1", Some("voice.example"));
        route("https://voice.example/a#rt=1", "http://127.0.0.1:8080/a", Some("voice.example"));
        route("wss://elsewhere.example/s", "ws://127.0.0.1:8080/s", Some("elsewhere.example"));
        route("wss://127.0.0.1:8080/s", "ws://127.0.0.1:8080/s", None);
        route("ws://127.0.0.1:9999/s", "ws://127.0.0.1:9999/s", None);
    }
}
