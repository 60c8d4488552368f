//! What watches: a process to kill or to read, and listeners that tell the secret to whoever speaks to them.
//!
//! Asked for what they saw, they first see all that has happened: sockets are drained, the victim is spoken to. What the
//! payload did is in the answer when the payload has ended.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a victim may take to answer before it counts as harmed.
const PATIENCE_MS: i32 = 5000;

/// A process of the host's user with the secret in its arguments, its environment and a descriptor.
pub struct Victim(Child);

impl Victim {
    /// Starts it.
    pub fn start(secret: &str) -> Victim {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "while read line; do echo here; done", &format!("victim-{secret}")]);
        command.env_clear().env("VICTIM", secret).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut victim = Victim(command.spawn().unwrap());
        assert!(victim.is_well(), "the victim answers");
        victim
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Whether it lives and answers. A signal that ends it comes before the answer.
    pub fn is_well(&mut self) -> bool {
        let (Some(stdin), Some(stdout)) = (&mut self.0.stdin, &mut self.0.stdout) else { return false };
        stdin.write_all(b"there?\n").is_ok()
            && is_readable(stdout.as_raw_fd(), PATIENCE_MS)
            && stdout.read(&mut [0; 16]).is_ok_and(|bytes| bytes > 0)
    }

    /// Where its environment lies in its memory; 0 where that cannot be seen.
    pub fn environment_address(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        // proc(5): env_start is field 50; what follows the name begins with field 3.
        fields.split_whitespace().nth(47).and_then(|field| field.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Listeners of every kind, and a visitor for payloads that listen themselves.
pub struct Ears {
    /// Connections that were answered, and payloads that were reached.
    heard: Arc<AtomicU64>,
    tcp4: u16,
    tcp6: u16,
    udp: UdpSocket,
    folder: PathBuf,
    name: String,
    datagrams: UnixDatagram,
    /// The other end of a socket that the host lets its children inherit.
    inherited: UnixStream,
    bind: u16,
    /// Services that a policy may list, and the second one a part of.
    service: u16,
    paths: u16,
}

impl Ears {
    /// Opens them: sockets with a path lie in `folder`, the abstract one is `name`. `inherited` is read.
    pub fn open(folder: &Path, name: &str, secret: &str, inherited: UnixStream) -> Ears {
        let heard = Arc::new(AtomicU64::new(0));
        let tcp4 = TcpListener::bind("0.0.0.0:0").unwrap();
        let tcp6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok();
        let [service, paths] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let datagrams = UnixDatagram::bind(folder.join("datagram.sock")).unwrap();
        let path = UnixListener::bind(folder.join("service.sock")).unwrap();
        for socket in ["datagram.sock", "service.sock"] {
            fs::set_permissions(folder.join(socket), fs::Permissions::from_mode(0o777)).unwrap();
        }
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_nonblocking(true).unwrap();
        datagrams.set_nonblocking(true).unwrap();
        inherited.set_nonblocking(true).unwrap();
        let ears = Ears {
            heard,
            tcp4: tcp4.local_addr().unwrap().port(),
            tcp6: tcp6.as_ref().map_or(0, |server| server.local_addr().unwrap().port()),
            udp,
            folder: folder.to_path_buf(),
            name: name.to_owned(),
            datagrams,
            inherited,
            bind: free_port(),
            service: service.local_addr().unwrap().port(),
            paths: paths.local_addr().unwrap().port(),
        };
        ears.welcome(service);
        ears.welcome(paths);
        ears.serve(secret, move || tcp4.accept().map(|(connection, _)| connection));
        if let Some(tcp6) = tcp6 {
            ears.serve(secret, move || tcp6.accept().map(|(connection, _)| connection));
        }
        ears.serve(secret, move || path.accept().map(|(connection, _)| connection));
        let hidden = UnixListener::bind_addr(&ears.hidden()).unwrap();
        ears.serve(secret, move || hidden.accept().map(|(connection, _)| connection));
        ears.visit_payloads();
        ears
    }

    fn hidden(&self) -> UnixAddress {
        UnixAddress::from_abstract_name(&self.name).unwrap()
    }

    /// The ports of TCP over IPv4 and IPv6, of UDP, the one that is visited, and those of the services.
    pub fn ports(&self) -> [u16; 6] {
        [self.tcp4, self.tcp6, self.udp.local_addr().unwrap().port(), self.bind, self.service, self.paths]
    }

    /// Answers every connection with the secret.
    fn serve<S: Write + Send + 'static>(&self, secret: &str, accept: impl Fn() -> std::io::Result<S> + Send + 'static) {
        let answer = format!("HTTP/1.0 200 OK\r\n\r\n{secret}\n");
        let heard = self.heard.clone();
        std::thread::spawn(move || {
            while let Ok(mut connection) = accept() {
                heard.fetch_add(1, Ordering::SeqCst);
                let _ = connection.write_all(answer.as_bytes());
            }
        });
    }

    /// Answers every request with a welcome, one connection after the other. What must not have come through is counted:
    /// anything that says so of itself.
    fn welcome(&self, listener: TcpListener) {
        let heard = self.heard.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else { return };
                let _ = connection.set_read_timeout(Some(Duration::from_millis(700)));
                let mut bytes = Vec::new();
                let mut buffer = [0; 4096];
                let mut is_answered = false;
                while let Ok(count @ 1..) = connection.read(&mut buffer) {
                    bytes.extend_from_slice(&buffer[..count]);
                    if !is_answered && bytes.windows(4).any(|end| end == b"\r\n\r\n") {
                        is_answered = true;
                        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nWELCOME\n");
                    }
                }
                let text = String::from_utf8_lossy(&bytes).to_lowercase();
                heard.fetch_add(text.matches("smuggled").count() as u64, Ordering::SeqCst);
            }
        });
    }

    /// Tries all the time to reach a payload that listens.
    fn visit_payloads(&self) {
        let heard = self.heard.clone();
        let address = SocketAddr::from(([127, 0, 0, 1], self.bind));
        std::thread::spawn(move || {
            loop {
                if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
                    heard.fetch_add(1, Ordering::SeqCst);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
    }

    /// How often they were spoken to since the last time. Each listener takes connections in order, so one of our own that
    /// was answered says that all before it were counted.
    pub fn take(&self) -> u64 {
        fn answered(connection: std::io::Result<impl Read>) -> u64 {
            let mut answer = String::new();
            connection.is_ok_and(|mut connection| connection.read_to_string(&mut answer).is_ok()).into()
        }
        let mut own = answered(TcpStream::connect(("127.0.0.1", self.tcp4)));
        if self.tcp6 != 0 {
            own += answered(TcpStream::connect((Ipv6Addr::LOCALHOST, self.tcp6)));
        }
        own += answered(UnixStream::connect(self.folder.join("service.sock")));
        own += answered(UnixStream::connect_addr(&self.hidden()));
        for port in [self.service, self.paths] {
            let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let _ = connection.write_all(b"GET / HTTP/1.1\r\n\r\n");
            let _ = connection.shutdown(std::net::Shutdown::Write);
            answered(Ok(connection));
        }
        let mut heard = self.heard.swap(0, Ordering::SeqCst).saturating_sub(own);
        let mut buffer = [0; 512];
        while self.udp.recv(&mut buffer).is_ok() {
            heard += 1;
        }
        while self.datagrams.recv(&mut buffer).is_ok() {
            heard += 1;
        }
        while (&self.inherited).read(&mut buffer).is_ok_and(|bytes| bytes > 0) {
            heard += 1;
        }
        heard
    }
}

/// A port that nobody listens on, outside of the range that connections take theirs from.
fn free_port() -> u16 {
    let first = 10_000 + (std::process::id() % 10_000) as u16;
    (first..first + 2000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// The address of the interface that leads out, if there is one. Nothing is sent.
pub fn interface() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip().to_string()).filter(|address| address != "0.0.0.0")
}

/// Names other than `localhost` by which this machine knows itself, of those that lead to 127.0.0.0/8.
pub fn own_names() -> Vec<String> {
    let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    let listed = lines.flat_map(|line| line.split_whitespace().skip(1));
    let mut names: Vec<String> = listed.chain([own.trim()]).map(str::to_owned).collect();
    names.retain(|name| {
        let found: Vec<SocketAddr> = (name.as_str(), 1).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
        name != "localhost" && !name.is_empty() && found.iter().any(|at| at.is_ipv4() && at.ip().is_loopback())
    });
    names.sort();
    names.dedup();
    names
}

fn is_readable(descriptor: RawFd, patience_ms: i32) -> bool {
    let mut watched = libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
    // SAFETY: one live entry.
    unsafe { libc::poll(&raw mut watched, 1, patience_ms) > 0 }
}
