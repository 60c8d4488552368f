//! A schema read into what it says about one value: its kind, what bounds it, and words for the rest.
//!
//! References are followed (a schema never refers to itself, see `crate::schema::bounds`), what must hold together is
//! merged, null is set apart, and a list of types becomes alternatives. A subset's writer has one shape to write from.

use serde_json::{Map, Value};

use super::merge::{kinds, merged};
use super::words;

/// The most schemas that are read; further ones take any value.
const NODES: usize = 20_000;
/// The deepest nesting that is read.
const DEPTH: usize = 64;

/// What a schema says about one value.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    /// What no subset can say, in words.
    pub(super) notes: Vec<String>,
    pub(super) default: Option<Value>,
    pub(super) is_nullable: bool,
    pub(super) kind: Kind,
}

/// The kind of a value and what bounds it; a map holds the schema's keywords for this kind as they are.
#[derive(Debug)]
pub(super) enum Kind {
    Any,
    Null,
    Boolean,
    /// One of these; null is not among them.
    Literal(Vec<Value>),
    Text(Map<String, Value>),
    Number {
        is_whole: bool,
        keywords: Map<String, Value>,
    },
    List {
        /// None where the schema does not say in one form what an item is.
        items: Option<Box<Node>>,
        keywords: Map<String, Value>,
    },
    Object {
        properties: Vec<Property>,
        rest: Rest,
        keywords: Map<String, Value>,
    },
    /// Alternatives, at least two.
    Union(Vec<Node>),
}

/// A property of an object.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) is_required: bool,
    pub(super) node: Node,
}

/// What an object may hold beside its properties.
#[derive(Debug)]
pub(super) enum Rest {
    /// The author did not say.
    Unsaid,
    Nothing,
    /// Anything, or values of this schema.
    Values(Value),
}

const TEXT: [&str; 6] = ["minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"];
const NUMBER: [&str; 5] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const LIST: [&str; 8] = [
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "unevaluatedItems",
    "prefixItems",
];
const OBJECT: [&str; 8] = [
    "minProperties",
    "maxProperties",
    "propertyNames",
    "patternProperties",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "unevaluatedProperties",
];
/// What a value is judged by besides its kind; only words can say it.
const CONDITIONS: [&str; 4] = ["not", "if", "then", "else"];

/// Whether a keyword constrains nothing.
pub(super) fn is_annotation(keyword: &str) -> bool {
    matches!(
        keyword,
        "title"
            | "description"
            | "default"
            | "examples"
            | "deprecated"
            | "readOnly"
            | "writeOnly"
            | "$comment"
            | "$schema"
            | "$defs"
            | "definitions"
            | "$vocabulary"
    ) || keyword.starts_with("x-")
}

/// Reads a schema document.
pub(super) fn read(document: &Value) -> Node {
    Reader { document, left: NODES }.node(document, 0)
}

struct Reader<'d> {
    document: &'d Value,
    left: usize,
}

impl Node {
    fn of(kind: Kind) -> Self {
        Self { title: None, description: None, notes: Vec::new(), default: None, is_nullable: false, kind }
    }

    /// The description with the notes, the default and further sentences.
    pub(super) fn described(&self, more: &[String]) -> Option<String> {
        let mut notes = self.notes.clone();
        notes.extend_from_slice(more);
        if let Some(default) = &self.default {
            // Help texts often say it themselves.
            let is_said = self.description.as_deref().is_some_and(|text| text.to_ascii_lowercase().contains("default"));
            if !is_said && !default.is_null() {
                notes.push(words::of("default", default));
            }
        }
        words::described(self.description.as_deref(), &notes)
    }
}

impl Reader<'_> {
    fn node(&mut self, schema: &Value, depth: usize) -> Node {
        self.left = self.left.saturating_sub(1);
        match schema {
            Value::Object(map) if self.left > 0 && depth < DEPTH => {
                let mut notes = Vec::new();
                let map = self.resolved(map, &mut notes, depth);
                self.typed(map, notes, depth)
            }
            Value::Bool(false) => Node { notes: vec!["Leave this out.".to_owned()], ..Node::of(Kind::Any) },
            _ => Node::of(Kind::Any),
        }
    }

    /// The schema with what it refers to and what holds beside it merged in.
    fn resolved(&mut self, map: &Map<String, Value>, notes: &mut Vec<String>, depth: usize) -> Map<String, Value> {
        let mut map = map.clone();
        if depth >= DEPTH {
            return map;
        }
        if let Some(target) = map.shift_remove("$ref") {
            let found = target.as_str().and_then(|target| self.document.pointer(target.trim_start_matches('#')));
            if let Some(Value::Object(target)) = found {
                let target = self.resolved(target, notes, depth + 1);
                map = merged(&target, &map).unwrap_or_else(|| {
                    notes.push(words::of_all(&map));
                    target
                });
            }
        }
        if let Some(Value::Array(branches)) = map.shift_remove("allOf") {
            for branch in &branches {
                let Value::Object(branch) = branch else { continue };
                let branch = self.resolved(branch, notes, depth + 1);
                match merged(&branch, &map) {
                    Some(both) => map = both,
                    None => notes.push(words::of_all(&branch)),
                }
            }
        }
        map
    }

    fn typed(&mut self, mut map: Map<String, Value>, mut notes: Vec<String>, depth: usize) -> Node {
        let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        let title = text(map.shift_remove("title"));
        let description = text(map.shift_remove("description"));
        let default = map.shift_remove("default");
        if let Some(examples) = map.shift_remove("examples") {
            notes.push(words::of("examples", &examples));
        }
        if map.shift_remove("deprecated") == Some(Value::Bool(true)) {
            notes.push("Deprecated.".to_owned());
        }
        for key in CONDITIONS {
            if let Some(condition) = map.shift_remove(key) {
                notes.push(words::of(key, &condition));
            }
        }
        map.retain(|key, _| !is_annotation(key));
        let mut node = self.alternatives(map, &mut notes, depth);
        node.title = title.or(node.title);
        node.description = words::described(description.or(node.description).as_deref(), &[]);
        node.default = default.or(node.default);
        notes.append(&mut node.notes);
        node.notes = notes;
        node
    }

    /// Takes `anyOf` and `oneOf` apart; what stands beside them holds in every branch.
    fn alternatives(&mut self, mut map: Map<String, Value>, notes: &mut Vec<String>, depth: usize) -> Node {
        for key in ["anyOf", "oneOf"] {
            let Some(branches) = map.get(key) else { continue };
            if let Some(sentence) = words::of_required(key, branches) {
                notes.push(sentence);
                map.shift_remove(key);
            }
        }
        let (key, branches) = match (map.shift_remove("anyOf"), map.shift_remove("oneOf")) {
            (Some(branches), other) => {
                notes.extend(other.map(|other| words::of("oneOf", &other)));
                ("anyOf", branches)
            }
            (None, Some(branches)) => ("oneOf", branches),
            (None, None) => return self.simple(map, notes, depth),
        };
        let mut nodes = Vec::new();
        for branch in branches.as_array().into_iter().flatten() {
            let both = match branch {
                Value::Object(branch) => {
                    let branch = self.resolved(branch, notes, depth + 1);
                    merged(&map, &branch).unwrap_or_else(|| {
                        notes.push(words::of_all(&map));
                        branch
                    })
                }
                Value::Bool(true) => map.clone(),
                _ => continue,
            };
            nodes.push(self.node(&Value::Object(both), depth + 1));
        }
        let node = union(nodes);
        if let (Kind::Union(nodes), "oneOf") = (&node.kind, key) {
            let mut seen = Vec::new();
            let overlaps = nodes.iter().any(|node| {
                let kind = std::mem::discriminant(&node.kind);
                let is_again = seen.contains(&kind);
                seen.push(kind);
                is_again
            });
            if overlaps {
                notes.push("Exactly one of the alternatives may fit.".to_owned());
            }
        }
        node
    }

    fn simple(&mut self, map: Map<String, Value>, notes: &mut Vec<String>, depth: usize) -> Node {
        let mut types = map.get("type").map(kinds).unwrap_or_default();
        let literals = match (map.get("const"), map.get("enum")) {
            (Some(value), _) => Some(vec![value.clone()]),
            (None, Some(Value::Array(values))) => Some(values.clone()),
            _ => None,
        };
        if let Some(mut values) = literals {
            if !types.is_empty() {
                values.retain(|value| types.iter().any(|kind| is_of(value, kind)));
            }
            let count = values.len();
            values.retain(|value| !value.is_null());
            let is_nullable = values.len() < count;
            let kind = if values.is_empty() { Kind::Null } else { Kind::Literal(values) };
            return Node { is_nullable, ..Node::of(kind) };
        }
        if types.is_empty() {
            types.extend(implied(&map));
        }
        let mut nodes = Vec::new();
        for kind in &types {
            // A number is also a whole one.
            if *kind == "integer" && types.contains(&"number") {
                continue;
            }
            nodes.push(Node::of(self.kind(kind, &map, depth)));
        }
        let node = if types.is_empty() { Node::of(Kind::Any) } else { union(nodes) };
        if matches!(node.kind, Kind::Any) && map.keys().any(|key| key != "type") {
            notes.push(words::of_all(&map));
        }
        node
    }

    fn kind(&mut self, kind: &str, map: &Map<String, Value>, depth: usize) -> Kind {
        let keywords = |known: &[&str]| -> Map<String, Value> {
            map.iter().filter(|(key, _)| known.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
        };
        match kind {
            "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "string" => Kind::Text(keywords(&TEXT)),
            "integer" | "number" => Kind::Number { is_whole: kind == "integer", keywords: keywords(&NUMBER) },
            "array" => {
                let items = match (map.get("items"), map.contains_key("prefixItems")) {
                    (Some(items), false) => Some(self.node(items, depth + 1)),
                    _ => None,
                };
                // An item of any value is said by no subset.
                let items = items.filter(|node| !matches!(node.kind, Kind::Any) || !node.notes.is_empty());
                Kind::List { items: items.map(Box::new), keywords: keywords(&LIST) }
            }
            "object" => self.object(map, keywords(&OBJECT), depth),
            _ => Kind::Any,
        }
    }

    fn object(&mut self, map: &Map<String, Value>, keywords: Map<String, Value>, depth: usize) -> Kind {
        let required: Vec<&str> =
            map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut properties = Vec::new();
        for (name, schema) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let node = self.node(schema, depth + 1);
            properties.push(Property { name: name.clone(), is_required: required.contains(&name.as_str()), node });
        }
        for name in required {
            if !properties.iter().any(|property| property.name == name) {
                properties.push(Property { name: name.to_owned(), is_required: true, node: Node::of(Kind::Any) });
            }
        }
        let rest = match map.get("additionalProperties") {
            None if keywords.contains_key("patternProperties") => Rest::Values(Value::Bool(true)),
            None => Rest::Unsaid,
            Some(Value::Bool(false)) => Rest::Nothing,
            Some(schema) => Rest::Values(schema.clone()),
        };
        Kind::Object { properties, rest, keywords }
    }
}

/// The kind that keywords without a `type` are about.
fn implied(map: &Map<String, Value>) -> Option<&'static str> {
    let has = |keys: &[&str]| keys.iter().any(|key| map.contains_key(*key));
    if has(&["properties", "additionalProperties", "required"]) || has(&OBJECT) {
        Some("object")
    } else if has(&["items"]) || has(&LIST) {
        Some("array")
    } else if has(&NUMBER) {
        Some("number")
    } else if has(&TEXT) {
        Some("string")
    } else {
        None
    }
}

/// Several nodes as one: null set apart, unions and literals joined.
fn union(nodes: Vec<Node>) -> Node {
    let mut is_nullable = false;
    let mut flat: Vec<Node> = Vec::new();
    for mut node in nodes {
        is_nullable |= node.is_nullable || matches!(node.kind, Kind::Null);
        node.is_nullable = false;
        let is_bare = node.title.is_none() && node.description.is_none() && node.notes.is_empty();
        match node.kind {
            Kind::Null => {}
            Kind::Union(inner) if is_bare => flat.extend(inner),
            Kind::Literal(values) if values.len() == 1 || is_bare => {
                let meaning = node.description.take().or(node.title.take());
                let meaning = meaning.zip(values.first()).map(|(meaning, value)| format!("{value}: {meaning}."));
                let joined = flat.iter_mut().find_map(|other| match &mut other.kind {
                    Kind::Literal(known) => Some((known, &mut other.notes)),
                    _ => None,
                });
                match joined {
                    Some((known, notes)) => {
                        known.extend(values);
                        notes.extend(meaning);
                        notes.append(&mut node.notes);
                    }
                    None => {
                        node.notes.extend(meaning);
                        flat.push(Node { kind: Kind::Literal(values), ..node });
                    }
                }
            }
            kind => flat.push(Node { kind, ..node }),
        }
    }
    // Any value includes all others.
    if let Some(any) = flat.iter().position(|node| matches!(node.kind, Kind::Any)) {
        flat = vec![flat.swap_remove(any)];
    }
    let mut flat = flat.into_iter();
    match (flat.next(), flat.len()) {
        (None, _) => Node::of(Kind::Null),
        (Some(only), 0) => Node { is_nullable, ..only },
        (Some(first), _) => Node { is_nullable, ..Node::of(Kind::Union(std::iter::once(first).chain(flat).collect())) },
    }
}

/// The JSON Schema type of a literal.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    let own = kind_of(value);
    own == kind
        || kind == "number" && own == "integer"
        || kind == "integer" && value.as_f64().is_some_and(|number| number.fract() == 0.0)
}
