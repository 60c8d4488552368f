//! Python scripts: their command lines and the JSON on stdin, read from the syntax tree by a small symbolic reader.
//!
//! The reader walks the script and the modules of the skill that it imports as if they ran: conditions that are known
//! choose a branch, of others both are read; functions are read where they are called, loops over literals unrolled. It
//! follows parsers, words of the command line and the stdin document by identity and knows nothing else; steps and
//! depths are bounded, so any source ends.

mod argparse;
mod builtins;
mod calls;
mod classes;
mod commands;
mod displays;
mod docopt;
mod expressions;
mod functions;
mod imports;
mod library;
mod line;
mod literals;
mod methods;
mod outline;
mod reader;
mod scope;
mod silence;
mod usage;
mod value;
mod words;

use super::{Inferred, Script, emit};
use crate::schema::Convention;
use crate::schema::infer::cli::Line;
use crate::schema::infer::properties::first_line;
use argparse::Origin;
use library::Library;
use reader::Reader;

pub(super) fn infer(script: &Script<'_>) -> Inferred {
    let library = Library::open(script);
    let mut reader = Reader::new(&library);
    reader.run();
    let docstring = reader.docstring.take();
    let description = |text: Option<&str>| text.and_then(first_line);
    if let Some(parser) = reader.main_parser() {
        let parser = only_command(&reader, parser);
        let origin = reader.parsers.get(parser).map_or(Origin::Argparse, |parser| parser.origin);
        let line = line::line(&reader.parsers, parser, 0);
        let mut inferred = emit::inferred(&line, origin.name(), reader.reads_stdin && !reader.json.is_read);
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
    if let Some(parser) = reader.words.parser(docstring.as_deref()) {
        let origin = parser.origin.name();
        let mut inferred = emit::inferred(&line::line(&[parser], 0, 0), origin, reader.reads_stdin);
        inferred.description = description(docstring.as_deref());
        return inferred;
    }
    let is_silent = silence::is_silent(&library);
    let nothing = || emit::inferred(&Line::default(), Origin::Argparse.name(), false);
    let mut inferred = if is_silent { nothing() } else { Inferred::generic() };
    inferred.description = description(docstring.as_deref());
    inferred
}

/// typer makes an app of one command that command.
fn only_command(reader: &Reader<'_>, parser: usize) -> usize {
    let found =
        reader.parsers.get(parser).filter(|parser| parser.origin == Origin::Typer && parser.arguments.is_empty());
    match found.and_then(|parser| parser.subparsers.as_ref()).map(|sub| sub.commands.as_slice()) {
        Some([only]) => only.parser,
        _ => parser,
    }
}
