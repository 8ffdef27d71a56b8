//! What a close frame means.

use crate::wire::refusal::Advice;

/// Why the service closed the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Closing {
    /// We asked for it.
    Done,
    /// Neither audio nor keep-alive for ten seconds (`NET-0001`).
    Starved,
    /// The service's own fault, or a restart (`NET-0000`, 1001, 1012, 1013…).
    Broken,
    /// The audio cannot be decoded (`DATA-0000`).
    BadAudio,
    /// The handshake's wishes or its key are not accepted (1008, 4000 and above).
    Refused,
}

impl Closing {
    /// Reads a close code and reason; no frame at all is code 1006.
    #[must_use]
    pub fn read(code: u16, reason: &str) -> Self {
        if reason.contains("NET-0001") {
            return Self::Starved;
        }
        if reason.contains("DATA-0000") {
            return Self::BadAudio;
        }
        match code {
            1000 => Self::Done,
            1002 | 1003 | 1007 | 1009 | 1010 => Self::BadAudio,
            1008 | 4000..=4999 => Self::Refused,
            _ => Self::Broken,
        }
    }

    /// What it asks of us.
    #[must_use]
    pub const fn advice(self) -> Advice {
        match self {
            Self::Done | Self::Starved | Self::Broken => Advice::Retry,
            Self::BadAudio => Advice::OurBug,
            Self::Refused => Advice::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_tells_more_than_the_code() {
        for (code, reason, closing) in [
            (1000, "", Closing::Done),
            (1011, "NET-0001: no audio received", Closing::Starved),
            (1011, "NET-0000", Closing::Broken),
            (1008, "DATA-0000", Closing::BadAudio),
            (1008, "", Closing::Refused),
            (4001, "", Closing::Refused),
            (1006, "", Closing::Broken),
            (1012, "", Closing::Broken),
            (1003, "", Closing::BadAudio),
        ] {
            assert_eq!(Closing::read(code, reason), closing, "{code} {reason}");
        }
        assert!(!Closing::BadAudio.advice().is_retryable());
        assert!(Closing::Starved.advice().is_retryable());
    }
}
