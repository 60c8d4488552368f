//! The program's process: each step takes something away, the last one executes.

use crate::build::{Run, fail};
use crate::kernel::*;
use crate::message;
use crate::sys::{Errno, Sys};
use crate::wire::{Event, Record, event, op};

/// Where the status socket is from [`op::STDIO`] on.
const STATUS: Fd = 3;

/// Executes the steps behind the fork. Does not return.
pub fn enter(mut run: Run, first: usize) -> ! {
    // Without a process namespace, init's death would not end the program by itself.
    let _ = control(PR_SET_PDEATHSIG, SIGKILL as usize, 0);
    let mut index = first;
    let mut ruleset = -1;
    while let Some(step) = run.plan.record(index) {
        if let Err(errno) = execute_step(&mut run, &mut ruleset, &step) {
            fail(&run, index, errno);
        }
        index += 1;
    }
    fail(&run, index, EINVAL)
}

fn execute_step(run: &mut Run, ruleset: &mut Fd, step: &Record) -> Sys<()> {
    let plan = run.plan;
    match step.op {
        op::SESSION => {
            setsid()?;
            set_umask(0o022);
            // The supervisor set every disposition to its default, and nothing since has changed one.
            unblock_signals();
        }
        op::LIMIT => drop(set_limit(step.flags, step.a, step.b)?),
        op::PROGRAM => {
            raise_descriptor_limit()?;
            let program = open(AT_FDCWD, plan.text(step.text), O_PATH, 0)?;
            duplicate_at(program, step.flags as Fd)?;
            close(program);
        }
        op::STDIO => {
            for (number, stream) in run.streams.iter().enumerate() {
                duplicate_to(*stream, number as Fd)?;
            }
            // The status socket is needed until exec. What else the supervisor holds would count against the limit.
            if run.status != STATUS {
                duplicate_at(run.status, STATUS)?;
            }
            run.status = STATUS;
            close_range(STATUS as u32 + 1, u32::MAX);
        }
        op::CAPABILITIES => drop_capabilities()?,
        op::LANDLOCK_RULESET => *ruleset = landlock_ruleset(plan.data(step))?,
        op::LANDLOCK_ALLOW => match open(AT_FDCWD, plan.text(step.text), O_PATH, 0) {
            Ok(parent) => {
                let allowed = landlock_allow(*ruleset, step.a, parent);
                close(parent);
                allowed?;
            }
            Err(_) if step.flags == 1 => {}
            Err(errno) => return Err(errno),
        },
        op::LANDLOCK_ALLOW_PORT => drop(landlock_allow_port(*ruleset, step.a, step.b)?),
        op::LANDLOCK_RESTRICT => {
            landlock_restrict(*ruleset)?;
            close(*ruleset);
        }
        op::CHDIR => drop(change_directory(plan.text(step.text))?),
        op::SECCOMP => drop(load_filter(plan.data(step))?),
        op::EXEC => return Err(execute_program(run, step)),
        _ => return Err(EINVAL),
    }
    Ok(())
}

/// Empties the bounding set, the ambient set and the other three, and rules out that any comes back.
fn drop_capabilities() -> Sys<()> {
    // NOROOT, NO_SETUID_FIXUP, KEEP_CAPS off, NO_CAP_AMBIENT_RAISE, each locked.
    const LOCKED: usize = 0b1110_1111;
    const CLEAR_ALL: usize = 4;
    control(PR_SET_NO_NEW_PRIVS, 1, 0)?;
    let mut capability = 0;
    // Without CAP_SETPCAP (no own user namespace) the bounding set stays; no_new_privs makes it irrelevant.
    while control(PR_CAPBSET_DROP, capability, 0).is_ok() {
        capability += 1;
    }
    let _ = control(PR_SET_SECUREBITS, LOCKED, 0);
    let _ = control(PR_CAP_AMBIENT, CLEAR_ALL, 0);
    set_capabilities(0, 0, 0).map(drop)
}

/// Splits the step's data into arguments and variables, and executes. Returns the reason when that fails.
fn execute_program(run: &Run, step: &Record) -> Errno {
    let (arguments, variables) = (step.a as usize, step.b as usize);
    let data = run.plan.data(step);
    let strings = data.iter().filter(|byte| **byte == 0).count();
    if strings != arguments.saturating_add(variables) || data.last().is_some_and(|byte| *byte != 0) {
        return EINVAL;
    }
    let pointers = strings + 2;
    let Ok(table) = map_anonymous(pointers * size_of::<usize>()) else { return ENAMETOOLONG };
    let table = table.cast::<*const u8>();
    let mut place = 0;
    let mut starts = true;
    for byte in data {
        if starts {
            // The mapping is zeroed, so skipping one entry leaves the NULL that ends the arguments.
            let position = if place < arguments { place } else { place + 1 };
            // SAFETY: `place` counts strings, of which there are `pointers - 2`.
            unsafe { table.add(position).write(byte) };
            place += 1;
        }
        starts = *byte == 0;
    }
    let started = Event { kind: event::STARTED, time_ns: now_ns(), ..Event::default() };
    message::report(run.status, started, None);
    // Descriptors from 3 on are close-on-exec without exception; the status socket must live until exec succeeds.
    if mark_close_on_exec().is_err() {
        return EINVAL;
    }
    // SAFETY: the table holds `arguments` pointers, a NULL, `variables` pointers and a NULL.
    let variables = unsafe { table.add(arguments + 1) };
    match step.flags {
        0 => execute(run.plan.text(step.text), table, variables),
        descriptor => execute_open(descriptor as Fd, table, variables),
    }
}
