//! Runtimes by effect: an empty root with exactly the mounts and links of a runtime runs a probe as the host does.
//!
//! bubblewrap builds the root, so that these tests do not depend on the library's own sandbox.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use skilllite::error::Status;
use skilllite::runtime::{Interpreters, Language, Lookup, Runtime, python_needs_site};
use tempfile::TempDir;

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

const PYTHON_PROBE: &str = "
import sys, os
print(sys.version, sys.prefix, sys.exec_prefix, sys.path[1:], sys.flags.no_site)
for name in 'json ssl sqlite3 ctypes zlib hashlib lzma bz2 readline curses uuid decimal asyncio zoneinfo tkinter \
multiprocessing xml.etree.ElementTree unicodedata encodings.idna pwd yaml numpy requests'.split():
    if sys.flags.no_site and name in ('yaml', 'numpy', 'requests'):
        continue
    try:
        __import__(name)
        print(name, 'ok')
    except Exception as error:
        print(name, type(error).__name__)
import hashlib, random
print(hashlib.sha256(b'x').hexdigest(), sys.getfilesystemencoding(), sys.stdout.encoding)
try:
    import sqlite3
    print(sqlite3.connect(':memory:').execute('select 1 + 1').fetchone())
    import ssl
    print(ssl.OPENSSL_VERSION, ssl.create_default_context().protocol)
    import ctypes
    print(ctypes.CDLL(None).getpid() > 0)
    import zoneinfo
    print(zoneinfo.ZoneInfo('Europe/Oslo'))
except ImportError as error:
    print(error.name)
";

const PYTHON_HIDDEN: &str = "
import os
print([path for path in ('/etc/passwd', '/root/.bashrc', '/root/.ssh', '/usr/bin/ls', '/usr/local/etc', '/var')
       if os.path.exists(path)])
";

fn probe_python(what: &str, interpreters: &Interpreters) -> Runtime {
    let runtime = interpreters.find(Language::Python).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_minimal(&runtime);
    if !has_bwrap() {
        return Runtime::clone(&runtime);
    }
    for arguments in [&["-c", PYTHON_PROBE][..], &["-S", "-c", PYTHON_PROBE]] {
        same_inside(what, &runtime, arguments, "/usr/bin");
    }
    assert_eq!(output(&runtime, &["-c", PYTHON_HIDDEN], "/usr/bin", true), "[]\nexit status: 0", "{what}");
    Runtime::clone(&runtime)
}

#[test]
fn the_python_on_the_search_path_runs() {
    let runtime = probe_python("python on PATH", &Interpreters::new(host()));
    assert!(!runtime.program.components().any(|part| part.as_os_str() == "shims"), "{}", runtime.program.display());
    assert_eq!(runtime.arguments, ["-B", "-s"].map(OsString::from));
}

#[test]
fn the_distribution_s_python_runs() {
    let program = Path::new("/usr/bin/python3");
    if program.exists() {
        probe_python("/usr/bin/python3", &with_override(Language::Python, program));
    } else {
        skipped("no /usr/bin/python3");
    }
}

/// The versions of the pyenv that is on the search path, each by its own `python3`.
fn pyenv_versions() -> Vec<PathBuf> {
    let shims = host().search_path.into_iter().filter(|directory| directory.ends_with("shims"));
    let roots = shims.filter_map(|shims| Some(shims.parent()?.join("versions")));
    let mut programs: Vec<PathBuf> = roots
        .filter_map(|versions| fs::read_dir(versions).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path().join("bin/python3")))
        .filter(|program| program.exists())
        .collect();
    programs.sort();
    programs
}

#[test]
fn every_pyenv_python_runs() {
    let programs = pyenv_versions();
    if programs.is_empty() {
        skipped("no pyenv versions on the search path");
    }
    for program in programs {
        let runtime = probe_python(&program.display().to_string(), &with_override(Language::Python, &program));
        let version = program.parent().and_then(Path::parent).expect("versions/X");
        assert!(runtime.mounts.contains(&version.join("lib")), "{:#?}", runtime.mounts);
    }
}

#[test]
fn a_pyenv_shim_becomes_the_version_it_stands_for() {
    let Some(program) = pyenv_versions().pop() else { return skipped("no pyenv versions on the search path") };
    let version = program.parent().and_then(Path::parent).expect("versions/X");
    let name = version.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    let mut lookup = host();
    lookup.variables.insert(String::from("PYENV_VERSION"), String::from(name));
    let runtime = probe_python("pyenv shim", &Interpreters::new(lookup));
    assert!(runtime.program.starts_with(version), "{}", runtime.program.display());
}

#[test]
fn virtual_environments_run() {
    let mut bases = pyenv_versions();
    bases.retain(|base| base.to_string_lossy().contains("/3.1"));
    let bases: Vec<PathBuf> = [PathBuf::from("/usr/bin/python3")].into_iter().chain(bases.pop()).collect();
    for (base, copies) in bases.iter().flat_map(|base| [(base, false), (base, true)]) {
        if !base.exists() {
            skipped(&format!("no {}", base.display()));
            continue;
        }
        let directory = tempfile::tempdir().expect("tempdir");
        let root = fs::canonicalize(directory.path()).expect("canonical").join("project");
        let mut command = Command::new(base);
        command.env_clear().args(["-m", "venv", "--without-pip"]).arg(&root);
        let made = command.args(copies.then_some("--copies")).output().expect("venv starts");
        if !made.status.success() {
            skipped(&format!("{} cannot make a virtual environment", base.display()));
            continue;
        }
        fs::write(root.join("secret.env"), "TOKEN=1").expect("write");
        let library = fs::read_dir(root.join("lib")).expect("lib").flatten().next().expect("pythonX.Y").path();
        fs::write(library.join("site-packages/only_here.py"), "answer = 42").expect("write");

        let lookup = Lookup { search_path: vec![root.join("bin")], ..host() };
        let runtime = probe_python(&format!("venv of {} copies={copies}", base.display()), &Interpreters::new(lookup));
        assert_eq!(runtime.program, root.join("bin/python3"));
        if has_bwrap() {
            let probe =
                "import only_here, sys, os; print(only_here.answer, sys.prefix, sys.base_prefix, sys.executable)";
            let printed = same_inside("venv", &runtime, &["-c", probe], "/usr/bin");
            assert!(printed.starts_with(&format!("42 {} ", root.display())), "{printed}");
            let probe = "import os, sys; print(os.path.exists(sys.prefix + '/secret.env'))";
            assert_eq!(output(&runtime, &["-c", probe], "/usr/bin", true), "False\nexit status: 0");
        }
        let mut active = host();
        active.variables.insert(String::from("VIRTUAL_ENV"), root.display().to_string());
        let active = Interpreters::new(active).find(Language::Python).expect("active");
        assert_eq!(active.program, runtime.program, "VIRTUAL_ENV goes before the search path");
    }
}

#[test]
fn node_runs() {
    let interpreters = Interpreters::new(host());
    let Ok(runtime) = interpreters.find(Language::Node) else { return skipped("no node") };
    assert_minimal(&runtime);
    if has_bwrap() {
        let probe = "const c = require('crypto'); console.log(c.randomUUID().length, c.createHash('sha256').update('x').digest('hex'), \
                     new Intl.DateTimeFormat('de', {month: 'long', timeZone: 'Asia/Tokyo'}).format(0), process.version, \
                     require('zlib').gzipSync('x').length, typeof fetch, require('fs').existsSync('/etc/passwd') === (process.argv[1] === 'out'))";
        let inside = output(&runtime, &["-e", probe, "in"], "/usr/bin", true);
        assert_eq!(inside, output(&runtime, &["-e", probe, "out"], "/usr/bin", false));
        assert!(inside.contains("Januar"), "{inside}");
    }
}

const SHELL_PROBE: &str = "
set -e
ls /usr/bin | head -n 1
printf 'a b\\n' | awk '{ print $2 }'
echo aXb | sed s/X/-/ | tr a-z A-Z
echo '{\"a\": 1}' | grep -o '[0-9]'
seq 3 | sort -r | xargs echo
case \"$(date -u -d @0 +%Y)\" in 1970) echo epoch ;; esac
if test -x /usr/bin/perl; then perl -MPOSIX -MList::Util=sum -e 'print floor(2.5), sum(1, 2), qq(\\n)'; fi
if test -x /usr/bin/git; then git --version; fi
if test -x /usr/bin/file; then file -b /usr/bin/env | cut -c 1-3; fi
cd /tmp && find /usr/bin/env -newermt @0 | wc -l
";

#[test]
fn shells_run_with_their_tools() {
    let programs = [
        (Language::Bash, None, &[][..]),
        (Language::Sh, None, &[]),
        (Language::Sh, Some("/usr/bin/dash"), &[]),
        (Language::Sh, Some("/usr/bin/busybox"), &["sh"]),
        (Language::Sh, Some("/usr/bin/bash"), &[]),
    ];
    for (language, program, arguments) in programs {
        if program.is_some_and(|program| !Path::new(program).exists()) {
            skipped(&format!("no {program:?}"));
            continue;
        }
        let interpreters = program.map_or_else(|| Interpreters::new(host()), |p| with_override(language, Path::new(p)));
        let runtime = interpreters.find(language).unwrap_or_else(|error| panic!("{program:?}: {error}"));
        assert_minimal(&runtime);
        if program.is_some() {
            assert_eq!(runtime.arguments, arguments, "{program:?}");
        }
        if has_bwrap() {
            let path = &interpreters.tools().search_path;
            same_inside(&format!("{language} {program:?}"), &runtime, &["-c", SHELL_PROBE], path);
            let hidden =
                "for f in /etc/passwd /root/.bashrc /usr/local/etc /var; do test ! -e $f || echo $f; done; echo end";
            assert_eq!(output(&runtime, &["-c", hidden], path, true), "end\nexit status: 0");
        }
    }
}

#[test]
fn sh_keeps_the_name_that_makes_bash_posix() {
    let directory = tempfile::tempdir().expect("tempdir");
    let root = fs::canonicalize(directory.path()).expect("canonical");
    symlink("/bin/bash", root.join("sh")).expect("link");
    let interpreters = Interpreters::new(Lookup { search_path: vec![root.clone()], ..host() });
    let Ok(runtime) = interpreters.find(Language::Sh) else { return skipped("no bash") };
    assert_eq!(runtime.program, root.join("sh"));
    if has_bwrap() {
        let printed = same_inside(
            "sh is bash",
            &runtime,
            &["-c", "case :$SHELLOPTS: in *:posix:*) echo posix;; esac"],
            "/usr/bin",
        );
        assert!(printed.starts_with("posix"), "{printed}");
    }
}

#[test]
fn tools_join_a_runtime_without_overlap() {
    let interpreters = Interpreters::new(host());
    let Ok(python) = interpreters.find(Language::Python) else { return skipped("no python") };
    let both = python.with_tools(&interpreters.tools());
    assert_minimal(&both);
    if has_bwrap() {
        let probe = "import subprocess, sys; print(subprocess.run(['ls', '/usr/bin/env'], capture_output=True), \
                     subprocess.run([sys.executable, '-c', 'import ssl']))";
        same_inside("python with tools", &both, &["-c", probe], "/usr/bin");
    }
}

#[test]
fn native_programs_run() {
    let interpreters = Interpreters::new(host());
    for name in ["/usr/bin/true", "/usr/bin/ls", "/usr/bin/git", "/usr/bin/curl"] {
        let program = Path::new(name);
        if !program.exists() {
            skipped(&format!("no {name}"));
            continue;
        }
        let runtime = interpreters.native(program).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_minimal(&runtime);
        assert!(!runtime.mounts.contains(&program.to_path_buf()), "the program is the skill's");
        assert!(!runtime.mounts.is_empty());
        let mut with_itself = Runtime::clone(&runtime);
        with_itself.mounts.push(fs::canonicalize(program).expect("real"));
        if has_bwrap() {
            same_inside(name, &with_itself, &["--version"], "/usr/bin");
        }
    }
    let busybox = Path::new("/usr/bin/busybox");
    if busybox.exists() {
        let runtime = interpreters.native(busybox).expect("static");
        assert_eq!((runtime.mounts.len(), runtime.symlinks.len()), (0, 0), "{runtime:#?}");
    } else {
        skipped("no static busybox");
    }
}

#[test]
fn native_errors_have_a_status() {
    let directory = tempfile::tempdir().expect("tempdir");
    let interpreters = Interpreters::new(host());
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).expect("write");
        path
    };
    let truth = fs::read("/bin/true").expect("/bin/true");
    let mut other_machine = truth.clone();
    other_machine[18] = 8;
    for (path, status, words) in [
        (directory.path().join("missing"), Status::Io, "missing"),
        (file("script", b"#!/bin/sh\n"), Status::InterpreterNotFound, "no ELF executable"),
        (file("empty", b""), Status::InterpreterNotFound, "no ELF executable"),
        (file("magic", b"\x7fELF"), Status::InterpreterNotFound, "truncated"),
        (file("cut", &truth[..200]), Status::InterpreterNotFound, "truncated"),
        (file("32", b"\x7fELF\x01\x01").clone(), Status::InterpreterNotFound, "truncated"),
        (file("mips", &other_machine), Status::InterpreterNotFound, "another processor"),
        (directory.path().to_path_buf(), Status::InterpreterNotFound, "not a regular file"),
    ] {
        let error = interpreters.native(&path).expect_err("unusable");
        assert_eq!(error.status, status, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[test]
fn a_skill_s_program_cannot_name_files_of_the_host() {
    let directory = tempfile::tempdir().expect("tempdir");
    let secret = directory.path().join("k");
    fs::copy("/bin/true", &secret).expect("copy");
    let mut program = fs::read("/bin/true").expect("/bin/true");
    // The loader's name is replaced by that of a private file.
    let loader = b"/lib";
    let at = program.windows(loader.len()).position(|window| window == loader).expect("a loader");
    let mut name = secret.to_str().expect("UTF-8").as_bytes().to_vec();
    name.push(0);
    let room = program[at..].iter().position(|byte| *byte == 0).expect("an end") + 1;
    if name.len() > room {
        return skipped("the temporary directory's name is too long to patch in");
    }
    program[at..at + name.len()].copy_from_slice(&name);
    let path = directory.path().join("program");
    fs::write(&path, program).expect("write");
    let error = Interpreters::new(host()).native(&path).expect_err("refused");
    assert!(error.message.contains("outside the system's library directories"), "{error}");
}

#[test]
fn damaged_executables_are_errors_and_never_panics() {
    let directory = tempfile::tempdir().expect("tempdir");
    let path = directory.path().join("program");
    let original = fs::read("/bin/true").expect("/bin/true");
    let interpreters = Interpreters::new(host());
    // xorshift64*, seeded: a failure can be repeated.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        usize::try_from((state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below.max(1) as u64).expect("fits")
    };
    // Where it hurts: the headers, the dynamic section (found by its offset in the program headers), its strings.
    let dynamic = (0..usize::from(original[56]))
        .map(|index| 64 + index * 56)
        .find(|at| original[*at] == 2 && original[at + 1..at + 4] == [0, 0, 0])
        .map(|at| u64::from_le_bytes(original[at + 8..at + 16].try_into().expect("8 bytes")))
        .map_or(0, |offset| usize::try_from(offset).expect("fits"));
    let (mut fine, mut refused) = (0, 0);
    for round in 0..3000 {
        let mut bytes = original.clone();
        for _ in 0..=random(4) {
            let (start, length) = match round % 3 {
                0 => (0, 64 + 13 * 56),
                1 => (dynamic, 512),
                _ => (0, bytes.len()),
            };
            let at = (start + random(length)).min(bytes.len() - 1);
            bytes[at] = [0, 0xff, 0x7f, 0x80, u8::try_from(random(256)).expect("byte")][random(5)];
        }
        if random(8) == 0 {
            bytes.truncate(random(original.len()));
        }
        fs::write(&path, &bytes).expect("write");
        match interpreters.native(&path) {
            Ok(_) => fine += 1,
            Err(error) => {
                assert!(matches!(error.status, Status::InterpreterNotFound | Status::Io), "round {round}: {error}");
                refused += 1;
            }
        }
    }
    assert!(fine > 100 && refused > 100, "the damage is one-sided: {fine} fine, {refused} refused");
}

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

#[test]
fn the_standard_library_of_a_real_python_is_known() {
    let Ok(runtime) = Interpreters::new(host()).find(Language::Python) else { return skipped("no python") };
    let outside = Command::new(&runtime.program)
        .env_clear()
        .args(["-S", "-c", "import sys; print(*getattr(sys, 'stdlib_module_names', ['os']))"])
        .output()
        .expect("python starts");
    // Those of other systems, and those this build may have been made without.
    let absent = [
        "_dbm",
        "_gdbm",
        "_tkinter",
        "_overlapped",
        "_scproxy",
        "_winapi",
        "_wmi",
        "_msi",
        "msilib",
        "nt",
        "msvcrt",
        "winreg",
        "winsound",
        "nis",
        "ossaudiodev",
        "_crypt",
        "crypt",
        "spwd",
        "_curses",
        "_curses_panel",
        "_lzma",
        "_bz2",
        "_sqlite3",
        "_ctypes",
        "_uuid",
        "idlelib",
        "tkinter",
        "lib2to3",
        "turtledemo",
        "ensurepip",
        "readline",
    ];
    let names = String::from_utf8(outside.stdout).expect("UTF-8");
    let missing: Vec<&str> = names
        .split_whitespace()
        .filter(|name| !absent.contains(name) && !runtime.standard_modules.iter().any(|known| known == name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
    for name in ["site-packages", "yaml", "numpy", "requests", "pip", "lib-dynload", "__pycache__"] {
        assert!(!runtime.standard_modules.iter().any(|known| known == name), "{name}");
    }
    let source: &[u8] = b"import argparse, json, math, ssl, xml.etree.ElementTree, _socket\nprint(math.pi)\n";
    assert!(!python_needs_site(&[(Path::new("main.py"), source)], &runtime));
    assert!(python_needs_site(&[(Path::new("main.py"), b"import requests")], &runtime));
}

#[test]
fn interpreters_are_shared_by_threads() {
    let interpreters = Interpreters::new(host());
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| interpreters.find(Language::Sh).map(|r| r.program.clone()))).collect();
        let found: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
    });
}
