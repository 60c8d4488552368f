"""Each mistake raises the exception of its status, with a message that names the thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import MULTIPLY, SKILLS

from skilllite import SkillLiteError, SkillManager, errors

Mistake = Callable[[SkillManager], Any]

MISTAKES: list[tuple[type[SkillLiteError], str, Mistake]] = [
    (errors.SkillDirectoryError, "/no/such", lambda m: m.load("/no/such/folder")),
    (errors.SkillDirectoryError, "SKILL.md", lambda m: m.load(SKILLS / "calculator" / "SKILL.md")),
    (errors.InvalidUtf8Error, "dir", lambda m: m.load("/tmp/\udcff")),
    (errors.InvalidUtf8Error, "NUL", lambda m: m.load("/tmp/a\0b")),
    (errors.InvalidUtf8Error, "tool", lambda m: m.execute("\ud800", {})),
    (errors.InvalidUtf8Error, "NUL", lambda m: m.execute("calc\0ulator", MULTIPLY)),
    (errors.SkillNotFoundError, "nobody", lambda m: m.get_skill("nobody")),
    (errors.SkillNotFoundError, "nobody", lambda m: m.manifest("nobody")),
    (errors.SkillNotFoundError, "nobody", lambda m: m.scan("nobody")),
    (errors.SkillNotFoundError, "nobody", lambda m: m.instructions("nobody")),
    (errors.SkillNotFoundError, "nobody", lambda m: m.resources("nobody")),
    (errors.ResourceNotFoundError, "nothing.txt", lambda m: m.read_resource("calculator", "nothing.txt")),
    (errors.ResourceTooLargeError, "3", lambda m: m.read_resource("calculator", "scripts/main.py", 3)),
    (errors.PathEscapeError, "..", lambda m: m.read_resource("calculator", "../weather/SKILL.md")),
    (errors.ToolNotFoundError, "nope", lambda m: m.execute("nope", {})),
    (errors.ToolNotFoundError, "nope", lambda m: m.start("nope", {})),
    (errors.InvalidArgumentsError, "operation", lambda m: m.execute("calculator")),
    (errors.InvalidArgumentsError, "/a", lambda m: m.execute("calculator", {**MULTIPLY, "a": "fifteen"})),
    (errors.InvalidArgumentsError, "c", lambda m: m.execute("calculator", {**MULTIPLY, "c": 1})),
    (errors.InvalidArgumentsError, "object", lambda m: m.execute("calculator", "[1]")),
    (errors.InvalidJsonError, "arguments", lambda m: m.execute("calculator", "{")),
    (errors.InvalidJsonError, "arguments", lambda m: m.execute("calculator", {**MULTIPLY, "a": float("nan")})),
    (errors.UnknownDialectError, "klingon", lambda m: m.get_tools("klingon")),
    (errors.UnknownDialectError, "klingon", lambda m: m.handle_tool_calls({}, "klingon")),
    (errors.InvalidResponseError, "", lambda m: m.handle_tool_calls({"choices": 7})),
    (errors.InvalidJsonError, "response", lambda m: m.handle_tool_calls("no json")),
    (errors.InvalidConfigError, "colour", lambda m: m.execute("calculator", MULTIPLY, colour="red")),
    (errors.InvalidConfigError, "cwd", lambda m: m.execute("calculator", MULTIPLY, cwd="elsewhere")),
    (errors.InvalidConfigError, "wall_ms", lambda m: m.execute("calculator", MULTIPLY, limits={"wall_ms": -1})),
    (errors.PolicyWidenedError, "wall_ms", lambda m: m.execute("calculator", MULTIPLY, timeout=3600)),
    (errors.InvalidConfigError, "LD_PRELOAD", lambda m: m.execute("calculator", MULTIPLY, env={"LD_PRELOAD": "x"})),
    (errors.InvalidConfigError, "polic", lambda m: SkillManager(config={"polic": {}})),
    (errors.InvalidConfigError, "min_tier", lambda m: SkillManager(policy={"min_tier": "maximal"})),
    (errors.UnsupportedError, "warm", lambda m: SkillManager(config={"warm": {"python": 1}})),
]


@pytest.mark.parametrize(("kind", "named", "mistake"), MISTAKES)
def test_mistakes(manager: SkillManager, kind: type[SkillLiteError], named: str, mistake: Mistake) -> None:
    with pytest.raises(SkillLiteError) as caught:
        mistake(manager)
    error = caught.value
    assert type(error) is kind, f"{type(error).__name__}: {error}"
    assert errors.BY_STATUS[error.status] is kind
    assert error.name.startswith("SKL_ERR_")
    assert named in error.message
    assert "\n" not in error.message


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    with (
        SkillManager(SKILLS / "calculator", interpreters={"python": str(tmp_path / "python3")}) as manager,
        pytest.raises(errors.InterpreterNotFoundError, match="python3"),
    ):
        manager.execute("calculator", MULTIPLY)


def test_a_skill_that_changed(tmp_path: Path) -> None:
    folder = tmp_path / "changing"
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: changing\ndescription: It changes\n---\n", "utf-8")
    (folder / "scripts" / "main.py").write_text("print(1)\n", "utf-8")
    with SkillManager(folder) as manager:
        [tool] = manager.skills[0].tools
        (folder / "scripts" / "main.py").write_text("print(2)\n", "utf-8")
        with pytest.raises(errors.SkillChangedError, match="load"):
            manager.execute(tool, {})
        manager.load(folder)
        assert manager.execute(tool, {}).text == "2\n"


def test_a_full_queue(sleeper: SkillManager) -> None:
    root = sleeper.skills[0].root
    with (
        SkillManager(root, config={"max_running": 1, "max_queued": 0}) as manager,
        manager.start("sleeper", {}),
        pytest.raises(errors.QueueFullError, match="max_queued"),
    ):
        manager.start("sleeper", {})


@pytest.mark.parametrize(
    "use",
    [
        lambda m: m.execute(7, {}),
        lambda m: m.execute("calculator", {"a": object()}),
        lambda m: m.load(7),
        lambda m: m.get_tools(None),
        lambda m: m.read_resource("calculator", "scripts/main.py", "many"),
        lambda m: SkillManager(7),  # type: ignore[arg-type]
        lambda m: m.handle_tool_calls(object()),
    ],
)
def test_wrong_types_are_pythons_errors(manager: SkillManager, use: Mistake) -> None:
    with pytest.raises((TypeError, AttributeError)):
        use(manager)


def test_errors_are_caught_as_widely_as_wanted(manager: SkillManager) -> None:
    for kind in (errors.InvalidArgumentsError, errors.ToolError, errors.SkillLiteError, ValueError):
        with pytest.raises(kind):
            manager.execute("calculator")
