//! A loaded skill's folder: what counts as changed, what does not, and what is read to find out.

use std::fs::{self, FileTimes, Permissions};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use skilllite::error::Status;
use skilllite::skill::{Skill, load};
use tempfile::TempDir;

use crate::{good_skill_md, skill_folder, write};

/// Something done to a skill's folder.
type Change = fn(&Path);

const MAIN: &str = "import helper, json\n";
const HELPER: &str = "ANSWER = 42\n";

fn skill() -> (TempDir, PathBuf, Skill) {
    let dir = tempfile::tempdir().unwrap();
    let folder = skill_folder(dir.path(), "skill", good_skill_md("skill"));
    write(&folder.join("scripts/main.py"), MAIN);
    write(&folder.join("scripts/helper.py"), HELPER);
    write(&folder.join("scripts/lib/deep.py"), "DEEP = 1\n");
    write(&folder.join("references/notes.md"), "notes\n");
    write(&folder.join("references/twin.md"), "notes\n");
    write(&folder.join("node_modules/left/out.js"), "");
    symlink("notes.md", folder.join("references/alias.md")).unwrap();
    symlink("none.md", folder.join("references/dangling.md")).unwrap();
    symlink("../references", folder.join("scripts/folder-link")).unwrap();
    mkfifo(&folder.join("references/pipe"), Mode::S_IRWXU).unwrap();
    let skill = load(&folder).expect("loads");
    (dir, folder, skill)
}

/// The youngest ctime in a folder.
fn youngest(folder: &Path) -> SystemTime {
    let changed = |path: &Path| {
        let metadata = path.symlink_metadata().unwrap();
        let (seconds, nanoseconds) = (metadata.ctime().try_into().unwrap(), metadata.ctime_nsec().try_into().unwrap());
        SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
    };
    let entries = fs::read_dir(folder).unwrap().flatten();
    let inner = entries.map(|entry| match entry.file_type().unwrap().is_dir() {
        true => youngest(&entry.path()),
        false => changed(&entry.path()),
    });
    inner.chain([changed(folder)]).max().unwrap()
}

/// Lets the times of all files become old enough to be relied on, and lets the skill see that they are.
fn settle(skill: &Skill) {
    let old_enough = youngest(&skill.root) + Duration::from_millis(60);
    // Not to wait for anyone: age is what is tested.
    while let Ok(rest) = old_enough.duration_since(SystemTime::now()) {
        std::thread::sleep(rest + Duration::from_millis(1));
    }
    skill.verify_all().expect("nothing changed");
}

/// Other content of the same length, at the same time.
fn forge(path: &Path) {
    let metadata = path.metadata().unwrap();
    let mut content = fs::read(path).unwrap();
    content[0] ^= 1;
    fs::write(path, content).unwrap();
    let times = FileTimes::new().set_modified(metadata.modified().unwrap()).set_accessed(metadata.accessed().unwrap());
    fs::File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    let now = path.metadata().unwrap();
    assert_eq!((now.len(), now.modified().unwrap()), (metadata.len(), metadata.modified().unwrap()));
}

/// Replaces a folder by a copy of it.
fn copy_in_place(folder: &Path) {
    let old = folder.with_extension("old");
    fs::rename(folder, &old).unwrap();
    let status = std::process::Command::new("cp").arg("-a").arg(&old).arg(folder).status().unwrap();
    assert!(status.success());
    fs::remove_dir_all(old).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs every change on a skill that was just loaded, and on one whose files have been looked at since.
fn on_fresh_and_settled<T>(rows: &[(&str, Change, T)], check: impl Fn(&str, &Path, &Skill, &T)) {
    for (name, change, expected) in rows {
        for is_settled in [false, true] {
            let (_dir, folder, skill) = skill();
            if is_settled {
                settle(&skill);
            }
            change(&folder);
            check(&format!("{name}, settled: {is_settled}"), &folder, &skill, expected);
        }
    }
}

#[test]
fn every_change_is_noticed() {
    // What is done, and the path that the error names.
    let rows: &[(&str, Change, &str)] = &[
        ("same size, same time", |f| forge(&f.join("scripts/main.py")), "scripts/main.py"),
        ("in a helper", |f| forge(&f.join("scripts/helper.py")), "scripts/helper.py"),
        ("deep", |f| forge(&f.join("scripts/lib/deep.py")), "scripts/lib/deep.py"),
        ("instructions", |f| forge(&f.join("SKILL.md")), "SKILL.md"),
        ("longer", |f| write(&f.join("scripts/main.py"), "import helper, json, os\n"), "scripts/main.py"),
        ("emptied", |f| write(&f.join("scripts/main.py"), ""), "scripts/main.py"),
        ("executable", |f| set_mode(&f.join("scripts/main.py"), 0o755), "scripts/main.py"),
        ("shadows a module", |f| write(&f.join("scripts/json.py"), ""), "scripts/json.py"),
        ("shadows as a package", |f| fs::create_dir(f.join("scripts/json")).unwrap(), "scripts/json"),
        ("shadows as a link", |f| symlink("helper.py", f.join("scripts/json.py")).unwrap(), "scripts/json.py"),
        ("new at the root", |f| write(&f.join("sitecustomize.py"), ""), "sitecustomize.py"),
        ("new below", |f| write(&f.join("scripts/lib/__init__.py"), ""), "scripts/lib/__init__.py"),
        ("new pipe", |f| mkfifo(&f.join("scripts/pipe"), Mode::S_IRWXU).unwrap(), "scripts/pipe"),
        ("not UTF-8", |f| write(&f.join(std::ffi::OsStr::from_bytes(b"\xff.py")), ""), "\u{fffd}.py"),
        (
            "a link by a left-out name",
            |f| symlink("lib", f.join("scripts/__pycache__")).unwrap(),
            "scripts/__pycache__",
        ),
        ("a file by a left-out name", |f| write(&f.join("scripts/.git"), ""), "scripts/.git"),
        ("gone", |f| fs::remove_file(f.join("scripts/helper.py")).unwrap(), "scripts/helper.py"),
        (
            "a link to its copy",
            |f| {
                fs::rename(f.join("references/notes.md"), f.join("node_modules/notes.md")).unwrap();
                symlink("../node_modules/notes.md", f.join("references/notes.md")).unwrap();
            },
            "references/notes.md",
        ),
        (
            "a link out",
            |f| {
                fs::rename(f.join("scripts/main.py"), f.with_file_name("moved")).unwrap();
                symlink("../../moved", f.join("scripts/main.py")).unwrap();
            },
            "scripts/main.py",
        ),
        (
            "a folder for a file",
            |f| {
                fs::remove_file(f.join("scripts/main.py")).unwrap();
                fs::create_dir(f.join("scripts/main.py")).unwrap();
            },
            "scripts/main.py",
        ),
        (
            "a pipe for a file",
            |f| {
                fs::remove_file(f.join("scripts/main.py")).unwrap();
                mkfifo(&f.join("scripts/main.py"), Mode::S_IRWXU).unwrap();
            },
            "scripts/main.py",
        ),
        (
            "a file for a pipe",
            |f| {
                fs::remove_file(f.join("references/pipe")).unwrap();
                write(&f.join("references/pipe"), "");
            },
            "references/pipe",
        ),
        (
            "another folder",
            |f| {
                copy_in_place(&f.join("scripts/lib"));
                forge(&f.join("scripts/lib/deep.py"));
            },
            "scripts/lib/deep.py",
        ),
        ("a folder gone", |f| fs::remove_dir_all(f.join("scripts/lib")).unwrap(), "scripts/lib"),
        (
            "a folder linked in",
            |f| {
                fs::rename(f.join("scripts/lib"), f.join("node_modules/lib")).unwrap();
                symlink("../node_modules/lib", f.join("scripts/lib")).unwrap();
            },
            "scripts/lib",
        ),
        (
            "a folder linked out",
            |f| {
                fs::rename(f.join("references"), f.with_file_name("moved")).unwrap();
                symlink("../moved", f.join("references")).unwrap();
            },
            "references",
        ),
        (
            "a file for a folder",
            |f| {
                fs::remove_dir_all(f.join("scripts/lib")).unwrap();
                write(&f.join("scripts/lib"), "");
            },
            "scripts/lib",
        ),
        ("all gone", |f| fs::remove_dir_all(f).unwrap(), "skill"),
        (
            "all replaced",
            |f| {
                copy_in_place(f);
                forge(&f.join("scripts/main.py"));
            },
            "scripts/main.py",
        ),
        (
            "a link to the same bytes elsewhere",
            |f| relink("twin.md", &f.join("references/alias.md")),
            "references/alias.md",
        ),
        (
            "a file for a link",
            |f| {
                fs::remove_file(f.join("references/alias.md")).unwrap();
                write(&f.join("references/alias.md"), "notes\n");
            },
            "references/alias.md",
        ),
        ("a dead link revived", |f| relink("notes.md", &f.join("references/dangling.md")), "references/dangling.md"),
        ("a folder's link elsewhere", |f| relink("lib", &f.join("scripts/folder-link")), "scripts/folder-link"),
    ];
    on_fresh_and_settled(rows, |name, _, skill, path| {
        for _ in 0..2 {
            let error = skill.verify_all().expect_err(name);
            assert_eq!(error.status, Status::SkillChanged, "{name}: {error}");
            assert!(error.message.contains(&format!("`{path}`")), "{name}: {error}");
            assert!(error.message.ends_with("; load the folder again"), "{name}: {error}");
        }
    });
}

fn relink(target: &str, link: &Path) {
    fs::remove_file(link).unwrap();
    symlink(target, link).unwrap();
}

#[test]
fn what_is_the_same_stays_the_same() {
    let rows: &[(&str, Change, ())] = &[
        ("nothing", |_| {}, ()),
        ("touched", |f| touch(&f.join("scripts/main.py")), ()),
        ("written again", |f| write(&f.join("scripts/main.py"), MAIN), ()),
        ("other permission to read", |f| set_mode(&f.join("scripts/main.py"), 0o600), ()),
        ("a second name outside", |f| fs::hard_link(f.join("scripts/main.py"), f.with_file_name("x")).unwrap(), ()),
        (
            "an equal file in its place",
            |f| {
                write(&f.with_file_name("new"), HELPER);
                fs::rename(f.with_file_name("new"), f.join("scripts/helper.py")).unwrap();
            },
            (),
        ),
        ("an equal folder in its place", |f| copy_in_place(&f.join("scripts")), ()),
        ("an equal skill in its place", copy_in_place, ()),
        ("byte code", |f| write(&f.join("scripts/__pycache__/main.pyc"), "x"), ()),
        ("version control", |f| write(&f.join(".git/index"), "x"), ()),
        ("installed packages", |f| write(&f.join("node_modules/left/out.js"), "x"), ()),
        (
            "there and gone",
            |f| {
                write(&f.join("scripts/json.py"), "");
                fs::remove_file(f.join("scripts/json.py")).unwrap();
            },
            (),
        ),
        (
            "away and back",
            |f| {
                fs::rename(f, f.with_file_name("away")).unwrap();
                fs::rename(f.with_file_name("away"), f).unwrap();
            },
            (),
        ),
        ("an equal link", |f| relink("notes.md", &f.join("references/alias.md")), ()),
        ("an equal dead link", |f| relink("none.md", &f.join("references/dangling.md")), ()),
        ("a used pipe", |f| touch_path(&f.join("references/pipe")), ()),
    ];
    on_fresh_and_settled(rows, |name, _, skill, ()| {
        for _ in 0..3 {
            skill.verify_all().expect(name);
        }
        settle(skill);
    });
}

fn touch(path: &Path) {
    fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::now()).unwrap();
}

/// Without opening it.
fn touch_path(path: &Path) {
    assert!(std::process::Command::new("touch").arg(path).status().unwrap().success());
}

#[test]
fn what_is_changed_back_is_fine_again() {
    let (_dir, folder, skill) = skill();
    let main = folder.join("scripts/main.py");
    for _ in 0..3 {
        forge(&main);
        assert_eq!(skill.verify_all().expect_err("changed").status, Status::SkillChanged);
        forge(&main);
        skill.verify_all().expect("changed back");
        write(&folder.join("scripts/json.py"), "");
        assert_eq!(skill.clone().verify_all().expect_err("added").status, Status::SkillChanged);
        fs::remove_file(folder.join("scripts/json.py")).unwrap();
        skill.verify_all().expect("removed");
        settle(&skill);
    }
}

/// Reports what is opened to be read in some folders; looking opens nothing.
struct Opened {
    watch: OwnedFd,
}

impl Opened {
    fn watch(folders: &[PathBuf]) -> Self {
        // SAFETY: a call without pointers; the descriptor that it gives is owned by nobody else.
        let watch = unsafe {
            let descriptor = libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC);
            assert!(descriptor >= 0, "{}", std::io::Error::last_os_error());
            OwnedFd::from_raw_fd(descriptor)
        };
        for folder in folders {
            let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).unwrap();
            // SAFETY: the path is a live C string.
            let added = unsafe { libc::inotify_add_watch(watch.as_raw_fd(), path.as_ptr(), libc::IN_OPEN) };
            assert!(added >= 0, "{}", std::io::Error::last_os_error());
        }
        Self { watch }
    }

    /// The names since the last time; empty for a watched folder itself.
    fn take(&self) -> Vec<String> {
        let mut buffer = vec![0u8; 1 << 16];
        let Ok(length) = nix::unistd::read(&self.watch, &mut buffer) else { return Vec::new() };
        let mut names = Vec::new();
        let mut rest = &buffer[..length];
        // wd, mask, cookie, length of the name: 4 bytes each; the name, padded with NUL bytes.
        while rest.len() >= 16 {
            let name_length = u32::from_ne_bytes(rest[12..16].try_into().unwrap()) as usize;
            let name = String::from_utf8_lossy(&rest[16..16 + name_length]);
            names.push(name.trim_end_matches('\0').to_owned());
            rest = &rest[16 + name_length..];
        }
        names.sort();
        names.dedup();
        names
    }
}

#[test]
fn only_what_looks_different_is_read_again() {
    let (_dir, folder, skill) = skill();
    let opened = Opened::watch(&[folder.clone(), folder.join("scripts"), folder.join("references")]);
    settle(&skill);
    opened.take();
    for _ in 0..3 {
        skill.verify_all().expect("nothing changed");
        skill.clone().verify_all().expect("nothing changed");
        assert_eq!(opened.take(), [""; 0], "looking is enough");
    }
    let steps: [(&str, Change, &[&str]); 4] = [
        ("touched", |f| touch(&f.join("scripts/main.py")), &["main.py"]),
        ("byte code", |f| write(&f.join("scripts/__pycache__/main.pyc"), "x"), &["", "scripts"]),
        ("an equal link", |f| relink("notes.md", &f.join("references/alias.md")), &["", "notes.md", "references"]),
        ("nothing", |_| {}, &[]),
    ];
    for (name, change, read) in steps {
        change(&folder);
        opened.take();
        skill.verify_all().expect(name);
        assert_eq!(opened.take(), read, "{name}: just this");
        settle(&skill);
        opened.take();
        skill.verify_all().expect(name);
        assert_eq!(opened.take(), [""; 0], "{name}: and then never again");
    }
}

#[test]
fn a_change_right_after_loading_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = skill_folder(dir.path(), "skill", good_skill_md("skill"));
    let main = folder.join("main.py");
    for round in 0..500 {
        write(&main, "print(1)\n");
        let skill = load(&folder).expect("loads");
        write(&main, "print(2)\n");
        let error = skill.verify_all().expect_err(&format!("round {round}"));
        assert_eq!(error.status, Status::SkillChanged, "round {round}: {error}");
        write(&main, "print(1)\n");
        skill.verify_all().expect("changed back");
        write(&main, "print(3)\n");
        skill.verify_all().expect_err(&format!("after verifying, round {round}"));
    }
}

/// A file that changes while its times stand still, as within one tick of the kernel's clock: through a mapping whose page is
/// already writable, so that the kernel sees no write.
#[test]
fn a_change_within_the_tick_of_loading_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = skill_folder(dir.path(), "skill", good_skill_md("skill"));
    let main = folder.join("main.py");
    let mut counted = 0;
    let deadline = Instant::now() + Duration::from_secs(20);
    while counted < 20 {
        assert!(Instant::now() < deadline, "{counted} rounds were quick enough");
        write(&main, vec![b'#'; 4096]);
        let file = fs::File::options().read(true).write(true).open(&main).unwrap();
        let (access, sharing) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping of a whole file of this size.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, access, sharing, file.as_raw_fd(), 0) };
        assert_ne!(page, libc::MAP_FAILED, "{}", std::io::Error::last_os_error());
        // SAFETY: the mapping is live, and only this thread uses it.
        let poke = |byte: u8| unsafe { page.cast::<u8>().write_volatile(byte) };
        let started = Instant::now();
        poke(b'1');
        let skill = load(&folder).expect("loads");
        let is_quick = started.elapsed() < Duration::from_millis(40);
        let before = main.metadata().unwrap();
        poke(b'2');
        let after = main.metadata().unwrap();
        let times = |metadata: &fs::Metadata| (metadata.ctime(), metadata.ctime_nsec());
        if is_quick && times(&before) == times(&after) {
            counted += 1;
            let error = skill.verify_all().expect_err("another byte");
            assert!(error.message.contains("`main.py`"), "{error}");
        }
        // SAFETY: the mapping is not used after this.
        assert_eq!(unsafe { libc::munmap(page, 4096) }, 0);
    }
}

#[test]
fn threads_verify_at_once() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 50;
    let (_dir, folder, skill) = skill();
    let barrier = Barrier::new(THREADS + 1);
    std::thread::scope(|scope| {
        let verifiers: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    // Nothing changed, changed, changed back, each seen by all.
                    (0..3 * ROUNDS)
                        .map(|_| {
                            barrier.wait();
                            let is_same = skill.verify_all().is_ok();
                            barrier.wait();
                            is_same
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        for _ in 0..ROUNDS {
            for step in 0..3 {
                if step > 0 {
                    forge(&folder.join("scripts/helper.py"));
                }
                barrier.wait();
                barrier.wait();
            }
        }
        let expected = [true, false, true].repeat(ROUNDS);
        for verifier in verifiers {
            assert_eq!(verifier.join().unwrap(), expected);
        }
    });
    // Times that move all the while, and content that stays.
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                touch(&folder.join("scripts/main.py"));
                write(&folder.join("scripts/__pycache__/main.pyc"), "x");
                fs::remove_dir_all(folder.join("scripts/__pycache__")).unwrap();
            }
        });
        let verifiers: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| (0..200).try_for_each(|_| skill.verify_all()).map_err(|error| error.message)))
            .collect();
        let results: Vec<_> = verifiers.into_iter().map(|verifier| verifier.join().unwrap()).collect();
        is_done.store(true, Ordering::Relaxed);
        assert_eq!(results, [const { Ok(()) }; THREADS]);
    });
    settle(&skill);
}
