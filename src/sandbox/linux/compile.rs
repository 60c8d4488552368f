//! Policy and command → plan: a pure function of its inputs, so that every plan can be tested without privileges.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

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

/// A view of its own: new namespaces and a root that holds what the command names.
fn own_view(inputs: &Inputs, steps: &mut Vec<Step>) {
    let (policy, command) = (inputs.policy, inputs.command);
    let mut entries = view_entries(inputs);
    // Parents before children, whatever order they came in.
    entries.sort_by_key(|entry| entry.path().components().count());

    let mut slot = 0;
    let mut attachments = Vec::new();
    for entry in &entries {
        if let Entry::Tree { mount, is_device } = entry {
            steps.push(Step::OpenTree {
                slot,
                source: mount.source.clone(),
                is_writable: mount.is_writable,
                is_device: *is_device,
            });
            attachments.push(slot);
            slot += 1;
        }
    }
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
    steps.push(Step::Clone { namespaces, flags: flags as u64 });
    steps.push(Step::MapIds { user: GUEST, group: GUEST });
    if inputs.tier == Tier::Full {
        let limits = &policy.limits;
        // Init counts too.
        steps.push(Step::JoinGroups { memory_bytes: limits.memory_bytes, pids: limits.pids + 1 });
    }
    steps.push(Step::Keyring);
    steps.push(Step::HostName { name: "sandbox" });
    steps.push(Step::NewRoot { bytes: ROOT_BYTES, inodes: INODES });

    let mut made = vec![PathBuf::from("/")];
    let mut mounted: Vec<(PathBuf, bool)> = Vec::new();
    let mut slots = attachments.into_iter();
    for entry in &entries {
        let path = entry.path();
        // Inside an attached tree of the host the place exists already, and could not be made.
        let is_given = mounted.iter().any(|(root, is_host)| *is_host && path.starts_with(root));
        if !is_given {
            make_parents(path, &mut made, steps);
        }
        match entry {
            Entry::Tree { mount, .. } => {
                if !is_given && !made.contains(&mount.target) {
                    steps.push(match mount.is_directory {
                        true => Step::Directory { path: mount.target.clone(), mode: 0o755 },
                        false => Step::File { path: mount.target.clone(), mode: 0o644, content: Vec::new() },
                    });
                    made.push(mount.target.clone());
                }
                let slot = slots.next().unwrap_or_default();
                steps.push(Step::Attach { slot, path: mount.target.clone() });
                mounted.push((mount.target.clone(), true));
            }
            Entry::Scratch { path, mode } => {
                if !made.contains(path) {
                    steps.push(Step::Directory { path: path.clone(), mode: 0o755 });
                    made.push(path.clone());
                }
                let bytes = policy.limits.disk_bytes;
                steps.push(Step::Tmpfs { path: path.clone(), bytes, inodes: INODES, mode: *mode });
                mounted.push((path.clone(), false));
            }
            Entry::Link { path, target } if !is_given => {
                steps.push(Step::Link { path: path.clone(), target: target.clone() });
            }
            Entry::Text { path, content } if !is_given => {
                let content = content.as_bytes().to_vec();
                steps.push(Step::File { path: path.clone(), mode: 0o644, content });
            }
            Entry::Processes { path } => {
                if !made.contains(path) {
                    steps.push(Step::Directory { path: path.clone(), mode: 0o555 });
                    made.push(path.clone());
                }
                steps.push(Step::Proc { path: path.clone() });
            }
            Entry::Link { .. } | Entry::Text { .. } => {}
        }
    }
    steps.push(Step::Pivot);
    steps.push(Step::ShareWork { path: command.layout.work.clone() });
}

/// A place in the view.
enum Entry {
    Tree { mount: Mount, is_device: bool },
    Scratch { path: PathBuf, mode: u32 },
    Link { path: PathBuf, target: OsString },
    Text { path: PathBuf, content: &'static str },
    Processes { path: PathBuf },
}

impl Entry {
    fn path(&self) -> &Path {
        match self {
            Entry::Tree { mount, .. } => &mount.target,
            Entry::Scratch { path, .. } | Entry::Link { path, .. } => path,
            Entry::Text { path, .. } | Entry::Processes { path } => path,
        }
    }
}

fn view_entries(inputs: &Inputs) -> Vec<Entry> {
    let layout = &inputs.command.layout;
    let mut entries: Vec<Entry> = Vec::new();
    for mount in inputs.mounts {
        let is_listed = entries.iter().any(|entry| entry.path() == mount.target);
        if !is_listed {
            entries.push(Entry::Tree { mount: mount.clone(), is_device: false });
        }
    }
    for device in DEVICES {
        let path = Path::new("/dev").join(device);
        let mount = Mount { source: path.clone(), target: path, is_directory: false, is_writable: true };
        entries.push(Entry::Tree { mount, is_device: true });
    }
    entries.push(Entry::Scratch { path: layout.work.clone(), mode: 0o755 });
    entries.push(Entry::Scratch { path: layout.temporary.clone(), mode: 0o1777 });
    entries.push(Entry::Processes { path: PathBuf::from("/proc") });
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
    let mut missing: Vec<&Path> =
        path.ancestors().skip(1).take_while(|ancestor| !made.iter().any(|done| done == ancestor)).collect();
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
    put("fsize", libc::RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes);
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
