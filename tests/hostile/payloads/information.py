"""What the host does not want to tell."""
import platform
import pwd
import signal
import socket
import stat


def I1():
    say("ENVIRONMENT", dict(os.environ))


def I2():
    attempts(*[lambda pid=pid: leak(f"/proc/{pid}/environ") for pid in (1, os.getppid(), PARAMS["host"], PARAMS["victim"])])


def I3():
    attempts(*[lambda name=name: leak(f"/proc/self/{name}") for name in ("mountinfo", "mounts", "mountstats", "cgroup")])


def I4():
    attempts(*[lambda path=path: leak(path) for path in (
        "/etc/machine-id", "/proc/sys/kernel/random/boot_id", 
        "/sys/class/dmi/id/product_uuid", "/sys/class/net/eth0/address", "/var/lib/dbus/machine-id")])


def I4b():
    say("NAME", platform.node(), socket.gethostname())


def I5():
    names = ["kallsyms", "kcore", "kmsg", "keys", "key-users", "timer_list", "sched_debug", "interrupts", "config.gz", "modules",
             "cmdline", "iomem", "slabinfo", "vmallocinfo", "diskstats", "partitions", "swaps", "net/tcp", "net/unix", "bus/pci/devices",
             "sys/kernel/osrelease", "version", "loadavg", "uptime", "meminfo", "stat", "cpuinfo"]
    attempts(*[lambda name=name: os.close(os.open("/proc/" + name, os.O_RDONLY | os.O_NONBLOCK)) or reached("/proc/" + name)
               for name in names])


def I6():
    found = os.listdir("/sys")
    if found:
        reached("/sys", found)


def I7():
    say("IDS", os.getresuid(), os.getresgid(), os.getgroups())
    try:
        say(pwd.getpwuid(os.getuid()))
    except KeyError:
        pass
    if os.getuid() == PARAMS["uid"]:
        reached("the host's user id")


def I10():
    """Run twice: what the first leaves must not be there for the second."""
    places = [os.path.join(folder, PARAMS["litter"])
              for folder in ("/tmp", "/dev/shm", "/var/tmp", ".", os.environ.get("TMPDIR", "/tmp"))]
    for place in places:
        if os.path.exists(place) and os.environ.get("HOSTILE_ROUND") == "2":
            reached("an earlier run's", place)

    def leave(place):
        with open(place, "w") as file:
            file.write("left behind")
    attempts(*[lambda place=place: leave(place) for place in places])


def I14():
    with open("/proc/self/status") as file:
        state = dict(line.split(":\t", 1) for line in file if ":\t" in line)
    if int(state["SigIgn"], 16) >> (signal.SIGUSR1 - 1) & 1:
        reached("the host ignores SIGUSR1 for it")
    if int(state["SigBlk"], 16):
        reached("signals are blocked", state["SigBlk"])
    mask = os.umask(0)
    if mask == 0:
        reached("umask", mask)
    say("NICE", os.nice(0), os.getcwd())
    for number in (0, 1, 2):
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            reached("stdio is a socket")
    if os.getsid(0) == PARAMS["session"]:
        reached("the host's session")


def I15():
    names = {name: os.environ.get(name) for name in ("HOME", "USER", "LOGNAME", "TZ", "LANG", "LC_ALL", "PWD", "OLDPWD", "PATH")}
    say(names)
    if names["HOME"] == PARAMS["home"] or names["TZ"] == "Pacific/Kiritimati" or names["USER"] == "canary":
        reached("the host's settings")


def H9():
    """The variable that brought it here did the work, or did not."""


H9a = H9b = H9e = H9h = H9
