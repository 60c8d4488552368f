//! JSON Schema 2020-12 by `boon`, driven without any way to read a file or a URL.

use std::error::Error as StdError;

use boon::{Compiler, Draft, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

use super::{clip, kind, names, show};

/// Where the schema lives for `boon`; nothing is read from there.
const LOCATION: &str = "skill:///schema.json";

/// The loader of other documents: it has none. The bounds check has refused such references before; this is the second
/// wall, and it also keeps an unknown `$schema` from being looked up.
struct NoDocuments;

impl UrlLoader for NoDocuments {
    fn load(&self, _url: &str) -> Result<Value, Box<dyn StdError>> {
        Err("other documents are never loaded".into())
    }
}

/// A compiled schema.
pub(super) struct Judge {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Judge {
    pub(super) fn compile(schema: &Value) -> Result<Self, String> {
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.use_loader(Box::new(NoDocuments));
        let mut schemas = Schemas::new();
        compiler.add_resource(LOCATION, schema.clone()).map_err(|error| error.to_string())?;
        let index = compiler.compile(LOCATION, &mut schemas).map_err(|error| match &error {
            boon::CompileError::ValidationError { src, .. } => {
                let mut problems = Vec::new();
                collect(src, schema, schema, &mut problems);
                problems.into_iter().next().unwrap_or_else(|| error.to_string())
            }
            _ => error.to_string().replace(LOCATION, ""),
        })?;
        Ok(Self { schemas, index })
    }

    pub(super) fn judge(&self, schema: &Value, arguments: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.schemas.contains(self.index) {
            return vec!["/: the schema was not compiled".to_owned()];
        }
        if let Err(error) = self.schemas.validate(arguments, self.index) {
            collect(&error, schema, arguments, &mut problems);
        }
        problems
    }
}

/// The most leaf messages that are made from one failure.
const LEAVES: usize = 32;

fn collect(error: &ValidationError<'_, '_>, schema: &Value, instance: &Value, problems: &mut Vec<String>) {
    if problems.len() >= LEAVES {
        return;
    }
    let pointer = error.instance_location.to_string();
    let at = if pointer.is_empty() { "/" } else { &pointer };
    match &error.kind {
        ErrorKind::AnyOf | ErrorKind::OneOf(None) => {
            let mut alternatives = Vec::new();
            for cause in &error.causes {
                let mut leaves = Vec::new();
                collect(cause, schema, instance, &mut leaves);
                alternatives.extend(leaves.into_iter().next());
            }
            problems.push(format!("{at}: fits none of the alternatives ({})", clip(&alternatives.join(" | "), 160)));
        }
        _ if !error.causes.is_empty() => {
            error.causes.iter().for_each(|cause| collect(cause, schema, instance, problems));
        }
        leaf => problems.push(format!("{at}: {}", describe(leaf, schema, instance.pointer(&pointer), &pointer))),
    }
}

fn describe(leaf: &ErrorKind<'_, '_>, schema: &Value, got: Option<&Value>, pointer: &str) -> String {
    let shown = || got.map_or_else(|| "nothing".to_owned(), show);
    match leaf {
        ErrorKind::Type { want, .. } => {
            let want: Vec<String> = want.iter().map(|kind| kind.to_string()).collect();
            format!("expected {}, got {}", want.join(" or "), shown())
        }
        ErrorKind::Enum { want } => {
            let want: Vec<String> = want.iter().map(Value::to_string).collect();
            format!("expected one of {}, got {}", clip(&want.join(", "), 140), shown())
        }
        ErrorKind::Const { want } => format!("expected {}, got {}", clip(&want.to_string(), 80), shown()),
        ErrorKind::Required { want } => format!("missing {}", names(want.iter().copied())),
        ErrorKind::AdditionalProperties { got } => {
            let known =
                if pointer.is_empty() { schema.pointer("/properties").and_then(Value::as_object) } else { None };
            let known =
                known.map_or_else(String::new, |map| format!("; known: {}", names(map.keys().map(String::as_str))));
            format!("unknown property {}{known}", names(got.iter().map(AsRef::as_ref)))
        }
        ErrorKind::FalseSchema => format!("not allowed here, got {}", shown()),
        ErrorKind::Not => format!("has a forbidden form, got {}", shown()),
        other => format!("{}, got {}", clip(&other.to_string(), 140), got.map_or("nothing", kind)),
    }
}
