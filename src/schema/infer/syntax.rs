//! Parsing with a bound: any source gives a tree or nothing, in bounded time.

use std::ops::ControlFlow;

use tree_sitter::{Language, Node, ParseOptions, Parser, Tree};

/// How often the parser may report progress before it is stopped; it reports about every hundred operations.
const PROGRESS: usize = 200_000;

/// The tree of a source; `None` when the parser was stopped.
pub(super) fn parse(language: &Language, source: &[u8]) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(language).ok()?;
    let mut progress = 0usize;
    let mut stop = |_: &tree_sitter::ParseState| {
        progress += 1;
        if progress > PROGRESS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut stop);
    parser.parse_with_options(&mut |at, _| source.get(at..).unwrap_or(&[]), None, Some(options))
}

/// The named children of a node.
pub(super) fn named<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}

/// The text of a node; empty where it is no UTF-8.
pub(super) fn text<'s>(source: &'s [u8], node: Node<'_>) -> &'s str {
    source.get(node.byte_range()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
}

/// All nodes below a node in the order of the source, without recursion; at most `limit`.
pub(super) fn below<'t>(node: Node<'t>, limit: usize) -> Vec<Node<'t>> {
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
