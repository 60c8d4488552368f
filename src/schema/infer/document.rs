//! The members that a script reads of the JSON document on stdin, and what their use says about them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::schema::{Convention, Inferred, PROPERTY_COUNT};

/// The longest name of a member that is taken, in bytes.
const NAME_BYTES: usize = 64;

/// The use of the document.
#[derive(Default)]
pub(super) struct Document {
    /// The script parses stdin as JSON.
    pub(super) is_read: bool,
    members: Vec<(String, Member)>,
}

#[derive(Default)]
struct Member {
    kind: Option<&'static str>,
    default: Option<Value>,
    choices: Vec<Value>,
    /// There are no other choices.
    is_closed: bool,
    /// The script refuses to go on without it.
    is_demanded: bool,
    /// The script asks whether it is there, or what stands in for it.
    is_optional: bool,
}

impl Document {
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

    /// The script reads the member.
    pub(super) fn read(&mut self, name: &str) {
        self.member(name);
    }

    /// The script refuses to go on without the member.
    pub(super) fn demand(&mut self, name: &str) {
        if let Some(member) = self.member(name) {
            member.is_demanded = true;
        }
    }

    /// The script can do without the member, whatever it demands elsewhere.
    pub(super) fn ask(&mut self, name: &str) {
        if let Some(member) = self.member(name) {
            member.is_optional = true;
        }
    }

    /// What stands in for the member where it is absent.
    pub(super) fn fall_back(&mut self, name: &str, default: &Value) {
        let kind = match default {
            Value::Null => return,
            Value::Bool(_) => "boolean",
            // A whole default does not say that fractions are refused.
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if let Some(member) = self.member(name) {
            member.kind.get_or_insert(kind);
            member.default.get_or_insert_with(|| default.clone());
        }
    }

    /// The use of a member shows its type; a later, more exact one replaces a number.
    pub(super) fn evidence(&mut self, name: &str, kind: &'static str) {
        if let Some(member) = self.member(name) {
            match member.kind {
                None => member.kind = Some(kind),
                Some("number") if kind == "integer" => member.kind = Some(kind),
                Some(_) => {}
            }
        }
    }

    /// A value that the script compares the member with.
    pub(super) fn choice(&mut self, name: &str, choice: &str) {
        self.evidence(name, "string");
        if let Some(member) = self.member(name).filter(|member| member.choices.len() < 64) {
            let choice = Value::String(choice.to_owned());
            if !member.choices.contains(&choice) {
                member.choices.push(choice);
            }
        }
    }

    /// The script refuses any other value.
    pub(super) fn close(&mut self, name: &str, choices: Vec<Value>) {
        if let Some(member) = self.member(name)
            && choices.len() <= 256
            && choices.iter().all(Value::is_string)
        {
            member.kind = Some("string");
            member.choices = choices;
            member.is_closed = true;
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
            // One comparison asks about a special case; several choose.
            if member.is_closed && !member.choices.is_empty() {
                property.insert("enum".to_owned(), Value::Array(member.choices));
            } else if member.choices.len() > 1 && member.kind == Some("string") {
                let known = member.choices.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
                property.insert("description".to_owned(), json!(format!("Known values: {known}.")));
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
