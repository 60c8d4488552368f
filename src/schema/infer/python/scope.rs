//! Names and where they are bound: modules, functions within functions, and how sure a binding is.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use tree_sitter::Node;

use super::reader::Reader;
use super::value::Val;

/// The names of one module, function call or class body.
#[derive(Default)]
pub(super) struct Scope<'t> {
    /// The scope around it; none around a module.
    parent: Option<Rc<Scope<'t>>>,
    names: RefCell<HashMap<&'t str, Val>>,
    /// Names that `global` and `nonlocal` send elsewhere.
    elsewhere: RefCell<HashSet<&'t str>>,
    /// Names that had another value on another path through the code.
    doubtful: RefCell<HashSet<&'t str>>,
}

impl<'t> Scope<'t> {
    pub(super) fn inside(parent: Option<Rc<Scope<'t>>>) -> Rc<Self> {
        Rc::new(Self { parent, ..Self::default() })
    }

    pub(super) fn get(&self, name: &str) -> Option<Val> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(value) = here.names.borrow().get(name) {
                return Some(value.clone());
            }
            scope = here.parent.as_deref();
        }
        None
    }

    pub(super) fn set(&self, name: &'t str, value: Val) {
        self.names.borrow_mut().insert(name, value);
    }

    /// Its own names, not those around it.
    pub(super) fn own(&self, name: &str) -> Option<Val> {
        self.names.borrow().get(name).cloned()
    }

    pub(super) fn into_names(self: Rc<Self>) -> HashMap<&'t str, Val> {
        self.names.take()
    }

    /// Every name of its own.
    pub(super) fn all(&self) -> Vec<(&'t str, Val)> {
        self.names.borrow().iter().map(|(name, value)| (*name, value.clone())).collect()
    }

    pub(super) fn outer(&self) -> Option<Rc<Self>> {
        self.parent.clone()
    }

    fn is_doubtful(&self, name: &str) -> bool {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if here.names.borrow().contains_key(name) {
                return here.doubtful.borrow().contains(name);
            }
            scope = here.parent.as_deref();
        }
        false
    }

    /// The scope that has the name, from here outwards.
    fn owner(&self, name: &str) -> Option<&Self> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if here.names.borrow().contains_key(name) {
                return Some(here);
            }
            scope = here.parent.as_deref();
        }
        None
    }
}

/// What happens after a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Flow {
    #[default]
    On,
    Return,
    Break,
    Continue,
}

/// The reading of a module, a class body or a function's call.
pub(super) struct Frame<'t> {
    pub(super) scope: Rc<Scope<'t>>,
    pub(super) module: usize,
    /// The class whose body or method this is.
    pub(super) class: Option<usize>,
    /// The object that the method is called on.
    pub(super) receiver: Option<Val>,
    pub(super) returns: Vec<Val>,
    pub(super) flow: Flow,
    /// How many branches around this point may not be taken.
    pub(super) doubt: usize,
    /// How many `try` blocks around this point may be left early.
    pub(super) guarded: usize,
    pub(super) is_class_body: bool,
}

impl<'t> Frame<'t> {
    pub(super) fn new(scope: Rc<Scope<'t>>, module: usize) -> Self {
        Self {
            scope,
            module,
            class: None,
            receiver: None,
            returns: Vec::new(),
            flow: Flow::On,
            doubt: 0,
            guarded: 0,
            is_class_body: false,
        }
    }
}

impl<'t> Reader<'t> {
    pub(super) fn bind(&mut self, name: &'t str, value: Val) {
        let Some(frame) = self.frames.last() else { return };
        let scope = if frame.scope.elsewhere.borrow().contains(name) {
            let outer = frame.scope.parent.as_deref().and_then(|parent| parent.owner(name));
            outer.unwrap_or_else(|| self.globals.get(frame.module).map_or(&*frame.scope, |scope| scope))
        } else {
            &*frame.scope
        };
        if frame.doubt > 0 && scope.own(name).is_none_or(|known| known.is(&value) != Some(true)) {
            scope.doubtful.borrow_mut().insert(name);
        }
        scope.set(name, value);
    }

    /// Gives a name that is bound already another value, wherever it is bound.
    pub(super) fn rebind(&mut self, name: &'t str, value: Val) {
        let Some(frame) = self.frames.last() else { return };
        frame.scope.owner(name).unwrap_or(&frame.scope).set(name, value);
    }

    pub(super) fn bind_elsewhere(&mut self, node: Node<'t>) {
        let names: Vec<&'t str> = super::reader::named(node).into_iter().map(|name| self.text(name)).collect();
        if let Some(frame) = self.frames.last() {
            frame.scope.elsewhere.borrow_mut().extend(names);
        }
    }

    pub(super) fn lookup(&mut self, name: &'t str) -> Val {
        let found = self.frames.last().and_then(|frame| frame.scope.get(name));
        match found {
            Some(Val::Pending(module, inner)) => self.import_name(module, &inner),
            Some(value) => value,
            None => Val::Name(name.into()),
        }
    }

    pub(super) fn is_doubtful(&self, name: &str) -> bool {
        self.frames.last().is_some_and(|frame| frame.scope.is_doubtful(name))
    }

    /// Reads something that may not happen.
    pub(super) fn doubting<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        if let Some(frame) = self.frames.last_mut() {
            frame.doubt += 1;
        }
        let result = read(self);
        if let Some(frame) = self.frames.last_mut() {
            frame.doubt = frame.doubt.saturating_sub(1);
        }
        result
    }

    /// Leaves a block, where it is sure that this point is reached.
    pub(super) fn leave(&mut self, flow: Flow) {
        if let Some(frame) = self.frames.last_mut()
            && frame.doubt == 0
            && (frame.guarded == 0 || flow != Flow::Return)
        {
            frame.flow = flow;
        }
    }

    pub(super) fn flow(&self) -> Flow {
        self.frames.last().map_or(Flow::On, |frame| frame.flow)
    }

    /// Ends what `break` or `continue` has begun.
    pub(super) fn resume(&mut self) {
        if let Some(frame) = self.frames.last_mut()
            && frame.flow != Flow::Return
        {
            frame.flow = Flow::On;
        }
    }
}
