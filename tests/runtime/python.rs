//! Pythons: the distribution's, pyenv's, virtual environments, and what their standard library holds.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use skilllite::runtime::{Interpreters, Language, Lookup, Runtime, python_needs_site};

use super::{assert_minimal, has_bwrap, host, output, same_inside, skipped, with_override};

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

/// The comparisons above can fail: without one of its mounts the same probe fails inside.
#[test]
fn every_library_mount_is_needed() {
    let Ok(runtime) = Interpreters::new(host()).find(Language::Python) else { return skipped("no python") };
    if !has_bwrap() {
        return;
    }
    let probe = ["-c", "import ssl, sqlite3; print('fine')"];
    assert!(output(&runtime, &probe, "/usr/bin", true).starts_with("fine"));
    let libraries: Vec<_> = runtime.mounts.iter().filter(|mount| mount.to_string_lossy().contains("/lib")).collect();
    assert!(!libraries.is_empty(), "{runtime:#?}");
    for library in libraries.into_iter().filter(|library| !library.ends_with("dist-packages")) {
        let mut without = Runtime::clone(&runtime);
        without.mounts.retain(|mount| mount != library);
        let printed = output(&without, &probe, "/usr/bin", true);
        assert!(!printed.starts_with("fine"), "{} is not needed", library.display());
    }
}

#[test]
fn a_library_found_by_variable_only_keeps_the_variable() {
    let Some(original) = pyenv_versions().pop() else { return skipped("no pyenv versions on the search path") };
    let version = original.parent().and_then(Path::parent).expect("versions/X");
    let mut bytes = fs::read(&original).expect("python");
    let (old, new) = (version.join("lib").display().to_string(), [b"/nowhere".as_slice(), &[b'x'; 200]].concat());
    let Some(at) = bytes.windows(old.len()).position(|window| window == old.as_bytes()) else {
        return skipped("this python has no run path");
    };
    bytes[at..at + old.len()].copy_from_slice(&new[..old.len()]);
    let directory = tempfile::tempdir().expect("tempdir");
    let root = fs::canonicalize(directory.path()).expect("canonical");
    fs::create_dir(root.join("bin")).expect("mkdir");
    std::os::unix::fs::symlink(version.join("lib"), root.join("lib")).expect("link");
    let program = root.join("bin").join(fs::canonicalize(&original).expect("real").file_name().expect("a name"));
    fs::write(&program, bytes).expect("write");
    fs::set_permissions(&program, fs::metadata(&original).expect("python").permissions()).expect("chmod");

    let mut interpreters = with_override(Language::Python, &program);
    let error = interpreters.find(Language::Python).expect_err("its libpython cannot be found");
    assert!(error.message.contains("its library libpython"), "{error}");
    let library_path = root.join("lib").display().to_string();
    interpreters = Interpreters::new(Lookup {
        overrides: [(Language::Python, program)].into(),
        variables: [(String::from("LD_LIBRARY_PATH"), format!("/nowhere:{library_path}"))].into(),
        ..host()
    });
    let runtime = interpreters.find(Language::Python).expect("found");
    let variable = (OsString::from("LD_LIBRARY_PATH"), OsString::from(format!("/nowhere:{library_path}")));
    assert!(runtime.environment.contains(&variable), "{runtime:#?}");
    assert_minimal(&runtime);
    if has_bwrap() {
        let printed = same_inside("by variable", &runtime, &["-c", "import ssl; print('fine')"], "/usr/bin");
        assert!(printed.starts_with("fine"), "{printed}");
    }
}
