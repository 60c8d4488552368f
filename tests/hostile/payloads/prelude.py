"""Put in front of every Python payload: what it is told, and how it reports.

BEGIN proves that it ran, END that it came to its end, REACHED that it did what it must not be able to do. A secret that
it finds is printed as it is: whoever runs it looks for the secret, not for a claim.
"""
import ctypes
import errno
import json
import os
import sys

CASE = os.environ["HOSTILE_CASE"]
PARAMS = json.loads(os.environ["HOSTILE_PARAMS"])
BOXED = "HOSTILE_BOXED" in os.environ
LIBC = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"


class Unavailable(Exception):
    """This machine cannot do it, sandboxed or not."""


def say(*words):
    print(*words, flush=True)


def reached(*words):
    say("REACHED", *words)


def leak(path, mode="r"):
    """Prints the content of a file."""
    with open(path, mode, errors="replace") as file:
        say("READ", path, file.read(65536))


def attempts(*actions):
    """Tries one after the other; a refusal of one does not spare the next."""
    for action in actions:
        try:
            action()
        except (OSError, MemoryError, RuntimeError, ValueError, OverflowError) as error:
            say("REFUSED", type(error).__name__, error)


def syscall(number, *arguments):
    """A raw system call: its result, or OSError."""
    ctypes.set_errno(0)
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    LIBC.syscall.restype = ctypes.c_long
    result = LIBC.syscall(ctypes.c_long(number), *words)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def probe(name, number, *arguments):
    """REACHED when the kernel acted on a call instead of refusing it: bad arguments are its answer, not a refusal."""
    if not X86:
        raise Unavailable("the numbers are those of x86_64")
    try:
        reached(name, syscall(number, *arguments))
    except OSError as error:
        word = errno.errorcode.get(error.errno, error.errno)
        if error.errno in (errno.EPERM, errno.EACCES, errno.ENOSYS):
            say("REFUSED", name, word)
        else:
            reached(name, word)


def lacks(name, number):
    """Says so where not even root may do it; in the sandbox it is tried all the same."""
    with open("/proc/self/status") as file:
        effective = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff"))
    if not BOXED and not effective >> number & 1:
        raise Unavailable("the caller has no " + name)


def run():
    say("BEGIN", CASE)
    if BOXED and os.environ.get("TMPDIR", "").startswith("/tmp/skilllite-"):
        say("WORKSPACE", os.path.dirname(os.environ["TMPDIR"]))
    try:
        globals()[CASE]()
    except Unavailable as error:
        say("UNAVAILABLE", error)
    except (OSError, MemoryError) as error:
        say("REFUSED", type(error).__name__, error)
    except RuntimeError as error:
        if "thread" not in str(error):
            raise
        say("REFUSED", error)
    say("END", CASE)
