//! What a script's usage text and header comment say of its arguments.
//!
//! A line that begins with a flag describes it; a line with `usage:` names the positionals in their order. The text only
//! describes and names: whether an argument exists is for the code to say.

use std::collections::BTreeMap;

/// The most lines of text that are kept.
const LINES: usize = 600;
/// The longest line that is read, in bytes.
const LINE_BYTES: usize = 400;

/// A positional that a usage line names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) is_required: bool,
    pub(super) is_many: bool,
}

/// The usage texts of a script.
#[derive(Default)]
pub(super) struct Usage {
    lines: Vec<String>,
    flags: BTreeMap<String, Flag>,
    /// The positionals of each usage line.
    synopses: Vec<Vec<Named>>,
}

/// What is said of a flag.
#[derive(Clone, Default)]
struct Flag {
    metavar: String,
    help: String,
}

impl Usage {
    /// Takes a text; each of its lines is read once.
    pub(super) fn add(&mut self, text: &str) {
        for line in text.lines().take(LINES) {
            if self.lines.len() < LINES && line.len() <= LINE_BYTES {
                self.lines.push(line.trim_end().to_owned());
            }
        }
    }

    /// Reads what was taken.
    pub(super) fn read(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        for (index, line) in lines.iter().enumerate() {
            let rest = || lines.get(index + 1..).unwrap_or(&[]);
            self.option_line(line, rest());
            if let Some(at) = line.to_ascii_lowercase().find("usage:") {
                let after = line.get(at + 6..).unwrap_or("").trim();
                self.synopsis_flags(after);
                let synopsis = if after.is_empty() { rest().first().map_or("", |next| next.trim()) } else { after };
                let named = synopsis_of(synopsis);
                if !named.is_empty() {
                    self.synopses.push(named);
                }
            }
        }
        self.lines = lines;
    }

    /// The help for a flag.
    pub(super) fn help(&self, flag: &str) -> Option<&str> {
        self.flags.get(flag).map(|found| found.help.as_str()).filter(|help| !help.is_empty())
    }

    /// The name of a flag's value.
    pub(super) fn metavar(&self, flag: &str) -> Option<&str> {
        self.flags.get(flag).map(|found| found.metavar.as_str()).filter(|metavar| !metavar.is_empty())
    }

    /// The positionals, by the usage line that names the most.
    pub(super) fn positionals(&self) -> &[Named] {
        self.synopses.iter().rev().max_by_key(|named| named.len()).map_or(&[], Vec::as_slice)
    }

    /// The help for a positional of this name.
    pub(super) fn positional_help(&self, name: &str) -> Option<String> {
        let wanted = plain(name);
        self.lines.iter().find_map(|line| {
            let line = line.trim_start_matches(['#', '*', '/', ' ', '\t']);
            let end = line.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(line.len());
            let (first, help) = (line.get(..end)?, line.get(end..)?);
            let is_set_off = help.starts_with("  ")
                || help.starts_with(['\t', ':'])
                || help.trim_start().starts_with(['-', '—', '–']);
            let help = help.trim_start_matches([' ', '\t', ':', '-', '—', '–']);
            (plain(first) == wanted && is_set_off && help.contains(char::is_alphabetic)).then(|| help.to_owned())
        })
    }

    /// `[--out <file>] [--format json|text]`: names of values, and no word on what they are.
    fn synopsis_flags(&mut self, synopsis: &str) {
        for group in groups(synopsis).into_iter().filter(|group| group.starts_with("[-") || group.starts_with("(-")) {
            let inner = group.trim_end_matches('.').trim_matches(['[', ']', '(', ')']);
            for part in inner.split(" | ").flat_map(|part| part.split("|-")) {
                let (flag, metavar) = part.trim().split_once([' ', '=']).unwrap_or((part.trim(), ""));
                let flag = if flag.starts_with('-') { flag.to_owned() } else { format!("-{flag}") };
                let metavar = metavar.trim().trim_end_matches('.').trim_matches(brackets);
                let known = self.flags.entry(flag).or_default();
                if known.metavar.is_empty() && !metavar.contains(' ') {
                    known.metavar = metavar.to_owned();
                }
            }
        }
    }

    /// `  -o, --out <file>   Where to write`.
    fn option_line(&mut self, line: &str, rest: &[String]) {
        let trimmed = line.trim_start_matches(['#', '*', '/', ' ', '\t', '`', '[']);
        let indent = line.len() - trimmed.len();
        let start = line.trim_start_matches(['#', '*', ' ', '\t']);
        if start.starts_with("[-") || start.starts_with("(-") {
            return self.synopsis_flags(start);
        }
        if !trimmed.starts_with('-') || trimmed.starts_with("---") {
            return;
        }
        let (head, help) = split_help(trimmed);
        let mut found = Flag { metavar: String::new(), help: help.trim().to_owned() };
        let mut flags = Vec::new();
        // `-o|--out`, `-o/--out`, `-o, --out`: the dash tells a flag from a value's alternatives.
        let head = head.replace("|-", " -").replace("/-", " -");
        for word in head.split([' ', ',', '\t']).filter(|word| !word.is_empty()) {
            if word.starts_with('-') {
                let (flag, metavar) = word.split_once('=').unwrap_or((word, ""));
                let flag = flag.trim_end_matches([']', '[', ':', ')', '.', '`']);
                if flag.len() > 1 && flag.trim_start_matches('-').starts_with(|c: char| c.is_alphanumeric()) {
                    flags.push(flag.to_owned());
                }
                if !metavar.is_empty() {
                    found.metavar = metavar.trim_matches(brackets).to_owned();
                }
            } else if !flags.is_empty() && found.metavar.is_empty() {
                found.metavar = word.trim_matches(brackets).to_owned();
            }
        }
        // Further lines belong to the help as long as they stand deeper than the flag.
        for next in rest.iter().take(4) {
            let text = next.trim_start_matches(['#', '*', ' ', '\t']);
            let is_deeper = next.len() - text.len() > indent + 4;
            if !is_deeper || text.is_empty() || text.starts_with('-') || found.help.is_empty() && text.starts_with('[')
            {
                break;
            }
            found.help = format!("{} {text}", found.help).trim().to_owned();
        }
        for flag in flags {
            let known = self.flags.entry(flag).or_default();
            if known.help.is_empty() {
                known.help = found.help.clone();
            }
            if known.metavar.is_empty() {
                known.metavar = found.metavar.clone();
            }
        }
    }
}

fn brackets(c: char) -> bool {
    matches!(c, '<' | '>' | '[' | ']' | '(' | ')' | '{' | '}' | '"' | '\'' | ',' | '`')
}

/// The flags and their help: two blanks, a tab, a dash or a colon stand between them.
fn split_help(line: &str) -> (&str, &str) {
    let marks = ["  ", "\t", " - ", " — ", " – ", ": ", " # "];
    let at = marks.iter().filter_map(|mark| line.find(mark).map(|at| (at, mark.len()))).min();
    match at {
        Some((at, length)) => (
            line.get(..at).unwrap_or(""),
            line.get(at + length..).unwrap_or("").trim_start_matches([' ', '\t', '-', '—', '–', '#']),
        ),
        None => {
            // `--flag does something`, `--flag <value> does something`.
            let mut end = 0;
            for word in line.split_inclusive(' ') {
                let bare = word.trim();
                let is_head =
                    bare.starts_with(['-', '<', '[']) || bare.ends_with(',') || bare.chars().all(|c| !c.is_lowercase());
                if end > 0 && !is_head {
                    break;
                }
                end += word.len();
            }
            (line.get(..end).unwrap_or(""), line.get(end..).unwrap_or(""))
        }
    }
}

/// A name as it is compared: letters and digits in lower case.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// The positionals of a synopsis: `script.js <input> [output] [--flag X]`.
fn synopsis_of(synopsis: &str) -> Vec<Named> {
    let groups = groups(synopsis);
    let is_program =
        |group: &&str| group.starts_with('$') || group.contains(['.', '/']) && !group.starts_with(['<', '[']);
    let start = groups.iter().position(is_program).unwrap_or(0) + 1;
    let mut named = Vec::new();
    let mut is_value = false;
    for group in groups.get(start..).unwrap_or(&[]) {
        let is_optional = group.starts_with('[');
        let bare = group.trim_matches(|c| brackets(c) || c == '.' || c == '…');
        if bare.starts_with('-') {
            // A flag outside of brackets may have its value in the next word.
            is_value = !is_optional && !bare.contains([' ', '=']);
            continue;
        }
        let is_marked = group.starts_with(['<', '[']);
        let is_upper = bare.len() > 1
            && bare.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '-');
        if std::mem::take(&mut is_value) {
            continue;
        }
        if !is_marked && !is_upper {
            // Prose, or an example.
            if !named.is_empty() || !bare.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
                break;
            }
            continue;
        }
        let name = bare.split(['|', ' ', ':', '=']).next().unwrap_or("").trim_matches(|c| brackets(c) || c == '.');
        if matches!(plain(name).as_str(), "" | "options" | "flags" | "option" | "opts" | "args") {
            continue;
        }
        let is_many = group.contains("...") || group.contains('…');
        named.push(Named { name: name.to_owned(), is_required: !is_optional, is_many });
    }
    named
}

/// The words of a line, brackets kept together.
fn groups(line: &str) -> Vec<&str> {
    let mut groups = Vec::new();
    let (mut depth, mut start) = (0usize, None);
    for (at, c) in line.char_indices() {
        match c {
            '[' | '<' | '(' | '{' => depth += 1,
            ']' | '>' | ')' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c.is_whitespace() && depth == 0 {
            if let Some(start) = start.take() {
                groups.push(line.get(start..at).unwrap_or(""));
            }
        } else {
            start.get_or_insert(at);
        }
    }
    if let Some(start) = start {
        groups.push(line.get(start..).unwrap_or(""));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synopses_name_positionals() {
        type Want = &'static [(&'static str, bool, bool)];
        let rows: [(&str, Want); 8] = [
            ("node script.js <input> [output]", &[("input", true, false), ("output", false, false)]),
            ("$0 [options] FILE...", &[("FILE", true, true)]),
            ("convert.sh [--out DIR] <in> <files...>", &[("in", true, false), ("files", true, true)]),
            ("./x.sh --base REF NAME", &[("NAME", true, false)]),
            ("script.mjs", &[]),
            ("bili.sh <BVID|av|URL> [P]", &[("BVID", true, false), ("P", false, false)]),
            ("tool [--json] [path ...]", &[("path", false, true)]),
            ("audit.js (--url <x> | --file <y>)", &[]),
        ];
        for (synopsis, want) in rows {
            let got: Vec<(String, bool, bool)> =
                synopsis_of(synopsis).into_iter().map(|found| (found.name, found.is_required, found.is_many)).collect();
            let want: Vec<(String, bool, bool)> =
                want.iter().map(|(name, required, many)| ((*name).to_owned(), *required, *many)).collect();
            assert_eq!(got, want, "{synopsis}");
        }
    }

    #[test]
    fn option_lines_describe() {
        let mut usage = Usage::default();
        usage.add(
            "Options:\n  -o, --out <file>  Where to write\n                    the result\n  --json            Print JSON\n#   --depth=N       How deep\n  --quick: no delay\nFILE  What to read\n",
        );
        usage.read();
        assert_eq!(usage.help("--out"), Some("Where to write the result"));
        assert_eq!(usage.help("-o"), Some("Where to write the result"));
        assert_eq!(usage.metavar("--out"), Some("file"));
        assert_eq!(usage.help("--json"), Some("Print JSON"));
        assert_eq!((usage.help("--depth"), usage.metavar("--depth")), (Some("How deep"), Some("N")));
        assert_eq!(usage.help("--quick"), Some("no delay"));
        assert_eq!(usage.positional_help("file").as_deref(), Some("What to read"));
        assert_eq!(usage.help("--none"), None);
    }
}
