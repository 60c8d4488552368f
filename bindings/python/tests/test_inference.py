"""The schemas of tools, and where each parameter comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from skilllite import SchemaInferrer, SkillManager, ToolNotFoundError

ARGPARSE = """import argparse
parser = argparse.ArgumentParser()
parser.add_argument("path", help="what to read")
parser.add_argument("--depth", type=int, default=3)
parser.parse_args()
"""
OPAQUE = "print(open('/dev/stdin').read())\n"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "skills" / "many"
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: many\ndescription: Scripts of all kinds\n---\n", "utf-8")
    (folder / "scripts" / "walk.py").write_text(ARGPARSE, "utf-8")
    (folder / "scripts" / "opaque.py").write_text(OPAQUE, "utf-8")
    return folder.parent


def test_a_parameter_says_where_it_comes_from(scripts: Path) -> None:
    with SkillManager(scripts) as manager:
        walk = SchemaInferrer(manager).infer("many__walk")
    assert (walk.is_declared, walk.is_generic, walk.tool.script) == (False, False, "scripts/walk.py")
    [path, depth] = walk.parameters
    assert (path.name, path.type, path.is_required, path.description) == ("path", "string", True, "what to read")
    assert (depth.name, depth.type, depth.is_required, depth.schema["default"]) == ("depth", "integer", False, 3)
    assert path.source == depth.source == "argparse" == walk.tool.provenance["path"]
    assert walk.schema["required"] == ["path"]


def test_a_script_that_says_nothing_takes_words_and_a_text(scripts: Path) -> None:
    with SkillManager(scripts) as manager:
        opaque = SchemaInferrer(manager).infer("many__opaque")
    assert opaque.is_generic
    assert [parameter.name for parameter in opaque.parameters] == ["args", "stdin"]


def test_declared_schemas_say_so(manager: SkillManager) -> None:
    schemas = SchemaInferrer(manager).infer_all()
    assert schemas["calculator"].is_declared
    assert {parameter.source for parameter in schemas["calculator"].parameters} == {"declared"}
    assert schemas["calculator"].tool.not_strict == {}
    assert list(schemas) == [tool.name for tool in manager.tool_definitions]


def test_it_is_a_view(scripts: Path) -> None:
    with SkillManager() as manager:
        schemas = SchemaInferrer(manager)
        assert list(schemas) == []
        with pytest.raises(ToolNotFoundError, match="there are: none"):
            schemas.infer("many__walk")
        manager.load(scripts)
        assert {schema.tool.name for schema in schemas} == {"many__walk", "many__opaque"}
