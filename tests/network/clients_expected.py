"""What each client of `clients_scripts` must get, what the servers must see of it, and how often it is denied.

An answer of one text is the whole value; of more, each must be part of it. Requests are those of the HTTP site and of
the HTTPS site; the site of an unknown authority must see none, and the forbidden listener not even a connection.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from clients_servers import BIG, CHUNKS

Answers = Mapping[str, tuple[str, ...]]
ALL_TIERS = ("landlock", "namespaces", "full")
NAMESPACES = ("namespaces", "full")


@dataclass(frozen=True)
class Client:
    """A script, and what it must come to."""

    name: str
    answers: Answers
    requests: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    denials: int = 0
    # The program that a shell script is about.
    program: str = ""
    tiers: tuple[str, ...] = ALL_TIERS
    why_not_everywhere: str = ""

    def without(self, options: str = "undefined") -> Client:
        """What must come of a start without a proxy, with these `options` of Node's beside the preload."""
        shown = (options,) if options == "undefined" else (options, "--require=")
        return replace(self, answers={**self.answers, "options": shown, "watching": ("false",)})


HELLO, PING = ("hello",), ("ping",)
DIGEST = hashlib.sha256(BIG).hexdigest()[:16]
CHUNKED = (str(sum(map(len, CHUNKS))),)
# The proxy's own words, which are in the body of its answer and in the first line of it.
DENIED = ("403", "not in the engine's allow-list", "policy.network")
UNVERIFIED = ("CERTIFICATE_VERIFY_FAILED", "certificate verify failed")
PAGES: Answers = {
    "text": HELLO,
    "echo": PING,
    "redirect": HELLO,
    "chunked": CHUNKED,
    "big": (f"{len(BIG)} {DIGEST}",),
    "away": DENIED,
}
# Of those pages; the redirect leads to the text.
PAGES_SEEN = Counter(
    {"GET /text": 2, "POST /echo": 1, "GET /redirect": 1, "GET /chunked": 1, "GET /big": 1, "GET /away": 1}
)
FORBIDDEN: Answers = {"http forbidden": DENIED, "https forbidden": DENIED}
SESSION = {"alone": HELLO, **{f"text {number}": HELLO for number in range(3)}, **PAGES, "chunks sent": PING}
SESSION_SEEN = PAGES_SEEN + Counter({"GET /text": 3, "POST /echo": 1})
del SESSION["text"]


def twice(answers: Answers, pattern: str = "{scheme} {name}") -> Answers:
    """The answers over each scheme."""
    return {
        pattern.format(scheme=scheme, name=name): needles
        for scheme in ("http", "https")
        for name, needles in answers.items()
    }


def of_node() -> Answers:
    """What steps.cjs prints."""
    fetched = {**PAGES, "localhost": HELLO, "parallel": ("20",)}
    modules = {"get": HELLO, "localhost": HELLO, "post": PING, "without an agent": HELLO, "sockets": ("1",)}
    modules |= {f"agent {number}": HELLO for number in range(3)}
    refused = {f"{prefix}{name}": DENIED for prefix in ("", "fetch ") for name in FORBIDDEN}
    unknown = ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify")
    unverified = {"fetch unknown authority": unknown, "https unknown authority": unknown}
    return {**twice(fetched, "fetch {scheme} {name}"), **twice(modules), **refused, **unverified}


NODE_SEEN = PAGES_SEEN + Counter({"GET /text": 1 + 20 + 2 + 1 + 3, "POST /echo": 1})
CURL = {**PAGES, "big": (str(len(BIG)),), "twice": ("hellohello",), "1.0": HELLO, "socks": HELLO}
# curl prints bodies, not statuses.
CURL["away"] = ("127.0.0.1:", "not in the engine's allow-list", "policy.network")
PACKAGE = Counter({"GET /npm/tiny-package": 1, "GET /npm/tiny-package/-/tiny-package-1.0.0.tgz": 1})
INDEX = Counter({"GET /simple/tiny-package/": 1, "GET /files/tiny_package-1.0.0-py3-none-any.whl": 1})
CLONE = Counter({"GET /git/tiny.git/info/refs?service=git-upload-pack": 1, "POST /git/tiny.git/git-upload-pack": 2})
INSTALLED: Answers = {"http": ("installed",), "https": ("installed",)}

CLIENTS = [
    Client("python-urllib", {**twice(PAGES), **FORBIDDEN, "unknown authority": UNVERIFIED}, (PAGES_SEEN,) * 2, 4),
    Client(
        "python-http-client",
        {
            "plain text": ("200 hello",),
            "plain again": ("200 hello",),
            "plain chunks sent": ("200 ping",),
            **{f"{name} text": ("200 hello",) for name in ("tunnel", "TLS")},
            **{f"{name} again": ("200 ping",) for name in ("tunnel", "TLS")},
            **{f"{name} kept alive": ("True",) for name in ("tunnel", "TLS")},
            "tunnel forbidden": DENIED,
        },
        (Counter({"GET /text": 3, "POST /echo": 2}), Counter({"GET /text": 1, "POST /echo": 1})),
        1,
    ),
    Client("python-requests", {**twice(SESSION), **FORBIDDEN, "unknown authority": UNVERIFIED}, (SESSION_SEEN,) * 2, 4),
    Client(
        "python-httpx",
        {**twice({**SESSION, "parallel": ("10",)}), **FORBIDDEN, "unknown authority": UNVERIFIED},
        (SESSION_SEEN + Counter({"GET /text": 10}),) * 2,
        4,
    ),
    Client(
        "python-pip",
        INSTALLED,
        (INDEX,) * 2,
        tiers=NAMESPACES,
        why_not_everywhere="pip reads /etc/debian_version, which is there and closed without namespaces",
    ),
    Client("node-commonjs", of_node(), (NODE_SEEN,) * 2, 6),
    Client("node-module", of_node(), (NODE_SEEN,) * 2, 6),
    Client(
        "node-https-alone",
        {"global agent": HELLO, "class": HELLO, "inherits": HELLO, "http after it": HELLO},
        (Counter({"GET /text": 1}), Counter({"GET /text": 3})),
    ),
    Client(
        "node-worker",
        {"http": HELLO, "https": HELLO, "forbidden": DENIED},
        (Counter({"GET /text": 1}),) * 2,
        1,
    ),
    Client(
        "shell-curl",
        {
            **twice(CURL),
            "http forbidden": CURL["away"],
            # It tells the status of a tunnel's refusal, and nothing of its text.
            "https forbidden": ("exit 56", "403"),
            "socks forbidden": ("exit 97", "SOCKS5"),
            "unknown authority": ("exit 60", "certificate"),
        },
        (PAGES_SEEN + Counter({"GET /text": 4}),) * 2,
        5,
        "curl",
    ),
    Client(
        "shell-wget",
        {
            "http text": HELLO,
            "http echo": PING,
            "http redirect": HELLO,
            "https text": HELLO,
            "http away": DENIED,
            "http forbidden": DENIED,
        },
        (Counter({"GET /text": 2, "POST /echo": 1, "GET /redirect": 1, "GET /away": 1}), Counter({"GET /text": 1})),
        2,
        "wget",
    ),
    Client(
        "shell-git",
        {
            "http": ("cloned",),
            "https": ("cloned",),
            "unknown authority": ("certificate", "verif"),
            "forbidden": ("unable to access", "403"),
        },
        (CLONE,) * 2,
        1,
        "git",
    ),
    Client("shell-npm", INSTALLED, (PACKAGE,) * 2, program="npm"),
]

NO_SERVERS = "without namespaces a script may not listen"
MINE = ("mine",)
HOSTS = ("127.0.0.1", "localhost")
OWN_SERVERS = [
    Client("python-own-server", dict.fromkeys(HOSTS, MINE), tiers=NAMESPACES, why_not_everywhere=NO_SERVERS),
    Client(
        "node-own-server",
        {f"{how} {host}": MINE for how in ("fetch", "http") for host in HOSTS},
        tiers=NAMESPACES,
        why_not_everywhere=NO_SERVERS,
    ),
]

# What Node has loaded before a script asks for anything; a script without a network shows how it is otherwise.
ALONE = Client("node-alone", {"loaded": ("",), "options": ("--use-openssl-ca", "--require="), "watching": ("true",)})
CLIENTS.append(ALONE)
