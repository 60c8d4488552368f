//! A Python index and an npm registry on this machine's loopback, which can be told to keep their clients waiting.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};

/// What a person would run to make such packages.
const PACKAGES: &str = include_str!("packages.py");

#[derive(Default)]
struct State {
    /// Paths that were asked for.
    asked: Vec<String>,
    /// Files whose clients wait.
    held: Option<&'static str>,
}

/// Both, with hand-made packages; ends with the test's process.
pub struct Index {
    pub url: String,
    pub folder: tempfile::TempDir,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Index {
    /// Serves packages, of which one looks for `canary` and for a listener at `probed`.
    pub fn start(canary: &Path, probed: u16) -> Index {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let folder = tempfile::tempdir().expect("a folder is made");
        let made = Command::new("python3")
            .args(["-c", PACKAGES])
            .arg(folder.path())
            .args([&url, &probed.to_string()])
            .arg(canary)
            .status();
        assert!(made.expect("python3 makes packages").success());
        let state: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let (root, shared) = (folder.path().to_path_buf(), Arc::clone(&state));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, shared) = (root.clone(), Arc::clone(&shared));
                std::thread::spawn(move || serve(stream, &root, &shared));
            }
        });
        Index { url, folder, state }
    }

    pub fn python(&self) -> String {
        format!("{}/simple/", self.url)
    }

    pub fn node(&self) -> String {
        format!("{}/npm/", self.url)
    }

    /// How often a file of this name was asked for.
    pub fn count(&self, name: &str) -> usize {
        self.state.0.lock().unwrap().asked.iter().filter(|path| path.ends_with(name)).count()
    }

    /// Keeps those waiting who ask for a file of this name.
    pub fn hold(&self, name: &'static str) {
        self.state.0.lock().unwrap().held = Some(name);
    }

    /// Lets everybody go on.
    pub fn release(&self) {
        self.state.0.lock().unwrap().held = None;
        self.state.1.notify_all();
    }

    /// Waits until a file of this name was asked for `count` times.
    pub fn await_request(&self, name: &str, count: usize) {
        let is_early = |state: &mut State| state.asked.iter().filter(|path| path.ends_with(name)).count() < count;
        drop(self.state.1.wait_while(self.state.0.lock().unwrap(), is_early).unwrap());
    }
}

fn serve(mut stream: TcpStream, root: &Path, (state, changed): &(Mutex<State>, Condvar)) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split_whitespace().nth(1).unwrap_or("/").to_owned();
    let mut shared = state.lock().unwrap();
    shared.asked.push(path.clone());
    changed.notify_all();
    while shared.held.is_some_and(|name| path.ends_with(name)) {
        shared = changed.wait(shared).unwrap();
    }
    drop(shared);
    let asked = root.join(path.trim_start_matches('/'));
    let places: [(PathBuf, &str); 3] = [
        (asked.join("index.html"), "text/html"),
        (asked.join("index.json"), "application/json"),
        (asked, "application/octet-stream"),
    ];
    let found = places.iter().find_map(|(path, kind)| Some((fs::read(path).ok()?, *kind)));
    let (status, kind, body) = match &found {
        Some((body, kind)) => ("200 OK", *kind, body.as_slice()),
        None => ("404 Not Found", "text/plain", &b"no such package"[..]),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // A client may have been killed.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}
