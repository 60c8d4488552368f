"""Loading, the catalogue, the tools and the files of skills."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import SKILLS, WriteSkill

import skilllite
from skilllite import (
    BuildFailedError,
    InvalidArgumentsError,
    InvalidConfigError,
    NotPreparedError,
    PathEscapeError,
    SkillManager,
    SkillNotFoundError,
    ToolNotFoundError,
    errors,
    has_feature,
)

NAMES = ["calculator", "data-analyzer", "http-request", "text-processor", "weather", "writing-helper"]


def test_the_catalogue(manager: SkillManager) -> None:
    assert [skill.name for skill in manager.skills] == NAMES
    calculator = manager.get_skill("calculator")
    assert calculator.tools == ("calculator",)
    assert calculator.root == str(SKILLS / "calculator")
    assert calculator.digest.startswith("sha256:")
    assert not calculator.wants_network
    assert calculator.raw["name"] == "calculator"
    assert manager.get_skill("weather").wants_network
    assert manager.get_skill("writing-helper").tools == ()


def test_one_folder_a_list_of_folders_or_none() -> None:
    with SkillManager() as manager:
        assert manager.skills == []
        assert manager.get_tools() == []
        report = manager.load(str(SKILLS / "calculator"))
        assert (report.skills, report.tools, report.skipped) == (("calculator",), ("calculator",), ())
    with SkillManager([SKILLS / "weather", str(SKILLS / "calculator")]) as manager:
        assert [skill.name for skill in manager.skills] == ["weather", "calculator"]


def test_a_skill_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "SKILL.md").write_text("---\nname: [\n---\n", "utf-8")
    with SkillManager() as manager:
        report = manager.load(tmp_path)
    assert report.skills == ()
    [skipped] = report.skipped
    assert skipped.path.endswith("broken")
    assert skipped.diagnostics[0].severity == "error"
    assert skipped.diagnostics[0].message


def test_the_life_of_a_skill(write_skill: WriteSkill) -> None:
    folder = write_skill("alpha", "print(1)")
    with SkillManager(folder) as manager:
        assert manager.execute("alpha").output == 1
        (folder / "alpha" / "scripts" / "main.py").write_text("print(2)", "utf-8")
        write_skill("beta", "print(3)")
        report = manager.reload()
        assert (report.added, report.changed, report.removed) == (("beta",), ("alpha",), ())
        assert manager.execute("alpha").output == 2
        manager.disable("alpha")
        assert [skill.is_enabled for skill in manager.skills] == [False, True]
        assert [tool.name for tool in manager.tool_definitions if tool.skill == "alpha"] == ["alpha"]
        with pytest.raises(ToolNotFoundError, match="disabled"):
            manager.execute("alpha")
        manager.enable("alpha")
        manager.remove("beta")
        assert [skill.name for skill in manager.skills] == ["alpha"]
        with pytest.raises(SkillNotFoundError):
            manager.remove("beta")


class Index(BaseHTTPRequestHandler):
    """An index without packages."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_packages_are_installed_by_prepare_alone(write_skill: WriteSkill, tmp_path: Path) -> None:
    folder = write_skill("needy", '# /// script\n# dependencies = ["no-such-package"]\n# ///\nprint(1)\n')
    with SkillManager(folder, policy={"min_tier": "landlock"}) as manager:
        [environment] = manager.prepare("needy").environments
        assert (environment.state, environment.requirements) == ("host", ("no-such-package",))
        assert environment.hint and "cache_dir" in environment.hint
        assert asyncio.run(manager.aprepare("needy")) == manager.prepare()
        assert manager.execute("needy").output == 1
    # Served by this process: the library lets its other threads run.
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as index:
        threading.Thread(target=index.serve_forever).start()
        config = {
            "policy": {"min_tier": "landlock", "network": {"allow": [], "accept_port_only": True}},
            "cache_dir": str(tmp_path / "cache"),
            "dependencies": {"python_index": f"http://127.0.0.1:{index.server_port}/simple/"},
        }
        try:
            with SkillManager(folder, config=config) as manager:
                with pytest.raises(NotPreparedError, match="no-such-package"):
                    manager.execute("needy")
                with pytest.raises(BuildFailedError, match="no-such-package"):
                    manager.prepare()
                with pytest.raises(SkillNotFoundError):
                    manager.prepare("nobody")
        finally:
            index.shutdown()


def test_only_the_skills_that_the_config_names() -> None:
    with SkillManager(SKILLS, config={"skills": ["weather"]}) as manager:
        assert [skill.name for skill in manager.skills] == ["weather"]


def test_a_skill_is_judged_to_the_letter(tmp_path: Path) -> None:
    assert skilllite.validate(SKILLS / "calculator") == ()
    (tmp_path / "SKILL.md").write_text("---\nname: Other\ndescription: d\n---\n", "utf-8")
    codes = {finding.code for finding in skilllite.validate(tmp_path) if finding.severity == "error"}
    assert "name-not-lowercase" in codes


def test_tools_for_an_llm_and_as_definitions(manager: SkillManager) -> None:
    tools = manager.get_tools()
    assert [tool["type"] for tool in tools] == ["function"] * 5
    functions = {tool["function"]["name"]: tool["function"] for tool in tools}
    definitions = {tool.name: tool for tool in manager.tool_definitions}
    assert set(functions) == set(definitions)
    for name, tool in definitions.items():
        # Vendors' schemas may say more, such as the items of every list.
        schema = functions[name]["parameters"]
        assert list(tool.parameters["properties"]) == list(schema["properties"])
        assert tool.parameters.get("required") == schema.get("required")
        assert tool.description == functions[name]["description"]
    calculator = definitions["calculator"]
    assert (calculator.skill, calculator.script, calculator.language) == ("calculator", "scripts/main.py", "python")
    json.dumps(tools)


def test_instructions_and_files(manager: SkillManager) -> None:
    assert "# Calculator" in manager.instructions("calculator")
    assert "license:" not in manager.instructions("calculator")
    resources = {resource.path: resource for resource in manager.resources("data-analyzer")}
    assert set(resources) == {"assets/sample.csv", "references/statistics.md", "scripts/main.py"}
    content = manager.read_resource("data-analyzer", "assets/sample.csv")
    assert content == (SKILLS / "data-analyzer" / "assets" / "sample.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest() == resources["assets/sample.csv"].sha256
    manifest = manager.manifest("calculator")
    assert manifest["declared"]["license"] == "MIT"


@pytest.mark.skipif(not has_feature("scan"), reason="the library has no scan")
def test_a_scan_says_where_and_why_and_may_deny(write_skill: WriteSkill) -> None:
    folder = write_skill("dynamic", "def run(text):\n    exec(text)\n")
    with SkillManager(folder, policy={"min_tier": "landlock", "scan": {"deny": "high"}}) as manager:
        report = manager.scan("dynamic")
        (finding,) = report.findings
        assert (finding.rule, finding.severity) == ("dynamic-code", "high")
        assert (finding.file, finding.line) == ("scripts/main.py", 2)
        assert (report.skill, report.highest, report.is_denied) == ("dynamic", "high", True)
        assert (report.files_scanned, report.omitted, report.skipped) == (1, 0, ())
        assert report.digest == manager.get_skill("dynamic").digest
        with pytest.raises(errors.ScanDeniedError, match=r"dynamic-code \(high\) at scripts/main.py:2"):
            manager.execute("dynamic")


def test_bytes_of_a_resource_come_whole(write_skill: WriteSkill) -> None:
    folder = write_skill("binary", "")
    content = bytes(range(256)) * 3
    (folder / "binary" / "blob.bin").write_bytes(content)
    with SkillManager(folder) as manager:
        assert manager.read_resource("binary", "blob.bin") == content
        assert manager.read_resource("binary", "scripts/main.py") == b""
        with pytest.raises(ValueError, match="negative"):
            manager.read_resource("binary", "blob.bin", -1)


def test_the_library_tells_about_itself() -> None:
    assert skilllite.version() == skilllite.__version__
    assert skilllite.has_feature("inference")
    assert not skilllite.has_feature("time travel")
    report = skilllite.probe()
    assert report.platform.startswith("linux-")
    assert report.tier in {None, "landlock", "namespaces", "full"}
    assert {layer.state for layer in report.layers} <= {"active", "partial", "absent"}


def test_a_plan_ends_with_the_program_and_runs_nothing(manager: SkillManager) -> None:
    plan = manager.plan("calculator", {"operation": "add", "a": 1, "b": 2})
    assert " exec " in plan.splitlines()[-1]
    with pytest.raises(InvalidArgumentsError):
        manager.plan("calculator", {"operation": "power", "a": 1, "b": 2})


def test_what_a_prompt_says_of_the_skills(manager: SkillManager) -> None:
    assert "- **calculator**: " in manager.prompt()
    assert manager.prompt("xml", skills=["weather", "calculator"]).count("<skill>") == 2
    assert "# Calculator" in manager.prompt(mode="full", skills=(name for name in ["calculator"]))
    assert manager.prompt(skills=[]) == ""
    short = manager.prompt(max_tokens=64)
    assert len(short.encode()) <= 256
    assert "5 of 6 skills are left out and 1 shortened to stay within 64 tokens" in short
    with pytest.raises(InvalidConfigError, match="'form'"):
        manager.prompt("html")
    with pytest.raises(SkillNotFoundError):
        manager.prompt(skills=["nobody"])


def test_skills_bit_by_bit() -> None:
    with SkillManager(SKILLS, disclosure="only") as manager:
        tools = [tool["function"]["name"] for tool in manager.get_tools()]
        assert tools == ["load_skill", "read_skill_resource", "run_skill_script"]
        with manager.start("load_skill", {"name": "calculator"}) as call:
            result = call.wait(0)
        assert result.ok
        assert result.isolation is None
        assert "# Calculator" in result.output["instructions"]
        [script] = result.output["scripts"]
        arguments = {"operation": "multiply", "a": 15, "b": 27}
        run = {"name": "calculator", "script": script["script"], "arguments": arguments}
        assert manager.execute("run_skill_script", run).output == manager.execute(script["tool"], arguments).output
        with pytest.raises(PathEscapeError):
            manager.execute("read_skill_resource", {"name": "calculator", "path": "../weather/SKILL.md"})
    with SkillManager(SKILLS, disclosure=False) as manager, pytest.raises(ToolNotFoundError):
        manager.execute("load_skill", {"name": "calculator"})
