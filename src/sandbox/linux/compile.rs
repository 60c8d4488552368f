//! Policy and command → plan: a pure function of its inputs, so that every plan can be tested without privileges.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::host::Host;
use super::landlock;
use super::seccomp::{Filters, Rules};
use crate::sandbox::plan::{Plan, Step, Supervision};
use crate::sandbox::{Command, Policy, Tier};

/// The guest's ids inside its user namespace.
const GUEST: u32 = 1000;
/// Files and directories that a temporary file system may hold.
const INODES: u64 = 65_536;
/// The root holds directories and links only.
const ROOT_BYTES: u64 = 1 << 20;
/// Devices of the minimal `/dev`.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/shm", "/tmp"),
];
/// Files of `/etc` that programs look for, saying nothing about the host.
const ETC: [(&str, &str); 4] = [
    ("/etc/passwd", "sandbox:x:1000:1000:sandbox:/tmp:/bin/sh\n"),
    ("/etc/group", "sandbox:x:1000:\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
];

/// A host path in the view, after a look at what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// On the host.
    pub source: PathBuf,
    /// In the sandbox.
    pub target: PathBuf,
    /// Device and inode of the source.
    pub identity: [u64; 2],
    /// Directory or file.
    pub is_directory: bool,
    /// Whether the guest may write there.
    pub is_writable: bool,
}

/// Everything a plan depends on.
pub struct Inputs<'a> {
    /// The rules.
    pub policy: &'a Policy,
    /// The program.
    pub command: &'a Command,
    /// Binds of the command, the home, paths of the policy.
    pub mounts: &'a [Mount],
    /// Files beside the program that must stay executable where subprocesses are forbidden: its loader.
    pub loader: Option<&'a Path>,
    /// What the host gives.
    pub host: &'a Host,
    /// The tier to build.
    pub tier: Tier,
    /// `CLOCK_MONOTONIC` end of the run, in nanoseconds.
    pub deadline_ns: u64,
    /// The filters for [`rules`].
    pub filters: &'a Filters,
}

/// Which filters a run needs.
pub fn rules(policy: &Policy, tier: Tier) -> Rules {
    Rules {
        allows_subprocess: policy.allows_subprocess,
        accounts_memory: tier == Tier::Full,
        shares_host: tier == Tier::Landlock,
    }
}

/// Compiles.
pub fn compile(inputs: &Inputs) -> Plan {
    let mut plan = Plan::default();
    match inputs.tier {
        Tier::Landlock => host_view(inputs, &mut plan.steps),
        Tier::Namespaces | Tier::Full => own_view(inputs, &mut plan.steps),
    }
    input_files(inputs.command, &mut plan.steps);
    plan.steps.push(Step::Fork { watch: supervision(inputs) });
    seal(inputs, &mut plan.steps);
    plan
}

fn supervision(inputs: &Inputs) -> Supervision {
    let limits = &inputs.policy.limits;
    Supervision {
        deadline_ns: inputs.deadline_ns,
        memory_bytes: if inputs.tier == Tier::Full { 0 } else { limits.memory_bytes },
        // A user namespace of its own makes RLIMIT_NPROC a limit of the run alone, but nobody is told that it refused.
        pids: if inputs.tier == Tier::Full { 0 } else { limits.pids },
        owns_processes: inputs.tier != Tier::Landlock,
    }
}

/// A view of its own: what runs have in common, made once; then new namespaces, and what belongs to this run.
fn own_view(inputs: &Inputs, steps: &mut Vec<Step>) {
    let (policy, command) = (inputs.policy, inputs.command);
    let scratch = [(&command.layout.work, 0o755), (&command.layout.temporary, 0o1777)];
    let processes = PathBuf::from("/proc");
    let mut entries = view_entries(inputs);
    // Parents before children, whatever order they came in.
    entries.sort_by_key(|entry| entry.path().components().count());
    // What lies in a directory that each run has for itself can only be attached there.
    let (late, common): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| scratch.iter().any(|(root, _)| entry.path().starts_with(root)));

    let mut view = Builder::default();
    view.open(&common, 0);
    view.steps.push(Step::NewRoot { bytes: ROOT_BYTES, inodes: INODES });
    view.place(&common, 0);
    for place in [scratch[0].0, scratch[1].0, &processes] {
        view.make_directory(place);
    }
    view.steps.push(Step::ReadOnly);
    let opened = view.slots;
    steps.push(Step::View { key: key_of(&view.steps), steps: view.steps.len() as u32 });
    steps.append(&mut view.steps);

    let made = scratch.iter().map(|(path, _)| (*path).clone()).collect();
    let mut own = Builder { made, ..Builder::default() };
    own.open(&late, opened);
    steps.append(&mut own.steps);
    steps.push(clone_step(inputs));
    steps.push(Step::MapIds { user: GUEST, group: GUEST });
    if inputs.tier == Tier::Full {
        let limits = &policy.limits;
        // Init counts too.
        steps.push(Step::JoinGroups { memory_bytes: limits.memory_bytes, pids: limits.pids + 1 });
    }
    steps.push(Step::Keyring);
    steps.push(Step::HostName { name: "sandbox" });
    steps.push(Step::EnterView);
    for (path, mode) in scratch {
        let bytes = policy.limits.disk_bytes;
        steps.push(Step::Tmpfs { path: path.clone(), bytes, inodes: INODES, mode });
    }
    own.place(&late, opened);
    steps.append(&mut own.steps);
    steps.push(Step::Proc { path: processes });
    steps.push(Step::Pivot);
    steps.push(Step::ShareWork { path: command.layout.work.clone() });
}

fn clone_step(inputs: &Inputs) -> Step {
    let mut namespaces = vec!["user", "mount", "pid", "ipc", "uts"];
    let mut flags =
        libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    if landlock::scopes(inputs.host.landlock_abi) == 0 {
        // Abstract sockets of concurrent runs would meet in the shared empty network namespace.
        namespaces.push("net");
        flags |= libc::CLONE_NEWNET;
    } else {
        namespaces.push("net=shared-empty");
    }
    Step::Clone { namespaces, flags: flags as u64 }
}

/// Names a view by everything that it consists of.
fn key_of(steps: &[Step]) -> [u64; 2] {
    let mut hash = Sha256::new();
    for step in steps {
        hash.update(step.to_string());
        if let Step::OpenTree { identity: [device, inode], .. } = step {
            // A path whose file was replaced is another view.
            hash.update(device.to_ne_bytes());
            hash.update(inode.to_ne_bytes());
        }
        if let Step::File { content, .. } = step {
            hash.update(content);
        }
        hash.update([0]);
    }
    let digest = hash.finalize();
    let word = |at: usize| digest.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes);
    [word(0), word(8)]
}

/// Steps that put entries into a root.
#[derive(Default)]
struct Builder {
    steps: Vec<Step>,
    /// Directories that exist.
    made: Vec<PathBuf>,
    /// Trees of the host that are attached: what lies in them exists, and cannot be made.
    attached: Vec<PathBuf>,
    /// Slots in use.
    slots: u32,
}

impl Builder {
    /// Opens the trees among `entries`, into slots from `first` on.
    fn open(&mut self, entries: &[Entry], first: u32) {
        self.slots = first;
        for entry in entries {
            if let Entry::Tree { mount, is_device } = entry {
                self.steps.push(Step::OpenTree {
                    slot: self.slots,
                    source: mount.source.clone(),
                    identity: mount.identity,
                    is_writable: mount.is_writable,
                    is_device: *is_device,
                });
                self.slots += 1;
            }
        }
    }

    /// Puts `entries` in place, whose trees are in slots from `first` on.
    fn place(&mut self, entries: &[Entry], first: u32) {
        let mut slot = first;
        for entry in entries {
            let path = entry.path();
            let is_given = self.attached.iter().any(|root| path.starts_with(root));
            if !is_given {
                make_parents(path, &mut self.made, &mut self.steps);
            }
            match entry {
                Entry::Tree { mount, .. } => {
                    if !is_given && mount.is_directory {
                        self.make_directory(path);
                    } else if !is_given {
                        self.steps.push(Step::File { path: path.to_path_buf(), mode: 0o644, content: Vec::new() });
                    }
                    self.steps.push(Step::Attach { slot, path: path.to_path_buf() });
                    self.attached.push(path.to_path_buf());
                    slot += 1;
                }
                Entry::Link { target, .. } if !is_given => {
                    self.steps.push(Step::Link { path: path.to_path_buf(), target: target.clone() });
                }
                Entry::Text { content, .. } if !is_given => {
                    let content = content.as_bytes().to_vec();
                    self.steps.push(Step::File { path: path.to_path_buf(), mode: 0o644, content });
                }
                Entry::Link { .. } | Entry::Text { .. } => {}
            }
        }
    }

    fn make_directory(&mut self, path: &Path) {
        make_parents(path, &mut self.made, &mut self.steps);
        if !self.made.iter().any(|made| made == path) {
            self.steps.push(Step::Directory { path: path.to_path_buf(), mode: 0o755 });
            self.made.push(path.to_path_buf());
        }
    }
}

/// A place in the view.
enum Entry {
    Tree { mount: Mount, is_device: bool },
    Link { path: PathBuf, target: OsString },
    Text { path: PathBuf, content: &'static str },
}

impl Entry {
    fn path(&self) -> &Path {
        match self {
            Entry::Tree { mount, .. } => &mount.target,
            Entry::Link { path, .. } | Entry::Text { path, .. } => path,
        }
    }
}

fn view_entries(inputs: &Inputs) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for mount in inputs.mounts {
        let is_listed = entries.iter().any(|entry| entry.path() == mount.target);
        if !is_listed {
            entries.push(Entry::Tree { mount: mount.clone(), is_device: false });
        }
    }
    for device in DEVICES {
        let path = Path::new("/dev").join(device);
        let mount =
            Mount { source: path.clone(), target: path, identity: [0; 2], is_directory: false, is_writable: true };
        entries.push(Entry::Tree { mount, is_device: true });
    }
    let links = DEVICE_LINKS.iter().map(|(path, target)| (PathBuf::from(path), OsString::from(target)));
    let given = inputs.command.symlinks.iter().map(|(path, target)| (path.clone(), target.clone().into_os_string()));
    for (path, target) in links.chain(given) {
        if !entries.iter().any(|entry| entry.path() == path) {
            entries.push(Entry::Link { path, target });
        }
    }
    for (path, content) in ETC {
        let path = PathBuf::from(path);
        if !entries.iter().any(|entry| entry.path() == path) {
            entries.push(Entry::Text { path, content });
        }
    }
    entries
}

fn make_parents(path: &Path, made: &mut Vec<PathBuf>, steps: &mut Vec<Step>) {
    let is_missing = |ancestor: &&Path| ancestor.parent().is_some() && !made.iter().any(|done| done == ancestor);
    let mut missing: Vec<&Path> = path.ancestors().skip(1).take_while(is_missing).collect();
    missing.reverse();
    for directory in missing {
        steps.push(Step::Directory { path: directory.to_path_buf(), mode: 0o755 });
        made.push(directory.to_path_buf());
    }
}

/// The host's view, of which Landlock will leave little: a folder on the host for work and temporary files.
fn host_view(inputs: &Inputs, steps: &mut Vec<Step>) {
    let layout = &inputs.command.layout;
    steps.push(Step::Clone { namespaces: Vec::new(), flags: 0 });
    steps.push(Step::Keyring);
    if let Some(workspace) = layout.work.parent() {
        steps.push(Step::Workspace { path: workspace.to_path_buf() });
    }
    steps.push(Step::Directory { path: layout.work.clone(), mode: 0o755 });
    steps.push(Step::Directory { path: layout.temporary.clone(), mode: 0o755 });
    steps.push(Step::ShareWork { path: layout.work.clone() });
}

fn input_files(command: &Command, steps: &mut Vec<Step>) {
    let mut made = vec![command.layout.work.clone()];
    for (path, content) in &command.files {
        let path = command.layout.work.join(path);
        make_parents(&path, &mut made, steps);
        steps.push(Step::File { path, mode: 0o644, content: content.clone() });
    }
}

fn seal(inputs: &Inputs, steps: &mut Vec<Step>) {
    let (policy, command, host) = (inputs.policy, inputs.command, inputs.host);
    steps.push(Step::Session);
    steps.push(Step::Streams);
    rlimits(inputs, steps);
    steps.push(Step::Enter { path: command.working_directory.clone() });
    steps.push(Step::Capabilities);
    if host.landlock_abi > 0 {
        let abi = host.landlock_abi;
        steps.push(Step::Ruleset {
            abi,
            files: landlock::handled_files(abi),
            network: landlock::handled_network(abi),
            scopes: landlock::scopes(abi),
        });
        steps.extend(landlock_rules(inputs));
        steps.push(Step::Restrict);
    }
    for (summary, program) in inputs.filters {
        steps.push(Step::Filter { summary: summary.clone(), program: program.clone() });
    }
    let given = policy.environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let mut environment = command.environment.clone();
    for (name, value) in given {
        match environment.iter_mut().find(|(known, _)| *known == name) {
            Some(variable) => variable.1 = value,
            None => environment.push((name, value)),
        }
    }
    steps.push(Step::Exec { program: command.program.clone(), arguments: command.arguments.clone(), environment });
}

fn rlimits(inputs: &Inputs, steps: &mut Vec<Step>) {
    let limits = &inputs.policy.limits;
    let cpu_seconds = limits.cpu_ms.div_ceil(1000);
    let mut put = |name, resource: libc::__rlimit_resource_t, soft: u64, hard: u64| {
        // The host's own hard limit cannot be raised.
        let most = inputs.host.hard_limits.get(resource as usize).copied().unwrap_or(u64::MAX);
        steps.push(Step::Limit { name, resource, soft: soft.min(most), hard: hard.min(most) });
    };
    put("cpu", libc::RLIMIT_CPU, cpu_seconds, cpu_seconds + 1);
    let file_bytes = limits.file_bytes.min(limits.disk_bytes);
    put("fsize", libc::RLIMIT_FSIZE, file_bytes, file_bytes);
    put("core", libc::RLIMIT_CORE, 0, 0);
    put("nofile", libc::RLIMIT_NOFILE, limits.open_files, limits.open_files);
    put("stack", libc::RLIMIT_STACK, 8 << 20, 8 << 20);
    put("memlock", libc::RLIMIT_MEMLOCK, 1 << 20, 1 << 20);
    put("msgqueue", libc::RLIMIT_MSGQUEUE, 0, 0);
    put("sigpending", libc::RLIMIT_SIGPENDING, 1024, 1024);
    put("nice", libc::RLIMIT_NICE, 0, 0);
    put("rtprio", libc::RLIMIT_RTPRIO, 0, 0);
    if inputs.tier != Tier::Landlock {
        // Init counts too. The kernel asks the rlimit first and counts only what the group refuses, so there is room for one more.
        let most = limits.pids + if inputs.tier == Tier::Full { 2 } else { 1 };
        put("nproc", libc::RLIMIT_NPROC, most, most);
    }
    if inputs.tier != Tier::Full {
        // Init adds up the tree every few milliseconds; this stops what one process could take in between.
        let data = limits.memory_bytes + limits.memory_bytes / 4;
        put("data", libc::RLIMIT_DATA, data, data);
    }
}

fn landlock_rules(inputs: &Inputs) -> Vec<Step> {
    let (policy, command, abi) = (inputs.policy, inputs.command, inputs.host.landlock_abi);
    let mut rules = Vec::new();
    let mut allow = |path: &Path, access: u64, summary: &'static str, is_optional: bool| {
        rules.push(Step::Allow { path: path.to_path_buf(), access, summary, is_optional });
    };
    let execute = if policy.allows_subprocess { landlock::EXECUTE } else { 0 };
    let own = landlock::own(abi) & !(landlock::EXECUTE & !execute);
    if inputs.tier == Tier::Landlock {
        for mount in inputs.mounts {
            let access = landlock::read() | execute;
            let access = if mount.is_directory { access } else { landlock::on_file(access) };
            allow(&mount.target, access, "read", false);
        }
        allow(Path::new("/proc/self"), landlock::read(), "read", true);
    } else {
        allow(Path::new("/"), landlock::read() | execute, "read", false);
    }
    if !policy.allows_subprocess {
        for program in [Some(command.program.as_path()), inputs.loader].into_iter().flatten() {
            allow(program, landlock::on_file(landlock::execute()), "execute", false);
        }
    }
    allow(&command.layout.work, own, "own", false);
    allow(&command.layout.temporary, own, "own", false);
    for mount in inputs.mounts.iter().filter(|mount| mount.is_writable) {
        let access = if mount.is_directory { own } else { landlock::on_file(own) };
        allow(&mount.target, access, "own", false);
    }
    for device in DEVICES {
        allow(&Path::new("/dev").join(device), landlock::device(abi), "device", false);
    }
    rules
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
