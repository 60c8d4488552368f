"""The wheel: what is in it, what it is tagged as, and that it works on its own in a fresh environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import SKILLS

from skilllite import _library

PROJECT = Path(__file__).resolve().parents[1]


def build(out: Path, library: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(PROJECT)]
    environment = {**os.environ, "SKILLLITE_LIBRARY_FILE": library}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    ended = build(out, str(_library.find()))
    assert ended.returncode == 0, ended.stderr
    [wheel] = out.iterdir()
    return wheel


def test_its_name_and_content(wheel: Path) -> None:
    assert re.fullmatch(r"skilllite-[\d.]+-py3-none-(manylinux_2_\d+|linux)_(x86_64|aarch64)\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("skilllite/libskilllite.so") == _library.find().read_bytes()
        metadata = next(name for name in names if name.endswith("/METADATA"))
        assert "Requires-Dist" not in archive.read(metadata).decode()
    modules = {f"skilllite/{path.name}" for path in (PROJECT / "src" / "skilllite").glob("*.py")}
    packaged = {name for name in names if name.startswith("skilllite/")}
    assert packaged == modules | {"skilllite/py.typed", "skilllite/libskilllite.so"}


def test_it_works_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SKILLLITE", "PYTHON"))}
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True, env=environment)
    code = (
        "import sys, skilllite\n"
        "assert skilllite.__file__.startswith(sys.prefix), skilllite.__file__\n"
        "with skilllite.SkillManager(sys.argv[1]) as manager:\n"
        "    print(manager.execute('calculator', {'operation': 'multiply', 'a': 15, 'b': 27}).output['result'])\n"
    )
    command = [str(python), "-X", "dev", "-W", "error", "-c", code, str(SKILLS)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert (ended.stdout, ended.stderr) == ("405\n", "")


def test_a_library_that_is_none(tmp_path: Path) -> None:
    ended = build(tmp_path / "out", str(tmp_path / "missing.so"))
    assert ended.returncode != 0
    assert "there is no library file" in ended.stdout + ended.stderr
    (tmp_path / "text.so").write_text("no library", "utf-8")
    ended = build(tmp_path / "out", str(tmp_path / "text.so"))
    assert "no ELF file" in ended.stdout + ended.stderr
