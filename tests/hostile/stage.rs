//! The stage: everything of the host that a payload could harm or steal, made by us and watched by us.
//!
//! Built inside the process that plays the host, whose environment, descriptors, keyring and signal dispositions are
//! poisoned too. Nothing of the real machine is touched.

use std::ffi::CString;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ORDINARY;
use crate::skills;
use crate::table::{Control, Evidence, Row};
use crate::witness::{Ears, Victim, interface, own_names};

/// The descriptor at which the victim and the host hold the secret file.
const SECRET_DESCRIPTOR: i32 = 201;

/// The stage of one host.
pub struct Stage {
    /// Its folder.
    pub root: PathBuf,
    /// What must not leak.
    pub secret: String,
    /// Part of the name of every file that payloads are told to leave about.
    litter: String,
    ears: Ears,
    victim: Victim,
    before: Vec<(PathBuf, String)>,
}

impl Stage {
    /// Builds the stage at `root`, which exists and is empty.
    pub fn build(root: &Path, rows: &[Row]) -> Stage {
        free_segments();
        let secret = std::env::var("SECRET_TOKEN").unwrap();
        for folder in ["canary/project", "home/.ssh", "home/.aws", "home/.config/app", "skills", "evil", "control"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in [".ssh/id_rsa", ".aws/credentials", ".netrc", ".config/app/token"] {
            fs::write(root.join("home").join(file), &secret).unwrap();
        }
        fs::write(root.join("secret.txt"), &secret).unwrap();
        skills::evil(&root.join("evil"));
        rows.iter().for_each(|row| skills::write(root, row));
        skills::copy(&root.join("skills"), &root.join("pristine"));
        let inherited = poison(&root.join("secret.txt"), &secret);
        let litter = format!("hostile-{}", &secret[..12]);
        let mut stage = Stage {
            root: root.to_path_buf(),
            ears: Ears::open(root, &litter, &secret, inherited),
            victim: Victim::start(&secret),
            secret,
            litter,
            before: Vec::new(),
        };
        stage.restore();
        stage
    }

    /// Puts right what a payload may have harmed.
    pub fn restore(&mut self) {
        let _ = fs::remove_dir_all(self.root.join("canary"));
        fs::create_dir_all(self.root.join("canary/project")).unwrap();
        if !self.root.join("secret.txt").exists() {
            fs::write(self.root.join("secret.txt"), &self.secret).unwrap();
        }
        fs::write(self.root.join("canary/untouched.txt"), "untouched".repeat(600)).unwrap();
        self.litter_places().iter().for_each(|path| drop(fs::remove_file(path)));
        if !self.victim.is_well() {
            self.victim = Victim::start(&self.secret);
        }
        self.before = self.fingerprint();
        self.ears.take();
    }

    /// Puts a row's skill back as it was, if its control changed it.
    pub fn restage(&self, row: &Row) {
        let folder = skills::folder(&self.root, row);
        let pristine = self.root.join("pristine").join(folder.file_name().unwrap());
        let is_same = Command::new("diff").arg("-rq").args([&folder, &pristine]).stdout(Stdio::null()).status();
        if !is_same.is_ok_and(|status| status.success()) {
            fs::remove_dir_all(&folder).unwrap();
            skills::copy(&pristine, &folder);
        }
    }

    /// What payloads are told; the secret is not among it.
    pub fn parameters(&self) -> Value {
        let [tcp4, tcp6, udp, bind, service, paths] = self.ears.ports();
        let at = |path: &str| self.root.join(path).to_string_lossy().into_owned();
        // SAFETY: takes no pointers.
        let (uid, session) = unsafe { (libc::getuid(), libc::getsid(0)) };
        json!({
            "secret": at("secret.txt"), "home": at("home"), "stage": at("canary"), "litter": self.litter,
            "tcp4": tcp4, "tcp6": tcp6, "udp": udp, "bind": bind,
            "service": service, "paths": paths, "names": own_names(),
            "path_socket": at("service.sock"), "path_datagram": at("datagram.sock"), "abstract": self.litter,
            "interface": interface(), "victim": self.victim.pid(), "victim_environment": self.victim.environment_address(),
            "victim_descriptor": SECRET_DESCRIPTOR, "host": std::process::id(), "uid": uid, "session": session,
        })
    }

    /// The rules of a policy that lets payloads speak to the service, and to nobody of the host besides.
    pub fn allow_list(&self) -> Vec<String> {
        let [tcp4, .., service, paths] = self.ears.ports();
        vec![format!("127.0.0.1:{service}"), format!("127.0.0.1:{paths}/open/"), format!("*:{tcp4}")]
    }

    /// What of the harm to the stage can be seen now.
    pub fn evidence(&mut self) -> Vec<Evidence> {
        let mut found = Vec::new();
        if self.ears.take() > 0 {
            found.push(Evidence::Heard);
        }
        if !self.victim.is_well() {
            found.push(Evidence::Victim);
        }
        if self.fingerprint() != self.before || self.litter_places().iter().any(|path| path.exists()) {
            found.push(Evidence::Changed);
        }
        found
    }

    fn litter_places(&self) -> Vec<PathBuf> {
        let places = ["/", "/tmp", "/var/tmp", "/dev/shm", "/usr", "/usr/bin", "/usr/lib", "/etc", "/dev"];
        places.iter().map(|place| Path::new(place).join(&self.litter)).collect()
    }

    /// Every file that payloads must leave alone, with its mode and content.
    fn fingerprint(&self) -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        let mut rest: Vec<PathBuf> =
            ["canary", "skills", "home", "evil", "secret.txt"].map(|name| self.root.join(name)).into();
        while let Some(path) = rest.pop() {
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() {
                rest.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
            }
            let mode = metadata.permissions().mode();
            let state = match metadata.is_file() {
                true => format!("{mode:o} {} {:?}", metadata.len(), metadata.modified().ok()),
                false => format!("{mode:o}"),
            };
            found.push((path, state));
        }
        found.sort();
        found
    }
}

/// What only the host knows and this row must not learn.
pub fn facts(row: &Row, root: &Path) -> Vec<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    match row.id {
        "F1" | "S1_read_etc_passwd" | "S4_path_traversal" => {
            read("/etc/passwd").lines().take(3).map(str::to_owned).collect()
        }
        "F2" => fs::read("/etc/shadow")
            .map(|text| vec![Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()])
            .unwrap_or_default(),
        "I3" => vec![root.file_name().unwrap_or_default().to_string_lossy().into_owned(), "/sys/fs/cgroup".into()],
        "I4b" => vec![format!("NAME {}", read("/proc/sys/kernel/hostname"))],
        "I4" => {
            let ids = ["/etc/machine-id", "/proc/sys/kernel/random/boot_id", "/sys/class/dmi/id/product_uuid"];
            ids.iter().map(|path| read(path)).filter(|fact| fact.len() > 5).collect()
        }
        _ => Vec::new(),
    }
}

/// Poisons this process: descriptors that survive exec, a key in the session keyring, an ignored signal, no umask. Gives the other end of
/// the socket among them.
fn poison(secret_file: &Path, secret: &str) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let path = CString::new(secret_file.as_os_str().as_encoded_bytes()).unwrap();
    // SAFETY: live strings, plain numbers; the numbers 200 to 202 are nobody's.
    unsafe {
        let root = libc::open(c"/".as_ptr(), libc::O_RDONLY);
        let file = libc::open(path.as_ptr(), libc::O_RDONLY);
        libc::dup2(root, 200);
        libc::dup2(file, SECRET_DESCRIPTOR);
        libc::dup2(theirs.as_raw_fd(), 202);
        libc::close(root);
        libc::close(file);
        let keyctl = |operation: i32, name: *const libc::c_char| libc::syscall(libc::SYS_keyctl, operation, name);
        keyctl(1, c"hostile".as_ptr());
        let payload = CString::new(secret).unwrap();
        let session_keyring: i32 = -3;
        libc::syscall(
            libc::SYS_add_key,
            c"user".as_ptr(),
            c"hostile-canary".as_ptr(),
            payload.as_ptr(),
            secret.len(),
            session_keyring,
        );
        libc::signal(libc::SIGUSR1, libc::SIG_IGN);
        libc::umask(0);
    }
    ours
}

/// A folder for the results of a control, at first empty.
pub fn control_folder(root: &Path, row: &Row) -> PathBuf {
    let folder = root.join("control").join(row.id);
    skills::remove(&folder);
    fs::create_dir_all(&folder).unwrap();
    if row.control == Control::Dropped {
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    }
    folder
}

/// Links `/stage` names of the table to this stage.
pub fn resolve(root: &Path, value: &str) -> String {
    value.replace("/stage", &root.to_string_lossy())
}

/// Removes the SysV segments of [`ORDINARY`]. They outlive their maker, and a suite that was killed on its way would leave
/// the table of the machine a little fuller each time, until no control can make one.
fn free_segments() {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, segment, _, _, _, _, _, owner, ..] = columns[..] else { continue };
        if owner.parse() == Ok(ORDINARY)
            && let Ok(segment) = segment.parse()
        {
            // SAFETY: no memory of this process is attached to a segment of another user; the call takes no pointer.
            unsafe { libc::shmctl(segment, libc::IPC_RMID, std::ptr::null_mut()) };
        }
    }
}
