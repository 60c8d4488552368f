//! JavaScript scripts: commander, yargs, parseArgs and their like, hand-written command lines, and JSON on stdin.
//!
//! As for Python, a small symbolic reader walks the module as if it ran: all branches, the module's functions where they
//! are called, callbacks where they are handed over. It follows parsers, words of the command line and the stdin
//! document, and knows nothing else; steps and depths are bounded, so any source ends.

mod branches;
mod calls;
mod commander;
mod conditions;
mod expressions;
mod libraries;
mod methods;
mod names;
mod operators;
mod patterns;
mod reader;
mod value;
mod words;
mod yargs;

use tree_sitter::Node;

use super::cli::Line;
use super::{Inferred, emit, parser};
use crate::runtime::Language;
use crate::schema::infer::properties::first_line;
use crate::syntax;
use reader::Reader;

/// What a script that takes nothing does not speak of.
const SOURCES: [&str; 8] = ["argv", "stdin", "parseArgs", "readFileSync(0", "readline", "Deno.args", "Bun.", "eval("];

pub(super) fn infer(source: &[u8]) -> Inferred {
    let mut generic = Inferred::generic();
    let Some(tree) = syntax::parse(Language::Node, source) else { return generic };
    let mut reader = Reader::new(source);
    let header = header(source, tree.root_node());
    reader.usage.add(&header);
    reader.run(tree.root_node());
    let description = header_line(&header);
    if let Some(index) = reader.main_parser() {
        let line = parser::line(&reader.parsers, index, &reader.usage, 0);
        if line.takes_anything() || !reader.json.is_read && Some(index) != reader.hand {
            let provenance = reader.parsers.get(index).map_or("process.argv", |parser| parser.source);
            let mut inferred = emit::inferred(&line, provenance, reader.reads_stdin && !reader.json.is_read);
            inferred.description = inferred.description.or(description);
            inferred.reads_stdin_json = reader.json.is_read;
            return inferred;
        }
    }
    if reader.json.is_read {
        let mut inferred = reader.json.inferred();
        inferred.description = description;
        return inferred;
    }
    if takes_nothing(source, tree.root_node()) {
        let mut inferred = emit::inferred(&Line::default(), "process.argv", false);
        inferred.description = description;
        return inferred;
    }
    generic.description = description;
    generic
}

/// Whether nothing in a script could read its command line or stdin: it neither speaks of them nor loads other files.
fn takes_nothing(source: &[u8], root: Node<'_>) -> bool {
    let text = String::from_utf8_lossy(source);
    let loads =
        ["require('.", "require(\".", "from '.", "from \".", "import '.", "import \".", "import('.", "import(\"."];
    !root.has_error()
        && root.named_child_count() > 0
        && !SOURCES.iter().chain(&loads).any(|mark| text.contains(mark))
        && imports_are_builtin(&text)
}

/// A package may read the command line by itself, as command line parsers do.
fn imports_are_builtin(text: &str) -> bool {
    let builtin = [
        "fs",
        "path",
        "os",
        "util",
        "crypto",
        "url",
        "http",
        "https",
        "zlib",
        "assert",
        "events",
        "stream",
        "buffer",
        "fs/promises",
        "perf_hooks",
        "child_process",
        "net",
        "tls",
        "dns",
        "vm",
        "module",
        "worker_threads",
        "timers/promises",
        "process",
    ];
    let after =
        |mark: &str| text.match_indices(mark).filter_map(|(at, _)| text.get(at + mark.len()..)).collect::<Vec<_>>();
    ["require('", "require(\"", "from '", "from \"", "import '", "import \"", "import('", "import(\""].iter().all(
        |mark| {
            after(mark).into_iter().all(|rest| {
                let name = rest.split(['\'', '"', '\n']).next().unwrap_or("");
                builtin.contains(&name.strip_prefix("node:").unwrap_or(name))
            })
        },
    )
}

/// The comments before the first statement.
fn header(source: &[u8], root: Node<'_>) -> String {
    let mut text = String::new();
    for node in syntax::named(root) {
        match node.kind() {
            "hash_bang_line" => {}
            "comment" => {
                for line in syntax::text(source, node).lines() {
                    let line = line.trim().trim_start_matches("/*").trim_end_matches("*/");
                    let line = line.strip_prefix("* ").or_else(|| line.strip_prefix("//")).unwrap_or(line);
                    text.push_str(line.strip_prefix('*').unwrap_or(line).trim_end());
                    text.push('\n');
                }
            }
            "expression_statement" if syntax::text(source, node).contains("use strict") => {}
            _ => break,
        }
    }
    text
}

/// The first line of the header that speaks of the script.
fn header_line(header: &str) -> Option<String> {
    let is_prose = |line: &&str| {
        let line = line.trim();
        (line.contains(' ') || line.ends_with('.'))
            && !line.starts_with(['@', '-', '=', '─'])
            && !["eslint", "prettier", "Usage", "usage", "Copyright", "SPDX"].iter().any(|mark| line.starts_with(mark))
    };
    header.lines().find(is_prose).and_then(first_line)
}
