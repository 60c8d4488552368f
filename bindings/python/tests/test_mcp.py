"""The MCP server, over standard input and output, with the protocol's own client."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Callable

import pytest
from conftest import MULTIPLY, SKILLS, WriteSkill

pytest.importorskip("mcp", reason="mcp is not installed; it needs Python 3.10")

import mcp_types as types
from mcp import Client, StdioServerParameters, stdio_client

import skilllite

SOURCE = Path(skilllite.__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCE)}


def talk(session: Callable[[Client], Awaitable[Any]], *arguments: str) -> Any:
    """Starts the server as a client's configuration would, and ends it with the session."""
    parameters = StdioServerParameters(
        command=sys.executable, args=["-W", "error", "-m", "skilllite.mcp", *arguments], env=ENVIRONMENT
    )

    async def run() -> Any:
        async with Client(stdio_client(parameters)) as client:
            return await session(client)

    return asyncio.run(run())


def text(result: types.CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, types.TextContent)
    return content.text


def test_a_client_sees_the_tools_and_calls_them() -> None:
    async def session(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["calculator", "data-analyzer", "http-request", "text-processor", "weather"]
        assert tools["calculator"].input_schema["required"] == ["operation", "a", "b"]
        result = await client.call_tool("calculator", MULTIPLY)
        assert not result.is_error
        assert result.structured_content is not None
        assert result.structured_content["output"]["result"] == 405
        assert json.loads(text(result)) == result.structured_content

    talk(session, str(SKILLS))


def test_what_goes_wrong_is_told_the_model() -> None:
    async def session(client: Client) -> None:
        for name, arguments, word in (
            ("calculator", {**MULTIPLY, "operation": "power"}, "/operation"),
            ("calculator", {}, "operation"),
            ("teleport", {}, "calculator"),
        ):
            result = await client.call_tool(name, arguments)
            assert result.is_error
            assert word in text(result)
        # A script that fails by itself is no failure of the call.
        result = await client.call_tool("calculator", {"operation": "divide", "a": 1, "b": 0})
        assert not result.is_error

    talk(session, str(SKILLS))


def test_the_config_holds(write_skill: WriteSkill) -> None:
    skills = write_skill("sleeper", "import signal\nsignal.pause()\n")

    async def session(client: Client) -> None:
        result = await client.call_tool("sleeper", {})
        assert result.is_error
        assert json.loads(text(result))["status"] == "timeout"

    talk(session, str(skills), "--config", '{"policy": {"limits": {"wall_ms": 300}}}')


def test_a_cancelled_request_cancels_its_call_and_no_other(write_skill: WriteSkill, tmp_path: Path) -> None:
    started = tmp_path / "out" / "started"
    started.parent.mkdir()
    started.parent.chmod(0o777)
    skills = write_skill("sleeper", f"import signal\nopen({str(started)!r}, 'w').close()\nsignal.pause()\n")
    policy = {"limits": {"wall_ms": 600_000}, "write_paths": [str(started.parent)]}

    async def session(client: Client) -> None:
        task = asyncio.ensure_future(client.call_tool("sleeper", {}))
        while not started.exists():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # One at once: this call starts when the other one has ended.
        result = await asyncio.wait_for(client.call_tool("calculator", MULTIPLY), 30)
        assert result.structured_content is not None
        assert result.structured_content["output"]["result"] == 405

    talk(session, str(skills), str(SKILLS), "--config", json.dumps({"max_running": 1, "policy": policy}))


def test_a_bad_command_line_says_so() -> None:
    command = [sys.executable, "-m", "skilllite.mcp"]
    for arguments, word in (([], "skills"), (["nowhere"], "nowhere"), ([str(SKILLS), "--config", "{"], "--config")):
        ended = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert ended.returncode != 0
        assert ended.stdout == ""
        assert word in ended.stderr
