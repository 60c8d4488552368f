//! The lookup over trees of fake programs: version managers' shims, overrides, replaced programs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use skilllite::error::Status;
use skilllite::runtime::{Interpreters, Language, Lookup};
use tempfile::TempDir;

use super::{assert_minimal, with_override};

/// A directory tree with programs that are ELF files (copies of `true`) and version managers' files.
struct Tree {
    _directory: TempDir,
    root: PathBuf,
}

impl Tree {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("tempdir");
        let root = fs::canonicalize(directory.path()).expect("canonical");
        Self { _directory: directory, root }
    }

    fn path(&self, path: &str) -> PathBuf {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("mkdir");
        path
    }

    fn text(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::write(&path, text).expect("write");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
    }

    fn elf(&self, path: &str) {
        fs::copy("/bin/true", self.path(path)).expect("copy");
    }

    fn link(&self, path: &str, to: &str) {
        symlink(to, self.path(path)).expect("link");
    }

    /// `<prefix>/bin/python3` → `python<version>` and its standard library.
    fn python(&self, prefix: &str, version: &str) {
        self.elf(&format!("{prefix}/bin/python{version}"));
        self.link(&format!("{prefix}/bin/python3"), &format!("python{version}"));
        self.text(&format!("{prefix}/lib/python{version}/os.py"), "");
    }

    fn find(&self, language: Language, path: &[&str], variables: &[(&str, &str)]) -> Result<String, String> {
        let interpreters = Interpreters::new(Lookup {
            search_path: path.iter().map(|directory| self.root.join(directory)).collect(),
            home: Some(self.root.join("home")),
            overrides: BTreeMap::new(),
            variables: variables.iter().map(|(name, value)| (String::from(*name), String::from(*value))).collect(),
        });
        let runtime = interpreters.find(language).map_err(|error| {
            assert_eq!(error.status, Status::InterpreterNotFound);
            error.message
        })?;
        assert_minimal(&runtime);
        Ok(runtime.program.strip_prefix(&self.root).expect("in the tree").display().to_string())
    }
}

const PYENV_SHIM: &str = "#!/usr/bin/env bash\nexec \"/x/libexec/pyenv\" exec \"$program\" \"$@\"\n";

type Case = (&'static str, fn(&Tree), &'static [(&'static str, &'static str)], Result<&'static str, &'static str>);

#[test]
fn python_shims_are_followed() {
    fn pyenv(tree: &Tree) {
        tree.text("home/.pyenv/shims/python3", PYENV_SHIM);
        for version in ["3.9.2", "3.11.2", "3.11.10"] {
            let (short, _) = version.rsplit_once('.').expect("dots");
            tree.python(&format!("home/.pyenv/versions/{version}"), short);
        }
        tree.elf("home/.pyenv/versions/2.7.18/bin/python");
    }
    fn asdf(tree: &Tree) {
        tree.python("home/.asdf/installs/python/3.12.1", "3.12");
        tree.python("home/.asdf/installs/python/3.11.1", "3.11");
    }
    fn mise(tree: &Tree) {
        tree.elf("home/.local/bin/mise");
        tree.link("home/.local/share/mise/shims/python3", "../../../bin/mise");
        tree.python("home/.local/share/mise/installs/python/3.12.1", "3.12");
        tree.python("home/.local/share/mise/installs/python/3.11.9", "3.11");
    }
    let cases: &[Case] = &[
        (
            "version file",
            |t| {
                pyenv(t);
                t.text("home/.pyenv/version", "3.9.2\n");
            },
            &[],
            Ok("home/.pyenv/versions/3.9.2/bin/python3.9"),
        ),
        (
            "variable wins",
            |t| {
                pyenv(t);
                t.text("home/.pyenv/version", "3.9.2\n");
            },
            &[("PYENV_VERSION", "3.11.2")],
            Ok("home/.pyenv/versions/3.11.2/bin/python3.11"),
        ),
        (
            "several versions",
            |t| {
                pyenv(t);
                t.text("home/.pyenv/version", "# mine\n3.8.1 \n3.11.2\n3.9.2\n");
            },
            &[],
            Ok("home/.pyenv/versions/3.11.2/bin/python3.11"),
        ),
        (
            "several in the variable",
            pyenv,
            &[("PYENV_VERSION", "3.8.1:3.9.2")],
            Ok("home/.pyenv/versions/3.9.2/bin/python3.9"),
        ),
        ("short version", pyenv, &[("PYENV_VERSION", "3.11")], Ok("home/.pyenv/versions/3.11.10/bin/python3.11")),
        ("with prefix", pyenv, &[("PYENV_VERSION", "python-3.9.2")], Ok("home/.pyenv/versions/3.9.2/bin/python3.9")),
        (
            "not installed",
            pyenv,
            &[("PYENV_VERSION", "3.7.1")],
            Err("a shim for 3.7.1 (PYENV_VERSION), which is not installed"),
        ),
        ("a path is no version", pyenv, &[("PYENV_VERSION", "../versions/3.9.2")], Err("not installed")),
        ("no python3 in it", pyenv, &[("PYENV_VERSION", "2.7.18")], Err("not installed")),
        (
            "system means the next",
            |t| {
                pyenv(t);
                t.python("next", "3.10");
            },
            &[],
            Ok("next/bin/python3.10"),
        ),
        ("system and nothing else", pyenv, &[], Err("says system")),
        (
            "unresolved means the next",
            |t| {
                pyenv(t);
                t.python("next", "3.10");
            },
            &[("PYENV_VERSION", "3.7.1")],
            Ok("next/bin/python3.10"),
        ),
        (
            "pyenv-virtualenv",
            |t| {
                pyenv(t);
                t.link("home/.pyenv/versions/3.9.2/envs/web/bin/python3", "../../../bin/python3");
                let home = t.root.join("home/.pyenv/versions/3.9.2/bin");
                t.text(
                    "home/.pyenv/versions/3.9.2/envs/web/pyvenv.cfg",
                    &format!("home = {}\nversion = 3.9.2\n", home.display()),
                );
                t.link("home/.pyenv/versions/web", "3.9.2/envs/web");
            },
            &[("PYENV_VERSION", "web")],
            Ok("home/.pyenv/versions/web/bin/python3"),
        ),
        (
            "asdf by .tool-versions",
            |t| {
                asdf(t);
                t.text(
                    "home/.asdf/shims/python3",
                    "#!/usr/bin/env bash\n# asdf-plugin: python 3.12.1\n# asdf-plugin: python 3.11.1\nexec asdf exec\n",
                );
                t.text("home/.tool-versions", "nodejs 20.1.0\npython 3.12.1 3.11.1 # both\n");
            },
            &[],
            Ok("home/.asdf/installs/python/3.12.1/bin/python3.12"),
        ),
        (
            "asdf by variable",
            |t| {
                asdf(t);
                t.text(
                    "home/.asdf/shims/python3",
                    "#!/usr/bin/env bash\n# asdf-plugin: python 3.12.1\nexec asdf exec\n",
                );
            },
            &[("ASDF_PYTHON_VERSION", "3.11.1")],
            Ok("home/.asdf/installs/python/3.11.1/bin/python3.11"),
        ),
        (
            "asdf with one version",
            |t| {
                asdf(t);
                t.text(
                    "home/.asdf/shims/python3",
                    "#!/usr/bin/env bash\n# asdf-plugin: python 3.11.1\nexec asdf exec\n",
                );
            },
            &[],
            Ok("home/.asdf/installs/python/3.11.1/bin/python3.11"),
        ),
        (
            "asdf without a default",
            |t| {
                asdf(t);
                t.text(
                    "home/.asdf/shims/python3",
                    "#!/usr/bin/env bash\n# asdf-plugin: python 3.11.1\n# asdf-plugin: python 3.12.1\nexec asdf exec\n",
                );
            },
            &[],
            Err("set ASDF_PYTHON_VERSION"),
        ),
        ("mise, newest", mise, &[], Ok("home/.local/share/mise/installs/python/3.12.1/bin/python3.12")),
        (
            "mise by config",
            |t| {
                mise(t);
                t.text(
                    "home/.config/mise/config.toml",
                    "[settings]\npython = \"3.12\"\n[tools]\nnode = '20'\npython = [\"3.11\", \"3.12\"]\n",
                );
            },
            &[],
            Ok("home/.local/share/mise/installs/python/3.11.9/bin/python3.11"),
        ),
        (
            "mise by variable",
            mise,
            &[("MISE_PYTHON_VERSION", "3.11")],
            Ok("home/.local/share/mise/installs/python/3.11.9/bin/python3.11"),
        ),
        (
            "a wrapper script",
            |t| t.text("next/bin/python3", "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n"),
            &[],
            Err("cannot be told without running it"),
        ),
        (
            "a snap",
            |t| {
                t.elf("snapd/snap");
                t.link("next/bin/python3", "../../snapd/snap");
            },
            &[],
            Err("snap"),
        ),
        ("no standard library", |t| t.elf("next/bin/python3.11"), &[], Err("looked for python3 and python in")),
        (
            "binary alone",
            |t| {
                t.elf("next/bin/python3.99");
                t.link("next/bin/python3", "python3.99");
            },
            &[],
            Err("no standard library (python3.99) above"),
        ),
        (
            "Python 2",
            |t| {
                t.elf("next/bin/python2.7");
                t.link("next/bin/python", "python2.7");
            },
            &[],
            Err("it is Python 2.7"),
        ),
        ("a broken link", |t| t.link("next/bin/python3", "nowhere"), &[], Err("No such file")),
        (
            "not executable",
            |t| {
                t.elf("next/bin/python3");
                fs::set_permissions(t.path("next/bin/python3"), fs::Permissions::from_mode(0o644)).expect("chmod");
            },
            &[],
            Err("not an executable file"),
        ),
        (
            "python when there is no python3",
            |t| {
                t.python("next", "3.12");
                fs::rename(t.path("next/bin/python3"), t.path("next/bin/python")).expect("rename");
            },
            &[],
            Ok("next/bin/python3.12"),
        ),
    ];
    let path = ["home/.pyenv/shims", "home/.asdf/shims", "home/.local/share/mise/shims", "next/bin"];
    for (what, build, variables, expected) in cases {
        let tree = Tree::new();
        build(&tree);
        match (tree.find(Language::Python, &path, variables), expected) {
            (Ok(program), Ok(expected)) => assert_eq!(program, *expected, "{what}"),
            (Err(message), Err(words)) => {
                assert!(message.contains(words), "{what}: {message}");
                assert!(message.contains("\"interpreters\": {\"python\":"), "{what}: no remedy in {message}");
            }
            (found, _) => panic!("{what}: {found:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn node_shims_are_followed() {
    let cases: &[Case] = &[
        (
            "nodenv",
            |t| {
                t.text("home/.nodenv/shims/node", "#!/usr/bin/env bash\nexec nodenv exec\n");
                t.text("home/.nodenv/version", "20.1.0\n");
                t.elf("home/.nodenv/versions/20.1.0/bin/node");
            },
            &[],
            Ok("home/.nodenv/versions/20.1.0/bin/node"),
        ),
        (
            "volta",
            |t| {
                t.elf("home/.volta/bin/volta-shim");
                t.link("home/.volta/bin/node", "volta-shim");
                t.text("home/.volta/tools/user/platform.json", "{\"node\": {\"runtime\": \"20.1.0\", \"npm\": null}}");
                t.elf("home/.volta/tools/image/node/20.1.0/bin/node");
            },
            &[],
            Ok("home/.volta/tools/image/node/20.1.0/bin/node"),
        ),
        (
            "volta without a default",
            |t| {
                t.elf("home/.volta/bin/volta-shim");
                t.link("home/.volta/bin/node", "volta-shim");
            },
            &[],
            Err("without a default version"),
        ),
        (
            "asdf",
            |t| {
                t.text("home/.asdf/shims/node", "#!/usr/bin/env bash\n# asdf-plugin: nodejs 20.1.0\nexec asdf exec\n");
                t.elf("home/.asdf/installs/nodejs/20.1.0/bin/node");
            },
            &[],
            Ok("home/.asdf/installs/nodejs/20.1.0/bin/node"),
        ),
        (
            "mise",
            |t| {
                t.elf("home/.local/bin/mise");
                t.link("home/.local/share/mise/shims/node", "../../../bin/mise");
                t.elf("home/.local/share/mise/installs/node/18.2.0/bin/node");
                t.elf("home/.local/share/mise/installs/node/20.1.0/bin/node");
            },
            &[("MISE_NODE_VERSION", "18")],
            Ok("home/.local/share/mise/installs/node/18.2.0/bin/node"),
        ),
        (
            "nvm and fnm are plain paths",
            |t| {
                t.elf("home/.nvm/versions/node/v20.1.0/bin/node");
                t.link("next/bin", "../home/.nvm/versions/node/v20.1.0/bin");
            },
            &[],
            Ok("home/.nvm/versions/node/v20.1.0/bin/node"),
        ),
        ("nodejs, as Debian once named it", |t| t.elf("next/bin/nodejs"), &[], Ok("next/bin/nodejs")),
        ("none", |_| (), &[], Err("install one, or name it in the config")),
    ];
    let path =
        ["home/.nodenv/shims", "home/.volta/bin", "home/.asdf/shims", "home/.local/share/mise/shims", "next/bin"];
    for (what, build, variables, expected) in cases {
        let tree = Tree::new();
        build(&tree);
        match (tree.find(Language::Node, &path, variables), expected) {
            (Ok(program), Ok(expected)) => assert_eq!(program, *expected, "{what}"),
            (Err(message), Err(words)) => assert!(message.contains(words), "{what}: {message}"),
            (found, _) => panic!("{what}: {found:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn an_override_is_used_or_refused() {
    let tree = Tree::new();
    tree.python("mine", "3.12");
    tree.text("script", "#!/bin/sh\n");
    let find = |program: &Path| with_override(Language::Python, program).find(Language::Python);
    let runtime = find(&tree.root.join("mine/bin/python3")).expect("mine");
    assert_eq!(runtime.program, tree.root.join("mine/bin/python3.12"));
    for program in [tree.root.join("script"), tree.root.join("missing"), PathBuf::from("python3"), tree.root.clone()] {
        let error = find(&program).expect_err("refused");
        assert_eq!(error.status, Status::InterpreterNotFound);
        assert!(error.message.starts_with("interpreters.python = "), "{error}");
    }
}

#[test]
fn an_environment_in_the_home_directory_does_not_show_the_home() {
    let tree = Tree::new();
    tree.python("base", "3.12");
    tree.link("home/bin/python3", "../../base/bin/python3");
    tree.text("home/pyvenv.cfg", &format!("home = {}\n", tree.root.join("base/bin").display()));
    tree.text("home/lib/python3.12/site-packages/x.py", "");
    tree.text("home/secret", "");
    let lookup = Lookup {
        search_path: vec![tree.root.join("home/bin")],
        home: Some(tree.root.join("home")),
        ..Lookup::default()
    };
    let runtime = Interpreters::new(lookup).find(Language::Python).expect("found");
    assert_eq!(runtime.program, tree.root.join("home/bin/python3"));
    assert!(runtime.mounts.contains(&tree.root.join("home/lib")));
    assert!(!runtime.mounts.iter().any(|mount| tree.root.join("home/secret").starts_with(mount)), "{runtime:#?}");
}

#[test]
fn a_replaced_program_is_found_again() {
    let tree = Tree::new();
    tree.elf("bin/node");
    let lookup = Lookup { search_path: vec![tree.root.join("bin"), tree.root.join("other")], ..Lookup::default() };
    let interpreters = Interpreters::new(lookup);
    let first = interpreters.find(Language::Node).expect("first");
    assert!(std::sync::Arc::ptr_eq(&first, &interpreters.find(Language::Node).expect("kept")));
    fs::remove_file(tree.root.join("bin/node")).expect("remove");
    assert!(interpreters.find(Language::Node).is_err());
    tree.elf("other/node");
    assert_eq!(interpreters.find(Language::Node).expect("again").program, tree.root.join("other/node"));
}
