//! The payloads, one row each: what it attempts, what shows that it succeeded, and what may be left of it.
//!
//! A row is contained when nothing of the harm is seen, neither by the payload nor from outside, although the same
//! payload does the harm when nothing holds it (the control).

use skilllite::sandbox::Tier;

/// What shows that a payload did its harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// A secret of the host is in its output or its files.
    Secret,
    /// Something that only the host knows (a line of its files, its name) is in its output.
    Fact,
    /// It says so itself, where nothing outside could.
    Reached,
    /// A listener of the host was spoken to, or the host could speak to the payload.
    Heard,
    /// A file of the host was made, changed or removed.
    Changed,
    /// The victim process is gone.
    Victim,
    /// A process of the payload lives on.
    Stray,
    /// The caller waited for longer than was granted.
    Slow,
    /// The caller holds more output than it asked for.
    Flood,
    /// Something of the run is left on the host.
    Litter,
    /// Reading its files blocks.
    Hang,
}

/// Where the positive control runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// As the user of the half of the suite.
    Own,
    /// As root only; the ordinary user's half relies on that.
    Root,
    /// As an ordinary user, on files that root made.
    Dropped,
    /// Nowhere: there is no harm to show, an answer is judged.
    Absent,
}

/// Harm that is known and accepted.
#[derive(Clone, Copy, Debug)]
pub struct Residual {
    /// In this tier,
    pub tier: Tier,
    /// whoever calls, or an ordinary user only,
    pub is_for_root_too: bool,
    /// for this reason.
    pub reason: &'static str,
}

/// What network the policy gives a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// None.
    Off,
    /// A list without rules.
    Empty,
    /// The stage's service, its open path, and every public host at the port where the secret is told.
    Listed,
}

/// One payload.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Unique, and the name of the payload's function.
    pub id: &'static str,
    /// What it attempts.
    pub name: &'static str,
    /// Its file below `payloads/`.
    pub source: &'static str,
    /// The layer that is in question.
    pub layer: &'static str,
    /// What the control must show.
    pub shows: Evidence,
    /// Where the control runs.
    pub control: Control,
    /// Whether the sandbox may end it before its end.
    pub may_die: bool,
    /// Limits of the call, besides [`LIMITS`], as members of a JSON object.
    pub limits: &'static str,
    /// The network of its policy.
    pub reach: Reach,
    /// Whether the policy forbids subprocesses.
    pub forbids_subprocess: bool,
    /// A variable that the call asks for.
    pub variable: Option<(&'static str, &'static str)>,
    /// Times it is run.
    pub rounds: u32,
    /// Where it is known to succeed, and why that is accepted.
    pub residual: &'static [Residual],
}

/// The limits of every call, as JSON members.
pub const LIMITS: &str = r#""wall_ms":15000,"cpu_ms":8000,"memory_bytes":134217728,"pids":24,"open_files":256,"file_bytes":8388608,"disk_bytes":16777216,"output_bytes":262144"#;

const fn row(id: &'static str, name: &'static str, source: &'static str, layer: &'static str, shows: Evidence) -> Row {
    Row {
        id,
        name,
        source,
        layer,
        shows,
        control: Control::Own,
        may_die: false,
        limits: "",
        reach: Reach::Off,
        forbids_subprocess: false,
        variable: None,
        rounds: 1,
        residual: &[],
    }
}

impl Row {
    /// The name of its skill and of its tool.
    pub fn tool(&self) -> String {
        self.id.to_lowercase().replace('_', "-")
    }

    const fn control(self, control: Control) -> Self {
        Self { control, ..self }
    }

    const fn may_die(self) -> Self {
        Self { may_die: true, ..self }
    }

    const fn limits(self, limits: &'static str) -> Self {
        Self { limits, ..self }
    }

    const fn without_subprocess(self) -> Self {
        Self { forbids_subprocess: true, ..self }
    }

    const fn reach(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    const fn variable(self, name: &'static str, value: &'static str) -> Self {
        Self { variable: Some((name, value)), ..self }
    }

    const fn twice(self) -> Self {
        Self { rounds: 2, ..self }
    }

    const fn residual(self, residual: &'static [Residual]) -> Self {
        Self { residual, ..self }
    }
}

use Control::{Absent, Dropped, Root};
use Evidence::{Changed, Fact, Flood, Hang, Heard, Litter, Reached, Secret, Slow, Stray, Victim};
use Reach::{Empty, Listed};

const FILES: &str = "filesystem.py";
const NETWORK: &str = "network.py";
const PROXY: &str = "proxy.py";
const PROCESS: &str = "process.py";
const RESOURCE: &str = "resource.py";
const KERNEL: &str = "kernel.py";
const INFORMATION: &str = "information.py";
const NO_QUOTA: &[Residual] =
    &[at(Tier::Landlock, "no quota without a mount namespace: only the size of each file is bounded")];
const WATCHES_ITSELF: &str = "a program may watch itself; filters only add up";
const SHOWS_SOURCES: &str = "the kernel names the source of each bind mount, so a skill learns where its folder lies";

const fn at(tier: Tier, reason: &'static str) -> Residual {
    Residual { tier, is_for_root_too: true, reason }
}

const ROOMY: &str = r#""pids":200"#;

/// Must run everywhere before anything else counts.
pub const BENIGN: [Row; 4] = [
    row("B1", "benign Python", "benign.py", "none", Reached).control(Absent),
    row("B2", "benign Node", "benign.js", "none", Reached).control(Absent),
    row("B3", "benign shell", "benign.sh", "none", Reached).control(Absent),
    row("B4", "benign program", "benign.c", "none", Reached).control(Absent),
];

/// The suite.
pub const ROWS: &[Row] = &[
    row("F1", "read /etc/passwd", FILES, "view", Fact),
    row("F2", "read /etc/shadow", FILES, "view", Fact).control(Root),
    row("F3", "read keys and credentials of the home", FILES, "view", Secret),
    row("F4", "list /", FILES, "view", Reached),
    row("F5", "forty times ../", FILES, "view", Secret),
    row("F6", "create files in /, /usr, /etc, the skill", FILES, "view", Changed),
    row("F8", "create a hook and an .env in a project", FILES, "view", Changed),
    row("F9", "rename, remove, truncate, chmod", FILES, "view", Changed),
    row("F9b", "change modes, times, owners, attributes", FILES, "seccomp", Changed),
    row("F10", "symbolic links among the results", FILES, "results", Secret),
    row("F11", "hard link to a secret among the results", FILES, "results", Secret),
    row("F12", "a FIFO, a socket, a folder among the results", FILES, "results", Hang),
    row("F13", "a folder swapped for a link while collecting", FILES, "results", Secret),
    row("F14", "mount tmpfs, proc, bind, overlay", FILES, "seccomp", Reached).control(Root),
    row("F15", "remount writable", FILES, "seccomp", Reached).control(Root),
    row("F16", "unmount /proc and /tmp", FILES, "seccomp", Reached).control(Root),
    row("F17", "chroot and climb out, pivot_root", FILES, "seccomp", Secret).control(Root),
    row("F18", "the new mount interface", FILES, "seccomp", Reached).control(Root),
    row("F19", "open by handle", FILES, "seccomp", Secret).control(Root),
    row("F20", "inherited descriptors", FILES, "descriptors", Secret),
    row("F21", "magic links of /proc", FILES, "view", Secret),
    row("F22", "overwrite its own program", "image.c", "view", Changed),
    row("F23", "make device nodes", FILES, "seccomp", Reached).control(Root),
    row("F24", "a set-user-ID program", "image.c", "no_new_privs", Reached).control(Dropped),
    row("F25", "file capabilities", FILES, "capabilities", Reached).control(Root),
    row("F26", "fill the disk", FILES, "quota", Reached).may_die().residual(NO_QUOTA),
    row("F27", "66 000 files", FILES, "quota", Reached).limits(r#""wall_ms":60000,"cpu_ms":60000"#).residual(NO_QUOTA),
    row("F28", "a sparse file of 1 TiB", FILES, "rlimits", Reached),
    row("F31", "an immutable file", FILES, "capabilities", Reached).control(Root),
    row("F32", "watch the host's folders", FILES, "seccomp", Reached),
    row("F33", "quota, swap, accounting", FILES, "seccomp", Reached).control(Root),
    row("F34", "write to read-only files and mappings", FILES, "view", Reached),
    row("FS", "shell: read a secret, overwrite a file", "out.sh", "view", Secret),
    row("FJ", "Node: read a secret, overwrite a file", "out.js", "view", Secret),
    row("N1", "TCP to 127.0.0.1", NETWORK, "network", Secret),
    row("N2", "TCP to ::1", NETWORK, "network", Secret),
    row("N3", "TCP to an interface's address", NETWORK, "network", Secret),
    row("N4", "UDP, as a DNS query that carries a secret", NETWORK, "network", Heard),
    row("N5", "look up the name of the host", NETWORK, "network", Reached),
    row("N6", "listen for the host", NETWORK, "network", Heard),
    row("N7", "UNIX socket with a path", NETWORK, "view", Secret),
    row("N7b", "UNIX datagram to a path", NETWORK, "view", Heard),
    row("N8", "abstract UNIX socket", NETWORK, "landlock", Secret),
    row("N9", "netlink", NETWORK, "seccomp", Reached),
    row("N10", "packet, XDP and raw sockets", NETWORK, "seccomp", Reached).control(Root),
    row("N11", "AF_VSOCK", NETWORK, "seccomp", Reached),
    row("N12", "every other socket family", NETWORK, "seccomp", Reached),
    row("N12b", "a socket family with dirty upper bits", NETWORK, "seccomp", Reached),
    row("N13", "io_uring", NETWORK, "seccomp", Reached),
    row("N14", "socketcall by the i386 gate", "foreign.c", "seccomp", Reached).may_die(),
    row("N15", "a socket among the standard streams", NETWORK, "descriptors", Reached).control(Absent),
    row("N16", "a host that is not listed", PROXY, "allow-list", Secret).reach(Listed),
    row("N17", "other spellings of the host's address, by CONNECT", PROXY, "canonical form", Secret).reach(Listed),
    row("N17b", "other spellings, in plain HTTP", PROXY, "canonical form", Secret).reach(Listed),
    row("N17c", "other spellings, by SOCKS5", PROXY, "canonical form", Secret).reach(Listed),
    row("N18", "names that resolve to the host itself", PROXY, "addresses", Secret).reach(Listed),
    row("N19", "around the proxy", PROXY, "network", Reached).reach(Listed),
    row("N20", "an empty list", PROXY, "network", Secret).reach(Empty),
    row("N21", "smuggled and mismatched requests", PROXY, "framing", Heard).reach(Listed),
    row("N22", "the proxy of another call", PROXY, "network", Reached).reach(Listed).control(Absent),
    row("N23", "a path that is not listed", PROXY, "allow-list", Heard).reach(Listed),
    row("N24", "TCP fast open", NETWORK, "network", Secret),
    row("N24A", "TCP fast open, with a network", PROXY, "network", Secret).reach(Listed),
    row("N1A", "TCP to 127.0.0.1, with a network", PROXY, "network", Secret).reach(Listed),
    row("N2A", "TCP to ::1, with a network", PROXY, "network", Secret).reach(Listed),
    row("N3A", "TCP to an interface's address, with a network", PROXY, "network", Secret).reach(Listed),
    row("N4A", "UDP, with a network", PROXY, "network", Heard).reach(Listed),
    row("N6A", "listen for the host, with a network", PROXY, "network", Heard).reach(Listed),
    row("N7A", "UNIX sockets with a path, with a network", PROXY, "view", Secret).reach(Listed),
    row("N8A", "abstract UNIX socket, with a network", PROXY, "landlock", Secret).reach(Listed),
    row("N9A", "netlink, with a network", PROXY, "seccomp", Reached).reach(Listed),
    row("N10A", "packet, XDP and raw sockets, with a network", PROXY, "seccomp", Reached).control(Root).reach(Listed),
    row("N12A", "every other socket family, with a network", PROXY, "seccomp", Reached).reach(Listed),
    row("N13A", "io_uring, with a network", PROXY, "seccomp", Reached).reach(Listed),
    row("NJ", "Node: TCP to 127.0.0.1", "out.js", "network", Secret),
    row("P1", "read the command lines of all processes", PROCESS, "pid", Secret),
    row("P1b", "read a process by number", PROCESS, "pid", Secret),
    row("P2", "signal a process, in seven ways", PROCESS, "pid", Victim).may_die(),
    row("P2b", "signal through a descriptor's owner", PROCESS, "pid", Victim),
    row("P3", "ptrace", PROCESS, "seccomp", Reached),
    row("P4", "process_vm_readv", PROCESS, "seccomp", Secret),
    row("P4b", "/proc/PID/mem", PROCESS, "pid", Secret),
    row("P4c", "pidfd_getfd", PROCESS, "seccomp", Secret),
    row("P4d", "kcmp, madvise and writes across processes; init's memory", PROCESS, "seccomp", Reached),
    row("P5", "setns", PROCESS, "seccomp", Reached).control(Root),
    row("P6", "nested user namespaces by unshare, clone, clone3", PROCESS, "seccomp", Reached),
    row("P7", "TIOCSTI, also with dirty upper bits", PROCESS, "seccomp", Reached).control(Root),
    row("P7b", "open a terminal", PROCESS, "view", Reached),
    row("P8", "a daemon deaf to signals", PROCESS, "supervision", Stray),
    row("P8b", "a chain of 100 processes", PROCESS, "supervision", Stray).limits(ROOMY).may_die(),
    row("P8c", "a daemon below its own subreaper", PROCESS, "supervision", Stray),
    row("P9", "an orphan that keeps stdout open", PROCESS, "supervision", Slow),
    row("PS", "shell: a background child", "out.sh", "supervision", Stray),
    row("PJ", "Node: read, kill, detach a child", "out.js", "supervision", Secret),
    row("P12", "a core dump", PROCESS, "rlimits", Reached),
    row("P13", "no_new_privs and capabilities", PROCESS, "no_new_privs", Reached),
    row("P14", "a seccomp listener of its own", PROCESS, "seccomp", Reached).control(Root).residual(&[
        at(Tier::Landlock, WATCHES_ITSELF),
        at(Tier::Namespaces, WATCHES_ITSELF),
        at(Tier::Full, WATCHES_ITSELF),
    ]),
    row("P16", "another program in place of the interpreter", PROCESS, "subprocess", Reached).without_subprocess(),
    row("P16b", "the interpreter once more", PROCESS, "subprocess", Reached).without_subprocess(),
    row("P17", "system, run, popen, spawn, fork, clone", PROCESS, "subprocess", Reached).without_subprocess(),
    row("P18", "stop itself", PROCESS, "supervision", Slow).limits(r#""wall_ms":800"#).may_die(),
    row("P20", "forge a status frame on every descriptor", PROCESS, "descriptors", Heard),
    row("KS", "shell: kill -9", "out.sh", "pid", Victim),
    row("R1", "touch 320 MiB", RESOURCE, "memory", Reached).may_die(),
    row("R2", "50 children of 8 MiB", RESOURCE, "memory", Reached).limits(ROOMY).may_die(),
    row("R3", "320 MiB in a memory file", RESOURCE, "memory", Reached).may_die(),
    row("R3b", "memory in pipes", RESOURCE, "memory", Reached)
        .control(Root)
        .limits(r#""memory_bytes":67108864"#)
        .may_die(),
    row("R3c", "320 MiB of shared memory", RESOURCE, "memory", Reached).may_die(),
    row("R4", "100 processes", RESOURCE, "pids", Reached).may_die(),
    row("R4b", "130 processes, deep and wide", RESOURCE, "pids", Reached).limits(r#""pids":100"#).may_die(),
    row("R4c", "400 processes at once", RESOURCE, "pids", Reached).may_die(),
    row("R5", "100 threads", RESOURCE, "pids", Reached).may_die(),
    row("R6", "burn processor time", RESOURCE, "cpu", Reached).limits(r#""cpu_ms":1000"#).may_die(),
    row("R7", "sleep past the deadline", RESOURCE, "wall", Reached).limits(r#""wall_ms":800"#).may_die(),
    row("R8", "256 MiB of output", RESOURCE, "output", Flood).may_die(),
    row("R9", "256 MiB of errors, stdout closed", RESOURCE, "output", Flood).may_die(),
    row("R10", "2000 descriptors", RESOURCE, "rlimits", Reached),
    row("R12", "100 segments of SysV shared memory", RESOURCE, "seccomp", Reached),
    row("R14", "nice, real-time, input and output priority", RESOURCE, "seccomp", Reached).control(Root),
    row("R15", "100 zombies", RESOURCE, "pids", Reached).may_die(),
    row("R17", "limits of other processes, and raising its own", RESOURCE, "seccomp", Reached),
    row("R18", "folders 3000 deep", RESOURCE, "results", Litter),
    row("R18b", "folders that nobody may enter", RESOURCE, "results", Litter),
    row("K1", "bpf", KERNEL, "seccomp", Reached).control(Root),
    row("K2", "perf_event_open", KERNEL, "seccomp", Reached).control(Root),
    row("K3", "userfaultfd", KERNEL, "seccomp", Reached),
    row("K5", "the session keyring of the host", KERNEL, "keyring", Secret),
    row("K5b", "keyrings", KERNEL, "seccomp", Reached),
    row("K6", "kernel modules", KERNEL, "seccomp", Reached).control(Root),
    row("K7", "kexec, reboot", KERNEL, "seccomp", Reached).control(Root),
    row("K8", "ports, local descriptor table", KERNEL, "seccomp", Reached),
    row("K9", "personality", KERNEL, "seccomp", Reached),
    row("K10", "the kernel's log", KERNEL, "seccomp", Reached).control(Root),
    row("K11", "device nodes of the host", KERNEL, "view", Reached),
    row("K12", "clocks and host names", KERNEL, "seccomp", Reached).control(Root),
    row("K13", "fanotify, file handles", KERNEL, "seccomp", Reached).control(Root),
    row("K14", "vmsplice", KERNEL, "seccomp", Reached),
    row("K15", "memfd_secret", KERNEL, "seccomp", Reached),
    row("K16", "the x32 numbers", KERNEL, "seccomp", Reached).may_die(),
    row("K17", "the i386 gate", "foreign.c", "seccomp", Reached).may_die(),
    row("K18", "the vsyscall page", KERNEL, "seccomp", Reached).control(Absent),
    row("K19", "numbers that do not exist", KERNEL, "seccomp", Reached).control(Absent),
    row("K20", "memory policies", KERNEL, "seccomp", Reached),
    row("K22", "core_pattern and other switches, for writing", KERNEL, "view", Reached).control(Root),
    row("K22b", "a better place with the out-of-memory killer", KERNEL, "view", Reached).control(Root),
    row("K23", "prctl PR_SET_MM", KERNEL, "seccomp", Reached).control(Root),
    row("K26", "aio and SysV IPC", KERNEL, "seccomp", Reached),
    row("I1", "the host's environment", INFORMATION, "environment", Secret),
    row("I2", "the environment of other processes", INFORMATION, "pid", Secret),
    row("I3", "mounts and control groups", INFORMATION, "view", Fact)
        .residual(&[at(Tier::Namespaces, SHOWS_SOURCES), at(Tier::Full, SHOWS_SOURCES)]),
    row("I4", "machine id, boot id, hardware ids", INFORMATION, "view", Fact),
    row("I4b", "host name", INFORMATION, "uts", Fact).residual(&[at(Tier::Landlock, "without a host name of its own")]),
    row("I5", "tables of /proc", INFORMATION, "view", Reached),
    row("I6", "/sys", INFORMATION, "view", Reached),
    row("I7", "user and group ids", INFORMATION, "user", Reached).residual(&[Residual {
        tier: Tier::Landlock,
        is_for_root_too: false,
        reason: "without a user namespace an ordinary caller's id is the program's",
    }]),
    row("I10", "leavings of an earlier run", INFORMATION, "view", Reached).twice(),
    row("I14", "signals, umask, session of the host", INFORMATION, "hygiene", Reached),
    row("I15", "home, user, time zone of the host", INFORMATION, "environment", Reached),
    row("IS", "shell: environments", "out.sh", "environment", Secret),
    row("H9a", "a call sets PYTHONPATH", INFORMATION, "options", Reached).variable("PYTHONPATH", "/stage/evil"),
    row("H9b", "a call sets LD_PRELOAD", INFORMATION, "options", Reached)
        .variable("LD_PRELOAD", "/stage/evil/preload.so"),
    row("H9c", "a call sets BASH_ENV", "out.bash", "options", Reached).variable("BASH_ENV", "/stage/evil/env.sh"),
    row("H9d", "a call sets NODE_OPTIONS", "idle.js", "options", Reached)
        .variable("NODE_OPTIONS", "--require=/stage/evil/require.js"),
    row("H9e", "a call sets PYTHONSTARTUP and PYTHONHOME", INFORMATION, "options", Reached)
        .control(Absent)
        .variable("pythonhome", "/stage/evil"),
    row("H9h", "the host's own PYTHONPATH", INFORMATION, "environment", Reached),
];

/// The payloads of earlier comparisons, judged as those did and by effect.
pub const SEED: &[Row] = &[
    row("S1_read_etc_passwd", "read /etc/passwd", "seed.py", "view", Fact),
    row("S2_read_ssh_key", "read an SSH key", "seed.py", "view", Secret),
    row("S3_write_tmp_file", "write to /tmp", "seed.py", "view", Changed),
    row("S4_path_traversal", "read by way of ../", "seed.py", "view", Fact),
    row("S5_list_root_dir", "list /", "seed.py", "view", Reached),
    row("S6_http_request", "HTTP request", "seed.py", "network", Heard),
    row("S7_dns_lookup", "DNS lookup", "seed.py", "network", Heard).control(Absent),
    row("S8_socket_listen", "listen on a port", "seed.py", "network", Heard),
    row("S9_os_system", "os.system", "seed.py", "view", Secret),
    row("S10_subprocess_run", "subprocess.run", "seed.py", "view", Secret),
    row("S11_process_list", "list processes", "seed.py", "pid", Secret),
    row("S12_kill_process", "kill a process", "seed.py", "pid", Victim),
    row("S13_memory_bomb", "500 MiB", "seed.py", "memory", Reached).may_die(),
    row("S14_fork_bomb", "fork", "seed.py", "supervision", Stray),
    row("S15_cpu_intensive", "burn processor time", "seed.py", "cpu", Reached).limits(r#""cpu_ms":1000"#).may_die(),
    row("S16_dynamic_import", "__import__", "seed.py", "view", Secret),
    row("S17_eval_exec", "eval", "seed.py", "view", Secret),
    row("S18_modify_builtins", "replace a builtin", "seed.py", "view", Secret),
    row("S19_env_variables", "read the environment", "seed.py", "environment", Secret),
    row("S20_system_info", "read system information", "seed.py", "environment", Reached),
];
