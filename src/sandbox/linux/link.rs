//! The connection to a running supervisor: set-up, requests, death.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair,
};
use nix::sys::wait::{Id, WaitPidFlag, waitid};

use super::groups::{self, Directories};
use super::host::Host;
use super::launch;
use crate::error::{Error, Result, Status};
use crate::sandbox::wire::{Event, Hello, MAGIC, Request, Setup};

/// How long a supervisor may take to set up.
const SETUP_PATIENCE: Duration = Duration::from_secs(20);
/// How long a supervisor may take to end.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// Guests of a root host get an id that nobody uses: one of 65 536 from here on, by the host's process id.
const FIRST_GUEST_ID: u32 = 2_000_000_000;
const NOBODY: u32 = 65_534;

/// A supervisor.
pub struct Link {
    socket: OwnedFd,
    process: OwnedFd,
    /// What it found.
    pub host: Host,
}

impl Link {
    /// Starts a supervisor, held to the Landlock tier if `skips_namespaces`.
    pub fn open(supervisor_path: Option<&Path>, skips_namespaces: bool) -> Result<Link> {
        let (ours, theirs) = status_pair()?;
        launch::launch(&theirs, supervisor_path)?;
        drop(theirs);
        let (directories, group_failure) = match groups::find() {
            Ok(directories) => (directories, None),
            Err(reason) => (Directories::default(), Some(reason)),
        };
        let guest_id = guest_id();
        let setup = Setup {
            magic: MAGIC,
            skip_namespaces: u32::from(skips_namespaces),
            cgroup_version: if skips_namespaces { 0 } else { directories.version },
            guest_id,
            host_pid: std::process::id(),
        };
        let mut message =
            words(&[setup.magic, setup.skip_namespaces, setup.cgroup_version, setup.guest_id, setup.host_pid]);
        for directory in [&directories.memory, &directories.pids, &directories.unified] {
            message.extend_from_slice(directory.as_os_str().as_encoded_bytes());
            message.push(0);
        }
        send(&ours, &message, &[])?;
        let (hello, process) = receive_hello(&ours)?;
        let group_failure = if skips_namespaces { Some("not asked for".into()) } else { group_failure };
        let host = Host::new(&hello, guest_id != 0, directories.version, group_failure);
        Ok(Link { socket: ours, process, host })
    }

    /// Sends a plan with its descriptors: plan, stdin, stdout, stderr, status.
    pub fn request(&self, plan_bytes: usize, descriptors: [BorrowedFd; 5]) -> Result<()> {
        let request = Request { magic: MAGIC, plan_bytes: plan_bytes as u32 };
        send(&self.socket, &words(&[request.magic, request.plan_bytes]), &descriptors.map(|fd| fd.as_raw_fd()))
    }

    /// Ends the supervisor and with it every run, without waiting.
    pub fn kill(&self) {
        send_signal(self.process.as_fd(), libc::SIGKILL);
    }

    /// The end of the control socket that becomes readable when the supervisor is gone.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Whether the supervisor is gone, as its socket tells.
    pub fn is_gone(&self) -> bool {
        is_readable(self.socket(), Duration::ZERO)
    }
}

impl Drop for Link {
    /// Lets go of the supervisor, which then ends, and waits until it has.
    fn drop(&mut self) {
        let _ = nix::sys::socket::shutdown(self.socket.as_raw_fd(), nix::sys::socket::Shutdown::Both);
        if !is_readable(self.process.as_fd(), END_PATIENCE) {
            self.kill();
            is_readable(self.process.as_fd(), END_PATIENCE);
        }
        // Where the host is a subreaper or process 1, the supervisor was its child in the end.
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::__WALL;
        let _ = waitid(Id::PIDFd(self.process.as_fd()), flags);
    }
}

fn lost() -> Error {
    Error::new(
        Status::Supervisor,
        "the supervisor ended while it was starting; check the memory and process limits of this host",
    )
}

/// A socket pair for records, closed at exec.
pub fn status_pair() -> Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).map_err(|error| {
        Error::new(Status::Resources, format!("no descriptors for a socket pair: {error}; raise RLIMIT_NOFILE"))
    })
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn send(socket: &OwnedFd, message: &[u8], descriptors: &[RawFd]) -> Result<()> {
    let rights = [ControlMessage::ScmRights(descriptors)];
    let control = if descriptors.is_empty() { &[][..] } else { &rights };
    loop {
        match sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(message)], control, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => return Ok(()),
            Err(nix::Error::EINTR) => {}
            Err(error) => return Err(Error::new(Status::Supervisor, format!("the supervisor is gone: {error}"))),
        }
    }
}

/// Receives one message without waiting: its bytes, and at most one descriptor. `None`: nothing there; empty: the end.
pub fn receive(socket: BorrowedFd, buffer: &mut [u8]) -> Option<(usize, Option<OwnedFd>)> {
    let mut control = nix::cmsg_space!([RawFd; 2]);
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    loop {
        let mut vectors = [IoSliceMut::new(buffer)];
        match recvmsg::<()>(socket.as_raw_fd(), &mut vectors, Some(&mut control), flags) {
            Ok(message) => {
                let mut received = None;
                for item in message.cmsgs().into_iter().flatten() {
                    if let ControlMessageOwned::ScmRights(descriptors) = item {
                        for descriptor in descriptors {
                            // SAFETY: the kernel just made this descriptor for us; nobody else owns it.
                            received = Some(unsafe { OwnedFd::from_raw_fd(descriptor) });
                        }
                    }
                }
                return Some((message.bytes, received));
            }
            // The peer ended with a cancellation unread. The kernel tells that once, before the messages it had sent.
            Err(nix::Error::EINTR | nix::Error::ECONNRESET) => {}
            Err(nix::Error::EAGAIN) => return None,
            Err(_) => return Some((0, None)),
        }
    }
}

fn receive_hello(socket: &OwnedFd) -> Result<(Hello, OwnedFd)> {
    if !is_readable(socket.as_fd(), SETUP_PATIENCE) {
        return Err(Error::new(Status::Supervisor, "the supervisor did not answer within 20 s"));
    }
    let mut buffer = [0u8; size_of::<Hello>()];
    let (bytes, process) = receive(socket.as_fd(), &mut buffer).ok_or_else(lost)?;
    let mut words = buffer.chunks_exact(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap_or_default()));
    let mut next = || words.next().unwrap_or_default();
    let hello = Hello {
        magic: next(),
        guest_id: next(),
        landlock_abi: next(),
        namespace_step: next(),
        namespace_errno: next(),
        cgroup_errno: next(),
        seccomp_errno: next(),
    };
    match process {
        Some(process) if hello.magic == MAGIC && bytes == size_of::<Hello>() => Ok((hello, process)),
        None if hello.magic == MAGIC => {
            Err(Error::new(Status::Resources, "no descriptor for the supervisor; raise RLIMIT_NOFILE"))
        }
        _ if bytes == 0 => Err(lost()),
        _ => Err(Error::new(
            Status::Supervisor,
            "the supervisor is of another build; remove \"supervisor_path\" or install the matching one",
        )),
    }
}

/// Parses an event of a run; `None` for anything else.
pub fn parse_event(bytes: &[u8]) -> Option<Event> {
    if bytes.len() != size_of::<Event>() {
        return None;
    }
    let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
    let long = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes);
    let event = Event {
        magic: word(0)?,
        kind: word(4)?,
        a: word(8)?,
        b: word(12)?,
        time_ns: long(16)?,
        cpu_us: long(24)?,
        peak_bytes: long(32)?,
        notes: long(40)?,
    };
    (event.magic == MAGIC).then_some(event)
}

/// Sends `signal` to the process behind a pidfd.
pub fn send_signal(process: BorrowedFd, signal: i32) {
    // SAFETY: no pointers but null.
    unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, std::ptr::null::<u8>(), 0);
    }
}

/// Waits until `descriptor` can be read or `patience` is over.
fn is_readable(descriptor: BorrowedFd, patience: Duration) -> bool {
    let end = std::time::Instant::now() + patience;
    loop {
        let rest = end.saturating_duration_since(std::time::Instant::now());
        let timeout = PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(descriptor, PollFlags::POLLIN)], timeout) {
            Ok(count) => return count > 0,
            Err(nix::Error::EINTR) => {}
            Err(_) => return false,
        }
    }
}

/// The id of guests where the host is root; 0 where it is an ordinary user, or root of a namespace with one id.
fn guest_id() -> u32 {
    if !nix::unistd::geteuid().is_root() {
        return 0;
    }
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let ranges: Vec<(u64, u64)> = map
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace().map(|field| field.parse::<u64>().unwrap_or(0));
            Some((fields.next()?, fields.nth(1)?))
        })
        .collect();
    let is_mapped =
        |id: u32| ranges.iter().any(|(first, count)| u64::from(id) >= *first && u64::from(id) - first < *count);
    let own = FIRST_GUEST_ID + (std::process::id() & 0xffff);
    [own, NOBODY].into_iter().find(|id| is_mapped(*id)).unwrap_or(0)
}
