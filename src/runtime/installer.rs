//! Programs that install packages: uv or pip for Python, npm for Node. They come from where the interpreters come from.
//!
//! An installer is a [`Runtime`] of its own: what it is started with, and what it needs to see beside the interpreter.

use std::path::{Path, PathBuf};

use super::loader::{Loader, Trust};
use super::view::{View, merge};
use super::{Interpreters, Language, Runtime, elf};
use crate::error::{Error, Result, Status};

/// What installs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// uv: a program of its own.
    Uv,
    /// pip: a module of the interpreter.
    Pip,
    /// npm: a script of Node's.
    Npm,
}

/// A program that installs packages for an interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installer {
    /// Which one.
    pub kind: Kind,
    /// How it is started: `program`, `arguments`, then its own.
    pub runtime: Runtime,
}

impl Kind {
    /// Its name, as a person calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Pip => "pip",
            Self::Npm => "npm",
        }
    }
}

impl Interpreters {
    /// What installs packages for `interpreter`, a Python or a Node. uv is taken where it is on the search path: it resolves
    /// in a fraction of pip's time. [`Status::InterpreterNotFound`] names what was searched; pip is not looked for before it runs.
    pub fn installer(&self, interpreter: &Runtime) -> Result<Installer> {
        match interpreter.language {
            Language::Python => Ok(self.uv(interpreter).unwrap_or_else(|| pip(interpreter))),
            Language::Node => self.npm(interpreter),
            other => Err(Error::new(Status::Internal, format!("nothing installs packages for {other}"))),
        }
    }

    /// The uv of the search path. What starts it by a script (a version manager's shim) is passed over.
    fn uv(&self, python: &Runtime) -> Option<Installer> {
        let candidates = self.directories(Language::Python).into_iter().map(|directory| directory.join("uv"));
        candidates.into_iter().find_map(|candidate| {
            let real = candidate.canonicalize().ok()?;
            elf::read_file(&real).ok()??;
            let mut view = View::new(self.lookup.home.as_deref());
            let program = view.add(&candidate).ok()?;
            Loader::load(&mut view, &program, Trust::Host, "").ok()?;
            let (mounts, symlinks) = view.into_parts();
            let (mounts, symlinks) = merge(
                mounts.into_iter().chain(python.mounts.clone()),
                symlinks.into_iter().chain(python.symlinks.clone()),
            );
            let runtime = Runtime { program, arguments: Vec::new(), mounts, symlinks, ..python.clone() };
            Some(Installer { kind: Kind::Uv, runtime })
        })
    }

    /// The npm that came with `node`, else the search path's.
    fn npm(&self, node: &Runtime) -> Result<Installer> {
        const SCRIPT: &str = "bin/npm-cli.js";
        let prefix = node.program.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        let beside = ["lib/node_modules/npm", "share/nodejs/npm", "share/node_modules/npm"].map(|npm| prefix.join(npm));
        let directories = self.directories(Language::Node);
        let linked = directories.iter().filter_map(|directory| {
            let real = directory.join("npm").canonicalize().ok()?;
            real.ends_with(SCRIPT).then(|| real.ancestors().nth(2).map(Path::to_path_buf))?
        });
        let is_npm = |folder: &PathBuf| folder.join(SCRIPT).is_file();
        let found = beside.into_iter().filter_map(|folder| folder.canonicalize().ok()).chain(linked).find(is_npm);
        let mut view = View::new(self.lookup.home.as_deref());
        let Some(folder) = found.filter(|folder| view.add_if_present(folder)) else {
            let message = format!(
                "no npm for {}: looked below {} and on the search path; install npm, which installs what skills for Node declare",
                node.program.display(),
                prefix.display()
            );
            return Err(Error::new(Status::InterpreterNotFound, message));
        };
        let (mounts, symlinks) = view.into_parts();
        let (mounts, symlinks) =
            merge(mounts.into_iter().chain(node.mounts.clone()), symlinks.into_iter().chain(node.symlinks.clone()));
        let arguments = vec![folder.join(SCRIPT).into_os_string()];
        Ok(Installer { kind: Kind::Npm, runtime: Runtime { arguments, mounts, symlinks, ..node.clone() } })
    }
}

/// The pip of an interpreter. `-I`: the folder it is started in is no place for modules.
fn pip(python: &Runtime) -> Installer {
    let arguments = ["-I", "-B", "-m", "pip"].map(Into::into).to_vec();
    Installer { kind: Kind::Pip, runtime: Runtime { arguments, ..python.clone() } }
}
