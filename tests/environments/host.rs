//! A host over the C API with a folder of skills, a cache and an index.

use std::ffi::{CStr, c_char};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

use serde_json::{Value, json};
use skilllite::capi::*;

pub type Failed = (skl_status, String);

/// A folder that other users can reach, as without namespaces they must.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder is made");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is opened");
    folder
}

/// Writes a skill: files by path, of which `SKILL.md` may be left out.
pub fn write_skill(root: &Path, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let skill = root.join(name);
    let plain = format!("---\nname: {name}\ndescription: Tries packages.\n---\n");
    for (path, content) in std::iter::once(&("SKILL.md", plain.as_str())).chain(files) {
        let path = skill.join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder is made");
        fs::write(path, content).expect("it is written");
    }
    skill
}

/// An engine's handle; freed at the end.
pub struct Engine(*mut skl_engine);

// SAFETY: a handle may be used by any thread.
unsafe impl Send for Engine {}
// SAFETY: concurrently too.
unsafe impl Sync for Engine {}

impl Engine {
    pub fn new(config: &Value) -> Engine {
        Self::try_new(config).unwrap_or_else(|error| panic!("{error:?}"))
    }

    pub fn try_new(config: &Value) -> Result<Engine, Failed> {
        let config = config.to_string();
        let (mut engine, mut error) = (null_mut(), null_mut());
        // SAFETY: live pointers and lengths.
        let status = unsafe { skl_engine_new(config.as_ptr().cast(), config.len(), &mut engine, &mut error) };
        outcome(status, error).map(|()| Engine(engine))
    }

    pub fn load(&self, folder: &Path) -> Value {
        self.give(skl_engine_load, folder.to_str().expect("it is UTF-8")).unwrap_or_else(|error| panic!("{error:?}"))
    }

    pub fn prepare(&self, skill: &str) -> Result<Value, Failed> {
        self.give(skl_engine_prepare, skill)
    }

    pub fn execute(&self, tool: &str) -> Result<Value, Failed> {
        self.execute_with(tool, &json!({}))
    }

    pub fn execute_with(&self, tool: &str, arguments: &Value) -> Result<Value, Failed> {
        let arguments = arguments.to_string();
        let (mut result, mut error) = (null_mut(), null_mut());
        let ((tool, tool_len), (args, args_len)) = (bytes(tool), bytes(&arguments));
        // SAFETY: live pointers and lengths.
        let status = unsafe {
            skl_engine_execute(self.0, tool, tool_len, args, args_len, std::ptr::null(), 0, &mut result, &mut error)
        };
        outcome(status, error).map(|()| document(result))
    }

    /// The answers to a model that calls `tool`.
    pub fn answer(&self, tool: &str) -> Result<Value, Failed> {
        let call = json!({ "id": "c", "type": "function", "function": { "name": tool, "arguments": "{}" } });
        let response = json!({ "choices": [{ "message": { "role": "assistant", "tool_calls": [call] } }] }).to_string();
        let (mut out, mut error) = (null_mut(), null_mut());
        let ((dialect, dialect_len), (response, response_len)) = (bytes("openai"), bytes(&response));
        let none = std::ptr::null();
        // SAFETY: live pointers and lengths.
        let status = unsafe {
            skl_engine_handle(self.0, dialect, dialect_len, response, response_len, none, 0, &mut out, &mut error)
        };
        outcome(status, error).map(|()| document(out))
    }

    pub fn close(&self) {
        // SAFETY: a live handle; no error is asked for.
        assert_eq!(unsafe { skl_engine_close(self.0, null_mut()) }, skl_status::SKL_OK);
    }

    fn give(&self, function: Function, text: &str) -> Result<Value, Failed> {
        let (mut out, mut error) = (null_mut(), null_mut());
        let (text, len) = bytes(text);
        // SAFETY: live pointers and lengths.
        let status = unsafe { function(self.0, text, len, &mut out, &mut error) };
        outcome(status, error).map(|()| document(out))
    }
}

type Function = unsafe extern "C" fn(
    *mut skl_engine,
    *const c_char,
    usize,
    *mut *mut skl_buffer,
    *mut *mut skl_error,
) -> skl_status;

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and nobody uses it any more.
        unsafe { skl_engine_free(self.0) }
    }
}

fn bytes(text: &str) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}

fn outcome(status: skl_status, error: *mut skl_error) -> Result<(), Failed> {
    if status == skl_status::SKL_OK {
        return Ok(());
    }
    // SAFETY: the function that gave the status set the error.
    let message = unsafe { CStr::from_ptr(skl_error_message(error)) }.to_str().expect("it is UTF-8").to_owned();
    // SAFETY: it is ours.
    unsafe { skl_error_free(error) };
    assert!(!message.contains('\n') && message.len() < 4000, "{message}");
    Err((status, message))
}

fn document(buffer: *mut skl_buffer) -> Value {
    // SAFETY: the buffer is ours, and lives until it is freed here.
    unsafe {
        let data = std::slice::from_raw_parts(skl_buffer_data(buffer).cast::<u8>(), skl_buffer_len(buffer));
        let document = serde_json::from_slice(data).expect("a document is JSON");
        skl_buffer_free(buffer);
        document
    }
}
