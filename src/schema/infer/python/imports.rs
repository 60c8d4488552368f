//! Imports: modules of the skill are read where they are first needed, everything else stays a name.

use std::rc::Rc;

use tree_sitter::Node;

use super::reader::{CALLS, Reader, named};
use super::scope::{Frame, Scope};
use super::value::Val;

impl<'t> Reader<'t> {
    /// Reads a module from its top; each one once.
    pub(super) fn read_module(&mut self, index: usize) {
        let Some((module, root)) = self.library.module(index).and_then(|module| Some((module, module.root()?))) else {
            return;
        };
        while self.globals.len() <= index {
            self.globals.push(Scope::inside(None));
        }
        let Some(scope) = self.globals.get(index).cloned() else { return };
        if scope.own("__name__").is_some() || self.frames.len() >= CALLS {
            return;
        }
        scope.set("__name__", if index == 0 { Val::str("__main__") } else { Val::str(module.stem()) });
        self.frames.push(Frame::new(Rc::clone(&scope), index));
        if let Some(text) = self.docstring_of(root) {
            scope.set("__doc__", text);
        }
        self.exec(root);
        self.frames.pop();
    }

    /// What a name of a module of the skill stands for.
    pub(super) fn import_name(&mut self, module: usize, name: &str) -> Val {
        self.read_module(module);
        match self.globals.get(module).and_then(|scope| scope.own(name)) {
            Some(Val::Pending(next, inner)) if next != module => self.import_name(next, &inner),
            Some(Val::Pending(..)) => Val::Unknown,
            Some(value) => value,
            None => self.library.resolve(module, 1, name).map_or(Val::Unknown, Val::Module),
        }
    }

    pub(super) fn import(&mut self, node: Node<'t>) {
        let from = self.frames.last().map_or(0, |frame| frame.module);
        for item in names_of(node) {
            let (name, alias) = parts(item);
            let name = name.map_or("", |node| self.text(node));
            let own = self.library.resolve(from, 0, name).map(Val::Module);
            match alias {
                Some(alias) => self.bind(self.text(alias), own.unwrap_or_else(|| Val::Name(name.into()))),
                None => {
                    // `import a.b` binds `a`.
                    let first = name.split('.').next().unwrap_or(name);
                    let value = if first == name { own } else { self.library.resolve(from, 0, first).map(Val::Module) };
                    self.bind(first, value.unwrap_or_else(|| Val::Name(first.into())));
                }
            }
        }
    }

    pub(super) fn import_from(&mut self, node: Node<'t>) {
        let from = self.frames.last().map_or(0, |frame| frame.module);
        let module = node.child_by_field_name("module_name").map_or("", |node| self.text(node));
        let name = module.trim_start_matches('.');
        let dots = module.len() - name.len();
        let own = if dots > 0 && name.is_empty() { None } else { self.library.resolve(from, dots, name) };
        if let Some(own) = own
            && named(node).iter().any(|child| child.kind() == "wildcard_import")
        {
            self.read_module(own);
            let names = self.globals.get(own).map(|scope| scope.all()).unwrap_or_default();
            names
                .into_iter()
                .filter(|(name, _)| !name.starts_with('_'))
                .for_each(|(name, value)| self.bind(name, value));
            return;
        }
        for item in names_of(node) {
            let (inner, alias) = parts(item);
            let inner = inner.map_or("", |node| self.text(node));
            let value = match own {
                Some(own) => Val::Pending(own, inner.into()),
                None => {
                    let nested = if name.is_empty() { inner.to_owned() } else { format!("{name}.{inner}") };
                    let found = self.library.resolve(from, dots, &nested);
                    found.map_or_else(|| Val::Name(nested.as_str().into()), Val::Module)
                }
            };
            self.bind(alias.map_or(inner, |alias| self.text(alias)), value);
        }
    }
}

fn names_of(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.children_by_field_name("name", &mut cursor).collect()
}

/// The name and the alias of an imported item.
fn parts(item: Node<'_>) -> (Option<Node<'_>>, Option<Node<'_>>) {
    match item.kind() {
        "aliased_import" => (item.child_by_field_name("name"), item.child_by_field_name("alias")),
        _ => (Some(item), None),
    }
}
