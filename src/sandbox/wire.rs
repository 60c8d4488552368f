//! What the library and the supervisor say to each other: fixed-size records over `SOCK_SEQPACKET`, and the byte form of
//! a plan.
//!
//! This file is compiled twice: into the library (`mod wire`) and into the supervisor, which has no `std`. It holds
//! numbers and layouts only. Both sides are built from one source tree, so there is no version to negotiate; `MAGIC`
//! guards against a supervisor file of another build.

/// First word of every message; changes with any change of this file.
pub const MAGIC: u32 = 0x534b_4c04;

/// Most descriptors in one message.
pub const MAX_FDS: usize = 5;

/// Most mounts that one plan can prepare.
pub const MAX_SLOTS: usize = 96;

/// Library → supervisor, once: how to set up. Followed by three NUL-terminated directories (memory, pids, unified), of
/// which an empty one means "none".
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Setup {
    /// [`MAGIC`].
    pub magic: u32,
    /// 1: do not try namespaces (the engine is held to the Landlock tier).
    pub skip_namespaces: u32,
    /// 1: cgroup v1 directories, 2: a unified directory, 0: none.
    pub cgroup_version: u32,
    /// The id of a root caller's guests; 0 where the caller is not root.
    pub guest_id: u32,
    /// The host's process id: its death ends everything, even while a fork of it holds the socket.
    pub host_pid: u32,
}

/// Supervisor → library, once: what the host gives. An errno of 0 means that the step worked. With a pidfd of the
/// supervisor.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Hello {
    /// [`MAGIC`].
    pub magic: u32,
    /// The user id that guests have outside.
    pub guest_id: u32,
    /// Landlock's ABI version, 0 where the kernel has none.
    pub landlock_abi: u32,
    /// Creating the namespaces: which [`probe step`](step) failed, and why.
    pub namespace_step: u32,
    /// See `namespace_step`.
    pub namespace_errno: u32,
    /// Preparing the cgroups.
    pub cgroup_errno: u32,
    /// Loading a seccomp filter.
    pub seccomp_errno: u32,
}

/// The steps of [`Hello::namespace_step`].
pub mod step {
    /// `unshare` of the supervisor itself.
    pub const UNSHARE: u32 = 1;
    /// Writing the id maps.
    pub const MAP: u32 = 2;
    /// Building the minimal mount namespace.
    pub const MOUNT: u32 = 3;
    /// Dropping root's ids.
    pub const IDENTITY: u32 = 4;
    /// Cloning a trial sandbox.
    pub const CLONE: u32 = 5;
    /// Mounting `/proc` in the trial sandbox.
    pub const PROC: u32 = 6;
}

/// Library → supervisor: run this plan. Comes with [`MAX_FDS`] descriptors: plan, stdin, stdout, stderr, status.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Request {
    /// [`MAGIC`].
    pub magic: u32,
    /// Bytes of the plan.
    pub plan_bytes: u32,
}

/// What an [`Event`] tells.
pub mod event {
    /// The supervisor cloned the sandbox; comes with its pidfd.
    pub const SPAWNED: u32 = 1;
    /// The work directory exists; comes with its descriptor.
    pub const WORK: u32 = 2;
    /// The next instruction is the program's.
    pub const STARTED: u32 = 3;
    /// Step `a` of the plan failed with errno `b`; nothing ran.
    pub const FAILED: u32 = 4;
    /// Everything in the sandbox is dead.
    pub const ENDED: u32 = 5;
    /// The run's listener is there; comes with its descriptor.
    pub const LISTENER: u32 = 6;
}

/// Why the init process ended a run.
pub mod stop {
    /// It did not: the program ended by itself.
    pub const NONE: u32 = 0;
    /// The deadline passed.
    pub const WALL: u32 = 1;
    /// Too much memory.
    pub const MEMORY: u32 = 2;
    /// The library asked.
    pub const CANCELLED: u32 = 3;
    /// Too many processes.
    pub const PIDS: u32 = 4;
}

/// Supervisor and init → library, on the status socket of one run.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Event {
    /// [`MAGIC`].
    pub magic: u32,
    /// One of [`event`].
    pub kind: u32,
    /// FAILED: the step's index. ENDED: the wait status of the program.
    pub a: u32,
    /// FAILED: the errno. ENDED: one of [`stop`].
    pub b: u32,
    /// STARTED, ENDED: `CLOCK_MONOTONIC` in nanoseconds.
    pub time_ns: u64,
    /// ENDED: processor time of the tree in microseconds.
    pub cpu_us: u64,
    /// ENDED: peak memory in bytes.
    pub peak_bytes: u64,
    /// ENDED: one or more of [`note`].
    pub notes: u64,
}

/// Things that ENDED reports beside the stop.
pub mod note {
    /// The kernel's memory controller killed a process of the run.
    pub const OUT_OF_MEMORY: u64 = 1;
    /// The kernel refused a process because of the pids limit.
    pub const PIDS_REFUSED: u64 = 2;
    /// The work or temporary directory was full at the end.
    pub const DISK_FULL: u64 = 4;
}

/// Head of a plan's bytes. The records follow, then the data that they point into.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PlanHead {
    /// [`MAGIC`].
    pub magic: u32,
    /// Number of [`Record`]s.
    pub records: u32,
}

/// One step of a plan. `text`, `text2` and `data` are offsets from the start of the plan; texts are NUL-terminated.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Record {
    /// One of [`op`].
    pub op: u32,
    /// Small argument.
    pub flags: u32,
    /// First number.
    pub a: u64,
    /// Second number.
    pub b: u64,
    /// First text, 0 for none.
    pub text: u32,
    /// Second text, 0 for none.
    pub text2: u32,
    /// Bytes, 0 for none.
    pub data: u32,
    /// Length of `data`.
    pub data_bytes: u32,
}

/// The steps of a plan, in the groups of who executes them.
pub mod op {
    /// Supervisor: clone the mount tree at `text` into slot `flags`, set mount attributes `a`, clear `b`.
    pub const OPEN_TREE: u32 = 1;
    /// Supervisor: the next `flags` steps make a view, the same for all runs with the key `a`, `b`.
    pub const VIEW: u32 = 3;
    /// Supervisor → init: clone with flags `a`; what follows happens in the new process.
    pub const CLONE: u32 = 2;

    /// Init: map guest id `a` to the supervisor's, group `b` likewise.
    pub const MAP_IDS: u32 = 10;
    /// Init: enter the run's cgroups and a cgroup namespace; memory limit `a`, process limit `b`.
    pub const JOIN_CGROUP: u32 = 11;
    /// Init: a new session keyring.
    pub const KEYRING: u32 = 12;
    /// Init: host name `text`.
    pub const HOSTNAME: u32 = 13;
    /// Supervisor: a tmpfs of `a` bytes and `b` inodes, the root of a view.
    pub const NEW_ROOT: u32 = 14;
    /// Supervisor, init: make directory `text` with mode `flags`.
    pub const DIRECTORY: u32 = 15;
    /// Supervisor: make link `text` to `text2`.
    pub const SYMLINK: u32 = 16;
    /// Supervisor, init: make file `text` with mode `flags` and content `data`.
    pub const FILE: u32 = 17;
    /// Supervisor, init: attach slot `flags` at `text`.
    pub const ATTACH: u32 = 18;
    /// Init: mount a tmpfs of `a` bytes and `b` inodes at `text`, with mode `flags`.
    pub const TMPFS: u32 = 19;
    /// Init: mount the own process list at `text`.
    pub const PROC: u32 = 20;
    /// Init: make the view the root, let go of the old one.
    pub const PIVOT: u32 = 21;
    /// Supervisor: make the view read-only.
    pub const READ_ONLY: u32 = 25;
    /// Init: take a copy of the view to complete it.
    pub const ENTER_VIEW: u32 = 26;
    /// Init: bring up the loopback of the own network namespace.
    pub const LOOPBACK: u32 = 27;
    /// Init: listen at port `a` of the loopback and hand the socket to the library.
    pub const LISTEN: u32 = 28;
    /// Init: hand the directory `text` to the library.
    pub const SHARE_WORK: u32 = 22;
    /// Init: without namespaces, make the host directory `text`, to be removed at the end.
    pub const WORKSPACE: u32 = 23;
    /// Init: watch over the tree as `data` ([`super::Watch`]) says; what follows happens in its child.
    pub const FORK: u32 = 24;

    /// Program: own session, umask 022, default signals.
    pub const SESSION: u32 = 30;
    /// Program: rlimit `flags` to soft `a`, hard `b`.
    pub const LIMIT: u32 = 31;
    /// Program: descriptors 0–2 from the library, all others closed.
    pub const STDIO: u32 = 32;
    /// Program: no capabilities, now or later.
    pub const CAPABILITIES: u32 = 33;
    /// Program: Landlock ruleset with the attribute bytes `data`.
    pub const LANDLOCK_RULESET: u32 = 34;
    /// Program: allow accesses `a` beneath `text`; a missing path is skipped when `flags` is 1.
    pub const LANDLOCK_ALLOW: u32 = 35;
    /// Program: allow accesses `a` to TCP port `b`.
    pub const LANDLOCK_ALLOW_PORT: u32 = 41;
    /// Program: enforce the ruleset.
    pub const LANDLOCK_RESTRICT: u32 = 36;
    /// Program: enter directory `text`.
    pub const CHDIR: u32 = 37;
    /// Program: load the seccomp filter `data`.
    pub const SECCOMP: u32 = 38;
    /// Program: execute `text`, or the program at descriptor `flags` if that is not 0; `data` holds `a` arguments and then
    /// `b` variables, each NUL-terminated.
    pub const EXEC: u32 = 39;
    /// Program: open the program `text` at descriptor `flags`.
    pub const PROGRAM: u32 = 40;
}

/// How init watches over a run ([`op::FORK`]).
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Watch {
    /// `CLOCK_MONOTONIC` instant at which the run is over, in nanoseconds.
    pub deadline_ns: u64,
    /// Memory of the tree, in bytes; 0 where a cgroup holds it.
    pub memory_bytes: u64,
    /// Processes and threads of the tree; 0 where a cgroup holds them.
    pub pids: u64,
    /// 1: own process namespace, so that the process list is the tree.
    pub owns_processes: u64,
}
