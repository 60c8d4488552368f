//! Values as bytes that a file can keep, and back again.
//!
//! What comes back is judged while it is read: an unknown tag, a length beyond the end, text that is no UTF-8 or too deep a
//! nesting gives nothing, so that a file that was damaged, or written by somebody else, is one that is not there.

use serde_json::Value;

use super::{
    Argument, ArgvSpec, Command, Convention, Dashes, Exclusive, Form, Grammar, Reading, Scalar, Subcommands, Values,
};
use crate::runtime::Language;

/// How deep lists may lie in each other: subcommands of subcommands.
const DEPTH: u32 = 32;

/// What is left to read.
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
    depth: u32,
}

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes, depth: 0 }
    }

    /// Whether everything was read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// A length, which cannot be more than what is left: everything that is kept takes a byte.
    fn length(&mut self) -> Option<usize> {
        usize::try_from(u64::read(self)?).ok().filter(|length| *length <= self.rest.len())
    }
}

/// What can be kept.
pub(crate) trait Stored: Sized {
    /// Adds it; at least one byte.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes it from the front of what is left; `None` where that is something else.
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

impl Stored for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        match from.take(1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl Stored for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }
}

impl Stored for String {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        out.extend_from_slice(self.as_bytes());
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let length = from.length()?;
        std::str::from_utf8(from.take(length)?).ok().map(str::to_owned)
    }
}

impl Stored for Value {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_string().write(out);
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        serde_json::from_str(&String::read(from)?).ok()
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        self.iter().for_each(|item| item.write(out));
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let length = from.length()?;
        from.depth += 1;
        if from.depth > DEPTH {
            return None;
        }
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(T::read(from)?);
        }
        from.depth -= 1;
        Some(items)
    }
}

impl<T: Stored> Stored for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        if bool::read(from)? { T::read(from).map(Some) } else { Some(None) }
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?))
    }
}

/// A struct, field by field; one that is missing here does not compile.
macro_rules! fields {
    ($type:ident { $($field:ident),* }) => {
        impl Stored for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($field.write(out);)*
            }
            fn read(from: &mut Reader<'_>) -> Option<Self> {
                Some(Self { $($field: Stored::read(from)?),* })
            }
        }
    };
}
pub(crate) use fields;

/// An enum: a tag, then what the variant holds.
macro_rules! variants {
    ($type:ident { $($tag:literal => $variant:ident $({ $($field:ident),* })? $(( $item:ident ))?),* }) => {
        impl Stored for $type {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $({ $($field),* })? $(( $item ))? => {
                        out.push($tag);
                        $($($field.write(out);)*)?
                        $($item.write(out);)?
                    })*
                }
            }
            fn read(from: &mut Reader<'_>) -> Option<Self> {
                match from.take(1)? {
                    $([$tag] => {
                        $(let $item = Stored::read(from)?;)?
                        Some(Self::$variant $({ $($field: Stored::read(from)?),* })? $(( $item ))?)
                    })*
                    _ => None,
                }
            }
        }
    };
}

variants!(Language { 0 => Python, 1 => Node, 2 => Bash, 3 => Sh, 4 => Native });
variants!(Convention { 0 => StdinJson, 1 => Argv(spec), 2 => Generic });
fields!(ArgvSpec { arguments, subcommands, exclusive, stdin_property, grammar });
fields!(Grammar { reading, values, dashes, is_positional_first, prefixes, file_prefixes, has_numeric_flags });
variants!(Reading { 0 => Argparse, 1 => Getopt, 2 => Words });
variants!(Values { 0 => Joined, 1 => ShortApart, 2 => Apart });
variants!(Dashes { 0 => Marked, 1 => AlwaysMarked, 2 => Verbatim, 3 => Refused });
fields!(Argument { property, form, is_required });
variants!(Form {
    0 => Positional(scalar),
    1 => Positionals { scalar, takes_rest },
    2 => PositionalTuple { scalar, count },
    3 => Option { flag, scalar, bare },
    4 => OptionList { flag, scalar, is_repeatable },
    5 => OptionTuple { flag, scalar, count, is_repeated },
    6 => Repeated { flag, scalar, takes_lists },
    7 => Count { flag, start },
    8 => Switch(flags),
    9 => Switches(flags)
});
variants!(Scalar { 0 => Text, 1 => Integer, 2 => Json, 3 => Truth });
fields!(Subcommands { property, is_required, commands });
fields!(Command { name, spec });
fields!(Exclusive { properties, is_required });
