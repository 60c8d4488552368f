"""The kernel's surface: calls that only help an attacker, tables that only the host may write."""
import errno
import time

EMPTY = ctypes.create_string_buffer(4096)


def K1():
    probe("bpf", 321, 0, EMPTY, 72)
    probe("bpf prog", 321, 5, EMPTY, 72)


def K2():
    probe("perf_event_open", 298, EMPTY, 0, -1, -1, 0)


def K3():
    probe("userfaultfd", 323, 0)
    probe("userfaultfd user mode", 323, 1)


def K5():
    """The host's session keyring, and the user's."""
    SEARCH, READ, GET = 10, 11, 0
    for keyring in (-3, -4, -5):
        def steal(keyring=keyring):
            key = syscall(250, SEARCH, keyring, b"user", b"hostile-canary", 0)
            buffer = ctypes.create_string_buffer(256)
            syscall(250, READ, key, buffer, 256)
            say("READ", buffer.value)
        attempts(steal)


def K5b():
    probe("add_key", 248, b"user", b"hostile", b"x", 1, -2)
    probe("request_key", 249, b"user", b"hostile-canary", 0, 0)
    probe("keyctl", 250, 0, -3, 0)
    attempts(lambda: leak("/proc/keys") or reached("/proc/keys"), lambda: leak("/proc/key-users") or reached("users"))


def K6():
    probe("init_module", 175, 0, 0, 0)
    probe("finit_module", 313, -1, b"", 0)
    probe("delete_module", 176, b"hostile_no_such", 0)
    if not BOXED and not os.path.exists("/proc/modules"):
        raise Unavailable("the kernel has no modules")


def K7():
    probe("kexec_load", 246, 0, 0xFFFF, 0, 0)
    probe("kexec_file_load", 320, -1, -1, 0, 0, 0xFFFF)
    probe("reboot", 169, 1, 2, 3, 0)


def K8():
    probe("iopl", 172, 0)
    probe("ioperm", 173, 0x80, 1, 1)
    probe("modify_ldt", 154, 0, EMPTY, 16)


def K9():
    """Every mapping executable, no randomisation: set, then put back."""
    for value in (0x0400000, 0x0040000, 8, (1 << 32) | 0x0400000):
        def change(value=value):
            syscall(135, value)
            reached("personality", hex(value))
            syscall(135, 0)
        attempts(change)


def K10():
    probe("syslog", 103, 3, EMPTY, 4096)


def K11():
    names = ["mem", "kmem", "port", "kvm", "fuse", "vhost-net", "vhost-vsock", "net/tun", "userfaultfd", "kmsg", "loop-control",
             "loop0", "vda", "sda", "tty0", "console", "ptmx", "input/event0", "btrfs-control", "autofs", "hwrng", "snapshot"]
    attempts(*[lambda name=name: os.close(os.open("/dev/" + name, os.O_RDONLY | os.O_NONBLOCK)) or reached("/dev/" + name)
               for name in names])


def K12():
    bad = (ctypes.c_long * 2)(0, -1)
    probe("clock_settime", 227, 0, bad)
    probe("settimeofday", 164, bad, 0)
    if BOXED:
        probe("adjtimex", 159, EMPTY)
        probe("clock_adjtime", 305, 0, EMPTY)
    probe("sethostname", 170, b"x", -1)
    probe("setdomainname", 171, b"x", -1)


def K13():
    probe("fanotify_init", 300, 0, 0)
    probe("fanotify_mark", 301, -1, 1, 1, -100, b"/")
    probe("name_to_handle_at", 303, -100, b"/", EMPTY, EMPTY, 0)
    probe("lookup_dcookie", 212, 0, EMPTY, 100)


def K14():
    probe("vmsplice", 278, -1, 0, 0, 0)


def K15():
    probe("memfd_secret", 447, 0)


def K16():
    """The x32 numbers: the kernel kills, or does not know them."""
    getpid = 39
    try:
        if syscall(0x40000000 | getpid) == os.getpid():
            reached("x32")
    except OSError as error:
        if not BOXED:
            raise Unavailable("the kernel has no x32") from error
        raise


def K18():
    """Code of the vsyscall page."""
    now = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_void_p)(0xFFFFFFFFFF600400)
    child = os.fork()
    if child == 0:
        os._exit(0 if abs(now(None) - time.time()) < 5 else 1)
    say("STATUS", os.waitpid(child, 0)[1])


def K19():
    """Numbers that do not exist: refused as an older kernel would."""
    for number in (400, 423, 999, 0x7FFFFFFF, -1, -2147483648, 0x40000000 - 1):
        try:
            reached(number, syscall(number))
        except OSError as error:
            if error.errno != errno.ENOSYS:
                reached(number, error)


def K20():
    probe("mbind", 237, 0, 0, 99, 0, 0, 0)
    probe("set_mempolicy", 238, 99, 0, 0)
    probe("get_mempolicy", 239, 0, 0, 0, 0, 99)
    probe("migrate_pages", 256, os.getpid(), 0, 0, 0)


def K22():
    """Opened for writing, never written."""
    names = ["kernel/core_pattern", "kernel/modprobe", "kernel/hotplug", "vm/overcommit_memory", "kernel/randomize_va_space",
             "net/ipv4/ip_forward", "fs/binfmt_misc/register", "kernel/ns_last_pid"]
    paths = ["/proc/sys/" + name for name in names]
    paths += ["/proc/sysrq-trigger", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/memory/release_agent",
              "/proc/self/oom_score_adj_host", "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/mtrr", "/proc/acpi"]
    attempts(*[lambda path=path: os.close(os.open(path, os.O_WRONLY)) or reached(path) for path in paths])


def K22b():
    """Less likely to be killed than the host."""
    with open("/proc/self/oom_score_adj", "r+") as file:
        now = int(file.read())
        file.seek(0)
        lacks("CAP_SYS_RESOURCE", 24)
        file.write(str(now - 500))
    reached("oom_score_adj", now - 500)


def K23():
    PR_SET_MM = 35
    lacks("CAP_SYS_RESOURCE", 24)
    probe("prctl mm", 157, PR_SET_MM, 1, 0, 0, 0)
    probe("prctl mm wide", 157, PR_SET_MM | 1 << 32, 1, 0, 0, 0)


def K26():
    """Asynchronous input and output, the old way; and message queues."""
    context = ctypes.c_long(0)
    probe("io_setup", 206, 1, ctypes.byref(context))
    probe("io_submit", 209, 0, 1, 0)
    probe("mq_open", 240, b"hostile", 0o2, 0, 0)
    probe("msgget", 68, 12345, 0)
    probe("semget", 64, 12345, 0, 0)
    probe("shmget", 29, 12345, 0, 0)
    probe("vhangup", 153)
