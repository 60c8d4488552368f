//! Linux
mod landlock;
mod seccomp;
mod syscalls;
