"""Processes: other people's, and one's own beyond their time."""
import signal
import struct
import subprocess
import time

VICTIM = PARAMS["victim"]


def P1():
    seen = [name for name in os.listdir("/proc") if name.isdigit()]
    say("SEES", len(seen), "processes")
    attempts(*[lambda pid=pid: leak(f"/proc/{pid}/cmdline") for pid in seen])


def P1b():
    attempts(*[lambda name=name: leak(f"/proc/{VICTIM}/{name}")
               for name in ("cmdline", "environ", "comm", "maps", "status")])


def P2():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    information = struct.pack("iii", signal.SIGUSR2, 0, -1) + b"\0" * 116
    attempts(lambda: os.kill(VICTIM, signal.SIGKILL))
    if BOXED:
        # Without the sandbox these would hit more than the victim.
        attempts(lambda: syscall(234, VICTIM, VICTIM, signal.SIGKILL),
                 lambda: syscall(200, VICTIM, signal.SIGKILL),
                 lambda: syscall(129, VICTIM, signal.SIGUSR2, information),
                 lambda: signal.pidfd_send_signal(os.pidfd_open(VICTIM), signal.SIGKILL),
                 lambda: os.kill(-1, signal.SIGUSR2), lambda: os.kill(os.getppid(), signal.SIGUSR2),
                 lambda: os.killpg(os.getpgid(VICTIM), signal.SIGUSR2))


def P2b():
    """Through a descriptor's owner: the kernel sends the signal, not the caller."""
    import fcntl
    read, write = os.pipe()
    F_SETSIG = 10
    fcntl.fcntl(read, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(read, fcntl.F_SETOWN, VICTIM)
    fcntl.fcntl(read, fcntl.F_SETFL, fcntl.fcntl(read, fcntl.F_GETFL) | os.O_ASYNC)
    os.write(write, b"x")


def P3():
    PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17

    def seize(pid):
        LIBC.ptrace.argtypes = [ctypes.c_long] * 4
        if LIBC.ptrace(PTRACE_SEIZE, pid, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace {pid}")
        reached("traces", pid)
    others = [VICTIM] + ([1, os.getppid()] if BOXED else [])
    attempts(*[lambda pid=pid: seize(pid) for pid in others])


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


def P4():
    buffer = ctypes.create_string_buffer(8192)
    local = Vector(ctypes.addressof(buffer), 4096)
    remote = Vector(PARAMS["victim_environment"], 4096)
    for size in (4096, 1024, 256):
        remote.bytes = size
        if LIBC.process_vm_readv(VICTIM, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0) > 0:
            say("READ", buffer.raw[:4096])
            return
    raise OSError(ctypes.get_errno(), "process_vm_readv")


def P4b():
    with open(f"/proc/{VICTIM}/mem", "rb", buffering=0) as memory:
        memory.seek(PARAMS["victim_environment"])
        say("READ", memory.read(1024))


def P4c():
    stolen = syscall(438, os.pidfd_open(VICTIM), PARAMS["victim_descriptor"], 0)
    say("READ", os.pread(stolen, 100, 0))


def P4d():
    probe("kcmp", 312, VICTIM, os.getpid(), 1, 0, 0)
    probe("process_madvise", 440, -1, 0, 0, 0, 0)
    probe("move_pages", 279, VICTIM, 0, 0, 0, 0, 0)
    probe("process_vm_writev", 311, VICTIM, 0, 0, 0, 0, 0)
    if BOXED:
        attempts(lambda: open(f"/proc/{os.getppid()}/mem", "r+b").close() or reached("init's memory"),
                 lambda: leak(f"/proc/{os.getppid()}/maps") or reached("init's maps"),
                 lambda: leak(f"/proc/{os.getppid()}/environ") or reached("init's environment"))


def P5():
    def enter(pid, kind):
        opened = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
        if LIBC.setns(opened, 0) != 0:
            raise OSError(ctypes.get_errno(), f"setns {kind}")
        reached("entered", pid, kind)
    attempts(*[lambda pid=pid, kind=kind: enter(pid, kind)
               for pid in (VICTIM, 1, os.getppid()) for kind in ("uts", "ipc", "net", "pid", "mnt", "user", "cgroup")])


def P6():
    NEWUSER = 0x10000000
    if os.fork() == 0:
        try:
            attempts(lambda: LIBC.unshare(NEWUSER) == 0 and reached("unshare"),
                     lambda: LIBC.unshare(NEWUSER | 0x20000) == 0 and reached("unshare with mounts"))
        finally:
            os._exit(0)
    os.wait()

    def clone():
        child = syscall(56, NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
        if child == 0:
            os._exit(0)
        reached("clone")

    def clone3():
        child = syscall(435, (ctypes.c_uint64 * 11)(NEWUSER, 0, 0, 0, signal.SIGCHLD), 88)
        if child == 0:
            os._exit(0)
        reached("clone3")
    if not X86:
        raise Unavailable("the numbers are those of x86_64")
    attempts(clone, clone3)


def P7():
    """Input pushed into a terminal. Without one the answer says whether the filter or the terminal driver gave it."""
    TIOCSTI, TIOCLINUX = 0x5412, 0x541C
    for command in (TIOCSTI, TIOCLINUX):
        for wide in (0, 1 << 32):
            probe("ioctl", 16, 0, command | wide, ctypes.create_string_buffer(b"\n"))


def P7b():
    attempts(lambda: os.close(os.open("/dev/tty", os.O_RDWR)) or reached("the terminal"),
             lambda: os.close(os.open("/dev/ptmx", os.O_RDWR)) or reached("a new terminal"),
             lambda: os.close(os.open("/dev/console", os.O_RDWR)) or reached("the console"))


def detach():
    """A child in a session of its own that is orphaned, deaf to signals and without a death wish."""
    if os.fork() != 0:
        return False
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.setsid() if os.getpgrp() != os.getpid() else None
    LIBC.prctl(1, 0, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    return True


def P8():
    if detach():
        null = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        time.sleep(30)
        os._exit(0)


def P8b():
    """A chain longer than a supervisor may want to follow, whose last link lives on."""
    for _ in range(100):
        if os.fork() != 0:
            break
    else:
        null = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        time.sleep(20)
    time.sleep(0.3)
    os._exit(0)


def P8c():
    """Its own subreaper: orphans do not go to whoever watches."""
    LIBC.prctl(36, 1, 0, 0, 0)
    P8()


def P9():
    if detach():
        time.sleep(4)
        os._exit(0)


def P10():
    """Run by a host that is killed meanwhile."""
    detach()
    time.sleep(60)


def P12():
    import resource
    attempts(lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)))
    kept = "core of " + CASE
    child = os.fork()
    if child == 0:
        LIBC.prctl(4, 1, 0, 0, 0)
        os.abort()
    _, status = os.waitpid(child, 0)
    cores = [name for name in os.listdir(".") if name.startswith("core")]
    if os.WCOREDUMP(status) or cores:
        reached("dumped", kept, cores)


def P13():
    with open("/proc/self/status") as file:
        state = dict(line.split(":\t", 1) for line in file if ":\t" in line)
    say({key: state[key].strip() for key in ("NoNewPrivs", "Seccomp", "CapBnd", "CapEff", "CapPrm", "CapInh")})
    if state["NoNewPrivs"].strip() != "1":
        reached("privileges may be gained")
    if BOXED and any(int(state[key], 16) for key in ("CapEff", "CapPrm", "CapInh", "CapAmb")):
        reached("capabilities")


def P14():
    """Looser rules for oneself: none can be had, and a listener of one's own sees only oneself."""
    probe("seccomp listener", 317, 1, 8, 0)


def P16():
    """A program that the policy does not allow, run in place of the interpreter, in every way there is."""
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "second")
    with open(beside, "rb") as file:
        own = file.read()

    def copied():
        with open("second", "wb") as file:
            file.write(own)
        os.chmod("second", 0o755)
    attempts(copied)

    def in_child(action):
        child = os.fork() if not BOXED else 0
        if child == 0:
            action()
        os.waitpid(child, 0)

    def memory():
        opened = os.memfd_create("second", 0)
        os.write(opened, own)
        os.execve(opened, ["second", "memfd"], {})

    def loader(program):
        path = next(line.split()[-1] for line in open("/proc/self/maps") if "/ld-" in line or "/ld.so" in line)
        os.execv(path, ["ld.so", program, "loader"])

    def descriptor(number):
        """Where the supervisor had the interpreter."""
        os.dup2(os.open(beside, os.O_RDONLY), number, inheritable=True)
        syscall(322, number, b"", (ctypes.c_char_p * 2)(b"second", None), None, 0x1000)
    ways = [lambda: os.execv("./second", ["second", "copy"]), lambda: os.execv(beside, ["second", "skill"]),
            lambda: os.execv("/bin/echo", ["echo", "REACHED", "echo"]),
            lambda: os.execv("/proc/self/fd/%d" % os.open("second", os.O_RDONLY), ["second", "fd"]),
            memory, lambda: loader(os.path.abspath("second")), lambda: loader(beside)]
    if BOXED and X86:
        ways += [lambda number=number: descriptor(number) for number in (3, 64, 128, 255, 256, 257, 512, 1024)]
    attempts(*[lambda way=way: in_child(way) for way in ways])


def P16b():
    """The interpreter once more: allowed before, but a second program all the same."""
    if BOXED:
        os.execv("/proc/self/exe", ["python3", "-c", "print('REACHED again')"])
    child = os.fork()
    if child == 0:
        os.execv("/proc/self/exe", ["python3", "-c", "print('REACHED again')"])
    os.waitpid(child, 0)


def P17():
    attempts(lambda: os.system("echo REACHED system"),
             lambda: subprocess.run(["/bin/echo", "REACHED", "run"], check=True),
             lambda: os.popen("echo REACHED popen").read() and reached("popen"),
             lambda: os.waitpid(os.posix_spawn("/bin/echo", ["echo", "REACHED", "spawn"], {}), 0))

    def fork():
        child = os.fork()
        if child == 0:
            reached("fork")
            os._exit(0)
        os.waitpid(child, 0)

    def vfork():
        child = syscall(56, signal.SIGCHLD, 0, 0, 0, 0)
        if child == 0:
            reached("clone")
            os._exit(0)
        os.waitpid(child, 0)
    attempts(fork, vfork)


def P18():
    os.kill(os.getpid(), signal.SIGSTOP)


def P20():
    frame = struct.pack("=IIII", 0x534B4C31, 3, 0, 0) + b"\0" * 48
    for number in range(3, 1024):
        try:
            os.write(number, frame)
        except OSError:
            pass
