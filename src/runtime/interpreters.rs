//! The engine's way in: finds each language's runtime once and keeps it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::loader::{Loader, Trust};
use super::view::View;
use super::{Certificates, Language, Lookup, Runtime, Tools, certificates, node, python, shell, tools};
use crate::error::{Error, Result, Status};

/// Searched when the lookup's search path is empty, as by execvp(3).
const DEFAULT_SEARCH_PATH: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];
/// Reasons and directories that an error names at most; it is one line for a person.
const MAX_NAMED: usize = 6;
/// Native programs kept; a registry has a few dozen.
const MAX_NATIVE: usize = 512;

/// The interpreters of this host. Shared by all threads; each language is looked up once, and again when its program
/// was replaced on disk. Two threads that ask at the same moment may both search; one answer is kept.
#[derive(Debug)]
pub struct Interpreters {
    pub(super) lookup: Lookup,
    found: Mutex<BTreeMap<Language, Kept>>,
    native: Mutex<BTreeMap<PathBuf, Kept>>,
    tools: OnceLock<Arc<Tools>>,
    certificates: OnceLock<Arc<Certificates>>,
}

#[derive(Clone, Debug)]
struct Kept {
    stamp: Stamp,
    runtime: Arc<Runtime>,
}

/// What tells that a file is still the same one: device, inode, bytes, modification time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp(u64, u64, u64, i64, i64);

impl Stamp {
    fn of(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let data = std::fs::metadata(path)?;
        Ok(Self(data.dev(), data.ino(), data.size(), data.mtime(), data.mtime_nsec()))
    }
}

impl Interpreters {
    /// Keeps `lookup`; reads no file yet.
    pub fn new(lookup: Lookup) -> Self {
        Self {
            lookup,
            found: Mutex::default(),
            native: Mutex::default(),
            tools: OnceLock::new(),
            certificates: OnceLock::new(),
        }
    }

    /// The program that runs scripts of `language`, found on first use. [`Status::InterpreterNotFound`] names what was
    /// searched and why each candidate was left out; it is not kept, so that a later installation is seen.
    /// [`Language::Native`] has no interpreter and is [`Status::Internal`]: use [`native`](Self::native).
    pub fn find(&self, language: Language) -> Result<Arc<Runtime>> {
        let kept = lock(&self.found).get(&language).cloned();
        if let Some(kept) = kept
            && Stamp::of(&kept.runtime.program).is_ok_and(|stamp| stamp == kept.stamp)
        {
            return Ok(kept.runtime);
        }
        let names: &[&str] = match language {
            Language::Python => &["python3", "python"],
            Language::Node => &["node", "nodejs"],
            Language::Bash => &["bash"],
            Language::Sh => &["sh"],
            Language::Native => {
                return Err(Error::new(Status::Internal, "native programs have no interpreter to find"));
            }
        };
        let runtime = Arc::new(self.search(language, names)?);
        let stamp = Stamp::of(&runtime.program).map_err(|error| io(&runtime.program, &error))?;
        lock(&self.found).insert(language, Kept { stamp, runtime: Arc::clone(&runtime) });
        Ok(runtime)
    }

    /// What the ELF executable at `program` (a file of a skill) needs beside itself: its loader and shared libraries,
    /// from the system's library directories only, because the file that names them is not trusted; those it finds by
    /// `$ORIGIN` come with the skill. A static executable needs nothing. `program` is returned as given. Errors:
    /// [`Status::Io`] when it cannot be read, [`Status::InterpreterNotFound`] when it is no executable of this machine
    /// or a library is missing.
    pub fn native(&self, program: &Path) -> Result<Arc<Runtime>> {
        let stamp = Stamp::of(program).map_err(|error| io(program, &error))?;
        if let Some(kept) = lock(&self.native).get(program).filter(|kept| kept.stamp == stamp) {
            return Ok(Arc::clone(&kept.runtime));
        }
        let mut view = View::new(self.lookup.home.as_deref());
        Loader::load(&mut view, program, Trust::Skill, "").map_err(|why| {
            let message = format!("{} cannot be run as a native program: {why}", program.display());
            Error::new(Status::InterpreterNotFound, message)
        })?;
        let (mounts, symlinks) = view.into_parts();
        let runtime = Arc::new(Runtime {
            language: Language::Native,
            program: program.to_path_buf(),
            arguments: Vec::new(),
            mounts,
            symlinks,
            environment: Vec::new(),
            standard_modules: Vec::new(),
        });
        let mut native = lock(&self.native);
        if native.len() >= MAX_NATIVE {
            native.clear();
        }
        native.insert(program.to_path_buf(), Kept { stamp, runtime: Arc::clone(&runtime) });
        Ok(runtime)
    }

    /// What subprocesses of a script need, where the policy allows them.
    pub fn tools(&self) -> Arc<Tools> {
        Arc::clone(self.tools.get_or_init(|| Arc::new(tools::find(self.lookup.home.as_deref()))))
    }

    /// The certificate authorities that this host trusts, where the policy allows the network.
    pub fn certificates(&self) -> Arc<Certificates> {
        let find = || Arc::new(certificates::find(self.lookup.home.as_deref(), &self.lookup.variables));
        Arc::clone(self.certificates.get_or_init(find))
    }

    /// The first usable program of one of these names.
    fn search(&self, language: Language, names: &[&str]) -> Result<Runtime> {
        if let Some(program) = self.lookup.overrides.get(&language) {
            return self.runtime(language, program).map_err(|why| {
                let message =
                    format!("interpreters.{language} = {} in the config cannot be used: {why}", program.display());
                Error::new(Status::InterpreterNotFound, message)
            });
        }
        let directories = self.directories(language);
        let mut reasons = Vec::new();
        for name in names {
            for directory in &directories {
                let candidate = directory.join(name);
                use std::io::ErrorKind::{NotADirectory, NotFound};
                // Any other error (a directory that this user may not enter) is a reason to report.
                let lacks = std::fs::symlink_metadata(&candidate)
                    .is_err_and(|error| matches!(error.kind(), NotFound | NotADirectory));
                if lacks {
                    continue;
                }
                match self.runtime(language, &candidate) {
                    Ok(runtime) => return Ok(runtime),
                    Err(why) => reasons.push(format!("{}: {why}", candidate.display())),
                }
            }
        }
        Err(not_found(language, names, &directories, &reasons))
    }

    /// Where programs of a language are looked for.
    pub(super) fn directories(&self, language: Language) -> Vec<PathBuf> {
        let active = self.lookup.variables.get("VIRTUAL_ENV").filter(|_| language == Language::Python);
        let active = active.map(|root| Path::new(root).join("bin"));
        let mut directories: Vec<PathBuf> = active.into_iter().collect();
        if self.lookup.search_path.is_empty() {
            directories.extend(DEFAULT_SEARCH_PATH.iter().map(PathBuf::from));
        } else {
            directories.extend(self.lookup.search_path.iter().cloned());
        }
        let mut seen = std::collections::BTreeSet::new();
        directories.retain(|directory| directory.is_absolute() && seen.insert(directory.clone()));
        directories
    }

    fn runtime(&self, language: Language, candidate: &Path) -> Result<Runtime, String> {
        use std::os::unix::fs::PermissionsExt as _;
        if !candidate.is_absolute() {
            return Err(String::from("the path is not absolute"));
        }
        let data = std::fs::metadata(candidate).map_err(|error| error.to_string())?;
        if !data.is_file() || data.permissions().mode() & 0o111 == 0 {
            return Err(String::from("it is not an executable file"));
        }
        match language {
            Language::Python => python::runtime(candidate, &self.lookup),
            Language::Node => node::runtime(candidate, &self.lookup),
            Language::Bash | Language::Sh => shell::runtime(language, candidate, &self.lookup, &self.tools()),
            Language::Native => Err(String::from("native programs have no interpreter")),
        }
    }
}

fn not_found(language: Language, names: &[&str], directories: &[PathBuf], reasons: &[String]) -> Error {
    let mut searched: Vec<String> = directories.iter().take(MAX_NAMED).map(|dir| dir.display().to_string()).collect();
    if directories.len() > MAX_NAMED {
        searched.push(format!("{} more", directories.len() - MAX_NAMED));
    }
    let passed_over: String = reasons.iter().take(MAX_NAMED).map(|reason| format!("; {reason}")).collect();
    let message = format!(
        "no interpreter for {language}: looked for {} in {}{passed_over}; install one, or name it in the config: \
         \"interpreters\": {{\"{language}\": \"/path/to/it\"}}",
        names.join(" and "),
        searched.join(":"),
    );
    Error::new(Status::InterpreterNotFound, message)
}

fn io(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Status::Io, format!("{}: {error}", path.display()))
}

/// A panic elsewhere leaves these maps whole: each change is one insertion.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
