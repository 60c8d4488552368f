//! The stage: everything of the host that a payload could harm or steal, made by us and watched by us.
//!
//! Built inside the process that plays the host, whose environment, descriptors, keyring and signal dispositions are
//! poisoned too. Nothing of the real machine is touched.

use std::ffi::CString;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::table::{Control, Evidence, Row};

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
    /// Times that anybody spoke to a listener, or the host reached a payload.
    heard: Arc<AtomicU64>,
    /// The port on which the host tries to reach payloads.
    bind: u16,
    ports: [u16; 3],
    victim: Option<Child>,
    /// Keeps the datagram and pair ends open.
    _ends: UnixStream,
    before: Vec<(PathBuf, String)>,
}

impl Stage {
    /// Builds the stage at `root`, which exists and is empty.
    pub fn build(root: &Path, rows: &[Row]) -> Stage {
        let secret = std::env::var("SECRET_TOKEN").unwrap();
        let heard = Arc::new(AtomicU64::new(0));
        for folder in ["canary/project", "home/.ssh", "home/.aws", "home/.config/app", "skills", "evil", "control"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in [".ssh/id_rsa", ".aws/credentials", ".netrc", ".config/app/token"] {
            fs::write(root.join("home").join(file), &secret).unwrap();
        }
        fs::write(root.join("secret.txt"), &secret).unwrap();
        evil(&root.join("evil"));
        rows.iter().for_each(|row| skill(root, row));
        let ends = poison(&root.join("secret.txt"), &secret, &heard);
        let ports = listen(root, &secret, &heard);
        let bind = free_port();
        visit_payloads(bind, &heard);
        let litter = format!("hostile-{}", &secret[..12]);
        let mut stage = Stage {
            root: root.to_path_buf(),
            secret,
            litter,
            heard,
            bind,
            ports,
            victim: None,
            _ends: ends,
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
        if self.victim.as_mut().is_none_or(|victim| victim.try_wait().unwrap().is_some()) {
            self.victim = Some(victim(&self.secret));
        }
        self.before = self.fingerprint();
        self.heard.store(0, Ordering::SeqCst);
    }

    /// Takes a fresh copy of a row's skill.
    pub fn restage(&self, row: &Row) {
        skill(&self.root, row);
    }

    /// What payloads are told; the secret is not among it.
    pub fn parameters(&self) -> Value {
        let pid = self.victim.as_ref().map_or(0, Child::id);
        let at = |path: &str| self.root.join(path).to_string_lossy().into_owned();
        // SAFETY: takes no pointers.
        let (uid, session) = unsafe { (libc::getuid(), libc::getsid(0)) };
        json!({
            "secret": at("secret.txt"), "home": at("home"), "stage": at("canary"), "litter": self.litter,
            "tcp4": self.ports[0], "tcp6": self.ports[1], "udp": self.ports[2], "bind": self.bind,
            "path_socket": at("service.sock"), "path_datagram": at("datagram.sock"), "abstract": self.litter,
            "interface": interface(), "victim": pid, "victim_environment": environment_address(pid),
            "victim_descriptor": SECRET_DESCRIPTOR, "host": std::process::id(), "uid": uid, "session": session,
        })
    }

    /// What of the harm to the stage can be seen now.
    pub fn evidence(&mut self) -> Vec<Evidence> {
        let mut found = Vec::new();
        if self.heard.load(Ordering::SeqCst) > 0 {
            found.push(Evidence::Heard);
        }
        if self.victim.as_mut().is_none_or(|victim| victim.try_wait().unwrap().is_some()) {
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
            let modified = metadata.is_file().then(|| metadata.modified().ok());
            found.push((
                path,
                format!(
                    "{:o} {} {modified:?}",
                    metadata.permissions().mode(),
                    metadata.is_file().then(|| metadata.len()).unwrap_or(0)
                ),
            ));
        }
        found.sort();
        found
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(victim) = &mut self.victim {
            let _ = victim.kill();
            let _ = victim.wait();
        }
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
        "I3" => vec![root.to_string_lossy().into_owned(), "/sys/fs/cgroup".into()],
        "I4b" => vec![format!("NAME {}", read("/proc/sys/kernel/hostname"))],
        "I4" => {
            let ids = ["/etc/machine-id", "/proc/sys/kernel/random/boot_id", "/sys/class/dmi/id/product_uuid"];
            ids.iter().map(|path| read(path)).filter(|fact| fact.len() > 5).collect()
        }
        _ => Vec::new(),
    }
}

fn payloads() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/payloads")
}

/// Writes the skill of a row: one script, no arguments.
fn skill(root: &Path, row: &Row) {
    let name = row.id.to_lowercase().replace('_', "-");
    let folder = root.join("skills").join(&name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("scripts")).unwrap();
    let script = script(root, row);
    let entry = script.strip_prefix(&folder).unwrap().display();
    let text = format!(
        "---\nname: {name}\ndescription: A payload of the hostile suite.\n---\n# {name}\n\n## Runtime\n\n```yaml\n\
         entry_point: {entry}\ninput_schema: {{type: object, properties: {{}}}}\n```\n"
    );
    fs::write(folder.join("SKILL.md"), text).unwrap();
    let source = payloads().join(row.source);
    match source.extension().and_then(|extension| extension.to_str()) {
        Some("py") => {
            let prelude = fs::read_to_string(payloads().join("prelude.py")).unwrap();
            let payload = fs::read_to_string(source).unwrap();
            fs::write(&script, format!("{prelude}\n\n{payload}\n\nrun()\n")).unwrap();
        }
        Some("c") => compile(&source, &script, &["-static"]),
        _ => drop(fs::copy(&source, &script).unwrap()),
    }
    if row.id == "P16" {
        compile(&payloads().join("second.c"), &folder.join("scripts/second"), &[]);
    }
    let mode = if row.id == "F24" { 0o4755 } else { 0o755 };
    fs::set_permissions(&script, fs::Permissions::from_mode(mode)).unwrap();
}

/// The script of a row.
pub fn script(root: &Path, row: &Row) -> PathBuf {
    let name = match row.source.rsplit_once('.') {
        Some((_, "c")) | None => "main".to_owned(),
        Some((_, extension)) => format!("main.{}", if extension == "bash" { "sh" } else { extension }),
    };
    root.join("skills").join(row.id.to_lowercase().replace('_', "-")).join("scripts").join(name)
}

fn compile(source: &Path, target: &Path, options: &[&str]) {
    let status = Command::new("cc").args(["-O1", "-w", "-o"]).arg(target).arg(source).args(options).status();
    assert!(status.is_ok_and(|status| status.success()), "cc compiles {}", source.display());
}

/// What would take over an interpreter that is led there. Quiet unless a payload is being run.
fn evil(folder: &Path) {
    let python = "import os\nif os.environ.get('HOSTILE_CASE', '').startswith('H9'):\n    print('REACHED sitecustomize', flush=True)\n";
    fs::write(folder.join("sitecustomize.py"), python).unwrap();
    fs::write(folder.join("env.sh"), "echo REACHED BASH_ENV\n").unwrap();
    fs::write(folder.join("require.js"), "console.log('REACHED require')\n").unwrap();
    compile(&payloads().join("preload.c"), &folder.join("preload.so"), &["-shared", "-fPIC"]);
}

/// Poisons this process: descriptors that survive exec, a key in the session keyring, an ignored signal, no umask.
fn poison(secret_file: &Path, secret: &str, heard: &Arc<AtomicU64>) -> UnixStream {
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
    let mut listening = ours.try_clone().unwrap();
    let heard = heard.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while listening.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {
            heard.fetch_add(1, Ordering::SeqCst);
        }
    });
    ours
}

/// Listeners that count, and that tell the secret to whoever connects: TCP over both protocols, UDP, UNIX.
fn listen(root: &Path, secret: &str, heard: &Arc<AtomicU64>) -> [u16; 3] {
    fn serve<S: Write + Send + 'static>(
        accept: impl Fn() -> std::io::Result<S> + Send + 'static,
        secret: &str,
        heard: &Arc<AtomicU64>,
    ) {
        let (secret, heard) = (secret.to_owned(), heard.clone());
        std::thread::spawn(move || {
            while let Ok(mut connection) = accept() {
                heard.fetch_add(1, Ordering::SeqCst);
                let _ = connection.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{secret}\n").as_bytes());
            }
        });
    }
    let tcp4 = TcpListener::bind("0.0.0.0:0").unwrap();
    let tcp6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let ports = [
        tcp4.local_addr().unwrap().port(),
        tcp6.as_ref().map_or(0, |server| server.local_addr().unwrap().port()),
        udp.local_addr().unwrap().port(),
    ];
    serve(move || tcp4.accept().map(|(connection, _)| connection), secret, heard);
    if let Some(tcp6) = tcp6 {
        serve(move || tcp6.accept().map(|(connection, _)| connection), secret, heard);
    }
    let path = UnixListener::bind(root.join("service.sock")).unwrap();
    fs::set_permissions(root.join("service.sock"), fs::Permissions::from_mode(0o777)).unwrap();
    serve(move || path.accept().map(|(connection, _)| connection), secret, heard);
    let name = format!("hostile-{}", &secret[..12]);
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
    let hidden = UnixListener::bind_addr(&address).unwrap();
    serve(move || hidden.accept().map(|(connection, _)| connection), secret, heard);
    let datagrams = UnixDatagram::bind(root.join("datagram.sock")).unwrap();
    fs::set_permissions(root.join("datagram.sock"), fs::Permissions::from_mode(0o777)).unwrap();
    let count = heard.clone();
    std::thread::spawn(move || {
        while datagrams.recv(&mut [0; 64]).is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let count = heard.clone();
    std::thread::spawn(move || {
        while udp.recv(&mut [0; 512]).is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    ports
}

/// A port that nobody listens on, outside of the range that connections take theirs from.
fn free_port() -> u16 {
    let first = 10_000 + (std::process::id() % 10_000) as u16;
    (first..first + 2000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// Tries all the time to reach a payload that listens.
fn visit_payloads(port: u16, heard: &Arc<AtomicU64>) {
    let heard = heard.clone();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    std::thread::spawn(move || {
        loop {
            if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
                heard.fetch_add(1, Ordering::SeqCst);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

/// A process of the host's user with the secret in its arguments, its environment and a descriptor.
fn victim(secret: &str) -> Child {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "read line; exit 0", &format!("victim-{secret}")]).env_clear().env("VICTIM", secret);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The marker of what it was told is in its arguments once it has executed.
    let arguments = format!("/proc/{}/cmdline", child.id());
    while !fs::read_to_string(&arguments).is_ok_and(|text| text.contains("victim-")) {
        std::thread::yield_now();
    }
    child
}

/// Where the environment of a process lies in its memory; 0 where that cannot be seen.
fn environment_address(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    // proc(5): env_start is field 50; what follows the name begins with field 3.
    fields.split_whitespace().nth(47).and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// The address of the interface that leads out, if there is one. Nothing is sent.
fn interface() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip().to_string()).filter(|address| address != "0.0.0.0")
}

/// A folder for the results of a control, at first empty.
pub fn control_folder(root: &Path, row: &Row) -> PathBuf {
    let folder = root.join("control").join(row.id);
    let _ = Command::new("rm").arg("-rf").arg(&folder).status();
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
