"""Run Agent Skills safely inside your program: skills in, tools for an LLM out, its calls run in a native sandbox.

    from skilllite import SkillManager

    with SkillManager("skills") as manager:
        tools = manager.get_tools()                        # for the request to the LLM
        messages = manager.handle_tool_calls(response)     # the answers to its tool calls
        result = manager.execute("calculator", {"operation": "multiply", "a": 15, "b": 27})

A thin binding of libskilllite.so: types, memory and errors in Python's idiom, no logic of its own.
"""

from __future__ import annotations

import os
from typing import Union

from . import _ffi, _handles, _library, errors
from ._library import LibraryError
from .agent import Agent
from .call import Call
from .errors import *  # noqa: F403
from .inference import InferredSchema, Parameter, SchemaInferrer
from .isolation import Isolation, Layer, Obstacle, Probe
from .loop import AgenticLoop, Answer
from .manager import SkillManager
from .result import CallFailure, OutputFile, Result, Usage
from .round import Round
from .stream import ResponseStream
from .values import (
    Diagnostic,
    Environment,
    LoadReport,
    PrepareReport,
    ReloadReport,
    Resource,
    ScanFinding,
    ScanReport,
    ScanSkipped,
    SkillInfo,
    SkippedSkill,
    ToolDefinition,
)

__version__ = _ffi.VERSION


def version() -> str:
    """The version of the loaded library; `__version__` is that of this package."""
    return (_library.functions().skl_version() or b"").decode()


def has_feature(name: str) -> bool:
    """Whether the loaded library has an optional feature, such as "inference"."""
    return _library.functions().skl_has_feature(*_handles.text(name))


def validate(directory: Union[str, os.PathLike[str]]) -> tuple[Diagnostic, ...]:
    """Judges a skill by the specification to the letter; violations have the severity "error"."""
    found = _handles.call_json(_library.functions().skl_skill_validate, *_handles.path(directory))
    return tuple(Diagnostic.of(entry) for entry in found)


def probe() -> Probe:
    """Finds out by trying what isolation this host can give, and what stands in the way of more."""
    return Probe.of(_handles.call_json(_library.functions().skl_probe))


__all__ = [
    "Agent",
    "AgenticLoop",
    "Answer",
    "Call",
    "CallFailure",
    "Diagnostic",
    "Environment",
    "InferredSchema",
    "Isolation",
    "Layer",
    "LibraryError",
    "LoadReport",
    "Obstacle",
    "OutputFile",
    "Parameter",
    "Probe",
    "PrepareReport",
    "ReloadReport",
    "Resource",
    "ResponseStream",
    "Result",
    "Round",
    "ScanFinding",
    "ScanReport",
    "ScanSkipped",
    "SchemaInferrer",
    "SkillInfo",
    "SkillManager",
    "SkippedSkill",
    "ToolDefinition",
    "Usage",
    "__version__",
    "has_feature",
    "probe",
    "validate",
    "version",
    *errors.__all__,
]
