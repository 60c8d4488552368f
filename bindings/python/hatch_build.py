"""Puts libskilllite.so into the wheel and tags the wheel for the platform that the library needs.

The library is the file of $SKILLLITE_LIBRARY_FILE, or is built by cargo: from the sources that an sdist has beside this
file, or from the checkout that this folder is part of.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILE_NAME = "libskilllite.so"
# Of the library, and of what is linked into it.
LICENCES = ("LICENSE", "THIRD_PARTY_LICENSES.md")
# ELF e_machine -> the name in a wheel's platform tag.
MACHINES = {62: "x86_64", 183: "aarch64"}


class CustomBuildHook(BuildHookInterface[Any]):
    """Called by hatchling for each wheel; an editable one finds the library in the checkout instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        given = os.environ.get("SKILLLITE_LIBRARY_FILE")
        sources = rust(Path(self.root))
        library = Path(given).resolve() if given else build(sources)
        if not library.is_file():
            raise SystemExit(f"skilllite: there is no library file {library}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(library.read_bytes())}"
        if version != "editable":
            build_data["force_include"][str(library)] = f"skilllite/{FILE_NAME}"
            for name in LICENCES:
                build_data["force_include"][str(sources / name)] = f"skilllite/{name}"


def rust(root: Path) -> Path:
    """Where the sources of the library are."""
    packed = root / "rust"
    return packed if packed.is_dir() else root.parent.parent


def build(sources: Path) -> Path:
    """Runs cargo and gives the path of the library it made."""
    manifest = sources / "Cargo.toml"
    if not manifest.is_file():
        raise SystemExit(
            f"skilllite: {sources} has no Cargo.toml, so there is nothing to build the library from; "
            "install from a checkout of the project, or name a built library with SKILLLITE_LIBRARY_FILE"
        )
    cargo = shutil.which("cargo") or shutil.which("cargo", path=str(Path.home() / ".cargo" / "bin"))
    if cargo is None:
        raise SystemExit(
            "skilllite: the library is written in Rust and cargo is not on PATH; "
            "install a Rust toolchain, or name a built library with SKILLLITE_LIBRARY_FILE"
        )
    command = [cargo, "rustc", "--release", "--locked", "--lib", "--crate-type=cdylib"]
    ended = subprocess.run(
        [*command, "--message-format=json-render-diagnostics", "--manifest-path", str(manifest)], stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise SystemExit(f"skilllite: cargo failed with exit code {ended.returncode}; its messages are above")
    for line in ended.stdout.splitlines():
        for file in json.loads(line).get("filenames", []):
            if Path(file).name == FILE_NAME:
                return Path(file)
    raise SystemExit(f"skilllite: cargo built no {FILE_NAME}; shared libraries need a target that has them")


def platform_tag(elf: bytes) -> str:
    """The tag of the oldest platform that has what the library needs: manylinux with the newest glibc version it names.

    The library links to nothing but glibc and libgcc_s, which manylinux allows. One that names no glibc version (musl)
    gets the plain tag of this machine's kind.
    """
    machine = MACHINES.get(int.from_bytes(elf[18:20], "little")) if elf[:4] == b"\x7fELF" else None
    if machine is None:
        raise SystemExit("skilllite: the library is no ELF file for x86_64 or aarch64")
    versions = [tuple(map(int, match)) for match in re.findall(rb"\0GLIBC_(\d+)\.(\d+)(?=[.\d]*\0)", elf)]
    if not versions:
        return f"linux_{machine}"
    # Releases before 2.17 have no manylinux tag.
    major, minor = max(*versions, (2, 17))
    return f"manylinux_{major}_{minor}_{machine}"
