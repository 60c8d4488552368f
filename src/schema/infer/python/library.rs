//! The modules of one skill: the script, and what it imports of its own files, parsed when they are first asked for.
//!
//! Everything is kept until the reading ends, so that syntax nodes can be held. Counts and bytes are bounded.

use std::cell::{Cell, OnceCell};
use std::path::{Component, Path, PathBuf};

use tree_sitter::{Node, Tree};

use super::super::{SOURCE_BYTES, Script};
use super::outline::outline;
use crate::runtime::Language;
use crate::syntax;

/// The most modules of one reading.
const MODULES: usize = 24;
/// The most bytes of sources that are parsed besides the script's own.
const IMPORTED_BYTES: usize = 1024 * 1024;

/// One file, parsed when something of it is wanted.
pub(super) struct Module {
    /// Where it is, relative to the skill's root.
    path: PathBuf,
    /// As it is on disk.
    text: Vec<u8>,
    parsed: OnceCell<Option<(Vec<u8>, Tree)>>,
    is_imported: bool,
}

impl Module {
    fn new(path: PathBuf, text: Vec<u8>, is_imported: bool) -> Self {
        Self { path, text, parsed: OnceCell::new(), is_imported }
    }

    fn parsed(&self) -> Option<&(Vec<u8>, Tree)> {
        let parse = || {
            let source = outline(&self.text, self.is_imported).unwrap_or_else(|| self.text.clone());
            let tree = syntax::parse(Language::Python, &source)?;
            Some((source, tree))
        };
        self.parsed.get_or_init(parse).as_ref()
    }

    /// The part of the file that is parsed.
    pub(super) fn source(&self) -> &[u8] {
        self.parsed().map(|(source, _)| source.as_slice()).unwrap_or_default()
    }

    /// Its syntax; `None` when the parser gave up.
    pub(super) fn root(&self) -> Option<Node<'_>> {
        self.parsed().map(|(_, tree)| tree.root_node())
    }

    /// All of the file.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn stem(&self) -> &str {
        self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("")
    }
}

/// The script's own module, number 0, and those that it imports.
pub(super) struct Library<'a> {
    script: &'a Script<'a>,
    slots: [OnceCell<Module>; MODULES],
    bytes: Cell<usize>,
}

impl<'a> Library<'a> {
    /// The library of a script that imports nothing yet.
    pub(super) fn open(script: &'a Script<'a>) -> Self {
        let library = Self { script, slots: [const { OnceCell::new() }; MODULES], bytes: Cell::new(0) };
        if let Some(first) = library.slots.first() {
            first.get_or_init(|| Module::new(script.path.to_path_buf(), script.source.to_vec(), false));
        }
        library
    }

    pub(super) fn module(&self, index: usize) -> Option<&Module> {
        self.slots.get(index)?.get()
    }

    /// Every module that was read.
    pub(super) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.slots.iter().filter_map(OnceCell::get)
    }

    /// The skill's own module of this dotted name, as the module `from` imports it; `dots` counts the leading dots of a
    /// relative import.
    pub(super) fn resolve(&self, from: usize, dots: usize, name: &str) -> Option<usize> {
        let importer = self.module(from)?.path.parent()?;
        let inner: PathBuf = name.split('.').filter(|part| !part.is_empty()).collect();
        if dots > 0 {
            return self.load(&importer.ancestors().nth(dots - 1)?.join(inner));
        }
        if inner.as_os_str().is_empty() {
            return None;
        }
        // Where the interpreter looks (the script's folder), and where scripts put sys.path.
        let own = self.script.path.parent().unwrap_or(Path::new(""));
        let mut folders: Vec<PathBuf> = vec![importer.to_path_buf()];
        folders.extend(own.ancestors().map(Path::to_path_buf));
        folders.extend(["scripts", "lib", "src"].iter().map(|folder| own.join(folder)));
        folders.extend(["scripts", "lib", "src"].iter().map(PathBuf::from));
        folders.iter().enumerate().find_map(|(index, folder)| {
            let is_new = !folders.iter().take(index).any(|before| before == folder);
            if is_new { self.load(&folder.join(&inner)) } else { None }
        })
    }

    fn load(&self, stem: &Path) -> Option<usize> {
        let is_inside = stem.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_inside || stem.as_os_str().is_empty() {
            return None;
        }
        [stem.with_extension("py"), stem.join("__init__.py")].into_iter().find_map(|path| self.load_file(path))
    }

    fn load_file(&self, path: PathBuf) -> Option<usize> {
        let known = self.slots.iter().position(|slot| slot.get().is_some_and(|module| module.path == path));
        if known.is_some() {
            return known;
        }
        let free = self.slots.iter().position(|slot| slot.get().is_none())?;
        let source = (self.script.files)(&path)?;
        let bytes = self.bytes.get().saturating_add(source.len());
        if source.len() > SOURCE_BYTES || bytes > IMPORTED_BYTES {
            return None;
        }
        self.bytes.set(bytes);
        self.slots.get(free)?.set(Module::new(path, source, true)).ok()?;
        Some(free)
    }
}
