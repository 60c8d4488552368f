//! The proxy over real loopback sockets, with a resolver that says what a test wants.

mod bodies;
mod bounds;
mod exchanges;
mod heads;
mod lifecycle;
mod refusals;
mod responses;
mod socks;
mod soup;
mod tunnels;

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrIn};

use super::resolve::Resolve;
use super::{Proxy, Session};
use crate::network::{Access, Limits, Rule, Summary};

/// Longer than anything here takes, so that a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Names and what they resolve to, one answer after the other; the last one stays.
#[derive(Default)]
pub struct Names(Mutex<HashMap<String, Vec<Vec<IpAddr>>>>);

impl Names {
    pub fn new(names: &[(&str, &[&str])]) -> Arc<Self> {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let table = names.iter().map(|(name, addresses)| (name.to_string(), vec![parse(addresses)])).collect();
        Arc::new(Self(Mutex::new(table)))
    }

    /// What `name` resolves to after all that it resolved to before.
    pub fn then(&self, name: &str, address: &str) {
        self.0.lock().unwrap().get_mut(name).unwrap().push(vec![address.parse().unwrap()]);
    }
}

impl Resolve for Names {
    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let mut table = self.0.lock().unwrap();
        let answers = table.get_mut(name).ok_or("no such name")?;
        Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }
}

/// A proxy with one session that listens.
pub struct World {
    pub proxy: Proxy,
    pub session: Arc<Session>,
    pub address: SocketAddr,
}

impl World {
    pub fn new(rules: &[&str]) -> Self {
        Self::with(rules, Limits::default(), None, Names::new(&[]))
    }

    pub fn named(rules: &[&str], names: &[(&str, &[&str])]) -> Self {
        Self::with(rules, Limits::default(), None, Names::new(names))
    }

    pub fn limited(rules: &[&str], limits: Limits) -> Self {
        Self::with(rules, limits, None, Names::new(&[]))
    }

    pub fn with(rules: &[&str], limits: Limits, token: Option<&str>, names: Arc<dyn Resolve>) -> Self {
        let proxy = Proxy::with_resolver(names, Duration::from_secs(5));
        let session = proxy.session(access(rules), limits, token.map(str::to_owned));
        let address = listen(&session);
        Self { proxy, session, address }
    }

    pub fn client(&self) -> TcpStream {
        connect(self.address)
    }

    /// Sends `request` and reads everything that comes back.
    pub fn ask(&self, request: &str) -> String {
        let mut client = self.client();
        client.write_all(request.as_bytes()).unwrap();
        read_all(&mut client)
    }

    /// A tunnel by CONNECT.
    pub fn tunnel(&self, to: &str) -> TcpStream {
        let mut client = self.client();
        client.write_all(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n").as_bytes()).unwrap();
        assert_eq!(read_head(&mut client), "HTTP/1.1 200 Connection established\r\n\r\n");
        client
    }

    /// What happened, when everything is over.
    pub fn summary(&self) -> Summary {
        self.session.close();
        self.session.account().summary()
    }

    /// The stable codes of what was denied, with the host and port.
    pub fn denials(&self) -> Vec<(String, u16, &'static str)> {
        let denied = self.summary().denied;
        denied.into_iter().map(|denied| (denied.host, denied.port, denied.code)).collect()
    }
}

pub fn access(rules: &[&str]) -> Access {
    Access::new(rules.iter().map(|rule| Rule::parse(rule).unwrap()).collect())
}

/// Has a session listen on a port of its own.
pub fn listen(session: &Session) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    session.listen(listener.into()).unwrap();
    address
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.set_write_timeout(Some(PATIENCE)).unwrap();
    client
}

/// A server that hands each connection to `handler`; its port, and the connections that it got so far.
pub fn serve<R: Send + 'static>(handler: impl Fn(TcpStream) -> R + Send + Sync + 'static) -> (u16, Receiver<R>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    let handler = Arc::new(handler);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let (handler, sender) = (Arc::clone(&handler), sender.clone());
            std::thread::spawn(move || {
                let _ = sender.send(handler(stream));
            });
        }
    });
    (port, receiver)
}

/// A port on which nobody listens as long as the socket lives.
pub fn unused() -> (OwnedFd, u16) {
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket::socket(AddressFamily::Inet, SockType::Stream, flags, None).unwrap();
    socket::bind(socket.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
    let port = socket::getsockname::<SockaddrIn>(socket.as_raw_fd()).unwrap().port();
    (socket, port)
}

/// Sends back what comes, until the client's end.
pub fn echo() -> (u16, Receiver<()>) {
    serve(|mut stream| {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count) = stream.read(&mut buffer) {
            if count == 0 || stream.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = stream.shutdown(Shutdown::Write);
    })
}

/// Answers one request with a fixed response when its head is there, and returns all that came until the end.
pub fn answer(response: &'static str) -> (u16, Receiver<String>) {
    serve(move |mut stream| {
        let mut seen = read_head(&mut stream);
        stream.write_all(response.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        seen.push_str(&read_all(&mut stream));
        seen
    })
}

/// Bytes until a blank line, one at a time so that nothing after it is taken.
pub fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&head)),
        }
    }
    String::from_utf8(head).unwrap()
}

/// Everything until the end; a reset counts as one.
pub fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => bytes.extend_from_slice(b"<reset>"),
        Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&bytes)),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Repeats `look` until it finds something; a test that finds nothing fails.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs the test `name` in a process of its own, where nothing else has threads or descriptors.
pub fn alone(name: &str, body: impl FnOnce()) {
    const MARK: &str = "SKILLLITE_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return body();
    }
    let name = format!("network::proxy::tests::{name}");
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--test-threads=1", "--nocapture"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// Numbers without order, the same in every run (xorshift64*).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % below.max(1)
    }

    /// `bytes` in pieces of random sizes.
    pub fn pieces<'a>(&mut self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut rest = bytes;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let most = if self.roll(3) == 0 { rest.len() } else { rest.len().min(5) };
            let (piece, after) = rest.split_at(1 + self.roll(most));
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}
