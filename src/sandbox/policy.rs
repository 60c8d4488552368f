//! What a sandboxed process may do, as plain data.
//!
//! A [`Policy`] is a value: the default is useful and safe, nothing reads the environment, and the only operation on
//! two of them is to narrow. The room [`super::plan`] compiles it; nobody else interprets it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::tier::Tier;
use crate::error::{Error, Result, Status};

/// The rules for one process tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The weakest isolation that is acceptable; below it nothing runs.
    pub min_tier: Tier,
    /// The strongest isolation to use, where a host gives more than is wanted (for uniform behaviour, and tests).
    pub max_tier: Tier,
    /// What the process may consume.
    pub limits: Limits,
    /// Variables added to the small fixed environment.
    pub environment: BTreeMap<String, String>,
    /// Host paths visible read-only, at the same path.
    pub read_paths: Vec<PathBuf>,
    /// Host paths visible and writable, at the same path.
    pub write_paths: Vec<PathBuf>,
    /// Whether the process may start further programs.
    pub allows_subprocess: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min_tier: Tier::Namespaces,
            max_tier: Tier::Full,
            limits: Limits::default(),
            environment: BTreeMap::new(),
            read_paths: Vec::new(),
            write_paths: Vec::new(),
            allows_subprocess: true,
        }
    }
}

/// Bounds on what one process tree may consume. Every bound is positive; there is no "unlimited".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time from the start of the call to its result, in milliseconds.
    pub wall_ms: u64,
    /// Processor time of each process, in milliseconds (the kernel counts whole seconds; rounded up).
    pub cpu_ms: u64,
    /// Memory of the whole tree, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads alive at once.
    pub pids: u64,
    /// Open descriptors of each process.
    pub open_files: u64,
    /// Size of one file, in bytes.
    pub file_bytes: u64,
    /// Size of the work directory and the temporary directory each, in bytes.
    pub disk_bytes: u64,
    /// Kept bytes of stdout and of stderr each; more is dropped from the middle.
    pub output_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_ms: 30_000,
            cpu_ms: 30_000,
            memory_bytes: 512 << 20,
            pids: 64,
            open_files: 256,
            file_bytes: 256 << 20,
            disk_bytes: 256 << 20,
            output_bytes: 1 << 20,
        }
    }
}

/// One named bound of [`Limits`] with its accepted range.
pub struct LimitField {
    /// The key in a config document.
    pub key: &'static str,
    /// Smallest accepted value.
    pub min: u64,
    /// Largest accepted value.
    pub max: u64,
    /// Reads the bound.
    pub get: fn(&Limits) -> u64,
    /// Writes the bound.
    pub set: fn(&mut Limits, u64),
}

macro_rules! limit_fields {
    ($($key:ident: $min:expr, $max:expr;)*) => {
        &[$(LimitField {
            key: stringify!($key),
            min: $min,
            max: $max,
            get: |limits| limits.$key,
            set: |limits, value| limits.$key = value,
        }),*]
    };
}

impl Limits {
    /// Every bound, its key and its range. The upper ends keep arithmetic far from overflow, not machines from harm.
    pub const FIELDS: &'static [LimitField] = limit_fields! {
        wall_ms: 1, 86_400_000;
        cpu_ms: 1, 86_400_000;
        memory_bytes: 4 << 20, 1 << 44;
        pids: 1, 1 << 16;
        open_files: 8, 1 << 20;
        file_bytes: 1 << 12, 1 << 44;
        disk_bytes: 1 << 16, 1 << 44;
        output_bytes: 1 << 10, 1 << 30;
    };

    /// Sets the bound `key`, or says why not: the key is unknown or the value is out of its range.
    pub fn set(&mut self, key: &str, value: u64) -> Result<()> {
        let Some(field) = Self::FIELDS.iter().find(|field| field.key == key) else {
            let known: Vec<_> = Self::FIELDS.iter().map(|field| field.key).collect();
            return Err(Error::new(
                Status::InvalidConfig,
                format!("unknown limit '{key}'; known limits: {}", known.join(", ")),
            ));
        };
        if value < field.min || value > field.max {
            return Err(Error::new(
                Status::InvalidConfig,
                format!("limit '{key}' is {value}; it must lie between {} and {}", field.min, field.max),
            ));
        }
        (field.set)(self, value);
        Ok(())
    }

    /// Applies the tighter bounds `changes` to a copy; a looser one is [`Status::PolicyWidened`].
    pub fn narrowed(&self, changes: &[(String, u64)]) -> Result<Self> {
        let mut narrowed = *self;
        for (key, value) in changes {
            narrowed.set(key, *value)?;
            if let Some(field) = Self::FIELDS.iter().find(|field| field.key == key) {
                let allowed = (field.get)(self);
                if *value > allowed {
                    return Err(Error::new(
                        Status::PolicyWidened,
                        format!("limit '{key}' is {value}, above the engine's {allowed}; a call can only narrow it"),
                    ));
                }
            }
        }
        Ok(narrowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_narrows_but_never_widens() {
        let engine = Limits::default();
        assert_eq!(engine.narrowed(&[("wall_ms".into(), 10)]).map(|l| l.wall_ms), Ok(10));
        let widened = engine.narrowed(&[("pids".into(), 65)]).unwrap_err();
        assert_eq!(widened.status, Status::PolicyWidened);
    }

    #[test]
    fn every_bound_names_its_range() {
        for field in Limits::FIELDS {
            let mut limits = Limits::default();
            for bad in [field.min - 1, field.max + 1, u64::MAX] {
                let error = limits.set(field.key, bad).unwrap_err();
                assert!(error.message.contains(field.key) && error.message.contains(&field.max.to_string()));
            }
            assert!(limits.set(field.key, field.min).is_ok());
            assert_eq!((field.get)(&limits), field.min);
        }
    }

    #[test]
    fn an_unknown_limit_lists_the_known_ones() {
        let error = Limits::default().set("ram", 1).unwrap_err();
        assert!(error.message.contains("memory_bytes"), "{error}");
    }
}
