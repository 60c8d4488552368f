"""The network with a list: what the proxy must not be talked into, and every other way out again.

Boxed, each first reaches the service that the list names: what is refused afterwards is refused by decision. Without a
box there is no proxy, and the same request goes straight to whoever is meant.
"""
import base64
from urllib.parse import urlsplit

PROXY = urlsplit(os.environ.get("HTTP_PROXY", "")) if BOXED else None


def connect_to_proxy(token=True):
    connection = socket.create_connection((PROXY.hostname, PROXY.port), timeout=5)
    authorization = ""
    if token and PROXY.password:
        pair = base64.b64encode(f"{PROXY.username}:{PROXY.password}".encode()).decode()
        authorization = f"Proxy-Authorization: Basic {pair}\r\n"
    return connection, authorization


def exchange(connection, data):
    """Sends, and reads until the other side has nothing more to say."""
    connection.sendall(data)
    heard = b""
    try:
        while True:
            part = connection.recv(65536)
            if not part:
                break
            heard += part
            if b"WELCOME" in part:
                break
    except OSError as error:
        say("CUT", error)
    connection.close()
    say("HEARD", heard[:300])
    return heard


def direct(host, port):
    with socket.create_connection((host.strip("[]"), port), timeout=3) as connection:
        exchange(connection, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


def tunnel(host, port, data=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
    """By CONNECT: what the other side said, or None."""
    if not BOXED:
        return direct(host if isinstance(host, str) else host.decode("latin-1"), port)
    host = host.encode() if isinstance(host, str) else host
    connection, authorization = connect_to_proxy()
    authority = host + b":%d" % port
    connection.sendall(b"CONNECT " + authority + b" HTTP/1.1\r\nHost: " + authority + b"\r\n" + authorization.encode() + b"\r\n")
    answer = connection.recv(4096)
    if b" 200 " not in answer.split(b"\r\n")[0]:
        say("DENIED", answer[:200])
        connection.close()
        return None
    return exchange(connection, data)


def plain(url, host=None, extra=b"", method=b"GET"):
    """In plain HTTP, absolute form."""
    connection, authorization = connect_to_proxy()
    host = url.split(b"//")[1].split(b"/")[0] if host is None else host
    head = method + b" " + url + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + authorization.encode() + extra
    return exchange(connection, head if extra else head + b"\r\n")


def socks(host, port):
    """By SOCKS5 with a name."""
    if not BOXED:
        return direct(host, port)
    host = host.encode() if isinstance(host, str) else host
    connection, _ = connect_to_proxy()
    if PROXY.password:
        user, password = PROXY.username.encode(), PROXY.password.encode()
        connection.sendall(b"\5\1\2")
        connection.recv(2)
        connection.sendall(b"\1" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        connection.recv(2)
    else:
        connection.sendall(b"\5\1\0")
        connection.recv(2)
    connection.sendall(b"\5\1\0\3" + bytes([len(host)]) + host + struct.pack("!H", port))
    answer = connection.recv(64)
    if answer[1:2] != b"\0":
        say("DENIED", answer)
        connection.close()
        return None
    return exchange(connection, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


def is_welcome():
    """The list holds what it names."""
    if BOXED and b"WELCOME" not in (tunnel("127.0.0.1", PARAMS["service"]) or b""):
        raise AssertionError("the service that is listed is not reached")


SPELLINGS = (
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
    "localhost", "LocalHost", "localhost.", "a.localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "::1", "0", "0.0.0.0",
    "[::]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "127.0.0.2", "127%2e0%2e0%2e1", "user@127.0.0.1", "127.0.0.1 ", "127.0.0.1%00",
    "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021",
)


def spelled(ask):
    is_welcome()
    service = PARAMS["service"]
    for spelling in SPELLINGS:
        attempts(lambda: ask(spelling, PARAMS["tcp4"]))
    if BOXED:
        for raw in (b"127.0.0.1\0.example.org", b"example.org\0127.0.0.1", b"127.0.0.1:%d\0" % service, b"127.0.0.1\r\nX: y", b"\xff"):
            attempts(lambda: ask(raw, PARAMS["tcp4"]))


def N16():
    is_welcome()
    attempts(lambda: tunnel("[::1]", PARAMS["tcp6"]))
    if BOXED:
        attempts(lambda: socks("::1", PARAMS["tcp6"]), lambda: plain(b"http://[::1]:%d/" % PARAMS["tcp6"]))


def N17():
    spelled(tunnel)


def N17b():
    def ask(host, port):
        if not BOXED:
            return direct(host, port)
        host = host.encode() if isinstance(host, str) else host
        return plain(b"http://" + host + b":%d/" % port)

    spelled(ask)


def N17c():
    spelled(socks)


def N18():
    if not PARAMS["names"]:
        raise Unavailable("no name of this machine resolves to its loopback")
    is_welcome()
    for name in PARAMS["names"]:
        attempts(lambda: tunnel(name, PARAMS["tcp4"]))
        if BOXED:
            attempts(lambda: socks(name, PARAMS["tcp4"]), lambda: plain(b"http://%s:%d/" % (name.encode(), PARAMS["tcp4"])))


def N19():
    is_welcome()
    for name in list(os.environ):
        if name.upper().endswith("_PROXY"):
            del os.environ[name]

    def ask(port):
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            if b"WELCOME" in exchange(connection, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
                reached("service", port)

    attempts(lambda: ask(PARAMS["service"]), lambda: ask(PARAMS["paths"]))


def N20():
    if BOXED and PROXY.hostname:
        reached("a proxy", PROXY.hostname)
    direct("127.0.0.1", PARAMS["tcp4"])


def N21():
    service = PARAMS["service"]
    if not BOXED:
        with socket.create_connection(("127.0.0.1", service), timeout=3) as connection:
            exchange(connection, b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        return
    is_welcome()
    own = b"127.0.0.1:%d" % service
    url = b"http://" + own + b"/"
    inner = b"GET /smuggled HTTP/1.1\r\nHost: smuggled\r\n\r\n"
    rows = (
        # A request behind the first one, which is for the upstream's ears only.
        b"\r\n" + inner,
        b"Content-Length: 0\r\n\r\n" + inner,
        b"Content-Length: 2\r\n\r\nok" + inner,
        # Two framings.
        b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (len(inner) + 5) + inner,
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + inner,
        b"Content-Length: 2\r\nContent-Length: %d\r\n\r\nok" % (len(inner) + 2) + inner,
        b"Content-Length: 2, %d\r\n\r\nok" % (len(inner) + 2) + inner,
        b"Content-Length: +2\r\n\r\nok" + inner,
        b"Content-Length: 0x2\r\n\r\nok" + inner,
        b"Content-Length : 0\r\n\r\n" + inner,
        b"Transfer-Encoding: xchunked\r\n\r\n" + inner,
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inner,
        b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + inner,
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
        b"Transfer-Encoding: chunked\r\n\r\n0;a=b\r\nX: smuggled\r\n\r\n" + inner,
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + inner,
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n" + inner,
        b"Transfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n" + inner,
        # Somebody else's name.
        b"Host: smuggled\r\n\r\n",
        b"Host: smuggled\r\nHost: " + own + b"\r\n\r\n",
        b" Host: smuggled\r\n\r\n",
        b"X: y\r\n smuggled\r\n\r\n",
        b"X: y\rHost: smuggled\r\n\r\n",
        b"X: y\nHost: smuggled\n\n",
        b"Connection: x-smuggled\r\nX-Smuggled: 1\r\n\r\n",
        b"Proxy-Smuggled: 1\r\n\r\n",
        b"Upgrade: smuggled\r\nConnection: upgrade\r\n\r\n",
    )
    for row in rows:
        attempts(lambda: plain(url, extra=row, method=b"POST"))
    attempts(
        lambda: plain(url, host=b"smuggled"),
        lambda: plain(url, host=own + b"\r\nHost: smuggled"),
        lambda: plain(b"http://smuggled@" + own + b"/"),
        lambda: plain(b"http://" + own + b"@smuggled/"),
        lambda: plain(b"https://" + own + b"/smuggled"),
        lambda: plain(url + b"#smuggled"),
        lambda: plain(url + b" HTTP/1.1\r\nHost: smuggled\r\nX:"),
        lambda: tunnel(b"127.0.0.1:%d HTTP/1.1\r\nHost: smuggled\r\nX" % service, service),
    )


def N22():
    is_welcome()
    if not PROXY.password:
        say("PRIVATE", "the listener lies in this call's own namespace")
        return
    authority = b"127.0.0.1:%d" % PARAMS["service"]
    for extra in (b"", b"Proxy-Authorization: Basic c2tpbGxsaXRlOjAwMDA=\r\n", b"Proxy-Authorization: Bearer x\r\n"):
        connection, _ = connect_to_proxy(token=False)
        answer = exchange(connection, b"GET http://" + authority + b"/ HTTP/1.1\r\nHost: " + authority + b"\r\n" + extra + b"\r\n")
        if b"WELCOME" in answer or b" 407 " not in answer.split(b"\r\n")[0]:
            reached("the proxy without its token", answer[:80])
    connection, _ = connect_to_proxy()
    connection.sendall(b"\5\1\0")
    if connection.recv(2) != b"\5\xff":
        reached("SOCKS without the token")


def N23():
    paths = PARAMS["paths"]
    if not BOXED:
        with socket.create_connection(("127.0.0.1", paths), timeout=3) as connection:
            exchange(connection, b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        return
    is_welcome()
    site = b"http://127.0.0.1:%d" % paths
    if b"WELCOME" not in plain(site + b"/open/door"):
        raise AssertionError("the path that is listed is not reached")
    for path in (
        b"/smuggled", b"/open/../smuggled", b"/open/%2e%2e/smuggled", b"/open/..%2fsmuggled", b"/open/.%2e/smuggled", b"/open//../smuggled",
        b"/open\\..\\smuggled", b"/open/..;/smuggled", b"//smuggled/open/", b"/OPEN/smuggled", b"/openx/smuggled", b"/open/./../smuggled",
        b"*smuggled", b"?/open/smuggled", b"/%6fpen/smuggled",
    ):
        attempts(lambda: plain(site + path))
    tunnel("127.0.0.1", paths, b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    socks("127.0.0.1", paths)


def again(payload):
    def run_again():
        is_welcome()
        attempts(payload)

    return run_again


N1A, N2A, N3A, N4A, N6A, N8A, N9A, N10A, N13A = map(again, (N1, N2, N3, N4, N6, N8, N9, N10, N13))


def N7A():
    is_welcome()
    attempts(N7, N7b)


def N12A():
    is_welcome()
    for number in range(2, 64):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            if (number, kind) not in ((2, socket.SOCK_STREAM), (10, socket.SOCK_STREAM)):
                family(number, kind)
    family(2, socket.SOCK_STREAM, 262)
    family(2, socket.SOCK_STREAM, 132)


def N24A():
    is_welcome()
    attempts(N24)
    for port in (PARAMS["service"], PARAMS["tcp4"]):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(2)
        attempts(
            lambda: connection.sendmsg([b"GET / HTTP/1.1\r\n\r\n"], [], 0x20000000, ("127.0.0.1", port)),
            lambda: say("HEARD", connection.recv(256)),
        )
