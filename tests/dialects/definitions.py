"""The tools of every skill at hand, in every dialect."""

from __future__ import annotations

import copy
import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import vendors
from agents import FunctionTool
from agents.strict_schema import ensure_strict_json_schema
from anthropic.lib._parse._transform import transform_schema

from skilllite import SkillManager

ROOT = Path(__file__).resolve().parents[2]
DIALECTS = [
    "openai",
    "openai:strict",
    "openai-responses",
    "openai-responses:strict",
    "anthropic",
    "anthropic:strict",
    "gemini",
    "mcp",
]
# The tools that stand for all skills; of these one has keys that no strict schema names.
GENERIC = {
    "load_skill": {},
    "read_skill_resource": {},
    "run_skill_script": {"openai:strict", "openai-responses:strict"},
}
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

# Keys that Gemini's Schema has; the API refuses a request for any other.
GEMINI = {
    *("type", "format", "title", "description", "nullable", "enum", "items", "anyOf", "properties", "required"),
    *(
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "minProperties",
        "maxProperties",
    ),
}

# Declared schemas with everything that has to be rewritten, for what real skills do not have.
STRANGE: dict[str, Any] = {
    "root-alternatives": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "anyOf": [{"required": ["a"]}, {"properties": {"b": {"type": "integer"}}, "required": ["b"]}],
    },
    "odd-names": {
        "type": "object",
        "properties": {"日期": {"type": "string"}, "max-results": {"type": "integer"}, "3d": {}},
        "required": ["日期"],
    },
    "references": {
        "type": "object",
        "$defs": {"p": {"type": "object", "properties": {"x": {"type": "number", "exclusiveMinimum": 0}}}},
        "properties": {"at": {"$ref": "#/$defs/p", "description": "Where."}, "list": {"items": {"$ref": "#/$defs/p"}}},
    },
    "unions": {
        "type": "object",
        "properties": {
            "a": {"type": ["string", "integer", "null"], "description": "D."},
            "b": {"oneOf": [{"const": 1}, {"const": "x"}]},
            "c": {
                "anyOf": [
                    {"type": "array", "items": {"enum": [1, 2]}},
                    {"type": "object", "additionalProperties": True},
                ]
            },
            "d": {"enum": ["", "y", None]},
            "e": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]},
            "f": {"type": "string", "format": "uri", "default": "http://x"},
            "g": {"not": {"type": "string"}},
            "h": False,
            "i": {"type": "object", "required": ["k"], "patternProperties": {"^x": {"type": "string"}}},
        },
    },
}


@functools.cache
def managers() -> dict[str, SkillManager]:
    """A manager for each collection of skills."""
    shared = Path(os.environ.get("SKILLLITE_SHARED") or ROOT.parent / "shared") / "skills" / "corpus"
    packages = Path(os.environ.get("SKILLLITE_PACKAGES") or ROOT / "target" / "skills-packages")
    found = {
        "examples": SkillManager(ROOT / "skills"),
        "examples and generic tools": SkillManager(ROOT / "skills", disclosure=True),
    }
    for kind, folder in (("corpus", shared), ("packages", packages)):
        if not folder.is_dir():
            print(
                f"skipped: no published skills in {folder.name} ({kind}; see $SKILLLITE_{'SHARED' if kind == 'corpus' else 'PACKAGES'})"
            )
            continue
        for collection in sorted(path for path in folder.iterdir() if path.is_dir()):
            manager = SkillManager(collection)
            if manager.get_tools():
                found[f"{kind}/{collection.name}"] = manager
    return found


def strange(folder: Path) -> SkillManager:
    """A manager over skills that declare the schemas of STRANGE."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, schema in STRANGE.items():
        (folder / name / "scripts").mkdir(parents=True)
        (folder / name / "scripts" / "main.py").write_text("print(1)\n", "utf-8")
        declared = json.dumps({"name": name, "description": f"Has {name}.", "input_schema": schema}, ensure_ascii=False)
        (folder / name / "SKILL.md").write_text(f"---\n{declared}\n---\n", "utf-8")
    return SkillManager(folder)


def parts(dialect: str, tool: dict[str, Any]) -> tuple[str, str, Any, Any]:
    """Name, description, schema and strictness of a definition."""
    base = dialect.split(":")[0]
    inner = tool["function"] if base == "openai" else tool
    key = {"anthropic": "input_schema", "mcp": "inputSchema"}.get(base, "parameters")
    return inner["name"], inner["description"], inner.get(key), inner.get("strict")


def listed(dialect: str, manager: SkillManager) -> list[dict[str, Any]]:
    """The definitions one by one."""
    tools = manager.get_tools(dialect)
    return tools[0]["functionDeclarations"] if dialect == "gemini" else tools


def names(schema: Any) -> Iterator[str]:
    """The arguments' names at every depth."""
    if not isinstance(schema, (dict, list)):
        return
    for key, value in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if key == "properties":
            yield from value
            for inner in value.values():
                yield from names(inner)
        elif isinstance(value, (dict, list)) and key not in ("enum", "const", "default", "examples"):
            yield from names(value)


def gemini_keys(schema: Any) -> None:
    """Nothing but known keys, in the combinations that the API takes."""
    assert set(schema) <= GEMINI, schema
    if "anyOf" in schema:
        assert set(schema) == {"anyOf"}, schema
    assert ("items" in schema) == (schema.get("type") == "array"), schema
    assert all(isinstance(value, str) and value for value in schema.get("enum", [])), schema
    properties = schema.get("properties")
    if properties is not None:
        assert schema["type"] == "object" and properties, schema
    assert set(schema.get("required", [])) <= set(properties or {}), schema
    for inner in [*(properties or {}).values(), *schema.get("anyOf", []), *filter(None, [schema.get("items")])]:
        gemini_keys(inner)


def strict_openai(name: str, schema: Any) -> None:
    """The vendor's agent package finds nothing to make strict."""
    assert ensure_strict_json_schema(copy.deepcopy(schema)) == schema

    async def never(context: Any, arguments: str) -> str:
        return arguments

    tool = FunctionTool(name, "D.", copy.deepcopy(schema), never, strict_json_schema=True)
    assert tool.params_json_schema == schema


def without_types(value: Any) -> Any:
    """Without the `type` beside an `enum`, which the vendor's transformation leaves out."""
    if isinstance(value, dict):
        return {key: without_types(item) for key, item in value.items() if key != "type" or "enum" not in value}
    return [without_types(item) for item in value] if isinstance(value, list) else value


def sample(schema: Any) -> Any:
    """A value that a strict schema allows; null where it may be."""
    if "anyOf" in schema:
        return None if {"type": "null"} in schema["anyOf"] else sample(schema["anyOf"][0])
    kind = schema["type"]
    if isinstance(kind, list):
        return None
    if "enum" in schema:
        return schema["enum"][0]
    values = {"string": "x", "integer": 1, "number": 1.5, "boolean": True, "array": [], "null": None}
    if kind == "array" and schema.get("minItems"):
        return [sample(schema["items"])] * schema["minItems"]
    if kind == "object":
        return {key: sample(value) for key, value in schema["properties"].items()}
    return values[kind]


def without_nulls(value: Any) -> Any:
    """What the library makes of a strict call: null is not given."""
    return (
        {key: without_nulls(item) for key, item in value.items() if item is not None}
        if isinstance(value, dict)
        else value
    )


# What a strict schema says in full; the rest stands in words and is judged when a call comes.
SHAPE = {"type", "required", "additionalProperties", "enum", "properties", "const"}


def strict_calls_fit(parameters: Any, schema: Any) -> None:
    """A call that the strict schema allows has the shape of the declared one."""
    call = sample(schema)
    jsonschema.Draft202012Validator(schema).validate(call)
    wrong = [error for error in jsonschema.Draft202012Validator(parameters).iter_errors(without_nulls(call))]
    assert not [error.message for error in wrong if error.validator in SHAPE and not error.context], (call, parameters)


def judged(dialect: str, manager: SkillManager) -> None:
    """Every tool of a collection in a dialect."""
    for tool in manager.get_tools(dialect):
        vendors.definition(dialect, tool)
    tools = listed(dialect, manager)
    declared = {tool.name: tool.parameters for tool in manager.tool_definitions}
    plain = {parts("mcp", tool)[0]: parts("mcp", tool)[2] for tool in listed("mcp", manager)}
    declared = {**{name: schema for name, schema in plain.items() if name in GENERIC}, **declared}
    reasons = GENERIC | {
        tool["name"]: tool["not_strict"]
        for skill in manager.skills
        if skill.tools
        for tool in manager.manifest(skill.name)["tools"]
    }
    assert [parts(dialect, tool)[0] for tool in tools] == list(declared)
    for tool in tools:
        name, description, schema, strict = parts(dialect, tool)
        assert NAME.fullmatch(name), name
        assert 0 < len(description.encode()) <= 1024, name
        assert schema is None or all(ARGUMENT.fullmatch(argument) for argument in names(schema)), name
        if dialect == "gemini":
            gemini_keys(schema or {"type": "object"})
            continue
        assert schema["type"] == "object" and isinstance(schema["properties"], dict), name
        assert not {"anyOf", "oneOf", "allOf", "not", "enum", "$ref"} & set(schema), name
        if strict:
            if dialect.startswith("openai"):
                strict_openai(name, schema)
                if set(schema["properties"]) == set(declared[name].get("properties", {})):
                    strict_calls_fit(declared[name], schema)
            else:
                assert transform_schema(copy.deepcopy(schema)) == without_types(schema), name
        if dialect.startswith("openai") and dialect.endswith(":strict"):
            assert strict is (dialect not in reasons[name]), name


def counts(manager: SkillManager) -> None:
    """Most tools are strict where they are asked to be, and Anthropic's bounds of a request hold."""
    tools = listed("openai:strict", manager)
    strict = [parts("openai:strict", tool)[3] for tool in tools]
    # A script whose arguments nothing tells has `args` and `stdin`, which strict can say as well.
    assert sum(strict) >= 0.8 * len(strict), f"{sum(strict)} of {len(strict)}"
    chosen = [tool["input_schema"] for tool in listed("anthropic:strict", manager) if tool["strict"]]
    assert 0 < len(chosen) <= 20
    optional = [key for schema in chosen for key in schema["properties"] if key not in schema["required"]]
    assert len(optional) <= 24


def compiled(place: Path, collections: dict[str, SkillManager]) -> None:
    """A JSON Schema validator takes every schema."""
    modules = place / "node" / "node_modules"
    if not modules.is_dir() or not shutil.which("node"):
        print("skipped: no npm here, so no ajv; schemas are judged by the Python packages alone")
        return
    schemas = [
        {"name": f"{label} {dialect} {name}", "schema": schema}
        for label, manager in collections.items()
        for dialect in DIALECTS
        for name, _, schema, _ in (parts(dialect, tool) for tool in listed(dialect, manager))
        if schema is not None
    ]
    file = place / "schemas.json"
    # The same schema comes in several dialects; one judgement is enough.
    unique = {json.dumps(entry["schema"]): entry for entry in schemas}
    file.write_text(json.dumps(list(unique.values())), "utf-8")
    command = ["node", str(Path(__file__).with_name("schemas.js")), str(modules), str(file)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert report["judged"] > 10 and not report["wrong"], report


def checks(place: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """The checks of this room."""
    collections = {**managers(), "strange": strange(place / "strange")}
    for label, manager in collections.items():
        for dialect in DIALECTS:
            count = len(listed(dialect, manager))
            yield f"{dialect}: {count} definitions of {label}", functools.partial(judged, dialect, manager)
        if label not in {"strange", "examples and generic tools"}:
            yield f"strictness of {label}", functools.partial(counts, manager)
    yield "schemas compile", functools.partial(compiled, place, collections)
