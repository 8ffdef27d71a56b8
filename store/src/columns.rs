//! How the types of a record become columns and come back. Diesel does not know
//! our identifiers, and its enum of backends does not know time zones, so a row
//! names one of these as what is really stored. They are `pub` because derived
//! code names them beside public rows; the module is private.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromStaticSqlRow, Queryable};
use diesel::dsl::AsExprOf;
use diesel::expression::AsExpression;
use diesel::sql_types::{Nullable, Text, Timestamp};
use trunkline_core::ids::{AccountSid, CallSid, IdError, ItemId, NodeId, StreamSid, TenantId};
use trunkline_core::pii::{Personal, PhoneNumber};

use crate::payload::Payload;

/// A text column. Postgres cannot hold a zero byte in a text, and one such
/// record would block the batch it is in, so zero bytes become U+FFFD.
pub struct TextColumn(String);

/// A text column that may be empty.
pub struct MaybeText(Option<String>);

/// A point in time, UTC. Kept to the microsecond, which is what Postgres holds.
pub struct TimeColumn(NaiveDateTime);

/// A point in time that may not have come yet.
pub struct MaybeTime(Option<NaiveDateTime>);

fn without_zero_bytes(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

/// The time as it is stored: no zone, whole microseconds.
pub(crate) fn stored_time(time: DateTime<Utc>) -> NaiveDateTime {
    let whole = DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time);
    whole.naive_utc()
}

macro_rules! column {
    ($name:ident, $raw:ty, $sql:ty) => {
        impl AsExpression<$sql> for $name {
            type Expression = AsExprOf<$raw, $sql>;
            fn as_expression(self) -> Self::Expression {
                AsExpression::<$sql>::as_expression(self.0)
            }
        }

        impl<DB: Backend> Queryable<$sql, DB> for $name
        where
            $raw: FromStaticSqlRow<$sql, DB>,
        {
            type Row = $raw;
            fn build(raw: $raw) -> deserialize::Result<Self> {
                Ok(Self(raw))
            }
        }
    };
}

column!(TextColumn, String, Text);
column!(MaybeText, Option<String>, Nullable<Text>);
column!(TimeColumn, NaiveDateTime, Timestamp);
column!(MaybeTime, Option<NaiveDateTime>, Nullable<Timestamp>);

impl From<DateTime<Utc>> for TimeColumn {
    fn from(time: DateTime<Utc>) -> Self {
        Self(stored_time(time))
    }
}

impl From<TimeColumn> for DateTime<Utc> {
    fn from(column: TimeColumn) -> Self {
        column.0.and_utc()
    }
}

impl From<Option<DateTime<Utc>>> for MaybeTime {
    fn from(time: Option<DateTime<Utc>>) -> Self {
        Self(time.map(stored_time))
    }
}

impl From<MaybeTime> for Option<DateTime<Utc>> {
    fn from(column: MaybeTime) -> Self {
        column.0.map(|time| time.and_utc())
    }
}

impl From<String> for TextColumn {
    fn from(text: String) -> Self {
        Self(without_zero_bytes(text))
    }
}

impl From<TextColumn> for String {
    fn from(column: TextColumn) -> Self {
        column.0
    }
}

impl From<Option<String>> for MaybeText {
    fn from(text: Option<String>) -> Self {
        Self(text.map(without_zero_bytes))
    }
}

impl From<MaybeText> for Option<String> {
    fn from(column: MaybeText) -> Self {
        column.0
    }
}

impl From<Payload> for TextColumn {
    fn from(payload: Payload) -> Self {
        // JSON writes a zero byte as an escape.
        Self(payload.0.to_string())
    }
}

impl TryFrom<TextColumn> for Payload {
    type Error = serde_json::Error;
    fn try_from(column: TextColumn) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&column.0).map(Self)
    }
}

impl From<Option<Payload>> for MaybeText {
    fn from(payload: Option<Payload>) -> Self {
        Self(payload.map(|payload| payload.0.to_string()))
    }
}

impl TryFrom<MaybeText> for Option<Payload> {
    type Error = serde_json::Error;
    fn try_from(column: MaybeText) -> Result<Self, serde_json::Error> {
        column.0.map(|text| serde_json::from_str(&text).map(Payload)).transpose()
    }
}

macro_rules! personal {
    ($($name:ident),+) => {$(
        impl From<$name> for TextColumn {
            fn from(value: $name) -> Self {
                Self::from(value.expose().to_owned())
            }
        }

        impl From<TextColumn> for $name {
            fn from(column: TextColumn) -> Self {
                Self::new(&*column.0)
            }
        }
    )+};
}

personal!(PhoneNumber, Personal);

impl From<Option<Personal>> for MaybeText {
    fn from(value: Option<Personal>) -> Self {
        Self::from(value.map(|text| text.expose().to_owned()))
    }
}

impl From<MaybeText> for Option<Personal> {
    fn from(column: MaybeText) -> Self {
        column.0.map(Personal::new)
    }
}

macro_rules! identifiers {
    ($($name:ident),+) => {$(
        impl From<Option<$name>> for MaybeText {
            fn from(id: Option<$name>) -> Self {
                Self(id.map(String::from))
            }
        }

        impl TryFrom<MaybeText> for Option<$name> {
            type Error = IdError;
            fn try_from(column: MaybeText) -> Result<Self, IdError> {
                column.0.map($name::try_from).transpose()
            }
        }
    )+};
}

identifiers!(AccountSid, StreamSid, ItemId, NodeId, TenantId, CallSid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_byte_is_replaced_and_a_nanosecond_dropped() {
        assert_eq!(TextColumn::from("a\0b".to_owned()).0, "a\u{FFFD}b");
        let fine = DateTime::from_timestamp(1, 1_999).map(stored_time);
        let coarse = DateTime::from_timestamp(1, 1_000).map(|t| t.naive_utc());
        assert_eq!(fine, coarse);
    }
}
