//! The part of the host that has to be visible: a set of real paths and the symbolic links that lead to them.
//!
//! A path is walked component by component, as the kernel would: each link on the way is remembered, because a program
//! inside the root walks the same way, and what stands at the end is bound at its real place. Directories that hold
//! more than a runtime (a home, `/etc`, `/usr`) can never be part of a view; the check sits here, below every finder.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Links followed on one path before it counts as a loop; the kernel's own limit.
const MAX_LINKS: usize = 40;

/// Directories that are never bound as a whole. Their ancestors, the home directory and its ancestors are not either.
const NEVER_WHOLE: &[&str] = &[
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/local",
    "/usr/local/etc",
    "/usr/local/lib",
    "/usr/local/share",
    "/usr/share",
    "/var",
    "/var/lib",
    "/var/tmp",
];

/// Paths collected so far.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    home: Option<PathBuf>,
    mounts: BTreeSet<PathBuf>,
    symlinks: BTreeMap<PathBuf, PathBuf>,
}

/// Mounts and links, ready for [`super::Runtime`].
pub(super) type Parts = (Vec<PathBuf>, Vec<(PathBuf, PathBuf)>);

impl View {
    /// An empty view of a host whose user lives at `home`.
    pub fn new(home: Option<&Path>) -> Self {
        Self { home: home.map(Path::to_path_buf), ..Self::default() }
    }

    /// Makes `path` (absolute) visible, under that name and whatever it links to; returns its real path. Nothing is
    /// changed on an error, whose text is a one-line reason.
    pub fn add(&mut self, path: &Path) -> Result<PathBuf, String> {
        self.add_as(path, Path::to_path_buf)
    }

    /// As [`add`](Self::add), for a shared library: when it lives in one of the system's own library directories,
    /// that directory is bound instead of the file (one bind for forty libraries, and for those opened by name later).
    pub fn add_library(&mut self, path: &Path) -> Result<PathBuf, String> {
        self.add_as(path, |real| match real.parent() {
            Some(parent) if is_system_library_directory(parent) => parent.to_path_buf(),
            _ => real.to_path_buf(),
        })
    }

    /// As [`add`](Self::add), and returns `false` when there is no such path or it may not be bound.
    pub fn add_if_present(&mut self, path: &Path) -> bool {
        self.add(path).is_ok()
    }

    /// Records the links on the way to `path` and nothing else.
    pub fn add_links(&mut self, path: &Path) {
        if let Ok((_, links)) = resolve(path) {
            self.symlinks.extend(links);
        }
    }

    fn add_as(&mut self, path: &Path, place: impl FnOnce(&Path) -> PathBuf) -> Result<PathBuf, String> {
        let (real, links) = resolve(path)?;
        let mount = place(&real);
        self.check(&mount)?;
        self.mounts.insert(mount);
        self.symlinks.extend(links);
        Ok(real)
    }

    fn check(&self, mount: &Path) -> Result<(), String> {
        let is_protected = |path: &Path| path.starts_with(mount);
        let home = self.home.as_deref();
        // A home that is itself a link is bound under its real name.
        let real_home = home.and_then(|home| fs::canonicalize(home).ok());
        if NEVER_WHOLE.iter().any(|path| is_protected(Path::new(path)))
            || home.is_some_and(is_protected)
            || real_home.as_deref().is_some_and(is_protected)
            || (mount.parent() == Some(Path::new("/home")))
        {
            return Err(format!("it would make all of {} visible to scripts", mount.display()));
        }
        Ok(())
    }

    /// The collected paths without duplicates and without what another mount already shows.
    pub fn into_parts(self) -> Parts {
        merge(self.mounts, self.symlinks)
    }
}

/// Drops mounts inside others, and links that a mount already shows. Links whose text differs cannot occur: all come
/// from the same host.
pub(super) fn merge(
    mounts: impl IntoIterator<Item = PathBuf>,
    symlinks: impl IntoIterator<Item = (PathBuf, PathBuf)>,
) -> Parts {
    let all: BTreeSet<PathBuf> = mounts.into_iter().collect();
    let mut kept: Vec<PathBuf> = Vec::with_capacity(all.len());
    // A set of paths is ordered by components, so a directory comes directly before all that is inside it.
    for mount in all {
        if !kept.last().is_some_and(|outer| mount.starts_with(outer)) {
            kept.push(mount);
        }
    }
    let links: BTreeMap<PathBuf, PathBuf> = symlinks.into_iter().collect();
    let links = links.into_iter().filter(|(link, _)| !kept.iter().any(|mount| link.starts_with(mount))).collect();
    (kept, links)
}

/// The real path behind `path`, and every link on the way as (real path of the link, its text).
fn resolve(path: &Path) -> Result<(PathBuf, Vec<(PathBuf, PathBuf)>), String> {
    if !path.is_absolute() {
        return Err(format!("{} is not an absolute path", path.display()));
    }
    let mut real = PathBuf::from("/");
    let mut links = Vec::new();
    // What is still to walk, last component first.
    let mut rest: Vec<OsString> = reversed(path);
    while let Some(name) = rest.pop() {
        if name == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&name);
        let metadata = fs::symlink_metadata(&next).map_err(|error| format!("{}: {error}", next.display()))?;
        if !metadata.is_symlink() {
            real = next;
            continue;
        }
        if links.len() >= MAX_LINKS {
            return Err(format!("{} leads through too many symbolic links", path.display()));
        }
        let text = fs::read_link(&next).map_err(|error| format!("{}: {error}", next.display()))?;
        if text.is_absolute() {
            real = PathBuf::from("/");
        }
        rest.extend(reversed(&text));
        links.push((next, text));
    }
    Ok((real, links))
}

fn reversed(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_os_string()),
            Component::ParentDir => Some(OsString::from("..")),
            _ => None,
        })
        .collect()
}

/// Whether `directory` (a real path) belongs to the distribution: below `/lib*` or `/usr/lib*`, root's, and writable
/// by root alone.
pub(super) fn is_system_library_directory(directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    if !is_system_library_path(directory) {
        return false;
    }
    fs::metadata(directory).is_ok_and(|data| data.is_dir() && data.uid() == 0 && data.mode() & 0o022 == 0)
}

/// Whether a real path lies where distributions keep libraries.
pub(super) fn is_system_library_path(path: &Path) -> bool {
    let mut names = path.components().skip(1);
    let first = names.next();
    let library = if first == Some(Component::Normal("usr".as_ref())) { names.next() } else { first };
    matches!(library, Some(Component::Normal(name))
        if ["lib", "lib64", "lib32", "libx32"].iter().any(|known| name == *known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_walk_remembers_every_link() {
        let directory = tempfile::tempdir().expect("tempdir");
        let root = fs::canonicalize(directory.path()).expect("canonical");
        fs::create_dir_all(root.join("real/bin")).expect("mkdir");
        fs::write(root.join("real/bin/tool-1"), "").expect("write");
        symlink("tool-1", root.join("real/bin/tool")).expect("link");
        symlink(root.join("real"), root.join("current")).expect("link");
        let mut view = View::new(None);
        let real = view.add(&root.join("current/bin/../bin/tool")).expect("walk");
        assert_eq!(real, root.join("real/bin/tool-1"));
        let (mounts, links) = view.clone().into_parts();
        assert_eq!(mounts, [root.join("real/bin/tool-1")]);
        assert_eq!(
            links,
            [(root.join("current"), root.join("real")), (root.join("real/bin/tool"), PathBuf::from("tool-1"))]
        );
        view.add(&root.join("real/bin")).expect("walk");
        let (mounts, links) = view.into_parts();
        assert_eq!(mounts, [root.join("real/bin")]);
        assert_eq!(links, [(root.join("current"), root.join("real"))]);
    }

    #[test]
    fn a_loop_of_links_is_an_error() {
        let directory = tempfile::tempdir().expect("tempdir");
        symlink("b", directory.path().join("a")).expect("link");
        symlink("a", directory.path().join("b")).expect("link");
        let error = View::new(None).add(&directory.path().join("a")).expect_err("loop");
        assert!(error.contains("too many"), "{error}");
    }

    #[test]
    fn shared_directories_are_never_bound_whole() {
        let directory = tempfile::tempdir().expect("tempdir");
        let home = directory.path().join("home/user");
        fs::create_dir_all(home.join("python")).expect("mkdir");
        let mut view = View::new(Some(&home));
        for path in ["/", "/etc", "/usr", "/tmp", "/var"].map(PathBuf::from).iter().chain([
            &home,
            &home.join("python/.."),
            &directory.path().to_path_buf(),
        ]) {
            let error = view.add(path).expect_err("shared");
            assert!(error.contains("visible to scripts"), "{}: {error}", path.display());
        }
        assert!(view.add(&home.join("python")).is_ok());
        assert_eq!(view.into_parts().0.len(), 1);
    }

    #[test]
    fn siblings_with_a_common_beginning_are_kept() {
        let (mounts, links) = merge(
            ["/a/b-c", "/a/b", "/a/b/c", "/a/b", "/a/bc"].map(PathBuf::from),
            [("/a/b/x", "y"), ("/a/x", "b")].map(|(a, b)| (PathBuf::from(a), PathBuf::from(b))),
        );
        assert_eq!(mounts, ["/a/b", "/a/b-c", "/a/bc"].map(PathBuf::from));
        assert_eq!(links, [(PathBuf::from("/a/x"), PathBuf::from("b"))]);
    }

    #[test]
    fn system_library_paths_are_recognised() {
        for (path, expected) in [
            ("/usr/lib/x86_64-linux-gnu", true),
            ("/usr/lib64", true),
            ("/lib", true),
            ("/usr/local/lib", false),
            ("/root/lib", false),
            ("/usr", false),
            ("/", false),
            ("/usr/libexec", false),
        ] {
            assert_eq!(is_system_library_path(Path::new(path)), expected, "{path}");
        }
    }
}
