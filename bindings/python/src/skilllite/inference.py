"""The schemas of tools, and where each parameter comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import _ffi, errors
from .manager import SkillManager
from .values import Json, ToolDefinition


@dataclass(frozen=True)
class Parameter:
    """One argument of a tool. `source` is `declared`, what reads it in the script (`argparse`, …), or `generic`."""

    name: str
    schema: Json
    is_required: bool
    source: str

    @property
    def type(self) -> Any:
        """The JSON Schema type, or a list of them; None where the schema names none."""
        return self.schema.get("type")

    @property
    def description(self) -> str:
        """What it means; empty where nothing says so."""
        return str(self.schema.get("description") or "")


@dataclass(frozen=True)
class InferredSchema:
    """The schema of one tool: declared by its skill, or read from its script."""

    tool: ToolDefinition
    parameters: tuple[Parameter, ...]

    @property
    def schema(self) -> Json:
        """The whole JSON Schema of the arguments."""
        return self.tool.parameters

    @property
    def is_declared(self) -> bool:
        """Whether the skill itself says the schema."""
        return all(parameter.source == "declared" for parameter in self.parameters)

    @property
    def is_generic(self) -> bool:
        """Whether nothing could be read from the script: it takes a list of words and a text."""
        return any(parameter.source == "generic" for parameter in self.parameters)

    @classmethod
    def of(cls, tool: ToolDefinition) -> InferredSchema:
        required = tool.parameters.get("required", ())
        properties = tool.parameters.get("properties", {})
        return cls(
            tool,
            tuple(
                Parameter(name, schema, name in required, tool.provenance.get(name, "declared"))
                for name, schema in properties.items()
            ),
        )


class SchemaInferrer:
    """What the library knows of the arguments that a manager's tools take, without running any script:

    for schema in SchemaInferrer(manager):
        print(schema.tool.name, [(parameter.name, parameter.source) for parameter in schema.parameters])

    It is a view: it tells of the skills that the manager has when it is asked.
    """

    def __init__(self, manager: SkillManager) -> None:
        self._manager = manager

    def __iter__(self) -> Iterator[InferredSchema]:
        return map(InferredSchema.of, self._manager.tool_definitions)

    def infer(self, tool: str) -> InferredSchema:
        """The schema of one tool. Raises ToolNotFoundError."""
        known = self.infer_all()
        if tool not in known:
            raise errors.ToolNotFoundError(
                _ffi.Status.TOOL_NOT_FOUND,
                "SKL_ERR_TOOL_NOT_FOUND",
                f"there is no tool '{tool}'; there are: {', '.join(known) or 'none'}",
            )
        return known[tool]

    def infer_all(self) -> dict[str, InferredSchema]:
        """The schemas of all tools, by their names."""
        return {schema.tool.name: schema for schema in self}
