//! Names of things, one type each, so that a stream SID cannot be passed where
//! a call SID is meant.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest identifier that is accepted from a peer, in bytes. Twilio's are 34.
pub const MAX_ID_BYTES: usize = 128;

/// Why a text is no identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// Longer than [`MAX_ID_BYTES`].
    #[error("{0} is longer than {MAX_ID_BYTES} bytes")]
    TooLong(&'static str),
    /// A character that no identifier has: it could forge a log line or a key.
    #[error("{0} has a character other than letters, digits, '-', '_', '.' and ':'")]
    BadCharacter(&'static str),
}

fn check(kind: &'static str, text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty(kind));
    }
    if text.len() > MAX_ID_BYTES {
        return Err(IdError::TooLong(kind));
    }
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    if text.bytes().all(good) { Ok(()) } else { Err(IdError::BadCharacter(kind)) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text that came from outside.
            ///
            /// # Errors
            /// When it is empty, too long, or has a character no identifier has.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check($kind, text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The identifier's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The carrier's name of a call: `CA` and 32 hex digits at Twilio.
    CallSid,
    "call SID"
);
id!(
    /// The carrier's name of a media stream: `MZ` and 32 hex digits at Twilio.
    StreamSid,
    "stream SID"
);
id!(
    /// The carrier's name of an account: `AC` and 32 hex digits at Twilio.
    AccountSid,
    "account SID"
);
id!(
    /// The carrier's name of a recording: `RE` and 32 hex digits at Twilio.
    RecordingSid,
    "recording SID"
);
id!(
    /// A tenant's name: the file name of its configuration without the ending.
    TenantId,
    "tenant id"
);
id!(
    /// One process of the fleet.
    NodeId,
    "node id"
);
id!(
    /// What serves one customer at a time: a person, a chair, a room.
    ResourceId,
    "resource"
);
id!(
    /// The speech model's name of one response.
    ResponseId,
    "response id"
);
id!(
    /// The speech model's name of one conversation item.
    ItemId,
    "item id"
);
id!(
    /// The speech model's name of one function call.
    ToolCallId,
    "tool call id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_twilio_sends_and_refuses_what_could_forge_a_log_line() {
        assert!(CallSid::parse("CA0123456789abcdef0123456789abcdef").is_ok());
        assert_eq!(CallSid::parse(""), Err(IdError::Empty("call SID")));
        assert_eq!(CallSid::parse("CA1\nlevel=ERROR"), Err(IdError::BadCharacter("call SID")));
        assert_eq!(CallSid::parse(&"C".repeat(129)), Err(IdError::TooLong("call SID")));
    }
}
