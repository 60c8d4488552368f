//! Shell scripts: getopts, `case` over `$1`, positionals by their place, subcommands, and the usage texts that name them.
//!
//! The reader walks the script once from its top, into the functions that get the script's own words (`main "$@"`), and
//! knows of a variable only what of the command line it holds. Environment variables are no arguments. Steps and depths are
//! bounded, so any source ends.

mod arms;
mod assignments;
mod conditions;
mod expansions;
mod options;
mod reader;

use tree_sitter::Node;

use super::{Inferred, emit, parser};
use crate::runtime::Language;
use crate::schema::infer::properties::first_line;
use crate::syntax;
use reader::Reader;

/// The most nodes in which usage texts are looked for.
const NODES: usize = 200_000;

pub(super) fn infer(source: &[u8]) -> Inferred {
    let mut generic = Inferred::generic();
    let Some(tree) = syntax::parse(Language::Bash, source) else { return generic };
    let root = tree.root_node();
    let mut reader = Reader::new(source);
    let header = header(source, root);
    reader.usage.add(&header);
    let all = syntax::below(root, NODES);
    reader.survey(&all);
    reader.run(root);
    reader.usage.read();
    reader.weigh(&all);
    let description = header.lines().find(|line| is_prose(line)).and_then(first_line);
    let line = reader.parsers.first().map(|_| parser::line(&reader.parsers, 0, &reader.usage, 0)).unwrap_or_default();
    if line.takes_anything() {
        let mut inferred = emit::inferred(&line, reader.provenance(), reader.reads_stdin);
        inferred.description = description;
        return inferred;
    }
    // A script that shows no arguments may still hand its input, or its words, to a program that it starts.
    generic.description = description;
    generic
}

/// The comment before the first statement.
fn header(source: &[u8], root: Node<'_>) -> String {
    let comments = syntax::named(root).into_iter().take_while(|node| node.kind() == "comment");
    let mut text = String::new();
    for line in comments.map(|node| syntax::text(source, node)).filter(|line| !line.starts_with("#!")) {
        let line = line.trim_start_matches('#');
        text.push_str(line.strip_prefix(' ').unwrap_or(line));
        text.push('\n');
    }
    text
}

fn is_prose(line: &str) -> bool {
    let line = line.trim();
    (line.contains(' ') || line.ends_with('.'))
        && !line.starts_with(['-', '=', '─', '═', '@'])
        && !["shellcheck", "Usage", "usage", "USAGE", "Copyright", "SPDX"].iter().any(|mark| line.starts_with(mark))
}
