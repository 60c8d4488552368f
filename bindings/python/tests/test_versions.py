"""The wheel in every Python that is here: calls, event loop, agent loop; in three of them all conformance cases.

A version that is not on PATH, and not where pyenv puts it, is skipped.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Optional

import pytest
from conftest import PROJECT, ROOT, SKILLS, install, outside

VERSIONS = ["python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "pypy3"]


def find(name: str) -> Optional[Path]:
    """An interpreter of this name that starts. A version manager's shim may be there and lead nowhere."""
    named = sorted(Path.home().glob(f".pyenv/versions/*/bin/{name}"))
    on_path = shutil.which(name)
    for candidate in [Path(on_path)] if on_path else [], named:
        for path in candidate:
            started = subprocess.run([str(path), "-c", "import venv, ensurepip"], capture_output=True, check=False)
            if started.returncode == 0:
                return path
    return None


FOUND = {name: find(name) for name in VERSIONS}
NEWEST = [name for name in VERSIONS if FOUND[name] and name.startswith("python")][-1]


@pytest.mark.parametrize("name", VERSIONS)
def test_a_version(wheel: Path, tmp_path: Path, name: str) -> None:
    interpreter = FOUND[name]
    if interpreter is None:
        pytest.skip(f"{name} with venv is not here")
    python = install(interpreter, tmp_path / "venv", wheel)

    def run(*arguments: object) -> str:
        command = [str(python), "-X", "dev", "-W", "error", *map(str, arguments)]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=outside(), check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout + ended.stderr
        return ended.stdout

    assert run(PROJECT / "tests" / "versions.py", SKILLS) == "405 405 405 cancelled\n"
    if name in (VERSIONS[0], NEWEST, "pypy3"):
        cases = ROOT / "tests" / "conformance"
        assert re.search(r"^Python: \d+ passed, 0 failed$", run(cases / "python.py", cases), re.M)
