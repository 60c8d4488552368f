//! What other threads tell the I/O thread.

use std::net::{IpAddr, TcpListener};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};

use super::session::Call;

/// One message.
pub enum Letter {
    /// Accept here for this call.
    Listen(Arc<Call>, TcpListener),
    /// Let go of everything of this call; the sender is dropped when that is done.
    Close(Arc<Call>, Sender<()>),
    /// What a connection's name resolves to, or why it does not.
    Resolved(u64, Result<Vec<IpAddr>, String>),
    /// Let go of everything and end.
    End,
}

/// Letters to one I/O thread. It outlives the thread: what is posted after that is dropped.
pub struct Mailbox {
    /// Readable when there is something to read.
    pub bell: EventFd,
    /// `None` when nobody reads any more.
    letters: Mutex<Option<Vec<Letter>>>,
}

impl Mailbox {
    pub fn new() -> nix::Result<Self> {
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { bell, letters: Mutex::new(Some(Vec::new())) })
    }

    fn letters(&self) -> MutexGuard<'_, Option<Vec<Letter>>> {
        // Letters come and go whole.
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody will read it.
    pub fn post(&self, letter: Letter) -> bool {
        let is_read = match self.letters().as_mut() {
            Some(letters) => {
                letters.push(letter);
                true
            }
            None => false,
        };
        let _ = self.bell.write(1);
        is_read
    }

    /// All letters so far.
    pub fn take(&self) -> Vec<Letter> {
        let _ = self.bell.read();
        self.letters().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Closes it if no letter is in it.
    pub fn close_if_empty(&self) -> bool {
        let mut letters = self.letters();
        let is_empty = letters.as_ref().is_none_or(Vec::is_empty);
        if is_empty {
            *letters = None;
        }
        is_empty
    }

    /// Closes it, whatever is in it.
    pub fn close(&self) {
        let letters = self.letters().take();
        drop(letters);
    }
}
