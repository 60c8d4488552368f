//! Reading a part of a skill's file, for readers that take little at a time.
//!
//! The whole file passes by, so that the part is of the file that was loaded and that what is text is the same for every
//! part of it; kept is the part alone.

use super::files::BUFFER_BYTES;
use super::{MAX_HASHED_BYTES, Skill};
use crate::error::Result;

/// The most bytes that a character has besides its first.
const TAIL_BYTES: u64 = 3;

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its bytes. Where the file is text they are whole characters.
    pub bytes: Vec<u8>,
    /// Where it begins in the file, in bytes: what was asked for, or a little before where that is inside a character.
    pub offset: u64,
    /// The length of the file, in bytes.
    pub size: u64,
    /// Whether all of the file is UTF-8 without NUL characters.
    pub is_text: bool,
}

impl Skill {
    /// At most `limit` bytes of one of `files`, from `offset` on, as loaded; of a file that is text at least one character,
    /// whatever its length. Beyond the file's end it is empty. `path` is as in [`Skill::read_resource`], and so are the
    /// errors; only a file that was never hashed is too large.
    pub fn read_part(&self, path: &str, offset: u64, limit: u64) -> Result<Part> {
        let (file, mut open) = self.open_pinned(path, MAX_HASHED_BYTES)?;
        let offset = offset.min(file.size);
        let (first, last) =
            (offset.saturating_sub(TAIL_BYTES), offset.saturating_add(limit).saturating_add(TAIL_BYTES).min(file.size));
        let mut kept = Vec::new();
        let mut text = TextJudge::default();
        let mut see = |start: u64, piece: &[u8]| {
            let at = |place: u64| usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX).min(piece.len());
            kept.extend_from_slice(piece.get(at(first)..at(last)).unwrap_or_default());
            text.see(piece);
        };
        let mut buffer = vec![0; BUFFER_BYTES];
        let hashed = open.hash_and_see(file.size, &mut buffer, &mut see).map_err(|error| self.io(path, &error))?;
        if hashed.is_none_or(|(digest, size)| size != file.size || digest != file.sha256) {
            return Err(self.changed(path, "has other content"));
        }
        let is_text = text.is_text();
        let index = |place: u64| usize::try_from(place.saturating_sub(first)).unwrap_or(usize::MAX).min(kept.len());
        let (mut start, mut end) = (index(offset), index(offset.saturating_add(limit)));
        if is_text {
            start = boundary_before(&kept, start);
            let whole = boundary_before(&kept, end);
            end = if whole > start { whole } else { boundary_after(&kept, start) };
        }
        let bytes = kept.get(start..end).unwrap_or_default().to_vec();
        Ok(Part { bytes, offset: first.saturating_add(start as u64), size: file.size, is_text })
    }
}

fn is_inside(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80)
}

fn boundary_before(bytes: &[u8], mut at: usize) -> usize {
    while at > 0 && is_inside(bytes, at) {
        at -= 1;
    }
    at
}

fn boundary_after(bytes: &[u8], at: usize) -> usize {
    let mut after = at.saturating_add(1);
    while is_inside(bytes, after) {
        after += 1;
    }
    after.min(bytes.len())
}

/// Judges pieces of a file one after another.
#[derive(Default)]
struct TextJudge {
    is_other: bool,
    /// The beginning of a character whose end is in the next piece.
    open: Vec<u8>,
}

impl TextJudge {
    fn see(&mut self, piece: &[u8]) {
        if self.is_other || piece.contains(&0) {
            self.is_other = true;
            return;
        }
        let joined;
        let text = if self.open.is_empty() {
            piece
        } else {
            joined = [self.open.as_slice(), piece].concat();
            joined.as_slice()
        };
        match std::str::from_utf8(text) {
            Ok(_) => self.open.clear(),
            Err(error) if error.error_len().is_none() => {
                self.open = text.get(error.valid_up_to()..).unwrap_or_default().to_vec();
            }
            Err(_) => self.is_other = true,
        }
    }

    fn is_text(&self) -> bool {
        !self.is_other && self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::error::Status;
    use crate::skill::load;

    fn skill(content: &[u8]) -> (tempfile::TempDir, Skill) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("SKILL.md"), "---\nname: s\ndescription: d\n---\n").unwrap();
        fs::write(dir.path().join("file"), content).unwrap();
        let skill = load(dir.path()).unwrap();
        (dir, skill)
    }

    #[test]
    fn parts_of_text_are_whole_characters() {
        let (_dir, skill) = skill("aé€🙂z".as_bytes());
        // offset, limit; where it begins, what it is.
        let rows = [
            (0, 100, 0, "aé€🙂z"),
            (0, 1, 0, "a"),
            (0, 2, 0, "a"),
            (1, 1, 1, "é"),
            (2, 1, 1, "é"),
            (3, 5, 3, "€"),
            (9, 1, 6, "🙂"),
            (10, 9, 10, "z"),
            (11, 9, 11, ""),
            (u64::MAX, u64::MAX, 11, ""),
        ];
        for (offset, limit, start, expected) in rows {
            let part = skill.read_part("file", offset, limit).unwrap();
            let found = (part.offset, String::from_utf8(part.bytes).unwrap());
            assert_eq!(found, (start, expected.to_owned()), "{offset} {limit}");
            assert!(part.is_text && part.size == 11);
        }
    }

    #[test]
    fn parts_in_a_row_are_the_file_across_pieces() {
        for unit in ["x", "€", "🙂"] {
            let content = format!("-{}", unit.repeat(BUFFER_BYTES));
            let (_dir, skill) = skill(content.as_bytes());
            let (mut read, mut offset) = (Vec::new(), 0);
            loop {
                let part = skill.read_part("file", offset, 50_001).unwrap();
                assert!(part.is_text);
                if part.bytes.is_empty() {
                    break;
                }
                offset = part.offset + part.bytes.len() as u64;
                read.extend(part.bytes);
            }
            assert!(read == content.as_bytes(), "{unit}");
        }
    }

    #[test]
    fn text_is_a_quality_of_the_whole_file() {
        for tail in [&b"\xff"[..], b"\0", b"\xe2\x82", b"\xe2\x82a"] {
            let mut content = vec![b'a'; 3 * BUFFER_BYTES];
            content.extend_from_slice(tail);
            let (_dir, skill) = skill(&content);
            let part = skill.read_part("file", 1, 2).unwrap();
            assert_eq!((part.bytes.as_slice(), part.offset, part.is_text), (&b"aa"[..], 1, false), "{tail:?}");
        }
        assert!(skill(b"").1.read_part("file", 0, 1).is_ok_and(|part| part.is_text && part.bytes.is_empty()));
    }

    #[test]
    fn a_part_of_another_content_is_refused() {
        let (dir, skill) = skill(b"12345");
        fs::write(dir.path().join("file"), "12346").unwrap();
        assert_eq!(skill.read_part("file", 0, 2).unwrap_err().status, Status::SkillChanged);
        assert_eq!(skill.read_part("../file", 0, 2).unwrap_err().status, Status::PathEscape);
    }
}
