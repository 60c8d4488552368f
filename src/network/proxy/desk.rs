//! What the I/O thread has, and lends to one connection after the other.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use nix::sys::epoll::Epoll;

use super::duct::Ducts;
use super::mailbox::Mailbox;
use super::resolve::Pool;

/// Tokens in the epoll are `id * 4` and one of these.
pub const LISTENER: u64 = 1;
pub const CLIENT: u64 = 2;
pub const UPSTREAM: u64 = 3;

/// What the I/O thread lends to a connection.
pub struct Desk<'a> {
    pub epoll: &'a Rc<Epoll>,
    pub pool: &'a Pool,
    pub mailbox: &'a Arc<Mailbox>,
    pub ducts: &'a Ducts,
    /// For one read.
    pub scratch: &'a mut [u8],
    /// For what is made of it.
    pub spare: &'a mut Vec<u8>,
    pub now: Instant,
}
