"""What the tests share: managers over the project's skills and over skills that a test writes."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from skilllite import SkillManager, _handles

ROOT = Path(__file__).resolve().parents[3]
SKILLS = ROOT / "skills"
MULTIPLY = {"operation": "multiply", "a": 15, "b": 27}


class WriteSkill(Protocol):
    """Writes a skill of one Python script that takes any arguments; gives the folder of skills that it is in."""

    def __call__(self, name: str, script: str) -> Path: ...


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
    def write(name: str, script: str) -> Path:
        folder = tmp_path / "skills" / name
        (folder / "scripts").mkdir(parents=True)
        (folder / "scripts" / "main.py").write_text(script, "utf-8")
        runtime = {"entry_point": "scripts/main.py", "language": "python", "input_schema": {"type": "object"}}
        front = f"---\nname: {name}\ndescription: A skill of the tests\n---\n"
        (folder / "SKILL.md").write_text(f"{front}\n## Runtime\n\n```yaml\n{json.dumps(runtime)}\n```\n", "utf-8")
        return folder.parent

    return write


@pytest.fixture
def sleeper(write_skill: WriteSkill) -> Iterator[SkillManager]:
    """A manager with one tool, `sleeper`, that does not end by itself."""
    with SkillManager(write_skill("sleeper", "import signal\nsignal.pause()\n")) as manager:
        yield manager
