//! Which system calls a sandboxed program may make: the data behind [`super::seccomp`].
//!
//! A number in neither list is answered with ENOSYS, as an older kernel would: libraries then fall back (glibc from
//! clone3 to clone). What is in [`REFUSED`] is answered with EPERM because programs probe for it and cope with that.

use std::ffi::c_long;

macro_rules! list {
    ($($name:ident)*) => { &[$(libc::$name),*] };
}

/// Allowed everywhere.
pub const ALLOWED: &[c_long] = list! {
    // files
    SYS_close SYS_close_range SYS_copy_file_range SYS_dup SYS_dup3 SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait
    SYS_epoll_pwait2 SYS_eventfd2 SYS_faccessat SYS_faccessat2 SYS_fadvise64 SYS_fallocate SYS_fchdir SYS_fchmod
    SYS_fchmodat SYS_fchmodat2 SYS_fchown SYS_fchownat SYS_fcntl SYS_fdatasync SYS_fgetxattr SYS_flistxattr SYS_flock
    SYS_fremovexattr SYS_fsetxattr SYS_fstat SYS_fstatfs SYS_fsync SYS_ftruncate
    SYS_getcwd SYS_getdents64 SYS_getxattr SYS_inotify_add_watch SYS_inotify_init1 SYS_inotify_rm_watch SYS_ioctl
    SYS_lgetxattr SYS_linkat SYS_listxattr SYS_llistxattr SYS_lremovexattr SYS_lseek SYS_lsetxattr SYS_mkdirat
    SYS_mknodat SYS_newfstatat SYS_openat SYS_openat2 SYS_pipe2 SYS_ppoll SYS_pread64 SYS_preadv SYS_preadv2
    SYS_pselect6 SYS_pwrite64 SYS_pwritev SYS_pwritev2 SYS_read SYS_readahead SYS_readlinkat SYS_readv
    SYS_removexattr SYS_renameat SYS_renameat2 SYS_sendfile SYS_setxattr SYS_splice SYS_statfs SYS_statx
    SYS_symlinkat SYS_sync_file_range SYS_syncfs SYS_tee SYS_truncate SYS_umask SYS_unlinkat SYS_utimensat
    SYS_write SYS_writev SYS_chdir
    // memory
    SYS_brk SYS_madvise SYS_membarrier SYS_mincore SYS_mlock SYS_mlock2 SYS_mlockall SYS_mmap
    SYS_mprotect SYS_mremap SYS_msync SYS_munlock SYS_munlockall SYS_munmap SYS_pkey_alloc SYS_pkey_free
    SYS_pkey_mprotect SYS_process_mrelease SYS_remap_file_pages
    // processes and threads
    SYS_clone SYS_execve SYS_execveat SYS_exit SYS_exit_group SYS_futex SYS_futex_waitv SYS_get_robust_list
    SYS_getegid SYS_geteuid SYS_getgid SYS_getgroups SYS_getpgid SYS_getpid SYS_getppid SYS_getpriority SYS_getresgid
    SYS_getresuid SYS_getrlimit SYS_getrusage SYS_getsid SYS_gettid SYS_getuid SYS_capget SYS_capset SYS_kill
    SYS_pidfd_open SYS_pidfd_send_signal SYS_prctl SYS_prlimit64 SYS_restart_syscall SYS_rseq SYS_rt_sigaction
    SYS_rt_sigpending SYS_rt_sigprocmask SYS_rt_sigqueueinfo SYS_rt_sigreturn SYS_rt_sigsuspend SYS_rt_sigtimedwait
    SYS_rt_tgsigqueueinfo SYS_sched_get_priority_max SYS_sched_get_priority_min SYS_sched_getaffinity
    SYS_sched_getattr SYS_sched_getparam SYS_sched_getscheduler SYS_sched_rr_get_interval SYS_sched_setaffinity
    SYS_sched_yield SYS_set_robust_list SYS_set_tid_address SYS_setgid SYS_setgroups SYS_setpgid SYS_setregid
    SYS_setresgid SYS_setresuid SYS_setreuid SYS_setrlimit SYS_setsid SYS_setuid SYS_sigaltstack SYS_signalfd4
    SYS_tgkill SYS_tkill SYS_wait4 SYS_waitid SYS_getcpu SYS_setpriority SYS_seccomp SYS_landlock_add_rule
    SYS_landlock_create_ruleset SYS_landlock_restrict_self
    // time and the machine
    SYS_clock_getres SYS_clock_gettime SYS_clock_nanosleep SYS_getitimer SYS_getrandom SYS_gettimeofday SYS_nanosleep
    SYS_setitimer SYS_sysinfo SYS_timer_create SYS_timer_delete SYS_timer_getoverrun SYS_timer_gettime
    SYS_timer_settime SYS_timerfd_create SYS_timerfd_gettime SYS_timerfd_settime SYS_times SYS_uname
    // sockets, whose families are checked apart
    SYS_accept SYS_accept4 SYS_bind SYS_connect SYS_getpeername SYS_getsockname SYS_getsockopt SYS_listen SYS_recvfrom
    SYS_recvmmsg SYS_recvmsg SYS_sendmmsg SYS_sendmsg SYS_sendto SYS_setsockopt SYS_shutdown SYS_socket
    SYS_socketpair SYS_personality
};

/// Allowed where the architecture still has them.
#[cfg(target_arch = "x86_64")]
pub const ALLOWED_LEGACY: &[c_long] = list! {
    SYS_access SYS_alarm SYS_arch_prctl SYS_chmod SYS_chown SYS_creat SYS_dup2 SYS_epoll_create SYS_epoll_wait
    SYS_eventfd SYS_futimesat SYS_getdents SYS_getpgrp SYS_inotify_init SYS_lchown SYS_link SYS_lstat SYS_mkdir
    SYS_mknod SYS_open SYS_pause SYS_pipe SYS_poll SYS_readlink SYS_rename SYS_rmdir SYS_select SYS_signalfd SYS_stat
    SYS_symlink SYS_time SYS_unlink SYS_utime SYS_utimes
};
/// Allowed where the architecture still has them.
#[cfg(not(target_arch = "x86_64"))]
pub const ALLOWED_LEGACY: &[c_long] = &[];

/// Start further processes without `clone`.
#[cfg(target_arch = "x86_64")]
pub const FORKS: &[c_long] = list! { SYS_fork SYS_vfork };
/// Start further processes without `clone`.
#[cfg(not(target_arch = "x86_64"))]
pub const FORKS: &[c_long] = &[];

/// Memory outside every process: allowed only where a cgroup accounts for it.
pub const UNMAPPED_MEMORY: &[c_long] = list! { SYS_memfd_create };

/// Change a file's mode, owner and times. Landlock does not guard them, so where the host's files are in reach they do
/// nothing; they say that they did, because half of all programs copy modes and times with the content.
pub const METADATA: &[c_long] = list! {
    SYS_fchmod SYS_fchmodat SYS_fchmodat2 SYS_fchown SYS_fchownat SYS_utimensat
};
/// As [`METADATA`], where the architecture still has them.
#[cfg(target_arch = "x86_64")]
pub const METADATA_LEGACY: &[c_long] = list! { SYS_chmod SYS_chown SYS_futimesat SYS_lchown SYS_utime SYS_utimes };
/// As [`METADATA`], where the architecture still has them.
#[cfg(not(target_arch = "x86_64"))]
pub const METADATA_LEGACY: &[c_long] = &[];

/// Change extended attributes and watch folders: not guarded by Landlock either, and rarely needed.
pub const UNGUARDED: &[c_long] = list! {
    SYS_fremovexattr SYS_fsetxattr SYS_inotify_add_watch SYS_lremovexattr SYS_lsetxattr SYS_removexattr SYS_setxattr
};

/// Offer a socket to others: refused where the others are the host's neighbours.
pub const SERVE: &[c_long] = list! { SYS_accept SYS_accept4 SYS_bind SYS_listen };

/// Answered with EPERM.
pub const REFUSED: &[c_long] = list! {
    SYS_acct SYS_add_key SYS_adjtimex SYS_bpf SYS_chroot SYS_clock_adjtime SYS_clock_settime SYS_delete_module
    SYS_fanotify_init SYS_fanotify_mark SYS_finit_module SYS_fsconfig SYS_fsmount SYS_fsopen SYS_fspick SYS_get_mempolicy
    SYS_init_module SYS_io_cancel SYS_io_destroy SYS_io_getevents SYS_io_setup SYS_io_submit
    SYS_io_uring_enter SYS_io_uring_register SYS_io_uring_setup SYS_ioprio_set SYS_kcmp SYS_kexec_load SYS_keyctl
    SYS_lookup_dcookie SYS_mbind SYS_memfd_secret SYS_migrate_pages SYS_mount SYS_mount_setattr SYS_move_mount
    SYS_move_pages SYS_mq_getsetattr SYS_mq_notify SYS_mq_open SYS_mq_timedreceive SYS_mq_timedsend SYS_mq_unlink
    SYS_msgctl SYS_msgget SYS_msgrcv SYS_msgsnd SYS_name_to_handle_at SYS_nfsservctl SYS_open_by_handle_at
    SYS_open_tree SYS_perf_event_open SYS_pidfd_getfd SYS_pivot_root SYS_process_madvise SYS_process_vm_readv
    SYS_process_vm_writev SYS_ptrace SYS_quotactl SYS_quotactl_fd SYS_reboot SYS_request_key SYS_sched_setattr
    SYS_sched_setparam SYS_sched_setscheduler SYS_semctl SYS_semget SYS_semop SYS_semtimedop SYS_set_mempolicy
    SYS_set_mempolicy_home_node SYS_setdomainname SYS_setfsgid SYS_setfsuid SYS_sethostname SYS_setns SYS_settimeofday
    SYS_shmat SYS_shmctl SYS_shmdt SYS_shmget SYS_swapoff SYS_swapon SYS_syslog SYS_umount2 SYS_unshare
    SYS_sync SYS_userfaultfd SYS_vhangup SYS_vmsplice
};
/// Answered with EPERM where the architecture has them.
#[cfg(target_arch = "x86_64")]
pub const REFUSED_LEGACY: &[c_long] = list! {
    SYS_ioperm SYS_iopl SYS_kexec_file_load SYS_modify_ldt
    SYS_sysfs SYS_uselib SYS_ustat SYS__sysctl
};
/// Answered with EPERM where the architecture has them.
#[cfg(not(target_arch = "x86_64"))]
pub const REFUSED_LEGACY: &[c_long] = &[];
