//! Runtimes by effect: an empty root with exactly the mounts and links of a runtime runs a probe as the host does.
//!
//! bubblewrap builds the root, so that these tests do not depend on the library's own sandbox.

#[path = "runtime/lookup.rs"]
mod lookup;
#[path = "runtime/native.rs"]
mod native;
#[path = "runtime/programs.rs"]
mod programs;
#[path = "runtime/python.rs"]
mod python;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use skilllite::runtime::{Interpreters, Language, Lookup, Runtime};

/// A snapshot of this process's environment, as an engine takes it.
fn host() -> Lookup {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let variables = Lookup::VARIABLES.iter().filter_map(|name| Some((String::from(*name), std::env::var(name).ok()?)));
    Lookup {
        search_path: std::env::split_paths(&path).collect(),
        home: std::env::var_os("HOME").map(PathBuf::from),
        overrides: BTreeMap::new(),
        variables: variables.collect(),
    }
}

fn with_override(language: Language, program: &Path) -> Interpreters {
    Interpreters::new(Lookup { overrides: BTreeMap::from([(language, program.to_path_buf())]), ..host() })
}

fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

fn has_bwrap() -> bool {
    let works = Command::new("bwrap").args(["--unshare-all", "--ro-bind", "/", "/", "true"]).output();
    let works = works.is_ok_and(|output| output.status.success());
    if !works {
        skipped("bwrap is not installed or cannot make namespaces here");
    }
    works
}

/// What `runtime` prints for `arguments`, inside a root of its own or outside; a failure is part of the text.
fn output(runtime: &Runtime, arguments: &[&str], search_path: &str, is_inside: bool) -> String {
    let mut command = Command::new(if is_inside { Path::new("bwrap") } else { &runtime.program });
    command.env_clear().env("PATH", search_path).current_dir("/");
    command.envs(runtime.environment.iter().map(|(name, value)| (name, value)));
    if is_inside {
        command.env("PATH", format!("{search_path}:/usr/local/bin:/usr/bin:/bin"));
        command.args(["--unshare-all", "--die-with-parent", "--setenv", "PATH", search_path, "--tmpfs", "/tmp"]);
        for mount in &runtime.mounts {
            command.arg("--ro-bind").arg(mount).arg(mount);
        }
        for (link, text) in &runtime.symlinks {
            command.arg("--symlink").arg(text).arg(link);
        }
        command.args(["--proc", "/proc", "--dev", "/dev", "--chdir", "/", "--"]).arg(&runtime.program);
    }
    let output = command.args(&runtime.arguments).args(arguments).output().expect("the program starts");
    format!("{}{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr), output.status)
}

/// Runs the probe inside and outside and expects the same.
fn same_inside(what: &str, runtime: &Runtime, arguments: &[&str], search_path: &str) -> String {
    let inside = output(runtime, arguments, search_path, true);
    let outside = output(runtime, arguments, search_path, false);
    assert_eq!(inside, outside, "{what}: inside (left) differs from outside (right); {runtime:#?}");
    assert!(outside.ends_with("exit status: 0"), "{what}: the probe itself fails: {outside}");
    outside
}

fn assert_minimal(runtime: &Runtime) {
    let mounts = &runtime.mounts;
    for (at, mount) in mounts.iter().enumerate() {
        assert_eq!(fs::canonicalize(mount).expect("it exists"), *mount, "a mount is a real path");
        for (other_at, other) in mounts.iter().enumerate() {
            assert!(at == other_at || !mount.starts_with(other), "{} is inside {}", mount.display(), other.display());
        }
        let home = host().home.unwrap_or_else(|| PathBuf::from("/root"));
        for never in ["/etc", "/root", "/home", "/var", "/tmp", "/opt", "/usr", "/usr/local/etc", "/proc"] {
            assert!(!Path::new(never).starts_with(mount), "{} shows {never}", mount.display());
        }
        assert!(!home.starts_with(mount), "{} shows the home directory", mount.display());
    }
    for (link, text) in &runtime.symlinks {
        assert!(!mounts.iter().any(|mount| link.starts_with(mount)), "{} is shown by a mount", link.display());
        assert_eq!(fs::read_link(link).expect("it is a link"), *text);
    }
    assert!(mounts.len() <= 24, "{} mounts: {mounts:#?}", mounts.len());
}
