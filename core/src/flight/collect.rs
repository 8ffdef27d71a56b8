//! Lists and structures on their way to being shown.

use serde::ser::{self, Serialize};
use serde_json::{Map, Value};

use super::say::say;
use super::show::{ShowError, Shower, Shown, under};

pub(super) struct Items {
    shower: Shower,
    variant: Option<&'static str>,
    items: Vec<Value>,
}

impl Items {
    pub(super) fn new(shower: Shower, variant: Option<&'static str>) -> Self {
        Self { shower, variant, items: Vec::new() }
    }

    fn add<T: Serialize + ?Sized>(&mut self, thing: &T) -> Result<(), ShowError> {
        self.items.push(self.shower.inner(thing)?);
        Ok(())
    }

    fn shown(self) -> Value {
        let items = Value::Array(self.items);
        match self.variant {
            Some(variant) => under(variant, items),
            None => items,
        }
    }
}

pub(super) struct Fields {
    shower: Shower,
    variant: Option<&'static str>,
    fields: Map<String, Value>,
    key: Option<String>,
}

impl Fields {
    pub(super) fn new(shower: Shower, variant: Option<&'static str>) -> Self {
        Self { shower, variant, fields: Map::new(), key: None }
    }

    fn add<T: Serialize + ?Sized>(&mut self, name: &str, thing: &T) -> Result<(), ShowError> {
        let content = self.shower.inner(thing)?;
        self.fields.insert(name.to_owned(), content);
        Ok(())
    }

    fn shown(self) -> Value {
        let fields = Value::Object(self.fields);
        match self.variant {
            Some(variant) => under(variant, fields),
            None => fields,
        }
    }
}

macro_rules! collects {
    ($($trait:ident, $add:ident);*) => {
        $(impl ser::$trait for Items {
            type Ok = Value;
            type Error = ShowError;

            fn $add<T: Serialize + ?Sized>(&mut self, thing: &T) -> Result<(), ShowError> {
                self.add(thing)
            }

            fn end(self) -> Shown {
                Ok(self.shown())
            }
        })*
    };
}

collects!(
    SerializeSeq, serialize_element;
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field
);

macro_rules! collects_named {
    ($($trait:ident);*) => {
        $(impl ser::$trait for Fields {
            type Ok = Value;
            type Error = ShowError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                thing: &T,
            ) -> Result<(), ShowError> {
                self.add(name, thing)
            }

            fn end(self) -> Shown {
                Ok(self.shown())
            }
        })*
    };
}

collects_named!(SerializeStruct; SerializeStructVariant);

impl ser::SerializeMap for Fields {
    type Ok = Value;
    type Error = ShowError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ShowError> {
        self.key = Some(say(&self.shower.inner(key)?));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, thing: &T) -> Result<(), ShowError> {
        let key = self.key.take().unwrap_or_default();
        self.add(&key, thing)
    }

    fn end(self) -> Shown {
        Ok(self.shown())
    }
}
