//! A host in Rust over the C API, and the model that it talks to.

mod model;
mod soup;

use std::ffi::{CStr, c_char};
use std::fs;
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::{null, null_mut};

use serde_json::{Value, json};
use skilllite::capi::*;

pub use model::{Said, answers, call, counts, dialects, says};
pub use soup::soup;

/// It only hands its words on, so that nothing is inferred and `args` takes them as they are.
const SCRIPT: &str = "#!/bin/bash\nexec bash \"$SKILL_DIR/scripts/work.inc\" \"$@\"\n";
const WORK: &str = r#"
case "$1" in
    say) shift; printf '%s' "$*" ;;
    fail) echo broken >&2; exit 3 ;;
    big) printf 'begin'; printf '%*s' 300000 ''; printf 'end' ;;
    hang) exec sleep 3600 ;;
    begin) printf 'begun '; printf 'grün' >&2; exec sleep 3600 ;;
    flood) for n in $(seq 3000); do printf '%1000s' "$n"; done; printf 'end' ;;
esac
"#;

pub type Failed = (skl_status, String);

fn bytes(text: &[u8]) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

/// What a function returned, as a result. Its error is freed.
fn outcome(status: skl_status, error: *mut skl_error) -> Result<(), Failed> {
    // SAFETY: the function that gave the status set the error.
    unsafe {
        if status == skl_status::SKL_OK {
            assert!(error.is_null());
            return Ok(());
        }
        let message = CStr::from_ptr(skl_error_message(error)).to_str().expect("a message is UTF-8").to_owned();
        assert_eq!(skl_error_status(error), status);
        skl_error_free(error);
        assert_ne!(status, skl_status::SKL_ERR_PANIC, "{message}");
        assert_ne!(status, skl_status::SKL_ERR_INTERNAL, "{message}");
        assert!(!message.is_empty() && message.len() < 2000 && !message.contains('\n'), "{message}");
        Err((status, message))
    }
}

/// A buffer's text. The buffer is freed.
fn text_of(buffer: *mut skl_buffer) -> String {
    // SAFETY: the buffer is ours.
    unsafe {
        let data = std::slice::from_raw_parts(skl_buffer_data(buffer).cast::<u8>(), skl_buffer_len(buffer));
        let text = std::str::from_utf8(data).expect("a document is UTF-8").to_owned();
        skl_buffer_free(buffer);
        text
    }
}

fn document(buffer: *mut skl_buffer) -> Value {
    serde_json::from_str(&text_of(buffer)).expect("a document is JSON")
}

/// An engine with the skills `worker` and `other`.
pub struct Engine {
    pointer: *mut skl_engine,
    folder: Option<tempfile::TempDir>,
}

// SAFETY: the C API may be used from any thread.
unsafe impl Send for Engine {}
// SAFETY: the same.
unsafe impl Sync for Engine {}

impl Engine {
    /// `None` where nothing can be isolated.
    pub fn new() -> Option<Self> {
        Self::with(json!({}))
    }

    pub fn with(more: Value) -> Option<Self> {
        let report = skilllite::engine::probe().expect("the host is probed");
        if report["tier"].is_null() {
            println!("skipped: no isolation on this host: {}", report["obstacles"]);
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder is made");
        write_skills(folder.path());
        let mut config = json!({ "policy": { "min_tier": "landlock" } });
        config.as_object_mut()?.extend(more.as_object()?.clone());
        let (mut pointer, mut report) = (null_mut(), null_mut());
        let (config, dir) = (config.to_string(), folder.path().to_str()?.to_owned());
        // SAFETY: the pointers come with their lengths.
        unsafe {
            let (config, len) = bytes(config.as_bytes());
            assert_eq!(skl_engine_new(config, len, &mut pointer, null_mut()), skl_status::SKL_OK);
            let (dir, len) = bytes(dir.as_bytes());
            assert_eq!(skl_engine_load(pointer, dir, len, &mut report, null_mut()), skl_status::SKL_OK);
        }
        assert_eq!(document(report)["tools"], json!(["other", "worker"]));
        Some(Self { pointer, folder: Some(folder) })
    }

    pub fn agent(&self, config: &Value) -> Agent<'_> {
        self.try_agent(config).unwrap_or_else(|error| panic!("{config}: {error:?}"))
    }

    pub fn try_agent(&self, config: &Value) -> Result<Agent<'_>, Failed> {
        self.try_agent_of(&config.to_string())
    }

    pub fn try_agent_of(&self, config: &str) -> Result<Agent<'_>, Failed> {
        let (mut pointer, mut error) = (null_mut(), null_mut());
        let (config, len) = bytes(config.as_bytes());
        // SAFETY: the pointers come with their lengths.
        outcome(unsafe { skl_agent_new(self.pointer, config, len, &mut pointer, &mut error) }, error)?;
        Ok(Agent { pointer, engine: PhantomData })
    }

    /// Frees the engine and keeps the skills.
    pub fn free(mut self) -> Option<tempfile::TempDir> {
        self.folder.take()
    }

    pub fn close(&self) {
        // SAFETY: the handle is ours.
        assert_eq!(unsafe { skl_engine_close(self.pointer, null_mut()) }, skl_status::SKL_OK);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: freed once.
        unsafe { skl_engine_free(self.pointer) };
    }
}

fn write_skills(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    // Without namespaces another user id must reach it.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("the folder is opened");
    for name in ["worker", "other"] {
        let scripts = folder.join(name).join("scripts");
        fs::create_dir_all(&scripts).expect("a folder is made");
        let text = format!("---\nname: {name}\ndescription: Works.\n---\n");
        fs::write(folder.join(name).join("SKILL.md"), text).expect("it is written");
        fs::write(scripts.join("run.sh"), SCRIPT).expect("it is written");
        fs::write(scripts.join("work.inc"), WORK).expect("it is written");
    }
}

#[derive(Debug)]
/// An agent; it may outlive its engine only if a test says so.
pub struct Agent<'e> {
    pointer: *mut skl_agent,
    engine: PhantomData<&'e Engine>,
}

// SAFETY: the C API may be used from any thread.
unsafe impl Send for Agent<'_> {}
// SAFETY: the same.
unsafe impl Sync for Agent<'_> {}

impl Agent<'_> {
    pub fn outlive(self) -> Agent<'static> {
        let pointer = self.pointer;
        std::mem::forget(self);
        Agent { pointer, engine: PhantomData }
    }

    pub fn ask(&self, words: &str) {
        self.try_ask(words, "").expect("it may be asked");
    }

    pub fn try_ask(&self, words: &str, messages: &str) -> Result<(), Failed> {
        let mut error = null_mut();
        let ((words, len), (messages, messages_len)) = (bytes(words.as_bytes()), bytes(messages.as_bytes()));
        // SAFETY: the pointers come with their lengths.
        outcome(unsafe { skl_agent_ask(self.pointer, words, len, messages, messages_len, &mut error) }, error)
    }

    pub fn next(&self, timeout_ms: i64) -> Value {
        self.try_next(timeout_ms).expect("it goes on")
    }

    pub fn try_next(&self, timeout_ms: i64) -> Result<Value, Failed> {
        Ok(serde_json::from_str(&self.next_text(timeout_ms)?).expect("a step is JSON"))
    }

    /// The step as text, for those who look at its beginning only.
    pub fn next_text(&self, timeout_ms: i64) -> Result<String, Failed> {
        let (mut step, mut error) = (null_mut(), null_mut());
        // SAFETY: the outputs may be written to.
        outcome(unsafe { skl_agent_next(self.pointer, timeout_ms, &mut step, &mut error) }, error)?;
        Ok(text_of(step))
    }

    /// Feeds a whole body in pieces of `size` bytes.
    pub fn feed(&self, body: &[u8], size: usize) {
        for piece in body.chunks(size) {
            self.try_feed(piece, false).expect("it takes a piece");
        }
        self.try_feed(b"", true).unwrap_or_else(|error| panic!("{}: {error:?}", String::from_utf8_lossy(body)));
    }

    /// Waits for the request and feeds its response in one piece.
    pub fn feed_when_asked(&self, body: &[u8]) {
        assert_eq!(self.next(-1)["step"], "request");
        self.try_feed(body, true).expect("it takes the response");
    }

    pub fn try_feed(&self, data: &[u8], is_end: bool) -> Result<(), Failed> {
        let mut error = null_mut();
        let (data, len) = if data.is_empty() { (null(), 0) } else { bytes(data) };
        // SAFETY: the pointer comes with its length.
        outcome(unsafe { skl_agent_feed(self.pointer, data, len, is_end, &mut error) }, error)
    }

    pub fn try_approve(&self, call_id: &str, is_allowed: bool, reason: &str) -> Result<(), Failed> {
        let mut error = null_mut();
        let ((id, id_len), (reason, len)) = (bytes(call_id.as_bytes()), bytes(reason.as_bytes()));
        // SAFETY: the pointers come with their lengths.
        outcome(unsafe { skl_agent_approve(self.pointer, id, id_len, is_allowed, reason, len, &mut error) }, error)
    }

    pub fn events(&self) -> Value {
        let (mut events, mut error) = (null_mut(), null_mut());
        // SAFETY: the outputs may be written to.
        outcome(unsafe { skl_agent_events(self.pointer, &mut events, &mut error) }, error)
            .expect("it gives its events");
        document(events)
    }

    pub fn transcript(&self) -> Value {
        let (mut transcript, mut error) = (null_mut(), null_mut());
        // SAFETY: the outputs may be written to.
        outcome(unsafe { skl_agent_transcript(self.pointer, &mut transcript, &mut error) }, error).expect("it has one");
        document(transcript)
    }

    pub fn cancel(&self) {
        // SAFETY: the handle is ours.
        assert_eq!(unsafe { skl_agent_cancel(self.pointer) }, skl_status::SKL_OK);
    }

    pub fn fd(&self) -> i32 {
        // SAFETY: the handle is ours.
        unsafe { skl_agent_fd(self.pointer) }
    }

    /// Whether the descriptor becomes readable within a time.
    pub fn is_readable(&self, timeout_ms: i32) -> bool {
        let fd = self.fd();
        assert!(fd >= 0);
        let mut polled = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry is there.
        unsafe { libc::poll(&mut polled, 1, timeout_ms) == 1 }
    }

    /// Frees the agent in which another thread waits.
    pub fn free_while_waiting(self) {
        let agent = self.outlive();
        let (entered, wait) = std::sync::mpsc::channel();
        let pointer = agent.pointer as usize;
        let waiting = std::thread::spawn(move || {
            let (mut step, mut error) = (null_mut(), null_mut());
            let pointer = pointer as *mut skl_agent;
            entered.send(()).expect("somebody listens");
            // SAFETY: the handle is freed after this has been entered, or is waited for below.
            let status = unsafe { skl_agent_next(pointer, -1, &mut step, &mut error) };
            outcome(status, error).expect("it ends");
            document(step)
        });
        wait.recv().expect("the thread begins");
        // The rule for hosts: the function has been entered. A thread in it is one that sleeps in the kernel.
        while !is_asleep(&waiting) {
            std::thread::yield_now();
        }
        drop(agent);
        assert_eq!(waiting.join().expect("it does not panic")["reason"], "cancelled");
    }
}

fn is_asleep(thread: &std::thread::JoinHandle<Value>) -> bool {
    use std::os::unix::thread::JoinHandleExt;
    let mut clock = 0;
    // SAFETY: the thread is joined later, and the output may be written to.
    assert_eq!(unsafe { libc::pthread_getcpuclockid(thread.as_pthread_t(), &mut clock) }, 0);
    // The kernel's number of the thread is in its clock's.
    let id = !(clock >> 3);
    let stat = fs::read_to_string(format!("/proc/self/task/{id}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
}

impl Drop for Agent<'_> {
    fn drop(&mut self) {
        // SAFETY: freed once.
        unsafe { skl_agent_free(self.pointer) };
    }
}

/// Whether this is a process for one test; if not, runs it in one.
pub fn is_alone(test: &str) -> bool {
    const MARK: &str = "SKILLLITE_TEST_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let executable = std::env::current_exe().expect("this test has a path");
    let output = std::process::Command::new(executable).args(["--exact", test, "--nocapture"]).env(MARK, "1").output();
    let output = output.expect("it runs");
    print!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    false
}

/// What this process holds.
pub struct Footprint {
    pub descriptors: usize,
    pub threads: usize,
    pub resident_bytes: u64,
}

impl Footprint {
    pub fn now() -> Self {
        let count = |folder: &str| fs::read_dir(folder).map_or(0, Iterator::count);
        let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages: u64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
        Self { descriptors: count("/proc/self/fd"), threads: count("/proc/self/task"), resident_bytes: pages * 4096 }
    }
}
