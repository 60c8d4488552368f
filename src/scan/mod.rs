//! Advice on a skill before it runs: what its scripts look like they might do.
//!
//! Rules are data (`rules/*.yaml`, and a host's own): a query over the syntax tree of one language, a severity, the reason why
//! somebody should look, and what to do then. A [`Scanner`] has compiled them, reads the sources of a [`Skill`] and gives a
//! [`Report`]. What the text of a program says is no proof of anything: code can be written so that no rule sees it. So a
//! report is never counted as isolation, nothing is lowered because of a good one, and what runs runs in the sandbox all the
//! same. Nothing here knows of engines or policies.
//!
//! Every source gives a report in bounded time: sizes, steps of the parser and the text that conditions look at are counted, and
//! queries have a deadline. What was not read to its end is named in [`Report::skipped`].
//!
//! [`Skill`]: crate::skill::Skill

mod report;
mod rule;
mod scanner;
mod severity;
mod sources;

pub use report::{Finding, Report, Skipped};
pub use rule::{Rule, built_in, host_rules};
pub use scanner::Scanner;
pub use severity::Severity;
