//! Reading a skill's files after it was loaded: by a path that came from an LLM, so trusted in nothing.
//!
//! A path is first checked as text, then looked up among the files that were loaded, then opened beneath the skill's folder, and the
//! bytes must still be the ones that were loaded.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::beneath::{OpenError, OpenFile, Root, hex};
use super::files::SkillFile;
use super::load::is_skill_md;
use super::manifest::quoted;
use super::pins::Difference;
use super::{MAX_HASHED_BYTES, Skill};
use crate::error::{Error, Result, Status};

/// Files that an error message names.
const NAMED_FILES: usize = 8;

impl Skill {
    /// The skill's files without SKILL.md itself: `references/`, `assets/`, `scripts/` and whatever else is there.
    pub fn resources(&self) -> Vec<&SkillFile> {
        self.files.iter().filter(|file| !is_skill_md(file.path_text())).collect()
    }

    /// The skill's own SKILL.md among `files`, relative to the skill's folder.
    pub fn skill_md(&self) -> &Path {
        const USUAL: &str = "SKILL.md";
        let other = || self.files.iter().find(|file| is_skill_md(file.path_text()));
        let found = find(&self.files, USUAL).or_else(other);
        found.map_or(Path::new(USUAL), |file| &file.path)
    }

    /// The bytes of one of `files`, as loaded. `path` is relative to the skill's folder, `/`-separated.
    ///
    /// Errors: `PathEscape` (`..`, absolute, backslash, percent-encoded, NUL, a link that leaves), `ResourceNotFound`,
    /// `ResourceTooLarge` (more than `max_bytes`, or never hashed), `SkillChanged`, `Io`.
    pub fn read_resource(&self, path: &str, max_bytes: u64) -> Result<Vec<u8>> {
        let (file, mut open) = self.open_pinned(path, max_bytes)?;
        let bytes = open.read(file.size).map_err(|error| self.io(path, &error))?;
        if bytes.len() as u64 != file.size || hex(&Sha256::digest(&bytes)) != file.sha256 {
            return Err(self.changed(path, "has other content"));
        }
        Ok(bytes)
    }

    /// The one of `files` that a path means. Errors: `PathEscape`, `ResourceNotFound`, as [`Skill::read_resource`].
    pub fn file(&self, path: &str) -> Result<&SkillFile> {
        Ok(self.listed(path)?.1)
    }

    /// At most the first `max_bytes` of one of `files`, as they are on disk now: they are not compared with what was loaded, for which
    /// all of the file would have to be read. Good for guessing what a file is; what is used of it comes from
    /// [`Skill::read_resource`], or after [`Skill::verify_all`].
    ///
    /// Errors: `PathEscape`, `ResourceNotFound`, `SkillChanged` (it is gone, or no regular file any more), `Io`.
    pub fn read_head(&self, path: &str, max_bytes: usize) -> Result<Vec<u8>> {
        let (normal, _) = self.listed(path)?;
        let mut open = self.open(path, &normal)?;
        let mut bytes = open.read(max_bytes as u64).map_err(|error| self.io(path, &error))?;
        bytes.truncate(max_bytes);
        Ok(bytes)
    }

    /// Whether the skill's folder still holds what was loaded: all of `files` with their content and permission to execute, links
    /// that lead where they led, and no other file, link or folder besides `.git`, `node_modules` and `__pycache__`.
    ///
    /// Meant to be called before every run: files and folders whose inode, size, times and mode are those of the last time are
    /// not read again (1 to 2 µs each), others are, and remembered where they turn out to be the same. Times that are younger
    /// than 50 ms (3 s where they come in whole seconds) when a file is read count for nothing. Not noticed: content changed
    /// through a writable mapping that was made before, for which the kernel moves no time. Files that were not hashed, and what
    /// could not be read or was too deep, are compared by inode, size, times and mode alone, and so is a folder in which [`MAX_FILES`](super::MAX_FILES) ended the
    /// listing; what lies beyond is not compared. Threads may call it at once.
    ///
    /// Errors: `SkillChanged` naming the file, `Io`.
    pub fn verify_all(&self) -> Result<()> {
        self.pins.verify(&self.root_folder()?, &self.files).map_err(|difference| match difference {
            Difference::Changed(path, how) => self.changed(&path, how),
            Difference::Io(path, error) => self.io(&path, &error),
        })
    }

    pub(super) fn open_pinned(&self, path: &str, max_bytes: u64) -> Result<(&SkillFile, OpenFile)> {
        let (normal, file) = self.listed(path)?;
        if file.size > max_bytes {
            let message = format!(
                "{} of skill {} has {} bytes, more than the bound of {max_bytes}; raise the bound or read another file",
                quoted(path),
                quoted(&self.name),
                file.size
            );
            return Err(Error::new(Status::ResourceTooLarge, message));
        }
        if file.sha256.is_empty() {
            let message = format!(
                "{} of skill {} is beyond the {} MiB that are hashed of one skill; move large data out of the skill",
                quoted(path),
                quoted(&self.name),
                MAX_HASHED_BYTES >> 20
            );
            return Err(Error::new(Status::ResourceTooLarge, message));
        }
        Ok((file, self.open(path, &normal)?))
    }

    /// The path as it is listed, and the file.
    fn listed(&self, path: &str) -> Result<(String, &SkillFile)> {
        let normal = normalize(path).map_err(|reason| {
            Error::new(
                Status::PathEscape,
                format!("path {} {}; give a path inside skill {}", quoted(path), reason.text(), quoted(&self.name)),
            )
        })?;
        let file = find(&self.files, &normal).ok_or_else(|| self.not_found(path))?;
        Ok((normal, file))
    }

    fn open(&self, path: &str, normal: &str) -> Result<OpenFile> {
        self.root_folder()?.open_file(normal).map_err(|error| match error {
            OpenError::Missing => self.changed(path, "is gone"),
            OpenError::WrongKind => self.changed(path, "is no regular file any more"),
            OpenError::Escapes => {
                let message =
                    format!("{} of skill {} is now a link that leaves the skill", quoted(path), quoted(&self.name));
                Error::new(Status::PathEscape, message)
            }
            OpenError::Io(error) => self.io(path, &error),
        })
    }

    fn root_folder(&self) -> Result<Root> {
        Root::open(&self.root).map_err(|error| {
            let message =
                format!("the folder of skill {} is gone ({error}); load the folder again", quoted(&self.name));
            Error::new(Status::SkillChanged, message)
        })
    }

    fn not_found(&self, path: &str) -> Error {
        let resources = self.resources();
        let mut named: Vec<String> = resources.iter().take(NAMED_FILES).map(|file| quoted(file.path_text())).collect();
        if resources.len() > NAMED_FILES {
            named.push(format!("and {} more", resources.len() - NAMED_FILES));
        }
        let has = if named.is_empty() { "it has none".to_string() } else { format!("it has {}", named.join(", ")) };
        let message = format!("skill {} has no resource {}; {has}", quoted(&self.name), quoted(path));
        Error::new(Status::ResourceNotFound, message)
    }

    pub(super) fn changed(&self, path: &str, how: &str) -> Error {
        let (path, name) = (quoted(path), quoted(&self.name));
        let message = format!("{path} of skill {name} {how} since the skill was loaded; load the folder again");
        Error::new(Status::SkillChanged, message)
    }

    pub(super) fn io(&self, path: &str, error: &std::io::Error) -> Error {
        Error::new(Status::Io, format!("{} of skill {} cannot be read: {error}", quoted(path), quoted(&self.name)))
    }
}

/// Why a path is refused as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Absolute,
    Parent,
    Backslash,
    Nul,
    Encoded,
}

impl Refused {
    pub fn text(self) -> &'static str {
        match self {
            Self::Absolute => "is absolute",
            Self::Parent => "contains `..`",
            Self::Backslash => "contains a backslash",
            Self::Nul => "contains a NUL byte",
            Self::Encoded => "hides one of these behind percent signs",
        }
    }
}

/// The path without `.` and doubled slashes, or why it is refused. Percent signs are text, unless decoding them would make a path
/// that is refused: some layer above or below may decode.
pub(super) fn normalize(path: &str) -> Result<String, Refused> {
    let normal = refuse(path)?;
    let mut decoded = path.as_bytes().to_vec();
    for _ in 0..4 {
        let next = percent_decoded(&decoded);
        if next == decoded {
            break;
        }
        refuse(&String::from_utf8_lossy(&next)).map_err(|_| Refused::Encoded)?;
        decoded = next;
    }
    Ok(normal)
}

fn refuse(path: &str) -> Result<String, Refused> {
    if path.contains('\0') {
        return Err(Refused::Nul);
    }
    if path.contains('\\') {
        return Err(Refused::Backslash);
    }
    let mut start = path.chars();
    let is_drive = start.next().is_some_and(|c| c.is_ascii_alphabetic()) && start.as_str().starts_with(":/");
    if path.starts_with('/') || is_drive {
        return Err(Refused::Absolute);
    }
    let mut components = Vec::new();
    for component in path.split('/') {
        match component.trim() {
            ".." => return Err(Refused::Parent),
            "" | "." => {}
            _ => components.push(component),
        }
    }
    Ok(components.join("/"))
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high << 4 | low);
                    rest = after;
                }
                _ => decoded.push(b'%'),
            },
            _ => decoded.push(*first),
        }
    }
    decoded
}

/// The file of this path among sorted ones.
pub(super) fn find<'f>(files: &'f [SkillFile], path: &str) -> Option<&'f SkillFile> {
    let at = files.binary_search_by(|file| file.path_text().cmp(path)).ok()?;
    files.get(at).filter(|file| file.path == Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::{Refused, normalize};

    #[test]
    fn refuses_every_spelling_of_leaving() {
        let cases: &[(&str, Result<&str, Refused>)] = &[
            ("references/a.md", Ok("references/a.md")),
            ("./references//a.md", Ok("references/a.md")),
            ("100%.md", Ok("100%.md")),
            ("a%20b.md", Ok("a%20b.md")),
            ("..a/b..", Ok("..a/b..")),
            ("", Ok("")),
            ("..", Err(Refused::Parent)),
            ("a/../b", Err(Refused::Parent)),
            ("a/.. /b", Err(Refused::Parent)),
            ("/etc/passwd", Err(Refused::Absolute)),
            ("//etc/passwd", Err(Refused::Absolute)),
            ("C:/windows", Err(Refused::Absolute)),
            ("..\\..\\windows", Err(Refused::Backslash)),
            ("ok\0.md", Err(Refused::Nul)),
            ("%2e%2e%2fetc", Err(Refused::Encoded)),
            ("a/%2E%2e/b", Err(Refused::Encoded)),
            ("%252e%252e/x", Err(Refused::Encoded)),
            ("%2fetc", Err(Refused::Encoded)),
            ("ok%00.md", Err(Refused::Encoded)),
            ("a%5c..%5cb", Err(Refused::Encoded)),
        ];
        for (path, expected) in cases {
            assert_eq!(normalize(path).as_deref(), expected.as_ref().map(|path| *path), "{path:?}");
        }
    }
}
