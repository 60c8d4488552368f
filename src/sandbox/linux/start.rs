//! From a pending run to a running one: compile, make descriptors, ask the supervisor.

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::time::{ClockId, clock_gettime};

use super::capture::Capture;
use super::compile::{self, Inputs};
use super::link::{self, Link};
use super::live::Live;
use super::memory_file::{self, Use};
use super::reactor::Shared;
use super::run::{Pending, Run};
use super::view::Mount;
use crate::error::{Error, Result, Status};
use crate::sandbox::plan::Plan;
use crate::sandbox::wire::MAX_SLOTS;
use crate::sandbox::{Command, Isolation, Tier};

/// Starts `run`, or finishes it with the reason why not; tells whether it runs.
pub fn dispatch(shared: &Arc<Shared>, run: &Arc<Run>) -> bool {
    let Some(pending) = run.take_pending() else { return false };
    let mut result = begin(shared, run, &pending);
    if let Err(Failure::Lost(link)) = &result {
        // The supervisor was killed since the last run: a new one is as good.
        shared.forget_link(link);
        result = begin(shared, run, &pending);
    }
    let error = match result {
        Ok(()) => return true,
        Err(Failure::Lost(_)) => {
            Error::new(Status::Supervisor, "the supervisor ended twice in a row; see the system log")
        }
        Err(Failure::Refused(error)) => error,
    };
    shared.forget(run.id);
    run.finish(Err(error));
    false
}

enum Failure {
    Lost(Arc<Link>),
    Refused(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Refused(error)
    }
}

fn begin(shared: &Arc<Shared>, run: &Arc<Run>, pending: &Pending) -> Result<(), Failure> {
    let policy = &pending.policy;
    let link = shared.link(policy)?;
    let deadline = pending.start + Duration::from_millis(policy.limits.wall_ms);
    let start_ns = monotonic_ns().saturating_sub(pending.start.elapsed().as_nanos() as u64);
    let plan = plan(shared, &link, pending, start_ns)?;
    let rendered = plan.render();
    let plan_file = memory_file::sealed(&rendered, Use::Read)?;
    let stdin = memory_file::sealed(&pending.command.stdin, Use::Read)?;
    let (stdout, guest_stdout) = output_pipe()?;
    let (stderr, guest_stderr) = output_pipe()?;
    let (status, guest_status) = link::status_pair()?;
    let isolation = Isolation { tier: pending.tier, layers: link.host.layers(pending.tier, policy) };
    let output_bytes = policy.limits.output_bytes;
    let live = Live {
        start: pending.start,
        start_ns,
        deadline,
        limits: policy.limits,
        isolation,
        plan,
        link: Arc::clone(&link),
        status,
        streams: [Some((stdout, Capture::new(output_bytes))), Some((stderr, Capture::new(output_bytes)))],
        captured: [None, None],
        tap: run.tap.clone(),
        process: None,
        work: None,
        uplink: pending.uplink.clone(),
        setup: Duration::ZERO,
        is_cancelled: false,
    };
    run.set_live(live, |live| shared.register(run.id, live))?;
    let descriptors =
        [plan_file.as_fd(), stdin.as_fd(), guest_stdout.as_fd(), guest_stderr.as_fd(), guest_status.as_fd()];
    link.request(rendered.len(), descriptors).map_err(|_| {
        run.unset_live();
        Failure::Lost(link)
    })
}

/// The plan of a run that begins at `start_ns`.
pub fn plan(shared: &Shared, link: &Link, pending: &Pending, start_ns: u64) -> Result<Plan> {
    let policy = &pending.policy;
    let filters = shared.filters(compile::rules(policy, pending.tier, &link.host))?;
    let loader = if policy.allows_subprocess { None } else { loader(&host_path(&pending.command)) };
    Ok(compile::compile(&Inputs {
        policy,
        command: &pending.command,
        mounts: &mounts(pending)?,
        loader: loader.as_deref(),
        host: &link.host,
        tier: pending.tier,
        deadline_ns: start_ns.saturating_add(policy.limits.wall_ms.saturating_mul(1_000_000)),
        filters: &filters,
        views: &shared.views,
    }))
}

fn monotonic_ns() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// A pipe whose read end does not block and whose write end does.
fn output_pipe() -> Result<(OwnedFd, OwnedFd)> {
    let failed = |error: nix::Error| {
        Error::new(Status::Resources, format!("no descriptors for a pipe: {error}; raise RLIMIT_NOFILE"))
    };
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    nix::fcntl::fcntl(&read, nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(failed)?;
    Ok((read, write))
}

/// Looks at every path that the run names.
fn mounts(pending: &Pending) -> Result<Vec<Mount>> {
    let (command, policy) = (&pending.command, &pending.policy);
    let mut mounts = Vec::new();
    let mut add = |source: &Path, target: &Path, is_writable: bool, key: &str| -> Result<()> {
        let failed = |status, reason: String| Error::new(status, format!("{key} {}: {reason}", source.display()));
        if !source.is_absolute() {
            return Err(failed(Status::InvalidConfig, "must be an absolute path".into()));
        }
        let metadata = fs::metadata(source).map_err(|error| failed(Status::Io, error.to_string()))?;
        let kind = metadata.file_type();
        if !kind.is_dir() && !kind.is_file() && !kind.is_char_device() {
            return Err(failed(Status::InvalidConfig, "is neither a file nor a directory".into()));
        }
        mounts.push(Mount {
            source: source.to_path_buf(),
            target: target.to_path_buf(),
            identity: [metadata.dev(), metadata.ino()],
            is_directory: kind.is_dir(),
            is_writable,
        });
        Ok(())
    };
    // The first mount at a path counts, so what the policy grants comes before what the program needs.
    for path in &policy.write_paths {
        add(path, path, true, "write_paths")?;
    }
    for path in &policy.read_paths {
        add(path, path, false, "read_paths")?;
    }
    add(&command.home_source, &command.layout.home, false, "the folder")?;
    for bind in &command.binds {
        add(&bind.source, &bind.target, bind.is_writable, "the path")?;
    }
    if mounts.len() + 8 > MAX_SLOTS {
        return Err(Error::new(
            Status::InvalidConfig,
            format!(
                "the call needs {} mounts, at most {} fit; grant directories instead of files",
                mounts.len(),
                MAX_SLOTS - 8
            ),
        ));
    }
    if pending.tier == Tier::Landlock {
        // Landlock follows links by itself and knows no second place for a path.
        mounts.retain(|mount| mount.source == mount.target);
    }
    Ok(mounts)
}

/// The program's path on the host: interpreters keep theirs, files of the folder move with it.
fn host_path(command: &Command) -> PathBuf {
    match command.program.strip_prefix(&command.layout.home) {
        Ok(inside) => command.home_source.join(inside),
        Err(_) => command.program.clone(),
    }
}

/// The dynamic loader named by the executable at `program`.
fn loader(program: &Path) -> Option<PathBuf> {
    const PROGRAM_HEADERS_AT: usize = 0x20;
    const PT_INTERP: u32 = 3;
    let mut head = Vec::new();
    fs::File::open(program).ok()?.take(64 << 10).read_to_end(&mut head).ok()?;
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let long = |at: usize| head.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes);
    let short = |at: usize| head.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes);
    let table = usize::try_from(long(PROGRAM_HEADERS_AT)?).ok()?;
    let (size, count) = (usize::from(short(0x36)?), usize::from(short(0x38)?));
    for index in 0..count {
        let header = table.checked_add(index.checked_mul(size)?)?;
        let kind = head.get(header..header.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)?;
        if kind == PT_INTERP {
            let start = usize::try_from(long(header.checked_add(8)?)?).ok()?;
            let bytes = usize::try_from(long(header.checked_add(0x20)?)?).ok()?;
            let name = head.get(start..start.checked_add(bytes)?)?;
            let name = name.split(|byte| *byte == 0).next()?;
            return Some(PathBuf::from(std::str::from_utf8(name).ok()?));
        }
    }
    None
}
