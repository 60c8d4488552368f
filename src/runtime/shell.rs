//! bash and `sh`: small binaries whose scripts are made of other commands, so the host's tools come with them.

use std::ffi::OsString;
use std::path::Path;

use super::loader::{Loader, Trust};
use super::view::View;
use super::{Language, Lookup, Runtime, Tools, elf};

/// The runtime of the shell at `candidate`; the error is a one-line reason why it cannot be used.
pub(super) fn runtime(language: Language, candidate: &Path, lookup: &Lookup, tools: &Tools) -> Result<Runtime, String> {
    let mut view = View::new(lookup.home.as_deref());
    let real = view.add(candidate)?;
    if elf::read_file(&real)?.is_none() {
        return Err(String::from("a script, not a shell"));
    }
    let is_busybox = real.file_name().is_some_and(|name| name.to_string_lossy().starts_with("busybox"));
    let (program, arguments) = if is_busybox {
        (real.clone(), vec![OsString::from("sh")])
    } else if language == Language::Sh {
        // The name decides: bash started as `sh` is a POSIX shell.
        let directory = candidate.parent().and_then(|parent| std::fs::canonicalize(parent).ok());
        let name = candidate.file_name().unwrap_or_default();
        (directory.ok_or("it has no directory")?.join(name), Vec::new())
    } else {
        (real.clone(), Vec::new())
    };
    let library_path = lookup.variables.get("LD_LIBRARY_PATH").map(String::as_str).unwrap_or_default();
    let loader = Loader::load(&mut view, &real, Trust::Host, library_path)?;
    let environment = loader.library_path().map(|path| (OsString::from("LD_LIBRARY_PATH"), OsString::from(path)));
    let environment = environment.into_iter().collect();
    let (mounts, symlinks) = view.into_parts();
    let runtime = Runtime { language, program, arguments, mounts, symlinks, environment, standard_modules: Vec::new() };
    Ok(runtime.with_tools(tools))
}
