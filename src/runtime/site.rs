//! Whether Python sources need `site`: the start-up step that makes installed packages importable, at 4 to 40 ms.
//!
//! The sources are split into tokens (strings and comments cannot be mistaken for imports) and every import is looked
//! up among the standard library's names and the script's own siblings. It is an optimisation, so every doubt counts
//! as a need: dynamic imports, unpickling, names that `site` itself defines (`exit`), sources that cannot be read.

use std::path::Path;

use super::Runtime;

/// Modules that some build of CPython 3 has inside its binary, where no file shows them.
pub(super) const BUILT_IN: &[&str] = &[
    "_abc",
    "_ast",
    "_bisect",
    "_blake2",
    "_codecs",
    "_collections",
    "_contextvars",
    "_csv",
    "_datetime",
    "_elementtree",
    "_frozen_importlib",
    "_frozen_importlib_external",
    "_functools",
    "_hashlib",
    "_heapq",
    "_imp",
    "_io",
    "_json",
    "_locale",
    "_lsprof",
    "_md5",
    "_opcode",
    "_operator",
    "_pickle",
    "_posixsubprocess",
    "_queue",
    "_random",
    "_sha1",
    "_sha2",
    "_sha256",
    "_sha3",
    "_sha512",
    "_signal",
    "_socket",
    "_sre",
    "_stat",
    "_statistics",
    "_string",
    "_struct",
    "_suggestions",
    "_symtable",
    "_sysconfig",
    "_thread",
    "_tokenize",
    "_tracemalloc",
    "_typing",
    "_warnings",
    "_weakref",
    "_zoneinfo",
    "array",
    "atexit",
    "audioop",
    "binascii",
    "builtins",
    "cmath",
    "errno",
    "faulthandler",
    "fcntl",
    "gc",
    "grp",
    "itertools",
    "marshal",
    "math",
    "mmap",
    "posix",
    "pwd",
    "pyexpat",
    "resource",
    "select",
    "spwd",
    "sys",
    "syslog",
    "termios",
    "time",
    "unicodedata",
    "xxsubtype",
    "zipimport",
    "zlib",
];

/// Modules that import others by name, run code, or look at what is installed.
const DYNAMIC_MODULES: &[&str] = &[
    "builtins",
    "code",
    "codeop",
    "doctest",
    "ensurepip",
    "imp",
    "importlib",
    "modulefinder",
    "pickle",
    "pkgutil",
    "pydoc",
    "runpy",
    "shelve",
    "site",
    "sitecustomize",
    "usercustomize",
    "venv",
    "zipimport",
];

/// Names that reach the import machinery without an import.
const DYNAMIC: &[&str] = &["__builtins__", "__import__", "__loader__", "__spec__"];

/// Names that run text as code, or that only `site` defines; a method or an argument of that name is harmless.
const BARE: &[&str] = &["copyright", "credits", "eval", "exec", "exit", "help", "license", "quit"];

/// Whether any of these Python `sources` (paths that tell which files are siblings, and their bytes) may need `site`
/// when `runtime` runs them. `false` means that `-S` can be added before the script.
pub fn python_needs_site(sources: &[(&Path, &[u8])], runtime: &Runtime) -> bool {
    sources.iter().any(|(path, bytes)| file_needs_site(path, bytes, sources, runtime))
}

fn file_needs_site(path: &Path, bytes: &[u8], sources: &[(&Path, &[u8])], runtime: &Runtime) -> bool {
    let Some(tokens) = tokens(bytes) else { return true };
    let is_known = |name: &str| {
        // Its data may also come from an installed package, where the host has no time zones of its own.
        let is_complete = name != "zoneinfo" || runtime.mounts.iter().any(|mount| mount.ends_with("zoneinfo"));
        let is_standard = runtime.standard_modules.binary_search_by(|known| known.as_str().cmp(name)).is_ok();
        let is_static = !DYNAMIC_MODULES.contains(&name);
        is_static && ((is_standard && is_complete) || is_sibling(name, path, sources))
    };
    tokens.iter().enumerate().any(|(at, token)| match token {
        Token::Name("import") => !imported(&tokens, at).is_some_and(|names| names.into_iter().all(is_known)),
        Token::Name(name) if DYNAMIC.contains(name) => true,
        Token::Name(name) if BARE.contains(name) => {
            let is_attribute = at.checked_sub(1).and_then(|before| tokens.get(before)) == Some(&Token::Sign(b'.'));
            !is_attribute && !is_keyword_argument(&tokens, at)
        }
        _ => false,
    })
}

/// Whether one of `sources` is the module or package `name`, as seen from `path`: in its directory, or in one above,
/// from which the script may have been started.
fn is_sibling(name: &str, path: &Path, sources: &[(&Path, &[u8])]) -> bool {
    path.ancestors().skip(1).any(|directory| {
        let package = directory.join(name);
        let module = directory.join(format!("{name}.py"));
        sources.iter().any(|(source, _)| *source == module || (*source != package && source.starts_with(&package)))
    })
}

/// The top-level modules that the `import` at `at` names; none for a relative import, `None` when it makes no sense.
fn imported<'a>(tokens: &[Token<'a>], at: usize) -> Option<Vec<&'a str>> {
    let before = tokens.get(..at)?;
    let is_path = |token: &&Token<'_>| {
        matches!(token, Token::Sign(b'.')) || matches!(token, Token::Name(name) if *name != "from")
    };
    let length = before.iter().rev().take_while(is_path).count();
    let start = at.checked_sub(length)?;
    if length > 0 && start.checked_sub(1).and_then(|from| tokens.get(from)) == Some(&Token::Name("from")) {
        return match tokens.get(start)? {
            Token::Name(name) => Some(vec![name]),
            _ => Some(Vec::new()),
        };
    }
    let mut names = Vec::new();
    let mut rest = tokens.get(at + 1..)?.iter();
    loop {
        let Some(Token::Name(name)) = rest.next() else { return None };
        names.push(*name);
        // The rest of a dotted name, or `as other`, up to a comma or the end of the statement.
        loop {
            match rest.next() {
                Some(Token::Name(_) | Token::Sign(b'.')) => {}
                Some(Token::Sign(b',')) => break,
                Some(Token::End | Token::Sign(b';')) | None => return Some(names),
                Some(_) => return None,
            }
        }
    }
}

fn is_keyword_argument(tokens: &[Token<'_>], at: usize) -> bool {
    tokens.get(at + 1) == Some(&Token::Sign(b'=')) && tokens.get(at + 2) != Some(&Token::Sign(b'='))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Sign(u8),
    Text,
    /// The end of a logical line.
    End,
}

/// The tokens of a Python source; `None` when it is no plain UTF-8 source or a string does not end.
fn tokens(bytes: &[u8]) -> Option<Vec<Token<'_>>> {
    let source = std::str::from_utf8(bytes).ok()?;
    let mut tokens = Vec::with_capacity(bytes.len() / 6);
    let mut rest = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut depth = 0_usize;
    while let Some(first) = rest.chars().next() {
        let mut used = first.len_utf8();
        match first {
            '\0' => return None,
            '\n' if depth == 0 => tokens.push(Token::End),
            '#' => used = rest.find('\n').unwrap_or(rest.len()),
            '\\' => used += rest.get(1..)?.bytes().take_while(|b| *b == b'\r').count().saturating_add(1),
            '"' | '\'' => {
                used = string_length(rest)?;
                tokens.push(Token::Text);
            }
            '(' | '[' | '{' => {
                depth += 1;
                tokens.push(Token::Sign(b'('));
            }
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                tokens.push(Token::Sign(b')'));
            }
            _ if first.is_whitespace() => {}
            _ if first == '_' || first.is_alphanumeric() => {
                used = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
                let name = rest.get(..used)?;
                let after = rest.get(used..)?;
                if after.starts_with(['"', '\'']) && is_string_prefix(name) {
                    let length = string_length(after)?;
                    let is_formatted = name.contains(['f', 'F', 't', 'T']);
                    if is_formatted && holds_doubtful_code(after.get(..length)?) {
                        return None;
                    }
                    used += length;
                    tokens.push(Token::Text);
                } else {
                    tokens.push(Token::Name(name));
                }
            }
            _ => tokens.push(Token::Sign(u8::try_from(first).unwrap_or(b'?'))),
        }
        rest = rest.get(used.min(rest.len())..)?;
    }
    Some(tokens)
}

fn is_string_prefix(name: &str) -> bool {
    name.len() <= 2 && name.chars().all(|c| "rRbBuUfFtT".contains(c))
}

/// The length of the string literal at the start of `text`, quotes included; `None` when it does not end.
fn string_length(text: &str) -> Option<usize> {
    let quote = text.get(..1)?;
    let triple = quote.repeat(3);
    let (mut at, end) = if text.starts_with(&triple) { (3, triple.as_str()) } else { (1, quote) };
    loop {
        let rest = text.get(at..)?;
        if rest.starts_with(end) {
            return Some(at + end.len());
        }
        let mut chars = rest.chars();
        match chars.next()? {
            '\\' => at += 1 + chars.next()?.len_utf8(),
            '\n' if end.len() == 1 => return None,
            other => at += other.len_utf8(),
        }
    }
}

/// Whether a formatted string may hold an expression that matters here.
fn holds_doubtful_code(text: &str) -> bool {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    text.contains('{')
        && text
            .split(|c| !is_word(c))
            .any(|word| word == "__import__" || word == "importlib" || word == "eval" || word == "exec")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Language;
    use std::path::PathBuf;

    fn runtime() -> Runtime {
        let mut standard_modules: Vec<String> =
            ["__future__", "json", "os", "sys", "argparse", "importlib", "pickle", "zoneinfo", "builtins", "code"]
                .map(String::from)
                .to_vec();
        standard_modules.sort_unstable();
        Runtime {
            language: Language::Python,
            program: PathBuf::from("/usr/bin/python3"),
            arguments: Vec::new(),
            mounts: Vec::new(),
            symlinks: Vec::new(),
            environment: Vec::new(),
            standard_modules,
        }
    }

    #[test]
    fn one_source_tells_whether_it_needs_site() {
        let rows: &[(&str, bool)] = &[
            ("", false),
            ("import json, os.path as p, sys\n", false),
            ("from __future__ import annotations\nfrom os.path import (join,\n  split)\n", false),
            ("import \\\n  json\n", false),
            ("try: import json; import sys\nexcept ImportError: pass\n", false),
            ("import requests\n", true),
            ("import json, yaml\n", true),
            ("import json as j, yaml as y\n", true),
            ("if x:\n    from yaml import load\n", true),
            ("from . import a\nfrom .b import c\nfrom ..d.e import f\n", false),
            ("'''\nimport requests\nfrom yaml import x\n'''\n", false),
            ("x = \"import requests\"\n# import yaml\n", false),
            ("x = r'\\'; import yaml'\n", false),
            ("x = rb\"\\\\\"; import yaml\n", true),
            ("def g():\n    yield from source\nimport json\n", false),
            ("raise X from error\nimport yaml\n", true),
            ("m = __import__('yaml')\n", true),
            ("import importlib\n", true),
            ("f = f\"{__import__('yaml')}\"\n", true),
            ("f = f\"{name}: {value!r}\"\n", false),
            ("exec(text)\n", true),
            ("model.eval()\n", false),
            ("exit(1)\n", true),
            ("sys.exit(1)\n", false),
            ("quit()\n", true),
            ("p.add_argument('x', help='y')\n", false),
            ("if exit == 1: pass\n", true),
            ("import pickle\n", true),
            ("import code\n", true),
            ("code = 1\nprint(code)\n", false),
            ("reply(code=3)\n", false),
            ("import zoneinfo\n", true),
            ("x = 'unterminated\nimport json\n", true),
            ("x = '''unterminated\n", true),
            ("import\n", true),
            ("import (json)\n", true),
            ("\u{feff}import json\r\nimport sys\r\n", false),
            ("import json\r\nimport yaml\r\n", true),
            ("x = 1\0\n", true),
            ("x = \\", false),
            ("имя = 'é'\nimport json\n", false),
        ];
        let path = Path::new("scripts/main.py");
        for (source, expected) in rows {
            assert_eq!(python_needs_site(&[(path, source.as_bytes())], &runtime()), *expected, "{source:?}");
        }
        assert!(python_needs_site(&[(path, b"x = '\xff'\n")], &runtime()), "not UTF-8");
    }

    #[test]
    fn siblings_are_known() {
        let main: &[u8] = b"import tables\nfrom shapes.circle import area\n";
        let path = Path::new("scripts/main.py");
        let tables = (Path::new("scripts/tables.py"), &b"import json"[..]);
        let circle = (Path::new("scripts/shapes/circle.py"), &b"from shapes import square\nimport tables"[..]);
        assert!(!python_needs_site(&[(path, main), tables, circle], &runtime()));
        assert!(python_needs_site(&[(path, main), tables], &runtime()), "shapes is missing");
        let named_like = (Path::new("scripts/importlib/x.py"), &b"import importlib"[..]);
        assert!(python_needs_site(&[(path, main), tables, circle, named_like], &runtime()), "a doubtful module");
        let elsewhere = (Path::new("other/shapes/circle.py"), &b""[..]);
        assert!(python_needs_site(&[(path, main), tables, elsewhere], &runtime()), "not on the way up");
        let needy = (Path::new("scripts/shapes/circle.py"), &b"import numpy"[..]);
        assert!(python_needs_site(&[(path, main), tables, needy], &runtime()), "a sibling needs it");
    }

    #[test]
    fn time_zones_count_when_they_are_visible() {
        let source: &[(&Path, &[u8])] = &[(Path::new("a.py"), b"import zoneinfo")];
        let with_zones = Runtime { mounts: vec![PathBuf::from("/usr/share/zoneinfo")], ..runtime() };
        assert!(!python_needs_site(source, &with_zones));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let source = "import a\\\n\"\"\"x\\\"\"\"\"\nf'{b}' # é\n(from .x import y)\r\n";
        for start in 0..source.len() {
            for end in start..source.len() {
                let bytes = source.as_bytes().get(start..end).expect("within");
                python_needs_site(&[(Path::new("a.py"), bytes)], &runtime());
            }
        }
    }
}
