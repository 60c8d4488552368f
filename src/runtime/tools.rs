//! The host's ordinary commands, as few binds: the distribution's own directories, never the administrator's.

use std::path::Path;

use super::view::{View, merge};
use super::{Runtime, Tools};

/// The distribution's programs and libraries. The short ones are links into `/usr` on a merged system, and directories
/// of their own elsewhere (Alpine).
const PROGRAMS: &[&str] = &["/usr/bin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/bin", "/lib", "/lib64"];

/// What those programs read: names that pick one of several implementations (awk on Debian), the loader's cache, time
/// zones, perl's modules, file's magic numbers.
const DATA: &[&str] = &[
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/usr/share/git-core",
    "/usr/share/zoneinfo",
    "/usr/share/perl",
    "/usr/share/perl5",
    "/usr/share/misc",
];

/// Finds the tools of this host; what it does not have is left out.
pub(super) fn find(home: Option<&Path>) -> Tools {
    let mut view = View::new(home);
    for path in PROGRAMS.iter().chain(DATA) {
        view.add_if_present(Path::new(path));
    }
    let (mounts, symlinks) = view.into_parts();
    let has_own_bin = mounts.iter().any(|mount| mount == Path::new("/bin"));
    let search_path = String::from(if has_own_bin { "/usr/bin:/bin" } else { "/usr/bin" });
    Tools { mounts, symlinks, search_path }
}

impl Runtime {
    /// This runtime with `tools` visible too; mounts and links stay sorted and free of duplicates.
    #[must_use]
    pub fn with_tools(&self, tools: &Tools) -> Self {
        let (mounts, symlinks) = merge(
            self.mounts.iter().chain(&tools.mounts).cloned(),
            self.symlinks.iter().chain(&tools.symlinks).cloned(),
        );
        Self { mounts, symlinks, ..self.clone() }
    }
}
