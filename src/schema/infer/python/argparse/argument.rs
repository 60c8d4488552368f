//! What one `add_argument` says.

use serde_json::Value;

use super::super::calls::Args;
use super::super::reader::Reader;
use super::super::value::{HOLE, Val, literals};
use super::help::help;
use crate::schema::infer::cli::{Arg, Takes};

impl Reader<'_> {
    /// One argument of a parser; `None` for help, version, what is hidden and what cannot be read.
    pub(super) fn argument(&mut self, parser: usize, args: &Args) -> Option<Arg> {
        let names: Vec<&str> = args.positional.iter().map(Val::as_str).collect::<Option<_>>()?;
        if names.iter().any(|name| name.contains(HOLE)) {
            return None;
        }
        let given = args.keyword("dest").and_then(Val::as_str);
        let is_option = match names.first() {
            Some(first) => self.parsers.get(parser)?.is_option(first),
            None => false,
        };
        let flags: Vec<String> =
            if is_option { names.iter().map(|name| (*name).to_owned()).collect() } else { Vec::new() };
        let bare = |flag: &str| {
            let start = flag.chars().next().unwrap_or('-');
            flag.trim_start_matches(start).replace('-', "_")
        };
        let is_long = |name: &&&str| {
            let mut chars = name.chars();
            chars.next() == chars.next() && name.len() > 2
        };
        let dest = match (given, is_option) {
            (Some(dest), _) => dest.to_owned(),
            (None, false) => (*names.first()?).to_owned(),
            (None, true) => bare(names.iter().find(is_long).or(names.first())?),
        };
        let is_hidden = |value: &Val| matches!(value, Val::Name(name) if name.ends_with("SUPPRESS"));
        if is_option && args.keyword("help").is_some_and(is_hidden) {
            return None;
        }
        let constant = args.keyword("const").and_then(Val::json);
        let mut nargs = match args.keyword("nargs") {
            None | Some(Val::None) => Nargs::One,
            Some(Val::Int(count)) => Nargs::Exactly(u64::try_from(*count).ok()?),
            Some(Val::Str(mark)) => mark_nargs(mark)?,
            Some(Val::Name(name)) => match name.rsplit('.').next()? {
                "OPTIONAL" => Nargs::Optional,
                "ZERO_OR_MORE" => Nargs::Any,
                "ONE_OR_MORE" => Nargs::Some,
                "REMAINDER" => Nargs::Rest,
                _ => return None,
            },
            Some(_) => Nargs::Any,
        };
        let (action, constant) = self.action(args, constant)?;
        // store_true starts from false; a constant of another kind from nothing.
        let has_opposite = matches!(action, Known::Plain(_))
            && args.keyword("action").and_then(Val::as_str).is_none_or(|action| action != "store_const");
        let mut negative = None;
        let constant = match action {
            Known::Boolean => {
                let long = flags.iter().find(|flag| flag.starts_with("--"))?;
                negative = Some(format!("--no-{}", long.strip_prefix("--")?));
                Some(Value::Bool(true))
            }
            _ => constant,
        };
        let action = match action {
            Known::Boolean => Action::Constant,
            Known::Plain(action) => action,
            Known::WithoutWords => {
                nargs = Nargs::One;
                Action::Constant
            }
        };
        let kind = args.keyword("type").cloned().map_or_else(Default::default, |kind| self.kind(&kind));
        let choices =
            args.keyword("choices").or_else(|| args.keyword("type").filter(|kind| matches!(kind, Val::Class(_))));
        let choices = choices.and_then(|choices| self.members_of(choices));
        let choices = choices.and_then(|items| literals(&items)).unwrap_or_default();
        let default = match (args.keyword("default"), action) {
            (Some(default), _) => default.json().filter(|value| !value.is_null()),
            (None, Action::Constant) if has_opposite => {
                constant.as_ref().and_then(Value::as_bool).map(|value| Value::Bool(!value))
            }
            (None, _) => None,
        };
        let is_required = if is_option {
            args.is_on("required")
        } else {
            !matches!(nargs, Nargs::Optional | Nargs::Any | Nargs::Rest)
        };
        let mut argument = Arg {
            takes: if is_option { of_option(action, nargs, constant)? } else { of_positional(nargs) },
            adds_to_default: matches!(action, Action::Append | Action::Extend | Action::AppendConstant),
            flags,
            dest,
            kind,
            choices,
            default,
            negative,
            is_required,
            ..Arg::default()
        };
        argument.help = help(args, &argument);
        Some(argument)
    }

    /// The action and its constant; `None` for actions that print something and end.
    fn action(&self, args: &Args, constant: Option<Value>) -> Option<(Known, Option<Value>)> {
        let truth = |value: bool| Some(Value::Bool(value));
        Some(match args.keyword("action") {
            None => (Known::Plain(Action::Store), constant),
            Some(Val::Str(action)) => match action.as_ref() {
                "store" => (Known::Plain(Action::Store), constant),
                "store_true" => (Known::Plain(Action::Constant), truth(true)),
                "store_false" => (Known::Plain(Action::Constant), truth(false)),
                // A constant that cannot be read is said by "true".
                "store_const" => (Known::Plain(Action::Constant), constant.or_else(|| truth(true))),
                "append_const" => (Known::Plain(Action::AppendConstant), Some(constant?)),
                "append" => (Known::Plain(Action::Append), constant),
                "extend" => (Known::Plain(Action::Extend), constant),
                "count" => (Known::Plain(Action::Count), constant),
                _ => return None,
            },
            Some(Val::Name(action)) => match action.rsplit('.').next().unwrap_or("") {
                "BooleanOptionalAction" => (Known::Boolean, constant),
                "_StoreTrueAction" => (Known::Plain(Action::Constant), truth(true)),
                "_StoreFalseAction" => (Known::Plain(Action::Constant), truth(false)),
                "_AppendAction" => (Known::Plain(Action::Append), constant),
                "_CountAction" => (Known::Plain(Action::Count), constant),
                "_HelpAction" | "_VersionAction" => return None,
                _ => (Known::Plain(Action::Store), constant),
            },
            Some(Val::Class(class)) => self.own_action(*class, args, constant)?,
            // An action of the script's own: most take one value.
            Some(_) => (Known::Plain(Action::Store), constant),
        })
    }

    /// An action class of the skill: what it inherits, and whether it takes words at all.
    fn own_action(&self, class: usize, args: &Args, constant: Option<Value>) -> Option<(Known, Option<Value>)> {
        let truth = |value: bool| Some(Value::Bool(value));
        for (base, action, value) in [
            ("_StoreTrueAction", Action::Constant, truth(true)),
            ("_StoreFalseAction", Action::Constant, truth(false)),
            ("_AppendAction", Action::Append, constant.clone()),
            ("_CountAction", Action::Count, constant.clone()),
        ] {
            if self.inherits(class, base) {
                return Some((Known::Plain(action), value));
            }
        }
        if self.inherits(class, "_HelpAction") || self.inherits(class, "_VersionAction") {
            return None;
        }
        if self.inherits(class, "BooleanOptionalAction") {
            return Some((Known::Boolean, constant));
        }
        let text: String = self.classes.get(class)?.text.split_whitespace().collect();
        let takes_none = text.contains("nargs=0") || text.contains("\"nargs\",0") || text.contains("'nargs',0");
        Some(match args.keyword("nargs") {
            Some(Val::Int(0)) => (Known::WithoutWords, truth(true)),
            None if takes_none => (Known::WithoutWords, truth(true)),
            _ => (Known::Plain(Action::Store), constant),
        })
    }
}

/// What an argument does with its words.
#[derive(Clone, Copy)]
enum Action {
    Store,
    Constant,
    AppendConstant,
    Append,
    Extend,
    Count,
}

/// How many words it takes.
#[derive(Clone, Copy, PartialEq)]
enum Nargs {
    One,
    Optional,
    Any,
    Some,
    Exactly(u64),
    Rest,
}

fn of_positional(nargs: Nargs) -> Takes {
    match nargs {
        Nargs::One | Nargs::Optional => Takes::One,
        Nargs::Any | Nargs::Some => Takes::Many,
        Nargs::Exactly(count) => Takes::Exactly(count),
        Nargs::Rest => Takes::Rest,
    }
}

/// `None` for a constant that is not known.
fn of_option(action: Action, nargs: Nargs, constant: Option<Value>) -> Option<Takes> {
    let is_needed = nargs == Nargs::Some;
    Some(match (action, nargs) {
        (Action::Constant, _) => Takes::Constant(constant?),
        (Action::AppendConstant, _) => Takes::Item(constant?),
        (Action::Count, _) => Takes::Count,
        (Action::Append | Action::Extend, Nargs::One | Nargs::Optional) => Takes::Many,
        (Action::Append, Nargs::Exactly(count)) => Takes::Tuples(count),
        (Action::Append, _) => Takes::Lists { is_needed },
        (Action::Store, Nargs::One) => Takes::One,
        (Action::Store, Nargs::Optional) => Takes::Optional(constant.unwrap_or_default()),
        (Action::Store | Action::Extend, Nargs::Exactly(count)) => Takes::Exactly(count),
        (Action::Store, _) => Takes::List { is_needed, is_repeatable: false },
        (Action::Extend, _) => Takes::List { is_needed, is_repeatable: true },
    })
}

/// An action as it is understood.
enum Known {
    Plain(Action),
    /// `--flag` and `--no-flag`.
    Boolean,
    /// An action of the script's own that takes no words.
    WithoutWords,
}

fn mark_nargs(mark: &str) -> Option<Nargs> {
    Some(match mark {
        "?" => Nargs::Optional,
        "*" => Nargs::Any,
        "+" => Nargs::Some,
        "..." => Nargs::Rest,
        _ => return None,
    })
}
