//! What the dynamic loader would map: the closure of a program's shared libraries, by the loader's own search order.
//!
//! The order is glibc's (ld.so(8)) or musl's, told by the name of the program's loader: run paths with `$ORIGIN`,
//! `LD_LIBRARY_PATH`, `/etc/ld.so.cache`, default directories. `/etc/ld.so.conf` is left out on purpose: only
//! `ldconfig` reads it, so a library that the cache does not name would not be found inside either.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::elf::{self, Elf, HOST_MACHINE};
use super::view::{View, is_system_library_directory};

/// The most libraries that one closure may have; a desktop's largest programs have about 300.
const MAX_LIBRARIES: usize = 4096;
/// The most bytes of the loader's cache that are read; real ones have 20 to 300 KiB.
const MAX_CACHE_BYTES: u64 = 16 << 20;
const CACHE_PATH: &str = "/etc/ld.so.cache";

/// Beginnings of the names that musl's loader answers itself.
const MUSL_OWN: &[&str] = &["libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."];

/// Where the file that names libraries comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// An interpreter of the host: whatever it names is bound.
    Host,
    /// A file of a skill: it could name any file of the host, so only system libraries are bound.
    Skill,
}

/// A program being loaded: its libraries are added to a [`View`] as they are found.
pub(super) struct Loader<'a> {
    view: &'a mut View,
    trust: Trust,
    cache: Vec<u8>,
    library_path: Vec<PathBuf>,
    uses_library_path: bool,
    musl: Option<Vec<PathBuf>>,
    /// Names and paths already loaded; the loader maps each once.
    loaded: BTreeSet<String>,
    /// The program's `DT_RPATH`, which its libraries inherit.
    program_rpath: Rc<Vec<Directory>>,
}

/// A directory to search.
#[derive(Clone, Debug)]
struct Directory {
    path: PathBuf,
    /// It was given relative to the file that names it.
    is_relative: bool,
}

/// A file whose needs are still to be looked up.
struct Object {
    elf: Elf,
    runpath: Vec<Directory>,
    rpath: Rc<Vec<Directory>>,
}

impl<'a> Loader<'a> {
    /// Loads the executable at `program`: its loader and the libraries it needs go into `view`, the program itself
    /// does not. `library_path` is the host's `LD_LIBRARY_PATH`. The error is a one-line reason.
    pub fn load(view: &'a mut View, program: &Path, trust: Trust, library_path: &str) -> Result<Self, String> {
        let elf = elf::read_file(program)?.ok_or("it is no ELF executable")?;
        if elf.machine != HOST_MACHINE {
            return Err(format!("it is built for another processor (ELF machine {})", elf.machine));
        }
        let mut loader = Self {
            view,
            trust,
            cache: Vec::new(),
            library_path: elf::split_list(library_path).map(PathBuf::from).filter(|path| path.is_absolute()).collect(),
            uses_library_path: false,
            musl: None,
            loaded: BTreeSet::new(),
            program_rpath: Rc::new(Vec::new()),
        };
        let Some(interpreter) = elf.interpreter.clone() else {
            // A static program; a static one with needs would not start anywhere.
            return Ok(loader);
        };
        let name = Path::new(&interpreter).file_name().map(|name| name.to_string_lossy().into_owned());
        match name.as_deref().and_then(|name| name.strip_prefix("ld-musl-")) {
            Some(rest) => loader.musl = Some(loader.musl_directories(rest)),
            None => loader.read_cache(),
        }
        if let Some(name) = name {
            loader.loaded.insert(name);
        }
        loader.show(Path::new(&interpreter)).map_err(|why| format!("its loader {interpreter}: {why}"))?;
        let object = loader.object(elf, program);
        if object.runpath.is_empty() {
            loader.program_rpath = Rc::clone(&object.rpath);
        }
        loader.load_needs(object)?;
        Ok(loader)
    }

    /// Adds what a module that the program may open later needs (`lib-dynload/*.so`). A module whose libraries are
    /// missing is as unusable outside, so nothing is said about it.
    pub fn load_module(&mut self, module: &Path) {
        if let Ok(Some(elf)) = elf::read_file(module) {
            let object = self.object(elf, module);
            // Reason in the comment above: a module that cannot be loaded is no reason to refuse the program.
            let _ = self.load_needs(object);
        }
    }

    /// The value of `LD_LIBRARY_PATH` that the program needs inside, when a library was found only there.
    pub fn library_path(&self) -> Option<String> {
        let list = || self.library_path.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>();
        self.uses_library_path.then(|| list().join(":"))
    }

    fn object(&self, elf: Elf, path: &Path) -> Object {
        let origins: Vec<PathBuf> = [path.parent().map(Path::to_path_buf), real_parent(path)]
            .into_iter()
            .flatten()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let runpath = expand(&elf.runpath, &origins);
        let mut rpath = if runpath.is_empty() { expand(&elf.rpath, &origins) } else { Vec::new() };
        rpath.extend(self.program_rpath.iter().cloned());
        Object { elf, runpath, rpath: Rc::new(rpath) }
    }

    /// Walks the needs of `first` and of all that it loads, breadth first as the loader does.
    fn load_needs(&mut self, first: Object) -> Result<(), String> {
        let mut queue = std::collections::VecDeque::from([first]);
        while let Some(object) = queue.pop_front() {
            for name in &object.elf.needed {
                if self.is_loaded(name) {
                    continue;
                }
                if self.loaded.len() >= MAX_LIBRARIES {
                    return Err(format!("it needs more than {MAX_LIBRARIES} libraries"));
                }
                let (path, elf, travels) = self.locate(name, &object)?;
                self.loaded.insert(name.clone());
                if !travels {
                    self.show(&path).map_err(|why| format!("its library {name}: {why}"))?;
                }
                let next = self.object(elf, &path);
                queue.push_back(next);
            }
        }
        Ok(())
    }

    fn is_loaded(&self, name: &str) -> bool {
        self.loaded.contains(name)
            || (self.musl.is_some() && MUSL_OWN.iter().any(|own| name.starts_with(own)))
            // The kernel maps this one.
            || name.starts_with("linux-vdso.")
    }

    /// Finds the library `name`; the flag says that it lies beside the skill's program and is visible with it.
    fn locate(&mut self, name: &str, object: &Object) -> Result<(PathBuf, Elf, bool), String> {
        if name.contains('/') {
            let path = PathBuf::from(name);
            let elf = usable(&path).ok_or_else(|| format!("its library {name} is missing"))?;
            return Ok((path, elf, false));
        }
        // With a run path of its own, a file's DT_RPATH and those it inherits are not looked at.
        let own = if object.runpath.is_empty() { object.rpath.as_slice() } else { &[] };
        let travels = self.trust == Trust::Skill;
        for (directories, is_variable) in [(own, false), (&[], true), (object.runpath.as_slice(), false)] {
            if is_variable {
                let found = self.library_path.iter().find_map(|dir| in_directory(dir, name));
                // Inside, the variable is set for host interpreters only.
                if let (Some((path, elf)), Trust::Host) = (found, self.trust) {
                    self.uses_library_path = true;
                    return Ok((path, elf, false));
                }
            }
            for directory in directories {
                if let Some((path, elf)) = in_directory(&directory.path, name) {
                    return Ok((path, elf, travels && directory.is_relative));
                }
            }
        }
        let found = match &self.musl {
            Some(directories) => directories.iter().find_map(|directory| in_directory(directory, name)),
            None => cached(&self.cache, name)
                .into_iter()
                .find_map(|path| usable(&path).map(|elf| (path, elf)))
                .or_else(|| default_directories().iter().find_map(|dir| in_directory(Path::new(dir), name))),
        };
        let (path, elf) = found.ok_or_else(|| format!("its library {name} is not on the loader's search path"))?;
        Ok((path, elf, false))
    }

    /// Adds a library or loader to the view, if this program may have it.
    fn show(&mut self, path: &Path) -> Result<(), String> {
        if self.trust == Trust::Skill {
            let parent = real_parent(path).ok_or("it does not exist")?;
            if !is_system_library_directory(&parent) {
                return Err(String::from("it is outside the system's library directories"));
            }
        }
        self.view.add_library(path).map(drop)
    }

    /// glibc: the cache is read here and bound too, for libraries outside the default directories.
    fn read_cache(&mut self) {
        use std::io::Read as _;
        let Ok(file) = elf::open_regular(Path::new(CACHE_PATH)) else { return };
        let mut bytes = Vec::new();
        if file.take(MAX_CACHE_BYTES).read_to_end(&mut bytes).is_ok() && self.view.add_if_present(Path::new(CACHE_PATH))
        {
            self.cache = bytes;
        }
        // The cache and the built-in directories speak of /lib and /lib64, which may be links into /usr.
        for directory in ["/lib", "/lib64"] {
            self.view.add_links(Path::new(directory));
        }
    }

    fn musl_directories(&mut self, machine: &str) -> Vec<PathBuf> {
        let list = PathBuf::from(format!("/etc/ld-musl-{}.path", machine.trim_end_matches(".so.1")));
        let text = std::fs::read_to_string(&list).ok().filter(|_| self.view.add_if_present(&list));
        let text = text.unwrap_or_else(|| String::from("/lib:/usr/local/lib:/usr/lib"));
        text.split([':', '\n']).filter(|entry| entry.starts_with('/')).map(PathBuf::from).collect()
    }
}

fn real_parent(path: &Path) -> Option<PathBuf> {
    Some(std::fs::canonicalize(path).ok()?.parent()?.to_path_buf())
}

/// Run path entries with the loader's tokens replaced; relative ones depend on a working directory and are dropped.
fn expand(entries: &[String], origins: &[PathBuf]) -> Vec<Directory> {
    let mut directories = Vec::new();
    for entry in entries {
        let entry = entry.replace("${ORIGIN}", "$ORIGIN").replace("${LIB}", "$LIB").replace("${PLATFORM}", "$PLATFORM");
        let is_relative = entry.contains("$ORIGIN");
        for origin in origins.iter().take(if is_relative { origins.len() } else { 1 }) {
            let entry = entry.replace("$ORIGIN", &origin.to_string_lossy());
            let entry = entry.replace("$PLATFORM", std::env::consts::ARCH);
            for library in if entry.contains("$LIB") { &["lib64", "lib"][..] } else { &["lib"] } {
                let path = PathBuf::from(entry.replace("$LIB", library));
                if path.is_absolute() {
                    directories.push(Directory { path, is_relative });
                }
            }
        }
    }
    directories
}

fn in_directory(directory: &Path, name: &str) -> Option<(PathBuf, Elf)> {
    let path = directory.join(name);
    usable(&path).map(|elf| (path, elf))
}

/// The file at `path`, when the loader would take it; it passes over those of other machines.
fn usable(path: &Path) -> Option<Elf> {
    elf::read_file(path).ok().flatten().filter(|elf| elf.machine == HOST_MACHINE)
}

fn default_directories() -> &'static [&'static str] {
    if cfg!(target_arch = "aarch64") {
        &["/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]
    } else {
        &["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]
    }
}

/// The paths that the loader's cache (glibc's `glibc-ld.so.cache1.1` format, alone or after the old one) has for
/// `name`. A cache that is cut or damaged has none.
fn cached(cache: &[u8], name: &str) -> Vec<PathBuf> {
    const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
    const HEADER_BYTES: usize = 48;
    const ENTRY_BYTES: usize = 24;
    let start = if cache.starts_with(b"ld.so-1.7.0\0") {
        let old_entries = elf::u32_at(cache, 12).map_or(0, |count| count as usize);
        old_entries.saturating_mul(12).saturating_add(16).saturating_add(7) & !7
    } else {
        0
    };
    let Some(cache) = cache.get(start..).filter(|cache| cache.starts_with(MAGIC)) else { return Vec::new() };
    let count = elf::u32_at(cache, 20).map_or(0, |count| count as usize);
    let entries = cache.get(HEADER_BYTES..).unwrap_or_default().chunks_exact(ENTRY_BYTES).take(count);
    let from = |entry: &[u8], at: usize| cache.get(elf::u32_at(entry, at).ok()? as usize..);
    let is_named = |entry: &[u8]| {
        from(entry, 4).and_then(|text| text.strip_prefix(name.as_bytes())).is_some_and(|rest| rest.first() == Some(&0))
    };
    entries
        .filter(|entry| is_named(entry))
        .filter_map(|entry| {
            let rest = from(entry, 8)?;
            std::str::from_utf8(rest.get(..rest.iter().position(|byte| *byte == 0)?)?).ok()
        })
        .filter(|path| path.starts_with('/'))
        .map(PathBuf::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache_of(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = b"glibc-ld.so.cache1.1".to_vec();
        bytes.extend(u32::try_from(entries.len()).expect("small").to_le_bytes());
        bytes.resize(48, 0);
        let mut strings = Vec::new();
        let base = 48 + entries.len() * 24;
        for (name, path) in entries {
            bytes.extend(0x0303_u32.to_le_bytes());
            for text in [name, path] {
                bytes.extend(u32::try_from(base + strings.len()).expect("small").to_le_bytes());
                strings.extend(text.as_bytes());
                strings.push(0);
            }
            bytes.extend([0; 12]);
        }
        bytes.extend(strings);
        bytes
    }

    #[test]
    fn the_cache_is_read_in_both_formats() {
        let entries = [("libb.so.1", "/x/libb.so.1"), ("liba.so.1", "/y/liba.so.1"), ("liba.so.1", "/z/liba.so.1")];
        let new = cache_of(&entries);
        let mut old = b"ld.so-1.7.0\0".to_vec();
        old.extend(1_u32.to_le_bytes());
        old.extend([0; 12]);
        old.resize(32, 0);
        old.extend(&new);
        for cache in [&new, &old] {
            assert_eq!(cached(cache, "liba.so.1"), ["/y/liba.so.1", "/z/liba.so.1"].map(PathBuf::from));
            assert_eq!(cached(cache, "liba.so"), Vec::<PathBuf>::new());
            assert_eq!(cached(cache, "libb.so.1"), [PathBuf::from("/x/libb.so.1")]);
        }
    }

    #[test]
    fn a_cut_cache_has_no_paths_and_does_no_harm() {
        let cache = cache_of(&[("liba.so.1", "/y/liba.so.1")]);
        for length in 0..cache.len() {
            let cut = cache.get(..length).expect("within");
            assert_eq!(cached(cut, "liba.so.1"), Vec::<PathBuf>::new(), "cut at {length}");
        }
    }

    #[test]
    fn run_paths_are_expanded() {
        let origins = [PathBuf::from("/p/bin")];
        let paths = |entry: &str| -> Vec<(PathBuf, bool)> {
            expand(&[String::from(entry)], &origins).into_iter().map(|d| (d.path, d.is_relative)).collect()
        };
        assert_eq!(paths("$ORIGIN/../lib"), [(PathBuf::from("/p/bin/../lib"), true)]);
        assert_eq!(paths("${ORIGIN}"), [(PathBuf::from("/p/bin"), true)]);
        assert_eq!(paths("/opt/$LIB"), [(PathBuf::from("/opt/lib64"), false), (PathBuf::from("/opt/lib"), false)]);
        assert_eq!(paths("relative/lib"), []);
    }
}
