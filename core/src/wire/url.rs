//! Where to dial, from a configured URL: checked once, in one way for every
//! provider.

/// Why a URL cannot be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("the URL must begin with wss://, ws://, https:// or http://")]
    Scheme,
    /// No host after the scheme.
    #[error("the URL names no host")]
    NoHost,
    /// A name and password before the host: they would reach the logs.
    #[error("the URL must not hold a user name or password")]
    UserInfo,
    /// A `#` part, which no server sees.
    #[error("the URL must not have a # part")]
    Fragment,
    /// White space, a control character, or one beyond ASCII.
    #[error("the URL has a character that must be percent-encoded")]
    BadCharacter,
}

/// A URL in parts that can be dialled.
#[derive(Debug)]
pub(super) struct Target<'a> {
    secure: bool,
    authority: &'a str,
    path: &'a str,
    query: String,
}

impl<'a> Target<'a> {
    /// Reads a configured URL of any of the four schemes. `path` stays empty
    /// where the URL has none.
    pub(super) fn read(url: &'a str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.trim().split_once("://").ok_or(UrlError::Scheme)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(UrlError::Scheme),
        };
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        if !rest.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(UrlError::BadCharacter);
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match place.find('/').and_then(|at| place.split_at_checked(at)) {
            None | Some((_, "/")) => (place.trim_end_matches('/'), ""),
            Some((authority, path)) => (authority, path),
        };
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Err(UrlError::NoHost);
        }
        Ok(Self { secure, authority, path, query: query.trim_end_matches('&').to_owned() })
    }

    /// Gives a URL without a path this one.
    pub(super) fn or_path(mut self, path: &'a str) -> Self {
        if self.path.is_empty() {
            self.path = path;
        }
        self
    }

    /// Appends to the path: configured base URLs end with or without a slash.
    pub(super) fn below(&self, more: &str) -> String {
        let path = self.path.trim_end_matches('/');
        // A URL that names the whole place already is taken at its word.
        if path.ends_with(more) { path.to_owned() } else { format!("{path}{more}") }
    }

    /// Whether the query names one of these parameters.
    pub(super) fn names(&self, names: &[&str]) -> bool {
        form_urlencoded::parse(self.query.as_bytes()).any(|(key, _)| names.contains(&key.as_ref()))
    }

    /// Adds a parameter to the query.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(name);
        self.query.push('=');
        // A form's `+` is a space only to those who read forms; `%20` is one to all.
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        self.query.push_str(&encoded.replace('+', "%20"));
    }

    /// Adds a parameter that the configured query does not set already.
    pub(super) fn add_default(&mut self, name: &str, value: &str) {
        if !self.names(&[name]) {
            self.add(name, value);
        }
    }

    /// The URL with scheme `ws` or `wss`.
    pub(super) fn socket(&self) -> String {
        self.with(if self.secure { "wss" } else { "ws" }, self.path)
    }

    /// The URL with scheme `http` or `https`, and this path.
    pub(super) fn http(&self, path: &str) -> String {
        self.with(if self.secure { "https" } else { "http" }, path)
    }

    fn with(&self, scheme: &str, path: &str) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{scheme}://{}{path}{mark}{}", self.authority, self.query)
    }
}

/// Percent-encodes a name so that it is one segment of a path.
pub(super) fn segment(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}
