//! The border seen from C: NULL everywhere, bad strings, outputs on failure, forks. Nothing here starts a process in
//! the sandbox.

#![allow(clippy::undocumented_unsafe_blocks, reason = "every block calls the C API as a host would")]

use std::ffi::{CStr, c_char};
use std::ptr::{null, null_mut};

use super::*;

const OK: skl_status = skl_status::SKL_OK;
const NULL_ARGUMENT: skl_status = skl_status::SKL_ERR_NULL_ARGUMENT;

fn bytes(text: &str) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

fn engine(config: &str) -> *mut skl_engine {
    let (config, len) = bytes(config);
    let mut engine = null_mut();
    assert_eq!(unsafe { skl_engine_new(config, len, &mut engine, null_mut()) }, OK);
    engine
}

/// Takes an error apart and frees it.
fn told(error: *mut skl_error) -> (skl_status, String) {
    unsafe {
        let message = CStr::from_ptr(skl_error_message(error)).to_str().unwrap().to_owned();
        let status = skl_error_status(error);
        skl_error_free(error);
        (status, message)
    }
}

#[test]
fn null_is_refused_everywhere_and_freed_nowhere() {
    let engine = engine("");
    let mut buffer: *mut skl_buffer = null_mut();
    let mut call: *mut skl_call = null_mut();
    let none = null_mut::<skl_engine>();
    let mut stream: *mut skl_stream = null_mut();
    let (name, len) = bytes("openai");
    assert_eq!(unsafe { skl_stream_new(name, len, &mut stream, null_mut()) }, OK);
    let (b, c, e) = (&raw mut buffer, &raw mut call, null_mut());
    let (s, n) = bytes("x");
    unsafe {
        let rows = [
            ("probe", skl_probe(null_mut(), e)),
            ("new", skl_engine_new(null(), 0, null_mut(), e)),
            ("new config", skl_engine_new(null(), 1, &mut null_mut(), e)),
            ("close", skl_engine_close(none, e)),
            ("load", skl_engine_load(none, s, n, b, e)),
            ("load dir", skl_engine_load(engine, null(), 3, b, e)),
            ("load out", skl_engine_load(engine, s, n, null_mut(), e)),
            ("skills", skl_engine_skills(none, b, e)),
            ("skills out", skl_engine_skills(engine, null_mut(), e)),
            ("tools", skl_engine_tools(none, s, n, b, e)),
            ("tools dialect", skl_engine_tools(engine, null(), 1, b, e)),
            ("instructions", skl_engine_instructions(none, s, n, b, e)),
            ("resources", skl_engine_resources(none, s, n, b, e)),
            ("read_resource", skl_engine_read_resource(none, s, n, s, n, 1, b, e)),
            ("read_resource path", skl_engine_read_resource(engine, s, n, null(), 1, 1, b, e)),
            ("manifest", skl_engine_manifest(none, s, n, b, e)),
            ("call", skl_engine_call(none, s, n, s, n, s, n, c, e)),
            ("call out", skl_engine_call(engine, s, n, s, n, s, n, null_mut(), e)),
            ("call options", skl_engine_call(engine, s, n, s, n, null(), 1, c, e)),
            ("execute", skl_engine_execute(none, s, n, s, n, s, n, b, e)),
            ("respond", skl_engine_respond(none, s, n, s, n, s, n, c, e)),
            ("handle", skl_engine_handle(none, s, n, s, n, s, n, b, e)),
            ("wait", skl_call_wait(null_mut(), 0, b, e)),
            ("wait out", skl_call_wait(null_mut(), 0, null_mut(), e)),
            ("cancel", skl_call_cancel(null_mut())),
            ("read_file", skl_call_read_file(null(), s, n, 1, b, e)),
            ("keep", skl_call_keep(null(), s, n, s, n, e)),
            ("stream", skl_stream_new(s, n, null_mut(), e)),
            ("stream dialect", skl_stream_new(null(), 1, &mut null_mut(), e)),
            ("feed", skl_stream_feed(null_mut(), s, n, e)),
            ("feed data", skl_stream_feed(stream, null(), 1, e)),
            ("response", skl_stream_response(null(), b, e)),
            ("response out", skl_stream_response(stream, null_mut(), e)),
        ];
        for (name, status) in rows {
            assert_eq!(status, NULL_ARGUMENT, "{name}");
        }
        assert!(buffer.is_null() && call.is_null());
        assert_eq!(skl_call_fd(null()), -1);
        assert_eq!((skl_buffer_data(null()), skl_buffer_len(null())), (null(), 0));
        assert_eq!(skl_error_status(null()), OK);
        assert_eq!(CStr::from_ptr(skl_error_message(null())), c"");
        assert!(!skl_stream_is_complete(null()));
        skl_stream_free(stream);
        skl_stream_free(null_mut());
        skl_engine_free(null_mut());
        skl_call_free(null_mut());
        skl_buffer_free(null_mut());
        skl_error_free(null_mut());
        skl_engine_free(engine);
    }
}

#[test]
fn outputs_hold_nothing_after_a_failure() {
    let engine = engine("");
    let dangling = std::ptr::NonNull::<skl_buffer>::dangling().as_ptr();
    let mut out = dangling;
    let mut error = std::ptr::NonNull::<skl_error>::dangling().as_ptr();
    let (name, len) = bytes("nobody");
    unsafe {
        assert_eq!(skl_engine_manifest(engine, name, len, &mut out, &mut error), skl_status::SKL_ERR_SKILL_NOT_FOUND);
        assert!(out.is_null());
        let (status, message) = told(error);
        assert_eq!(status, skl_status::SKL_ERR_SKILL_NOT_FOUND);
        assert_eq!(message, "no skill 'nobody'; no skills are loaded");

        out = dangling;
        assert_eq!(skl_engine_skills(null(), &mut out, &mut error), NULL_ARGUMENT);
        assert!(out.is_null());
        assert_eq!(told(error).1, "'engine' is NULL");

        assert_eq!(skl_engine_skills(engine, &mut out, &mut error), OK);
        assert!(error.is_null());
        assert_eq!(CStr::from_ptr(skl_buffer_data(out)), c"[]");
        assert_eq!(skl_buffer_len(out), 2);
        skl_buffer_free(out);
        skl_engine_free(engine);
    }
}

#[test]
fn bad_documents_and_strings_have_their_own_status() {
    let engine = engine(r#"{"policy":{"limits":{"wall_ms":1000}}}"#);
    let call = |tool: &[u8], args: &[u8], options: &[u8]| {
        let (mut out, mut error) = (null_mut(), null_mut());
        let part = |bytes: &[u8]| (bytes.as_ptr().cast::<c_char>(), bytes.len());
        let ((t, tl), (a, al), (o, ol)) = (part(tool), part(args), part(options));
        let status = unsafe { skl_engine_call(engine, t, tl, a, al, o, ol, &mut out, &mut error) };
        assert!(out.is_null());
        let told = told(error);
        assert_eq!(told.0, status);
        told
    };
    type Row = (&'static [u8], &'static [u8], &'static [u8], skl_status, &'static str);
    let rows: &[Row] = &[
        (b"t\xff", b"", b"", skl_status::SKL_ERR_INVALID_UTF8, "'tool' is not UTF-8: bad byte at offset 1"),
        (b"t\0x", b"", b"", skl_status::SKL_ERR_INVALID_UTF8, "'tool' holds a NUL byte at offset 1"),
        (b"t", b"{", b"", skl_status::SKL_ERR_INVALID_JSON, "the arguments"),
        (b"t", b"{\"a\":1,\"a\":2}", b"", skl_status::SKL_ERR_INVALID_ARGUMENTS, "'a' appears twice"),
        (b"t", b"", b"no", skl_status::SKL_ERR_INVALID_JSON, "the call options"),
        (b"t", b"", b"{\"limit\":{}}", skl_status::SKL_ERR_INVALID_CONFIG, "'limit'"),
        (b"t", b"", b"", skl_status::SKL_ERR_TOOL_NOT_FOUND, "no tool 't'"),
    ];
    for (tool, args, options, status, needle) in rows {
        let (found, message) = call(tool, args, options);
        assert_eq!(found, *status, "{message}");
        assert!(message.contains(needle), "{message}");
    }
    unsafe { skl_engine_free(engine) };
}

#[test]
fn a_closed_engine_says_so() {
    let engine = engine("");
    unsafe {
        assert_eq!(skl_engine_close(engine, null_mut()), OK);
        assert_eq!(skl_engine_close(engine, null_mut()), OK);
        let mut out = null_mut();
        assert_eq!(skl_engine_skills(engine, &mut out, null_mut()), skl_status::SKL_ERR_CLOSED);
        skl_engine_free(engine);
    }
}

#[test]
fn a_handle_is_unusable_and_harmless_in_a_forked_child() {
    let engine = engine("");
    unsafe {
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            let mut out = null_mut();
            let mut error = null_mut();
            let skills = skl_engine_skills(engine, &mut out, &mut error);
            let close = skl_engine_close(engine, null_mut());
            skl_engine_free(engine);
            let is_right = skills == skl_status::SKL_ERR_FORKED
                && close == skl_status::SKL_ERR_FORKED
                && skl_error_status(error) == skl_status::SKL_ERR_FORKED;
            skl_error_free(error);
            libc::_exit(if is_right { 42 } else { 1 });
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        assert_eq!((libc::WIFEXITED(status), libc::WEXITSTATUS(status)), (true, 42));
        let mut out = null_mut();
        assert_eq!(skl_engine_skills(engine, &mut out, null_mut()), OK);
        skl_buffer_free(out);
        skl_engine_free(engine);
    }
}

#[test]
fn an_engine_serves_many_threads() {
    let engine = engine("") as usize;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(move || {
                let engine = engine as *mut skl_engine;
                for _ in 0..200 {
                    let mut out = null_mut();
                    let (dialect, len) = bytes("openai");
                    assert_eq!(unsafe { skl_engine_tools(engine, dialect, len, &mut out, null_mut()) }, OK);
                    unsafe { skl_buffer_free(out) };
                }
            });
        }
    });
    unsafe { skl_engine_free(engine as *mut skl_engine) };
}

#[test]
fn a_stream_is_put_together() {
    let start = |dialect: &str| {
        let ((name, len), mut stream, mut error) = (bytes(dialect), null_mut(), null_mut());
        match unsafe { skl_stream_new(name, len, &mut stream, &mut error) } {
            OK => Ok(stream),
            _ => Err(told(error)),
        }
    };
    let feed = |stream: *mut skl_stream, data: &[u8]| {
        let mut error = null_mut();
        match unsafe { skl_stream_feed(stream, data.as_ptr().cast(), data.len(), &mut error) } {
            OK => Ok(()),
            _ => Err(told(error)),
        }
    };
    let response = |stream: *mut skl_stream| {
        let (mut out, mut error) = (null_mut(), null_mut());
        match unsafe { skl_stream_response(stream, &mut out, &mut error) } {
            OK => unsafe {
                let text = CStr::from_ptr(skl_buffer_data(out)).to_str().unwrap().to_owned();
                skl_buffer_free(out);
                Ok(text)
            },
            _ => Err(told(error)),
        }
    };
    assert_eq!(start("klingon").unwrap_err().0, skl_status::SKL_ERR_UNKNOWN_DIALECT);
    let stream = start("anthropic").unwrap();
    assert_eq!(response(stream).unwrap_err().0, skl_status::SKL_ERR_INVALID_RESPONSE);
    // A character cut in two, and a NUL byte in what is no event.
    for data in
        [&b"data: {\"type\":\"message_start\",\"message\":{\"id\":\"\xc3"[..], b"\xa9\"}}\r", b"\n\r\n:\0\n", b""]
    {
        assert_eq!(feed(stream, data), Ok(()));
    }
    assert!(!unsafe { skl_stream_is_complete(stream) });
    assert_eq!(feed(stream, b"data: {\"type\":\"message_stop\"}\n\n"), Ok(()));
    assert!(unsafe { skl_stream_is_complete(stream) });
    let want = r#"{"type":"message","role":"assistant","id":"é","content":[]}"#;
    assert_eq!(response(stream).as_deref(), Ok(want));
    assert_eq!(response(stream).as_deref(), Ok(want));
    let fault = feed(stream, b"data: no\n\n").unwrap_err();
    assert_eq!(fault.0, skl_status::SKL_ERR_INVALID_RESPONSE);
    assert_eq!(response(stream).unwrap_err(), fault);
    assert!(!unsafe { skl_stream_is_complete(stream) });
    unsafe { skl_stream_free(stream) };
}
