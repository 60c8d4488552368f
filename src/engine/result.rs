//! The result document of a call, made from what came out of its run. The document is described in
//! `docs/api-conventions.md`; fields are added to it and never change their meaning.

use std::os::fd::AsFd;
use std::time::Duration;

use serde_json::{Value, json};

use super::inputs::Fingerprints;
use super::network::Way;
use super::outputs::Listing;
use crate::error::{Error, Result, Status};
use crate::sandbox::{Captured, End, Isolation, Layer, Obstacle, Outcome, Report, Stop, Tier, Usage, WorkDirectory};

/// What a result says about its call, known before the start.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// The tool's name.
    pub(super) tool: String,
    /// Its skill's name.
    pub(super) skill: String,
    /// The host's or the LLM's name for the call.
    pub(super) call_id: String,
    /// Its way out.
    pub(super) network: Way,
    /// What its skill needs installed.
    pub(super) dependencies: Value,
    /// What was put into the work directory.
    pub(super) inputs: Fingerprints,
    /// The work directory's bound, which is also the bound of what is hashed.
    pub(super) disk_bytes: u64,
}

/// The document for a run, and the work directory, if there is one to read from.
pub(super) fn render(subject: &Subject, outcome: Result<Outcome>) -> (Value, Option<WorkDirectory>) {
    match outcome {
        Ok(outcome) => ran(subject, outcome),
        Err(error) => (failed(subject, &error), None),
    }
}

fn ran(subject: &Subject, outcome: Outcome) -> (Value, Option<WorkDirectory>) {
    let Outcome { end, stop, stdout, stderr, usage, isolation, work } = outcome;
    let listing = work.as_ref().map(|work| Listing::of(work.as_fd(), &subject.inputs, subject.disk_bytes));
    let listing = listing.unwrap_or_default();
    let are_files_truncated = listing.is_truncated;
    let (files, skipped_files) = listing.into_json();
    let (status, mut limit) = status_of(stop);
    if limit.is_none() && (stdout.is_truncated || stderr.is_truncated) {
        limit = Some("output");
    }
    let (exit_code, signal) = match end {
        End::Exited(code) => (Some(code), None),
        End::Signaled(signal) => (None, Some(signal)),
    };
    let is_truncated = [stdout.is_truncated, stderr.is_truncated, are_files_truncated];
    let total_bytes = [stdout.total_bytes, stderr.total_bytes];
    let (text, is_text_lossy) = text_of(stdout);
    let (stderr, is_stderr_lossy) = text_of(stderr);
    let told = Told {
        status,
        exit_code,
        signal,
        output: if is_truncated[0] || is_text_lossy { Value::Null } else { whole_json(&text) },
        text,
        stderr,
        is_truncated,
        is_lossy: [is_text_lossy, is_stderr_lossy],
        total_bytes,
        limit,
        files,
        skipped_files,
        usage,
        isolation: isolation_of(&isolation),
        error: Value::Null,
    };
    (document(subject, told), work)
}

/// The document for a run that could not be made.
fn failed(subject: &Subject, error: &Error) -> Value {
    let (status, limit) = match error.status {
        Status::IsolationUnavailable | Status::LimitUnenforceable | Status::PolicyWidened => ("denied", None),
        Status::Closed | Status::Cancelled => ("cancelled", None),
        // It waited for its turn longer than it may take in all.
        Status::WaitTimeout => ("timeout", Some("wall")),
        _ => ("error", None),
    };
    let error = json!({ "code": error.status as i32, "message": error.message });
    document(subject, Told { status, limit, error, ..Told::default() })
}

/// The document of a call that needed no process: `output` is the answer, `wall` the time that it took. Its exit code is 0,
/// so that whoever asks whether a call went well need not know which calls have a process.
pub(super) fn answered(subject: &Subject, output: Value, wall: Duration) -> Value {
    let text = output.to_string();
    let told = Told {
        status: "ok",
        exit_code: Some(0),
        total_bytes: [text.len() as u64, 0],
        output,
        text,
        usage: Usage { wall, ..Usage::default() },
        ..Told::default()
    };
    document(subject, told)
}

/// What differs from result to result; the default is that of a call without a run.
struct Told {
    status: &'static str,
    exit_code: Option<i32>,
    signal: Option<i32>,
    output: Value,
    text: String,
    stderr: String,
    /// Of stdout, stderr and the files.
    is_truncated: [bool; 3],
    /// Of stdout and stderr.
    is_lossy: [bool; 2],
    /// Of stdout and stderr.
    total_bytes: [u64; 2],
    limit: Option<&'static str>,
    files: Value,
    skipped_files: Value,
    usage: Usage,
    isolation: Value,
    error: Value,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            status: "error",
            exit_code: None,
            signal: None,
            output: Value::Null,
            text: String::new(),
            stderr: String::new(),
            is_truncated: [false; 3],
            is_lossy: [false; 2],
            total_bytes: [0; 2],
            limit: None,
            files: Value::Array(Vec::new()),
            skipped_files: Value::Array(Vec::new()),
            usage: Usage::default(),
            isolation: Value::Null,
            error: Value::Null,
        }
    }
}

/// Every result has these fields, in this order.
fn document(subject: &Subject, told: Told) -> Value {
    let [is_stdout_cut, is_stderr_cut, are_files_cut] = told.is_truncated;
    let [is_stdout_lossy, is_stderr_lossy] = told.is_lossy;
    let [stdout_bytes, stderr_bytes] = told.total_bytes;
    // Not by `json!`, which copies every value; a result may hold megabytes.
    object([
        ("status", told.status.into()),
        ("exit_code", told.exit_code.into()),
        ("signal", told.signal.into()),
        ("output", told.output),
        ("text", told.text.into()),
        ("stderr", told.stderr.into()),
        ("truncated", json!({ "stdout": is_stdout_cut, "stderr": is_stderr_cut, "files": are_files_cut })),
        ("lossy", json!({ "stdout": is_stdout_lossy, "stderr": is_stderr_lossy })),
        ("total_bytes", json!({ "stdout": stdout_bytes, "stderr": stderr_bytes })),
        ("limit", told.limit.into()),
        ("files", told.files),
        ("skipped_files", told.skipped_files),
        ("usage", usage_of(&told.usage)),
        ("isolation", told.isolation),
        ("network", subject.network.report()),
        ("dependencies", subject.dependencies.clone()),
        ("error", told.error),
        ("tool", subject.tool.as_str().into()),
        ("skill", subject.skill.as_str().into()),
        ("call_id", subject.call_id.as_str().into()),
    ])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn status_of(stop: Option<Stop>) -> (&'static str, Option<&'static str>) {
    match stop {
        None => ("ok", None),
        Some(Stop::Wall) => ("timeout", Some("wall")),
        Some(Stop::Cancelled) => ("cancelled", None),
        Some(Stop::Cpu) => ("limit", Some("cpu")),
        Some(Stop::Memory) => ("limit", Some("memory")),
        Some(Stop::Pids) => ("limit", Some("pids")),
        Some(Stop::Disk) => ("limit", Some("disk")),
    }
}

/// The kept bytes as text, and whether some were no UTF-8 and had to be replaced.
fn text_of(captured: Captured) -> (String, bool) {
    match String::from_utf8(captured.bytes) {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    }
}

/// What the program printed, if that is exactly one JSON document.
fn whole_json(text: &str) -> Value {
    serde_json::from_str(text.trim()).unwrap_or(Value::Null)
}

fn usage_of(usage: &Usage) -> Value {
    let ms = |span: Duration| (span.as_secs_f64() * 1e6).round() / 1e3;
    json!({
        "wall_ms": ms(usage.wall),
        "cpu_ms": ms(usage.cpu),
        "peak_memory_bytes": usage.peak_memory_bytes,
        "sandbox_ms": ms(usage.setup),
    })
}

fn isolation_of(isolation: &Isolation) -> Value {
    object([("tier", isolation.tier.name().into()), ("layers", layers_of(&isolation.layers))])
}

fn layers_of(layers: &[Layer]) -> Value {
    layers
        .iter()
        .map(|layer| {
            let detail = layer.detail.as_str().into();
            object([("name", layer.name.into()), ("state", layer.state.name().into()), ("detail", detail)])
        })
        .collect()
}

/// The document of [`crate::sandbox::Sandbox::report`]: what this host can give and what stands in the way of more.
pub fn report(report: &Report) -> Value {
    let obstacle = |obstacle: &Obstacle| json!({ "tier": obstacle.tier.name(), "cause": obstacle.cause, "remedy": obstacle.remedy });
    let tiers: Vec<_> = Tier::ALL
        .iter()
        .map(|tier| json!({ "tier": tier.name(), "is_available": report.tier.is_some_and(|best| best >= *tier) }))
        .collect();
    json!({
        "tier": report.tier.map(Tier::name),
        "tiers": tiers,
        "layers": layers_of(&report.layers),
        "obstacles": report.obstacles.iter().map(obstacle).collect::<Vec<_>>(),
        "platform": format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
        "version": env!("CARGO_PKG_VERSION"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::LayerState;

    fn outcome(stdout: &[u8]) -> Outcome {
        let layer = Layer { name: "seccomp", state: LayerState::Partial, detail: "no x32".into() };
        Outcome {
            end: End::Exited(0),
            stop: None,
            stdout: Captured { bytes: stdout.to_vec(), total_bytes: stdout.len() as u64, is_truncated: false },
            stderr: Captured::default(),
            usage: Usage { wall: Duration::from_micros(1234), ..Usage::default() },
            isolation: Isolation { tier: Tier::Namespaces, layers: vec![layer] },
            work: None,
        }
    }

    fn subject() -> Subject {
        Subject { tool: "t".into(), skill: "s".into(), call_id: "c".into(), ..Subject::default() }
    }

    #[test]
    fn one_json_document_becomes_output_and_nothing_else_does() {
        let rows: &[(&[u8], Value)] = &[
            (b" {\"result\": 405}\n", json!({ "result": 405 })),
            (b"405", json!(405)),
            (b"null\n", Value::Null),
            (b"", Value::Null),
            (b"hello", Value::Null),
            (b"{} {}", Value::Null),
            (b"{\"a\":1}\nlog", Value::Null),
            (b"\"\xff\"", Value::Null),
        ];
        for (stdout, expected) in rows {
            let (document, _) = render(&subject(), Ok(outcome(stdout)));
            assert_eq!(document["output"], *expected, "{stdout:?}");
            assert_eq!(document["status"], "ok");
            assert_eq!(document["text"], String::from_utf8_lossy(stdout).as_ref());
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_owned_up_to() {
        let (document, _) = render(&subject(), Ok(outcome(b"a\xffb")));
        assert_eq!((&document["text"], &document["lossy"]["stdout"]), (&json!("a\u{fffd}b"), &json!(true)));
        assert_eq!(document["lossy"]["stderr"], false);
    }

    #[test]
    fn every_end_has_its_status() {
        let rows: &[(Option<Stop>, End, [Value; 4])] = &[
            (None, End::Exited(3), [json!("ok"), json!(3), Value::Null, Value::Null]),
            (None, End::Signaled(11), [json!("ok"), Value::Null, json!(11), Value::Null]),
            (Some(Stop::Wall), End::Signaled(9), [json!("timeout"), Value::Null, json!(9), json!("wall")]),
            (Some(Stop::Cancelled), End::Signaled(9), [json!("cancelled"), Value::Null, json!(9), Value::Null]),
            (Some(Stop::Cpu), End::Signaled(24), [json!("limit"), Value::Null, json!(24), json!("cpu")]),
            (Some(Stop::Memory), End::Signaled(9), [json!("limit"), Value::Null, json!(9), json!("memory")]),
            (Some(Stop::Pids), End::Exited(1), [json!("limit"), json!(1), Value::Null, json!("pids")]),
            (Some(Stop::Disk), End::Exited(1), [json!("limit"), json!(1), Value::Null, json!("disk")]),
        ];
        for (stop, end, expected) in rows {
            let (document, _) = render(&subject(), Ok(Outcome { end: *end, stop: *stop, ..outcome(b"") }));
            let found = ["status", "exit_code", "signal", "limit"].map(|key| document[key].clone());
            assert_eq!(found, *expected, "{stop:?}");
        }
    }

    #[test]
    fn dropped_output_is_named_as_the_limit_of_a_run_that_is_ok() {
        let mut cut = outcome(b"{}");
        cut.stdout.is_truncated = true;
        cut.stdout.total_bytes = 1 << 30;
        let (document, _) = render(&subject(), Ok(cut));
        assert_eq!((&document["status"], &document["limit"]), (&json!("ok"), &json!("output")));
        assert_eq!(document["output"], Value::Null);
        assert_eq!(document["total_bytes"]["stdout"], 1u64 << 30);
    }

    #[test]
    fn every_result_has_the_same_fields() {
        let (ran, _) = render(&subject(), Ok(outcome(b"")));
        let keys = |document: &Value| document.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        for (status, name) in [
            (Status::Spawn, "error"),
            (Status::IsolationUnavailable, "denied"),
            (Status::Closed, "cancelled"),
            (Status::Cancelled, "cancelled"),
            (Status::WaitTimeout, "timeout"),
        ] {
            let (document, _) = render(&subject(), Err(Error::new(status, "why")));
            assert_eq!(keys(&document), keys(&ran));
            assert_eq!(document["status"], name);
            assert_eq!(document["error"], json!({ "code": status as i32, "message": "why" }));
        }
        let answer = answered(&subject(), json!({ "a": "é" }), Duration::from_millis(2));
        assert_eq!(keys(&answer), keys(&ran));
        let found = ["status", "exit_code", "output", "text", "isolation"].map(|key| answer[key].clone());
        assert_eq!(found, [json!("ok"), json!(0), json!({"a": "é"}), json!("{\"a\":\"é\"}"), Value::Null]);
        assert_eq!((&answer["usage"]["wall_ms"], &answer["total_bytes"]["stdout"]), (&json!(2.0), &json!(10)));
        assert_eq!(ran["usage"]["wall_ms"], 1.234);
        let isolation =
            json!({"tier": "namespaces", "layers": [{"name": "seccomp", "state": "partial", "detail": "no x32"}]});
        assert_eq!(ran["isolation"], isolation);
        assert_eq!(ran["network"]["allowed"], false);
    }
}
