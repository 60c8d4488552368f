//! Names that every vendor accepts: `^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$`, unique in a registry.
//!
//! A name is derived from the skill's and the script's own; where something had to be dropped (length, other
//! scripts, a collision) a hash of the origin is appended, so that the name is the same at each load.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::Tool;
use super::disclosure::Generic;

/// The longest name, in bytes; OpenAI and Anthropic refuse more.
const NAME_BYTES: usize = 64;
/// Characters of the hash suffix, its separator included.
const SUFFIX_BYTES: usize = 9;

/// A valid name made from `wanted`. ASCII characters that are not allowed become `_`; when the name is too long or has
/// other characters, the hash of `origin` is appended.
pub(super) fn identifier(wanted: &str, origin: &str) -> String {
    let mut name: String = wanted
        .chars()
        .filter(|c| c.is_ascii())
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    if name.len() > NAME_BYTES || !wanted.is_ascii() { suffixed(&name, origin) } else { name }
}

/// Whether it is a name that [`identifier`] could have made.
pub(super) fn is_identifier(name: &str) -> bool {
    name.len() <= NAME_BYTES && !name.is_empty() && identifier(name, "") == name
}

/// Makes the names of a registry's tools unique, in place. The first tool of a name keeps it; a later one gets a suffix
/// made from its skill's name and its script's path, so the outcome does not depend on what else is loaded. The names
/// of the generic tools are never theirs, whether those are given out or not.
pub fn unique_names(tools: &mut [Tool]) {
    let mut taken: BTreeSet<String> = Generic::ALL.iter().map(|generic| generic.name().to_owned()).collect();
    for tool in tools {
        let origin = format!("{}\0{}", tool.skill.name, tool.script.display());
        let mut name = tool.name.clone();
        let mut attempt = 0u32;
        while !taken.insert(name.clone()) {
            let origin = if attempt == 0 { origin.clone() } else { format!("{origin}\0{attempt}") };
            name = suffixed(&tool.name, &origin);
            attempt = attempt.saturating_add(1);
        }
        tool.name = name;
    }
}

fn suffixed(name: &str, origin: &str) -> String {
    let digest = Sha256::digest(origin.as_bytes());
    let hash: String = digest.iter().take((SUFFIX_BYTES - 1) / 2).map(|byte| format!("{byte:02x}")).collect();
    let kept = name.get(..NAME_BYTES - SUFFIX_BYTES).unwrap_or(name);
    format!("{}_{hash}", kept.trim_end_matches('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_valid_names() {
        let rows = [
            ("pdf", "pdf"),
            ("pdf__fill_form", "pdf__fill_form"),
            ("a.b c/d", "a_b_c_d"),
            ("3d-model", "_3d-model"),
            ("-x", "_-x"),
            ("", "_"),
        ];
        for (wanted, want) in rows {
            assert_eq!(identifier(wanted, wanted), want, "{wanted:?}");
        }
        let long = "x".repeat(200);
        for wanted in ["数据", "naïve", long.as_str(), "\u{0}\n", "🙂🙂"] {
            let name = identifier(wanted, wanted);
            assert!((1..=NAME_BYTES).contains(&name.len()), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')), "{name}");
            assert!(!name.starts_with(|c: char| c.is_ascii_digit() || c == '-'), "{name}");
        }
        assert_ne!(identifier("数据", "数据"), identifier("天气", "天气"));
    }
}
