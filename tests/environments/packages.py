"""Packages made by hand, laid out as a Python index and an npm registry: packages.py FOLDER URL PROBED_PORT CANARY."""

import base64
import hashlib
import io
import json
import os
import sys
import tarfile
import zipfile

FOLDER, URL, PROBED_PORT, CANARY = sys.argv[1:]

# A package whose own code is executed when it is built: it looks for what the host has, and leaves what it found.
HOSTILE = f"""
import os, socket, urllib.request
def attempt(what):
    try:
        return repr(what())
    except BaseException as error:
        return type(error).__name__
found = dict(
    canary=attempt(lambda: open({CANARY!r}).read()),
    written=attempt(lambda: open({CANARY!r} + ".out", "w").write("x")),
    direct=attempt(lambda: socket.create_connection(("127.0.0.1", {PROBED_PORT}), 2)),
    proxied=attempt(lambda: urllib.request.urlopen("http://127.0.0.1:{PROBED_PORT}/", timeout=5).read()),
    secret=attempt(lambda: os.environ["HOST_SECRET"]),
    home=attempt(lambda: sorted(os.listdir("/root"))),
    cache=attempt(lambda: sorted(os.listdir(os.environ["SKILL_DIR"]))),
)
"""


def write(path, content):
    path = os.path.join(FOLDER, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def wheel(name, version, modules, requires=()):
    """A wheel of plain modules."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {text}\n" for text in requires)
    files = dict(modules)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return f"{name}-{version}-py3-none-any.whl", content.getvalue()


def tarball(files):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


def backend(body):
    """A source distribution that builds itself: its back end needs nothing but what stands here."""
    return f"""
import io, os, zipfile
{body}
def get_requires_for_build_wheel(settings=None):
    return []
def build_wheel(folder, settings=None, metadata=None):
    name = "hostile-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        archive.writestr("hostile.py", "found = " + repr(found))
        info = "hostile-1.0.dist-info/"
        archive.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: hostile\\nVersion: 1.0\\n")
        archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(info + "RECORD", "")
    return name
"""


pages = {}


def publish(name, file, content):
    write(f"simple/{name}/{file}", content)
    digest = hashlib.sha256(content).hexdigest()
    pages.setdefault(name, []).append(f'<a href="{file}#sha256={digest}">{file}</a>')


publish("greeting", *wheel("greeting", "1.0", {"greeting.py": "text = 'old'\n"}))
publish("greeting", *wheel("greeting", "2.0", {"greeting.py": "import tone\ntext = tone.of('hello')\n"}, ["tone"]))
publish("tone", *wheel("tone", "1.5", {"tone/__init__.py": "def of(text):\n    return text.upper()\n"}))
publish("slow", *wheel("slow", "1.0", {"slow.py": "text = 'slow'\n"}))
publish("elsewhere", *wheel("elsewhere", "1.0", {"elsewhere.py": ""}, [f"tone @ http://127.0.0.1:{PROBED_PORT}/tone-1.5-py3-none-any.whl"]))
project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
publish("hostile", "hostile-1.0.tar.gz", tarball({
    "hostile-1.0/PKG-INFO": "Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n",
    "hostile-1.0/pyproject.toml": project,
    "hostile-1.0/backend.py": backend(HOSTILE),
}))
for name, links in pages.items():
    write(f"simple/{name}/index.html", f"<!DOCTYPE html><html><body>{'<br>'.join(links)}</body></html>".encode())

packages = {
    "greet": ("1.2.0", {"index.js": "exports.text = require('loud')('hello');"}, {"dependencies": {"loud": "^3"}}),
    "loud": ("3.1.0", {"index.js": "module.exports = (text) => text.toUpperCase();"}, {}),
    "scripted": (
        "1.0.0",
        {"index.js": "exports.ran = require('fs').existsSync(__dirname + '/ran');", "do.js": "require('fs').writeFileSync('ran', '');"},
        {"scripts": {"install": "node do.js"}},
    ),
}
locked = {"": {"dependencies": {"greet": "1.2.0"}}}
for name, (version, files, more) in packages.items():
    manifest = {"name": name, "version": version, "main": "index.js", **more}
    content = tarball({"package/package.json": json.dumps(manifest), **{f"package/{path}": text for path, text in files.items()}})
    write(f"npm/{name}/-/{name}-{version}.tgz", content)
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    resolved = f"{URL}/npm/{name}/-/{name}-{version}.tgz"
    manifest["dist"] = {"tarball": resolved, "integrity": integrity}
    document = {"name": name, "dist-tags": {"latest": version}, "versions": {version: manifest}}
    write(f"npm/{name}/index.json", json.dumps(document).encode())
    if name != "scripted":
        locked[f"node_modules/{name}"] = {"version": version, "resolved": resolved, "integrity": integrity, **more}
write("package-lock.json", json.dumps({"lockfileVersion": 3, "requires": True, "packages": locked}).encode())
