//! A bound that has a name and a range: how documents set the fields of a struct of limits, and how a call tightens them.

use crate::error::{Error, Result, Status};

/// One named bound of `T` with its accepted range.
pub struct Limit<T> {
    /// The key in a document.
    pub key: &'static str,
    /// Smallest accepted value.
    pub min: u64,
    /// Largest accepted value. It keeps arithmetic far from overflow, not machines from harm.
    pub max: u64,
    /// Reads the bound.
    pub get: fn(&T) -> u64,
    /// Writes the bound.
    pub set: fn(&mut T, u64),
}

/// The table of a struct whose fields are all `u64` bounds: `name: min, max;` for each.
macro_rules! fields {
    ($($key:ident: $min:expr, $max:expr;)*) => {
        &[$($crate::limit::Limit {
            key: stringify!($key),
            min: $min,
            max: $max,
            get: |limits| limits.$key,
            set: |limits, value| limits.$key = value,
        }),*]
    };
}
pub(crate) use fields;

/// Sets the bound `key` of `limits`, or says why not: the key is unknown or the value is out of its range.
pub fn set<T>(fields: &[Limit<T>], limits: &mut T, key: &str, value: u64) -> Result<()> {
    let Some(field) = fields.iter().find(|field| field.key == key) else {
        let known: Vec<_> = fields.iter().map(|field| field.key).collect();
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
    (field.set)(limits, value);
    Ok(())
}

/// Applies the tighter bounds `changes` to a copy of `limits`; a looser one is [`Status::PolicyWidened`].
pub fn narrowed<T: Copy>(fields: &[Limit<T>], limits: &T, changes: &[(String, u64)]) -> Result<T> {
    let mut narrowed = *limits;
    for (key, value) in changes {
        set(fields, &mut narrowed, key, *value)?;
        if let Some(field) = fields.iter().find(|field| field.key == key) {
            let allowed = (field.get)(limits);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Limits;

    #[test]
    fn a_call_narrows_but_never_widens() {
        let engine = Limits::default();
        let narrow = |key: &str, value| narrowed(Limits::FIELDS, &engine, &[(key.to_owned(), value)]);
        assert_eq!(narrow("wall_ms", 10).map(|l| l.wall_ms), Ok(10));
        assert_eq!(narrow("pids", 65).unwrap_err().status, Status::PolicyWidened);
    }

    #[test]
    fn every_bound_names_its_range() {
        for field in Limits::FIELDS {
            let mut limits = Limits::default();
            for bad in [field.min - 1, field.max + 1, u64::MAX] {
                let error = set(Limits::FIELDS, &mut limits, field.key, bad).unwrap_err();
                assert!(error.message.contains(field.key) && error.message.contains(&field.max.to_string()));
            }
            assert!(set(Limits::FIELDS, &mut limits, field.key, field.min).is_ok());
            assert_eq!((field.get)(&limits), field.min);
        }
    }

    #[test]
    fn an_unknown_limit_lists_the_known_ones() {
        let error = set(Limits::FIELDS, &mut Limits::default(), "ram", 1).unwrap_err();
        assert!(error.message.contains("memory_bytes"), "{error}");
    }
}
