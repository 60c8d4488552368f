//! The calls of a model's response, answered in one go or held as one call, through the engine and through the C API.

use std::ffi::{CString, c_char};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::ptr::null_mut;

use serde_json::{Value, json};
use skilllite::capi::*;
use skilllite::error::Status;

use super::{STREAMED, args, assert_holds_in_a_child, engine, lenient, result};

const OK: skl_status = skl_status::SKL_OK;
/// It takes its arguments from standard input.
const REPEATS: &str = "---\nname: repeats\ndescription: Repeats.\n---\n\n## Runtime\n\n```yaml\nentry_point: scripts/main.sh\n\
    language: sh\ninput_schema: {type: object, properties: {a: {type: integer}}}\n```\n";

fn ask(id: &str, name: &str, arguments: &str) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
}

fn response(calls: &[Value]) -> String {
    json!({ "choices": [{ "message": { "role": "assistant", "tool_calls": calls } }] }).to_string()
}

/// The worker's answers hold these words, in this order.
fn assert_answers(messages: &Value, expected: &[(&str, &str)]) {
    let answers: Vec<_> = messages.as_array().into_iter().flatten().collect();
    assert_eq!(answers.len(), expected.len(), "{messages}");
    for (answer, (id, needle)) in answers.iter().zip(expected) {
        assert_eq!(answer["tool_call_id"], *id);
        assert!(answer["content"].as_str().is_some_and(|content| content.contains(needle)), "{answer}");
    }
}

#[test]
fn a_response_is_answered_in_order() {
    let Some((_folder, engine)) = engine(lenient()) else { return };
    let calls = [
        ask("a", "worker", &args(&["say", "one"])),
        ask("b", "nobody", "{}"),
        ask("c", "worker", "{"),
        ask("d", "worker", &args(&["fail"])),
    ];
    let expected = [("a", "one"), ("b", "nobody"), ("c", "JSON"), ("d", "broken")];
    let messages = engine.handle("openai", &response(&calls), "").expect("it is answered");
    assert_answers(&messages, &expected);
    let held = engine.respond("openai", &response(&calls), "").expect("it starts");
    for _ in 0..2 {
        assert_eq!(held.wait(None).expect("it ends"), messages);
    }
    let refused = engine.handle("openai", "{}", "").expect_err("that is no response");
    assert_eq!(refused.status, Status::InvalidResponse);
}

/// A C host whose scripts meet it at pipes in a folder.
struct Host {
    engine: *mut skl_engine,
    folder: tempfile::TempDir,
}

impl Host {
    /// `None` where nothing can be isolated.
    fn new(max_running: u32) -> Option<Self> {
        let (folder, _) = engine(lenient())?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("the folder is opened");
        let repeats = folder.path().join("repeats");
        fs::create_dir_all(repeats.join("scripts")).expect("a folder is made");
        fs::write(repeats.join("SKILL.md"), REPEATS).expect("it is written");
        fs::write(repeats.join("scripts/main.sh"), "#!/bin/sh\nexec cat\n").expect("it is written");
        let mut config = lenient();
        config["policy"]["write_paths"] = json!([folder.path()]);
        config["max_running"] = json!(max_running);
        let (config, dir) = (config.to_string(), folder.path().to_str().expect("the path is UTF-8").to_owned());
        let (mut engine, mut out) = (null_mut(), null_mut());
        let ((config, config_len), (dir, dir_len)) = (part(&config), part(&dir));
        // SAFETY: every pointer comes with its length.
        unsafe {
            assert_eq!(skl_engine_new(config, config_len, &mut engine, null_mut()), OK);
            assert_eq!(skl_engine_load(engine, dir, dir_len, &mut out, null_mut()), OK);
            skl_buffer_free(out);
        }
        Some(Self { engine, folder })
    }

    /// A pipe for scripts: its path, and the end that this process reads without blocking or, for words to a script, writes.
    fn pipe(&self, name: &str) -> (String, File) {
        let path = self.folder.path().join(name).to_str().expect("the path is UTF-8").to_owned();
        let name = CString::new(path.as_str()).expect("a path has no NUL");
        // SAFETY: the name is closed by NUL.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o666) }, 0);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("the pipe is opened to scripts");
        let end = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&path).expect("it is opened");
        (path, end)
    }

    fn respond(&self, response: &str, options: &str) -> Result<*mut skl_call, (skl_status, String)> {
        let (mut call, mut error) = (null_mut(), null_mut());
        let ((dialect, dialect_len), (response, response_len)) = (part("openai"), part(response));
        let (options, options_len) = part(options);
        // SAFETY: every pointer comes with its length.
        let status = unsafe {
            skl_engine_respond(
                self.engine,
                dialect,
                dialect_len,
                response,
                response_len,
                options,
                options_len,
                &mut call,
                &mut error,
            )
        };
        if status == OK { Ok(call) } else { Err(told(error)) }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: it is freed once.
        unsafe { skl_engine_free(self.engine) };
    }
}

fn part(text: &str) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

/// Takes an error apart and frees it.
fn told(error: *mut skl_error) -> (skl_status, String) {
    // SAFETY: the error is live until it is freed here.
    unsafe {
        let message = std::ffi::CStr::from_ptr(skl_error_message(error)).to_str().expect("it is UTF-8").to_owned();
        let status = skl_error_status(error);
        skl_error_free(error);
        (status, message)
    }
}

/// Whether something comes to a descriptor, or its end, in so many milliseconds.
fn is_ready(fd: RawFd, timeout_ms: i32) -> bool {
    let mut ready = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: it is one record.
    unsafe { libc::poll(&mut ready, 1, timeout_ms) == 1 }
}

/// Waits for the line of a script at its pipe.
fn hear(pipe: &mut File) {
    assert!(is_ready(pipe.as_raw_fd(), 60_000), "the script says nothing");
    let mut line = [0; 3];
    pipe.read_exact(&mut line).expect("it is a line");
    assert_eq!(&line, b"up\n");
}

/// Waits until every script that has this pipe is gone.
fn assert_gone(mut pipe: File) {
    assert!(is_ready(pipe.as_raw_fd(), 60_000), "the script goes on");
    assert_eq!(pipe.read(&mut [0; 1]).expect("it can be read"), 0, "the script goes on and talks");
}

#[test]
fn a_response_is_one_call_that_ends_with_its_last_one() {
    // One after the other, so that the second says something only after the first has ended.
    let Some(host) = Host::new(1) else { return };
    let (said, mut said_end) = host.pipe("said");
    let (word, _reads) = host.pipe("word");
    let calls = [ask("a", "worker", &args(&["say", "one"])), ask("b", "worker", &args(&["meet", &said, &word]))];
    let call = host.respond(&response(&calls), "").expect("it starts");
    // SAFETY: every handle is used before it is freed.
    unsafe {
        let fd = skl_call_fd(call);
        assert!(fd >= 0 && fd == skl_call_fd(call));
        hear(&mut said_end);
        assert!(!is_ready(fd, 0), "one of two has ended");
        let (mut out, mut error) = (null_mut(), null_mut());
        assert_eq!(skl_call_wait(call, 0, &mut out, &mut error), skl_status::SKL_ERR_WAIT_TIMEOUT);
        assert!(out.is_null());
        let (_, message) = told(error);
        assert!(message.contains("1 of the 2 calls"), "{message}");
        let mut words = OpenOptions::new().write(true).open(&word).expect("it is opened");
        words.write_all(b"two\n").expect("it is written");
        assert!(is_ready(fd, 60_000));
        for _ in 0..2 {
            assert_answers(&result(call), &[("a", "one"), ("b", "two")]);
        }
        skl_call_free(call);
    }
}

#[test]
fn a_response_that_asks_for_nothing_has_ended() {
    let Some(host) = Host::new(1) else { return };
    // What needs no process has ended as well.
    for (calls, expected) in [(vec![], vec![]), (vec![ask("a", "nobody", "")], vec![("a", "nobody")])] {
        let call = host.respond(&response(&calls), "").expect("it starts");
        // SAFETY: the call is used before it is freed.
        unsafe {
            assert!(is_ready(skl_call_fd(call), 0));
            assert_answers(&result(call), &expected);
            assert_eq!(skl_call_cancel(call), OK);
            skl_call_free(call);
        }
    }
}

#[test]
fn every_script_of_a_response_ends_when_it_is_cancelled_freed_or_closed() {
    for end in ["cancel", "close", "free"] {
        let Some(host) = Host::new(2) else { return };
        let ((one, mut one_end), (two, mut two_end)) = (host.pipe("one"), host.pipe("two"));
        let calls = [
            ask("a", "worker", &args(&["hold", &one])),
            ask("b", "worker", &args(&["hold", &two])),
            ask("c", "worker", &args(&["say", "in the queue"])),
        ];
        let call = host.respond(&response(&calls), "").expect("it starts");
        hear(&mut one_end);
        hear(&mut two_end);
        // SAFETY: every handle is used before it is freed.
        unsafe {
            // Waiting meanwhile, in several threads.
            let address = call as usize;
            let waits = if end == "free" { 0 } else { 2 };
            std::thread::scope(|scope| {
                let waiters: Vec<_> =
                    (0..waits).map(|_| scope.spawn(move || result(address as *mut skl_call))).collect();
                match end {
                    "cancel" => assert_eq!(skl_call_cancel(call), OK),
                    "close" => assert_eq!(skl_engine_close(host.engine, null_mut()), OK),
                    _ => skl_call_free(call),
                }
                for waiter in waiters {
                    let messages = waiter.join().expect("no panic");
                    assert_answers(&messages, &["a", "b", "c"].map(|id| (id, "cancelled")));
                }
            });
            assert_gone(one_end);
            assert_gone(two_end);
            if end != "free" {
                assert!(is_ready(skl_call_fd(call), 0), "{end}");
                skl_call_free(call);
            }
        }
    }
}

#[test]
fn what_only_the_host_can_repair_ends_what_was_started() {
    let Some(host) = Host::new(1) else { return };
    let (one, _one_end) = host.pipe("one");
    let options = json!({ "stdin": "words" }).to_string();
    let calls = [ask("a", "worker", &args(&["hold", &one])), ask("b", "repeats", "{}")];
    let (status, message) =
        host.respond(&response(&calls), &options).expect_err("the second takes its arguments there");
    assert_eq!(status, skl_status::SKL_ERR_INVALID_CONFIG);
    assert!(message.contains("'repeats'"), "{message}");
    // One call runs at a time, so nothing of the others is there any more.
    let call = host.respond(&response(&[ask("c", "worker", &args(&["say", "free"]))]), "").expect("it starts");
    assert_answers(&result(call), &[("c", "free")]);
    // SAFETY: it is freed once.
    unsafe { skl_call_free(call) };
}

#[test]
fn what_only_one_call_has_names_the_function_for_one_call() {
    let Some(host) = Host::new(1) else { return };
    let (status, message) = host.respond(&response(&[]), STREAMED).expect_err("no stream is read");
    assert_eq!(status, skl_status::SKL_ERR_UNSUPPORTED);
    assert!(message.contains("'stream'") && message.contains("skl_engine_call()"), "{message}");
    let call = host.respond(&response(&[ask("a", "worker", &args(&["copy"]))]), "").expect("it starts");
    result(call);
    let ((path, path_len), (dest, dest_len)) = (part("changed.txt"), part("/tmp"));
    // SAFETY: every handle is used before it is freed, and every pointer comes with its length.
    unsafe {
        assert_eq!(skl_call_output_fd(call), -1);
        let (mut out, mut errors) = (null_mut(), [null_mut(); 3]);
        let [read, file, kept] = &mut errors;
        skl_call_read(call, 1, 0, &mut out, read);
        skl_call_read_file(call, path, path_len, 100, &mut out, file);
        skl_call_keep(call, path, path_len, dest, dest_len, kept);
        assert!(out.is_null());
        for error in errors {
            let (status, message) = told(error);
            assert_eq!(status, skl_status::SKL_ERR_UNSUPPORTED);
            assert!(message.contains("skl_engine_call()"), "{message}");
        }
        skl_call_free(call);
    }
}

#[test]
fn a_forked_child_can_neither_use_nor_disturb_it() {
    let Some(host) = Host::new(1) else { return };
    let (one, mut one_end) = host.pipe("one");
    let call = host.respond(&response(&[ask("a", "worker", &args(&["hold", &one]))]), "").expect("it starts");
    hear(&mut one_end);
    // SAFETY: every handle is used before it is freed.
    unsafe {
        let mut out = null_mut();
        assert_holds_in_a_child(|| {
            let mut out = null_mut();
            let is_refused = skl_call_wait(call, -1, &mut out, null_mut()) == skl_status::SKL_ERR_FORKED
                && skl_call_cancel(call) == skl_status::SKL_ERR_FORKED
                && skl_call_fd(call) == -1
                && skl_call_read(call, 1, -1, &mut out, null_mut()) == skl_status::SKL_ERR_FORKED;
            skl_call_free(call);
            is_refused
        });
        assert_eq!(skl_call_wait(call, 0, &mut out, null_mut()), skl_status::SKL_ERR_WAIT_TIMEOUT);
        skl_call_free(call);
    }
    assert_gone(one_end);
}
