"""Files: reading what is secret, writing what is not one's own, leaving the view."""
import hashlib
import socket
import stat

SECRET = PARAMS["secret"]
STAGE = PARAMS["stage"]


def F1():
    leak("/etc/passwd")


def F2():
    with open("/etc/shadow", "rb") as file:
        say("SHA256", hashlib.sha256(file.read()).hexdigest())


def F3():
    places = [".ssh/id_rsa", ".aws/credentials", ".netrc", ".config/app/token"]
    attempts(*[lambda place=place: leak(os.path.join(PARAMS["home"], place)) for place in places])


def F4():
    seen = set(os.listdir("/"))
    say("LISTED", sorted(seen))
    if seen & {"boot", "srv", "media", "mnt"}:
        reached("the host's root directory")


def F5():
    up = "../" * 40
    attempts(lambda: leak(up + SECRET.lstrip("/")),
             lambda: leak(os.path.join(os.path.dirname(os.path.abspath(__file__)), up + SECRET.lstrip("/"))))


def F6():
    folders = [STAGE, os.path.dirname(os.path.abspath(__file__)), "/tmp"]
    if BOXED:
        folders += ["/", "/usr", "/usr/bin", "/usr/lib", "/etc", "/dev", "/proc", "/proc/self"]

    def create(folder):
        with open(os.path.join(folder, PARAMS["litter"]), "w") as file:
            file.write("hostile")
        if folder not in ("/tmp",):
            reached("created a file in", folder)

    attempts(*[lambda folder=folder: create(folder) for folder in folders])


def F8():
    folder = os.path.join(STAGE, "project")
    attempts(lambda: os.makedirs(os.path.join(folder, ".git/hooks")),
             lambda: open(os.path.join(folder, ".git/hooks/pre-commit"), "w").close(),
             lambda: open(os.path.join(folder, ".env"), "w").close())


def F9():
    attempts(lambda: os.rename(os.path.join(STAGE, "project"), os.path.join(STAGE, "moved")),
             lambda: os.unlink(os.path.join(STAGE, "untouched.txt")),
             lambda: os.truncate(os.path.join(STAGE, "untouched.txt"), 0))


def F9b():
    """What may be changed without opening."""
    place = os.path.join(STAGE, "untouched.txt")
    own = os.path.abspath(__file__)
    attempts(lambda: os.chmod(place, 0o777), lambda: os.utime(place, (1, 1)), lambda: os.setxattr(place, "user.hostile", b"x"),
             lambda: os.chown(place, os.getuid(), -1), lambda: os.fchmod(os.open(own, os.O_RDONLY), 0o777),
             lambda: os.utime(os.open(own, os.O_RDONLY), (1, 1)), lambda: os.chmod(own, 0o777),
             lambda: syscall(452, -100, place.encode(), 0o777, 0) if X86 else None)


def F10():
    os.symlink(SECRET, "link")
    os.symlink(os.path.dirname(SECRET), "linked")
    os.mkdir("sub")
    os.symlink("../linked", "sub/again")
    os.symlink("/proc/self/cwd/../..", "magic")


def F11():
    attempts(lambda: os.link(SECRET, "hard"), lambda: os.rename(SECRET, "moved"))


def F12():
    os.mkfifo("out")
    server = socket.socket(socket.AF_UNIX)
    server.bind("listening")
    os.mkdir("folder")


def F13():
    os.mkdir("real")
    with open("real/secret.txt", "w") as file:
        file.write("harmless")
    os.symlink(os.path.dirname(SECRET), "swapped")
    if os.fork() == 0:
        os.setsid()
        for _ in range(100_000):
            try:
                os.rename("real", "aside")
                os.symlink(os.path.dirname(SECRET), "real")
                os.unlink("real")
                os.rename("aside", "real")
            except OSError:
                pass
        os._exit(0)


def F14():
    def mount(kind, source, flags, options):
        if LIBC.mount(source, b"/tmp", kind, flags, options) != 0:
            raise OSError(ctypes.get_errno(), kind)
        reached("mounted", kind)
    attempts(lambda: mount(b"tmpfs", b"tmpfs", 0, None), lambda: mount(b"proc", b"proc", 0, None),
             lambda: mount(b"none", b"/usr", 4096, None),
             lambda: mount(b"overlay", b"overlay", 0, b"lowerdir=/usr,upperdir=/tmp,workdir=/tmp"))


def F15():
    def remount(place):
        if LIBC.mount(None, place, None, 32 | 4096, None) != 0:
            raise OSError(ctypes.get_errno(), place)
        reached("remounted", place)
    here = os.path.dirname(os.path.abspath(__file__)).encode()
    attempts(*[lambda place=place: remount(place) for place in (b"/", b"/usr/bin", b"/skill", b"/proc", here)])


def F16():
    def unmount(place):
        if LIBC.umount2(place, 2) != 0:
            raise OSError(ctypes.get_errno(), place)
        reached("unmounted", place)
    attempts(*[lambda place=place: unmount(place) for place in (b"/proc", b"/tmp", b"/dev/null")])


def F17():
    def escape():
        os.mkdir("jail")
        before = os.open(".", os.O_RDONLY)
        os.chroot("jail")
        os.fchdir(before)
        reached("changed the root")
        for _ in range(40):
            os.chdir("..")
        leak("." + SECRET)

    def pivot():
        if X86 and syscall(155, b".", b".") == 0:
            reached("pivoted")
    attempts(escape, pivot)


def F18():
    empty = ctypes.create_string_buffer(256)
    probe("fsopen", 430, b"tmpfs", 0)
    probe("open_tree", 428, -100, b"/", 1)
    probe("move_mount", 429, -1, b"", -1, b"", 0)
    probe("fsconfig", 431, -1, 0, 0, 0, 0)
    probe("fsmount", 432, -1, 0, 0)
    probe("fspick", 433, -100, b"/", 0)
    probe("mount_setattr", 442, -1, b"", 0, empty, 32)
    probe("open_tree_attr", 467, -100, b"/", 1, empty, 32)
    probe("statmount", 457, empty, empty, 256, 0)
    probe("listmount", 458, empty, empty, 1, 0)


def F19():
    class Handle(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_uint), ("kind", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]
    handle, mount = Handle(128, 0), ctypes.c_int()
    if not X86:
        raise Unavailable("the numbers are those of x86_64")
    place = SECRET if not BOXED else "/"
    syscall(303, -100, place.encode(), ctypes.byref(handle), ctypes.byref(mount), 0)
    root = os.open("/" if BOXED else os.path.dirname(SECRET), os.O_RDONLY)
    opened = syscall(304, root, ctypes.byref(handle), 0)
    reached("opened by handle", os.pread(opened, 100, 0))


def F20():
    for number in range(3, 1024):
        def inherited(number=number):
            mode = os.fstat(number).st_mode
            if stat.S_ISDIR(mode):
                opened = os.open(SECRET.lstrip("/"), os.O_RDONLY, dir_fd=number)
                say("READ", os.read(opened, 100))
            elif stat.S_ISREG(mode):
                say("READ", os.pread(number, 100, 0))
        try:
            inherited()
        except OSError:
            pass


def F21():
    parent = os.getppid()
    ways = ["/proc/self/root", "/proc/self/cwd/../../../../../..", "/proc/1/root", "/proc/1/cwd",
            f"/proc/{parent}/root", f"/proc/{parent}/cwd/../../../../../..", f"/proc/{PARAMS['victim']}/root",
            "/proc/self/task/self/root", "/proc/thread-self/root", "/dev/fd/../../root"]
    ways += [f"/proc/self/fd/{number}" for number in range(64)]
    attempts(*[lambda way=way: leak(way + SECRET) for way in ways])


def F23():
    attempts(*[lambda place=place, kind=kind: (os.mknod(place, kind | 0o666, os.makedev(1, 5)), reached(place))
               for place in ("node", "/tmp/hostile-node") for kind in (stat.S_IFCHR, stat.S_IFBLK)],
             lambda: os.unlink("/tmp/hostile-node"))


def F25():
    with open("capable", "w"):
        pass
    value = (0x02000001).to_bytes(4, "little") + b"\xff" * 4 + b"\0" * 12
    os.setxattr("capable", "security.capability", value)
    reached("gave capabilities to a file")


def F26():
    total = 0
    try:
        for number in range(12):
            with open(f"part{number}", "wb", buffering=0) as file:
                for _ in range(8):
                    total += file.write(b"x" * (1 << 20))
    finally:
        say("WROTE", total)
        if total >= 64 << 20:
            reached("filled the disk")


def F27():
    made = 0
    try:
        for number in range(66_000):
            os.mknod(f"n{number}")
            made += 1
    finally:
        say("MADE", made)
        if made == 66_000:
            reached("inodes without end")


def F28():
    with open("sparse", "wb") as file:
        os.ftruncate(file.fileno(), 1 << 40)
    if os.stat("sparse").st_size == 1 << 40:
        os.unlink("sparse")
        reached("a sparse file of 1 TiB")


def F31():
    import array
    import fcntl
    with open("fixed", "w") as file:
        flags = array.array("l", [0])
        fcntl.ioctl(file, 0x80086601, flags)
        flags[0] |= 0x10
        fcntl.ioctl(file, 0x40086602, flags)
        reached("made a file immutable")
        flags[0] &= ~0x10
        fcntl.ioctl(file, 0x40086602, flags)


def F32():
    """Watching what the host does in its own folders."""
    watch = LIBC.inotify_init()
    if watch < 0:
        raise OSError(ctypes.get_errno(), "inotify_init")
    for place in (PARAMS["home"], STAGE, "/etc"):
        if LIBC.inotify_add_watch(watch, place.encode(), 0xFFF) >= 0 and (place != "/etc" or not BOXED):
            reached("watches", place)


def F33():
    probe("quotactl", 179, 0x800007 << 8, b"/dev/vda", 0, 0)
    probe("quotactl_fd", 443, -1, 0, 0, 0)
    probe("swapon", 167, b"/nonexistent", 0)
    probe("swapoff", 168, b"/nonexistent")
    probe("acct", 163, b"/nonexistent")


def F34():
    import mmap
    place = os.path.join(STAGE, "untouched.txt") if not BOXED else os.path.abspath(__file__)
    attempts(lambda: open(place, "r+b").close() or reached("opened for writing", place),
             lambda: mmap.mmap(os.open(place, os.O_RDWR), 4096, mmap.MAP_SHARED).close() or reached("mapped"),
             lambda: os.truncate(place, os.stat(place).st_size) or reached("truncated"))
