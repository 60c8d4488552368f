//! One level of a command line: the options and the positionals of a parser, before they are put in order.

use serde_json::Value;

use super::invalid;
use super::spelling::{assigned, is_file, items, looks_like_option, positional, word, words};
use crate::error::Result;
use crate::schema::{Argument, ArgvSpec, Form, Reading, Scalar, validate};

/// The most repetitions of a counted flag.
const COUNT: u64 = 64;

/// The words of one level, by how the parser treats what follows them.
#[derive(Default)]
pub(super) struct Level<'a> {
    /// Options that take as many words as they find; an option or `--` must follow.
    pub(super) greedy: Vec<String>,
    /// Options that end by themselves.
    pub(super) closed: Vec<String>,
    pub(super) slots: Vec<Slot<'a>>,
}

/// A positional of the parser and the words that are meant for it.
pub(super) struct Slot<'a> {
    pub(super) argument: &'a Argument,
    pub(super) words: Vec<String>,
    /// The fewest and the most words that the parser gives it.
    pub(super) least: usize,
    pub(super) most: usize,
    /// It takes all that follows verbatim.
    pub(super) takes_rest: bool,
}

impl<'a> Level<'a> {
    /// Places one argument; one without a value only where a positional keeps its place.
    pub(super) fn place(&mut self, argument: &'a Argument, value: Option<&Value>, spec: &ArgvSpec) -> Result<()> {
        let pointer = format!("/{}", argument.property);
        let (scalar, least, most, takes_rest) = match &argument.form {
            Form::Positional(scalar) => (*scalar, usize::from(argument.is_required), 1, false),
            Form::Positionals { scalar, takes_rest } => {
                (*scalar, usize::from(argument.is_required), usize::MAX, *takes_rest)
            }
            Form::PositionalTuple { scalar, count } => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                (*scalar, count, count, false)
            }
            _ => return value.map_or(Ok(()), |value| self.option(argument, &pointer, value, spec)),
        };
        let words = match (value, &argument.form) {
            (None, _) => Vec::new(),
            (Some(value), Form::Positional(_)) => vec![positional(&pointer, value, scalar, spec)?],
            (Some(value), _) if takes_rest => words(&pointer, value, scalar)?,
            (Some(value), _) => {
                let each = items(value).iter().enumerate();
                each.map(|(index, item)| positional(&format!("{pointer}/{index}"), item, scalar, spec))
                    .collect::<Result<_>>()?
            }
        };
        if value.is_some() && matches!(argument.form, Form::PositionalTuple { .. }) && words.len() != most {
            return Err(invalid(format!("{pointer}: expected {most} values, got {}", words.len())));
        }
        self.slots.push(Slot { argument, words, least, most, takes_rest });
        Ok(())
    }

    fn option(&mut self, argument: &Argument, pointer: &str, value: &Value, spec: &ArgvSpec) -> Result<()> {
        match &argument.form {
            Form::Option { flag, bare: Some(bare), .. } if bare == value => self.greedy.push(flag.clone()),
            Form::Option { flag, scalar, .. } => self.assign(pointer, flag, word(pointer, value, *scalar)?, spec)?,
            Form::OptionList { flag, scalar, is_repeatable } => {
                let mut words = words(pointer, value, *scalar)?;
                match (words.len(), spec.grammar.reading) {
                    (1, Reading::Argparse) => self.assign(pointer, flag, words.remove(0), spec)?,
                    _ if *is_repeatable => {
                        words.into_iter().try_for_each(|word| self.assign(pointer, flag, word, spec))?;
                    }
                    _ => self.list(pointer, flag, words, spec)?,
                }
            }
            Form::OptionTuple { flag, scalar, count, is_repeated } => {
                if *is_repeated {
                    for (index, item) in items(value).iter().enumerate() {
                        self.tuple(&format!("{pointer}/{index}"), flag, item, (*scalar, *count), spec)?;
                    }
                } else {
                    self.tuple(pointer, flag, value, (*scalar, *count), spec)?;
                }
            }
            Form::Repeated { flag, scalar, takes_lists: false } => {
                for word in words(pointer, value, *scalar)? {
                    self.assign(pointer, flag, word, spec)?;
                }
            }
            Form::Repeated { flag, scalar, takes_lists: true } => {
                for (index, item) in items(value).iter().enumerate() {
                    let pointer = format!("{pointer}/{index}");
                    self.list(&pointer, flag, words(&pointer, item, *scalar)?, spec)?;
                }
            }
            Form::Count { flag, start } => {
                let count = value.as_u64().unwrap_or(0).saturating_sub(*start);
                if count > COUNT {
                    return Err(invalid(format!("{pointer}: at most {}, got {value}", start.saturating_add(COUNT))));
                }
                self.closed.extend((0..count).map(|_| flag.clone()));
            }
            Form::Switch(flags) => {
                self.closed.extend(flags.iter().find(|(meaning, _)| meaning == value).map(|(_, flag)| flag.clone()));
            }
            Form::Switches(flags) => {
                for item in items(value) {
                    let found = flags.iter().find(|(meaning, _)| meaning == item);
                    self.closed.extend(found.map(|(_, flag)| flag.clone()));
                }
            }
            Form::Positional(_) | Form::Positionals { .. } | Form::PositionalTuple { .. } => {}
        }
        Ok(())
    }

    /// One flag and its value, so that nothing in the value matters.
    fn assign(&mut self, pointer: &str, flag: &str, value: String, spec: &ArgvSpec) -> Result<()> {
        if value == "--" && spec.grammar.reading == Reading::Argparse {
            // argparse before Python 3.13 takes it out even of `--flag=--`.
            return Err(invalid(format!("{pointer}: the value `--` cannot be given to {flag}")));
        }
        self.closed.extend(assigned(flag, value, &spec.grammar));
        Ok(())
    }

    /// One flag and exactly so many words.
    fn tuple(
        &mut self,
        pointer: &str,
        flag: &str,
        value: &Value,
        (scalar, count): (Scalar, u64),
        spec: &ArgvSpec,
    ) -> Result<()> {
        let mut words = words(pointer, value, scalar)?;
        if words.len() as u64 != count {
            return Err(invalid(format!("{pointer}: expected {count} values, got {}", words.len())));
        }
        if words.len() == 1 {
            return self.assign(pointer, flag, words.remove(0), spec);
        }
        free(pointer, flag, &words, spec)?;
        self.closed.push(flag.to_owned());
        self.closed.extend(words);
        Ok(())
    }

    /// One flag and as many words as there are.
    fn list(&mut self, pointer: &str, flag: &str, words: Vec<String>, spec: &ArgvSpec) -> Result<()> {
        free(pointer, flag, &words, spec)?;
        self.greedy.push(flag.to_owned());
        self.greedy.extend(words);
        Ok(())
    }

    /// Whether an option is open for the word that comes next.
    pub(super) fn is_open(&self) -> bool {
        self.closed.is_empty() && !self.greedy.is_empty()
    }
}

/// Judges the words that follow a flag: no parser would take one that looks like an option for a value.
fn free(pointer: &str, flag: &str, words: &[String], spec: &ArgvSpec) -> Result<()> {
    let is_taken = |word: &&String| match spec.grammar.reading {
        Reading::Argparse => looks_like_option(word, spec) || is_file(word, spec),
        Reading::Getopt | Reading::Words => false,
    };
    match words.iter().position(|word| is_taken(&word)) {
        None => Ok(()),
        Some(index) => {
            let word = validate::clip(words.get(index).map_or("", String::as_str), 40);
            Err(invalid(format!(
                "{pointer}/{index}: expected a value that does not look like an option, got `{word}`; {flag} cannot \
                 take it in a list"
            )))
        }
    }
}
