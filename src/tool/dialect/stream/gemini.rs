//! Chunks of streamGenerateContent: each is a response with further parts. Arguments of a call may come in pieces, each
//! with the JSON path of the value that it is or continues (`partialArgs`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::join::{join, set, set_one, text};
use crate::error::Result;
use crate::schema::validate::clip;
use crate::tool::dialect::gemini::{field, function_call};
use crate::tool::dialect::put::Put;
use crate::tool::dialect::reply::{failed, given, invalid};

const WHAT: &str = "a chunk of a Gemini response";
/// The deepest path of an argument.
const DEPTH: usize = 64;

#[derive(Clone, Default)]
pub(super) struct Candidates {
    /// What the chunks say about the response.
    envelope: Map<String, Value>,
    candidates: BTreeMap<u64, Candidate>,
}

#[derive(Clone, Default)]
struct Candidate {
    fields: Map<String, Value>,
    content: Map<String, Value>,
    parts: Vec<Value>,
    /// The call that further parts continue.
    open: Option<Open>,
}

#[derive(Clone)]
struct Open {
    place: usize,
    /// Paths of texts that are continued.
    texts: BTreeSet<String>,
}

impl Candidates {
    pub(super) fn push(&mut self, chunk: &Value) -> Result<()> {
        let chunk = match chunk {
            Value::Object(chunk) => chunk,
            // Without `alt=sse` the API gives all chunks in an array.
            Value::Array(chunks) if chunks.iter().all(Value::is_object) => {
                return chunks.iter().try_for_each(|chunk| self.push(chunk));
            }
            _ => return Err(invalid(WHAT, "it is not an object")),
        };
        if let Some(error) = given(chunk, "error") {
            return Err(failed(WHAT, error));
        }
        for (key, value) in chunk {
            match (key.as_str(), value) {
                ("candidates", Value::Array(candidates)) => {
                    for (place, candidate) in (0..).zip(candidates) {
                        let Value::Object(candidate) = candidate else {
                            return Err(invalid(WHAT, "a candidate is not an object"));
                        };
                        let index = candidate.get("index").and_then(Value::as_u64).unwrap_or(place);
                        self.candidates.entry(index).or_default().push(candidate)?;
                    }
                }
                ("candidates", Value::Null) => {}
                ("candidates", _) => return Err(invalid(WHAT, "`candidates` is not an array")),
                _ => set_one(&mut self.envelope, key, value),
            }
        }
        Ok(())
    }

    pub(super) fn is_complete(&self) -> bool {
        let feedback = field(&self.envelope, "promptFeedback", "prompt_feedback").and_then(Value::as_object);
        let is_blocked = feedback.is_some_and(|feedback| field(feedback, "blockReason", "block_reason").is_some());
        let has_ended = |candidate: &Candidate| field(&candidate.fields, "finishReason", "finish_reason").is_some();
        is_blocked || !self.candidates.is_empty() && self.candidates.values().all(has_ended)
    }

    pub(super) fn response(&self) -> Value {
        let mut response = Map::new();
        if !self.candidates.is_empty() {
            response.put("candidates", self.candidates.values().map(Candidate::whole).collect::<Value>());
        }
        set(&mut response, &self.envelope);
        Value::Object(response)
    }
}

impl Candidate {
    fn push(&mut self, candidate: &Map<String, Value>) -> Result<()> {
        for (key, value) in candidate {
            match (key.as_str(), value) {
                ("content", Value::Object(content)) => {
                    for (key, value) in content {
                        match (key.as_str(), value) {
                            ("parts", Value::Array(parts)) => {
                                for part in parts {
                                    self.part(part)?;
                                }
                            }
                            ("parts", Value::Null) => {}
                            ("parts", _) => return Err(invalid(WHAT, "`parts` is not an array")),
                            _ => set_one(&mut self.content, key, value),
                        }
                    }
                }
                ("content", _) => {}
                _ => set_one(&mut self.fields, key, value),
            }
        }
        Ok(())
    }

    fn part(&mut self, part: &Value) -> Result<()> {
        if let Some(call) = function_call(part) {
            return self.call(part, call);
        }
        // Text that only continues the text before it is one part without streaming.
        if let (Some(Value::Object(last)), Value::Object(new)) = (self.parts.last_mut(), part) {
            let is_plain = |map: &Map<String, Value>| {
                text(map, "text").is_some()
                    && map.iter().all(|(k, v)| v.is_null() || matches!(k.as_str(), "text" | "thought"))
            };
            if is_plain(last) && is_plain(new) && given(last, "thought") == given(new, "thought") {
                if let Some(more) = new.get("text") {
                    join(last, "text", more);
                }
                return Ok(());
            }
        }
        self.parts.push(part.clone());
        Ok(())
    }

    fn call(&mut self, part: &Value, call: &Map<String, Value>) -> Result<()> {
        let continues = field(call, "willContinue", "will_continue") == Some(&Value::Bool(true));
        let is_same = |known: &Map<String, Value>| {
            let agrees = |key: &str| text(call, key).is_none() || text(call, key) == text(known, key);
            agrees("name") && agrees("id")
        };
        let open = self.open.take();
        let open = open.filter(|open| self.parts.get(open.place).and_then(function_call).is_some_and(is_same));
        let mut open = match open {
            Some(open) => open,
            None => {
                self.parts.push(part.clone());
                Open { place: self.parts.len().saturating_sub(1), texts: BTreeSet::new() }
            }
        };
        let stored = self.parts.get_mut(open.place).and_then(Value::as_object_mut);
        let key = if part.get("functionCall").is_some_and(Value::is_object) { "functionCall" } else { "function_call" };
        let key = if stored.as_ref().is_some_and(|stored| stored.contains_key(key)) {
            key
        } else if key == "functionCall" {
            "function_call"
        } else {
            "functionCall"
        };
        if let Some(Value::Object(whole)) = stored.and_then(|stored| stored.get_mut(key)) {
            for key in ["partialArgs", "partial_args", "willContinue", "will_continue"] {
                whole.shift_remove(key);
            }
            if let Some(Value::Object(args)) = call.get("args")
                && let Value::Object(known) = whole.entry("args").or_insert_with(|| Value::Object(Map::new()))
            {
                set(known, args);
            }
            let pieces = field(call, "partialArgs", "partial_args").and_then(Value::as_array);
            for piece in pieces.into_iter().flatten().filter_map(Value::as_object) {
                let args = whole.entry("args").or_insert_with(|| Value::Object(Map::new()));
                if args.is_null() {
                    *args = Value::Object(Map::new());
                }
                open.piece(args, piece)?;
            }
        }
        self.open = continues.then_some(open);
        Ok(())
    }

    fn whole(&self) -> Value {
        let mut candidate = Map::new();
        let mut content = Map::new();
        content.put("parts", Value::Array(self.parts.clone()));
        set(&mut content, &self.content);
        candidate.put("content", Value::Object(content));
        set(&mut candidate, &self.fields);
        Value::Object(candidate)
    }
}

impl Open {
    /// Puts one piece of the arguments at its path.
    fn piece(&mut self, args: &mut Value, piece: &Map<String, Value>) -> Result<()> {
        let path = field(piece, "jsonPath", "json_path").and_then(Value::as_str).unwrap_or("");
        let number =
            || field(piece, "numberValue", "number_value").map(|number| whole(number).unwrap_or(number.clone()));
        let null = || field(piece, "nullValue", "null_value").map(|_| Value::Null);
        let value = field(piece, "stringValue", "string_value").cloned();
        let value = value.or_else(|| field(piece, "boolValue", "bool_value").cloned()).or_else(number).or_else(null);
        let is_continued = self.texts.remove(path);
        if let Some(value) = value {
            let bad = || invalid(WHAT, &format!("the path of an argument is not understood: {}", clip(path, 80)));
            let target = at(args, path).ok_or_else(bad)?;
            match (target, value) {
                (Value::String(text), Value::String(more)) if is_continued => text.push_str(&more),
                (target, value) => *target = value,
            }
        }
        if field(piece, "willContinue", "will_continue") == Some(&Value::Bool(true)) {
            self.texts.insert(path.to_owned());
        }
        Ok(())
    }
}

/// Numbers come as doubles.
fn whole(number: &Value) -> Option<Value> {
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0)?;
    Some(Value::from(float as i64))
}

/// The value at a path such as `$.a.b[0]['c d']`, made where it is not there. None when the path is none, leaves a gap in
/// a list, or goes through a value that has no inside.
fn at<'v>(args: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    let mut rest = path.strip_prefix('$')?;
    let mut value = args;
    for _ in 0..DEPTH {
        if rest.is_empty() {
            return Some(value);
        }
        let (key, after) = step(rest)?;
        rest = after;
        value = match key {
            Step::Name(name) => {
                if value.is_null() {
                    *value = Value::Object(Map::new());
                }
                value.as_object_mut()?.entry(name).or_insert(Value::Null)
            }
            Step::Place(place) => {
                if value.is_null() {
                    *value = Value::Array(Vec::new());
                }
                let items = value.as_array_mut()?;
                if place == items.len() {
                    items.push(Value::Null);
                }
                items.get_mut(place)?
            }
        };
    }
    None
}

enum Step {
    Name(String),
    Place(usize),
}

fn step(path: &str) -> Option<(Step, &str)> {
    if let Some(rest) = path.strip_prefix('.') {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end)?;
        return (!name.is_empty()).then(|| (Step::Name(name.to_owned()), rest));
    }
    let rest = path.strip_prefix('[')?;
    if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        let mut name = String::new();
        let mut chars = rest.char_indices().skip(1);
        while let Some((index, c)) = chars.next() {
            match c {
                '\\' => name.push(chars.next()?.1),
                c if c == quote => return Some((Step::Name(name), rest.get(index + 1..)?.strip_prefix(']')?)),
                c => name.push(c),
            }
        }
        return None;
    }
    let (place, rest) = rest.split_once(']')?;
    Some((Step::Place(place.parse().ok()?), rest))
}
