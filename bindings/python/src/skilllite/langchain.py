"""The tools of a manager for LangChain and LangGraph: `pip install skilllite[langchain]`.

from skilllite.langchain import tools

agent = create_agent(model, tools(manager))
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Optional

try:
    from langchain_core.tools import BaseTool, ToolException
    from pydantic import PrivateAttr
except ImportError as error:
    needs = "skilllite.langchain needs the package langchain-core: pip install 'skilllite[langchain]'"
    raise ImportError(f"{needs} ({error})") from error

from .errors import QueueFullError, SkillError, ToolError
from .manager import SkillManager
from .result import Result

# What a model can repair, or try again; anything else is the host's to see.
_FOR_MODEL = (ToolError, SkillError, QueueFullError)


class SkillTool(BaseTool):
    """A tool of a skill. The model reads what helps it; the artefact of its message is the whole `Result`.

    Arguments are checked by the library, against the schema that the model was given.
    """

    args_schema: dict[str, Any]
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True

    _manager: SkillManager = PrivateAttr()
    _options: Mapping[str, Any] = PrivateAttr()

    def __init__(self, manager: SkillManager, definition: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        super().__init__(
            name=definition["name"], description=definition["description"], args_schema=definition["inputSchema"]
        )
        self._manager = manager
        self._options = options

    # Arguments may have any name: `self` is positional, and there are no others.
    def _run(self, /, **arguments: Any) -> tuple[str, Result]:
        try:
            return _told(self._manager.execute(self.name, arguments, **self._options))
        except _FOR_MODEL as error:
            raise ToolException(str(error)) from error

    async def _arun(self, /, **arguments: Any) -> tuple[str, Result]:
        try:
            return _told(await self._manager.aexecute(self.name, arguments, **self._options))
        except _FOR_MODEL as error:
            raise ToolException(str(error)) from error


def tools(manager: SkillManager, names: Optional[Iterable[str]] = None, **options: Any) -> list[BaseTool]:
    """The tools that the manager has now, or those of these names. `options` are those of `SkillManager.execute`.

    Cancelling an asynchronous run cancels its calls.
    """
    definitions = {definition["name"]: definition for definition in manager.get_tools("mcp")}
    return [SkillTool(manager, definitions[name], options) for name in (definitions if names is None else names)]


def _told(result: Result) -> tuple[str, Result]:
    return json.dumps(result.for_model(), ensure_ascii=False), result
