//! The words that columns are limited to. The databases check them as well.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};

/// A text that is none of the words of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {kind}")]
pub struct UnknownWord {
    /// What the word should have been, such as "call status".
    pub kind: &'static str,
    /// What it was, cut to 64 characters.
    pub text: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $kind:literal, { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            Serialize, Deserialize, AsExpression, FromSqlRow,
        )]
        #[diesel(sql_type = Text)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every word of the kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { kind: $kind, text: text.chars().take(64).collect() }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<DB: Backend> ToSql<Text, DB> for $name
        where
            str: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                <str as ToSql<Text, DB>>::to_sql(self.as_str(), out)
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $name
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                Ok(<String as FromSql<Text, DB>>::from_sql(bytes)?.parse()?)
            }
        }
    };
}

words!(
    /// The carrier's word for where a call stands.
    Status, "call status", {
        /// Not yet given to the network.
        Queued = "queued",
        /// Being dialled.
        Initiated = "initiated",
        /// Ringing, ours to answer.
        Ringing = "ringing",
        /// Answered.
        InProgress = "in-progress",
        /// Answered and over.
        Completed = "completed",
        /// The line was busy, or we said so.
        Busy = "busy",
        /// It could not be connected.
        Failed = "failed",
        /// Nobody answered.
        NoAnswer = "no-answer",
        /// Given up before it was answered.
        Canceled = "canceled",
    }
);

impl Status {
    /// How far along the call is: 0 queued to 3 answered, 4 for every last word.
    /// Callbacks arrive in any order; a status never gives way to a lower or
    /// equal rank, so the first last word stays.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Initiated => 1,
            Self::Ringing => 2,
            Self::InProgress => 3,
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => 4,
        }
    }
}

words!(
    /// Our word for how a call ended.
    Outcome, "call outcome", {
        /// An appointment was made.
        Booked = "booked",
        /// An appointment was cancelled.
        Cancelled = "cancelled",
        /// An appointment was moved.
        Rescheduled = "rescheduled",
        /// The conversation came to its end.
        Completed = "completed",
        /// Continued on another channel.
        Handoff = "handoff",
        /// Connected to a human.
        Transferred = "transferred",
        /// A message was left.
        Voicemail = "voicemail",
        /// The caller hung up on the way.
        Abandoned = "abandoned",
        /// It ran as long as it may, or nobody spoke.
        Timeout = "timeout",
        /// Something of ours broke.
        Failed = "failed",
        /// Not taken at all.
        Refused = "refused",
    }
);

words!(
    /// How the call was answered.
    Mode, "call mode", {
        /// A realtime speech model hears and speaks.
        Realtime = "realtime",
        /// Speech to text, a chat model, text to speech.
        Pipeline = "pipeline",
        /// A human's number.
        Bridge = "bridge",
    }
);

words!(
    /// Who placed the call.
    Direction, "call direction", {
        /// A caller rang us.
        Inbound = "inbound",
        /// We rang somebody.
        Outbound = "outbound",
    }
);

words!(
    /// Through what the conversation is held.
    Channel, "channel", {
        /// A telephone call.
        Phone = "phone",
        /// A browser.
        Web = "web",
    }
);

words!(
    /// Who spoke.
    Speaker, "speaker", {
        /// The person on the line.
        Caller = "caller",
        /// Us.
        Agent = "agent",
    }
);

words!(
    /// How far a side effect has come.
    EffectState, "state of a side effect", {
        /// Somebody is at it, or was when a process died.
        Begun = "begun",
        /// It happened.
        Done = "done",
        /// It did not happen, and that is known.
        Failed = "failed",
    }
);

words!(
    /// How far the copy of a carrier's recording has come.
    RecordingState, "state of a recording", {
        /// It is to be fetched, or somebody is at it.
        Pending = "pending",
        /// It is in the folder of the node that fetched it.
        Stored = "stored",
        /// It cannot be had.
        Failed = "failed",
    }
);

words!(
    /// What has become of an appointment.
    AppointmentStatus, "status of an appointment", {
        /// It stands.
        Confirmed = "confirmed",
        /// It was given up, and its time is free again.
        Cancelled = "cancelled",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_serialises_as_itself() {
        for word in Status::ALL {
            assert_eq!(word.as_str().parse(), Ok(*word));
            assert_eq!(serde_json::to_value(word).ok(), Some(word.as_str().into()));
        }
        for word in Outcome::ALL {
            assert_eq!(word.as_str().parse(), Ok(*word));
        }
        assert!("answered".parse::<Status>().is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_word_or_an_error_that_names_it(text in ".*") {
            match text.parse::<Status>() {
                Ok(status) => assert_eq!(status.as_str(), text),
                Err(error) => assert!(error.text.chars().count() <= 64),
            }
        }
    }
}
