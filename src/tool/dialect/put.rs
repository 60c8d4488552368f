//! Fields put into documents by one function, not by a copy of it at each of a hundred places: the library stays small.

use serde_json::{Map, Value};

/// Sets fields of an object.
pub(super) trait Put {
    /// Sets a field, in place where it is there and at the end otherwise.
    fn put(&mut self, key: &str, value: impl Into<Value>);
}

impl Put for Map<String, Value> {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        put(self, key, value.into());
    }
}

#[inline(never)]
fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    map.insert(key.to_owned(), value);
}

/// An object with these fields, in this order.
pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    collected(&mut fields.into_iter())
}

#[inline(never)]
fn collected(fields: &mut dyn Iterator<Item = (&str, Value)>) -> Value {
    let mut map = Map::new();
    fields.for_each(|(key, value)| put(&mut map, key, value));
    Value::Object(map)
}
