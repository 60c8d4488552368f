//! The prompt block: what a system prompt says of the skills, within a budget of tokens.
//!
//! In come a snapshot and an options document; out goes text, in Markdown or as the `<available_skills>` of the Agent
//! Skills specification. Here is chosen what is told of whom; [`form`] writes it. The same skills and options give the same
//! text.

mod form;

use serde_json::{Map, Value};

use super::disclosure::Disclosure;
use super::document::{Section, excerpt, invalid, parse};
use super::snapshot::Snapshot;
use crate::error::{Result, Status};
use form::{Form, Told, Writer};

const KEYS: &[&str] = &["form", "mode", "max_tokens", "skills"];

/// A token is taken for this many bytes: about what English prose has; text in other scripts has fewer bytes a token.
const TOKEN_BYTES: u64 = 4;
/// The smallest budget: it always holds the frame and the line that says what is left out.
const MIN_TOKENS: u64 = 64;
/// The largest budget.
const MAX_TOKENS: u64 = 10_000_000;

/// How much is told of a skill; each level holds more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// The beginning of its description.
    Summary,
    /// Its description.
    Standard,
    /// Its instructions too.
    Full,
}

impl Level {
    const ALL: [Self; 3] = [Self::Summary, Self::Standard, Self::Full];
    const NAMES: &'static [&'static str] = &["summary", "standard", "full"];

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().zip(Self::NAMES).find(|(_, known)| **known == name).map(|(level, _)| level)
    }
}

/// What a host wants to be told.
#[derive(Debug)]
pub(super) struct Options {
    form: Form,
    mode: Level,
    max_tokens: Option<u64>,
    skills: Option<Vec<String>>,
}

impl Options {
    /// The options of the document `text`; empty text is the empty document: Markdown, `standard`, every skill, no budget.
    /// Errors: [`Status::InvalidJson`], and [`Status::InvalidConfig`] with the name of the key.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let document = match text.trim() {
            "" => Value::Object(Map::new()),
            text => parse(text, "the prompt options", Status::InvalidConfig)?,
        };
        let top = Section::open("", &document, KEYS)?;
        let skills = top.texts("skills")?;
        for (index, name) in skills.iter().flatten().enumerate() {
            if skills.iter().flatten().take(index).any(|before| before == name) {
                return Err(invalid("skills", format_args!("names '{}' twice", excerpt(name))));
            }
        }
        Ok(Self {
            form: top.choice("form", Form::NAMES, Form::from_name)?.unwrap_or(Form::Markdown),
            mode: top.choice("mode", Level::NAMES, Level::from_name)?.unwrap_or(Level::Standard),
            max_tokens: top.integer("max_tokens", MIN_TOKENS..=MAX_TOKENS)?,
            skills: skills.map(|names| names.into_iter().map(str::to_owned).collect()),
        })
    }
}

/// The block; empty where there is no skill to tell of. It ends without a line break. [`Status::SkillNotFound`] for a name in
/// `skills` that is not there or disabled.
pub(super) fn block(snapshot: &Snapshot, options: &Options, disclosure: Disclosure) -> Result<String> {
    let skills: Vec<_> = match &options.skills {
        Some(names) => names.iter().map(|name| snapshot.enabled_skill(name)).collect::<Result<_>>()?,
        None => snapshot.enabled().collect(),
    };
    if skills.is_empty() {
        return Ok(String::new());
    }
    let writer = Writer { form: options.form, mode: options.mode, disclosure };
    let told: Vec<Told> = skills.into_iter().map(|(entry, tools)| writer.told(&entry.skill, tools)).collect();
    Ok(fitted(&writer, &told, options.max_tokens))
}

/// The frame and what fits into it. Every skill is told of at the lowest level before any is at the next, in order.
fn fitted(writer: &Writer, told: &[Told], max_tokens: Option<u64>) -> String {
    let top = writer.mode;
    let whole = |head: &str| writer.framed(head, told.iter().map(|skill| skill.at(top)), "");
    let budget = max_tokens.map_or(usize::MAX, |tokens| usize::try_from(tokens * TOKEN_BYTES).unwrap_or(usize::MAX));
    let mut head = writer.head(true);
    let text = whole(&head);
    if text.len() <= budget {
        return text;
    }
    // Where little can be told, skills come before the words about them.
    if head.len() > budget / 4 {
        head = writer.head(false);
        let text = whole(&head);
        if text.len() <= budget {
            return text;
        }
    }
    let note = |left_out: usize, shortened: usize, names: &str| {
        writer.note(told.len(), left_out, shortened, max_tokens.unwrap_or_default(), names)
    };
    let reserve = note(told.len(), told.len(), "").len();
    let mut room = budget.saturating_sub(head.len() + writer.tail().len() + reserve);
    let mut chosen: Vec<Option<Level>> = vec![None; told.len()];
    for level in Level::ALL.into_iter().filter(|level| *level <= top) {
        for (skill, chosen) in told.iter().zip(&mut chosen) {
            // Only what was told of at the level before can be told more of.
            let is_next = level == Level::Summary || chosen.is_some_and(|chosen| chosen as usize + 1 == level as usize);
            let before = chosen.map_or(0, |chosen| skill.at(chosen).len());
            let after = skill.at(level).len();
            if is_next && after <= room.saturating_add(before) {
                room = room.saturating_add(before).saturating_sub(after);
                *chosen = Some(level);
            }
        }
    }
    let left_out: Vec<&Told> =
        told.iter().zip(&chosen).filter(|(_, chosen)| chosen.is_none()).map(|(skill, _)| skill).collect();
    let is_shortened =
        |(skill, chosen): &(&Told, &Option<Level>)| chosen.is_some_and(|level| skill.at(level) != skill.at(top));
    let shortened = told.iter().zip(&chosen).filter(is_shortened).count();
    let names = named(&left_out, (room + reserve).saturating_sub(note(left_out.len(), shortened, "").len()));
    let note = note(left_out.len(), shortened, &names);
    let texts = told.iter().zip(&chosen).filter_map(|(skill, chosen)| chosen.map(|level| skill.at(level)));
    writer.framed(&head, texts, &note)
}

/// As many of the names as fit into so many bytes, with what introduces them.
fn named(skills: &[&Told], room: usize) -> String {
    const INTRODUCTION: &str = "; left out: ";
    const MORE: &str = ", …";
    let mut names = String::new();
    for (index, skill) in skills.iter().enumerate() {
        let before = if index == 0 { INTRODUCTION } else { ", " };
        let is_last = index + 1 == skills.len();
        let needed = names.len() + before.len() + skill.name.len() + if is_last { 0 } else { MORE.len() };
        if needed > room {
            if index > 0 {
                names.push_str(MORE);
            }
            break;
        }
        names.push_str(before);
        names.push_str(&skill.name);
    }
    names
}

#[cfg(test)]
mod tests;
