//! The fields that a skill declares: front matter first, the `## Runtime` block for what it leaves open.
//!
//! No field can fail the document: a value of another type is read as what it plainly means, or left out with a diagnostic.

use serde::Serialize;
use serde_json::{Map, Value};

use super::diagnostic::{Diagnostic, excerpt};
use super::front_matter::Source;
use super::yaml::kind_of;

/// What a skill says about itself. Every text is as its author wrote it, numbers and booleans included (`version: 1.10` is "1.10").
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Manifest {
    /// `name`: specification: 1–64 of lowercase letters, digits and `-`, equal to the folder's name. Not trusted to be that.
    pub name: Option<String>,
    /// `description`: specification: 1–1,024 characters.
    pub description: Option<String>,
    /// `license`: a name or a bundled file's name.
    pub license: Option<String>,
    /// `compatibility`: what the skill needs of its environment; specification: 1–500 characters.
    pub compatibility: Option<String>,
    /// `metadata`: any mapping; specification: text to text.
    pub metadata: Map<String, Value>,
    /// `allowed-tools`: space-separated tool patterns.
    pub allowed_tools: Option<String>,
    /// `version`: of the skill.
    pub version: Option<String>,
    /// `entry_point`: a path of one of the skill's own files, relative, `/`-separated; present only when that file exists.
    pub entry_point: Option<String>,
    /// `language`: of the entry point (`python`, `node`, `bash`, …).
    pub language: Option<String>,
    /// `network`: what the skill asks for; whether it gets it is the policy's decision.
    pub network: Option<NetworkDeclaration>,
    /// `input_schema`: JSON Schema of the arguments; always an object.
    pub input_schema: Option<Value>,
    /// `output_schema`: JSON Schema of the result; always an object.
    pub output_schema: Option<Value>,
    /// `dependencies`: one requirement each, as written.
    pub dependencies: Vec<String>,
    /// Every field that is none of the above.
    pub extra: Map<String, Value>,
}

/// A skill's wish for network access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetworkDeclaration {
    /// Whether it wants any.
    pub enabled: bool,
    /// Hosts that it names, as written: `api.example.org:443`, `*:80`. Empty: not said.
    pub outbound: Vec<String>,
}

impl Manifest {
    /// Merges the sources, the first one winning; findings are added to `diagnostics`.
    pub(super) fn merge(sources: Vec<Source<'_>>, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut fields = Fields { sources, diagnostics };
        let manifest = Self {
            name: fields.text("name"),
            description: fields.text("description"),
            license: fields.text("license"),
            compatibility: fields.text("compatibility"),
            metadata: fields.take("metadata", mapping).unwrap_or_default(),
            allowed_tools: fields.text("allowed-tools"),
            version: fields.text("version"),
            entry_point: fields.text("entry_point"),
            language: fields.text("language"),
            network: fields.take("network", network),
            input_schema: fields.take("input_schema", schema),
            output_schema: fields.take("output_schema", schema),
            dependencies: fields.take("dependencies", texts).unwrap_or_default(),
            extra: Map::new(),
        };
        let mut extra = Map::new();
        for source in fields.sources {
            for (key, value) in source.entries {
                extra.entry(key).or_insert(value);
            }
        }
        Self { extra, ..manifest }
    }
}

struct Fields<'t, 'd> {
    sources: Vec<Source<'t>>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

/// A field was there and could not be used; the text says what was expected.
type Unusable = &'static str;

impl<'t> Fields<'t, '_> {
    /// The field's first usable value; it is taken out of every source.
    fn take<T>(&mut self, field: &str, read: impl Fn(Value) -> Result<T, Unusable>) -> Option<T> {
        self.take_from(field, |value, _, _| read(value).map(|value| (value, None)))
    }

    fn text(&mut self, field: &str) -> Option<String> {
        self.take_from(field, text)
    }

    fn take_from<T>(
        &mut self,
        field: &str,
        read: impl Fn(Value, &Source<'t>, &str) -> Result<(T, Option<String>), Unusable>,
    ) -> Option<T> {
        let mut found = None;
        for source in &mut self.sources {
            let Some((key, value)) = remove(&mut source.entries, field) else { continue };
            if found.is_some() || value.is_null() {
                continue;
            }
            let kind = kind_of(&value);
            let line = source.line_of(&key);
            match read(value, source, &key) {
                Ok((value, note)) => {
                    found = Some(value);
                    if let Some(note) = note {
                        self.diagnostics.push(Diagnostic::info("field-coerced", note).field(&key).line(line));
                    }
                }
                Err(expected) => self.diagnostics.push(
                    Diagnostic::warning(
                        "field-type",
                        format!("`{key}` is {kind} and was ignored; it must be {expected}"),
                    )
                    .field(&key)
                    .line(line),
                ),
            }
        }
        found
    }
}

/// Takes a field under its name or with `-` and `_` exchanged (`allowed_tools`, `entry-point`).
fn remove(entries: &mut Map<String, Value>, field: &str) -> Option<(String, Value)> {
    let mut found = None;
    for key in [field.to_string(), field.replace('_', "-"), field.replace('-', "_")] {
        // shift_remove keeps the order of the rest, which is the order of `extra`.
        if let Some(value) = entries.shift_remove(&key) {
            found.get_or_insert((key, value));
        }
    }
    found
}

fn text(value: Value, source: &Source<'_>, key: &str) -> Result<(String, Option<String>), Unusable> {
    const EXPECTED: Unusable = "a text";
    match value {
        Value::String(text) => Ok((text, None)),
        Value::Array(items) => {
            let texts = scalars(items).ok_or(EXPECTED)?;
            let separator = if key.starts_with("allowed") { " " } else { ", " };
            Ok((texts.join(separator), Some(format!("`{key}` is a list and was read as one text"))))
        }
        Value::Number(_) | Value::Bool(_) => {
            let kind = kind_of(&value);
            let text = match source.written(key) {
                Some(written) if means(written, &value) => written.to_string(),
                _ => value.to_string(),
            };
            Ok((text, Some(format!("`{key}` is {kind} and was read as text; put it in quotes"))))
        }
        Value::Null | Value::Object(_) => Err(EXPECTED),
    }
}

/// Whether the text is how the value was written, not the start of something else.
fn means(written: &str, value: &Value) -> bool {
    match value {
        Value::Bool(value) => written.eq_ignore_ascii_case(if *value { "true" } else { "false" }),
        Value::Number(number) => written.parse::<f64>().ok() == number.as_f64(),
        _ => false,
    }
}

fn mapping(value: Value) -> Result<Map<String, Value>, Unusable> {
    match value {
        Value::Object(entries) => Ok(entries),
        _ => Err("a mapping"),
    }
}

fn schema(value: Value) -> Result<Value, Unusable> {
    const EXPECTED: Unusable = "a JSON Schema: a mapping, or a text that is a JSON object";
    let value = match value {
        Value::String(text) => serde_json::from_str(&text).map_err(|_| EXPECTED)?,
        value => value,
    };
    if value.is_object() { Ok(value) } else { Err(EXPECTED) }
}

fn texts(value: Value) -> Result<Vec<String>, Unusable> {
    const EXPECTED: Unusable = "a list of texts";
    match value {
        Value::Array(items) => scalars(items).ok_or(EXPECTED),
        // Requirements hold spaces (`requests >= 2`), so only commas and lines separate them.
        Value::String(text) => {
            Ok(text.split([',', '\n']).map(str::trim).filter(|t| !t.is_empty()).map(str::to_string).collect())
        }
        _ => Err(EXPECTED),
    }
}

fn network(value: Value) -> Result<NetworkDeclaration, Unusable> {
    const EXPECTED: Unusable = "a boolean, a list of hosts, or a mapping with `enabled` and `outbound`";
    match value {
        Value::Object(mut entries) => {
            let outbound = match entries.remove("outbound") {
                None | Some(Value::Null) => Vec::new(),
                Some(hosts) => texts(hosts).map_err(|_| EXPECTED)?,
            };
            let enabled = match entries.remove("enabled") {
                None | Some(Value::Null) => !outbound.is_empty(),
                Some(value) => flag(&value).ok_or(EXPECTED)?,
            };
            Ok(NetworkDeclaration { enabled, outbound })
        }
        Value::Array(_) => {
            let outbound = texts(value).map_err(|_| EXPECTED)?;
            Ok(NetworkDeclaration { enabled: !outbound.is_empty(), outbound })
        }
        value => match flag(&value) {
            Some(enabled) => Ok(NetworkDeclaration { enabled, outbound: Vec::new() }),
            None => Err(EXPECTED),
        },
    }
}

/// A boolean in YAML 1.1's spellings too, which PyYAML's users write.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn scalars(items: Vec<Value>) -> Option<Vec<String>> {
    let text = |item| match item {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => Some(item.to_string()),
        _ => None,
    };
    items.into_iter().map(text).collect()
}

/// How a name is shown in a message.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", excerpt(text))
}
