//! Generated parsers as data, and the scripts that make them.

use std::fmt::Write;

use serde_json::Value;

/// A parser of one level, and the levels of its subcommands.
#[derive(Default)]
pub(crate) struct Parser {
    pub(crate) arguments: Vec<Argument>,
    /// Indices of arguments that exclude each other.
    pub(crate) exclusive: Vec<usize>,
    pub(crate) commands: Vec<(String, Parser)>,
    pub(crate) command_dest: String,
    pub(crate) has_plus: bool,
}

pub(crate) struct Argument {
    pub(crate) dest: String,
    /// The arguments of `add_argument`, as Python.
    pub(crate) declared: Vec<String>,
    pub(crate) form: Form,
    pub(crate) item: Item,
    pub(crate) default: Value,
    pub(crate) is_required: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Form {
    One,
    /// `nargs="?"` of an option, with a constant.
    Maybe,
    Tuple(u64),
    List,
    /// `nargs="+"`
    Some,
    Rest,
    Append,
    AppendTuple,
    AppendSome,
    True,
    False,
    Boolean,
    Const,
    AppendConst,
    Count,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Item {
    Text,
    Choice,
    Integer,
    Number,
    Path,
    Json,
    Truth,
}

impl Parser {
    /// A script that makes this parser.
    pub(crate) fn script(&self) -> String {
        let mut text = String::from("import argparse\nimport json\nfrom pathlib import Path\n\n\ndef build():\n");
        let prefixes = if self.has_plus { "prefix_chars=\"-+\"" } else { "" };
        writeln!(text, "    parser = argparse.ArgumentParser({prefixes})").expect("a text grows");
        self.write(&mut text, "parser");
        if !self.commands.is_empty() {
            let dest = &self.command_dest;
            writeln!(text, "    commands = parser.add_subparsers(dest=\"{dest}\", required=True)")
                .expect("a text grows");
            for (index, (name, inner)) in self.commands.iter().enumerate() {
                writeln!(text, "    p{index} = commands.add_parser(\"{name}\")").expect("a text grows");
                inner.write(&mut text, &format!("p{index}"));
            }
        }
        text.push_str("    return parser\n\n\nif __name__ == \"__main__\":\n    build().parse_args()\n");
        text
    }

    fn write(&self, text: &mut String, name: &str) {
        if !self.exclusive.is_empty() {
            writeln!(text, "    {name}_only = {name}.add_mutually_exclusive_group()").expect("a text grows");
        }
        for (index, argument) in self.arguments.iter().enumerate() {
            let target = if self.exclusive.contains(&index) { format!("{name}_only") } else { name.to_owned() };
            writeln!(text, "    {target}.add_argument({})", argument.declared.join(", ")).expect("a text grows");
        }
    }
}

/// A value as Python writes it.
pub(crate) fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}
