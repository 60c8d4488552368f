//! click: options and arguments declared by decorators.

use serde_json::Value;

use super::super::argparse::{Origin, readable};
use super::super::calls::Args;
use super::super::reader::Reader;
use super::super::value::{Val, literals};
use super::{Mark, repeated, typed, with_opposite};
use crate::schema::infer::cli::{Arg, Kind, Takes};

impl Reader<'_> {
    /// Calls something of click.
    pub(in super::super) fn click(&mut self, name: &str, args: &Args) -> Val {
        let last = name.rsplit('.').next().unwrap_or("");
        let number =
            |place: usize, name: &str| args.at(place, name).and_then(Val::json).filter(|value| !value.is_null());
        let mark = match last {
            "option" => Mark::Option(args.clone()),
            "argument" => Mark::Argument(args.clone()),
            "command" | "group" => {
                Mark::Command { group: None, args: args.clone(), is_group: last == "group", origin: Origin::Click }
            }
            "confirmation_option" => {
                let help = Val::str("Confirm the action.");
                let keywords = vec![
                    ("is_flag".to_owned(), Val::Bool(true)),
                    ("prompt".to_owned(), Val::Bool(true)),
                    ("help".to_owned(), help),
                ];
                Mark::Option(Args { positional: vec![Val::str("--yes")], keywords })
            }
            "version_option" | "help_option" | "pass_context" | "pass_obj" => Mark::Nothing,
            "Choice" => {
                let items = self.members_of(args.first());
                let choices = items.and_then(|items| literals(&items)).unwrap_or_default();
                Mark::Type { kind: Kind::Text, choices, bounds: (None, None), words: None }
            }
            "IntRange" | "FloatRange" => {
                let kind = if last == "IntRange" { Kind::Integer } else { Kind::Number };
                // A clamped number may be out of its range.
                let bounds = if args.is_on("clamp") { (None, None) } else { (number(0, "min"), number(1, "max")) };
                Mark::Type { kind, choices: Vec::new(), bounds, words: None }
            }
            "Tuple" => {
                let words = args.first().iterate().map_or(2, |types| types.len() as u64);
                Mark::Type { kind: Kind::Text, choices: Vec::new(), bounds: (None, None), words: Some(words) }
            }
            "Path" | "File" | "DateTime" => {
                Mark::Type { kind: Kind::Text, choices: Vec::new(), bounds: (None, None), words: None }
            }
            _ => {
                self.call_back(args);
                return Val::Unknown;
            }
        };
        let is_bare = matches!((&mark, args.first()), (Mark::Command { .. }, Val::Func(_)));
        let made = self.mark(mark);
        if is_bare { self.apply(&made, args.clone()) } else { made }
    }

    /// A function with its decorators as a command.
    pub(super) fn click_command(&mut self, function: usize) -> Option<usize> {
        let command = self.command_of(function, Origin::Click)?;
        let marks = self.functions.get(function)?.marks.clone();
        let mut arguments = Vec::new();
        for mark in marks.into_iter().rev() {
            let argument = match self.marks.get(mark)?.clone() {
                Mark::Option(args) => self.click_option(&args),
                Mark::Argument(args) => self.click_argument(&args),
                _ => None,
            };
            arguments.extend(argument);
        }
        self.parsers.get_mut(command)?.arguments = arguments;
        Some(command)
    }

    /// The kind of click's `type=`, and what else it says.
    fn click_type(&mut self, args: &Args, argument: &mut Arg) {
        match args.keyword("type") {
            Some(Val::Mark(mark)) => {
                if let Some(mark) = self.marks.get(*mark) {
                    typed(argument, mark);
                }
            }
            Some(Val::Name(name)) => argument.kind = kind_of(name),
            Some(class @ Val::Class(_)) => {
                let members = self.members_of(class);
                argument.choices = members.and_then(|items| literals(&items)).unwrap_or_default();
            }
            Some(Val::List(types)) => argument.takes = Takes::Exactly(types.len() as u64),
            Some(_) => {}
            None => {
                // The type of the default.
                let sample = match args.keyword("default") {
                    Some(Val::List(items)) => items.first(),
                    other => other,
                };
                argument.kind = match sample {
                    Some(Val::Int(_)) => Kind::Integer,
                    Some(Val::Float(_)) => Kind::Number,
                    Some(Val::Bool(_)) => Kind::Boolean,
                    _ => Kind::Text,
                };
            }
        }
    }

    pub(super) fn click_option(&mut self, args: &Args) -> Option<Arg> {
        if args.is_on("hidden") {
            return None;
        }
        let declared: Vec<String> =
            args.positional.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        let name = declared.iter().find(|text| !text.starts_with('-') && !text.starts_with(' ')).cloned();
        let declared: Vec<String> = declared.into_iter().filter(|text| Some(text) != name.as_ref()).collect();
        let has_opposite = declared.iter().any(|text| text.contains('/'));
        let (flags, negative) = with_opposite(&declared);
        let longest = flags.iter().max_by_key(|flag| {
            (
                flag.len() - flag.trim_start_matches('-').len(),
                std::cmp::Reverse(flags.iter().position(|known| known == *flag)),
            )
        })?;
        let dest = name.unwrap_or_else(|| longest.trim_start_matches('-').replace('-', "_").to_lowercase());
        let mut argument =
            Arg { flags, dest, help: readable(&args.text("help").unwrap_or_default()), ..Arg::default() };
        self.click_type(args, &mut argument);
        let default = args.keyword("default").and_then(Val::json).filter(|value| !value.is_null());
        // A prompt waits for an answer that never comes.
        let is_asked = args.keyword("prompt").is_some_and(|prompt| prompt.truth() != Some(false));
        let flag_value = args.keyword("flag_value").and_then(Val::json);
        if has_opposite || args.is_on("is_flag") || flag_value.is_some() {
            argument.negative = negative;
            let is_default = flag_value.is_some() && args.is_on("default");
            argument.default = match flag_value.clone() {
                // `default=True` chooses this flag's own value.
                Some(value) if is_default => Some(value),
                Some(_) => default.filter(|value| !value.is_boolean()),
                None => Some(default.unwrap_or(Value::Bool(false))),
            };
            argument.takes = Takes::Constant(flag_value.unwrap_or(Value::Bool(true)));
            argument.is_required = args.is_on("required") || is_asked;
            return Some(argument);
        }
        if args.is_on("count") {
            argument.takes = Takes::Count;
            argument.default = Some(default.unwrap_or_else(|| Value::from(0)));
            return Some(argument);
        }
        if let Some(Val::Int(count)) = args.keyword("nargs")
            && *count > 1
        {
            argument.takes = Takes::Exactly(u64::try_from(*count).ok()?);
        }
        if args.is_on("multiple") {
            argument.takes = repeated(&argument.takes);
        }
        argument.is_required = args.is_on("required") && default.is_none() || is_asked;
        argument.default = default;
        Some(argument)
    }

    pub(super) fn click_argument(&mut self, args: &Args) -> Option<Arg> {
        let dest = args.first().as_str()?.replace('-', "_").to_lowercase();
        let mut argument = Arg { dest, help: readable(&args.text("help").unwrap_or_default()), ..Arg::default() };
        self.click_type(args, &mut argument);
        argument.default = args.keyword("default").and_then(Val::json).filter(|value| !value.is_null());
        let required = args.keyword("required").and_then(Val::truth);
        let has_default =
            argument.default.is_some() || args.keyword("default").is_some_and(|value| !matches!(value, Val::None));
        argument.is_required = required.unwrap_or(!has_default);
        match args.keyword("nargs") {
            Some(Val::Int(-1)) => {
                argument.is_required = required.unwrap_or(false);
                argument.takes = Takes::Many;
            }
            Some(Val::Int(count)) if *count > 1 => argument.takes = Takes::Exactly(u64::try_from(*count).ok()?),
            _ => {}
        }
        Some(argument)
    }
}

/// The kind of a type that click or Python names.
pub(super) fn kind_of(name: &str) -> Kind {
    match name.rsplit('.').next().unwrap_or("") {
        "int" | "INT" => Kind::Integer,
        "float" | "FLOAT" => Kind::Number,
        "bool" | "BOOL" => Kind::Boolean,
        _ => Kind::Text,
    }
}
