//! The options document of one call, read into plain data. It can narrow the engine's policy, never widen it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::config::{WorkingDirectory, limits};
use super::document::{Section, excerpt, invalid, parse};
use super::environment;
use super::network::Narrowing;
use crate::error::{Result, Status};
use crate::sandbox::Limits;

const KEYS: &[&str] = &["limits", "env", "files", "stdin", "cwd", "fresh", "stream", "call_id", "network"];
const FILE_KEYS: &[&str] = &["base64", "text", "path"];

/// The longest `call_id`, in bytes.
const MAX_CALL_ID_BYTES: usize = 256;
/// The most files that can be put into a call.
const MAX_FILES: usize = 256;
/// The deepest path of such a file.
const MAX_DEPTH: usize = 16;
/// The longest part of such a path, in bytes; the kernel's own bound.
const MAX_NAME_BYTES: usize = 255;

/// Padding is accepted and not required: encoders differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A file to be put into the work directory before the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// With this content.
    Content(Vec<u8>),
    /// With the content of this file of the host, which must lie in the policy's `read_paths`.
    HostFile(PathBuf),
}

/// What a host may say about one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// Tighter bounds, by the keys of [`Limits::FIELDS`].
    pub limits: Vec<(String, u64)>,
    /// Further variables.
    pub environment: BTreeMap<String, String>,
    /// Files for the work directory: relative path, content.
    pub files: BTreeMap<PathBuf, Input>,
    /// Standard input, for tools that do not take their arguments from there.
    pub stdin: Option<String>,
    /// Whether the output can be read while the script runs.
    pub is_streamed: bool,
    /// Where the script starts; the engine's choice when absent.
    pub cwd: Option<WorkingDirectory>,
    /// Fewer hosts than the engine's policy allows.
    pub(super) network: Narrowing,
    /// The host's own name for the call, repeated in its result; at most 256 bytes.
    pub call_id: Option<String>,
}

impl CallOptions {
    /// The options of the document `text`; empty text is the empty document. Errors: [`Status::InvalidJson`], and
    /// [`Status::InvalidConfig`] with the name of the key.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let document = parse(text, "the call options", Status::InvalidConfig)?;
        let top = Section::open("", &document, KEYS)?;
        // Every run of this version has its own process and directory, so `fresh` is always honoured.
        top.boolean("fresh")?;
        Ok(Self {
            limits: limits(&top, Limits::FIELDS)?,
            environment: environment::read(&top, true)?,
            files: files(&top)?,
            stdin: top.text("stdin")?.map(str::to_owned),
            is_streamed: top.boolean("stream")?.unwrap_or_default(),
            cwd: top.choice("cwd", WorkingDirectory::NAMES, WorkingDirectory::from_name)?,
            network: Narrowing::read(&top)?,
            call_id: call_id(&top)?,
        })
    }
}

fn call_id(top: &Section<'_>) -> Result<Option<String>> {
    let Some(text) = top.text("call_id")? else { return Ok(None) };
    if text.is_empty() || text.len() > MAX_CALL_ID_BYTES {
        return Err(invalid(
            "call_id",
            format_args!("has {} bytes; it must have 1 to {MAX_CALL_ID_BYTES}", text.len()),
        ));
    }
    Ok(Some(text.to_owned()))
}

fn files(top: &Section<'_>) -> Result<BTreeMap<PathBuf, Input>> {
    let Some(section) = top.map("files")? else { return Ok(BTreeMap::new()) };
    let mut files = BTreeMap::new();
    for (name, value) in section.entries() {
        let key = section.key_name(&excerpt(name));
        let path = relative(name).ok_or_else(|| {
            invalid(
                &key,
                format_args!(
                    "must be a relative path without '..', at most {MAX_DEPTH} parts of {MAX_NAME_BYTES} bytes"
                ),
            )
        })?;
        if files.insert(path, input(&section, &key, name, value)?).is_some() {
            return Err(invalid(&key, "names the same file as another key"));
        }
    }
    if files.len() > MAX_FILES {
        return Err(invalid("files", format_args!("has {} files; at most {MAX_FILES}", files.len())));
    }
    let parent = files.keys().find(|path| path.ancestors().skip(1).any(|above| files.contains_key(above)));
    if let Some(path) = parent {
        return Err(invalid(&format!("files.{}", path.display()), "lies inside another file"));
    }
    Ok(files)
}

fn relative(name: &str) -> Option<PathBuf> {
    let is_plain = !name.is_empty()
        && !name.ends_with('/')
        && !name.contains('\0')
        && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
        && name.split('/').count() <= MAX_DEPTH
        && name.split('/').all(|part| part.len() <= MAX_NAME_BYTES);
    is_plain.then(|| Path::new(name).components().collect())
}

/// A string is base64; an object says what it holds.
fn input(section: &Section<'_>, key: &str, name: &str, value: &Value) -> Result<Input> {
    match value {
        Value::String(text) => decode(key, text),
        Value::Object(_) => {
            let file = Section::open(key, value, FILE_KEYS)?;
            match (file.get("base64"), file.get("text"), file.get("path")) {
                (Some(Value::String(text)), None, None) => decode(key, text),
                (None, Some(Value::String(text)), None) => Ok(Input::Content(text.clone().into_bytes())),
                (None, None, Some(_)) => Ok(Input::HostFile(file.path("path")?.unwrap_or_default())),
                _ => Err(invalid(key, "must hold exactly one of \"base64\", \"text\", \"path\", as a string")),
            }
        }
        other => section.as_text(&excerpt(name), other).and(Err(invalid(key, "must be a string or an object"))),
    }
}

fn decode(key: &str, text: &str) -> Result<Input> {
    match BASE64.decode(text) {
        Ok(bytes) => Ok(Input::Content(bytes)),
        Err(error) => Err(invalid(key, format_args!("is not base64: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_the_engines_choice() {
        for text in ["", "{}", r#"{"stream":false,"fresh":true,"env":{},"files":null}"#] {
            assert_eq!(CallOptions::parse(text).unwrap(), CallOptions::default(), "{text}");
        }
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"{"limits":{"wall_ms":10},"env":{"NODE_ENV":"test"},"stdin":"in","cwd":"skill","fresh":false,
            "call_id":"c1","files":{"a.txt":"aGk=","b/c.txt":{"text":"hö"},"d":{"path":"/data/d"},"e":{"base64":"aGk"}}}"#;
        let options = CallOptions::parse(text).unwrap();
        assert_eq!(options.limits, [("wall_ms".to_owned(), 10)]);
        assert_eq!(options.environment.len(), 1);
        assert_eq!(options.stdin.as_deref(), Some("in"));
        assert_eq!(options.cwd, Some(WorkingDirectory::Skill));
        assert_eq!(options.call_id.as_deref(), Some("c1"));
        assert_eq!(options.files[Path::new("a.txt")], Input::Content(b"hi".to_vec()));
        assert_eq!(options.files[Path::new("b/c.txt")], Input::Content("hö".into()));
        assert_eq!(options.files[Path::new("d")], Input::HostFile("/data/d".into()));
        assert_eq!(options.files[Path::new("e")], Input::Content(b"hi".to_vec()));
    }

    /// Each bad document gives its status and a message that names the key.
    #[test]
    fn bad_documents_are_named() {
        let many: Vec<_> = (0..300).map(|n| format!(r#""f{n}":"""#)).collect();
        let many = format!(r#"{{"files":{{{}}}}}"#, many.join(","));
        let deep = format!(r#"{{"files":{{"{}x":""}}}}"#, "d/".repeat(16));
        let long = format!(r#"{{"call_id":"{}"}}"#, "x".repeat(257));
        let rows: &[(&str, &[&str])] = &[
            ("[]", &["document"]),
            (r#"{"limit":{}}"#, &["'limit'", "limits, env"]),
            (r#"{"policy":{}}"#, &["'policy'"]),
            (r#"{"limits":{"wall":1}}"#, &["'limits.wall'", "wall_ms"]),
            (r#"{"limits":{"wall_ms":null,"pids":0}}"#, &["'limits.pids'", "between 1"]),
            (r#"{"fresh":1}"#, &["'fresh'"]),
            (r#"{"stream":1}"#, &["'stream'"]),
            (r#"{"stdin":{}}"#, &["'stdin'"]),
            (r#"{"cwd":"home"}"#, &["'cwd'", "work, skill"]),
            (r#"{"call_id":""}"#, &["'call_id'"]),
            (&long, &["'call_id'", "257"]),
            (r#"{"env":{"LD_PRELOAD":"x"}}"#, &["'env.LD_PRELOAD'", "policy.env"]),
            (r#"{"env":{"PYTHONPATH":"x"}}"#, &["'env.PYTHONPATH'"]),
            (r#"{"env":{"NODE_OPTIONS":"x"}}"#, &["'env.NODE_OPTIONS'"]),
            (r#"{"env":{"BASH_ENV":"x"}}"#, &["'env.BASH_ENV'"]),
            (r#"{"env":{"IFS":"x"}}"#, &["'env.IFS'"]),
            (r#"{"env":{"PATH":"/x"}}"#, &["'env.PATH'"]),
            (r#"{"env":{"BASH_FUNC_ls%%":"() { :; }"}}"#, &["'env.BASH_FUNC_ls%%'"]),
            (r#"{"files":[]}"#, &["'files'", "object"]),
            (r#"{"files":{"../x":""}}"#, &["'files.../x'", "relative"]),
            (r#"{"files":{"/x":""}}"#, &["'files./x'"]),
            (r#"{"files":{"":""}}"#, &["'files.'"]),
            (r#"{"files":{".":""}}"#, &["'files..'"]),
            (r#"{"files":{"x/":""}}"#, &["'files.x/'"]),
            (r#"{"files":{"a\u0000b":""}}"#, &["relative"]),
            (r#"{"files":{"a/b":"","a//b":""}}"#, &["'files.a//b'", "same file"]),
            (r#"{"files":{"a":"","a/b":""}}"#, &["'files.a/b'", "inside"]),
            (r#"{"files":{"a":"%%"}}"#, &["'files.a'", "base64"]),
            (r#"{"files":{"a":7}}"#, &["'files.a'", "a string"]),
            (r#"{"files":{"a":{}}}"#, &["'files.a'", "exactly one"]),
            (r#"{"files":{"a":{"text":"x","path":"/y"}}}"#, &["'files.a'", "exactly one"]),
            (r#"{"files":{"a":{"path":"y"}}}"#, &["'files.a.path'", "absolute"]),
            (r#"{"files":{"a":{"url":"y"}}}"#, &["'files.a.url'", "base64, text, path"]),
            (&many, &["'files'", "256"]),
            (&deep, &["relative", "16"]),
        ];
        for (text, needles) in rows {
            let error = CallOptions::parse(text).unwrap_err();
            assert_eq!(error.status, Status::InvalidConfig, "{error}");
            for needle in *needles {
                assert!(error.message.contains(needle), "'{needle}' is not in: {error}");
            }
        }
        assert_eq!(CallOptions::parse("{,}").unwrap_err().status, Status::InvalidJson);
    }
}
