//! Functions of the skill: defined, decorated, called with what is known of their arguments.

use std::rc::Rc;

use tree_sitter::Node;

use super::calls::Args;
use super::reader::{CALLS, Reader, named};
use super::scope::{Frame, Scope};
use super::value::Val;

/// The longest body that says nothing, in bytes: `return ...`.
const HOLLOW: usize = 10;

/// How a function is reached through its class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Nature {
    #[default]
    Plain,
    Static,
    OfClass,
    Property,
}

/// A function, a method or a lambda.
pub(super) struct Function<'t> {
    pub(super) node: Node<'t>,
    pub(super) name: &'t str,
    pub(super) module: usize,
    scope: Rc<Scope<'t>>,
    pub(super) class: Option<usize>,
    pub(super) nature: Nature,
    /// Decorators of click, innermost first.
    pub(super) marks: Vec<usize>,
    /// It is being read now: a recursive call gives nothing.
    is_active: bool,
    /// What it gave when it was read with nothing that matters, on which object.
    result: Option<(Option<usize>, Val)>,
    pub(super) is_called: bool,
    /// A framework calls it as a command.
    pub(super) is_command: bool,
}

impl Function<'_> {
    pub(super) fn is_lambda(&self) -> bool {
        self.node.kind() == "lambda"
    }
}

impl<'t> Reader<'t> {
    pub(super) fn define_function(&mut self, node: Node<'t>) -> usize {
        let name = node.child_by_field_name("name").map_or("", |node| self.text(node));
        let index = self.new_function(node, name);
        self.bind(name, Val::Func(index));
        index
    }

    pub(super) fn new_function(&mut self, node: Node<'t>, name: &'t str) -> usize {
        let index = self.functions.len();
        let Some(frame) = self.frames.last() else { return index };
        // Methods do not see the names of their class's body.
        let scope = if frame.is_class_body { frame.scope.outer() } else { None };
        self.functions.push(Function {
            node,
            name,
            module: frame.module,
            scope: scope.unwrap_or_else(|| Rc::clone(&frame.scope)),
            class: if frame.is_class_body { frame.class } else { None },
            nature: Nature::Plain,
            marks: Vec::new(),
            is_active: false,
            result: None,
            is_called: false,
            is_command: false,
        });
        index
    }

    pub(super) fn define_decorated(&mut self, node: Node<'t>) {
        let Some(definition) = node.child_by_field_name("definition") else { return };
        let decorators: Vec<Node<'t>> = named(node).into_iter().filter(|child| child.kind() == "decorator").collect();
        let values: Vec<Val> = decorators
            .into_iter()
            .map(|decorator| decorator.named_child(0).map_or(Val::Unknown, |node| self.eval(node)))
            .collect();
        if definition.kind() == "class_definition" {
            let class = self.define_class(definition);
            let is_dataclass = |value: &Val| matches!(value, Val::Name(name) if name.ends_with("dataclass"));
            if let Some(class) = self.classes.get_mut(class) {
                class.has_fields |= values.iter().any(is_dataclass);
            }
            return;
        }
        let index = self.define_function(definition);
        let mut value = Val::Func(index);
        for decorator in values.into_iter().rev() {
            let nature = match &decorator {
                Val::Name(name) => match name.rsplit('.').next().unwrap_or("") {
                    "staticmethod" => Nature::Static,
                    "classmethod" => Nature::OfClass,
                    "property" | "cached_property" => Nature::Property,
                    _ => Nature::Plain,
                },
                _ => Nature::Plain,
            };
            if nature != Nature::Plain {
                if let Some(function) = self.functions.get_mut(index) {
                    function.nature = nature;
                }
                continue;
            }
            let args = Args { positional: vec![value.clone()], keywords: Vec::new() };
            let made = match &decorator {
                Val::Func(_) | Val::Bound(_) | Val::Mark(_) => self.apply(&decorator, args),
                Val::Name(name) if name.starts_with("click.") => {
                    let mark = self.click(name, &Args::default());
                    self.apply(&mark, args)
                }
                _ => Val::Unknown,
            };
            if !made.is_unknown() && !matches!(made, Val::None) {
                value = made;
            }
        }
        let name = self.functions.get(index).map_or("", |function| function.name);
        self.bind(name, value);
    }

    /// Reads a function that nothing calls; a method on an object of its class.
    pub(super) fn call_alone(&mut self, index: usize) {
        let class = self.functions.get(index).and_then(|function| function.class);
        let is_static = self.functions.get(index).is_some_and(|function| function.nature == Nature::Static);
        let receiver = class.filter(|_| !is_static).map(|class| self.any_instance(class));
        self.call_function(index, receiver, Args::default());
    }

    /// Reads a function with these arguments and gives what it returns.
    pub(super) fn call_function(&mut self, index: usize, receiver: Option<Val>, args: Args) -> Val {
        outcome(self.returns_of(index, receiver, args))
    }

    /// Everything that a function may return.
    pub(super) fn returns_of(&mut self, index: usize, receiver: Option<Val>, mut args: Args) -> Vec<Val> {
        let values = args.positional.iter().chain(args.keywords.iter().map(|(_, value)| value));
        let on = match &receiver {
            Some(Val::Instance(instance)) => Some(*instance),
            _ => None,
        };
        let is_followed = values.clone().any(Val::is_followed)
            || receiver.as_ref().is_some_and(|receiver| !matches!(receiver, Val::Instance(_) | Val::Class(_)));
        let Some(function) = self.functions.get_mut(index) else { return vec![Val::Unknown] };
        if let (false, Some((known, result))) = (is_followed, &function.result)
            && *known == on
        {
            return vec![result.clone()];
        }
        if function.is_active || self.frames.len() >= CALLS {
            return vec![Val::Unknown];
        }
        let node = function.node;
        if node.child_by_field_name("body").is_some_and(|body| body.end_byte() - body.start_byte() <= HOLLOW) {
            // What it does with them is not to be seen.
            self.notice(&args);
        }
        let Some(function) = self.functions.get_mut(index) else { return vec![Val::Unknown] };
        function.is_active = true;
        function.is_called = true;
        let mut frame = Frame::new(Scope::inside(Some(Rc::clone(&function.scope))), function.module);
        frame.class = function.class;
        frame.receiver = receiver.clone();
        if let Some(receiver) = receiver {
            args.positional.insert(0, receiver);
        }
        let (before, had_parsed) = (self.parsers.len(), self.parsed.is_some());
        self.frames.push(frame);
        self.bind_parameters(node, args);
        if let Some(body) = node.child_by_field_name("body") {
            if node.kind() == "lambda" {
                let value = self.eval(body);
                if let Some(frame) = self.frames.last_mut() {
                    frame.returns.push(value);
                }
            } else {
                self.exec(body);
            }
        }
        let mut returns = self.frames.pop().map(|frame| frame.returns).unwrap_or_default();
        if returns.is_empty() {
            returns.push(Val::None);
        }
        let made_nothing = self.parsers.len() == before || had_parsed;
        if let Some(function) = self.functions.get_mut(index) {
            function.is_active = false;
            if !is_followed && made_nothing {
                function.result = Some((on, outcome(returns.clone())));
            }
        }
        returns
    }

    fn bind_parameters(&mut self, function: Node<'t>, args: Args) {
        let keywords = args.keywords;
        let mut given = args.positional.into_iter();
        let mut bound: Vec<&'t str> = Vec::new();
        let mut is_keyword_only = false;
        for parameter in function.child_by_field_name("parameters").map(named).unwrap_or_default() {
            let (name, value) = match parameter.kind() {
                "list_splat_pattern" => {
                    is_keyword_only = true;
                    (parameter.named_child(0), Val::list(given.by_ref().collect()))
                }
                "dictionary_splat_pattern" => {
                    let rest = keywords.iter().filter(|(name, _)| !bound.contains(&name.as_str()));
                    let rest = rest.map(|(name, value)| (Val::str(name.as_str()), value.clone())).collect();
                    (parameter.named_child(0), Val::dict(rest))
                }
                "keyword_separator" => {
                    is_keyword_only = true;
                    continue;
                }
                kind => {
                    let name = match kind {
                        "identifier" => Some(parameter),
                        "default_parameter" | "typed_default_parameter" => parameter.child_by_field_name("name"),
                        "typed_parameter" => parameter.named_child(0),
                        _ => None,
                    };
                    let Some(name) = name else { continue };
                    if matches!(name.kind(), "list_splat_pattern" | "dictionary_splat_pattern") {
                        let rest = Val::list(given.by_ref().collect());
                        if let Some(name) = name.named_child(0).map(|node| self.text(node)) {
                            self.bind(name, if parameter.kind() == "typed_parameter" { rest } else { Val::Unknown });
                        }
                        continue;
                    }
                    let text = self.text(name);
                    let keyword = keywords.iter().find(|(known, _)| known == text).map(|(_, value)| value.clone());
                    let positional = if is_keyword_only { None } else { given.next() };
                    let value = keyword.or(positional);
                    (Some(name), value.unwrap_or_else(|| self.field(parameter, "value")))
                }
            };
            if let Some(name) = name.map(|node| self.text(node)) {
                bound.push(name);
                self.bind(name, value);
            }
        }
    }
}

/// What a function gives, of all that it may give: the first thing that says something.
pub(super) fn outcome(returns: Vec<Val>) -> Val {
    // What is known to be empty may be the other case.
    let says = |value: &&Val| !value.is_unknown() && value.truth() != Some(false);
    let named = |value: &&Val| matches!(value, Val::Name(_));
    let found = returns.iter().find(says).or_else(|| returns.iter().find(named));
    match found {
        Some(value) => value.clone(),
        None if returns.iter().any(Val::is_unknown) => Val::Unknown,
        None => returns.into_iter().next().unwrap_or(Val::None),
    }
}
