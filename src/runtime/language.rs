//! The languages that have a runtime, and how a file tells its own.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What kind of program runs a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// CPython 3.
    Python,
    /// Node.js.
    Node,
    /// GNU bash.
    Bash,
    /// The POSIX shell of the host: dash, bash in POSIX mode, or busybox.
    Sh,
    /// An ELF executable that needs no interpreter.
    Native,
}

impl Language {
    /// Every language, in the order of their declaration.
    pub const ALL: [Self; 5] = [Self::Python, Self::Node, Self::Bash, Self::Sh, Self::Native];

    /// The language of the file at `path`, of which `head` holds the first bytes (a shebang line or an ELF magic; 256
    /// bytes are plenty, fewer are understood). The ending decides first, because a shebang often names a launcher
    /// (`uv run`) rather than a language; for `.sh` and files without a known ending it is the shebang. `None` when
    /// no runtime of ours fits (`.rb`, `#!/bin/zsh`, …).
    pub fn of_file(path: &Path, head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x7fELF") {
            return Some(Self::Native);
        }
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let shebang = shebang_program(head);
        match ending.as_deref() {
            Some("py") => Some(Self::Python),
            Some("js" | "mjs" | "cjs") => Some(Self::Node),
            Some("bash") => Some(Self::Bash),
            // A `.sh` without a shebang is run by bash: it understands what was written for either shell.
            Some("sh") if shebang.is_none() => Some(Self::Bash),
            _ => shebang.and_then(Self::of_program),
        }
    }

    /// The language that a program of this base name runs (`python3.11`, `nodejs`, `dash`).
    fn of_program(name: &str) -> Option<Self> {
        match name {
            "node" | "nodejs" => Some(Self::Node),
            "bash" => Some(Self::Bash),
            "sh" | "dash" | "ash" | "busybox" => Some(Self::Sh),
            // `uv run --script` is how PEP 723 scripts are marked executable.
            "uv" => Some(Self::Python),
            _ => {
                let version = name.strip_prefix("python")?;
                let is_three = version.is_empty() || version == "3" || version.starts_with("3.");
                is_three.then_some(Self::Python)
            }
        }
    }

    /// The stable lower-case name, as in the config and in results: `python`, `node`, `bash`, `sh`, `native`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Bash => "bash",
            Self::Sh => "sh",
            Self::Native => "native",
        }
    }

    /// The language of this [`name`](Self::name), if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The base name of the program that the shebang line in `head` names; looks through `env` and its options.
fn shebang_program(head: &[u8]) -> Option<&str> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    // A multi-byte character may be cut at the end of `head`; what precedes it is enough.
    let line = match std::str::from_utf8(line) {
        Ok(line) => line,
        Err(error) => std::str::from_utf8(line.get(..error.valid_up_to())?).ok()?,
    };
    let mut words = line.split_ascii_whitespace();
    let first = base_name(words.next()?);
    if first != "env" {
        return Some(first);
    }
    words.find(|word| !word.starts_with('-') && !word.contains('=')).map(base_name)
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_its_language() {
        use Language::{Bash, Native, Node, Python, Sh};
        let rows: &[(&str, &[u8], Option<Language>)] = &[
            ("a.py", b"", Some(Python)),
            ("a.PY", b"print(1)", Some(Python)),
            ("a.py", b"#!/usr/bin/env -S uv run --script\n", Some(Python)),
            ("tool", b"#!/usr/bin/env -S uv run --script\n", Some(Python)),
            ("tool", b"#!/usr/bin/python3.11 -u\nx", Some(Python)),
            ("tool", b"#!/usr/bin/python2.7\n", None),
            ("tool", b"#!/usr/bin/env PYTHONUNBUFFERED=1 python3\r\n", Some(Python)),
            ("a.js", b"", Some(Node)),
            ("a.mjs", b"", Some(Node)),
            ("a.cjs", b"", Some(Node)),
            ("cli", b"#!/usr/bin/env node", Some(Node)),
            ("a.sh", b"echo", Some(Bash)),
            ("a.sh", b"#!/bin/sh\n", Some(Sh)),
            ("a.sh", b"#! /bin/bash -e\n", Some(Bash)),
            ("a.sh", b"#!/bin/zsh\n", None),
            ("a.bash", b"#!/bin/sh\n", Some(Bash)),
            ("run", b"#!/bin/busybox sh\n", Some(Sh)),
            ("run", b"\x7fELF\x02\x01", Some(Native)),
            ("a.py", b"\x7fELF\x02\x01", Some(Native)),
            ("a.rb", b"#!/usr/bin/env ruby\n", None),
            ("a.ts", b"", None),
            ("notes.md", b"# x", None),
            ("empty", b"", None),
            ("short", b"#!", None),
            ("env", b"#!/usr/bin/env\n", None),
            ("env", b"#!/usr/bin/env python3 \xff\xfe", Some(Python)),
        ];
        for (path, head, expected) in rows {
            assert_eq!(
                Language::of_file(Path::new(path), head),
                *expected,
                "{path} {:?}",
                String::from_utf8_lossy(head)
            );
        }
    }

    #[test]
    fn names_go_both_ways() {
        for language in Language::ALL {
            assert_eq!(Language::from_name(language.name()), Some(language));
            assert_eq!(serde_json::to_string(&language).ok(), Some(format!("\"{language}\"")));
        }
        assert_eq!(Language::from_name("ruby"), None);
    }
}
