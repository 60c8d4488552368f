//! The supervisor: the one process that starts sandboxes for a host.
//!
//! A static executable without `std`, built by build.rs, embedded in the library and run from a sealed memfd. It is
//! single-threaded, holds what is made once per engine (namespaces, a minimal mount tree, cgroups) and executes plans
//! that the library compiled; it decides nothing by itself. It dies with its host: end of file on the control socket or
//! the host's pidfd ends it, and every run has it as parent-death signal.
//!
//! | room | what it is |
//! | --- | --- |
//! | [`setup`] | the namespaces and identity that all runs share |
//! | [`cgroup`] | leases of accounting groups |
//! | [`view`] | file trees that runs have in common |
//! | [`run`] | one request: find its view, clone |
//! | [`build`] | in the clone, still privileged in its own namespaces: the view completed |
//! | [`network`] | a loopback of the run's own, and a listener there |
//! | [`init`] | process 1 of a run: watch, reap, kill, report |
//! | [`seal`] | the program's process: everything that narrows it, then exec |
#![no_std]
#![no_main]
// The memory routines of `sys` must not be compiled into calls of themselves.
#![no_builtins]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]

mod build;
mod cgroup;
mod init;
mod kernel;
mod message;
mod mounts;
mod network;
mod plan;
mod run;
mod seal;
mod setup;
mod sys;
mod text;
mod tree;
mod view;
#[path = "../wire.rs"]
#[allow(dead_code)]
mod wire;

use core::arch::global_asm;

use kernel::Fd;
use message::Received;

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call supervisor_start", "ud2");
#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x29, #0", "mov x0, sp", "bl supervisor_start", "brk #1");

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    sys::exit(101)
}

/// Reads `argv[1]`, the number of the control socket, and serves it until the host is gone.
///
/// # Safety
/// `stack` is the initial stack pointer of the process.
#[unsafe(no_mangle)]
unsafe extern "C" fn supervisor_start(stack: *const usize) -> ! {
    // SAFETY: the kernel puts argc and then argv at the initial stack pointer.
    let (argc, argv) = unsafe { (*stack, stack.add(1).cast::<*const u8>()) };
    if argc < 2 {
        sys::exit(2);
    }
    let mut number: i32 = 0;
    // SAFETY: argv[1] is a NUL-terminated string.
    unsafe {
        let mut digit = *argv.add(1);
        while (*digit).is_ascii_digit() {
            number = number.wrapping_mul(10).wrapping_add(i32::from(*digit - b'0'));
            digit = digit.add(1);
        }
    }
    serve(number)
}

/// Adopts the control socket, sets up, then executes one request after the other.
fn serve(inherited: Fd) -> ! {
    kernel::block_signals();
    kernel::default_signals();
    let Ok(control) = kernel::duplicate_above(inherited, 16) else { sys::exit(3) };
    kernel::close_range(0, control as u32 - 1);
    kernel::close_range(control as u32 + 1, u32::MAX);
    kernel::occupy_standard_descriptors(control);
    let _ = kernel::setsid();
    let _ = kernel::change_directory(kernel::text(b"/\0"));
    kernel::set_umask(0);
    // A host near its soft limit has reasons of its own; groups and views are kept open.
    let _ = kernel::raise_descriptor_limit();

    let Some((settings, directories)) = message::receive_setup(control) else { sys::exit(4) };
    let (mut supervisor, hello) = setup::enter(&settings, &directories);
    let Ok(host) = kernel::pidfd_open(settings.host_pid) else { sys::exit(5) };
    let Ok(children) = kernel::signal_descriptor(kernel::SIGCHLD) else { sys::exit(6) };
    let Ok(own) = kernel::pidfd_open(kernel::process_id() as u32) else { sys::exit(7) };
    if message::send(control, &hello, Some(own)).is_err() {
        sys::exit(8);
    }
    kernel::close(own);

    loop {
        let mut watched = [kernel::watch(control), kernel::watch(children), kernel::watch(host)];
        if kernel::poll(&mut watched, None).is_err() {
            continue;
        }
        if watched[2].is_ready() {
            break;
        }
        if watched[1].is_ready() {
            kernel::drain(children);
            supervisor.reap();
        }
        if watched[0].is_ready() {
            match message::receive_request(control) {
                Received::Request(request, descriptors) => run::start(&mut supervisor, &request, &descriptors),
                Received::Nothing => {}
                Received::End => break,
            }
        }
    }
    supervisor.end()
}
