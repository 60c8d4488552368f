"""What test_versions.py does with an installed package, in each version of Python. usage: versions.py SKILLS"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from types import SimpleNamespace
from typing import Any

import skilllite
from skilllite import AgenticLoop, SkillManager, _handles

MULTIPLY = {"operation": "multiply", "a": 15, "b": 27}


def client(is_async: bool) -> Any:
    """A model of OpenAI's shape that calls the calculator once, and says what it has read."""

    def create(**body: Any) -> Any:
        last = body["messages"][-1]
        if last["role"] == "tool":
            text = str(json.loads(last["content"])["output"]["result"])
            return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
        function = {"name": "calculator", "arguments": json.dumps(MULTIPLY)}
        message = {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": function}]}
        return {"choices": [{"message": message, "finish_reason": "tool_calls"}]}

    async def acreate(**body: Any) -> Any:
        await asyncio.sleep(0)
        return create(**body)

    return SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=acreate if is_async else create)))


async def turns(manager: SkillManager) -> tuple[str, str]:
    """Calls at once, a turn, and a task that is cancelled."""
    results = await asyncio.gather(*(manager.aexecute("calculator", MULTIPLY) for _ in range(8)))
    assert [result.output["result"] for result in results] == [405] * 8
    task = asyncio.ensure_future(manager.aexecute("calculator", MULTIPLY))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
        ended = "went on"
    except asyncio.CancelledError:
        ended = "cancelled"
    with AgenticLoop(manager, client(True), "m") as loop:
        return str(await loop.arun("How much is it?")), ended


def main() -> None:
    assert skilllite.__file__.startswith(sys.prefix), skilllite.__file__
    with SkillManager(sys.argv[1]) as manager:
        result = manager.execute("calculator", MULTIPLY)
        with AgenticLoop(manager, client(False), "m") as loop:
            answer = loop.run("How much is it?")
        print(result.output["result"], answer, *asyncio.run(turns(manager)))
    gc.collect()
    assert _handles.live() == {}, _handles.live()


if __name__ == "__main__":
    main()
