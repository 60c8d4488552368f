"""The vendors' types, made strict: nothing unknown, nothing converted."""

from __future__ import annotations

import functools
import json
from typing import Any

import mcp_types
import pydantic
from anthropic.types import MessageParam, ToolParam
from google.genai import types as genai

# Wire forms of the Model Context Protocol that the package knows beside its own model.
from mcp_types import _v2025_11_25 as mcp_2025
from mcp_types import _v2026_07_28 as mcp_2026
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam
from openai.types.responses import FunctionToolParam, ResponseInputItemParam


@functools.cache
def adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(kind)


def same(kind: Any, value: Any) -> None:
    """The value is of the kind, and nothing of it is lost when the kind reads and writes it."""
    read = adapter(kind).validate_python(value)
    written = adapter(kind).dump_python(read, mode="json", by_alias=True, exclude_unset=True)
    assert written == value, f"{json.dumps(value)[:600]}\nwas read as\n{json.dumps(written)[:600]}"


def lower_types(value: Any) -> Any:
    """Gemini's types in lower case: the vendor's enum knows both and writes upper."""
    if isinstance(value, dict):
        lowered = {key: lower_types(item) for key, item in value.items()}
        if isinstance(lowered.get("type"), str):
            lowered["type"] = lowered["type"].lower()
        return lowered
    return [lower_types(item) for item in value] if isinstance(value, list) else value


def gemini(kind: Any, value: Any) -> None:
    """`same` for Gemini's models, which refuse unknown fields and write bytes as base64."""
    written = kind.model_validate(value).model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert lower_types(written) == value, f"{json.dumps(value)[:600]}\nwas read as\n{json.dumps(written)[:600]}"


def definition(dialect: str, tool: dict[str, Any]) -> None:
    """A definition is of the vendor's type."""
    match dialect.split(":")[0]:
        case "openai":
            same(ChatCompletionFunctionToolParam, tool)
        case "openai-responses":
            same(FunctionToolParam, tool)
        case "anthropic":
            same(ToolParam, tool)
        case "gemini":
            gemini(genai.Tool, tool)
        case "mcp":
            same(mcp_types.Tool, tool)
            mcp_2025.Tool.model_validate(tool)
            mcp_2026.Tool.model_validate(tool)


def answer(dialect: str, message: dict[str, Any]) -> None:
    """A message that answers calls is of the vendor's type."""
    match dialect.split(":")[0]:
        case "openai":
            same(ChatCompletionMessageParam, message)
        case "openai-responses":
            same(ResponseInputItemParam, message)
        case "anthropic":
            same(MessageParam, message)
        case "gemini":
            gemini(genai.Content, message)
        case "mcp":
            same(mcp_types.CallToolResult, message)
            mcp_2025.CallToolResult.model_validate(message)
            mcp_2026.CallToolResult.model_validate(message)
