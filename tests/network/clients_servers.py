"""Servers on this machine's loopback that remember what reached them: sites in HTTP and HTTPS, and a listener that
nobody may reach.

Standard library only. A site serves what `clients_scripts` ask for: texts, chunks, ten MiB, an echo, redirects, a git
repository, a package index for pip and a registry for npm. Keys and certificates are made by the openssl command.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

BIG = bytes(range(256)) * 40960
CHUNKS = [b"x" * size for size in (1, 4096, 70_000)]


class Authority:
    """A certificate authority with one server certificate, for 127.0.0.1 and localhost."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / f"{name}.pem"
        self._certificate, self._key, authority_key = (
            folder / f"{name}-{part}" for part in ("site.pem", "site.key", "key")
        )
        request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n", "ascii")
        openssl(
            "req", "-x509", *new_key, "-days", "2", "-subj", f"/CN={name}", "-keyout", authority_key, "-out", self.file
        )
        openssl("req", *new_key, "-subj", "/CN=site", "-keyout", self._key, "-out", request)
        signer = ["-CA", self.file, "-CAkey", authority_key, "-CAcreateserial"]
        openssl(
            "x509", "-req", "-in", request, *signer, "-days", "2", "-extfile", extensions, "-out", self._certificate
        )
        # The user that a script runs as is another one.
        self.file.chmod(0o644)

    def context(self) -> ssl.SSLContext:
        """What a server needs to speak TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        return context


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Content:
    """What sites serve beside texts: a bare repository, a wheel, a package for npm."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.repositories = folder / "repositories"
        self.wheel = wheel()
        self.tarball = tarball()
        if shutil.which("git"):
            self._make_repository(folder / "work", self.repositories / "tiny.git")

    def _make_repository(self, work: Path, bare: Path) -> None:
        def git(*arguments: object) -> None:
            identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(work)}
            for who in ("AUTHOR", "COMMITTER"):
                identity |= {f"GIT_{who}_NAME": "test", f"GIT_{who}_EMAIL": "test@example.org"}
            command = ["git", "-C", str(work), *map(str, arguments)]
            subprocess.run(
                command, check=True, env=os.environ | identity, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )

        work.mkdir()
        git("init", "--quiet")
        (work / "file.txt").write_text("cloned\n", "ascii")
        git("add", "file.txt")
        git("commit", "--quiet", "-m", "A file")
        git("clone", "--quiet", "--bare", work, bare)


def wheel() -> bytes:
    """tiny-package 1.0.0 as a wheel."""
    files = {
        "tiny_package.py": "WORD = 'installed'\n",
        "tiny_package-1.0.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny-package\nVersion: 1.0.0\n",
        "tiny_package-1.0.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files["tiny_package-1.0.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file.getvalue()


def tarball() -> bytes:
    """tiny-package 1.0.0 as npm packs it."""
    files = {
        "package.json": json.dumps({"name": "tiny-package", "version": "1.0.0", "main": "index.js"}),
        "index.js": "module.exports = 'installed';\n",
    }
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return file.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a site."""

    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.note(self.command, self.path)
        if path == "/text":
            self.answer(b"hello")
        elif path == "/big":
            self.answer(BIG)
        elif path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in [*CHUNKS, b""]:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        elif path == "/redirect":
            self.redirect("/text")
        elif path == "/away":
            self.redirect(f"http://{self.server.forbidden}/secret")
        elif path == "/simple/tiny-package/":
            name = "tiny_package-1.0.0-py3-none-any.whl"
            self.answer(f'<a href="/files/{name}">{name}</a>'.encode(), "text/html")
        elif path.startswith("/files/"):
            self.answer(self.server.content.wheel)
        elif path == "/npm/tiny-package":
            self.answer(self.package_document(), "application/json")
        elif path.startswith("/npm/tiny-package/-/"):
            self.answer(self.server.content.tarball)
        elif path.startswith("/git/"):
            self.git(b"")
        else:
            self.answer(b"not here", status=404)

    def do_POST(self) -> None:
        self.server.note(self.command, self.path)
        body = b"".join(self.body())
        if self.path.startswith("/git/"):
            self.git(body)
        else:
            self.answer(body)

    def body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            yield self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def answer(self, body: bytes, kind: str = "application/octet-stream", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, location: str) -> None:
        self.send_response(302)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def package_document(self) -> bytes:
        packed = self.server.content.tarball
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode()
        url = f"{self.server.url}/npm/tiny-package/-/tiny-package-1.0.0.tgz"
        version = {"name": "tiny-package", "version": "1.0.0", "dist": {"tarball": url, "integrity": integrity}}
        return json.dumps(
            {"name": "tiny-package", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        ).encode()

    def git(self, body: bytes) -> None:
        """What git's own CGI program answers."""
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        path, _, query = self.path.removeprefix("/git").partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.server.content.repositories),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        run = subprocess.run(["git", "http-backend"], input=body, env=os.environ | variables, stdout=subprocess.PIPE)
        head, _, payload = run.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        status = int(fields.get("Status", "200").split()[0])
        self.answer(payload, fields.get("Content-Type", "text/plain"), status)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: requests are kept instead."""


class Site(http.server.ThreadingHTTPServer):
    """A web server at a free port of 127.0.0.1."""

    daemon_threads = True

    def __init__(self, content: Content, forbidden: str, authority: Optional[Authority] = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.forbidden = forbidden
        self.context = authority.context() if authority else None
        self.port: int = self.server_address[1]
        self.url = f"{'https' if authority else 'http'}://127.0.0.1:{self.port}"
        self._requests: list[str] = []
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        # The handshake is the connection's own, not the listener's.
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: clients that refuse a certificate hang up, and are meant to."""

    def note(self, method: str, path: str) -> None:
        with self._lock:
            self._requests.append(f"{method} {path}")

    def take_requests(self) -> list[str]:
        """The requests since the last time, sorted."""
        with self._lock:
            requests, self._requests = self._requests, []
        return sorted(requests)


class Forbidden:
    """A listener that no rule names. A connection that is made to it stays in its queue, and is counted there."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.authority = f"127.0.0.1:{self.port}"

    def connections(self) -> int:
        """How many came since the last time."""
        count = 0
        while True:
            try:
                self._listener.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1
