//! Scripts that read `sys.argv` themselves: which words they take, and what their usage text says of them.
//!
//! Only plain positionals by index, flags asked for with `in` and what a usage line names are understood. A script that
//! walks its words in another way keeps the generic schema: a guess would be worse than none.

use std::collections::BTreeMap;

use serde_json::Value;
use tree_sitter::Node;

use super::argparse::{Origin, Parser};
use super::calls::Args;
use super::reader::Reader;
use super::usage::{self, Usage};
use super::value::{HOLE, Val};
use crate::schema::Grammar;
use crate::schema::infer::cli::{Arg, Kind, Takes};

/// The most words of a command line that are told apart.
const WORDS: usize = 32;
/// The longest usage text that is kept, in bytes.
const USAGE_BYTES: usize = 4096;

/// The use of `sys.argv`; index 0 is the script itself.
#[derive(Default)]
pub(super) struct WordUse {
    words: BTreeMap<usize, Word>,
    flags: Vec<String>,
    usage: Option<Usage>,
    /// The last index that must be there.
    last_needed: Option<usize>,
    /// The first word of those that are taken all together.
    rest: Option<usize>,
    /// The first word of those that a loop goes through.
    walked: Option<usize>,
    /// Words that the script asks for before it reads them.
    asked: Vec<usize>,
    /// The words are walked in a way that is not followed.
    pub(super) is_loose: bool,
}

#[derive(Default)]
struct Word {
    name: Option<String>,
    kind: Option<Kind>,
    default: Option<Value>,
    is_optional: bool,
}

impl WordUse {
    fn word(&mut self, index: usize) -> Option<&mut Word> {
        if index == 0 || index > WORDS { None } else { Some(self.words.entry(index).or_default()) }
    }

    /// `sys.argv[index]`.
    pub(super) fn read(&mut self, index: usize) {
        self.word(index);
    }

    /// The word is given a name.
    pub(super) fn called(&mut self, index: usize, name: &str) {
        if let Some(word) = self.word(index) {
            word.name.get_or_insert_with(|| name.to_owned());
        }
    }

    /// The word is converted.
    pub(super) fn made(&mut self, index: Option<usize>, kind: Kind) {
        if let Some(word) = index.and_then(|index| self.word(index)) {
            word.kind.get_or_insert(kind);
        }
    }

    /// Something else stands in for a word that is not there.
    pub(super) fn fallback(&mut self, index: usize, value: &Val) {
        if let Some(word) = self.word(index) {
            word.is_optional = true;
            word.default = word.default.take().or_else(|| value.json().filter(|value| !value.is_null()));
        }
    }

    /// The script asks whether this flag is among its words.
    pub(super) fn flag(&mut self, flag: &str) {
        if flag.starts_with('-') && flag.len() > 1 && !flag.contains(HOLE) {
            if !matches!(flag, "-h" | "--help") && !self.flags.iter().any(|known| known == flag) {
                self.flags.push(flag.to_owned());
            }
        } else {
            self.is_loose = true;
        }
    }

    /// The words are counted: a guard, or a question whether one more is there.
    pub(super) fn counted(&mut self, from: usize, operator: &str, count: i64) {
        let Ok(count) = usize::try_from(count) else { return };
        let last = (from + count).checked_sub(1);
        match operator {
            "<" | "!=" => self.last_needed = self.last_needed.or(last),
            "<=" => self.last_needed = self.last_needed.or(Some(from + count)),
            // It may as well be a guard against too many.
            ">" if self.asked.len() < WORDS => self.asked.push(from + count),
            ">=" if self.asked.len() < WORDS => self.asked.extend(last),
            _ => {}
        }
    }

    /// A word is compared with a constant: one that looks like a flag is parsed by hand.
    pub(super) fn compared(&mut self, index: Option<usize>, other: &Val) {
        let is_flag = other.as_str().is_some_and(|text| text.starts_with('-') && !matches!(text, "-h" | "--help"));
        if is_flag || index.is_none() && matches!(other, Val::Str(_)) {
            self.is_loose = true;
        }
    }

    /// All words from here on are taken together.
    pub(super) fn taken(&mut self, from: usize) {
        self.rest = Some(self.rest.map_or(from, |known| known.min(from)));
    }

    /// A loop goes through all words from here on.
    pub(super) fn walked(&mut self, from: usize) {
        self.walked = self.walked.or(Some(from));
    }

    /// A text for the user that may tell the usage.
    pub(super) fn printed(&mut self, text: &str) {
        if self.usage.is_none() && text.len() <= USAGE_BYTES && usage::is_usage(text) {
            self.usage = usage::parse(text);
        }
    }

    /// The command line, where it is understood.
    pub(super) fn parser(&self, docstring: Option<&str>) -> Option<Parser> {
        let is_untouched = self.words.is_empty() && self.flags.is_empty() && self.rest.is_none();
        let is_walked = self.walked == Some(1) && !self.is_loose;
        if is_untouched && !is_walked {
            return None;
        }
        let documented = docstring.and_then(usage::parse);
        // A loop that looks at nothing but whole words takes the repeated one that the usage names.
        let is_plain =
            |usage: &&Usage| usage.options.is_empty() && usage.words.last().is_some_and(|word| word.is_repeated);
        let mut usages = [self.usage.as_ref(), documented.as_ref()].into_iter().flatten();
        let usage = usages.find(|usage| self.agrees(usage) && (!is_untouched || is_plain(usage)));
        let arguments = match usage {
            Some(usage) => self.by_usage(usage),
            None if self.is_loose || self.words.is_empty() => return None,
            None => self.by_index()?,
        };
        if arguments.is_empty() {
            return None;
        }
        Some(Parser { arguments, grammar: Grammar::words(), origin: Origin::Words, ..Parser::default() })
    }

    /// Whether the usage text can be of these words.
    fn agrees(&self, usage: &Usage) -> bool {
        let last = self.words.keys().max().copied().unwrap_or(0);
        let is_open = usage.words.iter().any(|word| word.is_repeated) || !usage.options.is_empty();
        usage.words.len() >= last || is_open
    }

    fn by_usage(&self, usage: &Usage) -> Vec<Arg> {
        let mut arguments = Vec::new();
        for (index, word) in usage.words.iter().enumerate() {
            // `FILE [FILE ...]` is one argument: some files.
            if usage.words.get(index + 1).is_some_and(|next| next.is_repeated && next.name == word.name) {
                continue;
            }
            let is_again = index.checked_sub(1).and_then(|before| usage.words.get(before));
            let is_again = is_again.is_some_and(|before| word.is_repeated && before.name == word.name);
            let seen = self.words.get(&(index + 1));
            // A guard knows better than brackets, which also mark places to fill.
            let is_needed = self.last_needed.is_some_and(|last| index < last);
            let is_optional = !is_again && (!is_needed && word.is_optional || self.is_optional(index + 1));
            arguments.push(Arg {
                dest: word.name.clone(),
                takes: word.takes(),
                kind: seen.and_then(|seen| seen.kind).unwrap_or_default(),
                choices: word.choices.clone(),
                default: seen.and_then(|seen| seen.default.clone()),
                is_required: !is_optional,
                ..Arg::default()
            });
        }
        arguments.extend(usage.options.iter().map(usage::Switch::argument));
        arguments
    }

    fn is_optional(&self, index: usize) -> bool {
        self.words.get(&index).is_some_and(|word| word.is_optional || self.asked.contains(&index))
    }

    fn by_index(&self) -> Option<Vec<Arg>> {
        let mut arguments = Vec::new();
        let last = self.words.keys().max().copied()?;
        for index in 1..=last {
            // A word between others that nobody reads: something else is going on.
            let word = self.words.get(&index)?;
            let is_needed = self.last_needed.is_none_or(|last| index <= last) && !self.is_optional(index);
            arguments.push(Arg {
                dest: word.name.clone().unwrap_or_else(|| format!("arg{index}")),
                kind: word.kind.unwrap_or_default(),
                default: word.default.clone(),
                is_required: is_needed,
                ..Arg::default()
            });
        }
        if let Some(rest) = self.rest.filter(|rest| *rest > 0) {
            if rest <= last {
                // Single words are looked at, and all of them are used.
                return None;
            }
            arguments.push(Arg { dest: "args".to_owned(), takes: Takes::Many, ..Arg::default() });
        }
        for flag in &self.flags {
            let dest = flag.trim_start_matches('-').replace('-', "_");
            arguments.push(Arg {
                flags: vec![flag.clone()],
                dest,
                takes: Takes::Constant(Value::Bool(true)),
                default: Some(Value::Bool(false)),
                ..Arg::default()
            });
        }
        Some(arguments)
    }
}

impl<'t> Reader<'t> {
    /// `script, first, *others = sys.argv`
    pub(super) fn unpack_words(&mut self, from: usize, parts: &[Node<'t>]) {
        for (index, part) in parts.iter().enumerate() {
            let at = from.saturating_add(index);
            if part.kind() == "list_splat_pattern" {
                if let Some(name) = part.named_child(0) {
                    self.assign(name, Val::Words(at));
                }
                continue;
            }
            self.words.read(at);
            self.assign(*part, Val::Word(Some(at)));
        }
    }

    /// A method of a list of words.
    pub(super) fn words_method(&mut self, from: usize, method: &str, args: &Args) -> Val {
        match method {
            "copy" => Val::Words(from),
            "index" | "count" => {
                if let Val::Str(flag) = args.first() {
                    self.words.flag(flag);
                }
                self.words.is_loose = true;
                Val::Unknown
            }
            _ => {
                self.words.is_loose = true;
                Val::Unknown
            }
        }
    }

    /// What a call to something unknown shows of the words and of the usage.
    pub(super) fn notice(&mut self, args: &Args) {
        for value in args.positional.iter().chain(args.keywords.iter().map(|(_, value)| value)) {
            match value {
                Val::Words(from) => self.words.taken(*from),
                Val::Str(text) => self.words.printed(text),
                _ => {}
            }
        }
    }
}
