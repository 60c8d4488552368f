//! The members that a script reads of the JSON document on stdin, and what their use says about them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::value::Val;
use crate::schema::{Convention, Inferred, PROPERTY_COUNT};

/// The longest name of a member that is taken, in bytes.
const NAME_BYTES: usize = 64;

/// The use of the document.
#[derive(Default)]
pub(super) struct JsonUse {
    /// The script parses stdin as JSON.
    pub(super) is_read: bool,
    members: Vec<(String, Member)>,
}

#[derive(Default)]
struct Member {
    kind: Option<&'static str>,
    default: Option<Value>,
    /// Read with `[...]` and without asking first.
    is_demanded: bool,
    /// Read with `.get`, or asked for with `in`.
    is_optional: bool,
}

impl JsonUse {
    fn member(&mut self, name: &str) -> Option<&mut Member> {
        if name.is_empty() || name.len() > NAME_BYTES || name.contains('\0') {
            return None;
        }
        let index = match self.members.iter().position(|(known, _)| known == name) {
            Some(index) => index,
            None if self.members.len() < PROPERTY_COUNT => {
                self.members.push((name.to_owned(), Member::default()));
                self.members.len() - 1
            }
            None => return None,
        };
        self.members.get_mut(index).map(|(_, member)| member)
    }

    /// `data["name"]`.
    pub(super) fn demand(&mut self, name: &str) {
        if let Some(member) = self.member(name) {
            member.is_demanded = true;
        }
    }

    /// `data.get("name", default)`, or `"name" in data`.
    pub(super) fn ask(&mut self, name: &str, default: Option<&Val>) {
        let default = default.and_then(Val::json).filter(|value| !value.is_null());
        let Some(member) = self.member(name) else { return };
        member.is_optional = true;
        if let Some(default) = default {
            let kind = match &default {
                Value::Bool(_) => "boolean",
                // A whole default does not say that fractions are refused.
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                _ => "object",
            };
            member.kind.get_or_insert(kind);
            member.default.get_or_insert(default);
        }
    }

    /// The use of a member shows its type; a later, more exact one (`int(...)`) replaces a number.
    pub(super) fn evidence(&mut self, name: &str, kind: &'static str) {
        if let Some(member) = self.member(name) {
            match member.kind {
                None => member.kind = Some(kind),
                Some("number") if kind == "integer" => member.kind = Some(kind),
                Some(_) => {}
            }
        }
    }

    pub(super) fn inferred(self) -> Inferred {
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut provenance = BTreeMap::new();
        for (name, member) in self.members {
            let mut property = Map::new();
            if let Some(kind) = member.kind {
                property.insert("type".to_owned(), json!(kind));
                if kind == "array" {
                    // OpenAI refuses a list without a word on its items.
                    property.insert("items".to_owned(), json!({}));
                }
            }
            if let Some(default) = member.default {
                property.insert("default".to_owned(), default);
            }
            if member.is_demanded && !member.is_optional {
                required.push(Value::String(name.clone()));
            }
            provenance.insert(name.clone(), "stdin");
            properties.insert(name, Value::Object(property));
        }
        let mut schema = json!({"type": "object", "properties": properties});
        if let (false, Value::Object(root)) = (required.is_empty(), &mut schema) {
            root.insert("required".to_owned(), Value::Array(required));
        }
        Inferred { schema, convention: Convention::StdinJson, provenance, description: None, reads_stdin_json: true }
    }
}
