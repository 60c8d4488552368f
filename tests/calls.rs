//! Calls from their start to their result, in the real sandbox, through the engine and through the C API.

#[path = "calls/responses.rs"]
mod responses;

use std::ffi::c_char;
use std::fs;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use skilllite::capi::*;
use skilllite::engine::{Engine, Host, probe};
use skilllite::error::Status;

/// It only hands its words on, so that nothing is inferred and `args` takes them as they are.
const SCRIPT: &str = "#!/bin/bash\nexec bash \"$SKILL_DIR/scripts/work.inc\" \"$@\"\n";
const WORK: &str = r#"
case "$1" in
    say) shift; printf '%s' "$*" ;;
    env) printf '%s|%s|%s|%s' "$SKILL_DIR" "$MODE" "$PWD" "$FROM_POLICY" ;;
    copy) cp in.txt out.txt; echo more >> changed.txt; ln -s /etc/passwd link ;;
    fail) echo broken >&2; exit 3 ;;
    bytes) printf '\xff\xfe' ;;
    hang) exec sleep 3600 ;;
    spin) while :; do :; done ;;
    follow) echo out; echo err >&2; exec sleep 3600 ;;
    meet) echo up > "$2"; read -r line < "$3"; printf '%s' "$line" ;;
    hold) exec > "$2"; echo up; exec sleep 3600 ;;
    flood) head -c "$2" /dev/zero; echo done >&2 ;;
esac
"#;

/// A folder with one skill, and an engine that has loaded it; `None` where nothing can be isolated.
fn engine(config: Value) -> Option<(tempfile::TempDir, Engine)> {
    let report = probe().expect("the host is probed");
    if report["tier"].is_null() {
        println!("skipped: no isolation on this host: {}", report["obstacles"]);
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder is made");
    write_skill(folder.path());
    let engine = Engine::new(&config.to_string(), Host::snapshot()).expect("an engine is made");
    let report = engine.load(folder.path()).expect("the skill is loaded");
    assert_eq!(report["tools"], json!(["worker"]), "{report}");
    Some((folder, engine))
}

fn write_skill(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    // Without namespaces another user id must reach it.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("the folder is opened");
    let scripts = folder.join("worker/scripts");
    fs::create_dir_all(&scripts).expect("a folder is made");
    fs::write(folder.join("worker/SKILL.md"), "---\nname: worker\ndescription: Works.\n---\n").expect("it is written");
    fs::write(scripts.join("run.sh"), SCRIPT).expect("it is written");
    fs::write(scripts.join("work.inc"), WORK).expect("it is written");
}

fn lenient() -> Value {
    json!({ "policy": { "min_tier": "landlock", "env": { "FROM_POLICY": "yes" } } })
}

fn args(words: &[&str]) -> String {
    json!({ "args": words }).to_string()
}

#[test]
fn a_result_tells_what_happened() {
    let Some((_folder, engine)) = engine(lenient()) else { return };
    let run = |words: &[&str], options: Value| {
        engine
            .execute("worker", &args(words), &options.to_string())
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    };
    type Row<'r> = (&'r [&'r str], Value, &'r [(&'r str, Value)]);
    let rows: &[Row<'_>] = &[
        (
            &["say", "hello"],
            json!({}),
            &[("/status", json!("ok")), ("/text", json!("hello")), ("/output", Value::Null)],
        ),
        (&["say", "{\"a\":1}"], json!({ "call_id": "me" }), &[("/output/a", json!(1)), ("/call_id", json!("me"))]),
        (&["fail"], json!({}), &[("/status", json!("ok")), ("/exit_code", json!(3)), ("/stderr", json!("broken\n"))]),
        (&["bytes"], json!({}), &[("/lossy/stdout", json!(true)), ("/text", json!("\u{fffd}\u{fffd}"))]),
        (
            &["spin"],
            json!({ "limits": { "wall_ms": 300 } }),
            &[("/status", json!("timeout")), ("/limit", json!("wall")), ("/exit_code", Value::Null)],
        ),
        (
            &["copy"],
            json!({ "files": { "in.txt": "aGk=", "changed.txt": "aGk=" } }),
            &[
                ("/files/0/path", json!("changed.txt")),
                ("/files/1/path", json!("out.txt")),
                ("/files/1/size", json!(2)),
                ("/files/2", Value::Null),
                ("/skipped_files/0", json!({ "path": "link", "kind": "symlink" })),
            ],
        ),
    ];
    for (words, options, expected) in rows {
        let document = run(words, options.clone());
        for (pointer, value) in *expected {
            let found = document.pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(found, value, "{words:?} {pointer}: {document}");
        }
        assert_eq!((&document["tool"], &document["skill"]), (&json!("worker"), &json!("worker")));
        assert!(!document["isolation"]["layers"].as_array().is_none_or(Vec::is_empty), "{document}");
    }
    let document = run(&["env"], json!({ "env": { "MODE": "fast" }, "cwd": "skill" }));
    let text = document["text"].as_str().unwrap_or_default();
    let parts: Vec<_> = text.split('|').collect();
    assert_eq!(parts, [parts[0], "fast", parts[0], "yes"]);
}

#[test]
fn files_are_read_while_the_call_lives() {
    let Some((_folder, engine)) = engine(lenient()) else { return };
    let call = engine.call("worker", &args(&["copy"]), r#"{"files":{"in.txt":"aGk="}}"#).expect("it starts");
    call.wait(None).expect("it ends");
    assert_eq!(call.read_file("out.txt", 2).as_deref(), Ok(b"hi".as_slice()));
    let status = |path: &str, max_bytes| call.read_file(path, max_bytes).map_err(|error| error.status);
    assert_eq!(status("out.txt", 1), Err(Status::ResourceTooLarge));
    assert_eq!(status("link", 1 << 20), Err(Status::PathEscape));
    assert_eq!(status("../out.txt", 2), Err(Status::PathEscape));
    assert_eq!(status("none", 2), Err(Status::ResourceNotFound));
}

#[test]
fn a_call_is_waited_for_cancelled_and_shared() {
    let Some((_folder, engine)) = engine(lenient()) else { return };
    let call = engine.call("worker", &args(&["hang"]), "").expect("it starts");
    let early = call.wait(Some(Duration::from_millis(1))).expect_err("it hangs");
    assert_eq!(early.status, Status::WaitTimeout);
    assert_eq!(call.read_file("x", 1).map_err(|error| error.status), Err(Status::WaitTimeout));
    let waiters: Vec<_> =
        (0..4).map(|_| Arc::clone(&call)).map(|call| std::thread::spawn(move || call.wait(None))).collect();
    for _ in 0..2 {
        call.cancel().expect("it is cancelled");
    }
    let first = call.wait(None).expect("it ends");
    assert_eq!(first["status"], "cancelled", "{first}");
    for waiter in waiters {
        let same = waiter.join().expect("no panic").expect("it ends");
        assert!(Arc::ptr_eq(&first, &same));
    }
    call.cancel().expect("cancelling afterwards is harmless");
    assert_eq!(call.wait(Some(Duration::ZERO)).map(|document| document["status"].clone()), Ok(json!("cancelled")));
}

const STREAMED: &str = r#"{"stream":true}"#;

/// Everything of a stream, waiting for its end.
fn drain(call: &skilllite::engine::Call, stream: u32) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = call.read(stream, None).expect("the stream can be read") {
        all.extend(chunk);
    }
    all
}

#[test]
fn output_is_read_while_the_script_runs() {
    let Some((_folder, engine)) = engine(lenient()) else { return };
    let call = engine.call("worker", &args(&["follow"]), STREAMED).expect("it starts");
    let mut output = Vec::new();
    while output.len() < 4 {
        output.extend(call.read(1, None).expect("it is read").expect("the script goes on"));
    }
    assert_eq!(output, b"out\n");
    assert_eq!(call.read(2, None).expect("it is read").as_deref(), Some(b"err\n".as_slice()));
    assert_eq!(call.read(1, Some(Duration::ZERO)).expect("it is read").as_deref(), Some(b"".as_slice()));
    assert!(!call.is_finished().expect("this is no child"));
    call.cancel().expect("this is no child");
    assert_eq!((drain(&call, 1), drain(&call, 2)), (Vec::new(), Vec::new()));
    let result = call.wait(None).expect("it ends");
    assert_eq!(
        (&result["status"], &result["text"], &result["stderr"]),
        (&json!("cancelled"), &json!("out\n"), &json!("err\n"))
    );
}

#[test]
fn a_reader_gets_every_byte_of_what_the_result_cuts() {
    let Some((_folder, engine)) = engine(lenient()) else { return };
    let call = engine.call("worker", &args(&["flood", "5000000"]), STREAMED).expect("it starts");
    assert_eq!(drain(&call, 1).len(), 5_000_000);
    assert_eq!(drain(&call, 2), b"done\n");
    let result = call.wait(None).expect("it ends");
    assert_eq!((&result["status"], &result["truncated"]["stdout"]), (&json!("ok"), &json!(true)), "{result}");
    assert_eq!(result["total_bytes"]["stdout"], 5_000_000);
}

/// Nobody reads, so the script stands still until its time is over; what it wrote before is there.
#[test]
fn a_script_waits_for_its_reader() {
    let Some((_folder, engine)) = engine(lenient()) else { return };
    let options = r#"{"stream":true,"limits":{"wall_ms":1500}}"#;
    let call = engine.call("worker", &args(&["flood", "50000000"]), options).expect("it starts");
    let result = call.wait(None).expect("it ends");
    assert_eq!((&result["status"], &result["stderr"]), (&json!("timeout"), &json!("")), "{result}");
    let unread_bytes = drain(&call, 1).len();
    assert!((1 << 20..2 << 20).contains(&unread_bytes), "{unread_bytes}");
    assert_eq!(result["total_bytes"]["stdout"], unread_bytes);
}

#[test]
fn a_call_that_never_runs_has_streams_at_their_end() {
    let Some((_folder, engine)) = engine(json!({"policy": {"min_tier": "landlock"}, "max_running": 1})) else { return };
    let first = engine.call("worker", &args(&["hang"]), "").expect("it starts");
    let queued = engine.call("worker", &args(&["say", "x"]), STREAMED).expect("it is queued");
    queued.cancel().expect("this is no child");
    assert_eq!((drain(&queued, 1), drain(&queued, 2)), (Vec::new(), Vec::new()));
    drop(first);
}

#[test]
fn only_streams_of_streamed_calls_are_read() {
    let Some((_folder, engine)) = engine(lenient()) else { return };
    let call = engine.call("worker", &args(&["say"]), "").expect("it starts");
    assert_eq!(call.read(1, None).expect_err("it is not streamed").status, Status::Unsupported);
    assert_eq!(call.output_fd().expect_err("it is not streamed").status, Status::Unsupported);
    let call = engine.call("worker", &args(&["say"]), STREAMED).expect("it starts");
    for stream in [0, 3, u32::MAX] {
        assert_eq!(call.read(stream, None).expect_err("there is none").status, Status::InvalidConfig);
    }
}

#[test]
fn calls_outlive_a_freed_engine_and_end_with_a_closed_one() {
    let Some((_folder, engine)) = engine(lenient()) else { return };
    let goes_on = engine.call("worker", &args(&["say", "late"]), "").expect("it starts");
    drop(engine);
    assert_eq!(goes_on.wait(None).expect("it ends")["text"], "late");

    let Some((_folder, engine)) = self::engine(lenient()) else { return };
    let hanging = engine.call("worker", &args(&["hang"]), "").expect("it starts");
    engine.close().expect("it closes");
    assert_eq!(hanging.wait(None).expect("it ends")["status"], "cancelled");
    assert_eq!(engine.call("worker", "", "").map(drop).map_err(|error| error.status), Err(Status::Closed));
}

#[test]
fn what_was_loaded_is_what_runs() {
    let Some((folder, engine)) = engine(lenient()) else { return };
    fs::write(folder.path().join("worker/scripts/run.sh"), "#!/bin/bash\necho other\n").expect("it is written");
    let changed = engine.execute("worker", &args(&[]), "").expect_err("the script changed");
    assert_eq!(changed.status, Status::SkillChanged);
    engine.load(folder.path()).expect("it is loaded again");
    assert_eq!(engine.execute("worker", &args(&[]), "").expect("it runs")["text"], "other\n");
    let planted = folder.path().join("worker/scripts/json.py");
    fs::write(&planted, "").expect("it is written");
    let added = engine.execute("worker", &args(&[]), "").expect_err("a file was added");
    assert_eq!(added.status, Status::SkillChanged);
    assert!(added.message.contains("`scripts/json.py`"), "{added}");
    fs::remove_file(&planted).expect("it is removed");
    assert_eq!(engine.execute("worker", &args(&[]), "").expect("it runs")["text"], "other\n");
}

/// The waits of a C host: on the descriptor, with a look, blocked in several threads.
#[test]
fn a_c_host_waits_in_every_way() {
    let Some((folder, _)) = engine(lenient()) else { return };
    let part = |text: &str| (text.as_ptr().cast::<c_char>(), text.len());
    let config = lenient().to_string();
    let path = folder.path().to_str().expect("the path is UTF-8").to_owned();
    let (mut engine, mut out) = (null_mut(), null_mut());
    // SAFETY: every pointer below is live, and every handle is used before it is freed.
    unsafe {
        let ((config, config_len), (dir, dir_len)) = (part(&config), part(&path));
        assert_eq!(skl_engine_new(config, config_len, &mut engine, null_mut()), skl_status::SKL_OK);
        assert_eq!(skl_engine_load(engine, dir, dir_len, &mut out, null_mut()), skl_status::SKL_OK);
        skl_buffer_free(out);
        let start = |words: &[&str]| {
            let (arguments, mut call) = (args(words), null_mut());
            let ((tool, tool_len), (text, len)) = (part("worker"), part(&arguments));
            let status = skl_engine_call(engine, tool, tool_len, text, len, null_mut(), 0, &mut call, null_mut());
            assert_eq!(status, skl_status::SKL_OK);
            call
        };

        let call = start(&["say", "x"]);
        let mut ended = libc::pollfd { fd: skl_call_fd(call), events: libc::POLLIN, revents: 0 };
        assert!(ended.fd >= 0);
        assert_eq!(libc::poll(&mut ended, 1, 60_000), 1);
        assert_eq!(skl_call_wait(call, 0, &mut out, null_mut()), skl_status::SKL_OK);
        skl_buffer_free(out);
        skl_call_free(call);

        let call = start(&["hang"]);
        assert_eq!(skl_call_wait(call, 0, &mut out, null_mut()), skl_status::SKL_ERR_WAIT_TIMEOUT);
        assert!(out.is_null());
        // Waiting, cancelling and looking at the same time, from three threads.
        let address = call as usize;
        std::thread::scope(|scope| {
            let waiters: Vec<_> = (0..3).map(|_| scope.spawn(move || result(address as *mut skl_call))).collect();
            assert_eq!(skl_call_cancel(call), skl_status::SKL_OK);
            for waiter in waiters {
                let document = waiter.join().expect("no panic");
                assert_eq!(document["status"], "cancelled", "{document}");
            }
        });
        skl_call_free(call);

        // Followed by an event loop: readable while there is output, at its end when there is nothing more.
        let arguments = args(&["flood", "300000"]);
        let ((tool, tool_len), (text, len)) = (part("worker"), part(&arguments));
        let (options, options_len) = part(STREAMED);
        let mut followed = null_mut();
        let status =
            skl_engine_call(engine, tool, tool_len, text, len, options, options_len, &mut followed, null_mut());
        assert_eq!(status, skl_status::SKL_OK);
        let (mut read_bytes, mut open) = ([0, 0], 2);
        let mut ready = libc::pollfd { fd: skl_call_output_fd(followed), events: libc::POLLIN, revents: 0 };
        assert!(ready.fd >= 0 && ready.fd == skl_call_output_fd(followed));
        while open > 0 {
            assert_eq!(libc::poll(&mut ready, 1, 60_000), 1);
            open = 0;
            for (stream, bytes) in (1..).zip(&mut read_bytes) {
                let mut chunk = null_mut();
                loop {
                    assert_eq!(skl_call_read(followed, stream, 0, &mut chunk, null_mut()), skl_status::SKL_OK);
                    let count = skl_buffer_len(chunk);
                    open += usize::from(!chunk.is_null() && count == 0);
                    skl_buffer_free(chunk);
                    if count == 0 {
                        break;
                    }
                    *bytes += count;
                }
            }
        }
        assert_eq!(read_bytes, [300_000, 5]);
        skl_call_free(followed);

        // A forked child can neither use the handles nor disturb the parent's call with them.
        let call = start(&["hang"]);
        assert_holds_in_a_child(|| {
            let mut out = null_mut();
            let is_refused = skl_call_wait(call, -1, &mut out, null_mut()) == skl_status::SKL_ERR_FORKED
                && skl_call_cancel(call) == skl_status::SKL_ERR_FORKED
                && skl_call_fd(call) == -1
                && skl_call_output_fd(call) == -1
                && skl_call_read(call, 1, -1, &mut out, null_mut()) == skl_status::SKL_ERR_FORKED;
            skl_call_free(call);
            skl_engine_free(engine);
            is_refused
        });
        assert_eq!(skl_call_wait(call, 0, &mut out, null_mut()), skl_status::SKL_ERR_WAIT_TIMEOUT);

        // Freeing a running call ends it; nobody waits for it.
        skl_call_free(call);
        skl_engine_free(engine);
    }
}

#[test]
fn a_plan_shows_the_sandbox_and_runs_nothing() {
    let Some((_folder, engine)) = engine(lenient()) else { return };
    let plan = engine.plan("worker", &args(&["copy"]), "").expect("it is planned");
    let lines: Vec<_> = plan.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        assert!(line.trim_start().starts_with(&format!("{} ", index + 1)), "{line}");
    }
    let last = lines.last().expect("a plan has steps");
    assert!(last.contains("exec") && last.contains("variables"), "{last}");
    for step in ["clone", "fork", "capabilities", "seccomp"] {
        assert!(plan.contains(step), "{step} is not in\n{plan}");
    }
    let refused = engine.plan("worker", "[]", "").expect_err("the arguments are judged as for a call");
    assert_eq!(refused.status, Status::InvalidArguments);
}

/// Asks a forked child, which then ends at once.
fn assert_holds_in_a_child(question: impl FnOnce() -> bool) {
    // SAFETY: the child only asks and ends; its end is waited for here.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            libc::_exit(if question() { 42 } else { 1 });
        }
        let mut exit = 0;
        assert_eq!(libc::waitpid(child, &mut exit, 0), child);
        assert_eq!((libc::WIFEXITED(exit), libc::WEXITSTATUS(exit)), (true, 42));
    }
}

/// Waits for a live call without end.
fn result(call: *mut skl_call) -> Value {
    let mut out = null_mut();
    // SAFETY: the call is live, and the buffer is freed once.
    unsafe {
        assert_eq!(skl_call_wait(call, -1, &mut out, null_mut()), skl_status::SKL_OK);
        let bytes = std::slice::from_raw_parts(skl_buffer_data(out).cast::<u8>(), skl_buffer_len(out));
        let document = serde_json::from_slice(bytes).expect("a result is JSON");
        skl_buffer_free(out);
        document
    }
}
