//! Policy and command → plan: a pure function of its inputs, so that every plan can be tested without privileges.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;

use super::host::Host;
use super::landlock;
use super::seccomp::{Filters, Rules, Sockets};
use super::view::{self, DEVICES, Mount, Views};
use crate::sandbox::plan::{Plan, Step, Supervision};
use crate::sandbox::{Command, Network, Policy, Tier};

/// The guest's ids inside its user namespace.
const GUEST: u32 = 1000;
/// What a program may know of its own process where `/proc` is the host's. Not the whole directory: `net`, `mountinfo`,
/// `cgroup` and the same below `task` tell of the host.
const OWN_PROCESS: [&str; 9] = ["auxv", "cmdline", "comm", "limits", "maps", "smaps_rollup", "stat", "statm", "status"];

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
    /// Views compiled before.
    pub views: &'a Views,
}

/// Which filters a run needs.
pub fn rules(policy: &Policy, tier: Tier, host: &Host) -> Rules {
    Rules {
        sole_program: sole_program(policy, host),
        accounts_memory: tier == Tier::Full,
        shares_host: tier == Tier::Landlock,
        sockets: match (tier, policy.network) {
            (Tier::Landlock, Network::Closed) => Sockets::Pairs,
            (Tier::Landlock, Network::Listener { .. }) => Sockets::TcpClient,
            (_, Network::Closed) => Sockets::Unix,
            (_, Network::Listener { .. }) => Sockets::UnixAndTcp,
        },
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

/// Where the one program that may be executed is opened: at or beyond the limit of descriptors, so that the program cannot
/// put another there. Powers of two, because each number needs its own filter.
fn sole_program(policy: &Policy, host: &Host) -> Option<u32> {
    let most = host.hard_limits.get(libc::RLIMIT_NOFILE as usize).copied().unwrap_or(u64::MAX);
    let descriptor = policy.limits.open_files.next_power_of_two().min(most.saturating_sub(1));
    (!policy.allows_subprocess).then(|| u32::try_from(descriptor).unwrap_or(u32::MAX >> 1))
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

/// A view of the run's own: what runs have in common, made once; then new namespaces, and what belongs to this run.
fn own_view(inputs: &Inputs, steps: &mut Vec<Step>) {
    let (policy, command) = (inputs.policy, inputs.command);
    let view = inputs.views.of(inputs.mounts, &command.symlinks, &command.layout);
    steps.extend_from_slice(&view.common);
    steps.extend_from_slice(&view.opened);
    steps.push(clone_step(inputs));
    steps.push(Step::MapIds { user: GUEST, group: GUEST });
    if inputs.tier == Tier::Full {
        let limits = &policy.limits;
        // Init counts too.
        steps.push(Step::JoinGroups { memory_bytes: limits.memory_bytes, pids: limits.pids + 1 });
    }
    if let Network::Listener { port } = policy.network {
        steps.push(Step::Loopback);
        steps.push(Step::Listen { port });
    }
    steps.push(Step::Keyring);
    steps.push(Step::HostName { name: "sandbox" });
    steps.push(Step::EnterView);
    for (path, mode) in view::scratch(&command.layout) {
        let bytes = policy.limits.disk_bytes;
        steps.push(Step::Tmpfs { path: path.to_path_buf(), bytes, inodes: view::INODES, mode });
    }
    steps.extend_from_slice(&view.placed);
    steps.push(Step::Proc { path: view::PROCESSES.into() });
    steps.push(Step::Pivot);
    steps.push(Step::ShareWork { path: command.layout.work.clone() });
}

fn clone_step(inputs: &Inputs) -> Step {
    let mut namespaces = vec!["user", "mount", "pid", "ipc", "uts"];
    let mut flags =
        libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    if has_own_loopback(inputs) {
        namespaces.push("net=loopback");
        flags |= libc::CLONE_NEWNET;
    } else if landlock::scopes(inputs.host.landlock_abi) == 0 {
        // Abstract sockets of concurrent runs would meet in the shared empty network namespace.
        namespaces.push("net");
        flags |= libc::CLONE_NEWNET;
    } else {
        namespaces.push("net=shared-empty");
    }
    Step::Clone { namespaces, flags: flags as u64 }
}

/// Whether the run has a network namespace with a loopback.
fn has_own_loopback(inputs: &Inputs) -> bool {
    inputs.tier != Tier::Landlock && inputs.policy.network != Network::Closed
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
    let mut made = HashSet::from([command.layout.work.clone(), command.layout.temporary.clone()]);
    for (path, content) in &command.files {
        let path = command.layout.work.join(path);
        view::make_parents(&path, &mut made, steps);
        steps.push(Step::File { path, mode: 0o644, content: content.clone() });
    }
}

fn seal(inputs: &Inputs, steps: &mut Vec<Step>) {
    let (policy, command, host) = (inputs.policy, inputs.command, inputs.host);
    steps.push(Step::Session);
    steps.push(Step::Streams);
    let sole_program = sole_program(policy, host);
    if let Some(descriptor) = sole_program {
        steps.push(Step::Program { path: command.program.clone(), descriptor });
    }
    rlimits(inputs, steps);
    steps.push(Step::Enter { path: command.working_directory.clone() });
    steps.push(Step::Capabilities);
    if host.landlock_abi > 0 {
        let abi = host.landlock_abi;
        steps.push(Step::Ruleset {
            abi,
            files: landlock::handled_files(abi),
            // On a loopback of its own a program may serve and use what it likes.
            network: if has_own_loopback(inputs) { 0 } else { landlock::handled_network(abi) },
            scopes: landlock::scopes(abi),
        });
        steps.extend(landlock_rules(inputs));
        if let (Tier::Landlock, Network::Listener { port }) = (inputs.tier, policy.network) {
            steps.push(Step::AllowPort { port, access: landlock::CONNECT_TCP });
        }
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
    steps.push(Step::Exec {
        program: command.program.clone(),
        descriptor: sole_program,
        arguments: command.arguments.clone(),
        environment,
    });
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
    let open_files = limits.open_files.min(sole_program(inputs.policy, inputs.host).map_or(u64::MAX, u64::from));
    put("nofile", libc::RLIMIT_NOFILE, open_files, open_files);
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
        for entry in OWN_PROCESS {
            allow(&Path::new("/proc/self").join(entry), landlock::on_file(landlock::read()), "read", true);
        }
        allow(Path::new("/proc/self/fd"), landlock::read(), "read", true);
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
