"""Resources: more of everything than was granted, bounded so that success hurts nobody."""
import mmap
import time

MIB = 1 << 20


def touch(size):
    """Memory that is really there."""
    block = bytearray(size)
    for offset in range(0, size, 4096):
        block[offset] = 1
    return block


def R1():
    kept = []
    for _ in range(40):
        kept.append(touch(8 * MIB))
    reached("holds", 40 * 8, "MiB")


def crowd(count, action):
    """Children that each do something and stay; all are alive at once when it returns."""
    ready, ready_child = os.pipe()
    hold, hold_parent = os.pipe()
    children = 0
    try:
        for _ in range(count):
            if os.fork() == 0:
                os.close(hold_parent)
                action()
                os.write(ready_child, b"r")
                os.read(hold, 1)
                os._exit(0)
            children += 1
    finally:
        os.close(ready_child)
        alive = 0
        while alive < children:
            if not os.read(ready, 1):
                break
            alive += 1
        say("ALIVE", alive)
    time.sleep(0.3)
    return alive


def R2():
    if crowd(50, lambda: globals().__setitem__("kept", touch(8 * MIB))) == 50:
        reached("50 children hold 400 MiB")


def R3():
    """In a file without a name."""
    file = os.memfd_create("hostile")
    for _ in range(320):
        os.write(file, b"x" * MIB)
    reached("320 MiB in a memory file")


def R3b():
    """In pipes that nobody reads."""
    import fcntl
    total = 0
    for _ in range(120):
        read, write = os.pipe()
        try:
            fcntl.fcntl(write, 1031, MIB)
        except OSError:
            pass
        os.set_blocking(write, False)
        try:
            while True:
                total += os.write(write, b"x" * 65536)
        except BlockingIOError:
            pass
    say("HOLDS", total)
    if total > 100 * MIB:
        reached("pipes hold", total)


def R3c():
    """Shared between processes, so that nobody owns it."""
    shared = mmap.mmap(-1, 320 * MIB)
    for offset in range(0, 320 * MIB, 4096):
        shared[offset] = 1
    reached("320 MiB shared")


def R4():
    if crowd(100, lambda: None) == 100:
        reached("100 processes")


def R4b():
    """Deep instead of wide, and then wide: whoever counts children of children stops somewhere."""
    for depth in range(70):
        child = os.fork()
        if child != 0:
            os.waitpid(child, 0)
            os._exit(0)
    if crowd(60, lambda: None) == 60:
        reached("130 processes")
    os._exit(0)


def R4c():
    """As fast as it goes: every process makes more, for a moment."""
    end = time.monotonic() + 2
    made = 0
    try:
        while time.monotonic() < end and made < 400:
            if os.fork() == 0:
                time.sleep(3)
                os._exit(0)
            made += 1
    finally:
        say("MADE", made)
        if made == 400:
            reached("400 processes")


def R5():
    import threading
    stop = threading.Event()
    threading.stack_size(65536)
    for _ in range(100):
        threading.Thread(target=stop.wait, daemon=True).start()
    time.sleep(0.2)
    reached("100 threads")
    os._exit(0)


def R6():
    end = time.process_time() + 1.8
    while time.process_time() < end:
        pass
    reached("1.8 s of processor")


def R7():
    time.sleep(3)
    reached("3 s")


def R8():
    block = os.urandom(MIB)
    for _ in range(256):
        os.write(1, block)


def R9():
    os.close(1)
    for _ in range(256):
        os.write(2, b"\xff" * MIB)


def R10():
    import resource
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    attempts(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard)))
    kept = []
    for _ in range(2000):
        kept.append(os.dup(0))
    reached("2000 descriptors")


def R12():
    """Kernel objects that count as nobody's memory. They outlive whoever made them, so the control removes its own."""
    made = []
    try:
        for _ in range(100):
            made.append(syscall(29, 0, MIB, 0o1000 | 0o600))
    finally:
        for segment in made:
            syscall(31, segment, 0, None)
    reached(len(made), "shared segments")


def R14():
    import resource
    attempts(lambda: os.setpriority(os.PRIO_PROCESS, 0, -5) or reached("nice"),
             lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)) or reached("real time"),
             lambda: probe("ioprio_set", 251, 1, 0, 1 << 13 | 4),
             lambda: resource.setrlimit(resource.RLIMIT_RTPRIO, (50, 50)) or reached("rtprio"))


def R15():
    """Zombies: nobody waits for them."""
    made = 0
    try:
        for _ in range(100):
            if os.fork() == 0:
                os._exit(0)
            made += 1
    finally:
        say("MADE", made)
        if made == 100:
            reached("100 zombies")


def R17():
    import resource
    others = [PARAMS["victim"]] + ([os.getppid()] if BOXED else [])
    attempts(*[lambda pid=pid: resource.prlimit(pid, resource.RLIMIT_NOFILE, (64, 64)) and reached("limits of", pid)
               for pid in others])
    if BOXED:
        for name in ("AS", "DATA", "NPROC", "NOFILE", "CPU", "FSIZE", "MEMLOCK", "CORE"):
            kind = getattr(resource, "RLIMIT_" + name)
            _, hard = resource.getrlimit(kind)
            if hard != resource.RLIM_INFINITY:
                attempts(lambda: resource.setrlimit(kind, (hard + 1, hard + 1)) or reached("raised", name))


def R18():
    """Deeper than a path can name."""
    for depth in range(3000):
        os.mkdir("d" * 100)
        os.chdir("d" * 100)
    os.mkdir("locked", 0)
    say("DEEP")


def R18b():
    """Folders that their owner may not enter."""
    for number in range(50):
        os.mkdir(f"locked{number}")
        open(f"locked{number}/file", "w").close()
        os.chmod(f"locked{number}", 0)
