"""The network: every way out and every way in."""
import socket
import struct
import time


def ask(family, kind, address):
    """Connects and prints what the other side says."""
    with socket.socket(family, kind) as connection:
        connection.settimeout(2)
        connection.connect(address)
        say("HEARD", connection.recv(256))


def N1():
    ask(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", PARAMS["tcp4"]))


def N2():
    ask(socket.AF_INET6, socket.SOCK_STREAM, ("::1", PARAMS["tcp6"]))


def N3():
    if not PARAMS["interface"]:
        raise Unavailable("this machine has no interface besides the loopback")
    ask(socket.AF_INET, socket.SOCK_STREAM, (PARAMS["interface"], PARAMS["tcp4"]))


def N4():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\6secret\7example\0\0\1\0\1", ("127.0.0.1", PARAMS["udp"]))


def N5():
    if not PARAMS["names"]:
        raise Unavailable("no name of this machine resolves")
    for name in PARAMS["names"]:
        start = time.monotonic()
        try:
            reached("name", socket.getaddrinfo(name, 80))
        except OSError as error:
            say("REFUSED", name, error)
        if time.monotonic() - start > 1:
            reached("slow", name)


def N6():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", PARAMS["bind"]))
        server.listen()
        server.settimeout(1)
        server.accept()


def N7():
    ask(socket.AF_UNIX, socket.SOCK_STREAM, PARAMS["path_socket"])


def N7b():
    """Sends without connecting."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.sendto(b"hostile", PARAMS["path_datagram"])


def N8():
    ask(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + PARAMS["abstract"])


def N9():
    for protocol in (0, 9, 12, 15, 16):
        try:
            with socket.socket(16, socket.SOCK_RAW, protocol) as connection:
                connection.send(struct.pack("=IHHII", 17, 18, 0x301, 1, 0) + b"\0")
                connection.settimeout(1)
                if len(connection.recv(65536)) > 100:
                    reached("netlink", protocol)
        except OSError as error:
            say("REFUSED", protocol, error)


def family(number, kind=socket.SOCK_RAW, protocol=0):
    try:
        socket.socket(number, kind, protocol).close()
        reached("family", number, kind)
    except OSError as error:
        say("REFUSED", number, error)


def N10():
    family(17)
    family(44)
    family(2, socket.SOCK_RAW, 1)
    family(10, socket.SOCK_RAW, 58)


def N11():
    family(40, socket.SOCK_STREAM)
    family(40, socket.SOCK_DGRAM)


def N12():
    for number in range(2, 64):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            family(number, kind)
    family(2, socket.SOCK_STREAM, 262)
    family(2, socket.SOCK_STREAM, 132)


def N12b():
    """A family whose upper half is not zero: the kernel takes 32 bits, a filter that compares 64 does not."""
    for wide in (1 << 32, 1 << 63):
        probe("socket", 41, 2 | wide if wide < 1 << 63 else 2 - (1 << 63), 1, 0)
    probe("socketpair", 53, 2, 1, 0, ctypes.create_string_buffer(8))


def N13():
    parameters = ctypes.create_string_buffer(120)
    probe("io_uring_setup", 425, 8, parameters)
    probe("io_uring_enter", 426, -1, 0, 0, 0, 0, 0)
    probe("io_uring_register", 427, -1, 0, 0, 0)


def N15():
    for number in (0, 1, 2):
        try:
            socket.socket(fileno=os.dup(number)).getsockname()
            reached("socket", number)
        except OSError as error:
            say("REFUSED", number, error)


def N24():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 2, 0))
        connection.sendto(b"hostile", 0x20000000, ("127.0.0.1", PARAMS["tcp4"]))
        say("HEARD", connection.recv(256))
