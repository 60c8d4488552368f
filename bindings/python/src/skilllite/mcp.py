"""A manager's tools as a server of the Model Context Protocol: `pip install skilllite[mcp]`.

    python -m skilllite.mcp skills

serves a folder of skills on standard input and output. `server` is for any other transport of the `mcp` package.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import Any, Optional

try:
    import mcp_types as types
    from mcp.server.lowlevel import Server
    from mcp.server.stdio import stdio_server
except ImportError as error:
    raise ImportError(f"skilllite.mcp needs the package mcp 2: pip install 'skilllite[mcp]' ({error})") from error

from . import __version__
from .errors import SkillLiteError
from .manager import SkillManager


def server(manager: SkillManager, name: str = "skilllite", **options: Any) -> Server[Any]:
    """A server that has the manager's tools. `options` are those of `SkillManager.execute`.

    A request that the client cancels cancels its call.
    """

    async def list_tools(_context: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult.model_validate({"tools": manager.get_tools("mcp")})

    async def call_tool(_context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            result = await manager.aexecute(params.name, params.arguments or {}, **options)
        except SkillLiteError as error:
            # The model is to read it: what it calls wrongly it can repair.
            return types.CallToolResult(content=[types.TextContent(text=str(error))], is_error=True)
        told = result.for_model()
        content = types.TextContent(text=json.dumps(told, ensure_ascii=False))
        return types.CallToolResult(content=[content], structured_content=told, is_error=result.status != "ok")

    return Server(name, version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)


async def serve(manager: SkillManager, **options: Any) -> None:
    """Serves on standard input and output until the client closes them."""
    serving = server(manager, **options)
    async with stdio_server() as (reader, writer):
        await serving.run(reader, writer, serving.create_initialization_options())


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """The command line of `python -m skilllite.mcp`."""
    parser = argparse.ArgumentParser(prog="python -m skilllite.mcp", description="Serves folders of skills over MCP")
    parser.add_argument("skills", nargs="+", help="a folder that is a skill, or holds skills")
    parser.add_argument("--config", type=json.loads, default={}, help="the engine's config, as JSON")
    given = parser.parse_args(arguments)
    with SkillManager(given.skills, config=given.config) as manager:
        asyncio.run(serve(manager))


if __name__ == "__main__":
    main()
