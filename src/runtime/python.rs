//! CPython 3: the binary behind a name, its standard library, its site directories, its extension modules' libraries.
//!
//! The prefix is found as CPython's getpath finds it: upwards from the binary (or from a virtual environment's `home`)
//! to the first `lib/pythonX.Y/os.py`. A prefix of Python's own (pyenv, uv, conda) is bound as its `bin` and `lib`; a
//! shared one (`/usr`, `/usr/local`, a home) only where it is Python's.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::loader::{Loader, Trust};
use super::shim::{self, small_text};
use super::view::View;
use super::{Language, Lookup, Runtime, elf, site};

/// `-B`: the root is read-only, so writing bytecode would only fail. `-s`: the user's own site directory is not
/// visible and must not be looked for. Not `-I` and not `-P`: they take the script's directory from `sys.path`, and
/// skills' scripts import their siblings. `-S` is the caller's choice, by [`site::python_needs_site`].
const ARGUMENTS: &[&str] = &["-B", "-s"];

/// Names of site directories; the second is Debian's.
const SITE: &[&str] = &["site-packages", "dist-packages"];

/// The runtime of the Python at `candidate`; the error is a one-line reason why it cannot be used.
pub(super) fn runtime(candidate: &Path, lookup: &Lookup) -> Result<Runtime, String> {
    let program = shim::follow(candidate, shim::PYTHON, lookup)?;
    let mut view = View::new(lookup.home.as_deref());
    let real = view.add(&program)?;
    let environment = Environment::around(&program);
    let home =
        environment.as_ref().map_or_else(|| real.parent().map(Path::to_path_buf), |venv| Some(venv.home.clone()));
    let home = home.ok_or("it has no directory")?;
    let names = library_names(&real, &home, environment.as_ref())?;
    let (prefix, library) = standard_library(&home, &names)
        .ok_or_else(|| format!("no standard library ({}) above {}", names.join(" or "), home.display()))?;
    // Fedora keeps the two kinds of modules apart: pure ones in `lib`, extensions in `lib64`.
    let libraries = ["lib", "lib64"].map(|lib| prefix.join(lib).join(library.file_name().unwrap_or_default()));

    view.add(&library)?;
    for library in &libraries {
        view.add_if_present(library);
    }
    if is_shared(&prefix, lookup) {
        add_shared_site(&mut view, &prefix, &library);
    } else {
        for directory in ["bin", "lib", "lib64"] {
            view.add_if_present(&prefix.join(directory));
        }
    }
    // A distribution may have made these links out of the library (Homebrew).
    for name in SITE {
        view.add_if_present(&library.join(name));
    }
    if let Some(venv) = &environment {
        // Not the whole directory: it is a project's root where someone ran `python -m venv .`.
        for name in ["bin", "lib", "lib64", "pyvenv.cfg"] {
            view.add_if_present(&venv.root.join(name));
        }
        view.add_links(&venv.home);
    }
    // The data of the standard library's zoneinfo.
    view.add_if_present(Path::new("/usr/share/zoneinfo"));

    let library_path = lookup.variables.get("LD_LIBRARY_PATH").map(String::as_str).unwrap_or_default();
    let mut loader = Loader::load(&mut view, &real, Trust::Host, library_path)?;
    let mut standard_modules = BTreeSet::new();
    for directory in &libraries {
        standard_modules.extend(module_names(directory));
        let extensions = directory.join("lib-dynload");
        standard_modules.extend(module_names(&extensions));
        for module in files_ending(&extensions, ".so") {
            loader.load_module(&module);
        }
    }
    standard_modules.extend(site::BUILT_IN.iter().map(|name| String::from(*name)));
    // The root has no locale archive: without this, text would be ASCII.
    let mut variables = vec![(OsString::from("PYTHONUTF8"), OsString::from("1"))];
    variables.extend(loader.library_path().map(|path| (OsString::from("LD_LIBRARY_PATH"), OsString::from(path))));

    let (mounts, symlinks) = view.into_parts();
    Ok(Runtime {
        language: Language::Python,
        // A virtual environment is recognised by the path that Python is started under.
        program: if environment.is_some() { program } else { real },
        arguments: ARGUMENTS.iter().map(OsString::from).collect(),
        mounts,
        symlinks,
        environment: variables,
        standard_modules: standard_modules.into_iter().collect(),
    })
}

/// A virtual environment.
struct Environment {
    root: PathBuf,
    /// The directory of the base interpreter.
    home: PathBuf,
    /// `X.Y…`, when its file says so.
    version: Option<String>,
}

impl Environment {
    /// Looks for `pyvenv.cfg` beside `program` and one directory up, as Python does, without following links.
    fn around(program: &Path) -> Option<Self> {
        let bin = program.parent()?;
        let (root, text) = [Some(bin), bin.parent()]
            .into_iter()
            .flatten()
            .find_map(|dir| Some((dir, small_text(&dir.join("pyvenv.cfg"))?)))?;
        let value = |key: &str| {
            text.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                name.trim().eq_ignore_ascii_case(key).then(|| String::from(value.trim()))
            })
        };
        let home = PathBuf::from(value("home")?);
        let version = value("version").or_else(|| value("version_info"));
        home.is_absolute().then(|| Self { root: root.to_path_buf(), home, version })
    }
}

/// The possible names of the library's directory (`python3.13t`, `python3.13`), likeliest first; told by the binary's
/// name, by the libpython it needs, by the environment's file, or by the base interpreter's name.
fn library_names(real: &Path, home: &Path, venv: Option<&Environment>) -> Result<Vec<String>, String> {
    let base_name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let needed = elf::read_file(real)?.map(|elf| elf.needed).unwrap_or_default();
    let mut candidates: Vec<String> = base_name(real).into_iter().collect();
    candidates.extend(needed.iter().filter_map(|name| Some(name.strip_prefix("lib")?.split(".so").next()?.to_owned())));
    candidates.extend(venv.and_then(|venv| Some(format!("python{}", venv.version.as_ref()?))));
    candidates.extend(std::fs::canonicalize(home.join("python3")).ok().as_deref().and_then(base_name));
    let mut versions = candidates.iter().filter_map(|name| version_of(name));
    let Some((major, minor, suffix)) = versions.next() else {
        return Err(String::from("its version cannot be told"));
    };
    if major != 3 {
        return Err(format!("it is Python {major}.{minor}, and 3 is needed"));
    }
    let plain = format!("python3.{minor}");
    Ok(if suffix.is_empty() { vec![plain] } else { vec![format!("{plain}{suffix}"), plain] })
}

/// `python3.13t` → (3, 13, "t"); patch levels are dropped.
fn version_of(name: &str) -> Option<(u32, u32, String)> {
    let (major, rest) = name.strip_prefix("python")?.split_once('.')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (minor, suffix) = rest.split_at_checked(digits)?;
    let suffix = suffix.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
    Some((major.parse().ok()?, minor.parse().ok()?, String::from(suffix)))
}

/// The prefix and standard library of the interpreter in `bin`.
fn standard_library(bin: &Path, names: &[String]) -> Option<(PathBuf, PathBuf)> {
    bin.ancestors().find_map(|prefix| {
        ["lib", "lib64"]
            .iter()
            .flat_map(|lib| names.iter().map(move |name| prefix.join(lib).join(name)))
            .find_map(|library| library.join("os.py").is_file().then(|| (prefix.to_path_buf(), library)))
    })
}

/// Whether others than Python keep files under `prefix`.
fn is_shared(prefix: &Path, lookup: &Lookup) -> bool {
    let real = std::fs::canonicalize(prefix).unwrap_or_else(|_| prefix.to_path_buf());
    let home = lookup.home.as_deref().and_then(|home| std::fs::canonicalize(home).ok());
    ["/", "/usr", "/usr/local", "/opt"].iter().any(|shared| real == Path::new(shared))
        || home.is_some_and(|home| real == home || real == home.join(".local"))
}

/// The site directories of a prefix that is not Python's own.
fn add_shared_site(view: &mut View, prefix: &Path, library: &Path) {
    let name = library.file_name().unwrap_or_default();
    for lib in ["lib", "lib64"] {
        for site in SITE {
            // The administrator's packages; `/usr/local` is the prefix itself where Python was built from source.
            view.add_if_present(&prefix.join("local").join(lib).join(name).join(site));
        }
    }
    if view.add_if_present(&prefix.join("lib/python3/dist-packages")) {
        // Debian's numpy reaches its BLAS by a link in here.
        view.add_if_present(Path::new("/etc/alternatives"));
    }
}

/// The names that can be imported from `directory`: modules, packages, extensions.
fn module_names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let stem = match name.split_once('.') {
                Some((stem, ending)) if ending == "py" || ending == "so" || ending.ends_with(".so") => stem,
                Some(_) => return None,
                None => &name,
            };
            // These two are imported by `site` itself; `lib-dynload` and the site directories are no identifiers.
            let is_module = stem.chars().all(|c| c == '_' || c.is_alphanumeric()) && stem != "__pycache__";
            (is_module && stem != "sitecustomize" && stem != "usercustomize").then(|| String::from(stem))
        })
        .collect()
}

fn files_ending(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(ending));
    files.sort_unstable();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        for (name, expected) in [
            ("python3.11", Some((3, 11, ""))),
            ("python3.13t", Some((3, 13, "t"))),
            ("python3.7m", Some((3, 7, "m"))),
            ("python3.11.2", Some((3, 11, ""))),
            ("python2.7", Some((2, 7, ""))),
            ("python3", None),
            ("python", None),
            ("pypy3.10", None),
        ] {
            let expected = expected.map(|(major, minor, suffix)| (major, minor, String::from(suffix)));
            assert_eq!(version_of(name), expected, "{name}");
        }
    }
}
