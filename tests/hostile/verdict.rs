//! Outcomes, and the table that shows them.

use std::collections::BTreeMap;
use std::fmt;

use skilllite::sandbox::Tier;

use crate::table::{BENIGN, ROWS, Row, SEED};

/// What became of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It ran and did no harm.
    Contained,
    /// It did harm.
    Escaped,
    /// It did harm that is written down as accepted.
    Residual,
    /// It did not run as it should, so nothing is known.
    Broken,
    /// This machine cannot do it.
    Impossible,
    /// A control: it did its harm, as it must.
    Harmful,
}

impl Outcome {
    const ALL: [(Outcome, &'static str); 6] = [
        (Outcome::Contained, "contained"),
        (Outcome::Escaped, "ESCAPED"),
        (Outcome::Residual, "residual"),
        (Outcome::Broken, "BROKEN"),
        (Outcome::Impossible, "n/a"),
        (Outcome::Harmful, "harm"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(outcome, _)| *outcome == self).map_or("", |(_, name)| name)
    }
}

/// Where a payload ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Without a sandbox.
    Control,
    /// In the tier `full`.
    Full,
    /// In the tier `namespaces`.
    Namespaces,
    /// In the tier `landlock`.
    Landlock,
    /// Under bubblewrap.
    Bubblewrap,
}

impl Column {
    const ALL: [(Column, &'static str); 5] = [
        (Column::Control, "control"),
        (Column::Full, "full"),
        (Column::Namespaces, "namespaces"),
        (Column::Landlock, "landlock"),
        (Column::Bubblewrap, "bwrap"),
    ];

    /// The column of a tier.
    pub fn of(tier: Tier) -> Column {
        match tier {
            Tier::Full => Column::Full,
            Tier::Namespaces => Column::Namespaces,
            Tier::Landlock => Column::Landlock,
        }
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(column, _)| *column == self).map_or("", |(_, name)| name)
    }
}

/// One cell with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The row.
    pub id: String,
    /// The column.
    pub column: Column,
    /// The verdict.
    pub outcome: Outcome,
    /// Why, or how it ended.
    pub detail: String,
}

impl Entry {
    /// As one line of a report.
    pub fn to_line(&self) -> String {
        let detail: String = self.detail.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        [&self.id, self.column.name(), self.outcome.name(), &detail].join("\t")
    }

    /// From a line of a report.
    pub fn parse(line: &str) -> Option<Entry> {
        let mut fields = line.splitn(4, '\t');
        let (id, column, outcome) = (fields.next()?, fields.next()?, fields.next()?);
        let detail = fields.next()?.to_owned();
        let column = Column::ALL.iter().find(|(_, name)| *name == column)?.0;
        let outcome = Outcome::ALL.iter().find(|(_, name)| *name == outcome)?.0;
        Some(Entry { id: id.to_owned(), column, outcome, detail })
    }
}

/// The cells of one user.
pub type Cells = BTreeMap<(String, Column), Entry>;

/// The verdicts of a whole run: by user, then row, then column.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// `root` and `user`, as far as they ran.
    pub halves: Vec<(&'static str, Cells)>,
}

impl Verdicts {
    /// Adds the report of one half.
    pub fn add(&mut self, user: &'static str, report: &str) {
        let entries = report.lines().filter_map(Entry::parse);
        self.halves.push((user, entries.map(|entry| ((entry.id.clone(), entry.column), entry)).collect()));
    }

    /// Everything that fails the suite: escapes, broken payloads, and rows without a verdict.
    pub fn failures(&self, rows: &[&Row]) -> Vec<String> {
        let mut failures = Vec::new();
        for (user, entries) in &self.halves {
            for entry in entries.values() {
                let counts = entry.column != Column::Bubblewrap;
                if counts && matches!(entry.outcome, Outcome::Escaped | Outcome::Broken) {
                    failures.push(format!(
                        "{} as {user}, {}: {:?}: {}",
                        entry.id,
                        entry.column.name(),
                        entry.outcome,
                        entry.detail
                    ));
                }
            }
            for row in rows {
                for tier in Tier::ALL {
                    let column = Column::of(tier);
                    let is_absent = entries
                        .get(&(BENIGN[0].id.to_owned(), column))
                        .is_some_and(|entry| entry.outcome == Outcome::Impossible);
                    if !is_absent && !entries.contains_key(&(row.id.to_owned(), column)) {
                        failures.push(format!("{} as {user}, {}: no verdict", row.id, column.name()));
                    }
                }
            }
        }
        failures
    }
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<Column> = Column::ALL.iter().map(|(column, _)| *column).collect();
        let used: Vec<(usize, Column)> = (0..self.halves.len())
            .flat_map(|half| columns.iter().map(move |column| (half, *column)))
            .filter(|(half, column)| self.halves[*half].1.keys().any(|(_, present)| present == column))
            .collect();
        for (title, rows) in [("Benign", &BENIGN[..]), ("Payloads", ROWS), ("The seed's twenty", SEED)] {
            writeln!(f, "\n{title}")?;
            write!(f, "{:<20}{:<58}{:<14}", "id", "attempt", "layer")?;
            for (half, column) in &used {
                write!(f, "{:<17}", format!("{}/{}", self.halves[*half].0, column.name()))?;
            }
            writeln!(f)?;
            for row in rows {
                let is_run = self.halves.iter().any(|(_, entries)| entries.keys().any(|(id, _)| id == row.id));
                if !is_run {
                    continue;
                }
                write!(f, "{:<20}{:<58}{:<14}", row.id, row.name, row.layer)?;
                for (half, column) in &used {
                    let entry = self.halves[*half].1.get(&(row.id.to_owned(), *column));
                    let mut cell = entry.map_or("-", |entry| entry.outcome.name()).to_owned();
                    if let Some(mark) = entry.and_then(|entry| entry.detail.strip_prefix("[seed: ")) {
                        cell += if mark.starts_with("allowed") { " (a)" } else { " (b)" };
                    }
                    write!(f, "{cell:<17}")?;
                }
                writeln!(f)?;
            }
        }
        writeln!(f, "\n(a) allowed, (b) blocked: what a judge sees that only reads the payload's own claim\n")?;
        for (half, column) in &used {
            let (user, entries) = &self.halves[*half];
            let counts = Outcome::ALL.iter().filter_map(|(outcome, name)| {
                let count =
                    entries.values().filter(|entry| entry.column == *column && entry.outcome == *outcome).count();
                (count > 0).then(|| format!("{count} {name}"))
            });
            writeln!(f, "{user}/{}: {}", column.name(), counts.collect::<Vec<_>>().join(", "))?;
        }
        writeln!(f)?;
        let mut reasons: Vec<String> = Vec::new();
        for (user, entries) in &self.halves {
            for entry in entries.values() {
                if matches!(entry.outcome, Outcome::Residual | Outcome::Impossible) {
                    reasons.push(format!(
                        "{} {user}/{}: {}: {}",
                        entry.id,
                        entry.column.name(),
                        entry.outcome.name(),
                        entry.detail
                    ));
                }
            }
        }
        reasons.iter().try_for_each(|reason| writeln!(f, "{reason}"))
    }
}
