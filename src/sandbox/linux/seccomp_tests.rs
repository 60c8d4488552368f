//! The filters run in an interpreter: one row a system call, no privileges needed.

use super::*;

const OPEN: Rules = Rules { sole_program: None, accounts_memory: true, shares_host: false, sockets: Sockets::Unix };
const CLOSED: Rules =
    Rules { sole_program: Some(256), accounts_memory: false, shares_host: true, sockets: Sockets::Pairs };
const LOOPBACK: Rules = Rules { sockets: Sockets::UnixAndTcp, ..OPEN };
const CLIENT: Rules = Rules { sockets: Sockets::TcpClient, ..CLOSED };

/// Classic BPF over a `seccomp_data`, as far as the filters use it.
fn interpret(program: &[u8], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend_from_slice(&number.to_ne_bytes());
    data.extend_from_slice(&architecture.to_ne_bytes());
    data.extend_from_slice(&0u64.to_ne_bytes());
    arguments.iter().for_each(|argument| data.extend_from_slice(&argument.to_ne_bytes()));
    let (mut at, mut accumulator) = (0usize, 0u32);
    loop {
        let step = &program[at * 8..at * 8 + 8];
        let code = u16::from_ne_bytes([step[0], step[1]]);
        let (jt, jf) = (usize::from(step[2]), usize::from(step[3]));
        let k = u32::from_ne_bytes([step[4], step[5], step[6], step[7]]);
        let branch = |holds: bool| if holds { jt } else { jf };
        at += 1;
        match code {
            0x20 => {
                let k = k as usize;
                accumulator = u32::from_ne_bytes(data[k..k + 4].try_into().unwrap());
            }
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => at += branch(accumulator == k),
            0x25 => at += branch(accumulator > k),
            0x35 => at += branch(accumulator >= k),
            0x06 => return k,
            other => panic!("instruction {other:#x} at {}", at - 1),
        }
    }
}

/// What the kernel does with both filters loaded: the highest precedence, then the one loaded last.
fn answer_for(rules: Rules, architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let filters = filters(rules).unwrap();
    let mut answers: Vec<u32> =
        filters.iter().map(|(_, program)| interpret(program, architecture, number, arguments)).collect();
    answers.reverse();
    answers.into_iter().min_by_key(|answer| (answer & 0xffff_0000) as i32).unwrap()
}

fn errno(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number as u32
}

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

#[test]
fn every_listed_call_gets_its_listed_answer() {
    for rules in [OPEN, CLOSED] {
        for (number, answer) in numbers(rules) {
            let by_number = interpret(&filters(rules).unwrap()[1].1, ARCHITECTURE, number, [0; 6]);
            assert_eq!(by_number, answer.code(), "call {number} under {rules:?}");
        }
    }
}

#[test]
fn no_call_is_both_allowed_and_refused() {
    for number in syscalls::REFUSED.iter().chain(syscalls::REFUSED_LEGACY) {
        for lists in [syscalls::ALLOWED, syscalls::ALLOWED_LEGACY, syscalls::FORKS] {
            assert!(!lists.contains(number), "call {number}");
        }
    }
}

#[test]
fn unlisted_numbers_do_not_exist() {
    let table = numbers(OPEN);
    for number in (0..1000).chain([0x3fff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff]) {
        if !table.contains_key(&number) {
            assert_eq!(answer_for(OPEN, ARCHITECTURE, number, [0; 6]), errno(libc::ENOSYS), "call {number:#x}");
        }
    }
}

#[test]
fn foreign_abis_are_killed() {
    const I386: u32 = 0x4000_0003;
    for number in [0, 1, 5, 102, 999] {
        assert_eq!(answer_for(OPEN, I386, number, [0; 6]), KILL, "i386 {number}");
        if cfg!(target_arch = "x86_64") {
            assert_eq!(answer_for(OPEN, ARCHITECTURE, X32.start | number, [0; 6]), KILL, "x32 {number}");
        }
    }
}

#[test]
fn arguments_decide_where_they_must() {
    let [unix, inet, inet6] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6].map(|family| family as u64);
    let thread = (libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND) as u64;
    let refused = errno(libc::EPERM);
    let rows: &[(&str, Rules, i64, [u64; 6], u32)] = &[
        ("fork by clone", OPEN, libc::SYS_clone, [17, 0, 0, 0, 0, 0], ALLOW),
        ("new user namespace", OPEN, libc::SYS_clone, [libc::CLONE_NEWUSER as u64 | 17, 0, 0, 0, 0, 0], refused),
        ("new net namespace", OPEN, libc::SYS_clone, [libc::CLONE_NEWNET as u64, 0, 0, 0, 0, 0], refused),
        ("thread", CLOSED, libc::SYS_clone, [thread, 0, 0, 0, 0, 0], ALLOW),
        ("fork where forbidden", CLOSED, libc::SYS_clone, [17, 0, 0, 0, 0, 0], refused),
        ("clone3", OPEN, libc::SYS_clone3, [0; 6], errno(libc::ENOSYS)),
        ("unix socket", OPEN, libc::SYS_socket, [unix, 1, 0, 0, 0, 0], ALLOW),
        ("unix socket among the host's", CLOSED, libc::SYS_socket, [unix, 1, 0, 0, 0, 0], refused),
        ("unix pair", CLOSED, libc::SYS_socketpair, [unix, 1, 0, 0, 0, 0], ALLOW),
        ("inet socket", OPEN, libc::SYS_socket, [libc::AF_INET as u64, 1, 0, 0, 0, 0], refused),
        ("vsock", OPEN, libc::SYS_socket, [libc::AF_VSOCK as u64, 1, 0, 0, 0, 0], refused),
        ("netlink", OPEN, libc::SYS_socket, [libc::AF_NETLINK as u64, 3, 0, 0, 0, 0], refused),
        ("inet, high bits set", OPEN, libc::SYS_socket, [1 << 32 | libc::AF_INET as u64, 1, 0, 0, 0, 0], refused),
        ("tcp with a loopback", LOOPBACK, libc::SYS_socket, [inet, 1, 0, 0, 0, 0], ALLOW),
        ("tcp6, non-blocking", LOOPBACK, libc::SYS_socket, [inet6, 1 | 0o2004000, 6, 0, 0, 0], ALLOW),
        ("unix datagram with a loopback", LOOPBACK, libc::SYS_socket, [unix, 2, 0, 0, 0, 0], ALLOW),
        ("udp with a loopback", LOOPBACK, libc::SYS_socket, [inet, 2, 0, 0, 0, 0], refused),
        ("udp, non-blocking", LOOPBACK, libc::SYS_socket, [inet, 2 | 0o2004000, 17, 0, 0, 0], refused),
        ("raw with a loopback", LOOPBACK, libc::SYS_socket, [inet, 3, 1, 0, 0, 0], refused),
        ("mptcp", LOOPBACK, libc::SYS_socket, [inet, 1, 262, 0, 0, 0], refused),
        ("sctp", LOOPBACK, libc::SYS_socket, [inet, 1, 132, 0, 0, 0], refused),
        ("smc", LOOPBACK, libc::SYS_socket, [43, 1, 0, 0, 0, 0], refused),
        ("netlink with a loopback", LOOPBACK, libc::SYS_socket, [16, 3, 0, 0, 0, 0], refused),
        ("bind on a loopback", LOOPBACK, libc::SYS_bind, [3, 0, 0, 0, 0, 0], ALLOW),
        ("tcp of a client", CLIENT, libc::SYS_socket, [inet, 1, 0, 0, 0, 0], ALLOW),
        ("unix of a client", CLIENT, libc::SYS_socket, [unix, 1, 0, 0, 0, 0], refused),
        ("udp of a client", CLIENT, libc::SYS_socket, [inet, 2, 0, 0, 0, 0], refused),
        ("bind of a client", CLIENT, libc::SYS_bind, [3, 0, 0, 0, 0, 0], refused),
        ("listen of a client", CLIENT, libc::SYS_listen, [3, 0, 0, 0, 0, 0], refused),
        ("connect of a client", CLIENT, libc::SYS_connect, [3, 0, 0, 0, 0, 0], ALLOW),
        ("send of a client", CLIENT, libc::SYS_sendto, [3, 0, 0, 0x4000, 0, 0], ALLOW),
        ("fast open by sendto", CLIENT, libc::SYS_sendto, [3, 0, 0, 0x2000_4000, 0, 0], refused),
        ("fast open by sendmsg", CLIENT, libc::SYS_sendmsg, [3, 0, 0x2000_0000, 0, 0, 0], refused),
        ("fast open by sendmmsg", CLIENT, libc::SYS_sendmmsg, [3, 0, 1, 0x2000_0000, 0, 0], refused),
        ("push input", OPEN, libc::SYS_ioctl, [0, libc::TIOCSTI, 0, 0, 0, 0], refused),
        ("push input, high bits set", OPEN, libc::SYS_ioctl, [0, 1 << 32 | libc::TIOCSTI, 0, 0, 0, 0], refused),
        ("window size", OPEN, libc::SYS_ioctl, [0, libc::TIOCGWINSZ, 0, 0, 0, 0], ALLOW),
        ("fifo", OPEN, libc::SYS_mknodat, [0, 0, u64::from(libc::S_IFIFO) | 0o600, 0, 0, 0], ALLOW),
        ("char device", OPEN, libc::SYS_mknodat, [0, 0, u64::from(libc::S_IFCHR) | 0o600, 0, 0, 0], refused),
        ("query personality", OPEN, libc::SYS_personality, [0xffff_ffff, 0, 0, 0, 0, 0], ALLOW),
        ("no randomisation", OPEN, libc::SYS_personality, [0x0040_0000, 0, 0, 0, 0, 0], refused),
        ("own limit", OPEN, libc::SYS_prlimit64, [0, 7, 0, 0, 0, 0], ALLOW),
        ("other's limit", OPEN, libc::SYS_prlimit64, [1, 7, 0, 0, 0, 0], refused),
        ("memfd, accounted", OPEN, libc::SYS_memfd_create, [0; 6], ALLOW),
        ("exec by path, any", OPEN, libc::SYS_execve, [0; 6], ALLOW),
        ("exec by path, sole", CLOSED, libc::SYS_execve, [0; 6], refused),
        ("exec of the sole program", CLOSED, libc::SYS_execveat, [256, 1, 1, 1, 0x1000, 0], ALLOW),
        ("exec of another descriptor", CLOSED, libc::SYS_execveat, [255, 1, 1, 1, 0x1000, 0], refused),
        ("exec below the descriptor", CLOSED, libc::SYS_execveat, [256, 1, 1, 1, 0, 0], refused),
        ("memfd, not accounted", CLOSED, libc::SYS_memfd_create, [0; 6], refused),
        ("bpf", OPEN, libc::SYS_bpf, [0; 6], refused),
        ("io_uring", OPEN, libc::SYS_io_uring_setup, [0; 6], refused),
        ("keyring", OPEN, libc::SYS_keyctl, [0; 6], refused),
        ("mount", OPEN, libc::SYS_mount, [0; 6], refused),
        ("set_mm", OPEN, libc::SYS_prctl, [35, 0, 0, 0, 0, 0], refused),
    ];
    for (name, rules, number, arguments, expected) in rows {
        assert_eq!(answer_for(*rules, ARCHITECTURE, *number as u32, *arguments), *expected, "{name}");
    }
}

#[test]
fn a_long_tree_still_jumps_right() {
    let table: BTreeMap<u32, Answer> = (0..1500u32).step_by(2).map(|number| (number, Answer::Allow)).collect();
    let program = bytes(&number_filter(&table));
    for number in 0..1502 {
        let expected = if number % 2 == 0 && number < 1500 { ALLOW } else { errno(libc::ENOSYS) };
        assert_eq!(interpret(&program, ARCHITECTURE, number, [0; 6]), expected, "call {number}");
    }
}
