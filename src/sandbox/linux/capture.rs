//! What is kept of an output stream: all of it, or its head and its tail.

use std::collections::VecDeque;

use crate::sandbox::Captured;

/// Collects a stream within a bound.
#[derive(Debug)]
pub struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_bytes: usize,
    tail_bytes: usize,
    total_bytes: u64,
}

impl Capture {
    /// Keeps at most `limit_bytes`, half of them from the start.
    pub fn new(limit_bytes: u64) -> Self {
        let limit = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
        let head_bytes = limit / 2;
        Self { head: Vec::new(), tail: VecDeque::new(), head_bytes, tail_bytes: limit - head_bytes, total_bytes: 0 }
    }

    /// Adds what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.total_bytes += bytes.len() as u64;
        let (head, rest) = bytes.split_at(bytes.len().min(self.head_bytes - self.head.len()));
        self.head.extend_from_slice(head);
        let rest = &rest[rest.len().saturating_sub(self.tail_bytes)..];
        let overflow = (self.tail.len() + rest.len()).saturating_sub(self.tail_bytes);
        self.tail.drain(..overflow);
        self.tail.extend(rest);
    }

    /// What was kept; between head and tail a line says how much was dropped.
    pub fn finish(self) -> Captured {
        let kept = (self.head.len() + self.tail.len()) as u64;
        let dropped = self.total_bytes - kept;
        let mut bytes = self.head;
        if dropped > 0 {
            bytes.extend_from_slice(format!("\n[... {dropped} bytes dropped ...]\n").as_bytes());
        }
        bytes.extend(self.tail);
        Captured { bytes, total_bytes: self.total_bytes, is_truncated: dropped > 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(limit: u64, chunks: &[&[u8]]) -> Captured {
        let mut capture = Capture::new(limit);
        chunks.iter().for_each(|chunk| capture.push(chunk));
        capture.finish()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        for chunks in [&[b"0123456789".as_slice()][..], &[b"01234", b"56789"], &[b"", b"0123456", b"789"]] {
            let kept = capture(10, chunks);
            assert_eq!(
                (kept.bytes.as_slice(), kept.total_bytes, kept.is_truncated),
                (b"0123456789".as_slice(), 10, false)
            );
        }
    }

    #[test]
    fn head_and_tail_survive_in_any_chunking() {
        let all: Vec<u8> = (0..1000u32).map(|i| b'a' + (i % 26) as u8).collect();
        for size in [1, 3, 7, 100, 999, 1000] {
            let kept = capture(20, &all.chunks(size).collect::<Vec<_>>());
            assert!(kept.is_truncated && kept.total_bytes == 1000);
            assert!(kept.bytes.starts_with(&all[..10]) && kept.bytes.ends_with(&all[990..]), "chunks of {size}");
            assert!(String::from_utf8_lossy(&kept.bytes).contains("[... 980 bytes dropped ...]"));
        }
    }
}
