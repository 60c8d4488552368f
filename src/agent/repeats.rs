//! Calls that fail again as they did before: small models repeat them until a limit ends the turn, unless they are told.

use std::collections::HashMap;

/// The calls that failed in a turn, by tool and arguments, and how often.
#[derive(Debug, Default)]
pub(super) struct Repeats(HashMap<String, u32>);

impl Repeats {
    /// Counts a call that failed; gives what to tell the model if it is not the first time.
    pub(super) fn note(&mut self, tool: &str, arguments: &str) -> Option<String> {
        let times = self.0.entry(format!("{tool} {arguments}")).or_insert(0);
        *times = times.saturating_add(1);
        let hint = "change the arguments, use another tool, or answer without it";
        (*times > 1).then(|| format!("the same call with the same arguments has failed {times} times; {hint}"))
    }
}
