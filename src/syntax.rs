//! Parsing with a bound: any source gives a tree or nothing, in bounded time. Who reads the tree is another room's matter:
//! `schema` for the arguments of a script, `scan` for what it might do.

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, Parser, Tree};

use crate::runtime::Language;

/// How often the parser may report progress before it is stopped; it reports about every hundred operations.
const PROGRESS: usize = 200_000;

/// The grammar of a language; `None` where sources are not read.
pub(crate) fn grammar(language: Language) -> Option<tree_sitter::Language> {
    match language {
        Language::Python => Some(tree_sitter_python::LANGUAGE.into()),
        Language::Node => Some(tree_sitter_javascript::LANGUAGE.into()),
        Language::Bash | Language::Sh => Some(tree_sitter_bash::LANGUAGE.into()),
        Language::Native => None,
    }
}

/// The tree of a source; `None` when the parser was stopped.
pub(crate) fn parse(language: Language, source: &[u8]) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&grammar(language)?).ok()?;
    let mut progress = 0usize;
    let mut stop = |_: &tree_sitter::ParseState| {
        progress += 1;
        if progress > PROGRESS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut stop);
    parser.parse_with_options(&mut |at, _| source.get(at..).unwrap_or(&[]), None, Some(options))
}

/// The named children of a node.
pub(crate) fn named<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}

/// The text of a node; empty where it is no UTF-8.
pub(crate) fn text<'s>(source: &'s [u8], node: Node<'_>) -> &'s str {
    source.get(node.byte_range()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
}

/// All nodes below a node in the order of the source, without recursion; at most `limit`.
pub(crate) fn below<'t>(node: Node<'t>, limit: usize) -> Vec<Node<'t>> {
    let mut found = Vec::new();
    let mut pending = vec![node];
    while let Some(next) = pending.pop() {
        if found.len() >= limit {
            break;
        }
        found.push(next);
        let mut children = named(next);
        children.reverse();
        pending.append(&mut children);
    }
    found
}
