//! The seccomp filters of a run.
//!
//! Two are stacked. The first decides by number, as a balanced tree: the kernel runs a new filter once for every number
//! to precompute its cache, so a linear chain of 300 entries would cost 0.9 ms a call where the tree costs 0.06. The
//! second, by seccompiler, decides by arguments for the few calls where that matters. The stricter answer wins.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use super::syscalls;
use crate::error::{Error, Result, Status};

/// What may differ between runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// The descriptor of the one program that may be executed, where no further processes may be started.
    pub sole_program: Option<u32>,
    /// Whether memory outside every process is accounted for.
    pub accounts_memory: bool,
    /// Whether the run shares the host's process and network namespaces.
    pub shares_host: bool,
    /// Which sockets it may make.
    pub sockets: Sockets,
}

/// Which sockets a run may make. Pairs of connected UNIX sockets are always allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sockets {
    /// None.
    Pairs,
    /// UNIX sockets.
    Unix,
    /// UNIX and TCP sockets.
    UnixAndTcp,
    /// TCP sockets that connect.
    TcpClient,
}

/// Filters in the order of loading, each with a summary.
pub type Filters = Vec<(String, Vec<u8>)>;

/// The filters of a run.
pub fn filters(rules: Rules) -> Result<Filters> {
    let table = numbers(rules);
    let allowed = table.values().filter(|answer| **answer == Answer::Allow).count();
    let by_number = bytes(&number_filter(&table));
    let (count, by_argument) = argument_filter(rules)?;
    Ok(vec![
        (format!("{count} calls by argument: EPERM"), bytes(&by_argument)),
        (format!("{allowed} calls allowed, others EPERM or ENOSYS, foreign ABI killed"), by_number),
    ])
}

/// The answer to a system call by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Allow,
    Refuse,
    Unknown,
    Pretend,
    Kill,
}

impl Answer {
    fn code(self) -> u32 {
        match self {
            Answer::Allow => libc::SECCOMP_RET_ALLOW,
            Answer::Refuse => libc::SECCOMP_RET_ERRNO | libc::EPERM as u32,
            // Done nothing, and said yes.
            Answer::Pretend => libc::SECCOMP_RET_ERRNO,
            Answer::Unknown => libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32,
            Answer::Kill => libc::SECCOMP_RET_KILL_PROCESS,
        }
    }
}

fn numbers(rules: Rules) -> BTreeMap<u32, Answer> {
    let mut table = BTreeMap::new();
    let mut put = |calls: &[libc::c_long], answer| {
        table.extend(calls.iter().map(|number| (*number as u32, answer)));
    };
    put(syscalls::ALLOWED, Answer::Allow);
    put(syscalls::ALLOWED_LEGACY, Answer::Allow);
    put(syscalls::REFUSED, Answer::Refuse);
    put(syscalls::REFUSED_LEGACY, Answer::Refuse);
    put(syscalls::FORKS, if rules.sole_program.is_none() { Answer::Allow } else { Answer::Refuse });
    put(syscalls::UNMAPPED_MEMORY, if rules.accounts_memory { Answer::Allow } else { Answer::Refuse });
    if rules.shares_host {
        put(syscalls::METADATA, Answer::Pretend);
        put(syscalls::METADATA_LEGACY, Answer::Pretend);
        put(syscalls::UNGUARDED, Answer::Refuse);
    }
    if rules.sockets == Sockets::TcpClient {
        put(syscalls::SERVE, Answer::Refuse);
    }
    table
}

const LOAD_WORD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
const NUMBER_OFFSET: u32 = 0;
const ARCHITECTURE_OFFSET: u32 = 4;
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
/// Numbers of the x32 ABI, which shares the architecture's audit code. Source: `asm/unistd.h`.
const X32: std::ops::Range<u32> = 0x4000_0000..0x4000_1000;

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

fn number_filter(table: &BTreeMap<u32, Answer>) -> BpfProgram {
    let mut table = table.clone();
    if cfg!(target_arch = "x86_64") {
        table.extend([(X32.start, Answer::Kill), (X32.end, Answer::Unknown)]);
    }
    let mut program = vec![
        instruction(LOAD_WORD, 0, 0, ARCHITECTURE_OFFSET),
        instruction(JUMP_EQUAL, 1, 0, ARCHITECTURE),
        instruction(RETURN, 0, 0, Answer::Kill.code()),
        instruction(LOAD_WORD, 0, 0, NUMBER_OFFSET),
    ];
    program.extend(tree(&segments(&table)));
    program
}

/// The number line cut where the answer changes: (first number, answer).
fn segments(table: &BTreeMap<u32, Answer>) -> Vec<(u32, Answer)> {
    let mut segments = vec![(0, Answer::Unknown)];
    let mut put = |start: u32, answer: Answer| match segments.last_mut() {
        Some(last) if last.0 == start => last.1 = answer,
        Some(last) if last.1 == answer => {}
        _ => segments.push((start, answer)),
    };
    let mut expected = 0;
    for (&number, &answer) in table {
        if number != expected && !X32.contains(&expected) {
            put(expected, Answer::Unknown);
        }
        put(number, answer);
        expected = number.saturating_add(1);
    }
    put(expected, Answer::Unknown);
    segments
}

fn tree(segments: &[(u32, Answer)]) -> Vec<sock_filter> {
    match segments {
        [] => Vec::new(),
        [(_, answer)] => vec![instruction(RETURN, 0, 0, answer.code())],
        _ => {
            let (low, high) = segments.split_at(segments.len() / 2);
            let (low, middle) = (tree(low), high.first().map_or(0, |(start, _)| *start));
            let mut block = match u8::try_from(low.len()) {
                Ok(distance) => vec![instruction(JUMP_AT_LEAST, distance, 0, middle)],
                // A conditional jump reaches 255 instructions.
                Err(_) => vec![instruction(JUMP_AT_LEAST, 0, 1, middle), instruction(JUMP, 0, 0, low.len() as u32)],
            };
            block.extend(low);
            block.extend(tree(high));
            block
        }
    }
}

fn bytes(program: &[sock_filter]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for step in program {
        bytes.extend_from_slice(&step.code.to_ne_bytes());
        bytes.extend_from_slice(&[step.jt, step.jf]);
        bytes.extend_from_slice(&step.k.to_ne_bytes());
    }
    bytes
}

/// One condition: argument `index` compared with a value.
type Condition = (u8, SeccompCmpOp, u64);

/// Calls that are refused when all conditions of one of their rules hold.
fn argument_rules(rules: Rules) -> Vec<(libc::c_long, Vec<Vec<Condition>>)> {
    use SeccompCmpOp::{Eq, MaskedEq, Ne};
    let namespaces = [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ];
    let mut clone: Vec<Vec<Condition>> =
        namespaces.iter().map(|flag| vec![(0, MaskedEq(*flag as u64), *flag as u64)]).collect();
    if rules.sole_program.is_some() {
        clone.push(vec![(0, MaskedEq(libc::CLONE_THREAD as u64), 0)]);
    }
    let unix = libc::AF_UNIX as u64;
    let devices = |index| {
        [libc::S_IFCHR, libc::S_IFBLK].map(|kind| vec![(index, MaskedEq(u64::from(libc::S_IFMT)), u64::from(kind))])
    };
    const PR_SET_MM: u64 = 35;
    const QUERY: u64 = 0xffff_ffff;
    let mut list = vec![
        (libc::SYS_clone, clone),
        (libc::SYS_socket, socket_rules(rules.sockets)),
        (libc::SYS_socketpair, vec![vec![(0, Ne, unix)]]),
        // Push input into a terminal (CVE-2017-5226), and Linux console tricks.
        (libc::SYS_ioctl, vec![vec![(1, Eq, libc::TIOCSTI)], vec![(1, Eq, libc::TIOCLINUX)]]),
        (libc::SYS_prctl, vec![vec![(0, Eq, PR_SET_MM)]]),
        (libc::SYS_personality, vec![vec![(0, Ne, 0), (0, Ne, QUERY)]]),
        (libc::SYS_mknodat, devices(2).to_vec()),
        (libc::SYS_prlimit64, vec![vec![(0, Ne, 0)]]),
        (libc::SYS_setpriority, vec![vec![(0, Ne, 0)], vec![(1, Ne, 0)]]),
    ];
    if let Some(descriptor) = rules.sole_program {
        // The descriptor is beyond the program's limit and closed by its exec, so nothing can be put there again: not a
        // file in memory, not the loader, which would run any file that can be read, not the interpreter once more.
        let (is_other, is_path) = ((0, Ne, u64::from(descriptor)), (4, Ne, libc::AT_EMPTY_PATH as u64));
        list.push((libc::SYS_execve, vec![vec![]]));
        list.push((libc::SYS_execveat, vec![vec![is_other], vec![is_path]]));
    }
    #[cfg(target_arch = "x86_64")]
    list.push((libc::SYS_mknod, devices(1).to_vec()));
    if rules.sockets == Sockets::TcpClient {
        // Data with the first packet goes around the hook of `connect`, which is where Landlock looks.
        let fast_open = |index| vec![vec![(index, MaskedEq(libc::MSG_FASTOPEN as u64), libc::MSG_FASTOPEN as u64)]];
        list.push((libc::SYS_sendto, fast_open(3)));
        list.push((libc::SYS_sendmsg, fast_open(2)));
        list.push((libc::SYS_sendmmsg, fast_open(3)));
    }
    if rules.shares_host {
        list.push((libc::SYS_sched_setaffinity, vec![vec![(0, Ne, 0)]]));
    }
    list
}

/// When `socket` is refused. The kernel takes 32 bits of each argument, and so does the comparison.
fn socket_rules(sockets: Sockets) -> Vec<Vec<Condition>> {
    use SeccompCmpOp::{MaskedEq, Ne};
    const KIND: u64 = 0xf;
    let is_not = |family: libc::c_int| (0, Ne, family as u64);
    let is_inet = || is_not(libc::AF_UNIX);
    let families = match sockets {
        Sockets::Pairs => return vec![vec![]],
        // A path socket of the host is out of Landlock's reach before ABI 9, so without an own mount namespace there are none.
        Sockets::Unix => return vec![vec![is_not(libc::AF_UNIX)]],
        Sockets::UnixAndTcp => vec![is_not(libc::AF_UNIX), is_not(libc::AF_INET), is_not(libc::AF_INET6)],
        Sockets::TcpClient => vec![is_not(libc::AF_INET), is_not(libc::AF_INET6)],
    };
    let is_other = |kind: &u64| *kind != libc::SOCK_STREAM as u64;
    let mut rules = vec![families];
    // Neither datagrams nor raw packets, and of the streams neither MPTCP nor SCTP.
    rules.extend((0..=KIND).filter(is_other).map(|kind| vec![is_inet(), (1, MaskedEq(KIND), kind)]));
    rules.push(vec![is_inet(), (2, Ne, 0), (2, Ne, libc::IPPROTO_TCP as u64)]);
    rules
}

fn argument_filter(rules: Rules) -> Result<(usize, BpfProgram)> {
    let invalid = |error: seccompiler::BackendError| Error::new(Status::Internal, format!("seccomp filter: {error}"));
    let mut map = BTreeMap::new();
    for (call, alternatives) in argument_rules(rules) {
        let mut chain = Vec::new();
        for conditions in alternatives {
            let conditions: Result<Vec<_>, _> = conditions
                .into_iter()
                .map(|(index, operator, value)| SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value))
                .collect();
            match conditions.map_err(invalid)? {
                // seccompiler: an empty chain matches always, an empty rule is an error.
                conditions if conditions.is_empty() => {}
                conditions => chain.push(SeccompRule::new(conditions).map_err(invalid)?),
            }
        }
        map.insert(call, chain);
    }
    let count = map.len();
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(invalid)?;
    let filter = SeccompFilter::new(map, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), architecture)
        .map_err(invalid)?;
    Ok((count, BpfProgram::try_from(filter).map_err(invalid)?))
}

#[cfg(test)]
#[path = "seccomp_tests.rs"]
mod tests;
