//! Which files of a skill are scanned: scripts of the languages that are run, in whatever folder they are, as they were loaded.

use std::time::{Duration, Instant};

use super::report::{Draft, Report};
use super::scanner::Scanner;
use crate::error::{Result, Status};
use crate::runtime::Language;
use crate::schema::infer::SOURCE_BYTES;
use crate::skill::{Skill, SkillFile};

/// The most bytes of sources that are scanned of one skill.
const SKILL_BYTES: usize = 16 << 20;
/// The most time that the sources of one skill take.
const SKILL_TIME: Duration = Duration::from_secs(10);
/// How much of a file says its language.
const HEAD_BYTES: usize = 512;

pub(super) fn scan(scanner: &Scanner, skill: &Skill) -> Result<Report> {
    let declares_network = skill.manifest.network.as_ref().is_some_and(|network| network.enabled);
    let deadline = Instant::now() + SKILL_TIME;
    let mut draft = Draft::default();
    let mut left = SKILL_BYTES;
    for file in &skill.files {
        let Some(path) = file.path.to_str() else { continue };
        let (language, source) = match content(skill, file, path)? {
            Content::Source(language, source) => (language, source),
            Content::Unread(reason) => {
                draft.skip(path, reason);
                continue;
            }
            Content::Data => continue,
        };
        if source.len() > left {
            draft.skip(path, format!("beyond the {SKILL_BYTES} bytes of sources that are scanned of one skill"));
            continue;
        }
        left -= source.len();
        if Instant::now() > deadline {
            draft.skip(path, format!("beyond the {} s that the scan of one skill takes", SKILL_TIME.as_secs()));
            continue;
        }
        let judged = scanner.judge(language, &source, path, declares_network, deadline)?;
        draft.add(judged.findings, judged.omitted);
        match judged.is_cut {
            true => draft.skip(path, "too tangled to be read to its end"),
            false => draft.files_scanned += 1,
        }
    }
    Ok(draft.finish())
}

/// What a file is to a scan.
enum Content {
    Source(Language, Vec<u8>),
    /// It may run, and cannot be read.
    Unread(String),
    Data,
}

fn content(skill: &Skill, file: &SkillFile, path: &str) -> Result<Content> {
    let (bytes, head) = if file.size <= SOURCE_BYTES as u64 {
        match skill.read_resource(path, file.size) {
            Ok(bytes) => (Some(bytes), None),
            // Beyond the bytes that are hashed of one skill.
            Err(error) if error.status == Status::ResourceTooLarge => (None, Some(skill.read_head(path, HEAD_BYTES)?)),
            Err(error) => return Err(error),
        }
    } else {
        (None, Some(skill.read_head(path, HEAD_BYTES)?))
    };
    let head = head.as_deref().or(bytes.as_deref()).unwrap_or_default();
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    if head.starts_with(b"\0asm") {
        return Ok(Content::Unread("machine code: WebAssembly".to_owned()));
    }
    if file.path.extension().is_some_and(|ending| ending == "pyc") {
        return Ok(Content::Unread("byte code of Python".to_owned()));
    }
    Ok(match (Language::of_file(&file.path, head), bytes) {
        (None, _) => Content::Data,
        (Some(Language::Native), _) => Content::Unread("machine code".to_owned()),
        (Some(language), Some(source)) => Content::Source(language, source),
        (Some(_), None) => Content::Unread(format!("larger than the {SOURCE_BYTES} bytes of a source that are read")),
    })
}
