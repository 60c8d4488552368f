//! A sandbox as a list: every step in the order in which it happens, with every argument rendered in advance.
//!
//! [`super::compile`] makes a plan from a policy; printing it shows what will happen; [`Plan::render`] gives the bytes
//! that the supervisor executes. A reader of the printed list knows the sandbox.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::wire::{self, Record, Watch, op};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are what the printed form names
pub enum Step {
    /// Open a mount tree of the host for a later [`Step::Attach`].
    OpenTree { slot: u32, source: PathBuf, identity: [u64; 2], is_writable: bool, is_device: bool },
    /// What follows, `steps` long, makes a view: the part of the file tree that runs have in common. It is made with the
    /// first run that has this key and kept.
    View { key: [u64; 2], steps: u32 },
    /// Clone into new namespaces.
    Clone { namespaces: Vec<&'static str>, flags: u64 },
    /// Map the one id of the guest.
    MapIds { user: u32, group: u32 },
    /// Enter accounting groups.
    JoinGroups { memory_bytes: u64, pids: u64 },
    /// Take a new session keyring.
    Keyring,
    /// Set the host name.
    HostName { name: &'static str },
    /// Bring up the loopback of the own network namespace.
    Loopback,
    /// Listen on it, and hand the socket to the library.
    Listen { port: u16 },
    /// Start an empty root.
    NewRoot { bytes: u64, inodes: u64 },
    /// Make a directory.
    Directory { path: PathBuf, mode: u32 },
    /// Make a symbolic link.
    Link { path: PathBuf, target: OsString },
    /// Make a file.
    File { path: PathBuf, mode: u32, content: Vec<u8> },
    /// Attach an opened tree.
    Attach { slot: u32, path: PathBuf },
    /// Mount a bounded tmpfs.
    Tmpfs { path: PathBuf, bytes: u64, inodes: u64, mode: u32 },
    /// Mount the list of own processes.
    Proc { path: PathBuf },
    /// Make the view read-only.
    ReadOnly,
    /// Take a copy of the view, to complete it for this run.
    EnterView,
    /// Make the completed view the root and let go of the old one.
    Pivot,
    /// Make a folder on the host that is removed at the end.
    Workspace { path: PathBuf },
    /// Hand the work directory to the library.
    ShareWork { path: PathBuf },
    /// Fork: process 1 watches, its child goes on.
    Fork { watch: Supervision },
    /// Own session, default signals, umask 022.
    Session,
    /// Set a resource limit.
    Limit { name: &'static str, resource: u32, soft: u64, hard: u64 },
    /// Open the program at a descriptor that the later limit of descriptors puts out of reach.
    Program { path: PathBuf, descriptor: u32 },
    /// Take the three streams, close everything else at exec.
    Streams,
    /// Drop every capability for good.
    Capabilities,
    /// Begin a Landlock ruleset.
    Ruleset { abi: u32, files: u64, network: u64, scopes: u64 },
    /// Allow accesses beneath a path.
    Allow { path: PathBuf, access: u64, summary: &'static str, is_optional: bool },
    /// Allow to connect to a TCP port, of whatever host.
    AllowPort { port: u16, access: u64 },
    /// Enforce the ruleset.
    Restrict,
    /// Enter the working directory.
    Enter { path: PathBuf },
    /// Load a seccomp filter.
    Filter { summary: String, program: Vec<u8> },
    /// Execute: the path, or the descriptor of [`Step::Program`].
    Exec { program: PathBuf, descriptor: Option<u32>, arguments: Vec<OsString>, environment: Vec<(OsString, OsString)> },
}

/// What process 1 of a run watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supervision {
    /// `CLOCK_MONOTONIC` instant of the end, in nanoseconds.
    pub deadline_ns: u64,
    /// Memory of the tree to add up, 0 where a group accounts for it.
    pub memory_bytes: u64,
    /// Processes of the tree to count, 0 where the kernel does.
    pub pids: u64,
    /// Whether a process namespace holds the tree.
    pub owns_processes: bool,
}

/// A compiled sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps in order.
    pub steps: Vec<Step>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>3} {step}", index + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::OpenTree { slot, source, is_writable, is_device, .. } => {
                let access = if *is_writable { "rw" } else { "ro" };
                let device = if *is_device { "" } else { ",nodev" };
                write!(f, "open-tree    {slot} {} {access},nosuid{device}", source.display())
            }
            Step::View { steps, .. } => {
                write!(f, "view         the next {steps} steps, once for all runs that share them")
            }
            Step::Clone { namespaces, .. } => write!(f, "clone        {}", namespaces.join(" ")),
            Step::MapIds { user, group } => write!(f, "map-ids      {user}:{group}, groups denied"),
            Step::JoinGroups { memory_bytes, pids } => write!(f, "join-groups  memory {memory_bytes}, pids {pids}"),
            Step::Keyring => write!(f, "keyring      new session"),
            Step::HostName { name } => write!(f, "host-name    {name}"),
            Step::Loopback => write!(f, "loopback     up, the only interface"),
            Step::Listen { port } => write!(f, "listen       127.0.0.1:{port}, handed to the library"),
            Step::NewRoot { bytes, inodes } => write!(f, "new-root     {bytes} bytes, {inodes} inodes, nosuid,nodev"),
            Step::Directory { path, mode } => write!(f, "directory    {} {mode:o}", path.display()),
            Step::Link { path, target } => write!(f, "link         {} -> {}", path.display(), target.display()),
            Step::File { path, mode, content } => {
                write!(f, "file         {} {mode:o}, {} bytes", path.display(), content.len())
            }
            Step::Attach { slot, path } => write!(f, "attach       {slot} {}", path.display()),
            Step::Tmpfs { path, bytes, inodes, .. } => {
                write!(f, "tmpfs        {} {bytes} bytes, {inodes} inodes, nosuid,nodev", path.display())
            }
            Step::Proc { path } => write!(f, "proc         {} own processes only", path.display()),
            Step::ReadOnly => write!(f, "read-only    the view"),
            Step::EnterView => write!(f, "enter-view   a copy"),
            Step::Pivot => write!(f, "pivot        the view is the root, the old root is detached"),
            Step::Workspace { path } => write!(f, "workspace    {} removed at the end", path.display()),
            Step::ShareWork { path } => write!(f, "share-work   {}", path.display()),
            Step::Fork { watch } => {
                write!(f, "fork         init watches: deadline")?;
                if watch.memory_bytes > 0 {
                    write!(f, ", memory {}", watch.memory_bytes)?;
                }
                if watch.pids > 0 {
                    write!(f, ", pids {}", watch.pids)?;
                }
                Ok(())
            }
            Step::Session => write!(f, "session      new, default signals, umask 022"),
            Step::Limit { name, soft, hard, .. } => write!(f, "limit        {name} {soft}:{hard}"),
            Step::Program { path, descriptor } => write!(f, "program      {} at {descriptor}", path.display()),
            Step::Streams => write!(f, "streams      0-2, all else closed at exec"),
            Step::Capabilities => write!(f, "capabilities none, no_new_privs, securebits locked"),
            Step::Ruleset { abi, network, scopes, .. } => {
                write!(f, "landlock     abi {abi}: files")?;
                if *network != 0 {
                    write!(f, ", tcp")?;
                }
                if *scopes != 0 {
                    write!(f, ", scope signals and abstract sockets")?;
                }
                Ok(())
            }
            Step::Allow { path, summary, .. } => write!(f, "allow        {} {summary}", path.display()),
            Step::AllowPort { port, .. } => write!(f, "allow        tcp port {port} connect"),
            Step::Restrict => write!(f, "restrict     landlock"),
            Step::Enter { path } => write!(f, "enter        {}", path.display()),
            Step::Filter { summary, .. } => write!(f, "seccomp      {summary}"),
            Step::Exec { program, arguments, environment, .. } => {
                write!(
                    f,
                    "exec         {} {} arguments, {} variables",
                    program.display(),
                    arguments.len(),
                    environment.len()
                )
            }
        }
    }
}

impl Plan {
    /// The bytes that the supervisor executes.
    pub fn render(&self) -> Vec<u8> {
        let mut writer = Writer::new(self.steps.len());
        let records: Vec<Record> = self.steps.iter().map(|step| writer.record(step)).collect();
        writer.finish(&records)
    }
}

/// Collects the texts and data that records point into.
struct Writer {
    data_start: usize,
    data: Vec<u8>,
}

impl Writer {
    fn new(steps: usize) -> Self {
        let data_start = size_of::<wire::PlanHead>() + steps * size_of::<Record>();
        Self { data_start, data: Vec::new() }
    }

    fn text(&mut self, text: &OsStr) -> u32 {
        let offset = self.data_start + self.data.len();
        self.data.extend_from_slice(text.as_bytes());
        self.data.push(0);
        offset as u32
    }

    fn bytes(&mut self, record: &mut Record, bytes: &[u8]) {
        // BPF programs and attributes are read in place as words.
        while !(self.data_start + self.data.len()).is_multiple_of(8) {
            self.data.push(0);
        }
        record.data = (self.data_start + self.data.len()) as u32;
        record.data_bytes = bytes.len() as u32;
        self.data.extend_from_slice(bytes);
    }

    fn record(&mut self, step: &Step) -> Record {
        let mut r = Record::default();
        match step {
            Step::OpenTree { slot, source, is_writable, is_device, .. } => {
                const RDONLY_NOSUID_NODEV: [u64; 3] = [1, 2, 4];
                let [rdonly, nosuid, nodev] = RDONLY_NOSUID_NODEV;
                r.op = op::OPEN_TREE;
                r.flags = *slot;
                r.a = nosuid | if *is_writable { 0 } else { rdonly } | if *is_device { 0 } else { nodev };
                r.text = self.text(source.as_os_str());
            }
            Step::View { key: [high, low], steps } => (r.op, r.flags, r.a, r.b) = (op::VIEW, *steps, *high, *low),
            Step::Clone { flags, .. } => (r.op, r.a) = (op::CLONE, *flags),
            Step::MapIds { user, group } => (r.op, r.a, r.b) = (op::MAP_IDS, u64::from(*user), u64::from(*group)),
            Step::JoinGroups { memory_bytes, pids } => (r.op, r.a, r.b) = (op::JOIN_CGROUP, *memory_bytes, *pids),
            Step::Keyring => r.op = op::KEYRING,
            Step::HostName { name } => (r.op, r.text) = (op::HOSTNAME, self.text(OsStr::new(name))),
            Step::Loopback => r.op = op::LOOPBACK,
            Step::Listen { port } => (r.op, r.a) = (op::LISTEN, u64::from(*port)),
            Step::NewRoot { bytes, inodes } => (r.op, r.a, r.b) = (op::NEW_ROOT, *bytes, *inodes),
            Step::Directory { path, mode } => {
                (r.op, r.flags, r.text) = (op::DIRECTORY, *mode, self.text(path.as_os_str()));
            }
            Step::Link { path, target } => {
                (r.op, r.text, r.text2) = (op::SYMLINK, self.text(path.as_os_str()), self.text(target));
            }
            Step::File { path, mode, content } => {
                (r.op, r.flags, r.text) = (op::FILE, *mode, self.text(path.as_os_str()));
                self.bytes(&mut r, content);
            }
            Step::Attach { slot, path } => (r.op, r.flags, r.text) = (op::ATTACH, *slot, self.text(path.as_os_str())),
            Step::Tmpfs { path, bytes, inodes, mode } => {
                (r.op, r.flags, r.a, r.b) = (op::TMPFS, *mode, *bytes, *inodes);
                r.text = self.text(path.as_os_str());
            }
            Step::Proc { path } => (r.op, r.text) = (op::PROC, self.text(path.as_os_str())),
            Step::ReadOnly => r.op = op::READ_ONLY,
            Step::EnterView => r.op = op::ENTER_VIEW,
            Step::Pivot => r.op = op::PIVOT,
            Step::Workspace { path } => (r.op, r.text) = (op::WORKSPACE, self.text(path.as_os_str())),
            Step::ShareWork { path } => (r.op, r.text) = (op::SHARE_WORK, self.text(path.as_os_str())),
            Step::Fork { watch } => {
                r.op = op::FORK;
                let watch = Watch {
                    deadline_ns: watch.deadline_ns,
                    memory_bytes: watch.memory_bytes,
                    pids: watch.pids,
                    owns_processes: u64::from(watch.owns_processes),
                };
                let words = [watch.deadline_ns, watch.memory_bytes, watch.pids, watch.owns_processes];
                self.bytes(&mut r, &words.map(u64::to_ne_bytes).concat());
            }
            Step::Session => r.op = op::SESSION,
            Step::Limit { resource, soft, hard, .. } => {
                (r.op, r.flags, r.a, r.b) = (op::LIMIT, *resource, *soft, *hard)
            }
            Step::Program { path, descriptor } => {
                (r.op, r.flags, r.text) = (op::PROGRAM, *descriptor, self.text(path.as_os_str()));
            }
            Step::Streams => r.op = op::STDIO,
            Step::Capabilities => r.op = op::CAPABILITIES,
            Step::Ruleset { abi, files, network, scopes } => {
                r.op = op::LANDLOCK_RULESET;
                // The kernel refuses attributes that are longer than the ABI knows and not zero beyond it.
                let fields = match abi {
                    0..=3 => 1,
                    4..=5 => 2,
                    _ => 3,
                };
                let attribute = [*files, *network, *scopes].map(u64::to_ne_bytes).concat();
                self.bytes(&mut r, attribute.get(..fields * 8).unwrap_or(&attribute));
            }
            Step::Allow { path, access, is_optional, .. } => {
                (r.op, r.a, r.flags) = (op::LANDLOCK_ALLOW, *access, u32::from(*is_optional));
                r.text = self.text(path.as_os_str());
            }
            Step::AllowPort { port, access } => (r.op, r.a, r.b) = (op::LANDLOCK_ALLOW_PORT, *access, u64::from(*port)),
            Step::Restrict => r.op = op::LANDLOCK_RESTRICT,
            Step::Enter { path } => (r.op, r.text) = (op::CHDIR, self.text(path.as_os_str())),
            Step::Filter { program, .. } => {
                r.op = op::SECCOMP;
                self.bytes(&mut r, program);
            }
            Step::Exec { program, descriptor, arguments, environment } => {
                (r.op, r.a, r.b) = (op::EXEC, arguments.len() as u64, environment.len() as u64);
                r.flags = descriptor.unwrap_or(0);
                r.text = self.text(program.as_os_str());
                let mut block = Vec::new();
                for argument in arguments {
                    block.extend_from_slice(argument.as_bytes());
                    block.push(0);
                }
                for (name, value) in environment {
                    block.extend_from_slice(name.as_bytes());
                    block.push(b'=');
                    block.extend_from_slice(value.as_bytes());
                    block.push(0);
                }
                self.bytes(&mut r, &block);
            }
        }
        r
    }

    fn finish(self, records: &[Record]) -> Vec<u8> {
        let mut plan = Vec::with_capacity(self.data_start + self.data.len() + 1);
        plan.extend_from_slice(&wire::MAGIC.to_ne_bytes());
        plan.extend_from_slice(&(records.len() as u32).to_ne_bytes());
        for r in records {
            plan.extend_from_slice(&[r.op, r.flags].map(u32::to_ne_bytes).concat());
            plan.extend_from_slice(&[r.a, r.b].map(u64::to_ne_bytes).concat());
            plan.extend_from_slice(&[r.text, r.text2, r.data, r.data_bytes].map(u32::to_ne_bytes).concat());
        }
        plan.extend_from_slice(&self.data);
        plan.push(0);
        plan
    }
}
