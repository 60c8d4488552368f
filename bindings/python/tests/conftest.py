"""What the tests share: managers over the project's skills and over skills that a test writes."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from skilllite import SkillManager, _handles, _library

PROJECT = Path(__file__).resolve().parents[1]
ROOT = PROJECT.parents[1]
SKILLS = ROOT / "skills"
MULTIPLY = {"operation": "multiply", "a": 15, "b": 27}


class WriteSkill(Protocol):
    """Writes a skill of one script that takes any arguments; gives the folder of skills that it is in."""

    def __call__(self, name: str, script: str, language: str = "python") -> Path: ...


def footprint() -> tuple[int, int]:
    """Open descriptors and threads of this process."""
    return len(list(Path("/proc/self/fd").iterdir())), len(list(Path("/proc/self/task").iterdir()))


def build(out: Path, kind: str, library: str, source: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """Builds a "wheel" or "sdist" into a folder, with a library that was built before; cargo builds it where empty."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(out), str(source)]
    environment = {**outside(), "SKILLLITE_LIBRARY_FILE": library}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def outside() -> dict[str, str]:
    """The environment without what leads into the checkout."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("SKILLLITE", "PYTHON"))}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel with the library that the tests run with."""
    out = tmp_path_factory.mktemp("dist")
    ended = build(out, "wheel", str(_library.find()))
    assert ended.returncode == 0, ended.stderr
    [wheel] = out.iterdir()
    return wheel


def install(python: Path, place: Path, wheel: Path) -> Path:
    """Makes a virtual environment with the wheel and nothing else; gives its interpreter."""
    subprocess.run([str(python), "-m", "venv", str(place)], check=True, env=outside())
    pip = [
        str(place / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, str(wheel)], check=True, env=outside())
    return place / "bin" / "python"


@pytest.fixture(autouse=True)
def every_handle_is_freed() -> Iterator[None]:
    """After each test: what the binding was given by the library was given back."""
    before = _handles.live()
    yield
    gc.collect()
    assert _handles.live() == before


@pytest.fixture
def manager() -> Iterator[SkillManager]:
    with SkillManager(SKILLS) as manager:
        yield manager


@pytest.fixture
def write_skill(tmp_path: Path) -> WriteSkill:
    def write(name: str, script: str, language: str = "python") -> Path:
        folder = tmp_path / "skills" / name
        (folder / "scripts").mkdir(parents=True)
        main = {"python": "scripts/main.py", "bash": "scripts/main.sh"}[language]
        (folder / main).write_text(script, "utf-8")
        runtime = {"entry_point": main, "language": language, "input_schema": {"type": "object"}}
        front = f"---\nname: {name}\ndescription: A skill of the tests\n---\n"
        (folder / "SKILL.md").write_text(f"{front}\n## Runtime\n\n```yaml\n{json.dumps(runtime)}\n```\n", "utf-8")
        return folder.parent

    return write


@pytest.fixture
def sleeper(write_skill: WriteSkill) -> Iterator[SkillManager]:
    """A manager with one tool, `sleeper`, that does not end by itself."""
    with SkillManager(write_skill("sleeper", "import signal\nsignal.pause()\n")) as manager:
        yield manager


@contextlib.contextmanager
def ctrl_c() -> Iterator[None]:
    """Presses Ctrl-C while the body waits, which it must leave by."""
    # A job in the background of a shell ignores it.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        yield
    timer.join()
    signal.signal(signal.SIGINT, handler)
