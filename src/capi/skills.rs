//! The skills of a `skl_engine`: loaded, read, taken out; and judged without one.

use std::ffi::c_char;
use std::path::Path;

use super::buffer::skl_buffer;
use super::engine::skl_engine;
use super::error::{skl_error, skl_status};
use super::handle::{Out, shared};
use super::panic::boundary;
use super::text::text;
use crate::engine;

/// Loads the skills of a folder and adds them to those that the engine has: the folder is a skill, or holds skills. Of
/// two skills with one name the first stays. A folder that was loaded before is read anew.
///
/// `dir` is a path, borrowed for the call. On SKL_OK the caller owns `*report`: `{"skills", "tools", "skipped",
/// "diagnostics"}`; a skill that cannot be used is skipped for a stated reason and is no failure.
/// Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_DIRECTORY, IO, FORKED, CLOSED. Threads: any; loads take turns, and
/// calls go on with what they had. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_load(
    engine: *mut skl_engine,
    dir: *const c_char,
    dir_len: usize,
    report: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let report = Out::new(report, "report")?;
            let engine = shared(engine, "engine")?;
            let dir = text(dir, dir_len, "dir")?;
            report.give(skl_buffer::of_document(&engine.engine.load(Path::new(dir))?));
            Ok(())
        })
    }
}

/// Reads every folder that was loaded anew, in the same order. What is unchanged stays as it is; a skill that is gone is
/// taken out; one whose name was taken may come into its own. A folder that cannot be read is an error, and then nothing
/// changes. Calls in flight go on with what they had.
///
/// On SKL_OK the caller owns `*report`: what `skl_engine_load()` gives, and the names "added", "changed", "removed".
/// Statuses: NULL_ARGUMENT, SKILL_DIRECTORY, FORKED, CLOSED. Threads: any; loads take turns. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_reload(
    engine: *mut skl_engine,
    report: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let report = Out::new(report, "report")?;
            report.give(skl_buffer::of_document(&shared(engine, "engine")?.engine.reload()?));
            Ok(())
        })
    }
}

/// Takes a skill and its tools out, until its folder is loaded again. Calls in flight go on.
///
/// Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND, FORKED, CLOSED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_remove(
    engine: *mut skl_engine,
    skill: *const c_char,
    skill_len: usize,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe { boundary(err, || shared(engine, "engine")?.engine.remove(text(skill, skill_len, "skill")?)) }
}

/// Gives the tools of a skill out and lets them be called, or no longer: a call of a tool of a disabled skill is
/// SKL_ERR_TOOL_NOT_FOUND, with a message that says so. Skills begin enabled; the choice outlives a reload.
///
/// Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND, FORKED, CLOSED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_enable(
    engine: *mut skl_engine,
    skill: *const c_char,
    skill_len: usize,
    is_enabled: bool,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe { boundary(err, || shared(engine, "engine")?.engine.enable(text(skill, skill_len, "skill")?, is_enabled)) }
}

/// Installs the packages that the scripts of a skill declare (PEP 723, requirements.txt, package.json, SKILL.md), each set
/// once below the config's "cache_dir", and blocks this thread until that is done, which "dependencies.limits" bounds. A call
/// installs nothing: without this it fails with SKL_ERR_NOT_PREPARED. Programs of the host (uv or pip, npm) do it in a
/// sandbox that reaches the configured index alone.
///
/// An empty `skill` means every enabled one. On SKL_OK the caller owns `*report` (docs/dependencies.md#report):
/// `{"environments"}`, for each its "state": "built", "ready" (it was there) or "host" (the config installs nothing); empty where
/// nothing is declared. `skl_engine_close()` from another thread ends it. Statuses: NULL_ARGUMENT, INVALID_UTF8,
/// SKILL_NOT_FOUND, BUILD_FAILED (with what the installer said), INVALID_DEPENDENCIES, INTERPRETER_NOT_FOUND, SKILL_CHANGED,
/// INVALID_CONFIG, IO, UNSUPPORTED (a build without the feature "dependencies"), ISOLATION_UNAVAILABLE, SUPERVISOR, RESOURCES,
/// QUEUE_FULL, FORKED, CLOSED. Threads: any; who wants the same packages waits for who began. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_prepare(
    engine: *mut skl_engine,
    skill: *const c_char,
    skill_len: usize,
    report: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let report = Out::new(report, "report")?;
            let engine = shared(engine, "engine")?;
            let skill = text(skill, skill_len, "skill")?;
            report.give(skl_buffer::of_document(&engine.engine.prepare(skill)?));
            Ok(())
        })
    }
}

/// The catalogue: a JSON array with one object for each skill, in load order, with at least "name", "description",
/// "root", "digest", "tools" (names) and "diagnostics".
///
/// On SKL_OK the caller owns `*out`. Statuses: NULL_ARGUMENT, FORKED, CLOSED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_skills(
    engine: *const skl_engine,
    out: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let engine = shared(engine, "engine")?;
            out.give(skl_buffer::of_document(&engine.engine.skills()?));
            Ok(())
        })
    }
}

/// The instructions of a skill: the Markdown text of its SKILL.md without the front matter.
///
/// On SKL_OK the caller owns `*out`, a text and no JSON. Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND,
/// FORKED, CLOSED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_instructions(
    engine: *const skl_engine,
    skill: *const c_char,
    skill_len: usize,
    out: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let engine = shared(engine, "engine")?;
            let skill = text(skill, skill_len, "skill")?;
            out.give(skl_buffer::of_bytes(engine.engine.instructions(skill)?.into_bytes()));
            Ok(())
        })
    }
}

/// The files of a skill other than SKILL.md: a JSON array of `{"path", "size", "sha256", "is_executable"}`.
///
/// On SKL_OK the caller owns `*out`. Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND, FORKED, CLOSED.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_resources(
    engine: *const skl_engine,
    skill: *const c_char,
    skill_len: usize,
    out: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let engine = shared(engine, "engine")?;
            let skill = text(skill, skill_len, "skill")?;
            out.give(skl_buffer::of_document(&engine.engine.resources(skill)?));
            Ok(())
        })
    }
}

/// The content of one file of a skill, as it was when the skill was loaded. `path` is one of those that
/// `skl_engine_resources()` gives.
///
/// On SKL_OK the caller owns `*out`, at most `max_bytes` long; a larger file is an error, never cut.
/// Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND, RESOURCE_NOT_FOUND, RESOURCE_TOO_LARGE, PATH_ESCAPE,
/// SKILL_CHANGED, IO, FORKED, CLOSED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_read_resource(
    engine: *const skl_engine,
    skill: *const c_char,
    skill_len: usize,
    path: *const c_char,
    path_len: usize,
    max_bytes: u64,
    out: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let engine = shared(engine, "engine")?;
            let skill = text(skill, skill_len, "skill")?;
            let path = text(path, path_len, "path")?;
            out.give(skl_buffer::of_bytes(engine.engine.read_resource(skill, path, max_bytes)?));
            Ok(())
        })
    }
}

/// What a skill declares, its files with their digests, and its tools with their schemas: a JSON object.
///
/// On SKL_OK the caller owns `*out`. Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND, FORKED, CLOSED.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_manifest(
    engine: *const skl_engine,
    skill: *const c_char,
    skill_len: usize,
    out: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let engine = shared(engine, "engine")?;
            let skill = text(skill, skill_len, "skill")?;
            out.give(skl_buffer::of_document(&engine.engine.manifest(skill)?));
            Ok(())
        })
    }
}

/// A text for a system prompt that tells of the skills, within a budget: a Markdown section, or the `<available_skills>` of
/// the Agent Skills specification. Disabled skills are not in it; without a skill it is empty.
///
/// `options` is a JSON document (docs/disclosure.md#prompt-block), borrowed for the call: "form", "mode", "max_tokens" (a token
/// is taken for 4 bytes), "skills"; empty or NULL with length 0 means all skills, in Markdown, without a budget. On SKL_OK
/// the caller owns `*out`, a text and no JSON; the same skills and options give the same text. Statuses: NULL_ARGUMENT,
/// INVALID_UTF8, INVALID_JSON, INVALID_CONFIG (names the key), SKILL_NOT_FOUND, UNSUPPORTED (a build without the feature
/// "disclosure"), FORKED, CLOSED. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_prompt(
    engine: *const skl_engine,
    options: *const c_char,
    options_len: usize,
    out: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let out = Out::new(out, "out")?;
            let engine = shared(engine, "engine")?;
            let options = text(options, options_len, "options")?;
            out.give(skl_buffer::of_bytes(engine.engine.prompt(options)?.into_bytes()));
            Ok(())
        })
    }
}

/// What the sources of a skill look like they might do, by rules over their syntax: for a dialog that asks before anything runs,
/// or after a download. It is advice and never isolation: code can be written so that no rule sees it, and nothing is lowered
/// because of a good report (docs/scan.md). Of a skill that is loaded, disabled ones too, exactly what was loaded is read; the
/// first report on it is kept.
///
/// On SKL_OK the caller owns `*report`: `{"skill", "digest", "is_denied", "highest", "files_scanned", "findings", "omitted",
/// "skipped"}`; a finding has "rule", "severity", "file", "line", "column", "excerpt", "reason" and "remedy", the worst comes first.
/// "is_denied" says whether the config's "policy.scan" refuses calls of the skill (SCAN_DENIED). Statuses: NULL_ARGUMENT,
/// INVALID_UTF8, SKILL_NOT_FOUND, SKILL_CHANGED, IO, UNSUPPORTED (a build without the feature "scan"), FORKED, CLOSED.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_engine_scan(
    engine: *const skl_engine,
    skill: *const c_char,
    skill_len: usize,
    report: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let report = Out::new(report, "report")?;
            let engine = shared(engine, "engine")?;
            let skill = text(skill, skill_len, "skill")?;
            report.give(skl_buffer::of_document(&engine.engine.scan(skill)?));
            Ok(())
        })
    }
}

/// Judges the skill in a folder by the Agent Skills specification to the letter, which is stricter than loading it.
///
/// `dir` is a path, borrowed for the call. On SKL_OK the caller owns `*findings`: a JSON array of diagnostics
/// (docs/api-conventions.md#other-documents), of which those of severity "error" are violations; empty for a skill without fault.
/// Statuses: NULL_ARGUMENT, INVALID_UTF8. Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skl_skill_validate(
    dir: *const c_char,
    dir_len: usize,
    findings: *mut *mut skl_buffer,
    err: *mut *mut skl_error,
) -> skl_status {
    // SAFETY: the host's contract, for every pointer below.
    unsafe {
        boundary(err, || {
            let findings = Out::new(findings, "findings")?;
            let dir = text(dir, dir_len, "dir")?;
            findings.give(skl_buffer::of_document(&engine::validate(Path::new(dir))));
            Ok(())
        })
    }
}
