//! Python scripts: argparse command lines and JSON on stdin, read from the syntax tree by a small symbolic reader.
//!
//! The reader walks the module as if it ran: both branches of every `if`, functions of the module where they are
//! called, loops over literals unrolled. It follows parsers and the stdin document by identity and knows nothing else;
//! steps and depths are bounded, so any source ends.

mod argparse;
mod calls;
mod emit;
mod expressions;
mod literals;
mod reader;
mod shape;
mod stdin;
mod value;

use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, Parser, Tree};

use super::{Inferred, Script};
use crate::schema::Convention;
use reader::Reader;

/// How often the parser may report progress before it is stopped; it reports about every hundred operations.
const PROGRESS: usize = 200_000;

pub(super) fn infer(script: &Script<'_>) -> Inferred {
    let source = script.source;
    let mut generic = Inferred::generic();
    let Some(tree) = parse(source) else { return generic };
    let mut reader = Reader::new(source);
    reader.run(tree.root_node());
    let docstring = reader.docstring.take();
    let description = |text: Option<&str>| text.and_then(emit::first_line);
    if let Some(parser) = reader.main_parser() {
        let mut inferred = emit::inferred(&reader.parsers, parser, reader.reads_stdin && !reader.json.is_read);
        inferred.description = inferred.description.or_else(|| description(docstring.as_deref()));
        inferred.reads_stdin_json = reader.json.is_read;
        let takes_nothing = matches!(&inferred.convention, Convention::Argv(spec)
            if spec.arguments.is_empty() && spec.subcommands.is_none() && spec.stdin_property.is_none());
        if !(takes_nothing && reader.json.is_read) {
            return inferred;
        }
    }
    if reader.json.is_read {
        let mut inferred = reader.json.inferred();
        inferred.description = description(docstring.as_deref());
        return inferred;
    }
    generic.description = description(docstring.as_deref());
    generic
}

fn parse(source: &[u8]) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
    let mut progress = 0usize;
    let mut stop = |_: &tree_sitter::ParseState| {
        progress += 1;
        if progress > PROGRESS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut stop);
    parser.parse_with_options(&mut |at, _| source.get(at..).unwrap_or(&[]), None, Some(options))
}
