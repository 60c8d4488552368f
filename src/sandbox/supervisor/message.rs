//! Records in and out of sockets. What comes in is checked for size and magic; everything else is dropped.

use core::mem::{MaybeUninit, size_of};

use crate::kernel::{EINTR, EINVAL, Fd, Text, close, text};
use crate::sys::{Sys, nr, syscall};
use crate::wire::{Event, MAGIC, MAX_FDS, Request, Setup};

/// Room for the directories behind a [`Setup`].
pub const DIRECTORY_BYTES: usize = 3 * 4096;

/// The three cgroup directories of a [`Setup`], as they came.
pub struct Directories([u8; DIRECTORY_BYTES]);

impl Directories {
    /// The directory `index` (memory, pids, unified), or an empty text.
    pub fn get(&self, index: usize) -> Text {
        let mut start = 0;
        for _ in 0..index {
            while self.0.get(start).is_some_and(|byte| *byte != 0) {
                start += 1;
            }
            start += 1;
        }
        match self.0.get(start..) {
            // SAFETY: `receive_setup` keeps the last byte 0, so a NUL follows wherever `start` is.
            Some(rest) if !rest.is_empty() => unsafe { Text::at(rest.as_ptr()) },
            _ => text(b"\0"),
        }
    }
}

#[repr(C)]
struct Vector {
    base: *mut u8,
    bytes: usize,
}

#[repr(C)]
struct Header {
    name: usize,
    name_bytes: u32,
    vectors: *mut Vector,
    vector_count: usize,
    control: *mut u8,
    control_bytes: usize,
    flags: i32,
}

#[repr(C, align(8))]
struct Control {
    bytes: usize,
    level: i32,
    kind: i32,
    descriptors: [Fd; MAX_FDS + 1],
}

/// Sends `record`, with `descriptor` if one is given.
pub fn send<T: Copy>(socket: Fd, record: &T, descriptor: Option<Fd>) -> Sys<()> {
    const NO_SIGNAL: usize = 0x4000;
    let mut vector = Vector { base: core::ptr::from_ref(record) as *mut u8, bytes: size_of::<T>() };
    let mut control = Control { bytes: 16 + 4, level: 1, kind: 1, descriptors: [0; MAX_FDS + 1] };
    let mut header = Header {
        name: 0,
        name_bytes: 0,
        vectors: &raw mut vector,
        vector_count: 1,
        control: core::ptr::null_mut(),
        control_bytes: 0,
        flags: 0,
    };
    if let Some(descriptor) = descriptor {
        control.descriptors[0] = descriptor;
        header.control = (&raw mut control).cast();
        header.control_bytes = 24;
    }
    loop {
        // SAFETY: every pointer of the header leads to a local that outlives the call.
        match unsafe { syscall!(nr::SENDMSG, socket, &raw const header, NO_SIGNAL) } {
            Ok(_) => return Ok(()),
            Err(EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Receives one message into `buffer`: its size, and its descriptors.
fn receive(socket: Fd, buffer: &mut [u8]) -> Sys<(usize, [Fd; MAX_FDS], usize)> {
    const CLOSE_ON_EXEC: usize = 0x4000_0000;
    let mut vector = Vector { base: buffer.as_mut_ptr(), bytes: buffer.len() };
    let mut control = Control { bytes: 0, level: 0, kind: 0, descriptors: [-1; MAX_FDS + 1] };
    let mut header = Header {
        name: 0,
        name_bytes: 0,
        vectors: &raw mut vector,
        vector_count: 1,
        control: (&raw mut control).cast(),
        control_bytes: size_of::<Control>(),
        flags: 0,
    };
    let received = loop {
        // SAFETY: every pointer of the header leads to a local that outlives the call.
        match unsafe { syscall!(nr::RECVMSG, socket, &raw mut header, CLOSE_ON_EXEC) } {
            Ok(n) => break n,
            Err(EINTR) => {}
            Err(errno) => return Err(errno),
        }
    };
    let mut descriptors = [-1; MAX_FDS];
    let mut count = 0;
    if header.control_bytes >= 16 && control.level == 1 && control.kind == 1 {
        for &descriptor in control.descriptors.iter().take(control.bytes.saturating_sub(16) / 4) {
            match descriptors.get_mut(count) {
                Some(place) => *place = descriptor,
                None => close(descriptor),
            }
            count += 1;
        }
    }
    Ok((received, descriptors, count.min(MAX_FDS)))
}

/// Copies a record out of bytes that hold one.
fn record<T: Copy>(bytes: &[u8]) -> Option<T> {
    if bytes.len() < size_of::<T>() {
        return None;
    }
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the source holds enough bytes and the records are plain integers, for which any bytes are valid.
    unsafe {
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), value.as_mut_ptr().cast::<u8>(), size_of::<T>());
        Some(value.assume_init())
    }
}

/// The first message of the library.
pub fn receive_setup(socket: Fd) -> Option<(Setup, Directories)> {
    let mut buffer = [0u8; size_of::<Setup>() + DIRECTORY_BYTES];
    let (bytes, ..) = receive(socket, &mut buffer).ok()?;
    let setup: Setup = record(buffer.get(..bytes)?)?;
    let mut directories = Directories([0; DIRECTORY_BYTES]);
    let texts = buffer.get(size_of::<Setup>()..bytes)?;
    directories.0.get_mut(..texts.len())?.copy_from_slice(texts);
    directories.0[DIRECTORY_BYTES - 1] = 0;
    (setup.magic == MAGIC).then_some((setup, directories))
}

/// What came on the control socket.
pub enum Received {
    /// Something to run.
    Request(Request, [Fd; MAX_FDS]),
    /// Nothing usable: descriptors got lost because there is no room for them. Their run ends with its status socket.
    Nothing,
    /// The library is gone.
    End,
}

/// The next message of the library.
pub fn receive_request(socket: Fd) -> Received {
    let mut buffer = [0u8; size_of::<Request>()];
    let Ok((bytes, descriptors, count)) = receive(socket, &mut buffer) else { return Received::End };
    match record::<Request>(buffer.get(..bytes).unwrap_or_default()) {
        Some(request) if request.magic == MAGIC && count == MAX_FDS => Received::Request(request, descriptors),
        _ => {
            descriptors.iter().take(count).for_each(|descriptor| close(*descriptor));
            if bytes == 0 { Received::End } else { Received::Nothing }
        }
    }
}

/// Sends an event of one run.
pub fn report(status: Fd, event: Event, descriptor: Option<Fd>) {
    let _ = send(status, &Event { magic: MAGIC, ..event }, descriptor);
}

/// Formats `number` in decimal at the front of `buffer`, NUL-terminated; gives the digits.
pub fn decimal(number: u64, buffer: &mut [u8; 24]) -> Sys<usize> {
    let mut digits = [0u8; 20];
    let mut rest = number;
    let mut count = 0;
    loop {
        *digits.get_mut(count).ok_or(EINVAL)? = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    for (place, digit) in buffer.iter_mut().zip(digits[..count].iter().rev()) {
        *place = *digit;
    }
    buffer[count] = 0;
    Ok(count)
}
