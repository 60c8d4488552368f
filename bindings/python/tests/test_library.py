"""Which library is loaded, and what is said when none fits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest

from skilllite import _library

PACKAGE = Path(_library.__file__).parent


def load(package_parent: Path, library: Optional[Path]) -> subprocess.CompletedProcess[str]:
    """Imports a copy of the package in a new interpreter and asks the library for its version."""
    environment = {key: value for key, value in os.environ.items() if key != "SKILLLITE_LIBRARY"}
    environment["PYTHONPATH"] = str(package_parent)
    if library is not None:
        environment["SKILLLITE_LIBRARY"] = str(library)
    code = "import skilllite\nprint(skilllite.version())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package outside of the checkout, without a library."""
    shutil.copytree(PACKAGE, tmp_path / "site" / "skilllite", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    return tmp_path / "site"


def compiled(path: Path, source: str) -> Path:
    compiler = shutil.which("cc")
    assert compiler, "the tests need a C compiler"
    command = [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(path)]
    subprocess.run(command, input=source, text=True, check=True)
    return path


def test_the_packaged_library_is_never_replaced(copy: Path, tmp_path: Path) -> None:
    shutil.copy(_library.find(), copy / "skilllite" / _library.FILE_NAME)
    other = compiled(tmp_path / "other.so", "unsigned skl_abi_version(void) { return 0; }")
    assert load(copy, other).stdout == f"{_version()}\n"


def test_the_named_library_is_for_a_package_without_one(copy: Path) -> None:
    assert load(copy, _library.find()).stdout == f"{_version()}\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("unsigned skl_abi_version(void) { return 0; }", "has ABI 0, this package needs 1 or later"),
        ("unsigned skl_abi_version(void) { return 9; }", "says ABI 9 and lacks a function of it"),
        ("int x;", "it has no skl_abi_version"),
    ],
)
def test_a_library_that_does_not_fit(copy: Path, tmp_path: Path, source: str, message: str) -> None:
    ended = load(copy, compiled(tmp_path / "other.so", source))
    assert ended.returncode == 1
    assert "LibraryError" in ended.stderr
    assert message in ended.stderr


def test_no_library_at_all(copy: Path, tmp_path: Path) -> None:
    assert "install the wheel" in load(copy, None).stderr
    assert "which is no file" in load(copy, tmp_path / "nothing.so").stderr
    (tmp_path / "text.so").write_text("no library", "utf-8")
    assert "cannot load" in load(copy, tmp_path / "text.so").stderr


def _version() -> str:
    from skilllite import __version__

    return __version__
