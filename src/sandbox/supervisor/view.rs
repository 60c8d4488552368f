//! Views: file trees that runs have in common, each in a mount namespace of its own, from which the runs are cloned.
//!
//! Making a view costs more than the rest of a run's setup, so the latest are kept. A view is read-only; what a run writes
//! to is mounted by the run itself, in its copy.

use crate::build::{self, Run};
use crate::kernel::*;
use crate::mounts::*;
use crate::setup::Namespaces;
use crate::sys::Errno;
use crate::wire::{MAX_SLOTS, Record, op};

/// Most views that are kept.
const MAX_VIEWS: usize = 32;

/// The kept views.
pub struct Views {
    views: [Option<View>; MAX_VIEWS],
    /// The place that is taken next.
    oldest: usize,
}

#[derive(Clone, Copy)]
struct View {
    key: [u64; 2],
    namespace: Fd,
}

impl Views {
    /// None yet.
    pub const fn new() -> Views {
        Views { views: [None; MAX_VIEWS], oldest: 0 }
    }

    /// The mount namespace of the view that starts at step `index` of the run's plan, made if there is none. Leaves the
    /// supervisor in that namespace or in `base`.
    pub fn namespace(
        &mut self,
        namespaces: &Namespaces,
        run: &Run,
        slots: &mut [Fd; MAX_SLOTS],
        head: &Record,
        index: usize,
    ) -> Result<Fd, (usize, Errno)> {
        let key = [head.a, head.b];
        if let Some(view) = self.views.iter().flatten().find(|view| view.key == key) {
            return Ok(view.namespace);
        }
        let namespace = make(namespaces, run, slots, index + 1, index + 1 + head.flags as usize)?;
        if let Some(place) = self.views.get_mut(self.oldest) {
            if let Some(former) = place.replace(View { key, namespace }) {
                close(former.namespace);
            }
            self.oldest = (self.oldest + 1) % MAX_VIEWS;
        }
        Ok(namespace)
    }
}

/// Executes the steps `first..end` in a copy of the base tree.
fn make(
    namespaces: &Namespaces,
    run: &Run,
    slots: &mut [Fd; MAX_SLOTS],
    first: usize,
    end: usize,
) -> Result<Fd, (usize, Errno)> {
    let mut index = first;
    open_sources(namespaces, run, slots, &mut index)?;
    let at = |index: usize| move |errno| (index, errno);
    unshare(CLONE_NEWNS).map_err(at(index))?;
    change_directory(text(b"/view\0")).map_err(at(index))?;
    while index < end {
        let step = run.plan.record(index).ok_or((index, EINVAL))?;
        build::place(run, slots, &step).map_err(at(index))?;
        index += 1;
    }
    change_directory(text(b"/\0")).map_err(at(index))?;
    open(namespaces.proc, text(b"self/ns/mnt\0"), O_RDONLY, 0).map_err(at(index))
}

/// Executes the `OPEN_TREE` steps from `index` on, where the host's mounts are, and returns to the base tree.
pub fn open_sources(
    namespaces: &Namespaces,
    run: &Run,
    slots: &mut [Fd; MAX_SLOTS],
    index: &mut usize,
) -> Result<(), (usize, Errno)> {
    enter_namespace(namespaces.host, CLONE_NEWNS).map_err(|errno| (*index, errno))?;
    let opened = open_each(run, slots, index);
    // Whatever happened, runs are not cloned from the host's tree.
    enter_namespace(namespaces.base, CLONE_NEWNS).map_err(|errno| (*index, errno))?;
    opened
}

fn open_each(run: &Run, slots: &mut [Fd; MAX_SLOTS], index: &mut usize) -> Result<(), (usize, Errno)> {
    while let Some(step) = run.plan.record(*index).filter(|step| step.op == op::OPEN_TREE) {
        let failed = |errno| (*index, errno);
        let slot = slots.get_mut(step.flags as usize).ok_or(failed(EINVAL))?;
        *slot = open_tree(run.plan.text(step.text)).map_err(failed)?;
        set_mount_attributes(*slot, text(b"\0"), step.a, step.b, AT_RECURSIVE).map_err(failed)?;
        *index += 1;
    }
    Ok(())
}
