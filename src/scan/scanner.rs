//! Rules compiled into one query for each language, and a source judged by it.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tree_sitter::{Node, Query, QueryCursor, QueryCursorOptions, QueryCursorState, StreamingIterator};

use super::report::{Finding, Report};
use super::rule::{Family, Rule};
use super::sources;
use crate::error::{Error, Result, Status};
use crate::runtime::Language;
use crate::skill::{Skill, excerpt};
use crate::syntax;

/// The capture that says where a finding is.
const FOUND: &str = "found";
/// The most matches in progress at one place.
const MATCHES: u32 = 256;
/// The most bytes of one node that a rule's text conditions look at: code may be nested so that each node holds all others.
const NODE_BYTES: usize = 4096;
/// The most bytes that text conditions look at in one source.
const TEXT_BYTES: usize = 256 << 20;
/// The most steps that errors in the syntax may cost: at each child of an error the query looks at all later ones.
const ERROR_STEPS: usize = 100_000_000;
/// The most time that the query of one source takes; ordinary ones take a few milliseconds.
const SOURCE_TIME: Duration = Duration::from_secs(2);
/// The most findings of one rule in one file that are told one by one.
const ALIKE: usize = 10;

/// Compiled rules. They are compiled with the first source of their language and kept.
#[derive(Debug)]
pub struct Scanner {
    rules: Vec<Arc<Rule>>,
    compiled: [OnceLock<Compiled>; Family::ALL.len()],
}

#[derive(Debug)]
struct Compiled {
    query: Query,
    found: Option<u32>,
    /// For each pattern of the query its rule.
    rules: Vec<Arc<Rule>>,
}

/// What a source gave.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    /// Further findings of rules that found much.
    pub(super) omitted: usize,
    /// It was not read to its end.
    pub(super) is_cut: bool,
}

impl Scanner {
    /// A scanner by these rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules: rules.into_iter().map(Arc::new).collect(), compiled: Default::default() }
    }

    /// What the sources of a skill, as it was loaded, look like they might do. Errors are those of
    /// [`Skill::read_resource`]: the folder no longer holds what was loaded, or cannot be read.
    pub fn scan(&self, skill: &Skill) -> Result<Report> {
        sources::scan(self, skill)
    }

    /// One source, for which there is time until `deadline`; `declares_network` says that its skill asks for the network.
    pub(super) fn judge(
        &self,
        language: Language,
        source: &[u8],
        file: &str,
        declares_network: bool,
        deadline: Instant,
    ) -> Result<Judged> {
        let Some(family) = Family::of(language) else { return Ok(Judged::default()) };
        let compiled = self.compiled(family)?;
        match syntax::parse(language, source) {
            Some(tree) if !is_broken(tree.root_node()) => {
                Ok(compiled.judge(tree.root_node(), source, file, declares_network, deadline))
            }
            _ => Ok(Judged { is_cut: true, ..Judged::default() }),
        }
    }

    fn compiled(&self, family: Family) -> Result<&Compiled> {
        let Some(slot) = self.compiled.get(family as usize) else {
            return Err(Error::new(Status::Internal, "a language has no place for its rules"));
        };
        if let Some(compiled) = slot.get() {
            return Ok(compiled);
        }
        let compiled = Compiled::new(family, &self.rules).map_err(|error| {
            Error::new(Status::Internal, format!("the rules of the scan cannot be compiled: {error}"))
        })?;
        Ok(slot.get_or_init(|| compiled))
    }
}

/// Whether there are so many errors that no query could get through in time.
fn is_broken(root: Node<'_>) -> bool {
    let mut cursor = root.walk();
    let mut steps = 0usize;
    loop {
        let node = cursor.node();
        if node.is_error() {
            steps = steps.saturating_add(node.child_count().saturating_pow(2));
            if steps > ERROR_STEPS {
                return true;
            }
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return false;
            }
        }
    }
}

/// Whether a rule's queries can be compiled and say where a finding is.
pub(super) fn check(rule: &Rule) -> std::result::Result<(), String> {
    let rule = Arc::new(rule.clone());
    for family in Family::ALL.into_iter().filter(|family| rule.query(*family).is_some()) {
        let compiled = Compiled::new(family, std::slice::from_ref(&rule))?;
        if compiled.found.is_none() {
            return Err(format!("its query has no capture @{FOUND}, which says where a finding is"));
        }
        let query = &compiled.query;
        let is_known = |pattern: &usize| {
            query.general_predicates(*pattern).is_empty() && query.property_predicates(*pattern).is_empty()
        };
        if !(0..query.pattern_count()).all(|pattern| is_known(&pattern)) {
            return Err("its query has a condition that is none of #eq?, #any-of?, #match? and their opposites".into());
        }
    }
    Ok(())
}

impl Compiled {
    fn new(family: Family, rules: &[Arc<Rule>]) -> std::result::Result<Self, String> {
        let grammar = syntax::grammar(family.language()).ok_or("its language has no grammar")?;
        let mut text = String::new();
        let mut ends = Vec::with_capacity(rules.len());
        for rule in rules {
            text.push_str(rule.query(family).unwrap_or_default());
            text.push('\n');
            ends.push(text.len());
        }
        let query = Query::new(&grammar, &text).map_err(|error| {
            let at = error.offset;
            format!("its query is wrong at byte {at}: {}", error.message.lines().next().unwrap_or("unknown"))
        })?;
        let owner = |pattern| {
            let start = query.start_byte_for_pattern(pattern);
            rules.get(ends.partition_point(|end| *end <= start)).cloned()
        };
        let owners = (0..query.pattern_count()).map(owner).collect::<Option<_>>().ok_or("a pattern has no rule")?;
        let found = query.capture_index_for_name(FOUND);
        Ok(Self { query, found, rules: owners })
    }

    fn judge(&self, root: Node<'_>, source: &[u8], file: &str, declares_network: bool, deadline: Instant) -> Judged {
        let mut judged = Judged::default();
        let mut cursor = QueryCursor::new();
        cursor.set_match_limit(MATCHES);
        let deadline = deadline.min(Instant::now() + SOURCE_TIME);
        // Asked about every hundred nodes, each of which costs up to the square of `MATCHES`.
        let mut is_late = false;
        let mut stop = |_: &QueryCursorState| {
            is_late = Instant::now() > deadline;
            if is_late { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut left = TEXT_BYTES;
        let text = |node: Node<'_>| {
            let range = node.byte_range();
            let end = range.end.min(range.start.saturating_add(NODE_BYTES));
            let bytes = source.get(range.start..end).filter(|bytes| bytes.len() <= left);
            left = bytes.map_or(0, |bytes| left - bytes.len());
            std::iter::once(bytes.unwrap_or_default())
        };
        let options = QueryCursorOptions::new().progress_callback(&mut stop);
        let mut matches = cursor.matches_with_options(&self.query, root, text, options);
        let mut places: Vec<(&str, usize)> = Vec::new();
        while let Some(one) = matches.next() {
            let Some(rule) = self.rules.get(one.pattern_index) else { continue };
            if declares_network && rule.is_for_undeclared_network {
                continue;
            }
            let place = one.captures.iter().find(|capture| Some(capture.index) == self.found);
            let Some(node) = place.or(one.captures.first()).map(|capture| capture.node) else { continue };
            let place = (rule.id.as_str(), node.start_byte());
            if places.contains(&place) {
                continue;
            }
            if places.iter().filter(|(id, _)| *id == rule.id).count() >= ALIKE {
                judged.omitted += 1;
                continue;
            }
            places.push(place);
            let (line, column, excerpt) = located(source, node);
            let at = judged.findings.partition_point(|one| (one.line, one.column) <= (line, column));
            judged.findings.insert(
                at,
                Finding {
                    rule: rule.id.clone(),
                    severity: rule.severity,
                    file: file.to_owned(),
                    line,
                    column,
                    excerpt,
                    reason: rule.reason.clone(),
                    remedy: rule.remedy.clone(),
                },
            );
        }
        drop(matches);
        judged.is_cut = is_late || left == 0 || cursor.did_exceed_match_limit();
        judged
    }
}

/// Line and column of a node, from 1, and the start of its line; of a long line the part that begins with the node.
fn located(source: &[u8], node: Node<'_>) -> (usize, usize, String) {
    const LONG: usize = 60;
    let position = node.start_position();
    let begin = node.start_byte().saturating_sub(position.column);
    let before = source.get(begin..node.start_byte()).unwrap_or_default();
    let column = String::from_utf8_lossy(before).chars().count() + 1;
    let shown = if column > LONG { node.start_byte() } else { begin };
    let rest = source.get(shown..).unwrap_or_default();
    let rest = rest.get(..NODE_BYTES).unwrap_or(rest);
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    (position.row + 1, column, excerpt(String::from_utf8_lossy(line).trim()))
}
