//! What the system says about a file without reading it, and when that is enough to know its content.
//!
//! The kernel moves a file's ctime with every change and lets no one set it, so a file that looks exactly as it did when it was
//! read has not been written since. Except within one tick of its clock: that is [`Identity::is_settled`]. A program that has a
//! file mapped writable, or stops for long inside one `write`, can still change it unseen; only reading again would tell.

use std::hash::{BuildHasher, Hash, RandomState};
use std::time::{Duration, SystemTime};

/// How much older than the reading a ctime must be: more than a tick of any kernel (10 ms at 100 Hz).
const TICK: Duration = Duration::from_millis(50);
/// The same where ctimes come in whole seconds (ext4 with small inodes) or two (FAT).
const COARSE_TICK: Duration = Duration::from_secs(3);

/// What kind of thing a name in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
    /// A device, socket or pipe.
    Special,
}

/// A file's facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub kind: Kind,
    /// Length in bytes.
    pub size: u64,
    /// Any of the three execute permissions.
    pub is_executable: bool,
    device: u64,
    inode: u64,
    mode: u32,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, i64),
    /// The same; `None` where the system tells no ctime.
    changed: Option<(i64, i64)>,
}

impl Identity {
    #[cfg(target_os = "linux")]
    #[allow(clippy::unnecessary_cast, reason = "the types differ between architectures")]
    pub fn new(stat: &libc::stat) -> Self {
        let kind = match stat.st_mode & libc::S_IFMT {
            libc::S_IFREG => Kind::File,
            libc::S_IFDIR => Kind::Directory,
            libc::S_IFLNK => Kind::Link,
            _ => Kind::Special,
        };
        Self {
            kind,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            is_executable: stat.st_mode & 0o111 != 0,
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            mode: stat.st_mode as u32,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: Some((stat.st_ctime as i64, stat.st_ctime_nsec as i64)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn new(metadata: &std::fs::Metadata) -> Self {
        let kind = metadata.file_type();
        #[cfg(unix)]
        let is_executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
        #[cfg(not(unix))]
        let is_executable = false;
        Self {
            kind: match () {
                () if kind.is_file() => Kind::File,
                () if kind.is_dir() => Kind::Directory,
                () if kind.is_symlink() => Kind::Link,
                () => Kind::Special,
            },
            size: metadata.len(),
            is_executable,
            device: 0,
            inode: 0,
            mode: 0,
            modified: metadata.modified().ok().and_then(since_1970).unwrap_or_default(),
            changed: None,
        }
    }

    /// Whether every change after `read_at` gives another identity: `read_at` is a moment before the identity was taken and the
    /// content was read. (Git calls the opposite racily clean.)
    pub fn is_settled(&self, read_at: SystemTime) -> bool {
        let Some((seconds, nanoseconds)) = self.changed else { return false };
        let Ok(read_at) = read_at.duration_since(SystemTime::UNIX_EPOCH) else { return false };
        let tick = if nanoseconds == 0 { COARSE_TICK } else { TICK };
        // A ctime before 1970 or with impossible nanoseconds is not to be relied on.
        match (u64::try_from(seconds), u32::try_from(nanoseconds)) {
            (Ok(seconds), Ok(nanoseconds)) if nanoseconds < 1_000_000_000 => {
                Duration::new(seconds, nanoseconds).checked_add(tick).is_some_and(|settled| settled < read_at)
            }
            _ => false,
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn since_1970(time: SystemTime) -> Option<(i64, i64)> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some((i64::try_from(since.as_secs()).ok()?, i64::from(since.subsec_nanos())))
}

/// Turns identities into single words that threads exchange without a lock. The key is random, so no choice of times and sizes
/// makes two identities collide on purpose; by chance they do once in 2^64.
#[derive(Debug, Default)]
pub(super) struct Marks(RandomState);

impl Marks {
    /// No identity's mark: the content is not known to be the one that was loaded.
    pub const UNKNOWN: u64 = 0;

    pub fn of(&self, identities: &[Identity]) -> u64 {
        self.0.hash_one(identities).max(1)
    }

    /// The mark to remember where content that was read at `read_at` is the right one.
    pub fn settled(&self, identities: &[Identity], read_at: SystemTime) -> u64 {
        let is_settled = identities.iter().all(|identity| identity.is_settled(read_at));
        if is_settled { self.of(identities) } else { Self::UNKNOWN }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::Identity;

    #[test]
    fn settled_means_older_than_a_tick() {
        const MS: i64 = 1_000_000;
        // ctime, then when it was read, both in seconds and nanoseconds.
        let rows = [
            ("read a second later", (100, MS), (101, MS), true),
            ("51 ms later", (100, MS), (100, 52 * MS), true),
            ("50 ms later", (100, MS), (100, 51 * MS), false),
            ("across a second", (100, 999 * MS), (101, 40 * MS), false),
            ("the same moment", (100, MS), (100, MS), false),
            ("a clock ahead", (200, MS), (100, 0), false),
            ("whole seconds, 2 s", (100, 0), (102, 0), false),
            ("whole seconds, 4 s", (100, 0), (104, 0), true),
            ("before 1970", (-5, MS), (100, 0), false),
            ("no time", (100, 2_000 * MS), (200, 0), false),
            ("the last second", (i64::MAX, MS), (100, 0), false),
        ];
        for (name, (seconds, nanoseconds), (read_seconds, read_nanoseconds), expected) in rows {
            // SAFETY: a stat is plain numbers, for which zero is a value.
            let mut stat: libc::stat = unsafe { std::mem::zeroed() };
            (stat.st_ctime, stat.st_ctime_nsec) = (seconds, nanoseconds);
            let read_at = SystemTime::UNIX_EPOCH
                + Duration::new(u64::try_from(read_seconds).unwrap(), u32::try_from(read_nanoseconds).unwrap());
            assert_eq!(Identity::new(&stat).is_settled(read_at), expected, "{name}");
        }
        // SAFETY: as above.
        let stat: libc::stat = unsafe { std::mem::zeroed() };
        assert!(
            !Identity::new(&stat).is_settled(SystemTime::UNIX_EPOCH - Duration::from_secs(1)),
            "a clock before 1970"
        );
    }
}
