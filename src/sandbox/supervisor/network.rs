//! The network namespace of a run that may use the network: its loopback, and the listener that the library serves. There
//! is no other interface and no route, so what goes through that listener is all that leaves.

use crate::kernel::{Fd, close};
use crate::sys::{Sys, nr, syscall};

const AF_INET: usize = 2;
const SOCK_STREAM: usize = 1;
const SOCK_DGRAM: usize = 2;
const SOCK_CLOEXEC: usize = 0o2000000;
const SOCK_NONBLOCK: usize = 0o4000;
/// Connections that wait until the library accepts them.
const BACKLOG: usize = 256;

/// `struct ifreq` with flags. Source: linux/if.h.
#[repr(C)]
struct InterfaceFlags {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// `struct sockaddr_in`. Source: linux/in.h.
#[repr(C)]
struct Address {
    family: u16,
    port: u16,
    address: [u8; 4],
    rest: [u8; 8],
}

// SAFETY (all calls below): pointers lead to live locals of the size that the kernel is told or knows.

/// Brings `lo` up; the kernel gives it 127.0.0.1 and ::1.
pub fn bring_up_loopback() -> Sys<()> {
    const SIOCSIFFLAGS: usize = 0x8914;
    const UP: u16 = 1;
    let mut request = InterfaceFlags { name: [0; 16], flags: UP, rest: [0; 22] };
    request.name[..2].copy_from_slice(b"lo");
    let socket = unsafe { syscall!(nr::SOCKET, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) }? as Fd;
    let done = unsafe { syscall!(nr::IOCTL, socket, SIOCSIFFLAGS, &raw const request) };
    close(socket);
    done.map(drop)
}

/// A socket that listens at `port` of 127.0.0.1.
pub fn listen(port: u16) -> Sys<Fd> {
    let address = Address { family: AF_INET as u16, port: port.to_be(), address: [127, 0, 0, 1], rest: [0; 8] };
    let socket = unsafe { syscall!(nr::SOCKET, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) }? as Fd;
    let bound = unsafe { syscall!(nr::BIND, socket, &raw const address, size_of::<Address>()) };
    match bound.and_then(|_| unsafe { syscall!(nr::LISTEN, socket, BACKLOG) }) {
        Ok(_) => Ok(socket),
        Err(errno) => {
            close(socket);
            Err(errno)
        }
    }
}
