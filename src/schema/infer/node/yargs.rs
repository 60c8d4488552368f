//! yargs: options and positionals by name, commands, and the setters that speak of several names at once.

use super::commander::list;
use super::reader::Reader;
use super::value::Val;
use crate::schema::infer::cli::{Arg, Kind, Takes};
use crate::schema::infer::parser::Parser;

impl<'t> Reader<'t> {
    pub(super) fn yargs(&mut self) -> usize {
        let known = self.parsers.iter().position(|parser| parser.source == "yargs" && !parser.is_sub);
        known.unwrap_or_else(|| {
            self.parsers.push(Parser { is_open: true, runs_bare: true, ..Parser::new("yargs") });
            self.parsers.len() - 1
        })
    }

    pub(super) fn yargs_method(&mut self, parser: usize, method: &str, args: &[Val]) -> Val {
        let first = args.first().cloned().unwrap_or(Val::Undefined);
        let second = args.get(1).cloned().unwrap_or(Val::Undefined);
        match method {
            "option" | "options" => match &first {
                Val::Str(name) => self.yargs_option(parser, name, &second, false),
                Val::Object(options) => {
                    options.iter().for_each(|(name, options)| self.yargs_option(parser, name, options, false));
                }
                _ => {}
            },
            "positional" => {
                if let Val::Str(name) = &first {
                    self.yargs_option(parser, name, &second, true);
                }
            }
            "boolean" | "string" | "number" | "array" | "count" | "demandOption" | "demand" | "require"
            | "required" | "normalize" => {
                for name in first.texts() {
                    self.yargs_set(parser, &name, method, &Val::Bool(true));
                }
                if let (Val::Object(options), "demandOption") = (&first, method) {
                    options.iter().for_each(|(name, is)| self.yargs_set(parser, name, method, is));
                }
                if let (Val::Num(count), "demand") = (&first, method) {
                    self.demand(&Val::Fewer(std::rc::Rc::new(Val::Count(parser, 0)), count.clamp(0.0, 32.0) as usize));
                }
            }
            "demandCommand" => {
                if let Some(parser) = self.parsers.get_mut(parser) {
                    parser.runs_bare = false;
                }
                if matches!(first, Val::Undefined | Val::Num(_))
                    && self.parsers.get(parser).is_some_and(|parser| parser.commands.is_empty())
                {
                    let count = if let Val::Num(count) = first { count.clamp(0.0, 32.0) as usize } else { 1 };
                    self.demand(&Val::Fewer(std::rc::Rc::new(Val::Count(parser, 0)), count));
                }
            }
            "alias" | "default" | "defaults" | "describe" | "choices" | "coerce" | "nargs" => match &first {
                Val::Str(name) => self.yargs_set(parser, name, method, &second),
                Val::Object(all) => all.iter().for_each(|(name, value)| self.yargs_set(parser, name, method, value)),
                Val::List(names) => {
                    names.iter().filter_map(Val::as_str).for_each(|name| self.yargs_set(parser, name, method, &second))
                }
                _ => {}
            },
            "conflicts" => {
                if let Some(name) = first.as_str() {
                    let sets = second.texts().into_iter().map(|other| vec![name.to_owned(), other]);
                    if let Some(parser) = self.parsers.get_mut(parser) {
                        parser.exclusive.extend(sets.take(64));
                    }
                }
            }
            "command" => self.yargs_command(parser, args),
            "usage" => {
                let text = first.as_str().unwrap_or("").to_owned();
                if args.len() > 1 {
                    self.yargs_command(parser, args);
                } else {
                    self.usage
                        .add(&format!("usage: {}", text.trim_start_matches(|c: char| !matches!(c, '$' | '<' | '['))));
                }
            }
            "argv" | "parse" | "parseSync" | "parseAsync" => {
                let values = self.parse(parser);
                if let Some(Val::Func(_)) = args.get(2) {
                    self.call_back(args, &[Val::Null, values.clone()]);
                }
                return values;
            }
            "check" | "middleware" | "fail" => self.call_back(args, &[Val::Values(parser)]),
            "help" | "version" if first.as_str().is_some() => {}
            _ => {}
        }
        Val::Yargs(parser)
    }

    fn yargs_arg(&mut self, parser: usize, name: &str) -> Option<&mut Arg> {
        if name.is_empty() || name.starts_with('-') || name.contains(char::is_whitespace) {
            return None;
        }
        let parser = self.parsers.get_mut(parser)?;
        let index = parser.find(name).unwrap_or_else(|| parser.add(Arg::option(&format!("--{name}"))));
        parser.args.get_mut(index)
    }

    fn yargs_option(&mut self, parser: usize, name: &str, options: &Val, is_positional: bool) {
        if let Some(arg) = self.yargs_arg(parser, name)
            && is_positional
        {
            arg.flags.clear();
        }
        for (key, value) in options.members() {
            self.yargs_set(parser, name, key, value);
        }
    }

    /// One property of an option, whichever way it is said.
    fn yargs_set(&mut self, parser: usize, name: &str, key: &str, value: &Val) {
        let reads = if key == "coerce" { self.coerced(value) } else { None };
        let Some(arg) = self.yargs_arg(parser, name) else { return };
        let is_on = value.is_true();
        match key {
            "alias" => {
                for alias in value.texts() {
                    // Of several names, the long one that came first is the flag.
                    let flag = if alias.len() == 1 { format!("-{alias}") } else { format!("--{alias}") };
                    if !arg.is_positional() && !arg.flags.contains(&flag) {
                        arg.flags.push(flag);
                    }
                }
                // `option('p', {alias: 'port'})`: the long name is the better one.
                if arg.dest.len() == 1
                    && let Some(long) =
                        arg.flags.iter().find(|flag| flag.len() > 4 || flag.starts_with("--") && flag.len() > 3)
                {
                    arg.dest = long.trim_start_matches('-').to_owned();
                    let long = long.clone();
                    arg.flags.retain(|flag| *flag != long);
                    arg.flags.insert(0, long);
                }
            }
            "type" => match value.as_str().unwrap_or("") {
                "boolean" => boolean(arg),
                "number" => number(arg),
                "array" => many(arg),
                "count" => arg.takes = Takes::Count,
                _ => {}
            },
            "boolean" if is_on => boolean(arg),
            "number" if is_on => number(arg),
            "array" if is_on => many(arg),
            "count" if is_on => arg.takes = Takes::Count,
            "describe" | "desc" | "description" => arg.help = value.as_str().unwrap_or("").to_owned(),
            "demandOption" | "demand" | "required" | "require" => {
                arg.is_required = (is_on || value.as_str().is_some()) && arg.default.is_none();
            }
            "default" | "defaults" => {
                arg.default = value.default();
                if arg.default.is_some() {
                    arg.is_required = false;
                }
                if value.is_true() || matches!(value, Val::Bool(false)) {
                    boolean(arg);
                }
                if matches!(value, Val::Num(_)) && arg.kind == Kind::Text {
                    // What looks like a number is one, unless the option is declared as text.
                    arg.kind = Kind::Number;
                }
            }
            "choices" => arg.choices = list(value),
            "coerce" => {
                if let Some(kind) = reads {
                    arg.kind = kind;
                }
            }
            "hidden" if is_on => {}
            _ => {}
        }
        if key == "type" && value.as_str() == Some("string") || key == "string" && is_on {
            arg.kind = Kind::Text;
        }
    }

    fn coerced(&mut self, function: &Val) -> Option<Kind> {
        match function {
            Val::Name(name) if &**name == "JSON.parse" => Some(Kind::Json),
            Val::Name(name) if matches!(&**name, "Number" | "parseFloat") => Some(Kind::Number),
            _ => None,
        }
    }

    /// `.command('get <source> [target]', 'description', builder, handler)`, or one object with these.
    fn yargs_command(&mut self, parser: usize, args: &[Val]) {
        let first = args.first().cloned().unwrap_or(Val::Undefined);
        let member = |name: &str| first.get(name).cloned();
        let is_object = matches!(first, Val::Object(_));
        let of = |at: usize, names: [&str; 2]| {
            if is_object { member(names[0]).or_else(|| member(names[1])) } else { args.get(at).cloned() }
                .unwrap_or(Val::Undefined)
        };
        let (text, help) = (of(0, ["command", "cmd"]), of(1, ["describe", "desc"]));
        let (builder, handler) = (of(2, ["builder", "builder"]), of(3, ["handler", "handler"]));
        let Some(text) = text.texts().into_iter().next() else { return };
        let mut words = text.split_whitespace();
        let Some(name) = words.next() else { return };
        // `$0` and `*` are what runs without a command's name.
        let is_default = matches!(name, "$0" | "*");
        let sub = if is_default {
            parser
        } else {
            self.parsers.push(Parser { is_open: true, is_sub: true, runs_bare: true, ..Parser::new("yargs") });
            self.parsers.len() - 1
        };
        for word in words {
            let bare = word.trim_matches(['<', '>', '[', ']', '.']);
            let name = bare.split('|').next().unwrap_or(bare).to_owned();
            if let Some(arg) = self.yargs_arg(sub, &name) {
                arg.flags.clear();
                arg.is_required = word.starts_with('<');
                arg.takes = if word.contains("..") { Takes::Many } else { Takes::One };
            }
        }
        if let Some(known) = self.parsers.get_mut(sub) {
            known.description = help.as_str().map(str::to_owned).or_else(|| known.description.take());
        }
        if let Some(parent) = self.parsers.get_mut(parser)
            && !is_default
            && parent.commands.len() < 128
            && !matches!(help, Val::Bool(false))
        {
            parent.commands.push((name.to_owned(), sub));
            parent.runs_bare = parent.runs_bare && parent.takes_default;
        }
        if let (true, Some(parent)) = (is_default, self.parsers.get_mut(parser)) {
            parent.runs_bare = true;
            parent.takes_default = true;
        }
        match builder {
            Val::Func(index) => {
                self.call_function(index, vec![Val::Yargs(sub)]);
            }
            Val::Object(options) => {
                options.iter().for_each(|(name, options)| self.yargs_option(sub, name, options, false))
            }
            _ => {}
        }
        if let Val::Func(index) = handler {
            self.call_function(index, vec![Val::Values(sub)]);
        }
    }
}

fn boolean(arg: &mut Arg) {
    if arg.is_positional() {
        arg.kind = Kind::Boolean;
        return;
    }
    arg.takes = Takes::Nothing;
    if let Some(name) = arg.flag().and_then(|flag| flag.strip_prefix("--")).filter(|name| !name.starts_with("no-")) {
        arg.negative = Some(format!("--no-{name}"));
    }
}

fn number(arg: &mut Arg) {
    arg.kind = Kind::Number;
}

fn many(arg: &mut Arg) {
    arg.takes = Takes::Many;
}
