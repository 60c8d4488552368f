"""The tools in LangChain, as its agents call them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from conftest import MULTIPLY, SKILLS, WriteSkill

pytest.importorskip("langchain_core", reason="langchain-core is not installed")

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from skilllite import PolicyWidenedError, SkillManager, langchain


def ask(tool: BaseTool, arguments: dict[str, Any]) -> Any:
    """What an agent passes on of a model's message."""
    return {"type": "tool_call", "id": "call_1", "name": tool.name, "args": arguments}


@pytest.fixture
def calculator(manager: SkillManager) -> BaseTool:
    [tool] = langchain.tools(manager, ["calculator"])
    return tool


@pytest.mark.parametrize("is_async", [False, True], ids=["invoke", "ainvoke"])
def test_a_call_has_its_content_and_its_result(calculator: BaseTool, is_async: bool) -> None:
    call = ask(calculator, MULTIPLY)
    message = asyncio.run(calculator.ainvoke(call)) if is_async else calculator.invoke(call)
    assert isinstance(message, ToolMessage)
    assert (message.tool_call_id, message.status) == ("call_1", "success")
    assert json.loads(str(message.content))["output"]["result"] == 405
    assert message.artifact.output["result"] == 405
    assert message.artifact.isolation.tier in {"namespaces", "full"}


def test_a_model_is_given_the_schemas_of_the_skills(manager: SkillManager) -> None:
    tools = langchain.tools(manager)
    assert [tool.name for tool in tools] == [tool.name for tool in manager.tool_definitions]
    for tool, own in zip(tools, manager.get_tools()):
        function = convert_to_openai_tool(tool)["function"]
        assert (function["name"], function["description"]) == (own["function"]["name"], own["function"]["description"])
        assert function["parameters"]["properties"].keys() == own["function"]["parameters"]["properties"].keys()
        assert function["parameters"].get("required") == own["function"]["parameters"].get("required")


@pytest.mark.parametrize("is_async", [False, True], ids=["invoke", "ainvoke"])
def test_wrong_arguments_are_for_the_model_to_repair(calculator: BaseTool, is_async: bool) -> None:
    call = ask(calculator, {**MULTIPLY, "operation": "power"})
    message = asyncio.run(calculator.ainvoke(call)) if is_async else calculator.invoke(call)
    assert message.status == "error"
    assert "/operation" in message.content


def test_what_only_the_host_can_repair_is_raised(write_skill: WriteSkill) -> None:
    with SkillManager(write_skill("hello", "print('hello')\n")) as manager:
        [tool] = langchain.tools(manager, limits={"disk_bytes": 1 << 40})
        with pytest.raises(PolicyWidenedError, match="disk_bytes"):
            tool.invoke(ask(tool, {}))


@pytest.mark.parametrize("name", ["self", "config", "run_manager", "tool_call_id", "args", "kwargs"])
def test_arguments_of_any_name_reach_the_script(write_skill: WriteSkill, name: str) -> None:
    with SkillManager(write_skill("echo", "import sys\nprint(sys.stdin.read())\n")) as manager:
        [tool] = langchain.tools(manager)
        assert tool.invoke(ask(tool, {name: "x"})).artifact.output == {name: "x"}
        assert asyncio.run(tool.ainvoke(ask(tool, {name: "x"}))).artifact.output == {name: "x"}


def test_options_hold_for_every_call(sleeper: SkillManager) -> None:
    [tool] = langchain.tools(sleeper, timeout=0.2)
    message = tool.invoke(ask(tool, {}))
    assert message.artifact.status == json.loads(message.content)["status"] == "timeout"


def test_cancelling_a_run_cancels_its_call(sleeper: SkillManager) -> None:
    [tool] = langchain.tools(sleeper)

    async def cancelled() -> None:
        task = asyncio.ensure_future(tool.ainvoke(ask(tool, {})))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(task, 0.3)

    asyncio.run(cancelled())


def test_a_manager_bit_by_bit() -> None:
    with SkillManager(SKILLS, disclosure="only") as manager:
        [load, *_] = langchain.tools(manager)
        message = load.invoke(ask(load, {"name": "calculator"}))
        assert "# Calculator" in message.content
        assert load.invoke(ask(load, {"name": "nobody"})).status == "error"
