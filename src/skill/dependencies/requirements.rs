//! Requirements of Python: the names and versions of a `requirements.txt`, and nothing that steers the installer.

use super::{Dependencies, Ecosystem, MAX_REQUIREMENTS};
use crate::skill::manifest::quoted;

pub(super) const FILE: &str = "requirements.txt";
/// What may follow a name (PEP 508): extras, versions, a marker, a direct reference.
const AFTER_NAME: &str = "[(<>=!~;@";
/// The one option of a single requirement that narrows what is installed.
const HASH: &str = "--hash=";

/// The requirements of a file; `None` where it holds none.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Dependencies>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace("\\\n", " ");
    let lines: Vec<_> = text.lines().map(without_comment).filter(|line| !line.is_empty()).collect();
    from_texts(&lines)
}

/// The requirements of single texts; `None` where there are none.
pub(super) fn from_texts(texts: &[&str]) -> Result<Option<Dependencies>, String> {
    if texts.len() > MAX_REQUIREMENTS {
        return Err(format!("declares {} requirements; at most {MAX_REQUIREMENTS}", texts.len()));
    }
    let mut requirements = texts.iter().map(|text| requirement(text)).collect::<Result<Vec<_>, _>>()?;
    requirements.sort_unstable();
    requirements.dedup();
    if requirements.is_empty() {
        return Ok(None);
    }
    let content = format!("{}\n", requirements.join("\n")).into_bytes();
    let files = vec![(FILE, content)];
    Ok(Some(Dependencies { ecosystem: Ecosystem::Python, source: String::new(), requirements, files }))
}

/// A comment starts a line or follows a space, so that the fragment of a URL is none.
fn without_comment(line: &str) -> &str {
    let start = line.match_indices('#').map(|(at, _)| at).find(|at| {
        let before = line.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with(char::is_whitespace)
    });
    line.get(..start.unwrap_or(line.len())).unwrap_or_default().trim()
}

/// One requirement in one form: single spaces.
fn requirement(text: &str) -> Result<String, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if text.starts_with('-') {
        let option = words.first().copied().unwrap_or_default();
        return Err(format!(
            "has {}: options of an installer are the host's, not the skill's; name packages only",
            quoted(option)
        ));
    }
    if let Some(option) = words.iter().find(|word| word.starts_with("--") && !word.starts_with(HASH)) {
        return Err(format!("has {} after a requirement; only {HASH} may stand there", quoted(option)));
    }
    let requirement = words.join(" ");
    let name_end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
    let (name, rest) = requirement.split_at_checked(name_end.unwrap_or(requirement.len())).unwrap_or_default();
    let follows = rest.trim_start().chars().next();
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !requirement.chars().any(char::is_control)
        && follows.is_none_or(|c| AFTER_NAME.contains(c) || rest.starts_with(" --"));
    match is_plain {
        true => Ok(requirement),
        false => Err(format!("has {}, which names no package; write it as name==version", quoted(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<String>, String> {
        Ok(read(text.as_bytes())?.map(|found| found.requirements).unwrap_or_default())
    }

    #[test]
    fn the_same_needs_are_the_same_bytes() {
        let plain = read(b"a==1\nb[x]>=2 ; python_version > '3'\n").unwrap();
        assert_eq!(read(b"# why\n\nb[x]>=2  ;  python_version > '3'   # c\r\n a==1\r\na==1\n").unwrap(), plain);
    }

    #[test]
    fn lines_are_read_as_pip_reads_them() {
        let rows: &[(&str, &[&str])] = &[
            ("", &[]),
            ("# nothing\n\n", &[]),
            ("\u{feff}numpy", &["numpy"]),
            ("a.b_c-d~=1.0, !=1.1", &["a.b_c-d~=1.0, !=1.1"]),
            ("a==1 \\\n  --hash=sha256:aa \\\n  --hash=sha256:bb\n", &["a==1 --hash=sha256:aa --hash=sha256:bb"]),
            ("a @ https://x.example/a.whl#sha256=aa", &["a @ https://x.example/a.whl#sha256=aa"]),
            ("a (>=1)", &["a (>=1)"]),
        ];
        for (text, expected) in rows {
            assert_eq!(of(text).unwrap(), *expected, "{text:?}");
        }
    }

    #[test]
    fn what_steers_the_installer_is_refused() {
        for (text, needle) in [
            ("-r other.txt", "`-r`"),
            ("--index-url https://evil.example", "`--index-url`"),
            ("-e .", "`-e`"),
            ("a --global-option=x", "--global-option"),
            ("./local", "names no package"),
            ("/etc/passwd", "names no package"),
            ("https://x.example/a.whl", "names no package"),
            ("git+https://x.example/a", "names no package"),
            ("a b", "names no package"),
            ("a\u{1}==1", "names no package"),
        ] {
            let why = of(text).unwrap_err();
            assert!(why.contains(needle), "{text:?}: {why}");
        }
        assert!(read(b"\xff").unwrap_err().contains("UTF-8"));
        assert!(of(&"a\n".repeat(1001)).unwrap_err().contains("at most 1000"));
    }
}
