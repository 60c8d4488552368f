//! The variables a script sees: which names are allowed where, and the small fixed set every run starts from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::document::{Section, excerpt, invalid};
use crate::error::{Error, Result, Status};
use crate::sandbox::Layout;

/// The most variables one document may set.
const MAX_VARIABLES: usize = 256;
/// The most bytes of names and values that one document may set; the kernel's bound for a whole argv is not far above.
const MAX_BYTES: usize = 128 << 10;

/// Names with which a call could take over the loader, the interpreter or the lookup of commands, or could contradict
/// what the library promises about a run. Only the engine's own policy may set them.
const RESERVED: &[&str] = &[
    "BASHOPTS",
    "BASH_ENV",
    "CDPATH",
    "CLAUDE_SKILL_DIR",
    "ENV",
    "GCONV_PATH",
    "HOME",
    "HOSTALIASES",
    "IFS",
    "LOCPATH",
    "NLSPATH",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_REPL_EXTERNAL_MODULE",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "PATH",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PERLLIB",
    "PROMPT_COMMAND",
    "PS4",
    "RES_OPTIONS",
    "RUBYLIB",
    "RUBYOPT",
    "SHELLOPTS",
    "TMPDIR",
];

/// Families of such names.
const RESERVED_PREFIXES: &[&str] = &["DYLD_", "GLIBC_", "LD_", "MALLOC_", "PYTHON", "SKILL_"];

/// Reads an `env` object: names to string values. With `is_call` the reserved names are refused.
pub(super) fn read(section: &Section<'_>, is_call: bool) -> Result<BTreeMap<String, String>> {
    let Some(env) = section.map("env")? else { return Ok(BTreeMap::new()) };
    let mut variables = BTreeMap::new();
    let mut bytes = 0usize;
    for (name, value) in env.entries() {
        let key = env.key_name(&excerpt(name));
        if !is_name(name) {
            return Err(invalid(&key, "is no variable name; it must match ^[A-Za-z_][A-Za-z0-9_]*$"));
        }
        if is_call && is_reserved(name) {
            return Err(invalid(
                &key,
                "steers the loader, the interpreter or the run itself; only the engine's policy.env may set it",
            ));
        }
        let value = env.as_text(&excerpt(name), value)?;
        bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
        variables.insert(name.to_owned(), value.to_owned());
    }
    if variables.len() > MAX_VARIABLES || bytes > MAX_BYTES {
        return Err(invalid(
            &section.key_name("env"),
            format_args!("has {} variables, {bytes} bytes; at most {MAX_VARIABLES} and {MAX_BYTES}", variables.len()),
        ));
    }
    Ok(variables)
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_reserved(name: &str) -> bool {
    // Compared without regard to case: some of these are read in either.
    let name = name.to_ascii_uppercase();
    RESERVED.contains(&name.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The whole environment of a run. Later parts win: the fixed set, what the interpreter needs (`runtime`), the
/// engine's policy, the call. A call cannot change a variable that the policy sets: [`Status::PolicyWidened`].
pub(super) fn assemble(
    layout: &Layout,
    search_path: &str,
    runtime: &[(OsString, OsString)],
    policy: &BTreeMap<String, String>,
    call: &BTreeMap<String, String>,
) -> Result<Vec<(OsString, OsString)>> {
    let inside = |name: &str| layout.home.join(name).into_os_string();
    let own = |path: &Path| path.as_os_str().to_owned();
    let mut variables: BTreeMap<OsString, OsString> = [
        ("PATH", search_path.into()),
        ("HOME", own(&layout.temporary)),
        ("TMPDIR", own(&layout.temporary)),
        ("LANG", "C.UTF-8".into()),
        ("TZ", "UTC".into()),
        ("PYTHONUNBUFFERED", "1".into()),
        ("PYTHONDONTWRITEBYTECODE", "1".into()),
        ("SKILL_DIR", own(&layout.home)),
        ("SKILL_ASSETS_DIR", inside("assets")),
        ("SKILL_REFERENCES_DIR", inside("references")),
        ("SKILL_SCRIPTS_DIR", inside("scripts")),
        ("CLAUDE_SKILL_DIR", own(&layout.home)),
    ]
    .into_iter()
    .map(|(name, value)| (OsString::from(name), value))
    .collect();
    variables.extend(runtime.iter().cloned());
    variables.extend(policy.iter().map(|(name, value)| (name.into(), value.into())));
    for (name, value) in call {
        if policy.get(name).is_some_and(|fixed| fixed != value) {
            return Err(Error::new(
                Status::PolicyWidened,
                format!("'env.{name}' is set by the engine's policy; a call cannot change it"),
            ));
        }
        variables.insert(name.into(), value.into());
    }
    Ok(variables.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout { home: "/skill".into(), work: "/work".into(), temporary: "/tmp".into() }
    }

    fn one(name: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn later_parts_win_but_a_call_leaves_the_policy_alone() {
        let runtime = [("LANG".into(), "C".into()), ("VIRTUAL_ENV".into(), "/venv".into())];
        let found = assemble(&layout(), "/bin", &runtime, &one("TZ", "Asia/Tokyo"), &one("MODE", "fast")).unwrap();
        let get = |name: &str| found.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.to_str());
        assert_eq!(get("LANG"), Some("C"));
        assert_eq!(get("TZ"), Some("Asia/Tokyo"));
        assert_eq!(get("MODE"), Some("fast"));
        assert_eq!(get("SKILL_ASSETS_DIR"), Some("/skill/assets"));
        assert_eq!(get("HOME"), Some("/tmp"));
        let refused = assemble(&layout(), "/bin", &[], &one("A", "1"), &one("A", "2")).unwrap_err();
        assert_eq!(refused.status, Status::PolicyWidened);
        assert!(assemble(&layout(), "/bin", &[], &one("A", "1"), &one("A", "1")).is_ok());
    }

    #[test]
    fn reserved_names_are_known_in_any_case() {
        for name in ["LD_PRELOAD", "ld_preload", "PYTHONPATH", "PythonHome", "NODE_OPTIONS", "ENV", "SKILL_DIR"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["NODE_ENV", "LANG", "API_KEY", "ENVIRONMENT", "LDAP_URL", "PYTHIA"] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
