"""Calls that a model makes, and a skill that prints what it was given."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from skilllite import SkillManager, probe


class Asked(NamedTuple):
    """One call: its id, its tool and its arguments."""

    id: str
    name: str
    arguments: dict[str, Any]


CASES: dict[str, list[Asked]] = {
    "one call": [Asked("call_1", "echo", {"city": "Paris", "days": 3})],
    "no arguments": [Asked("call_1", "echo", {})],
    "three calls": [Asked(f"call_{n}", "echo", {"n": n, "list": [n, [True, None]]}) for n in range(3)],
    "text of all kinds": [Asked("call_1", "echo", {"t": 'é日🙂 "quoted" \\ \n \t \u2028 {"x": 1}', "": ""})],
    "numbers": [Asked("call_1", "echo", {"big": 2**53, "small": -1, "float": 0.1, "exp": 1e300})],
    "depth": [Asked("call_1", "echo", {"a": {"b": [{"c": {"d": "e"}}]}})],
    "a tool that is not there": [Asked("call_1", "echo", {"x": 1}), Asked("call_2", "nobody", {"x": 1})],
}


def manager() -> SkillManager:
    """A manager with the tool `echo`, which prints its arguments as JSON."""
    folder = Path(tempfile.mkdtemp(prefix="dialects-"))
    (folder / "echo" / "scripts").mkdir(parents=True)
    (folder / "echo" / "scripts" / "main.py").write_text("import sys\nprint(sys.stdin.read())\n", "utf-8")
    declared = json.dumps({"name": "echo", "description": "Prints its arguments.", "input_schema": {"type": "object"}})
    (folder / "echo" / "SKILL.md").write_text(f"---\n{declared}\n---\n", "utf-8")
    return SkillManager(folder)


def can_run() -> bool:
    """Whether calls can be run on this host."""
    return probe().tier is not None
