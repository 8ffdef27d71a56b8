//! The ledger of side effects: what tools did to the world, so that nothing is
//! done twice, however often it is asked for and whoever dies in between.
//!
//! An effect is begun, then carried out, then finished or failed. One that was
//! begun and never answered is told apart: whoever finds it asks the other side
//! whether it happened before doing it again.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use trunkline_core::ids::{CallSid, TenantId};
use uuid::Uuid;

use crate::columns::{MaybeText, MaybeTime, TextColumn, TimeColumn, stored_time};
use crate::connection::{AnyConnection, MultiBackend, insert_or_ignore};
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::side_effects;
use crate::scope::Scope;
use crate::store::Store;
use crate::words::EffectState;

/// What a side effect is known by: who wants what, for which call, with which
/// inputs. The inputs themselves are not kept: they may name a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EffectKey {
    tenant_id: TenantId,
    call_sid: CallSid,
    operation: String,
    inputs_hash: String,
}

impl EffectKey {
    /// `operation` is our name of what is done, such as `send_sms`. Inputs that
    /// differ in the order of their fields, or in white space, are the same.
    #[must_use]
    pub fn new(tenant_id: TenantId, call_sid: CallSid, operation: &str, inputs: &Value) -> Self {
        let mut canonical = String::new();
        write_canonical(inputs, &mut canonical);
        let mut inputs_hash = String::with_capacity(64);
        for byte in Sha256::digest(canonical.as_bytes()) {
            // Writing to a string cannot fail.
            write!(inputs_hash, "{byte:02x}").unwrap_or_default();
        }
        Self { tenant_id, call_sid, operation: operation.to_owned(), inputs_hash }
    }

    /// The key as it is stored: `TENANT:CALL:OPERATION:HASH`.
    #[must_use]
    pub fn text(&self) -> String {
        // A colon inside a name must not move what stands behind it.
        let plain = |name: &str| name.replace(':', "%3A");
        format!(
            "{}:{}:{}:{}",
            plain(self.tenant_id.as_str()),
            plain(self.call_sid.as_str()),
            plain(&self.operation),
            self.inputs_hash
        )
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }
}

/// JSON with the fields of every object in order and no white space.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
    }
}

/// A side effect as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Insertable, Queryable, Selectable)]
#[diesel(table_name = side_effects)]
pub struct EffectRow {
    /// See [`EffectKey::text`].
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub key: String,
    /// Whose it is.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub tenant_id: TenantId,
    /// The call it was done for.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub call_sid: CallSid,
    /// What was done.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub operation: String,
    /// SHA-256 of the canonical inputs, in hex.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub inputs_hash: String,
    /// How far it has come.
    pub state: EffectState,
    /// What every repetition is answered; none while it is under way.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub result: Option<Payload>,
    /// How often it was begun.
    pub attempts: i32,
    /// The life of the process that began it last.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub begun_by: Uuid,
    /// When it was begun last.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub begun_at: DateTime<Utc>,
    /// When it was known to have happened, or not.
    #[diesel(serialize_as = MaybeTime, deserialize_as = MaybeTime)]
    pub done_at: Option<DateTime<Utc>>,
}

/// What beginning came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// Carry it out, then say what came of it. An earlier try, if there was one,
    /// is known to have failed.
    Go,
    /// It is there already, and as it says: done, or begun by somebody.
    There(EffectRow),
}

impl Store {
    /// Begins an effect, in `life` (one for each run of a process), unless it was
    /// begun before and did not fail. Once this is back it is committed. Of many
    /// at once, one is told to go.
    ///
    /// # Errors
    /// When the database cannot be written. Then nothing was begun, unless the
    /// connection was lost with the answer: in that case it was begun in `life`.
    pub fn begin_effect(
        &self,
        key: &EffectKey,
        life: Uuid,
        at: DateTime<Utc>,
    ) -> Result<Begun, StoreError> {
        let text = key.text();
        self.write(|connection| {
            if insert_or_ignore!(connection, side_effects::table, fresh(key, life, at))? == 1 {
                return Ok(Begun::Go);
            }
            let failed =
                side_effects::table.find(&text).filter(side_effects::state.eq(EffectState::Failed));
            if diesel::update(failed).set(begun_again(life, at)).execute(connection)? == 1 {
                return Ok(Begun::Go);
            }
            find(connection, &text)?.map(Begun::There).ok_or(StoreError::Missing("side effect"))
        })
    }

    /// Takes over an effect that was begun and whose answer nobody knows: answers
    /// whether it is ours now. Of many at once, one gets it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn take_over_effect(
        &self,
        found: &EffectRow,
        life: Uuid,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.write(|connection| {
            let as_found = side_effects::table
                .find(&found.key)
                .filter(side_effects::state.eq(EffectState::Begun))
                .filter(side_effects::attempts.eq(found.attempts));
            Ok(diesel::update(as_found).set(begun_again(life, at)).execute(connection)? == 1)
        })
    }

    /// It happened, and this is what every repetition is answered. Saying so twice
    /// keeps the first answer.
    ///
    /// # Errors
    /// When it was never begun, or the database cannot be written.
    pub fn finish_effect(
        &self,
        key: &EffectKey,
        result: &Payload,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.answer(key, EffectState::Done, result, at)
    }

    /// It did not happen, and that is known: it may be begun again.
    ///
    /// # Errors
    /// When it was never begun, or the database cannot be written.
    pub fn fail_effect(
        &self,
        key: &EffectKey,
        result: &Payload,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.answer(key, EffectState::Failed, result, at)
    }

    /// One effect.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn effect(&self, key: &EffectKey) -> Result<Option<EffectRow>, StoreError> {
        self.read(|connection| find(connection, &key.text()))
    }

    /// What was done for a call, the first first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn effects(
        &self,
        scope: Scope<'_>,
        call_sid: &CallSid,
    ) -> Result<Vec<EffectRow>, StoreError> {
        self.read(|connection| {
            let query = in_scope(scope)
                .filter(side_effects::call_sid.eq(call_sid.as_str()))
                .order((side_effects::begun_at, side_effects::key));
            Ok(query.select(EffectRow::as_select()).load(connection)?)
        })
    }

    fn answer(
        &self,
        key: &EffectKey,
        state: EffectState,
        result: &Payload,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let text = key.text();
        self.write(|connection| {
            let begun =
                side_effects::table.find(&text).filter(side_effects::state.eq(EffectState::Begun));
            let changes = (
                side_effects::state.eq(state),
                side_effects::result.eq(MaybeText::from(Some(result.clone()))),
                side_effects::done_at.eq(stored_time(at)),
            );
            if diesel::update(begun).set(changes).execute(connection)? == 1 {
                return Ok(());
            }
            find(connection, &text)?.map(|_| ()).ok_or(StoreError::Missing("side effect"))
        })
    }
}

fn in_scope(scope: Scope<'_>) -> side_effects::BoxedQuery<'_, MultiBackend> {
    let query = side_effects::table.into_boxed();
    match scope.tenant() {
        Some(tenant) => query.filter(side_effects::tenant_id.eq(tenant)),
        None => query,
    }
}

fn fresh(key: &EffectKey, life: Uuid, at: DateTime<Utc>) -> EffectRow {
    EffectRow {
        key: key.text(),
        tenant_id: key.tenant_id.clone(),
        call_sid: key.call_sid.clone(),
        operation: key.operation.clone(),
        inputs_hash: key.inputs_hash.clone(),
        state: EffectState::Begun,
        result: None,
        attempts: 1,
        begun_by: life,
        begun_at: at,
        done_at: None,
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = side_effects, treat_none_as_null = true)]
struct BegunAgain {
    state: EffectState,
    result: Option<String>,
    begun_by: String,
    begun_at: chrono::NaiveDateTime,
    done_at: Option<chrono::NaiveDateTime>,
}

type Again = (
    BegunAgain,
    diesel::dsl::Eq<side_effects::attempts, diesel::dsl::Add<side_effects::attempts, i32>>,
);

fn begun_again(life: Uuid, at: DateTime<Utc>) -> Again {
    let row = BegunAgain {
        state: EffectState::Begun,
        result: None,
        begun_by: life.to_string(),
        begun_at: stored_time(at),
        done_at: None,
    };
    (row, side_effects::attempts.eq(side_effects::attempts + 1))
}

fn find(connection: &mut AnyConnection, key: &str) -> Result<Option<EffectRow>, StoreError> {
    let query = side_effects::table.find(key).select(EffectRow::as_select());
    Ok(query.first(connection).optional()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(tenant: &str, call: &str, operation: &str, inputs: &Value) -> String {
        let (tenant, call) = (TenantId::parse(tenant).unwrap(), CallSid::parse(call).unwrap());
        EffectKey::new(tenant, call, operation, inputs).text()
    }

    #[test]
    fn the_same_inputs_have_the_same_key_and_others_another() {
        let written = |text: &str| {
            key("salon", "CA1", "send_sms", &serde_json::from_str::<Value>(text).unwrap())
        };
        let first = written(r#"{"to": "+1", "at": {"b": [1, 2], "a": null}}"#);
        assert_eq!(first, written(r#"{"at":{"a":null,"b":[1,2]},"to":"+1"}"#));
        assert_ne!(first, written(r#"{"at":{"a":null,"b":[2,1]},"to":"+1"}"#));
        assert!(first.starts_with("salon:CA1:send_sms:"), "{first}");
        assert!(!first.contains("+1"), "{first}");
        // printf '{"a":1,"b":"x"}' | sha256sum
        let known = "ecf9e98ec0641e23113ff3ce8bdc78d0ddd249886517fd4a7f68cc83d4e65667";
        assert_eq!(key("s", "C", "o", &json!({"b": "x", "a": 1})), format!("s:C:o:{known}"));
    }

    #[test]
    fn a_colon_does_not_make_two_names_one() {
        let nothing = json!({});
        assert_ne!(key("a:b", "c", "o", &nothing), key("a", "b:c", "o", &nothing));
    }
}
