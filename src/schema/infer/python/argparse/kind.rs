//! What `type=` makes of a word.

use super::super::calls::Args;
use super::super::reader::Reader;
use super::super::value::Val;
use crate::schema::infer::cli::Kind;

impl Reader<'_> {
    /// The kind that a value of `type=` gives.
    pub(in super::super) fn kind(&mut self, value: &Val) -> Kind {
        match value {
            Val::Name(name) => match name.as_ref() {
                "int" => Kind::Integer,
                "float" => Kind::Number,
                "bool" => Kind::Truth,
                "json.loads" => Kind::Json,
                other if other.ends_with("strtobool") => Kind::Boolean,
                _ => Kind::Text,
            },
            Val::Func(index) => self.kind_of_function(*index, None),
            Val::Bound(bound) => {
                let (receiver, index) = bound.as_ref();
                self.kind_of_function(*index, Some(receiver.clone()))
            }
            Val::Instance(_) => match self.attribute(value, "__call__") {
                call @ Val::Bound(_) => self.kind(&call),
                _ => Kind::Text,
            },
            _ => Kind::Text,
        }
    }

    /// The kind that a converting function gives: by what it returns for a word, else by its annotation.
    fn kind_of_function(&mut self, index: usize, receiver: Option<Val>) -> Kind {
        let args = Args { positional: vec![Val::Word(None)], keywords: Vec::new() };
        let (reads_stdin, was_called) =
            (self.reads_stdin, self.functions.get(index).is_some_and(|function| function.is_called));
        let returns = self.returns_of(index, receiver, args);
        self.reads_stdin = reads_stdin;
        let Some(function) = self.functions.get_mut(index) else { return Kind::Text };
        function.is_called = was_called;
        let (node, module) = (function.node, function.module);
        let source = self.library.module(module).map(|module| module.source()).unwrap_or_default();
        let text = |node: tree_sitter::Node<'_>| {
            source.get(node.byte_range()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
        };
        // A function that never mentions the word "true" does not understand it.
        let body = text(node).to_ascii_lowercase();
        let knows_true = body.contains("\"true\"") || body.contains("'true'");
        let boolean = if knows_true { Kind::Boolean } else { Kind::Text };
        if returns.iter().any(|value| matches!(value, Val::Bool(_) | Val::Made(Kind::Boolean))) {
            return boolean;
        }
        let made = returns.iter().find_map(|value| if let Val::Made(kind) = value { Some(*kind) } else { None });
        if let Some(kind) = made {
            return kind;
        }
        if returns.iter().any(|value| matches!(value, Val::Word(_) | Val::Str(_))) {
            return Kind::Text;
        }
        match node.child_by_field_name("return_type").map_or("", text) {
            "int" => Kind::Integer,
            "float" => Kind::Number,
            "bool" => boolean,
            _ => Kind::Text,
        }
    }
}
