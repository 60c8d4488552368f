//! Scripts that take nothing: neither words nor standard input.
//!
//! Judged by the text of the script and of the modules of the skill that it imports: code that could read either, itself, by
//! a package or by a program that it starts, has one of a few words in it. A doubt leaves the generic schema, with which a
//! model can still say anything; a schema without properties is for scripts about which there is none.

use super::library::Library;

/// Words of the language, the standard library and programs that are started.
const OWN: [&str; 24] = [
    "argv",
    "stdin",
    "input",
    "open(0",
    "/dev/fd",
    "/proc/self",
    "argparse",
    "getopt",
    "optparse",
    "parse_",
    "import_module",
    "__import__",
    "exec",
    "eval(",
    "runpy",
    "cmdloop",
    "interact",
    "unittest",
    "subprocess",
    "Popen",
    "os.system",
    "pty",
    "import *",
    "getpass",
];
/// Packages that read the command line.
const PACKAGES: [&str; 28] = [
    "click",
    "typer",
    "docopt",
    "fire",
    "Fire",
    "absl",
    "hydra",
    "argh",
    "plac",
    "cyclopts",
    "clize",
    "cleo",
    "cliff",
    "tyro",
    "baker",
    "begins",
    "defopt",
    "simple_parsing",
    "arguably",
    "cappa",
    "gflags",
    "pydantic_settings",
    "plumbum",
    "invoke",
    "streamlit",
    "luigi",
    "celery",
    "pytest",
];
/// How an entry point of a package is called or imported that is none of these.
const ENTRIES: [&str; 9] =
    [".main(", ".cli(", ".app(", ".run(", "CLI", "import main", "import cli", "import app", "import run"];

/// Whether nothing in a script could read its command line or standard input. It does something when it is run.
pub(super) fn is_silent(library: &Library<'_>) -> bool {
    let Some(root) = library.module(0).and_then(|script| script.root()) else { return false };
    let is_well = !root.has_error() && root.named_child_count() > 0;
    is_well && library.modules().all(|module| says_nothing(&String::from_utf8_lossy(module.text())))
}

fn says_nothing(text: &str) -> bool {
    !OWN.iter().chain(&PACKAGES).chain(&ENTRIES).any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::runtime::Language;
    use crate::schema::{Convention, infer};

    /// Whether the schema has no properties.
    fn takes_nothing(source: &str) -> bool {
        let inferred = infer(Language::Python, source.as_bytes());
        inferred.convention != Convention::Generic
            && inferred.schema["properties"].as_object().is_some_and(|all| all.is_empty())
    }

    #[test]
    fn a_script_without_a_source_takes_nothing() {
        for source in [
            "print(1)",
            "import json, pathlib\nprint(json.dumps([p.name for p in pathlib.Path('.').iterdir()]))",
            "import pandas as pd\nif __name__ == '__main__':\n    print(pd.DataFrame().shape)",
        ] {
            assert!(takes_nothing(source), "{source}");
        }
    }

    #[test]
    fn a_doubt_leaves_the_generic_schema() {
        for source in [
            "",
            "def broken(:",
            "import sys\nprint(len(sys.argv) * 2, *map(str, sys.orig_argv))",
            "import fileinput\nfor line in fileinput.FileInput():\n    print(line)",
            "print(open(0).read())",
            "import cyclopts\ncyclopts.App()()",
            "import subprocess\nsubprocess.call(['cat'])",
            "import helpers\nhelpers.main()",
            "from tool import main\nmain()",
            "import os\nos.execvp('cat', ['cat'])",
        ] {
            assert!(!takes_nothing(source), "{source}");
        }
    }

    #[test]
    fn modules_of_the_skill_are_read_too() {
        let script = |helper: &'static [u8]| {
            let files = move |path: &Path| (path == Path::new("scripts/helper.py")).then(|| helper.to_vec());
            let source = b"import helper\nhelper.work()";
            let path = Path::new("scripts/go.py");
            crate::schema::infer_script(&infer::Script { language: Language::Python, source, path, files: &files })
                .convention
        };
        assert_ne!(script(b"def work():\n    print(1)"), Convention::Generic);
        assert_eq!(script(b"import sys\ndef work():\n    print(sys.stdin.read())"), Convention::Generic);
    }
}
