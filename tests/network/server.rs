//! Servers on this machine's loopback that remember what reached them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// The heads that came, and somebody who waits for one.
#[derive(Default)]
struct Requests {
    heads: Mutex<Vec<String>>,
    came: Condvar,
}

/// An HTTP server that answers every request with the same body, and keeps the requests.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Requests>,
    is_closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts one whose answer is `body`.
    pub fn start(body: &str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let requests: Arc<Requests> = Arc::default();
        let is_closed = Arc::new(AtomicBool::new(false));
        let (kept, closing, body) = (Arc::clone(&requests), Arc::clone(&is_closed), body.to_owned());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if closing.load(Ordering::SeqCst) {
                    return;
                }
                let (kept, body) = (Arc::clone(&kept), body.clone());
                std::thread::spawn(move || stream.map(|stream| serve(stream, &kept, &body)));
            }
        });
        Server { address, requests, is_closed, thread: Some(thread) }
    }

    /// `127.0.0.1:port`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The heads of the requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.heads.lock().expect("no test panicked with it").clone()
    }

    /// The head of the first request, which is waited for.
    pub fn first_request(&self) -> String {
        let heads = self.requests.heads.lock().expect("no test panicked with it");
        let waited = self.requests.came.wait_timeout_while(heads, Duration::from_secs(30), |heads| heads.is_empty());
        waited.expect("no test panicked with it").0.first().cloned().expect("a request comes")
    }
}

fn serve(mut stream: TcpStream, kept: &Requests, body: &str) {
    let mut pending = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        while let Some(end) = pending.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&pending[..end]).into_owned();
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:").map(str::trim).map(str::to_owned)
                })
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0);
            while pending.len() < end + 4 + length {
                match stream.read(&mut buffer) {
                    Ok(bytes) if bytes > 0 => pending.extend_from_slice(&buffer[..bytes]),
                    _ => return,
                }
            }
            pending.drain(..end + 4 + length);
            let is_last = head.to_ascii_lowercase().contains("connection: close");
            kept.heads.lock().expect("no test panicked with it").push(head);
            kept.came.notify_all();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            if stream.write_all(answer.as_bytes()).is_err() || is_last {
                return;
            }
        }
        match stream.read(&mut buffer) {
            Ok(bytes) if bytes > 0 => pending.extend_from_slice(&buffer[..bytes]),
            _ => return,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
