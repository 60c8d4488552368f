//! Parsers and calls made by a seeded generator, so that a failure repeats.

use serde_json::{Map, Value, json};

use crate::generated::{Argument, Form, Item, Parser, python};

const WORDS: [&str; 24] = [
    "",
    "-",
    "--",
    "-5",
    "-0.5",
    "-x",
    "--alpha",
    "--alpha=1",
    "a b",
    "-a b",
    "=",
    "a=b",
    "naïve 数据",
    "x\ny",
    "'",
    "\"",
    "$HOME",
    "1e5",
    "-1e5",
    "add",
    "None",
    "\\",
    "+y",
    "7",
];

/// One call: the arguments, what the parser must understand, and whether a value in a list looks like an option.
pub(crate) struct Case {
    pub(crate) arguments: Value,
    pub(crate) want: Value,
    pub(crate) dashes: bool,
}

pub(crate) struct Generator(u64);

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % bound as u64).expect("small")
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn parser(&mut self) -> Parser {
        let mut parser = self.level("r", 0);
        if self.one_in(3) {
            parser.command_dest = if self.one_in(2) { "command".to_owned() } else { "what".to_owned() };
            for name in ["add", "re-move", "show"].iter().take(1 + self.below(3)) {
                // Siblings share names: a property can mean two things.
                parser.commands.push(((*name).to_owned(), self.level("s", 1)));
            }
        }
        parser
    }

    fn level(&mut self, names: &str, depth: usize) -> Parser {
        let mut parser = Parser { has_plus: depth == 0 && self.one_in(8), ..Parser::default() };
        for number in 0..self.below(6) {
            let argument = self.option(&format!("{names}{number}"), parser.has_plus);
            parser.arguments.push(argument);
        }
        for number in 0..self.below(3) {
            let argument = self.positional(&format!("{names}p{number}"), depth == 0);
            let is_last = argument.form == Form::Rest;
            parser.arguments.push(argument);
            if is_last {
                break;
            }
        }
        let may_exclude = |argument: &Argument| !argument.is_required && !argument.declared[0].starts_with("\"p");
        if parser.arguments.len() > 1
            && may_exclude(&parser.arguments[0])
            && may_exclude(&parser.arguments[1])
            && self.one_in(3)
        {
            let is_option = |argument: &Argument| {
                argument.declared[0].starts_with("\"-") || argument.declared[0].starts_with("\"+")
            };
            if is_option(&parser.arguments[0]) && is_option(&parser.arguments[1]) {
                parser.exclusive = vec![0, 1];
            }
        }
        // A few of the calls need subcommands after a plain level.
        if parser.arguments.iter().any(|argument| argument.form == Form::Rest) {
            parser.exclusive.clear();
        }
        parser
    }

    fn item(&mut self) -> Item {
        self.pick(&[
            Item::Text,
            Item::Text,
            Item::Choice,
            Item::Integer,
            Item::Number,
            Item::Path,
            Item::Json,
            Item::Truth,
        ])
    }

    fn declare_item(item: Item, declared: &mut Vec<String>) {
        match item {
            Item::Text => {}
            Item::Choice => declared.push("choices=[\"low\", \"high\", \"-odd\"]".to_owned()),
            Item::Integer => declared.push("type=int".to_owned()),
            Item::Number => declared.push("type=float".to_owned()),
            Item::Path => declared.push("type=Path".to_owned()),
            Item::Json => declared.push("type=json.loads".to_owned()),
            Item::Truth => declared.push("type=bool".to_owned()),
        }
    }

    fn option(&mut self, dest: &str, has_plus: bool) -> Argument {
        let form = self.pick(&[
            Form::One,
            Form::One,
            Form::One,
            Form::Maybe,
            Form::Tuple(2),
            Form::Tuple(1),
            Form::List,
            Form::Some,
            Form::Append,
            Form::AppendTuple,
            Form::AppendSome,
            Form::True,
            Form::False,
            Form::Boolean,
            Form::Const,
            Form::AppendConst,
            Form::Count,
        ]);
        let item = self.item();
        let flag = if has_plus && self.one_in(2) { format!("++{dest}") } else { format!("--{dest}-x") };
        let mut declared = vec![format!("\"{flag}\"")];
        if self.one_in(3) {
            let last = dest.chars().last().expect("a name");
            // Now and then a flag that looks like a negative number.
            let letter = if self.one_in(12) { last } else { char::from(last as u8 - b'0' + b'a') };
            declared.insert(0, format!("\"-{letter}\""));
        }
        declared.push(format!("dest=\"{dest}\""));
        let mut default = Value::Null;
        let mut is_required = false;
        let item = match form {
            Form::True | Form::False | Form::Boolean | Form::Const | Form::AppendConst | Form::Count => Item::Text,
            _ => item,
        };
        match form {
            Form::One => is_required = self.one_in(6),
            Form::Maybe => declared.extend(["nargs=\"?\"".to_owned(), "const=\"low\"".to_owned()]),
            Form::Tuple(count) => declared.push(format!("nargs={count}")),
            Form::List => declared.push("nargs=\"*\"".to_owned()),
            Form::Some => {
                declared.push("nargs=\"+\"".to_owned());
                if self.one_in(3) {
                    declared.push("action=\"extend\"".to_owned());
                }
            }
            Form::Append => declared.push("action=\"append\"".to_owned()),
            Form::AppendTuple => declared.extend(["action=\"append\"".to_owned(), "nargs=2".to_owned()]),
            Form::AppendSome => declared.extend(["action=\"append\"".to_owned(), "nargs=\"+\"".to_owned()]),
            Form::True => {
                declared.push("action=\"store_true\"".to_owned());
                default = json!(false);
            }
            Form::False => {
                declared.push("action=\"store_false\"".to_owned());
                default = json!(true);
            }
            Form::Boolean => {
                declared.push("action=argparse.BooleanOptionalAction".to_owned());
                declared.retain(|text| !text.starts_with("\"++"));
                if !declared.iter().any(|text| text.starts_with("\"--")) {
                    declared.insert(0, format!("\"--{dest}-x\""));
                }
                default = self.pick(&[Some(true), Some(false), None]).map_or(Value::Null, Value::Bool);
                declared.push(format!("default={}", python(&default)));
            }
            Form::Const => declared.extend(["action=\"store_const\"".to_owned(), "const=\"chosen\"".to_owned()]),
            Form::AppendConst => declared.extend(["action=\"append_const\"".to_owned(), "const=\"chosen\"".to_owned()]),
            Form::Count => {
                declared.push("action=\"count\"".to_owned());
                default = self.pick(&[Some(0), Some(2), None]).map_or(Value::Null, Value::from);
                declared.push(format!("default={}", python(&default)));
            }
            Form::Rest => {}
        }
        if form == Form::Append && item == Item::Text && self.one_in(3) {
            default = json!(["first"]);
            declared.push("default=[\"first\"]".to_owned());
        }
        if form == Form::One && !is_required && self.one_in(3) {
            default = self.value(item, false);
            if item == Item::Json {
                default = json!({"a": 1});
            }
            declared.push(match (item, &default) {
                (Item::Path, value) => format!("default=Path({})", python(value)),
                (_, value) => format!("default={}", python(value)),
            });
            if item == Item::Path {
                default = json!("folder/file");
                *declared.last_mut().expect("just pushed") = "default=Path(\"folder\") / \"file\"".to_owned();
            }
        }
        if matches!(form, Form::Maybe) {
            // The constant is not converted.
            return Argument { dest: dest.to_owned(), declared, form, item: Item::Text, default, is_required };
        }
        Self::declare_item(item, &mut declared);
        if is_required {
            declared.push("required=True".to_owned());
        }
        Argument { dest: dest.to_owned(), declared, form, item, default, is_required }
    }

    fn positional(&mut self, dest: &str, is_root: bool) -> Argument {
        let item = self.pick(&[Item::Text, Item::Text, Item::Integer, Item::Number, Item::Choice]);
        let mut forms = vec![Form::One, Form::One, Form::Maybe, Form::List, Form::Some, Form::Tuple(2)];
        if !is_root {
            forms.push(Form::Rest);
        }
        let form = self.pick(&forms);
        let mut declared = vec![format!("\"{dest}\"")];
        let (mut default, mut is_required) = (Value::Null, false);
        // argparse refuses an empty list where there are choices.
        let is_plain = form == Form::Rest || form == Form::List && item == Item::Choice;
        let item = if is_plain { Item::Text } else { item };
        match form {
            Form::Maybe => {
                declared.push("nargs=\"?\"".to_owned());
                if self.one_in(2) {
                    default = self.value(item, false);
                    declared.push(format!("default={}", python(&default)));
                }
            }
            Form::List => {
                declared.push("nargs=\"*\"".to_owned());
                default = json!([]);
            }
            Form::Some => {
                declared.push("nargs=\"+\"".to_owned());
                is_required = true;
            }
            Form::Tuple(count) => {
                declared.push(format!("nargs={count}"));
                is_required = true;
            }
            Form::Rest => {
                declared.push("nargs=argparse.REMAINDER".to_owned());
                default = json!([]);
            }
            _ => is_required = true,
        }
        Self::declare_item(item, &mut declared);
        let form = if form == Form::Maybe { Form::One } else { form };
        Argument { dest: dest.to_owned(), declared, form, item, default, is_required }
    }

    fn value(&mut self, item: Item, is_in_list: bool) -> Value {
        // What no list can hold comes less often there.
        if is_in_list && matches!(item, Item::Text | Item::Choice) && !self.one_in(6) {
            let plain =
                ["", "-", "-5", "a b", "=", "naïve 数据", "x\ny", "\"", "$HOME", "1e5", "add", "None", "\\", "7"];
            return json!(if item == Item::Choice { self.pick(&["low", "high"]) } else { self.pick(&plain) });
        }
        match item {
            Item::Text => json!(self.pick(&WORDS)),
            Item::Choice => json!(self.pick(&["low", "high", "-odd"])),
            Item::Integer => json!(self.pick(&[0, 1, -1, 42, -700, 1_000_000_007])),
            Item::Number => json!(self.pick(&[0.0, 1.5, -2.25, 1e-7, -1e-7, 3e20, -1e16, 12345.678])),
            Item::Path => json!(self.pick(&["folder/file", "-name", "x y"])),
            Item::Json => {
                let values = [json!({"a": [1, null]}), json!("-text"), json!([true]), json!(-5), json!(false)];
                values[self.below(values.len())].clone()
            }
            Item::Truth => json!(self.one_in(2)),
        }
    }

    /// A call of this parser, and what must come of it.
    pub(crate) fn case(&mut self, parser: &Parser) -> Case {
        let (mut arguments, mut want) = (Map::new(), Map::new());
        let mut dashes = false;
        self.fill(parser, &mut arguments, &mut want, &mut dashes);
        if !parser.commands.is_empty() {
            let (name, inner) = &parser.commands[self.below(parser.commands.len())];
            arguments.insert(parser.command_dest.clone(), json!(name));
            want.insert(parser.command_dest.clone(), json!(name));
            self.fill(inner, &mut arguments, &mut want, &mut dashes);
        }
        Case { arguments: Value::Object(arguments), want: Value::Object(want), dashes }
    }

    fn fill(
        &mut self,
        parser: &Parser,
        arguments: &mut Map<String, Value>,
        want: &mut Map<String, Value>,
        dashes: &mut bool,
    ) {
        let is_numeric =
            |flag: &String| flag.strip_prefix("\"-").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let has_numeric = parser.arguments.iter().any(|argument| argument.declared.iter().any(is_numeric));
        let chosen = parser.exclusive.first().map(|first| *first + self.below(2));
        for (index, argument) in parser.arguments.iter().enumerate() {
            let is_excluded = parser.exclusive.contains(&index) && chosen != Some(index);
            if is_excluded || !argument.is_required && self.one_in(3) {
                want.insert(argument.dest.clone(), argument.default.clone());
                if self.one_in(4) {
                    arguments.insert(argument.dest.clone(), Value::Null);
                }
                continue;
            }
            let (given, got) = self.given(argument);
            let looks = |value: &Value| value.as_str().is_some_and(|text| text.starts_with(['-', '+']));
            let nested = |value: &Value| value.as_array().is_some_and(|items| items.iter().any(looks));
            *dashes |=
                looks(&given) || nested(&given) || given.as_array().is_some_and(|items| items.iter().any(nested));
            *dashes |= argument.item == Item::Json || argument.item == Item::Number || has_numeric;
            arguments.insert(argument.dest.clone(), given);
            want.insert(argument.dest.clone(), got);
        }
    }

    /// A value for an argument, and what the parser makes of it.
    fn given(&mut self, argument: &Argument) -> (Value, Value) {
        let item = argument.item;
        let same = |value: Value| (value.clone(), value);
        match argument.form {
            Form::One | Form::Maybe => same(self.value(item, false)),
            Form::Tuple(count) => same((0..count).map(|_| self.value(item, true)).collect()),
            Form::List => {
                let count = self.below(4);
                same((0..count).map(|_| self.value(item, true)).collect())
            }
            Form::Some | Form::Rest => {
                let count = 1 + self.below(3);
                same((0..count).map(|_| self.value(item, true)).collect())
            }
            Form::Append => {
                let count = 1 + self.below(3);
                let given: Vec<Value> = (0..count).map(|_| self.value(item, true)).collect();
                let got: Vec<Value> =
                    argument.default.as_array().into_iter().flatten().chain(&given).cloned().collect();
                (json!(given), json!(got))
            }
            Form::AppendTuple => {
                let count = 1 + self.below(2);
                same((0..count).map(|_| json!([self.value(item, true), self.value(item, true)])).collect())
            }
            Form::AppendSome => {
                let count = 1 + self.below(2);
                let mut rows = Vec::new();
                for _ in 0..count {
                    let length = 1 + self.below(3);
                    rows.push((0..length).map(|_| self.value(item, true)).collect::<Value>());
                }
                same(Value::Array(rows))
            }
            Form::True | Form::False | Form::Boolean => same(json!(self.one_in(2))),
            Form::Const => same(json!("chosen")),
            Form::AppendConst => same(json!(vec!["chosen"; 1 + self.below(2)])),
            Form::Count => same(json!(argument.default.as_u64().unwrap_or(0) + 1 + self.below(3) as u64)),
        }
    }
}
