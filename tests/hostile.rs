//! Hostile skills: each payload is run without a sandbox, where it must do its harm, and then through the engine in every
//! tier, as root and as an ordinary user, where it must not. Judged by effect, not by what the payload says.
//!
//! The test starts one process for each user that plays the host (`hostile/host.rs`), so that every payload faces a host
//! whose environment, descriptors, keyring, files, sockets and processes hold something to steal or to break.
//!
//! `HOSTILE_ROWS=N1,N2` runs only these rows; `HOSTILE_SHOW=1` prints what each said.
#![cfg(target_os = "linux")]

#[path = "hostile/aftermath.rs"]
mod aftermath;
#[path = "hostile/compare.rs"]
mod compare;
#[path = "hostile/host.rs"]
mod host;
#[path = "hostile/skills.rs"]
mod skills;
#[path = "hostile/stage.rs"]
mod stage;
#[path = "hostile/table.rs"]
mod table;
#[path = "hostile/verdict.rs"]
mod verdict;
#[path = "hostile/witness.rs"]
mod witness;

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use table::{ROWS, Row, SEED};
use verdict::Verdicts;

/// An id that no process of an ordinary machine has, so that nobody's processes are in reach.
const ORDINARY: u32 = 61_234;
const TEST: &str = "payloads_are_contained";

#[test]
fn payloads_are_contained() {
    if let (Some(root), Some(report)) = (std::env::var_os("HOSTILE_ROOT"), std::env::var_os("HOSTILE_REPORT")) {
        return host::play(Path::new(&root), Path::new(&report));
    }
    // SAFETY: takes no pointers.
    let own = unsafe { libc::geteuid() };
    let users: &[(&'static str, u32)] = if own == 0 { &[("root", 0), ("user", ORDINARY)] } else { &[("user", own)] };
    if own != 0 {
        println!("skipped: the half that runs as root");
    }
    let halves: Vec<Half> = users.iter().map(|(name, uid)| Half::start(name, *uid, own)).collect();
    let mut verdicts = Verdicts::default();
    let mut failures = Vec::new();
    for mut half in halves {
        let status = half.process.wait().unwrap();
        if !status.success() {
            failures.push(format!("the host as {} ended early: {status}", half.name));
        }
        verdicts.add(half.name, &fs::read_to_string(half.root.join("report")).unwrap_or_default());
        skills::remove(&half.root);
    }
    println!("{verdicts}");
    let wanted = std::env::var("HOSTILE_ROWS").unwrap_or_default();
    let rows: Vec<&Row> =
        ROWS.iter().chain(SEED).filter(|row| wanted.is_empty() || wanted.split(',').any(|id| id == row.id)).collect();
    failures.extend(verdicts.failures(&rows));
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// A process that plays the host as one user.
struct Half {
    name: &'static str,
    root: PathBuf,
    process: Child,
}

impl Half {
    fn start(name: &'static str, uid: u32, own: u32) -> Half {
        let mut random = [0u8; 16];
        fs::File::open("/dev/urandom").unwrap().read_exact(&mut random).unwrap();
        let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        // In memory where possible: some controls make tens of thousands of files.
        let below = if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
        let root = PathBuf::from(format!("{below}/hostile-stage-{name}-{}", &secret[16..]));
        fs::create_dir(&root).unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        // The build's folder may be closed to the other user.
        let program = root.join("host");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let mut command = if uid == own {
            Command::new(&program)
        } else {
            chown(&root, Some(uid), Some(uid)).unwrap();
            let id = uid.to_string();
            let mut command = Command::new("setpriv");
            command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--inh-caps=-all", "--"]).arg(&program);
            command
        };
        let mut settings: Vec<(&str, PathBuf)> = vec![
            ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
            ("HOME", root.join("home")),
            ("USER", "canary".into()),
            ("TZ", "Pacific/Kiritimati".into()),
            ("SECRET_TOKEN", secret.into()),
            ("PYTHONPATH", root.join("evil")),
            ("HOSTILE_ROOT", root.clone()),
            ("HOSTILE_REPORT", root.join("report")),
        ];
        for name in ["HOSTILE_ROWS", "HOSTILE_COMPARE", "HOSTILE_SHOW"] {
            settings.extend(std::env::var_os(name).map(|value| (name, value.into())));
        }
        command.env_clear().envs(settings).args([TEST, "--exact", "--nocapture", "--test-threads=1"]).current_dir("/");
        Half { name, process: command.spawn().unwrap(), root }
    }
}
