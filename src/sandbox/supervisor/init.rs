//! Process 1 of a run: starts the program, watches its deadline and the tree's limits, reaps, kills, reports.
//!
//! When it reports the end, every process of the run is dead and waited for.

use crate::build::{Built, Run, fail};
use crate::cgroup::Lease;
use crate::kernel::*;
use crate::message;
use crate::seal;
use crate::sys::exit;
use crate::tree::{self, Sample, Tree};
use crate::wire::{Event, Watch, event, note, stop};

/// How often the memory and the processes of a tree are added up where no cgroup does it.
const SAMPLE_NS: u64 = 10_000_000;
/// The same for a tree with a quarter of the processes that it may have: a burst of forks makes hundreds in ten milliseconds.
const HURRIED_SAMPLE_NS: u64 = 1_000_000;

/// Forks the program's process at step `index`, then watches over it. Does not return.
pub fn watch(run: Run, built: Built, index: usize) -> ! {
    let Some(step) = run.plan.record(index) else { fail(&run, index, EINVAL) };
    let watch = read_watch(run.plan.data(&step));
    if watch.owns_processes == 0 && control(PR_SET_CHILD_SUBREAPER, 1, 0).is_err() {
        fail(&run, index, EINVAL);
    }
    let signals = match (signal_descriptor(SIGCHLD), signal_descriptor(SIGTERM)) {
        (Ok(children), Ok(end)) => Signals { children, end },
        (Err(errno), _) | (_, Err(errno)) => fail(&run, index, errno),
    };
    let mut pidfd = -1;
    let program = match fork(0, &mut pidfd) {
        Ok(0) => seal::enter(run, index + 1),
        Ok(pid) => pid as i32,
        Err(errno) => fail(&run, index, errno),
    };
    let _ = set_capabilities(0, 0, 0);
    let _ = control(PR_SET_DUMPABLE, 0, 0);
    // The program's streams end when its processes end, so init must not hold them.
    run.streams.iter().for_each(|stream| close(*stream));

    let tree = Tree { owns_processes: watch.owns_processes != 0 };
    let (status, reason, most) = follow(&run, &watch, &tree, &signals, program);
    tree.kill();
    let killed_status = status.unwrap_or_else(|| tree.reap_until(program));
    tree.reap_all();
    if reason != ABANDONED {
        report(&run, &built, &watch, killed_status, reason, &most);
    }
    if let Some(workspace) = built.workspace {
        wait_for_release(run.status, signals.end);
        tree::remove_directory(workspace);
    }
    exit(0)
}

/// What init is told by signals.
struct Signals {
    children: Fd,
    /// The supervisor ends, or was killed.
    end: Fd,
}

/// A stop that nobody is told about: the host is gone, or learns of it by the end of the status socket.
const ABANDONED: u32 = u32::MAX;

fn read_watch(data: &[u8]) -> Watch {
    let mut watch = Watch::default();
    let number =
        |at: usize| data.get(at * 8..at * 8 + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes);
    watch.deadline_ns = number(0);
    watch.memory_bytes = number(1);
    watch.pids = number(2);
    watch.owns_processes = number(3);
    watch
}

/// Watches until the program ends or must end: its wait status if it ended, the stop, the most that was sampled.
fn follow(run: &Run, watch: &Watch, tree: &Tree, signals: &Signals, program: i32) -> (Option<u32>, u32, Sample) {
    let samples = watch.memory_bytes != 0 || watch.pids != 0;
    let mut most = Sample::default();
    let mut next_sample = now_ns() + SAMPLE_NS;
    loop {
        let now = now_ns();
        if now >= watch.deadline_ns {
            return (None, stop::WALL, most);
        }
        let mut pause = watch.deadline_ns - now;
        if samples {
            pause = pause.min(next_sample.saturating_sub(now));
        }
        // Where nothing tells of memory, the status socket is watched twice.
        let alarm = run.lease.as_ref().and_then(Lease::memory_alarm);
        let [children, status, end] = [signals.children, run.status, signals.end].map(crate::kernel::watch);
        let mut watched = [children, status, end, alarm.unwrap_or(status)];
        let _ = poll(&mut watched, Some(pause));
        if watched[0].is_ready() {
            drain(signals.children);
            while let Ok((pid, status)) = wait(-1, WNOHANG) {
                if pid == program {
                    if samples && status != 0 {
                        // What it left behind may be what it failed of; the program itself is gone and counts.
                        let left = tree.sample(watch.pids);
                        most = most.max(Sample { tasks: left.tasks + 1, ..left });
                    }
                    return (Some(status), stop::NONE, most);
                }
                if pid <= 0 {
                    break;
                }
            }
        }
        if watched[2].is_ready() {
            return (None, ABANDONED, most);
        }
        if watched[1].is_ready() {
            return (None, stop::CANCELLED, most);
        }
        if watched[3].is_ready() {
            return (None, stop::MEMORY, most);
        }
        if samples && now_ns() >= next_sample {
            let sample = tree.sample(watch.pids);
            most = most.max(sample);
            if watch.memory_bytes != 0
                && sample.memory_bytes > watch.memory_bytes
                && tree.proportional_memory(watch.memory_bytes) > watch.memory_bytes
            {
                return (None, stop::MEMORY, most);
            }
            if watch.pids != 0 && sample.tasks > watch.pids {
                return (None, stop::PIDS, most);
            }
            let is_crowded = watch.pids != 0 && sample.tasks > watch.pids / 4;
            next_sample = now_ns() + if is_crowded { HURRIED_SAMPLE_NS } else { SAMPLE_NS };
        }
    }
}

fn report(run: &Run, built: &Built, watch: &Watch, status: u32, reason: u32, most: &Sample) {
    let (cpu_us, largest) = children_usage();
    let mut notes = 0;
    let mut peak = most.memory_bytes.max(largest);
    // An rlimit refuses silently; a tree that was seen at the limit was as good as refused.
    if watch.owns_processes != 0 && watch.pids != 0 && most.tasks >= watch.pids {
        notes |= note::PIDS_REFUSED;
    }
    // `RLIMIT_DATA` refuses as silently, and a quick program ends of it between two looks: what it held tells.
    if watch.memory_bytes != 0 && largest > watch.memory_bytes {
        notes |= note::OUT_OF_MEMORY;
    }
    if let Some(lease) = run.lease {
        peak = match Lease::counter(lease.memory_peak, b"") {
            0 => peak,
            bytes => bytes,
        };
        if Lease::counter(lease.memory_events, b"oom_kill") > built.baseline.0 {
            notes |= note::OUT_OF_MEMORY;
        }
        if Lease::counter(lease.pids_events, b"max") > built.baseline.1 {
            notes |= note::PIDS_REFUSED;
        }
    }
    if let Some((_, blocks, free)) = file_system(built.work)
        && built.workspace.is_none()
        && blocks > 0
        && free == 0
    {
        notes |= note::DISK_FULL;
    }
    let ended = Event {
        kind: event::ENDED,
        a: status,
        b: reason,
        time_ns: now_ns(),
        cpu_us,
        peak_bytes: peak,
        notes,
        ..Event::default()
    };
    message::report(run.status, ended, None);
}

/// Waits until the library, which still reads the work directory, has closed the status socket, or the supervisor ends.
fn wait_for_release(status: Fd, end: Fd) {
    let mut buffer = [0u8; 64];
    loop {
        let mut watched = [status, end].map(crate::kernel::watch);
        let _ = poll(&mut watched, None);
        // A cancellation may still lie in the socket; its end is what counts.
        if watched[1].is_ready() || watched[0].is_ready() && !read(status, &mut buffer).is_ok_and(|bytes| bytes > 0) {
            return;
        }
    }
}
