//! Where the database is: the URL, read once and never shown with its password.

use std::fmt;
use std::path::PathBuf;

use crate::error::StoreError;

/// Which database holds the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file, or memory.
    Sqlite,
    /// A server.
    Postgres,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
        })
    }
}

/// A database's whereabouts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// SQLite in memory, gone with the store.
    Memory,
    /// An SQLite file.
    File(PathBuf),
    /// A Postgres server.
    Postgres(ServerUrl),
}

/// A Postgres URL and what must not be shown of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    full: String,
    shown: String,
    secrets: Vec<String>,
}

impl Target {
    /// Reads a URL: `sqlite://PATH`, `sqlite::memory:`, `postgres://…`, or the
    /// path of a file.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let url = url.trim();
        if matches!(url, "sqlite::memory:" | "sqlite://:memory:" | ":memory:") {
            return Ok(Self::Memory);
        }
        if let Some(path) = url.strip_prefix("sqlite://") {
            return file(path);
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return ServerUrl::parse(url).map(Self::Postgres);
        }
        if let Some((scheme, _)) = url.split_once("://") {
            return Err(StoreError::Url(format!("no database answers to the scheme {scheme:?}")));
        }
        file(url)
    }

    pub(crate) fn backend(&self) -> Backend {
        match self {
            Self::Memory | Self::File(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    /// A driver's message without the password, should it quote it.
    pub(crate) fn redact(&self, message: &str) -> String {
        match self {
            Self::Memory | Self::File(_) => message.to_owned(),
            Self::Postgres(server) => server.redact(message),
        }
    }
}

fn file(path: &str) -> Result<Target, StoreError> {
    if path.is_empty() {
        return Err(StoreError::Url("no path is given".to_owned()));
    }
    // `host=… password=…` is libpq's other form: not a file, and not to be shown.
    if path.contains("password=") || path.starts_with("host=") {
        return Err(StoreError::Url(
            "write it as postgres://user:password@host/database".to_owned(),
        ));
    }
    Ok(Target::File(PathBuf::from(path)))
}

impl ServerUrl {
    fn parse(url: &str) -> Result<Self, StoreError> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
        let (user_info, address) = match rest.rsplit_once('@') {
            Some((user_info, address)) => (Some(user_info), address),
            None => (None, rest),
        };
        if user_info.is_some_and(|text| text.contains(['/', '?', '#', '@'])) {
            return Err(StoreError::Url(
                "'@', '/', '?' and '#' in a user name, password or option must be percent-encoded"
                    .to_owned(),
            ));
        }
        let (user, password) =
            match user_info.map(|text| text.split_once(':').unwrap_or((text, ""))) {
                Some((user, password)) => (Some(user), password),
                None => (None, ""),
            };
        let (place, options) = address.split_once('?').unwrap_or((address, ""));
        let option_values = options
            .split('&')
            .filter_map(|option| option.split_once('='))
            .filter(|(name, _)| name.contains("password"))
            .map(|(_, value)| value);
        let mut secrets = Vec::new();
        for secret in std::iter::once(password).chain(option_values).filter(|s| !s.is_empty()) {
            secrets.push(secret.to_owned());
            secrets.push(percent_decoded(secret));
        }
        // The longer first: one may contain the other.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        let shown = match user {
            Some(user) => format!("{scheme}://{user}@{place}"),
            None => format!("{scheme}://{place}"),
        };
        Ok(Self { full: with_patience(url, options), shown, secrets })
    }

    /// What libpq is given: the password is in it.
    pub(crate) fn expose(&self) -> &str {
        &self.full
    }

    fn redact(&self, message: &str) -> String {
        let mut text = message.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "***");
        }
        text
    }
}

/// libpq waits for ever on a host that swallows packets, unless told otherwise: for
/// its first answer (seconds), for what was sent to be acknowledged (milliseconds),
/// and, where nothing is sent, for a sign of life (seconds, seconds, times). Ours.
const PATIENCE: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "10000"),
    ("keepalives_idle", "5"),
    ("keepalives_interval", "2"),
    ("keepalives_count", "3"),
];

/// The URL with our patience wherever it does not say its own.
fn with_patience(url: &str, options: &str) -> String {
    let mut full = url.to_owned();
    for (name, value) in PATIENCE {
        let said = options
            .split('&')
            .any(|option| option.split_once('=').is_some_and(|(said, _)| said == name));
        if !said {
            full.push(if full.contains('?') { '&' } else { '?' });
            full.push_str(&format!("{name}={value}"));
        }
    }
    full
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let byte = match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                hex(*high).zip(hex(*low)).map(|(h, l)| (h * 16 + l, after))
            }
            _ => None,
        };
        let (byte, after) = byte.unwrap_or((*first, tail));
        out.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("sqlite::memory:"),
            Self::File(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(server) => f.write_str(&server.shown),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_scheme_chooses_the_database() {
        let file = |path: &str| Target::File(PathBuf::from(path));
        assert_eq!(Target::parse("sqlite://.data/x.db").unwrap(), file(".data/x.db"));
        assert_eq!(Target::parse("sqlite:///var/x.db").unwrap(), file("/var/x.db"));
        assert_eq!(Target::parse("x.db").unwrap(), file("x.db"));
        assert_eq!(Target::parse("sqlite::memory:").unwrap(), Target::Memory);
        let server = Target::parse("postgresql://localhost/x").unwrap();
        assert_eq!(server.backend(), Backend::Postgres);
        assert!(Target::parse("").is_err());
        let error = Target::parse("mysql://root:hunter2@localhost/x").unwrap_err().to_string();
        assert!(error.contains("mysql") && !error.contains("hunter2"), "{error}");
        let error = Target::parse("host=db password=hunter2").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_password_is_found_wherever_it_stands() {
        let target = Target::parse("postgres://ann:hunt%65r2@db/x?sslpassword=sesame").unwrap();
        assert_eq!(format!("{target} {target:?}"), "postgres://ann@db/x postgres://ann@db/x");
        assert_eq!(target.redact("hunt%65r2, hunter2, sesame"), "***, ***, ***");
        let error = Target::parse("postgres://ann:hun/ter2@db/x").unwrap_err().to_string();
        assert!(!error.contains("hun/"), "{error}");
    }

    #[test]
    fn a_server_is_not_waited_for_for_ever() {
        let full = |url: &str| match Target::parse(url).unwrap() {
            Target::Postgres(server) => server.expose().to_owned(),
            Target::Memory | Target::File(_) => panic!("not a server"),
        };
        let rest = "tcp_user_timeout=10000&keepalives_idle=5&keepalives_interval=2\
                    &keepalives_count=3";
        for (url, expected) in [
            ("postgres://db/x", format!("postgres://db/x?connect_timeout=5&{rest}")),
            ("postgres://db/x?a=b", format!("postgres://db/x?a=b&connect_timeout=5&{rest}")),
            (
                "postgres://db/x?connect_timeout=1",
                format!("postgres://db/x?connect_timeout=1&{rest}"),
            ),
        ] {
            assert_eq!(full(url), expected);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(url in ".*", rest in ".*") {
            drop(Target::parse(&url));
            drop(Target::parse(&format!("postgres://{rest}")));
        }

        #[test]
        fn no_password_is_shown(password in "[A-Z0-9%]{4,20}", host in "[a-z]{1,8}") {
            let target = Target::parse(&format!("postgres://u:{password}@{host}/d")).unwrap();
            let shown = format!("{target:?}");
            prop_assert!(!shown.contains(&password));
            let quoted = format!("bad token \"{password}\" and {}", percent_decoded(&password));
            prop_assert!(!target.redact(&quoted).contains(&password));
        }
    }
}
