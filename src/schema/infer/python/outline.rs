//! What of a source is worth parsing: functions that have nothing to do with the command line lose their bodies first.
//!
//! Parsing is nearly all that reading a script costs, and most of a script is its work. Lines are looked at, no syntax:
//! where this is wrong, more is kept than needed. A function that lost its body returns something unknown.

use std::collections::HashSet;
use std::ops::Range;

/// Sources up to this size are parsed whole, in bytes.
const SMALL_SOURCE: usize = 2 * 1024;
/// A function up to this size that what is kept refers to keeps its body, in bytes: it may make a constant or a type.
const SMALL_FUNCTION: usize = 900;
/// A caller of such a function keeps its body up to this size, in bytes.
const SMALL_CALLER: usize = 3000;
/// A method up to this size keeps its body, in bytes.
const SMALL_METHOD: usize = 500;
/// How often callers of kept functions are looked for.
const ROUNDS: usize = 3;
/// What stands in place of a body.
const BODY: &[u8] = b" return ...\n";

/// Words that only code around a command line has.
const WORDS: [&str; 11] = [
    "add_argument",
    "add_parser",
    "add_subparsers",
    "ArgumentParser",
    "parse_args",
    "parse_known_args",
    "exclusive_group",
    "set_defaults",
    "argv",
    "stdin",
    "input(",
];
/// What a document or a framework is used for shows in functions that name neither: such sources are parsed whole.
const WHOLE: [&str; 6] = ["import click", "from click", "import typer", "from typer", "rich_click", "docopt"];

/// The part of a source that is parsed; `None` when that is all of it. What an imported module's small functions are for
/// is not known, so they stay.
pub(super) fn outline(source: &[u8], is_imported: bool) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(source).ok()?;
    if source.len() <= SMALL_SOURCE {
        return None;
    }
    let has = |word: &str| text.contains(word);
    let has_document = has("stdin") && has("json.load") && !has("ArgumentParser(");
    if has_document || WHOLE.iter().any(|word| has(word)) {
        return None;
    }
    let blocks = blocks(text);
    let kept = kept(&blocks, is_imported);
    let mut out = Vec::with_capacity(source.len() / 2);
    for (block, is_kept) in blocks.iter().zip(kept) {
        let whole = source.get(block.range.clone()).unwrap_or_default();
        match (block.kind, is_kept) {
            (Kind::Function, false) => hollow(block, source, &mut out),
            (Kind::Class, _) if whole.len() > SMALL_FUNCTION => class(block, text, &mut out),
            (Kind::Function | Kind::Other, _) if block.text.contains("parse_args(") => {
                out.extend_from_slice(before_work(block).as_bytes());
            }
            _ => out.extend_from_slice(whole),
        }
    }
    Some(out)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Function,
    Class,
    Other,
}

/// A function, a class, or statements between them.
#[derive(Debug)]
struct Block<'s> {
    kind: Kind,
    name: &'s str,
    range: Range<usize>,
    /// Where the header ends; the body follows.
    body: usize,
    text: &'s str,
    is_decorated: bool,
}

impl Block<'_> {
    /// A function of the parsed arguments comes after the parser.
    fn takes_parsed(&self) -> bool {
        let parameters = self.text.split_once('(').map_or("", |(_, after)| after.trim_start());
        ["args)", "args:", "args,", "opts)", "namespace"].iter().any(|start| parameters.starts_with(start))
    }

    fn has_words(&self) -> bool {
        WORDS.iter().any(|word| self.text.contains(word))
    }
}

/// Which blocks keep their bodies.
fn kept(blocks: &[Block<'_>], is_imported: bool) -> Vec<bool> {
    let is_function = |block: &Block<'_>| block.kind == Kind::Function && !block.is_decorated;
    let is_small = |block: &Block<'_>| block.range.len() <= SMALL_FUNCTION && !block.takes_parsed();
    let is_kept = |block: &Block<'_>| !is_function(block) || block.has_words() || is_imported && is_small(block);
    let mut kept: Vec<bool> = blocks.iter().map(is_kept).collect();
    // Who calls what builds the parser; what nothing calls is read anyway.
    for _ in 0..ROUNDS {
        let wanted = blocks.iter().zip(&kept).filter(|(block, is_kept)| **is_kept && is_function(block));
        let wanted: Vec<String> = wanted.map(|(block, _)| format!("{}(", block.name)).collect();
        let is_caller = |block: &Block<'_>| {
            block.range.len() <= SMALL_CALLER && wanted.iter().any(|name| block.text.contains(name.as_str()))
        };
        let mut has_grown = false;
        for (is_kept, block) in kept.iter_mut().zip(blocks).filter(|(is_kept, _)| !**is_kept) {
            *is_kept = is_caller(block);
            has_grown |= *is_kept;
        }
        if !has_grown {
            break;
        }
    }
    // What they refer to, where that is small.
    let mut used: HashSet<&str> = HashSet::new();
    let mut is_new = kept.clone();
    for _ in 0..2 {
        for (block, _) in blocks.iter().zip(&is_new).filter(|(_, is_new)| **is_new) {
            used.extend(identifiers(block.text));
        }
        for ((block, is_kept), is_new) in blocks.iter().zip(&mut kept).zip(&mut is_new) {
            let is_wanted = is_small(block) && used.contains(block.name);
            *is_new = !*is_kept && is_wanted;
            *is_kept |= is_wanted;
        }
    }
    kept
}

/// The words of a text that can be names.
fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.len() > 1)
}

/// The statements of a block up to the one that parses the command line; what follows is the script's work.
fn before_work<'s>(block: &Block<'s>) -> &'s str {
    let text = block.text;
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let Some(parses) = text.rfind("parse_args(") else { return text };
    let body = block.body.saturating_sub(block.range.start);
    let inner = text.get(body..).unwrap_or("");
    let is_code = |line: &&str| !line.trim().is_empty();
    let first = inner.lines().skip(usize::from(body > 0)).find(is_code).map_or(0, indent);
    let mut state = State::default();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_statement = state.is_plain() && is_code(&line) && indent(line) <= first;
        let tail = text.get(at..).unwrap_or("");
        if at > parses && is_statement && !WORDS.iter().any(|word| tail.contains(word)) {
            return text.get(..at).unwrap_or(text);
        }
        state.read(line, at);
        at += line.len();
    }
    text
}

/// A function without its body.
fn hollow(block: &Block<'_>, source: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(source.get(block.range.start..block.body).unwrap_or_default());
    out.extend_from_slice(BODY);
}

/// A class whose large methods that do not touch the command line lose their bodies.
fn class(block: &Block<'_>, text: &str, out: &mut Vec<u8>) {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let inner = text.get(block.body..block.range.end).unwrap_or("");
    let first = inner.lines().skip(1).find(|line| !line.trim().is_empty()).map_or(0, indent);
    out.extend_from_slice(text.get(block.range.start..block.body).unwrap_or("").as_bytes());
    if first == 0 {
        out.extend_from_slice(inner.as_bytes());
        return;
    }
    for method in members(text, block.body..block.range.end, first) {
        let whole = text.get(method.range.clone()).unwrap_or("").as_bytes();
        if method.kind == Kind::Function && whole.len() > SMALL_METHOD && !method.has_words() {
            hollow(&method, text.as_bytes(), out);
        } else {
            out.extend_from_slice(whole);
        }
    }
}

/// The blocks of a module.
fn blocks(text: &str) -> Vec<Block<'_>> {
    members(text, 0..text.len(), 0)
}

/// The blocks of a range whose statements have this indent.
fn members(text: &str, range: Range<usize>, indent: usize) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut state = State::default();
    let mut at = range.start;
    for line in text.get(range.clone()).unwrap_or("").split_inclusive('\n') {
        let start = at;
        at += line.len();
        let was_plain = state.is_plain();
        let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
        let rest = line.get(blank..).unwrap_or("");
        let is_code = !rest.trim().is_empty() && !rest.starts_with('#');
        let kind = kind_of(rest);
        if blank == indent && kind != Kind::Other && state.quote.is_none() {
            // A lost bracket must not swallow the rest.
            state.depth = 0;
        }
        let is_statement = (was_plain || state.is_plain()) && blank <= indent && is_code && start != range.start;
        let is_first = blocks.is_empty();
        if is_first || is_statement {
            let is_decorator = rest.starts_with('@');
            let continues = blocks.last().is_some_and(|last| match last.kind {
                // Statements follow each other; decorators belong to what they decorate.
                Kind::Other => !is_decorator && (kind == Kind::Other || last.is_decorated),
                _ => false,
            });
            if continues {
                if let Some(last) = blocks.last_mut().filter(|_| kind != Kind::Other) {
                    (last.kind, last.name) = (kind, name_of(rest));
                }
            } else {
                let kind = if is_first && !is_statement && range.start != 0 { Kind::Other } else { kind };
                let name = if kind == Kind::Other { "" } else { name_of(rest) };
                blocks.push(Block {
                    kind,
                    name,
                    range: start..start,
                    body: start,
                    text: "",
                    is_decorated: is_decorator,
                });
            }
        }
        let body = state.read(line, start);
        if let Some(block) = blocks.last_mut() {
            block.range.end = at;
            if block.body == block.range.start
                && let Some(body) = body
                && block.kind != Kind::Other
            {
                block.body = body;
            }
        }
    }
    for block in &mut blocks {
        block.text = text.get(block.range.clone()).unwrap_or("");
        if block.kind != Kind::Other && block.body == block.range.start {
            block.kind = Kind::Other;
        }
    }
    blocks
}

fn kind_of(line: &str) -> Kind {
    if line.starts_with("def ") || line.starts_with("async def ") {
        Kind::Function
    } else if line.starts_with("class ") {
        Kind::Class
    } else {
        Kind::Other
    }
}

fn name_of(line: &str) -> &str {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let after = line.split_once(' ').map_or("", |(_, after)| after.trim_start());
    after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")
}

/// Where a line starts: in a string of several lines, in brackets, or plainly.
#[derive(Default)]
struct State {
    quote: Option<u8>,
    depth: usize,
}

impl State {
    fn is_plain(&self) -> bool {
        self.quote.is_none() && self.depth == 0
    }

    /// Goes over one line; gives the place after a colon outside of brackets, where a header ends.
    fn read(&mut self, line: &str, start: usize) -> Option<usize> {
        let bytes = line.as_bytes();
        let mut colon = None;
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let rest = bytes.get(at..).unwrap_or_default();
            if let Some(quote) = self.quote {
                if *byte == b'\\' {
                    at += 1;
                } else if rest.starts_with(&[quote, quote, quote]) {
                    self.quote = None;
                    at += 2;
                }
            } else {
                match byte {
                    b'#' => break,
                    b'"' | b'\'' if rest.starts_with(&[*byte, *byte, *byte]) => {
                        self.quote = Some(*byte);
                        at += 2;
                    }
                    b'"' | b'\'' => at += string(rest),
                    b'(' | b'[' | b'{' => self.depth += 1,
                    b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                    b':' if self.depth == 0 && colon.is_none() => colon = Some(start + at + 1),
                    _ => {}
                }
            }
            at += 1;
        }
        colon
    }
}

/// How far a string of one line goes, from its first quote to before its last; to the end where it has none.
fn string(rest: &[u8]) -> usize {
    let quote = rest.first().copied();
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        if *byte == b'\\' {
            at += 1;
        } else if Some(*byte) == quote {
            return at;
        }
        at += 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_loses_its_body_and_nothing_else_does() {
        let lines = ["total = {'a': [1, 2]}", "# add :", "text = \"\"\"", "def no(x):", "    pass", "\"\"\""];
        let body = |indent: &str| {
            let line =
                |line: &&str| if *line == "def no(x):" { format!("{line}\n") } else { format!("{indent}{line}\n") };
            lines.iter().map(line).collect::<String>().repeat(40)
        };
        let (work, inner) = (body("    "), body("        "));
        let source = [
            "\"\"\"Doc.\"\"\"\nimport argparse\n\n@register\ndef kept(x):\n",
            &work,
            "\ndef work(\n    a: dict = {'k': 1},\n) -> dict[str, int]:\n",
            &work,
            "    return total\n\n\nclass Tool:\n    size = 3\n\n    def heavy(self, a=lambda: 0):\n",
            &inner,
            "    def options(self, parser):\n        parser.add_argument('--x')\n\n\n",
            "def small():\n    return ['a']\n\n\ndef handle(args):\n    return 1\n\n\n",
            "async def main():\n    p = argparse.ArgumentParser()\n    p.add_argument('--y', choices=small())\n",
            "    p.set_defaults(run=handle)\n    if True:\n        a = p.parse_args()\n        work(a)\n    work({})\n\n\nmain()\n",
        ]
        .concat();
        let text = String::from_utf8(outline(source.as_bytes(), false).expect("a shorter one")).expect("UTF-8");
        for part in [
            "@register\ndef kept(x):\n    total",
            ") -> dict[str, int]: return ...\nclass Tool:\n    size = 3",
            "def heavy(self, a=lambda: 0): return ...\n    def options(self, parser):\n        parser.add_argument('--x')",
            "def small():\n    return ['a']",
            "def handle(args): return ...\n",
            "async def main():\n    p = argparse",
            "a = p.parse_args()\n        work(a)\nmain()\n",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert!(text.len() * 2 < source.len(), "{} of {}", text.len(), source.len());
    }

    #[test]
    fn small_and_framework_sources_stay_whole() {
        let long = "def work(a):\n    return a\n\n\n".repeat(200);
        for start in ["import click\n", "x = json.load(sys.stdin)\n"] {
            assert_eq!(outline(format!("{start}{long}").as_bytes(), false), None, "{start}");
        }
        assert_eq!(outline(b"x = 1\n", false), None);
        let broken =
            ["def f(:\n \"\"\"", "class A:\n", "def", "@", "(((", "'", "def f(x): '''\n", "class A: x = [\n\n", "é"];
        for end in broken {
            let source = format!("{}{end}", "# line\n".repeat(400));
            let text = outline(source.as_bytes(), false).expect("an outline");
            assert!(text.len() <= source.len() + BODY.len(), "{end}");
        }
    }
}
