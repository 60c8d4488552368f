//! Classes of the skill and their objects: members, inheritance, enums, dataclasses, parsers of their own.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::calls::Args;
use super::functions::Nature;
use super::reader::{Reader, named};
use super::scope::{Frame, Scope};
use super::value::{Val, path};

/// The most objects that are kept apart.
const INSTANCES: usize = 512;
/// The longest chain of bases.
const BASES: usize = 8;

/// A class of the skill.
#[derive(Default)]
pub(super) struct Class<'t> {
    name: &'t str,
    /// Its own methods, attributes and enum members.
    pub(super) members: HashMap<&'t str, Val>,
    /// The names that its body assigns, in order.
    pub(super) order: Vec<&'t str>,
    bases: Vec<Val>,
    /// Its objects are made of its fields, in order (dataclasses, named tuples).
    pub(super) has_fields: bool,
    /// Its source text.
    pub(super) text: &'t str,
    /// The object that methods which nothing calls are read on.
    sample: Option<usize>,
}

/// An object of a class of the skill.
pub(super) struct Instance<'t> {
    pub(super) class: usize,
    attributes: HashMap<&'t str, Val>,
}

impl<'t> Reader<'t> {
    pub(super) fn define_class(&mut self, node: Node<'t>) -> usize {
        let index = self.classes.len();
        let name = node.child_by_field_name("name").map_or("", |node| self.text(node));
        let bases = node.child_by_field_name("superclasses").map(named).unwrap_or_default();
        let bases = bases.into_iter().filter(|base| base.kind() != "keyword_argument");
        let bases: Vec<Val> = bases.map(|base| self.eval(base)).collect();
        self.classes.push(Class { name, bases, text: self.text(node), ..Class::default() });
        let Some(around) = self.frames.last() else { return index };
        let mut frame = Frame::new(Scope::inside(Some(Rc::clone(&around.scope))), around.module);
        frame.class = Some(index);
        frame.is_class_body = true;
        self.frames.push(frame);
        let mut order = Vec::new();
        let body = node.child_by_field_name("body");
        for statement in body.map(named).unwrap_or_default() {
            if let Some(left) = statement.named_child(0).and_then(|node| node.child_by_field_name("left")) {
                order.push(self.text(left));
            }
            self.exec(statement);
        }
        let mut members = self.frames.pop().map(|frame| frame.scope.into_names()).unwrap_or_default();
        if self.inherits(index, "Enum") || self.inherits(index, "Flag") {
            let is_str = self.inherits(index, "StrEnum");
            let names = order.iter().filter(|name| !name.starts_with('_'));
            for (number, name) in names.enumerate() {
                let Some(value) = members.get(name).filter(|value| !matches!(value, Val::Func(_))) else { continue };
                let value = match value {
                    Val::Name(auto) if auto.ends_with("auto()") && is_str => Val::str(name.to_lowercase()),
                    Val::Name(auto) if auto.ends_with("auto()") => Val::int(number + 1),
                    value => value.clone(),
                };
                members.insert(name, Val::Member(Rc::new(((*name).into(), value))));
            }
        }
        let is_tuple = self.inherits(index, "NamedTuple");
        if let Some(class) = self.classes.get_mut(index) {
            class.members = members;
            class.order = order;
            class.has_fields |= is_tuple;
        }
        self.bind(name, Val::Class(index));
        index
    }

    /// Whether a class has a base, of the skill or not, whose name ends so.
    pub(super) fn inherits(&self, class: usize, base: &str) -> bool {
        self.lineage(class).iter().any(|class| {
            let bases = self.classes.get(*class).map(|class| class.bases.as_slice()).unwrap_or_default();
            bases.iter().any(|known| matches!(known, Val::Name(name) if name.ends_with(base)))
        })
    }

    /// The class and its bases of the skill, nearest first.
    fn lineage(&self, class: usize) -> Vec<usize> {
        let mut line = vec![class];
        let mut next = 0;
        while let Some(class) = line.get(next).and_then(|index| self.classes.get(*index)) {
            for base in &class.bases {
                if let Val::Class(base) = base
                    && !line.contains(base)
                    && line.len() < BASES
                {
                    line.push(*base);
                }
            }
            next += 1;
        }
        line
    }

    fn member(&self, class: usize, name: &str) -> Option<Val> {
        self.lineage(class).iter().find_map(|class| self.classes.get(*class)?.members.get(name).cloned())
    }

    /// An object of the class, the same for every caller.
    pub(super) fn any_instance(&mut self, class: usize) -> Val {
        if let Some(sample) = self.classes.get(class).and_then(|class| class.sample) {
            return Val::Instance(sample);
        }
        let made = self.instantiate(class, Args::default());
        if let (Val::Instance(sample), Some(class)) = (&made, self.classes.get_mut(class)) {
            class.sample = Some(*sample);
        }
        made
    }

    pub(super) fn instantiate(&mut self, class: usize, args: Args) -> Val {
        if self.inherits(class, "Enum") {
            let members = self.members_of(&Val::Class(class)).unwrap_or_default();
            let is_it = |member: &Val| matches!(member, Val::Member(member) if member.1.is(args.first()) == Some(true));
            return members.into_iter().find(is_it).unwrap_or(Val::Unknown);
        }
        let init = self.member(class, "__init__");
        if self.inherits(class, "ArgumentParser") {
            let parser = self.new_parser(&Args::default());
            if let Val::Parser(index) = parser {
                if let Some(parser) = self.parsers.get_mut(index) {
                    parser.class = Some(class);
                }
                match init {
                    Some(Val::Func(init)) => {
                        self.call_function(init, Some(parser.clone()), args);
                    }
                    _ => self.configure(index, &args),
                }
            }
            return parser;
        }
        if self.instances.len() >= INSTANCES {
            return Val::Unknown;
        }
        let index = self.instances.len();
        self.instances.push(Instance { class, attributes: HashMap::new() });
        if let Some(Val::Func(init)) = init {
            self.call_function(init, Some(Val::Instance(index)), args);
        } else if self.classes.get(class).is_some_and(|class| class.has_fields) {
            self.fill_fields(class, index, &args);
        }
        Val::Instance(index)
    }

    fn fill_fields(&mut self, class: usize, instance: usize, args: &Args) {
        let mut lineage = self.lineage(class);
        lineage.reverse();
        let fields: Vec<&'t str> =
            lineage.iter().filter_map(|class| self.classes.get(*class)).flat_map(|class| class.order.clone()).collect();
        for (position, field) in fields.into_iter().enumerate() {
            let given = args.keyword(field).or_else(|| args.positional.get(position)).cloned();
            let Some(value) = given.or_else(|| self.member(class, field)) else { continue };
            if let Some(instance) = self.instances.get_mut(instance) {
                instance.attributes.insert(field, value);
            }
        }
    }

    pub(super) fn attribute(&mut self, object: &Val, name: &'t str) -> Val {
        match object {
            Val::Name(full) => match (full.as_ref(), name) {
                ("sys", "argv") => Val::Words(0),
                ("sys", "version_info") => Val::list([3, 12, 0].map(Val::Int).to_vec()),
                ("sys", "platform") => Val::str("linux"),
                ("os", "name") => Val::str("posix"),
                _ => Val::Name(format!("{full}.{name}").into()),
            },
            Val::Module(index) => self.import_name(*index, name),
            Val::Instance(index) => {
                let instance = self.instances.get(*index);
                if let Some(own) = instance.and_then(|instance| instance.attributes.get(name)) {
                    return own.clone();
                }
                let class = instance.map(|instance| instance.class);
                match class.and_then(|class| self.member(class, name)) {
                    Some(member) => self.reached(member, object),
                    None => self.attributes.get(name).cloned().unwrap_or(Val::Unknown),
                }
            }
            Val::Class(index) => match (name, self.member(*index, name)) {
                (_, Some(member)) => self.reached(member, object),
                ("__name__", _) => self.classes.get(*index).map_or(Val::Unknown, |class| Val::str(class.name)),
                ("__members__", _) => {
                    let members = self.members_of(object).unwrap_or_default().into_iter();
                    let pairs = members.filter_map(|member| match &member {
                        Val::Member(inner) => Some((Val::Str(Rc::clone(&inner.0)), member.clone())),
                        _ => None,
                    });
                    Val::dict(pairs.collect())
                }
                _ => Val::Unknown,
            },
            Val::Super(inner) => {
                let (receiver, class) = inner.as_ref();
                let lineage = self.lineage(*class);
                let member =
                    lineage.iter().skip(1).find_map(|class| self.classes.get(*class)?.members.get(name).cloned());
                member.map_or(Val::Unknown, |member| self.reached(member, receiver))
            }
            Val::Member(member) => match name {
                "value" => member.1.clone(),
                "name" => Val::Str(Rc::clone(&member.0)),
                _ => Val::Unknown,
            },
            Val::Func(index) => self.function_attribute(*index, name),
            Val::Parser(index) => {
                let class = self.parsers.get(*index).and_then(|parser| parser.class);
                match (class.and_then(|class| self.member(class, name)), name) {
                    (Some(member), _) => self.reached(member, object),
                    (None, "_action_groups") => Val::list(vec![Val::Group(*index, None); 2]),
                    (None, "_optionals" | "_positionals") => Val::Group(*index, None),
                    (None, _) => self.attributes.get(name).cloned().unwrap_or(Val::Unknown),
                }
            }
            Val::Subparsers(index) if name == "choices" => {
                let parser = self.parsers.get(*index).and_then(|parser| parser.subparsers.as_ref());
                let commands = parser.map(|sub| sub.commands.as_slice()).unwrap_or_default();
                Val::dict(
                    commands.iter().map(|command| (Val::str(&*command.name), Val::Parser(command.parser))).collect(),
                )
            }
            Val::Path(text) => match name {
                "name" => Val::str(text.rsplit('/').next().unwrap_or("")),
                "parent" => match text.rsplit_once('/') {
                    Some((parent, _)) => path(if parent.is_empty() { "/" } else { parent }),
                    None => path("."),
                },
                _ => Val::Unknown,
            },
            Val::List(items) => match name {
                "major" => items.first().cloned().unwrap_or(Val::Unknown),
                "minor" => items.get(1).cloned().unwrap_or(Val::Unknown),
                _ => Val::Unknown,
            },
            _ => Val::Unknown,
        }
    }

    /// A member as it is found through an object or a class.
    fn reached(&mut self, member: Val, object: &Val) -> Val {
        let Val::Func(index) = member else { return member };
        let nature = self.functions.get(index).map_or(Nature::Plain, |function| function.nature);
        match nature {
            Nature::Static => Val::Func(index),
            Nature::OfClass => {
                let class = match object {
                    Val::Instance(instance) => self.instances.get(*instance).map(|instance| Val::Class(instance.class)),
                    _ => None,
                };
                Val::Bound(Rc::new((class.unwrap_or_else(|| object.clone()), index)))
            }
            Nature::Property if !matches!(object, Val::Class(_)) => {
                self.call_function(index, Some(object.clone()), Args::default())
            }
            _ if matches!(object, Val::Class(_)) => Val::Func(index),
            _ => Val::Bound(Rc::new((object.clone(), index))),
        }
    }

    fn function_attribute(&mut self, index: usize, name: &str) -> Val {
        let Some(function) = self.functions.get(index) else { return Val::Unknown };
        match name {
            "__name__" => Val::str(function.name),
            "__doc__" => {
                let (body, module) = (function.node.child_by_field_name("body"), function.module);
                self.frames.push(Frame::new(Scope::inside(None), module));
                let text = body.and_then(|body| self.docstring_of(body));
                self.frames.pop();
                text.unwrap_or(Val::None)
            }
            _ => Val::Unknown,
        }
    }

    pub(super) fn set_attribute(&mut self, object: &Val, name: &'t str, value: Val) {
        match object {
            Val::Instance(index) => {
                if let Some(instance) = self.instances.get_mut(*index) {
                    instance.attributes.insert(name, value);
                }
            }
            Val::Class(index) => {
                if let Some(class) = self.classes.get_mut(*index) {
                    class.members.insert(name, value);
                }
            }
            Val::Subparsers(_) | Val::Action(..) => self.amend(object, name, &value),
            Val::Parser(parser) if name == "description" => {
                if let (Some(parser), Some(text)) = (self.parsers.get_mut(*parser), value.as_str()) {
                    parser.description = Some(text.to_owned());
                }
            }
            _ => {
                self.attributes.insert(name, value);
            }
        }
    }

    /// What iterating gives; for an enum class, its members.
    pub(super) fn members_of(&self, value: &Val) -> Option<Vec<Val>> {
        match value {
            Val::Class(index) => {
                let class = self.classes.get(*index).filter(|_| self.inherits(*index, "Enum"))?;
                let members = class.order.iter().filter_map(|name| class.members.get(name).cloned());
                Some(members.filter(|member| matches!(member, Val::Member(_))).collect())
            }
            other => other.iterate(),
        }
    }
}
