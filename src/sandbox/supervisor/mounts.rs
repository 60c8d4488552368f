//! The kernel's mount calls: trees opened, attached, made, pivoted to.

use crate::kernel::{AT_EMPTY_PATH, AT_FDCWD, AT_RECURSIVE, Fd, O_CLOEXEC, Text, change_directory, close, text};
use crate::sys::{Sys, nr, syscall};

pub const MS_NOSUID: usize = 2;
pub const MS_NODEV: usize = 4;
pub const MS_NOEXEC: usize = 8;
pub const MS_REC: usize = 0x4000;
pub const MS_PRIVATE: usize = 1 << 18;
pub const MS_SLAVE: usize = 1 << 19;
pub const MOUNT_ATTR_RDONLY: u64 = 1;

// SAFETY (all calls below): pointers lead to `Text`s or live locals, and the kernel writes to none of them.

pub fn mount(kind: Text, path: Text, flags: usize, options: Text) -> Sys {
    unsafe { syscall!(nr::MOUNT, kind.address(), path.address(), kind.address(), flags, options.address()) }
}

/// Sets how mount events travel between the mount tree at `/` and its copies.
pub fn set_propagation(flags: usize) -> Sys {
    unsafe { syscall!(nr::MOUNT, 0, c"/".as_ptr(), 0, flags, 0) }
}

pub fn open_tree(path: Text) -> Sys<Fd> {
    const CLONE: usize = 1;
    unsafe { syscall!(nr::OPEN_TREE, AT_FDCWD, path.address(), CLONE | O_CLOEXEC | AT_RECURSIVE) }.map(|fd| fd as Fd)
}

/// Sets the mount attributes `set` and clears `clear` on the tree at `descriptor`/`path`.
pub fn set_mount_attributes(descriptor: Fd, path: Text, set: u64, clear: u64, flags: usize) -> Sys {
    let attributes = [set, clear, 0, 0];
    unsafe { syscall!(nr::MOUNT_SETATTR, descriptor, path.address(), AT_EMPTY_PATH | flags, attributes.as_ptr(), 32) }
}

pub fn attach(tree: Fd, path: Text) -> Sys {
    const FROM_EMPTY_PATH: usize = 4;
    unsafe { syscall!(nr::MOVE_MOUNT, tree, c"".as_ptr(), AT_FDCWD, path.address(), FROM_EMPTY_PATH) }
}

/// A new tmpfs, not yet attached.
pub fn new_tmpfs() -> Sys<Fd> {
    const CREATE: usize = 6;
    unsafe {
        let context = syscall!(nr::FSOPEN, c"tmpfs".as_ptr(), 1)?;
        let made = syscall!(nr::FSCONFIG, context, CREATE, 0, 0, 0).and_then(|_| syscall!(nr::FSMOUNT, context, 1, 0));
        close(context as Fd);
        made.map(|fd| fd as Fd)
    }
}

/// Makes the working directory the root and lets go of the old one.
pub fn pivot_here() -> Sys {
    const DETACH: usize = 2;
    let here = c".".as_ptr();
    unsafe {
        syscall!(nr::PIVOT_ROOT, here, here)?;
        syscall!(nr::UMOUNT2, here, DETACH)?;
    }
    change_directory(text(b"/\0"))
}
