//! One request: open what the run will see, clone, and let the library know.

use crate::build::{self, Run};
use crate::kernel::*;
use crate::message;
use crate::plan::Plan;
use crate::setup::Supervisor;
use crate::sys::Errno;
use crate::wire::{Event, MAX_FDS, MAX_SLOTS, Request, event, op};

/// Executes the supervisor's part of a plan. Failures are told on the status socket; the supervisor goes on.
pub fn start(supervisor: &mut Supervisor, request: &Request, descriptors: &[Fd; MAX_FDS]) {
    let [plan_file, stdin, stdout, stderr, status] = *descriptors;
    let mut slots = [-1; MAX_SLOTS];
    match Plan::map(plan_file, request.plan_bytes) {
        Ok(plan) => {
            let run =
                Run { plan, streams: [stdin, stdout, stderr], status, lease: None, proc: -1, ids: effective_ids() };
            if let Err((step, errno)) = clone(supervisor, run, &mut slots) {
                let failed = Event { kind: event::FAILED, a: step as u32, b: errno as u32, ..Event::default() };
                message::report(status, failed, None);
            }
            plan.unmap();
        }
        Err(errno) => {
            message::report(status, Event { kind: event::FAILED, b: errno as u32, ..Event::default() }, None);
        }
    }
    for fd in descriptors.iter().chain(slots.iter()) {
        if *fd >= 0 {
            close(*fd);
        }
    }
}

fn clone(supervisor: &mut Supervisor, mut run: Run, slots: &mut [Fd; MAX_SLOTS]) -> Result<(), (usize, Errno)> {
    if !supervisor.groups.has_room() {
        return Err((0, EINVAL));
    }
    let mut index = 0;
    if let Some(namespaces) = supervisor.namespaces {
        run.proc = namespaces.proc;
        enter_namespace(namespaces.host, CLONE_NEWNS).map_err(|errno| (0, errno))?;
        let opened = open_sources(&run.plan, slots, &mut index);
        // Whatever happened, runs are cloned from the minimal tree.
        enter_namespace(namespaces.base, CLONE_NEWNS).map_err(|errno| (index, errno))?;
        opened?;
    }
    let step = run.plan.record(index).ok_or((index, EINVAL))?;
    if step.op != op::CLONE {
        return Err((index, EINVAL));
    }
    if let Some(join) = run.plan.record(index + 2).filter(|next| next.op == op::JOIN_CGROUP) {
        run.lease = supervisor.groups.lease(join.a, join.b).map_err(|errno| (index + 2, errno))?;
    }
    let mut pidfd = -1;
    match fork(step.a as usize | CLONE_PIDFD, &mut pidfd) {
        Ok(0) => build::enter(run, slots, index + 1),
        Ok(pid) => {
            supervisor.groups.hold(run.lease.as_ref(), pid as i32);
            message::report(run.status, Event { kind: event::SPAWNED, ..Event::default() }, Some(pidfd));
            close(pidfd);
            Ok(())
        }
        Err(errno) => Err((index, errno)),
    }
}

fn open_sources(plan: &Plan, slots: &mut [Fd; MAX_SLOTS], index: &mut usize) -> Result<(), (usize, Errno)> {
    while let Some(step) = plan.record(*index).filter(|step| step.op == op::OPEN_TREE) {
        let failed = |errno| (*index, errno);
        let slot = slots.get_mut(step.flags as usize).ok_or(failed(EINVAL))?;
        *slot = open_tree(plan.text(step.text)).map_err(failed)?;
        set_mount_attributes(*slot, text(b"\0"), step.a, step.b, AT_RECURSIVE).map_err(failed)?;
        *index += 1;
    }
    Ok(())
}
