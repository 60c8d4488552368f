//! Node.js: one binary with its standard library inside, and its shared libraries.

use std::ffi::OsString;
use std::path::Path;

use super::loader::{Loader, Trust};
use super::view::View;
use super::{Language, Lookup, Runtime, shim};

/// Where Debian keeps the built-in modules that it cuts out of the binary.
const DISTRIBUTION: &[&str] = &["/usr/share/nodejs", "/usr/share/node_modules", "/usr/lib/nodejs"];

/// Node ends at once when the host's OpenSSL configuration is there and closed to it, as in the Landlock tier.
const NO_OPENSSL_CONFIG: [&str; 2] = ["OPENSSL_CONF", "/dev/null"];

/// The runtime of the Node at `candidate`; the error is a one-line reason why it cannot be used.
pub(super) fn runtime(candidate: &Path, lookup: &Lookup) -> Result<Runtime, String> {
    let program = shim::follow(candidate, shim::NODE, lookup)?;
    let mut view = View::new(lookup.home.as_deref());
    let real = view.add(&program)?;
    if real.starts_with("/usr/bin") {
        for directory in DISTRIBUTION {
            view.add_if_present(Path::new(directory));
        }
    }
    let library_path = lookup.variables.get("LD_LIBRARY_PATH").map(String::as_str).unwrap_or_default();
    let loader = Loader::load(&mut view, &real, Trust::Host, library_path)?;
    let mut environment = vec![NO_OPENSSL_CONFIG.map(OsString::from)];
    environment.extend(loader.library_path().map(|path| ["LD_LIBRARY_PATH".into(), OsString::from(path)]));
    let environment = environment.into_iter().map(|[name, value]| (name, value)).collect();
    let (mounts, symlinks) = view.into_parts();
    Ok(Runtime {
        language: Language::Node,
        program: real,
        arguments: Vec::new(),
        mounts,
        symlinks,
        environment,
        standard_modules: Vec::new(),
    })
}
