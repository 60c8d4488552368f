//! Starting the supervisor without disturbing the host.
//!
//! A plain fork copies the host's page tables (40 ms a GiB), a single vfork would make the supervisor a child whose exit
//! the host's `wait(-1)` steals and whose SIGCHLD it sees. So: vfork, vfork again, exec. The first child exits at once,
//! with no exit signal, and is waited for here; the second is nobody's child of ours and becomes the supervisor, from a
//! sealed memfd, so that there is no file to ship, to find or to replace.

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

use super::memory_file::{self, Use};
use crate::error::{Error, Result, Status};

static IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/supervisor"));

const STACK_BYTES: usize = 64 << 10;

/// Starts the supervisor with `socket` as its control socket, from `path` or from the embedded image.
pub fn launch(socket: &OwnedFd, path: Option<&Path>) -> Result<()> {
    let image = match path {
        Some(path) => open_image(path)?,
        None => memory_file::sealed(IMAGE, Use::Execute)?,
    };
    let number = CString::new(socket.as_raw_fd().to_string()).unwrap_or_default();
    let image_path = CString::new(format!("/proc/self/fd/{}", image.as_raw_fd())).unwrap_or_default();
    let arguments = [c"skilllite-supervisor".as_ptr(), number.as_ptr(), ptr::null()];
    let variables = [ptr::null()];
    let mut inner_stack = vec![0u8; STACK_BYTES];
    let mut outer_stack = vec![0u8; STACK_BYTES];
    let mut launch = Launch {
        image: image.as_raw_fd(),
        image_path: image_path.as_ptr(),
        socket: socket.as_raw_fd(),
        arguments: arguments.as_ptr(),
        variables: variables.as_ptr(),
        stack: stack_top(&mut inner_stack),
        errno: 0,
    };
    // No handler of the host may run in a child that shares the host's memory.
    let mut mask = SigSet::empty();
    let internal = |error: nix::Error| Error::new(Status::Supervisor, format!("blocking signals failed: {error}"));
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut mask)).map_err(internal)?;
    // SAFETY: `outer` uses only its own stack, `launch` and system calls; this thread stands still until it has exited.
    let child = unsafe {
        libc::clone(outer, stack_top(&mut outer_stack), libc::CLONE_VM | libc::CLONE_VFORK, (&raw mut launch).cast())
    };
    let clone_error = io::Error::last_os_error();
    if child > 0 {
        wait_for(child);
    }
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&mask), None).map_err(internal)?;
    if child < 0 {
        return Err(Error::new(
            Status::Supervisor,
            format!(
                "the supervisor cannot be started: {clone_error}; check the process limits of this host (RLIMIT_NPROC, pids.max)"
            ),
        ));
    }
    // SAFETY: the children that wrote to it are gone or have executed; volatile because the compiler did not see them.
    match unsafe { (&raw const launch.errno).read_volatile() } {
        0 => Ok(()),
        errno => Err(Error::new(
            Status::Supervisor,
            format!(
                "the supervisor cannot be executed: {}; where executing from memory is forbidden (sysctl vm.memfd_noexec=2), set \"supervisor_path\" to an installed supervisor",
                io::Error::from_raw_os_error(errno)
            ),
        )),
    }
}

/// What the two children need, in memory that they share with this process.
struct Launch {
    image: c_int,
    image_path: *const c_char,
    socket: c_int,
    arguments: *const *const c_char,
    variables: *const *const c_char,
    stack: *mut c_void,
    errno: c_int,
}

fn stack_top(stack: &mut [u8]) -> *mut c_void {
    let end = stack.as_mut_ptr_range().end as usize;
    (end & !15) as *mut c_void
}

/// The first child: clones the second and exits.
extern "C" fn outer(launch: *mut c_void) -> c_int {
    let launch = launch.cast::<Launch>();
    // SAFETY: the parent keeps `launch` alive and is suspended; `inner` runs on a stack of its own.
    unsafe {
        let child = libc::clone(inner, (*launch).stack, libc::CLONE_VM | libc::CLONE_VFORK, launch.cast());
        if child < 0 {
            (*launch).errno = *libc::__errno_location();
        }
    }
    0
}

/// The second child: executes the supervisor.
extern "C" fn inner(launch: *mut c_void) -> c_int {
    let launch = launch.cast::<Launch>();
    // SAFETY: as above; only system calls are made, and the descriptor table is a copy.
    unsafe {
        libc::fcntl((*launch).socket, libc::F_SETFD, 0);
        libc::syscall(
            libc::SYS_execveat,
            (*launch).image,
            c"".as_ptr(),
            (*launch).arguments,
            (*launch).variables,
            libc::AT_EMPTY_PATH,
        );
        (*launch).errno = *libc::__errno_location();
        // Where the call is not known, as under valgrind, the path of the descriptor leads to the same file.
        libc::execve((*launch).image_path, (*launch).arguments, (*launch).variables);
    }
    127
}

/// Waits for the first child. A host thread may have done so before us; that is as good.
fn wait_for(child: c_int) {
    let mut status = 0;
    // SAFETY: `status` is a live integer.
    while unsafe { libc::waitpid(child, &raw mut status, libc::__WALL) } < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}

fn open_image(path: &Path) -> Result<OwnedFd> {
    let failed =
        |reason: String| Error::new(Status::Supervisor, format!("supervisor_path {}: {reason}", path.display()));
    let text = CString::new(path.as_os_str().as_bytes()).map_err(|_| failed("holds a NUL byte".into()))?;
    // SAFETY: `text` is a live string; the descriptor is new and owned by nobody else.
    let opened = unsafe { libc::open(text.as_ptr(), libc::O_PATH | libc::O_CLOEXEC) };
    if opened < 0 {
        return Err(failed(io::Error::last_os_error().to_string()));
    }
    // SAFETY: as above.
    Ok(unsafe { OwnedFd::from_raw_fd(opened) })
}
