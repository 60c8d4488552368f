//! One direction of a connection: what was read and could not be written yet, and how the direction ends.

use std::io;

use super::duct::{Duct, Ducts};
use super::socket::Socket;

/// Bytes after which a direction is a bulk transfer.
const BULK_BYTES: u64 = 1 << 20;

/// One direction. It holds one read at most: nothing more is read before that is written.
#[derive(Debug, Default)]
pub struct Pipe {
    pending: Vec<u8>,
    sent: usize,
    /// For a bulk transfer; either this or `pending` is empty.
    duct: Option<Duct>,
    moved_bytes: u64,
    /// No duct was to be had.
    is_copied: bool,
    /// Nothing more will come.
    pub is_ended: bool,
    /// The other side was told so.
    pub is_shut: bool,
}

impl Pipe {
    /// A direction on which `bytes` are the last.
    pub fn ending(bytes: &[u8]) -> Self {
        Self { pending: bytes.to_vec(), is_ended: true, ..Self::default() }
    }

    /// A direction that has ended.
    pub fn ended() -> Self {
        Self { is_ended: true, is_shut: true, ..Self::default() }
    }

    /// Whether something waits to be written.
    pub fn has_pending(&self) -> bool {
        self.sent < self.pending.len() || self.duct.as_ref().is_some_and(|duct| !duct.is_empty())
    }

    /// Takes up to `allowance` bytes, one at least, past this process where that is worth it and possible; only when
    /// nothing is pending. `None` when they are to be read.
    pub fn fill(&mut self, from: &Socket, allowance: u64, ducts: &Ducts) -> Option<Option<usize>> {
        if self.moved_bytes < BULK_BYTES || self.is_copied {
            return None;
        }
        self.duct = self.duct.take().or_else(|| ducts.open());
        match self.duct.as_mut().map(|duct| duct.fill(from, allowance)) {
            Some(Ok(count)) => Some(count),
            // A read tells what is wrong with the socket, if it is the socket.
            Some(Err(_)) | None => {
                self.duct = None;
                self.is_copied = true;
                None
            }
        }
    }

    /// Keeps `bytes` for later.
    pub fn keep(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Writes `bytes` and keeps what does not fit; only when nothing is pending.
    pub fn send(&mut self, bytes: &[u8], to: &Socket) -> io::Result<()> {
        let sent = if bytes.is_empty() { 0 } else { to.write(bytes)?.unwrap_or(0) };
        self.moved_bytes = self.moved_bytes.saturating_add(bytes.len() as u64);
        self.keep(bytes.get(sent..).unwrap_or_default());
        Ok(())
    }

    /// Writes what is pending, and the end after it. Returns whether nothing is pending any more.
    pub fn flush(&mut self, to: &Socket) -> io::Result<bool> {
        while let Some(rest) = self.pending.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match to.write(rest)? {
                Some(count) => self.sent += count,
                None => return Ok(false),
            }
        }
        self.pending.clear();
        self.sent = 0;
        if let Some(duct) = &mut self.duct
            && !duct.drain(to)?
        {
            return Ok(false);
        }
        if self.is_ended && !self.is_shut {
            self.is_shut = true;
            self.duct = None;
            to.end();
        }
        Ok(true)
    }

    /// Nobody takes what comes this way any more.
    pub fn give_up(&mut self) {
        self.pending = Vec::new();
        self.sent = 0;
        self.duct = None;
        self.is_ended = true;
        self.is_shut = true;
    }
}
