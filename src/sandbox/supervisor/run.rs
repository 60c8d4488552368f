//! One request: open what the run will see, clone, and let the library know.

use crate::build::{self, Run};
use crate::kernel::*;
use crate::message;
use crate::plan::Plan;
use crate::setup::Supervisor;
use crate::sys::Errno;
use crate::view;
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
        let head = run.plan.record(0).filter(|head| head.op == op::VIEW).ok_or((0, EINVAL))?;
        let view = supervisor.views.namespace(&namespaces, &run, slots, &head, 0);
        index = 1 + head.flags as usize;
        let has_late_sources = run.plan.record(index).is_some_and(|step| step.op == op::OPEN_TREE);
        let opened = match &view {
            Ok(_) if has_late_sources => view::open_sources(&namespaces, &run, slots, &mut index),
            _ => Ok(()),
        };
        let from = *view.as_ref().unwrap_or(&namespaces.base);
        enter_namespace(from, CLONE_NEWNS).map_err(|errno| (index, errno))?;
        view?;
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
