//! Parsers that are told everything in one call: `util.parseArgs`, minimist, mri and arg.

use super::reader::Reader;
use super::value::Val;
use crate::schema::infer::cli::{Arg, Kind, Takes};
use crate::schema::infer::parser::Parser;

impl<'t> Reader<'t> {
    /// `parseArgs({options: {name: {type, short, multiple, default}}, allowPositionals, allowNegative})`.
    pub(super) fn parse_args(&mut self, config: &Val) -> Val {
        let mut parser = Parser::new("parseArgs");
        let is_negatable = config.get("allowNegative").is_some_and(Val::is_true);
        for (name, options) in config.get("options").map(Val::members).unwrap_or(&[]) {
            let is_truth = options.get("type").and_then(Val::as_str) == Some("boolean");
            let is_many = options.get("multiple").is_some_and(Val::is_true);
            let mut arg = Arg::option(&format!("--{name}"));
            arg.takes = match (is_truth, is_many) {
                (true, true) => Takes::Count,
                (true, false) => Takes::Nothing,
                (false, true) => Takes::Many,
                (false, false) => Takes::One,
            };
            if let Some(short) = options.get("short").and_then(Val::as_str) {
                arg.flags.push(format!("-{short}"));
            }
            if is_truth && is_negatable {
                arg.negative = Some(format!("--no-{name}"));
            }
            arg.default = options.get("default").and_then(Val::default);
            parser.add(arg);
        }
        // Without `strict`, an undeclared flag is taken as true.
        if matches!(config.get("strict"), Some(Val::Bool(false))) {
            parser.is_open = true;
        }
        self.parsers.push(parser);
        self.parse(self.parsers.len() - 1)
    }

    /// `minimist(argv, {string, boolean, alias, default})`; mri is told the same way.
    pub(super) fn minimist(&mut self, source: &'static str, args: &[Val]) -> Val {
        let mut parser = Parser { is_open: true, ..Parser::new(source) };
        let options = args.get(1).cloned().unwrap_or(Val::Undefined);
        let names = |key: &str| options.get(key).map(Val::texts).unwrap_or_default();
        for name in names("string").into_iter().filter(|name| name != "_") {
            let index = parser.add(Arg::option(&format!("--{name}")));
            parser.declare(index);
        }
        for name in names("boolean") {
            let arg = Arg { negative: Some(format!("--no-{name}")), ..Arg::switch(&format!("--{name}")) };
            parser.add(arg);
        }
        for (name, aliases) in options.get("alias").map(Val::members).unwrap_or(&[]) {
            let all: Vec<String> = std::iter::once(name.to_string()).chain(aliases.texts()).collect();
            let index = all.iter().find_map(|name| parser.find(name));
            // The longest spelling is the flag; the others say the same.
            let Some(long) = all.iter().max_by_key(|name| name.len()) else { continue };
            let index = index.unwrap_or_else(|| parser.add(Arg::option(&format!("--{long}"))));
            if let Some(arg) = parser.args.get_mut(index) {
                for alias in &all {
                    let flag = if alias.len() == 1 { format!("-{alias}") } else { format!("--{alias}") };
                    if !arg.flags.contains(&flag) && arg.dest != *alias {
                        arg.flags.push(flag);
                    }
                }
            }
        }
        for (name, default) in options.get("default").map(Val::members).unwrap_or(&[]) {
            let index = parser.find(name).unwrap_or_else(|| parser.add(Arg::option(&format!("--{name}"))));
            if let Some(arg) = parser.args.get_mut(index) {
                arg.default = default.default();
                if matches!(default, Val::Num(_)) && arg.takes == Takes::One {
                    arg.kind = Kind::Number;
                }
                if matches!(default, Val::Bool(_)) && arg.takes == Takes::One {
                    arg.takes = Takes::Nothing;
                    arg.negative = Some(format!("--no-{name}"));
                }
            }
        }
        self.parsers.push(parser);
        self.parse(self.parsers.len() - 1)
    }

    /// `arg({'--port': Number, '--tag': [String], '-p': '--port', '--verbose': arg.COUNT})`.
    pub(super) fn arg_library(&mut self, spec: &Val) -> Val {
        let mut parser = Parser::new("arg");
        let mut aliases = Vec::new();
        for (flag, handler) in spec.members() {
            let mut arg = Arg::option(flag);
            let (one, is_many) = match handler {
                Val::List(items) => (items.first().cloned().unwrap_or(Val::Unknown), true),
                other => (other.clone(), false),
            };
            match &one {
                Val::Str(target) => {
                    aliases.push((flag.to_string(), target.to_string()));
                    continue;
                }
                Val::Name(name) => match &**name {
                    "Boolean" => arg.takes = if is_many { Takes::Count } else { Takes::Nothing },
                    "Number" => arg.kind = Kind::Number,
                    "arg.COUNT" => arg.takes = Takes::Count,
                    _ => {}
                },
                // `arg.flag(…)` marks a function that takes no value.
                Val::Unknown => arg.takes = Takes::Nothing,
                _ => {}
            }
            if is_many && arg.takes == Takes::One {
                arg.takes = Takes::Many;
            }
            parser.add(arg);
        }
        for (alias, target) in aliases {
            if let Some(arg) = parser.find(&target).and_then(|index| parser.args.get_mut(index)) {
                arg.flags.push(alias);
            }
        }
        self.parsers.push(parser);
        self.parse(self.parsers.len() - 1)
    }
}
