"""Calls: arguments in, results out, files, options, and the ways in which a run ends."""

from __future__ import annotations

import json
import select
from pathlib import Path

import pytest
from conftest import MULTIPLY, WriteSkill

from skilllite import (
    AlreadyExistsError,
    ClosedError,
    ResourceTooLargeError,
    SkillManager,
    UnsupportedError,
    WaitTimeoutError,
)

CSV = "city,visitors\nParis,120\nRome,80\nOslo,40\n"


def test_calculator(manager: SkillManager) -> None:
    result = manager.execute("calculator", MULTIPLY)
    assert result.ok
    assert result.output["result"] == 405
    assert json.loads(result.text) == result.output == result.raw["output"]
    assert (result.status, result.exit_code, result.signal, result.limit) == ("ok", 0, None, None)
    assert (result.tool, result.skill, result.stderr, result.error) == ("calculator", "calculator", "", None)
    assert result.isolation is not None
    assert result.isolation.tier in {"namespaces", "full"}
    assert "seccomp" in {layer.name for layer in result.isolation.layers if layer.state == "active"}
    assert result.usage is not None
    assert result.usage.wall_ms > 0


@pytest.mark.parametrize("arguments", [json.dumps(MULTIPLY), json.dumps(MULTIPLY).encode(), MULTIPLY])
def test_arguments_are_a_mapping_or_json_text(manager: SkillManager, arguments: object) -> None:
    assert manager.execute("calculator", arguments).output["result"] == 405  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["žluťoučký kůň", "日本語", "🦀👩‍👩‍👧", 'quote " and \\ and \n line', "\u2028"])
def test_unicode(manager: SkillManager, text: str) -> None:
    result = manager.execute("text-processor", {"text": text, "operation": "trim", "normalize": False})
    assert result.output["original"] == text


def test_unicode_names_and_paths(write_skill: WriteSkill) -> None:
    folder = write_skill("echo", "import os\nprint(sorted(os.listdir('.')), os.environ['GRUSS'])\n")
    elsewhere = folder.rename(folder.with_name("ordner-ü-日本"))
    with SkillManager(elsewhere) as manager:
        result = manager.execute("echo", {}, files={"dätei.txt": "x"}, env={"GRUSS": "grüß dich"})
        assert result.text == "['dätei.txt'] grüß dich\n"


def test_a_csv_by_files(manager: SkillManager, tmp_path: Path) -> None:
    arguments = {"file": "table.csv", "operation": "mean", "column": "visitors"}
    for content in (CSV, CSV.encode(), {"text": CSV}):
        assert manager.execute("data-analyzer", arguments, files={"table.csv": content}).output["result"] == 80
    path = tmp_path / "table.csv"
    path.write_text(CSV, "utf-8")
    with SkillManager(manager.get_skill("data-analyzer").root, policy={"read_paths": [str(tmp_path)]}) as reader:
        assert reader.execute("data-analyzer", arguments, files={"table.csv": path}).output["result"] == 80


def test_options_reach_the_script(write_skill: WriteSkill) -> None:
    folder = write_skill("look", "import os\nprint(os.environ['COLOUR'], os.path.exists('SKILL.md'))\n")
    with SkillManager(folder) as manager:
        result = manager.execute("look", {}, env={"COLOUR": "red"}, cwd="skill", fresh=True, call_id="mine")
        assert (result.text, result.call_id) == ("red True\n", "mine")
        assert manager.execute("look", {}, env={"COLOUR": "blue"}).text == "blue False\n"


def test_files_out(write_skill: WriteSkill) -> None:
    script = "open('out.bin', 'wb').write(bytes(range(256)))\nopen('empty', 'w')\n"
    with SkillManager(write_skill("writer", script)) as manager, manager.start("writer", {}) as call:
        result = call.wait()
        assert [(file.path, file.size) for file in result.files] == [("empty", 0), ("out.bin", 256)]
        assert call.read_file("out.bin") == bytes(range(256))
        assert call.read_file("empty") == b""
        with pytest.raises(ResourceTooLargeError):
            call.read_file("out.bin", 255)


def test_files_are_kept(write_skill: WriteSkill, tmp_path: Path) -> None:
    script = "import os\nos.mkdir('deep')\nopen('deep/out.bin', 'wb').write(bytes(range(256)))\nopen('empty', 'w')\n"
    kept = tmp_path / "kept"
    kept.mkdir()
    with SkillManager(write_skill("writer", script)) as manager, manager.start("writer", {}) as call:
        call.wait()
        call.keep(kept, "deep/out.bin")
        assert (kept / "deep" / "out.bin").read_bytes() == bytes(range(256))
        with pytest.raises(AlreadyExistsError, match=r"deep/out\.bin"):
            call.keep(str(kept))
        assert not (kept / "empty").exists(), "all or nothing"
        (kept / "deep" / "out.bin").unlink()
        call.keep(kept)
        assert (kept / "empty").read_bytes() == b""


def test_a_failing_script_raises_nothing(write_skill: WriteSkill) -> None:
    with SkillManager(write_skill("fails", "import sys\nprint('half')\nsys.exit('no way')\n")) as manager:
        result = manager.execute("fails", {})
    assert (result.status, result.exit_code, result.ok) == ("ok", 1, False)
    assert (result.text, result.stderr, result.output) == ("half\n", "no way\n", None)


def test_much_output_is_cut_and_says_so(write_skill: WriteSkill) -> None:
    with SkillManager(write_skill("chatty", "print('x' * 3_000_000)\n")) as manager:
        result = manager.execute("chatty", {})
    assert result.truncated["stdout"]
    assert result.limit == "output"
    assert len(result.text) < 2_000_000


def test_timeout_ends_the_run(sleeper: SkillManager) -> None:
    result = sleeper.execute("sleeper", {}, timeout=0.3)
    assert (result.status, result.limit, result.ok) == ("timeout", "wall", False)


def test_timeout_and_its_limit_together_are_a_mistake(sleeper: SkillManager) -> None:
    with pytest.raises(TypeError, match="same thing"):
        sleeper.execute("sleeper", {}, timeout=1, limits={"wall_ms": 1000})


def test_a_started_call(manager: SkillManager) -> None:
    with manager.start("calculator", MULTIPLY) as call:
        readable, _, _ = select.select([call], [], [], 30)
        assert readable == [call]
        assert call.fd == call.fileno() >= 0
        result = call.result
        assert result is not None
        assert result.output["result"] == 405
        assert call.wait() == call.wait(0) == call.wait(timeout=1) == result
        call.cancel()
        assert call.result == result


def test_output_is_read_while_the_script_runs(write_skill: WriteSkill) -> None:
    source = "import os, time\nos.write(1, b'one\\n')\nos.write(2, b'two\\n')\ntime.sleep(3600)\n"
    with SkillManager(write_skill("slow", source)) as manager, manager.start("slow", {}, stream=True) as call:
        assert next(call.output()) == b"one\n"
        assert call.read("stderr") == b"two\n"
        assert call.read(timeout=0) == b""
        assert call.result is None
        call.cancel()
        assert list(call.output()) == []
        assert call.read("stderr") is None
        assert select.select([call.output_fileno()], [], [], 30)[0]


def test_only_streamed_calls_are_read(manager: SkillManager) -> None:
    with manager.start("calculator", MULTIPLY) as call, pytest.raises(UnsupportedError, match="stream"):
        call.read()


def test_waiting_may_end_before_the_call(sleeper: SkillManager) -> None:
    with sleeper.start("sleeper", {}) as call:
        assert call.result is None
        for timeout in (0, 0.05, -1):
            with pytest.raises(WaitTimeoutError):
                call.wait(timeout)
        with pytest.raises(TimeoutError):
            call.wait(0)
        call.cancel()
        call.cancel()
        assert call.wait(30).status == "cancelled"


def test_use_after_close(manager: SkillManager) -> None:
    call = manager.start("calculator", MULTIPLY)
    call.close()
    call.close()
    reads = (lambda: call.read_file("x"), lambda: call.keep("/"), lambda: call.result)
    for use in (call.wait, call.cancel, call.fileno, *reads):
        with pytest.raises(ClosedError):
            use()
    manager.close()
    manager.close()
    for again in (manager.get_tools, lambda: manager.skills, lambda: manager.execute("calculator", MULTIPLY)):
        with pytest.raises(ClosedError):
            again()


def test_close_of_the_manager_ends_its_calls(sleeper: SkillManager) -> None:
    call = sleeper.start("sleeper", {})
    sleeper.close()
    assert call.wait(30).status == "cancelled"
    call.close()


def test_a_call_outlives_a_dropped_manager(write_skill: WriteSkill) -> None:
    manager = SkillManager(write_skill("hello", "print('hello')\n"))
    call = manager.start("hello", {})
    del manager
    assert call.wait(30).text == "hello\n"
    del call
