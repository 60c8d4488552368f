//! Where accounting groups can be made: below the caller's own (v1), or beside it where a parent delegates (v2).

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Directories for the supervisor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directories {
    /// 1 or 2; 0 for none.
    pub version: u32,
    /// v1: the memory controller.
    pub memory: PathBuf,
    /// v1: the pids controller.
    pub pids: PathBuf,
    /// v2: the unified hierarchy.
    pub unified: PathBuf,
}

/// Finds them, or says why there are none.
pub fn find() -> Result<Directories, String> {
    let read = |path| fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"));
    let own = read("/proc/self/cgroup")?;
    let mounts = read("/proc/self/mountinfo")?;
    locate(&own, &mounts, &is_writable, &|path| fs::read_to_string(path).unwrap_or_default())
}

fn is_writable(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: `path` is a live NUL-terminated string.
    unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK, libc::AT_EACCESS) == 0 }
}

/// The search itself, over the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`.
fn locate(
    own: &str,
    mounts: &str,
    is_writable: &dyn Fn(&Path) -> bool,
    read: &dyn Fn(&Path) -> String,
) -> Result<Directories, String> {
    let v1 = |controller: &str| -> Option<PathBuf> {
        let group = own.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let controllers = fields.next()?;
            controllers.split(',').any(|name| name == controller).then(|| fields.next())?
        })?;
        mount_points(mounts, "cgroup")
            .find(|mount| mount.options.split(',').any(|option| option == controller))
            .map(|mount| mount.directory(group))
    };
    if let (Some(memory), Some(pids)) = (v1("memory"), v1("pids")) {
        if let Some(closed) = [&memory, &pids].into_iter().find(|path| !is_writable(path)) {
            return Err(format!("the control group {} is not writable by this user", closed.display()));
        }
        return Ok(Directories { version: 1, memory, pids, ..Directories::default() });
    }
    let group = own.lines().find_map(|line| line.strip_prefix("0::")).ok_or("the kernel has no control groups")?;
    let mount = mount_points(mounts, "cgroup2").next().ok_or("the control groups are not mounted")?;
    let own_directory = mount.directory(group);
    let delegates = |path: &Path| {
        let enabled = read(&path.join("cgroup.subtree_control"));
        ["memory", "pids"].iter().all(|controller| enabled.split_whitespace().any(|name| name == *controller))
    };
    own_directory
        .ancestors()
        .take_while(|path| path.starts_with(&mount.point))
        .find(|path| delegates(path) && is_writable(path))
        .map(|path| Directories { version: 2, unified: path.to_path_buf(), ..Directories::default() })
        .ok_or_else(|| {
            format!("no control group at or above {} delegates memory and pids to this user", own_directory.display())
        })
}

struct MountPoint<'a> {
    root: &'a str,
    point: PathBuf,
    options: &'a str,
}

impl MountPoint<'_> {
    /// Where `group`, a path of the hierarchy, is in the file system.
    fn directory(&self, group: &str) -> PathBuf {
        let inside = group.strip_prefix(self.root.trim_end_matches('/')).unwrap_or(group);
        self.point.join(inside.trim_start_matches('/'))
    }
}

fn mount_points<'a>(mounts: &'a str, kind: &'a str) -> impl Iterator<Item = MountPoint<'a>> {
    // proc(5): id parent major:minor root mount-point options [optional …] - type source super-options
    mounts.lines().filter_map(move |line| {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let (root, point) = (before.next()?, before.next()?);
        let mut after = after.split(' ');
        (after.next()? == kind).then(|| MountPoint {
            root,
            point: PathBuf::from(point),
            options: after.nth(1).unwrap_or(""),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1_MOUNTS: &str = "30 20 0:26 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n\
                             31 20 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
                             32 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    const V2_MOUNTS: &str = "30 20 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn v1_is_taken_below_the_own_group() {
        let own = "4:memory:/process/x\n8:pids:/\n0::/\n";
        let found = locate(own, V1_MOUNTS, &|_| true, &|_| String::new()).unwrap();
        assert_eq!(found.version, 1);
        assert_eq!(found.memory, Path::new("/sys/fs/cgroup/memory/process/x"));
        assert_eq!(found.pids, Path::new("/sys/fs/cgroup/pids"));
    }

    #[test]
    fn v1_that_is_closed_to_the_user_is_named() {
        let error = locate("4:memory:/a\n8:pids:/\n", V1_MOUNTS, &|_| false, &|_| String::new()).unwrap_err();
        assert!(error.contains("/sys/fs/cgroup/memory/a"), "{error}");
    }

    #[test]
    fn v2_takes_the_nearest_delegating_ancestor() {
        let own = "0::/user.slice/user@1.service/app.slice/host.service\n";
        let enabled = |file: &Path| match file.parent() {
            Some(group) if group.ends_with("app.slice") || group.ends_with("user@1.service") => {
                "cpu memory pids\n".into()
            }
            _ => String::new(),
        };
        let found = locate(own, V2_MOUNTS, &|_| true, &enabled).unwrap();
        assert_eq!(found.unified, Path::new("/sys/fs/cgroup/user.slice/user@1.service/app.slice"));
        let writable = |path: &Path| !path.ends_with("app.slice");
        let found = locate(own, V2_MOUNTS, &writable, &enabled).unwrap();
        assert_eq!(found.unified, Path::new("/sys/fs/cgroup/user.slice/user@1.service"));
    }

    #[test]
    fn v2_without_delegation_is_an_obstacle() {
        let error = locate("0::/a/b\n", V2_MOUNTS, &|_| true, &|_| "cpu".into()).unwrap_err();
        assert!(error.contains("delegates memory and pids"), "{error}");
    }

    #[test]
    fn a_mounted_subtree_is_cut_off_the_path() {
        let mounts = "1 2 0:3 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      1 2 0:3 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
        let found =
            locate("4:memory:/docker/abc/x\n5:pids:/docker/abc\n", mounts, &|_| true, &|_| String::new()).unwrap();
        assert_eq!(found.memory, Path::new("/sys/fs/cgroup/memory/x"));
    }
}
