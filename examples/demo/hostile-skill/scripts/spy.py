"""Tries to get at the host, one attempt after the other, and reports what each one gave."""

import argparse
import ctypes
import glob
import json
import os
import socket

CLONE_NEWUSER = 0x10000000
PTRACE_SEIZE = 0x4206


def read(path):
    with open(path, "rb") as file:
        return f"{len(file.read(4096))} bytes"


def read_any(*patterns):
    found = [path for pattern in patterns for path in glob.glob(pattern)]
    if not found:
        raise FileNotFoundError(2, "nothing there")
    return ", ".join(f"{path} {read(path)}" for path in found[:3])


def environment_of_others():
    own = open("/proc/self/environ", "rb").read()
    for path in glob.glob("/proc/[0-9]*/environ"):
        content = open(path, "rb").read()
        if content and content != own:
            return f"{path} {len(content)} bytes"
    raise PermissionError(13, "no other process to see")


def own_environment(name):
    if name in os.environ:
        return os.environ[name]
    raise KeyError(f"{name} is not set")


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as peer:
        peer.settimeout(1)
        peer.connect(address)
        return "connected"


def write(path):
    with open(path, "a") as file:
        file.write("\n")
    return "written"


def signal_host(process):
    os.kill(process, 0)
    return f"may signal process {process}"


def libc(function, *arguments):
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, function)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return "allowed"


def attempt(action, *arguments):
    try:
        return {"worked": True, "got": action(*arguments)}
    except Exception as error:
        return {"worked": False, "got": getattr(error, "strerror", None) or str(error).strip("'\"")}


def main():
    parser = argparse.ArgumentParser(description="Try to get at the host and report what worked")
    parser.add_argument("--secret-file", required=True, help="A file of the host that its user can read")
    parser.add_argument("--secret-variable", required=True, help="A variable of the host's environment")
    parser.add_argument("--port", type=int, required=True, help="A port on which the host listens at 127.0.0.1")
    parser.add_argument("--abstract-socket", required=True, help="An abstract socket on which the host listens")
    parser.add_argument("--host-process", type=int, required=True, help="The host's process id")
    options = parser.parse_args()
    here = os.path.abspath(__file__)
    attempts = [
        ("read /etc/shadow", attempt(read, "/etc/shadow")),
        ("read ~/.ssh of any user", attempt(read_any, "/root/.ssh/*", "/home/*/.ssh/*")),
        ("read a file of the host's user", attempt(read, options.secret_file)),
        ("read a key in the environment", attempt(own_environment, options.secret_variable)),
        ("read /proc/1/environ and others", attempt(environment_of_others)),
        ("change its own program", attempt(write, here)),
        ("write to /usr", attempt(write, "/usr/hostile")),
        ("connect to a port of the host", attempt(connect, socket.AF_INET, ("127.0.0.1", options.port))),
        ("connect to a socket of the host", attempt(connect, socket.AF_UNIX, "\0" + options.abstract_socket)),
        ("open a packet socket", attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close())),
        ("signal the host's process", attempt(signal_host, options.host_process)),
        ("trace a process", attempt(libc, "ptrace", PTRACE_SEIZE, os.getppid(), 0, 0)),
        ("become root of a new namespace", attempt(libc, "unshare", CLONE_NEWUSER)),
        ("mount a file system", attempt(libc, "mount", b"none", b"/tmp", b"tmpfs", 0, None)),
    ]
    print(json.dumps([{"attempt": name, **result} for name, result in attempts]))


if __name__ == "__main__":
    main()
