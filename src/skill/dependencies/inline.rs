//! The block of comments in which a Python script names what it needs: PEP 723, "inline script metadata".

use serde::Deserialize;

use super::{Dependencies, requirements};

const START: &str = "# /// script";
const END: &str = "# ///";

/// The part of the block that concerns us; other keys and tables are other tools'.
#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    dependencies: Vec<String>,
}

/// The requirements of the block, the inner `None` where it has none; `None` without a block.
pub(super) fn read(source: &[u8]) -> Result<Option<Option<Dependencies>>, String> {
    let Some(text) = block(&String::from_utf8_lossy(source))? else { return Ok(None) };
    let block: Block = basic_toml::from_str(&text)
        .map_err(|error| format!("has a `{START}` block that is not understood: {error}; it must be TOML"))?;
    let texts: Vec<_> = block.dependencies.iter().map(String::as_str).collect();
    requirements::from_texts(&texts).map(Some)
}

/// The TOML text of the block. It ends at the last closing line of one run of comment lines, as in the PEP's own
/// expression, so that TOML may hold such a line too.
fn block(source: &str) -> Result<Option<String>, String> {
    let mut lines = source.lines().map(str::trim_end);
    let mut found = None;
    while lines.by_ref().any(|line| line == START) {
        let comments: Vec<&str> = lines.clone().take_while(|line| *line == "#" || line.starts_with("# ")).collect();
        let Some(end) = comments.iter().rposition(|line| *line == END) else { continue };
        if found.is_some() {
            return Err(format!("has more than one `{START}` block; keep one"));
        }
        let content = comments.iter().take(end);
        let stripped = content.map(|line| line.strip_prefix("# ").unwrap_or_default());
        found = Some(stripped.collect::<Vec<_>>().join("\n"));
        lines.nth(end);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirements(source: &str) -> Option<Vec<String>> {
        read(source.as_bytes()).unwrap().map(|found| found.map(|found| found.requirements).unwrap_or_default())
    }

    #[test]
    fn a_block_is_read_as_the_pep_says() {
        let rows: &[(&str, Option<&[&str]>)] = &[
            ("print()\n", None),
            ("# /// script\n# dependencies = [\"b<2\", 'a']\n# ///\n", Some(&["a", "b<2"])),
            (
                "#!/usr/bin/env -S uv run --script\n\"\"\"x\"\"\"\n# /// script\n# requires-python = \">=3.11\"\n# dependencies = [\n#   \"rich\", # why\n#\n# ]\n# [tool.uv]\n# exclude-newer = \"2025\"\n# ///\nimport rich\n",
                Some(&["rich"]),
            ),
            ("# /// script\r\n# dependencies = [\"a\"]\r\n# ///\r\n", Some(&["a"])),
            ("# /// script\n# requires-python = \">=3.11\"\n# ///\n", Some(&[])),
            ("# /// script\n# dependencies = [\"a\"]\n\n# ///\n", None),
            ("# /// script\n# dependencies = [\"a\"]\n", None),
            ("# /// other\n# dependencies = [\"a\"]\n# ///\n", None),
            ("  # /// script\n# dependencies = [\"a\"]\n# ///\n", None),
            ("# /// script\n# x = '''\n# ///\n# '''\n# dependencies = [\"a\"]\n# ///\n", Some(&["a"])),
        ];
        for (source, expected) in rows {
            let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
            assert_eq!(requirements(source), expected, "{source:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let block = "# /// script\n# dependencies = [\"a\"]\n# ///\n";
        for (source, needle) in [
            (format!("{block}\n{block}"), "more than one"),
            ("# /// script\n# dependencies = \"a\"\n# ///\n".to_owned(), "TOML"),
            ("# /// script\n# dependencies = [\n# ///\n".to_owned(), "TOML"),
            ("# /// script\n# dependencies = [\"--index-url https://x\"]\n# ///\n".to_owned(), "--index-url"),
        ] {
            let why = read(source.as_bytes()).unwrap_err();
            assert!(why.contains(needle), "{why}");
        }
    }
}
