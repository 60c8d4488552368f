//! Parsing with a bound: any source gives a tree or nothing, in bounded time. Who reads the tree is another room's matter:
//! `schema` for the arguments of a script, `scan` for what it might do.

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, Parser, Tree};

use crate::runtime::Language;

/// How often the parser may report progress before it is stopped; it reports about every hundred operations.
const PROGRESS: usize = 200_000;

/// The most `|` and `(` of a shell script. Where it does not end as it should, the parser compares all ways to read what is
/// open, in one step that nobody can stop and that takes the square of their number: 0.3 s for 2000. The largest scripts that people
/// write have some hundreds.
const SHELL_BRANCHES: usize = 2000;
/// The most bytes that a shell script's here-documents may make the scanner read: each is looked for to the end, unstoppably.
const HEREDOC_BYTES: usize = 64 << 20;

/// The grammar of a language; `None` where sources are not read.
pub(crate) fn grammar(language: Language) -> Option<tree_sitter::Language> {
    match language {
        Language::Python => Some(tree_sitter_python::LANGUAGE.into()),
        Language::Node => Some(tree_sitter_javascript::LANGUAGE.into()),
        Language::Bash | Language::Sh => Some(tree_sitter_bash::LANGUAGE.into()),
        Language::Native => None,
    }
}

/// The tree of a source; `None` when the parser was stopped, or not begun.
pub(crate) fn parse(language: Language, source: &[u8]) -> Option<Tree> {
    if matches!(language, Language::Bash | Language::Sh) && is_tangled(source) {
        return None;
    }
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

/// Whether a shell script could take longer than its steps say.
fn is_tangled(source: &[u8]) -> bool {
    let branches = source.iter().filter(|byte| matches!(byte, b'|' | b'(')).count();
    let heredocs = source.windows(2).filter(|pair| pair == b"<<").count();
    branches > SHELL_BRANCHES || heredocs.saturating_mul(source.len()) > HEREDOC_BYTES
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
