//! Help texts with argparse's `%(name)s` places filled.

use serde_json::Value;

use super::super::calls::Args;
use super::super::value::Val;
use super::readable;
use crate::schema::infer::cli::Arg;

/// The help of an argument, as its parser would print it.
pub(super) fn help(args: &Args, argument: &Arg) -> String {
    let Some(text) = args.keyword("help").and_then(Val::as_str) else {
        // `KEY=VALUE` says something where nothing else does.
        let metavar = args.keyword("metavar").and_then(Val::as_str).unwrap_or("");
        let says = metavar.contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'));
        return if says { readable(metavar) } else { String::new() };
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(rest.get(..at).unwrap_or(""));
        let after = rest.get(at + 1..).unwrap_or("");
        if let Some(tail) = after.strip_prefix('%') {
            out.push('%');
            rest = tail;
        } else if let Some((name, tail)) = after.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            out.push_str(&place(name, args, argument));
            // The conversion letter.
            rest = tail.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(tail);
        } else {
            out.push('%');
            rest = after;
        }
    }
    out.push_str(rest);
    readable(&out)
}

fn place(name: &str, args: &Args, argument: &Arg) -> String {
    match name {
        "default" => match args.keyword("default") {
            Some(value) => value.text().unwrap_or_else(|| "…".to_owned()),
            None => argument.default.as_ref().map_or("None".to_owned(), |value| match value {
                Value::Bool(true) => "True".to_owned(),
                Value::Bool(false) => "False".to_owned(),
                other => other.to_string(),
            }),
        },
        "choices" => {
            let choices = argument.choices.iter();
            choices
                .map(|choice| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(", ")
        }
        "dest" => argument.dest.clone(),
        "prog" => "the script".to_owned(),
        other => args.keyword(other).and_then(Val::text).unwrap_or_else(|| "…".to_owned()),
    }
}
