//! How the prompt block is written: Markdown, or the XML that the specification's reference prints.
//!
//! What comes from a skill stays in its place: in Markdown a description is one line, in XML everything is escaped.

use std::sync::Arc;

use super::Level;
use crate::engine::disclosure::Disclosure;
use crate::schema::validate::clip;
use crate::skill::Skill;
use crate::tool::Tool;
use crate::tool::disclosure::Generic;

/// The longest description at [`Level::Summary`], in bytes.
const SUMMARY_BYTES: usize = 160;

/// The shape of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A heading and a list.
    Markdown,
    /// `<available_skills>`.
    Xml,
}

impl Form {
    pub(super) const NAMES: &'static [&'static str] = &["markdown", "xml"];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "markdown" => Some(Self::Markdown),
            "xml" => Some(Self::Xml),
            _ => None,
        }
    }
}

/// A skill as it can be told of.
pub(super) struct Told {
    /// Its name as it stands in the block.
    pub(super) name: String,
    /// Its text at each level up to the wanted one; each ends with a line break.
    texts: Vec<String>,
}

impl Told {
    /// The text at this level, or at the highest there is.
    pub(super) fn at(&self, level: Level) -> &str {
        self.texts.get(level as usize).or(self.texts.last()).map_or("", String::as_str)
    }
}

/// Writes one block.
pub(super) struct Writer {
    pub(super) form: Form,
    pub(super) mode: Level,
    pub(super) disclosure: Disclosure,
}

impl Writer {
    pub(super) fn told(&self, skill: &Skill, tools: &[Arc<Tool>]) -> Told {
        let levels = Level::ALL.into_iter().filter(|level| *level <= self.mode);
        match self.form {
            Form::Xml => Told { name: escaped(&skill.name), texts: levels.map(|level| xml(skill, level)).collect() },
            Form::Markdown => {
                let name = one_line(&skill.name);
                Told { texts: levels.map(|level| self.markdown(&name, skill, tools, level)).collect(), name }
            }
        }
    }

    /// What comes before the skills; `is_whole` adds what to do with them, where there are words for that.
    pub(super) fn head(&self, is_whole: bool) -> String {
        match self.form {
            Form::Xml => "<available_skills>\n".to_owned(),
            Form::Markdown if is_whole => format!("## Skills\n\n{}\n\n", self.guidance()),
            Form::Markdown => "## Skills\n\n".to_owned(),
        }
    }

    /// What comes after them.
    pub(super) fn tail(&self) -> &'static str {
        match self.form {
            Form::Xml => "</available_skills>\n",
            Form::Markdown => "",
        }
    }

    /// The whole block, without the last line break.
    pub(super) fn framed<'t>(&self, head: &str, texts: impl Iterator<Item = &'t str>, note: &str) -> String {
        let mut block = head.to_owned();
        texts.for_each(|text| block.push_str(text));
        block.push_str(note);
        block.push_str(self.tail());
        block.truncate(block.trim_end().len());
        block
    }

    /// The line that says what is missing; `names` stand at its end.
    pub(super) fn note(&self, all: usize, left_out: usize, shortened: usize, tokens: u64, names: &str) -> String {
        let what = match (left_out, shortened) {
            (left_out, 0) => format!("{left_out} of {all} skills are left out"),
            (0, shortened) => format!("{shortened} of {all} skills are shortened"),
            (left_out, shortened) => format!("{left_out} of {all} skills are left out and {shortened} shortened"),
        };
        let line = format!("{what} to stay within {tokens} tokens{names}");
        match self.form {
            Form::Xml => format!("<note>{line}</note>\n"),
            // A section has ended with an empty line.
            Form::Markdown if self.mode == Level::Full => format!("{line}\n"),
            Form::Markdown => format!("\n{line}\n"),
        }
    }

    fn guidance(&self) -> String {
        let what = "A skill is a set of instructions, files and scripts for one kind of task.";
        if self.disclosure == Disclosure::Off {
            return format!("{what} When a task fits one of these descriptions, use that skill.");
        }
        let [load, read, run] = Generic::ALL.map(Generic::name);
        format!(
            "{what} When a task fits one of these descriptions, call `{load}` with the skill's name before you work on it. `{read}` reads its files, `{run}` runs its scripts."
        )
    }

    fn markdown(&self, name: &str, skill: &Skill, tools: &[Arc<Tool>], level: Level) -> String {
        let description = one_line(&skill.description);
        let description = if level == Level::Summary { summary(&description) } else { description };
        // Sections where instructions are wanted: after those of one skill a list would seem to be theirs.
        let is_section = self.mode == Level::Full;
        let mut text = if is_section {
            format!("### {name}\n\n{description}\n")
        } else {
            format!("- **{name}**: {description}\n")
        };
        // A tool that is not given out cannot be called by its name.
        if level > Level::Summary && !tools.is_empty() && self.disclosure != Disclosure::Only {
            let names: Vec<_> = tools.iter().map(|tool| format!("`{}`", tool.name)).collect();
            let indent = if is_section { "\n" } else { "  " };
            text.push_str(&format!("{indent}Tools: {}\n", names.join(", ")));
        }
        if level == Level::Full && !skill.body.is_empty() {
            text.push_str(&format!("\n{}\n", skill.body));
        }
        if is_section {
            text.push('\n');
        }
        text
    }
}

/// The lines that the reference prints, and the instructions after them.
fn xml(skill: &Skill, level: Level) -> String {
    let description = match level {
        Level::Summary => summary(&one_line(&skill.description)),
        Level::Standard | Level::Full => skill.description.clone(),
    };
    let location = skill.root.join(skill.skill_md());
    let mut elements = vec![
        ("name", escaped(&skill.name)),
        ("description", escaped(&description)),
        ("location", escaped(&location.to_string_lossy())),
    ];
    if level == Level::Full {
        elements.push(("instructions", escaped(&skill.body)));
    }
    let mut text = String::from("<skill>\n");
    for (element, content) in elements {
        text.push_str(&format!("<{element}>\n{content}\n</{element}>\n"));
    }
    text.push_str("</skill>\n");
    text
}

/// Text as XML 1.0 takes it: as Python's `html.escape` writes it, and without characters that XML cannot have.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first sentence, or its beginning.
fn summary(description: &str) -> String {
    let end = description.find(". ").map_or(description.len(), |end| end + 1);
    clip(description.get(..end).unwrap_or(description), SUMMARY_BYTES)
}
