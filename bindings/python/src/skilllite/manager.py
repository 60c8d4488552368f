"""The manager: one engine of the library with the skills it loaded."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ctypes
import json
import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Optional, Union

from . import _ffi, _handles, _library, errors
from .call import Call
from .result import Result
from .round import Round
from .values import LoadReport, PrepareReport, ReloadReport, Resource, ScanReport, SkillInfo, ToolDefinition

StrPath = Union[str, "os.PathLike[str]"]

# Tool arguments: a mapping, or its JSON text.
Arguments = Union[Mapping[str, Any], str, bytes, None]

# A file for the work folder: its bytes, its text, a path of the host, or the library's own form.
FileContent = Union[bytes, str, "os.PathLike[str]", Mapping[str, str]]


class SkillManager:
    """Loads folders of skills, gives their tools to an LLM, and runs its calls in a sandbox.

    `config` is that of docs/api-conventions.md#config; `policy`, `interpreters` and `disclosure` replace its keys of
    these names. The defaults are safe. Every method may be used from any thread. Use it as a context manager, or
    `close` it.

    Every method raises a `SkillLiteError` of its own class; a script that fails raises nothing.
    """

    def __init__(
        self,
        skills_dir: Union[StrPath, Iterable[StrPath], None] = None,
        *,
        policy: Optional[Mapping[str, Any]] = None,
        interpreters: Optional[Mapping[str, str]] = None,
        disclosure: Union[bool, str, None] = None,
        config: Optional[Mapping[str, Any]] = None,
    ) -> None:
        functions = _library.functions()
        given = {"policy": policy, "interpreters": interpreters, "disclosure": disclosure}
        merged = {**(config or {}), **{key: value for key, value in given.items() if value is not None}}
        self._handle = _handles.new(
            _ffi.skl_engine, functions.skl_engine_free, functions.skl_engine_new, *_handles.document(merged)
        )
        if skills_dir is not None:
            for folder in [skills_dir] if isinstance(skills_dir, (str, os.PathLike)) else skills_dir:
                self.load(folder)

    # Skills

    def load(self, directory: StrPath) -> LoadReport:
        """Adds the skills of a folder: it is a skill, or holds skills. A folder loaded before is read anew."""
        with self._handle as pointer:
            function = _library.functions().skl_engine_load
            return LoadReport.of(_handles.call_json(function, pointer, *_handles.path(directory)))

    def reload(self) -> ReloadReport:
        """Reads every folder that was loaded anew. If one cannot be read, nothing changes."""
        with self._handle as pointer:
            return ReloadReport.of(_handles.call_json(_library.functions().skl_engine_reload, pointer))

    def remove(self, skill: str) -> None:
        """Takes a skill and its tools out, until its folder is loaded again. Raises SkillNotFoundError."""
        with self._handle as pointer:
            _handles.run(_library.functions().skl_engine_remove, pointer, *_handles.text(skill))

    def enable(self, skill: str, is_enabled: bool = True) -> None:
        """Gives the tools of a skill out and lets them be called, or no longer. Raises SkillNotFoundError."""
        with self._handle as pointer:
            _handles.run(_library.functions().skl_engine_enable, pointer, *_handles.text(skill), is_enabled)

    def prepare(self, skill: str = "") -> PrepareReport:
        """Installs what the scripts of a skill declare to need, or of every enabled one, and waits for that.

        Without it, a call of such a skill raises NotPreparedError where the config has `dependencies`. `close` from
        another thread ends it. Raises BuildFailedError.
        """
        with self._handle as pointer:
            function = _library.functions().skl_engine_prepare
            return PrepareReport.of(_handles.call_json(function, pointer, *_handles.text(skill)))

    async def aprepare(self, skill: str = "") -> PrepareReport:
        """`prepare` in a thread, while the event loop of asyncio goes on. Cancelling the task does not end it."""
        return await asyncio.get_running_loop().run_in_executor(None, self.prepare, skill)

    def disable(self, skill: str) -> None:
        """The opposite of `enable`."""
        self.enable(skill, False)

    @property
    def skills(self) -> list[SkillInfo]:
        """The loaded skills, in load order."""
        with self._handle as pointer:
            return [SkillInfo.of(raw) for raw in _handles.call_json(_library.functions().skl_engine_skills, pointer)]

    def get_skill(self, name: str) -> SkillInfo:
        """The skill of this name. Raises SkillNotFoundError."""
        self.instructions(name)  # the library's own answer to a name that is not there
        return next(skill for skill in self.skills if skill.name == name)

    def instructions(self, skill: str) -> str:
        """The text of the skill's SKILL.md without the front matter."""
        with self._handle as pointer:
            function = _library.functions().skl_engine_instructions
            return _handles.call(function, pointer, *_handles.text(skill)).decode()

    def resources(self, skill: str) -> list[Resource]:
        """The files of the skill other than SKILL.md."""
        with self._handle as pointer:
            function = _library.functions().skl_engine_resources
            return [Resource.of(raw) for raw in _handles.call_json(function, pointer, *_handles.text(skill))]

    def read_resource(self, skill: str, path: str, max_bytes: int = 1024 * 1024) -> bytes:
        """The content of one of `resources`. A file larger than `max_bytes` is an error, never cut."""
        with self._handle as pointer:
            function = _library.functions().skl_engine_read_resource
            names = (*_handles.text(skill), *_handles.text(path))
            return _handles.call(function, pointer, *names, _handles.unsigned(max_bytes))

    def manifest(self, skill: str) -> dict[str, Any]:
        """What the skill declares, its files with their digests, and its tools with their schemas."""
        with self._handle as pointer:
            manifest = _handles.call_json(_library.functions().skl_engine_manifest, pointer, *_handles.text(skill))
            return dict(manifest)

    def scan(self, skill: str) -> ScanReport:
        """What the sources of the skill look like they might do, by rules over their syntax (docs/scan.md).

        It is advice and never isolation. `UnsupportedError` from a library without the feature "scan".
        """
        with self._handle as pointer:
            report = _handles.call_json(_library.functions().skl_engine_scan, pointer, *_handles.text(skill))
            return ScanReport.of(report)

    def prompt(
        self,
        form: str = "markdown",
        mode: str = "standard",
        *,
        max_tokens: Optional[int] = None,
        skills: Optional[Iterable[str]] = None,
    ) -> str:
        """What a system prompt says of the skills; empty without one. The options are those of docs/disclosure.md.

        `form` is "markdown" or "xml", `mode` "summary", "standard" or "full". A token is taken for 4 bytes.
        """
        names = None if skills is None else list(skills)
        options = {"form": form, "mode": mode, "max_tokens": max_tokens, "skills": names}
        with self._handle as pointer:
            function = _library.functions().skl_engine_prompt
            return _handles.call(function, pointer, *_handles.document(options)).decode()

    # Tools

    def get_tools(self, dialect: str = "openai") -> list[dict[str, Any]]:
        """The tools of all skills, for the `tools` field of a request as it is.

        Dialects are those of docs/dialects.md, such as "openai", "anthropic", "gemini" or "openai:strict".
        """
        with self._handle as pointer:
            tools = _handles.call_json(_library.functions().skl_engine_tools, pointer, *_handles.text(dialect))
            return list(tools)

    @property
    def tool_definitions(self) -> list[ToolDefinition]:
        """The tools of all skills, independent of a dialect."""
        return [
            ToolDefinition.of(skill.name, raw)
            for skill in self.skills
            if skill.tools
            for raw in self.manifest(skill.name)["tools"]
        ]

    # Calls

    def execute(
        self,
        tool: str,
        arguments: Arguments = None,
        *,
        timeout: Optional[float] = None,
        limits: Optional[Mapping[str, int]] = None,
        env: Optional[Mapping[str, str]] = None,
        files: Optional[Mapping[str, FileContent]] = None,
        cwd: Optional[str] = None,
        fresh: Optional[bool] = None,
        call_id: Optional[str] = None,
        **options: Any,
    ) -> Result:
        """Runs a tool and gives its result. Ctrl-C, or another exception of a signal handler, cancels the call.

        `timeout` is in seconds and bounds the run (`limits["wall_ms"]`). `files` go into the work folder: bytes, text,
        or an `os.PathLike` of the host below one of the policy's `read_paths`. Other options are those of
        docs/api-conventions.md#options; a call narrows the policy and never widens it.
        """
        options.update(limits=limits, env=env, files=files, cwd=cwd, fresh=fresh, call_id=call_id)
        with self._start(tool, arguments, _options(options, timeout)) as call:
            return call.wait()

    async def aexecute(self, tool: str, arguments: Arguments = None, **options: Any) -> Result:
        """`execute` in an event loop of asyncio, with the same options. Cancelling the task cancels the call."""
        with self.start(tool, arguments, **options) as call:
            return await call.wait_async()

    def start(
        self,
        tool: str,
        arguments: Arguments = None,
        *,
        timeout: Optional[float] = None,
        limits: Optional[Mapping[str, int]] = None,
        env: Optional[Mapping[str, str]] = None,
        files: Optional[Mapping[str, FileContent]] = None,
        cwd: Optional[str] = None,
        fresh: Optional[bool] = None,
        call_id: Optional[str] = None,
        **options: Any,
    ) -> Call:
        """Starts a tool and returns at once; the options are those of `execute`.

        With `stream=True` the output can be read while the script runs: `Call.read`, `Call.output`.
        """
        options.update(limits=limits, env=env, files=files, cwd=cwd, fresh=fresh, call_id=call_id)
        return self._start(tool, arguments, _options(options, timeout))

    def _start(self, tool: str, arguments: Arguments, options: Mapping[str, Any]) -> Call:
        functions = _library.functions()
        documents = (*_handles.text(tool), *_handles.document(arguments), *_handles.document(options))
        with self._handle as pointer:
            return Call(
                _handles.new(_ffi.skl_call, functions.skl_call_free, functions.skl_engine_call, pointer, *documents)
            )

    def plan(self, tool: str, arguments: Arguments = None, **options: Any) -> str:
        """What `execute` would do, as a numbered list of the sandbox's steps. Nothing of the skill is run."""
        documents = (*_handles.text(tool), *_handles.document(arguments), *_handles.document(options))
        with self._handle as pointer:
            return _handles.call(_library.functions().skl_engine_plan, pointer, *documents).decode()

    def handle_tool_calls(
        self, response: Any, dialect: str = "openai", *, timeout: Optional[float] = None, **options: Any
    ) -> list[dict[str, Any]]:
        """Runs every tool call that an LLM's response asks for, in parallel, and gives the messages to append.

        `response` is the response body: a dict, its JSON text, an SDK's object, a list of its output items, or what
        `ResponseStream.response` gives. `timeout` and options, those of `execute`, apply to each call. The list
        is empty when the response asks for nothing. Ctrl-C, or another exception of a signal handler, cancels the
        calls.
        """
        with self.respond(response, dialect, timeout=timeout, **options) as started:
            return started.wait()

    async def ahandle_tool_calls(self, response: Any, dialect: str = "openai", **options: Any) -> list[dict[str, Any]]:
        """`handle_tool_calls` in an event loop of asyncio. Cancelling the task cancels the calls."""
        with self.respond(response, dialect, **options) as started:
            return await started.wait_async()

    def respond(
        self, response: Any, dialect: str = "openai", *, timeout: Optional[float] = None, **options: Any
    ) -> Round:
        """Starts every tool call that an LLM's response asks for, in parallel, and returns at once.

        Arguments are those of `handle_tool_calls`. For the output and the files of a call `start` it by itself.
        """
        functions = _library.functions()
        documents = (*_handles.document(plain(response)), *_handles.document(_options(options, timeout)))
        function, free = functions.skl_engine_respond, functions.skl_call_free
        with self._handle as pointer:
            return Round(_handles.new(_ffi.skl_call, free, function, pointer, *_handles.text(dialect), *documents))

    # Life

    def close(self) -> None:
        """Ends the calls in flight, whose results then say `cancelled`, and releases the engine. May be repeated."""
        if self._handle.is_closed:
            return
        error = _ffi.skl_error()
        with contextlib.suppress(errors.ClosedError, errors.ForkedError), self._handle as pointer:
            _handles.check(_library.functions().skl_engine_close(pointer, ctypes.byref(error)), error)
        self._handle.close()

    def __enter__(self) -> SkillManager:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


def _options(options: Mapping[str, Any], timeout: Optional[float]) -> dict[str, Any]:
    """The options document: what was given, `timeout` as a limit, and the files in the library's form."""
    document = {key: value for key, value in options.items() if value is not None}
    if timeout is not None:
        limits = dict(document.get("limits", {}))
        if "wall_ms" in limits:
            raise TypeError("timeout and limits['wall_ms'] say the same thing: give one of them")
        document["limits"] = {**limits, "wall_ms": max(1, round(timeout * 1000))}
    if "files" in document:
        document["files"] = {name: _file(content) for name, content in document["files"].items()}
    return document


def _file(content: FileContent) -> Mapping[str, str]:
    if isinstance(content, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(content).decode()}
    if isinstance(content, str):
        return {"text": content}
    if isinstance(content, os.PathLike):
        return {"path": os.fspath(content)}
    return content


def plain(value: Any) -> Any:
    """An SDK's object, or a list of them, as the data that its vendor sent; anything else as it is."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    # Vendors refuse a null where they had sent nothing, and Python's spelling of their names.
    if callable(dump := getattr(value, "model_dump_json", None)):
        return json.loads(dump(by_alias=True, exclude_unset=True))
    if callable(dump := getattr(value, "model_dump", None)):
        return dump(by_alias=True, exclude_unset=True)
    return value
