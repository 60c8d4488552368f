//! One connected socket of the I/O thread: non-blocking, watched for what is wanted of it and nothing else.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::rc::Rc;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, accept4, connect, setsockopt, socket, sockopt,
};

/// A socket.
pub struct Socket {
    stream: TcpStream,
    epoll: Rc<Epoll>,
    token: u64,
    /// Empty: not in the epoll at all, which would otherwise report its end over and over.
    wanted: EpollFlags,
}

impl Socket {
    /// Makes a listening socket one whose connections [`Socket::accept`] takes: they inherit that nothing is held back.
    pub fn prepare(listener: &TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        Ok(setsockopt(listener, sockopt::TcpNoDelay, &true)?)
    }

    /// Takes the next connection of `listener`.
    pub fn accept(listener: &TcpListener, epoll: &Rc<Epoll>, token: u64) -> nix::Result<Self> {
        let accepted = accept4(listener.as_raw_fd(), SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC)?;
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
        let stream = TcpStream::from(unsafe { OwnedFd::from_raw_fd(accepted) });
        Ok(Self { stream, epoll: Rc::clone(epoll), token, wanted: EpollFlags::empty() })
    }

    /// Starts to connect; also tells whether that is done already.
    pub fn connect(address: IpAddr, port: u16, epoll: &Rc<Epoll>, token: u64) -> io::Result<(Self, bool)> {
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let stream = TcpStream::from(socket(family, SockType::Stream, flags, None)?);
        stream.set_nodelay(true)?;
        let to = SockaddrStorage::from(SocketAddr::new(address, port));
        // On loopback the connection is made by the time the kernel says that it is in progress; asking again costs less
        // than being woken for it. A connect that fails is told by the first or by the second, never by both.
        let is_connected = match connect(stream.as_raw_fd(), &to).or_else(|error| match error {
            Errno::EINPROGRESS => connect(stream.as_raw_fd(), &to),
            error => Err(error),
        }) {
            Ok(()) | Err(Errno::EISCONN) => true,
            Err(Errno::EALREADY | Errno::EINPROGRESS | Errno::EINTR) => false,
            Err(error) => return Err(error.into()),
        };
        Ok((Self { stream, epoll: Rc::clone(epoll), token, wanted: EpollFlags::empty() }, is_connected))
    }

    /// How a connect that was under way ended.
    pub fn connected(&self) -> io::Result<()> {
        match self.stream.take_error()? {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Watches it for reading and writing, as wanted.
    pub fn watch(&mut self, read: bool, write: bool) -> io::Result<()> {
        let mut wanted = EpollFlags::empty();
        wanted.set(EpollFlags::EPOLLIN, read);
        wanted.set(EpollFlags::EPOLLOUT, write);
        if wanted == self.wanted {
            return Ok(());
        }
        let mut event = EpollEvent::new(wanted, self.token);
        if wanted.is_empty() {
            self.epoll.delete(&self.stream)?;
        } else if self.wanted.is_empty() {
            self.epoll.add(&self.stream, event)?;
        } else {
            self.epoll.modify(&self.stream, &mut event)?;
        }
        self.wanted = wanted;
        Ok(())
    }

    /// Reads what is there; `None` when nothing is, 0 at the end.
    pub fn read(&self, into: &mut [u8]) -> io::Result<Option<usize>> {
        again(|| (&self.stream).read(into))
    }

    /// Writes what there is room for; `None` when there is none. It raises no SIGPIPE: the standard library sends with
    /// MSG_NOSIGNAL.
    pub fn write(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        again(|| (&self.stream).write(bytes))
    }

    /// Says that nothing more will be written.
    pub fn end(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Closes it so that the other side sees an error and does not take a part for the whole.
    pub fn abort(self) {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let _ = setsockopt(&self.stream, sockopt::Linger, &linger);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A child that the host has forked holds copies of its descriptors: closing ours would leave this one in the epoll.
        let _ = self.watch(false, false);
    }
}

fn again(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}
