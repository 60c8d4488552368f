//! Landlock's access bits by ABI version. Source: `linux/landlock.h` and Documentation/userspace-api/landlock.rst.

/// Execute a file.
pub const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
/// Read a file.
pub const READ_FILE: u64 = 1 << 2;
/// List a directory.
pub const READ_DIR: u64 = 1 << 3;
const TRUNCATE: u64 = 1 << 14;
const IOCTL_DEV: u64 = 1 << 15;

/// File accesses that a ruleset of this ABI handles: all of them.
pub fn handled_files(abi: u32) -> u64 {
    let last = match abi {
        0 | 1 => 12,
        2 => 13,
        3 | 4 => 14,
        _ => 15,
    };
    (1 << (last + 1)) - 1
}

/// TCP accesses that a ruleset of this ABI handles: bind and connect.
pub fn handled_network(abi: u32) -> u64 {
    if abi >= TCP_ABI { 0b11 } else { 0 }
}

/// Connect a TCP socket.
pub const CONNECT_TCP: u64 = 1 << 1;
/// The first ABI that guards TCP.
pub const TCP_ABI: u32 = 4;

/// Scopes of this ABI: abstract UNIX sockets and signals.
pub fn scopes(abi: u32) -> u64 {
    if abi >= 6 { 0b11 } else { 0 }
}

/// Read a tree.
pub fn read() -> u64 {
    READ_FILE | READ_DIR
}

/// Read and execute a tree.
pub fn execute() -> u64 {
    read() | EXECUTE
}

/// Use a tree as one's own, but make no devices.
pub fn own(abi: u32) -> u64 {
    const MAKE_CHAR: u64 = 1 << 6;
    const MAKE_BLOCK: u64 = 1 << 11;
    handled_files(abi) & !(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV)
}

/// Read and write a device or a single file.
pub fn device(abi: u32) -> u64 {
    handled_files(abi) & (READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV)
}

/// Of `access`, what the kernel accepts for a path that is a file.
pub fn on_file(access: u64) -> u64 {
    access & (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFER: u64 = 1 << 13;

    #[test]
    fn each_abi_adds_what_the_kernel_documents() {
        let cases = [(1, false, false, false, false), (2, true, false, false, false), (3, true, true, false, false)];
        for (abi, refer, truncate, network, scoped) in
            cases.into_iter().chain([(4, true, true, true, false), (6, true, true, true, true)])
        {
            assert_eq!(handled_files(abi) & REFER != 0, refer, "abi {abi}");
            assert_eq!(handled_files(abi) & TRUNCATE != 0, truncate, "abi {abi}");
            assert_eq!(handled_network(abi) != 0, network, "abi {abi}");
            assert_eq!(scopes(abi) != 0, scoped, "abi {abi}");
        }
    }

    #[test]
    fn nothing_is_allowed_that_is_not_handled() {
        for abi in 1..=9 {
            for access in [read(), execute(), own(abi), device(abi)] {
                assert_eq!(access & !handled_files(abi), 0, "abi {abi}");
            }
        }
    }
}
