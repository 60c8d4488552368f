"""The agent loop with a model that says what each test wants."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from conftest import MULTIPLY

from skilllite import Agent, SkillManager, errors


def answer(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


def calls(*wanted: tuple[str, str, Any]) -> dict[str, Any]:
    tool_calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for call_id, name, arguments in wanted
    ]
    message = {"role": "assistant", "content": None, "tool_calls": tool_calls}
    return {"choices": [{"message": message, "finish_reason": "tool_calls"}]}


@pytest.fixture
def agent(manager: SkillManager) -> Any:
    with Agent(manager, dialect="openai", model="m") as agent:
        yield agent


@pytest.mark.parametrize("form", ["dict", "bytes", "text", "pieces", "events"])
def test_a_turn(manager: SkillManager, form: str) -> None:
    def say(agent: Agent, response: dict[str, Any]) -> None:
        body = json.dumps(response)
        if form == "dict":
            agent.feed(response)
        elif form == "bytes":
            agent.feed(bytearray(body.encode()))
        elif form == "text":
            agent.feed(body)
        elif form == "pieces":
            for place in range(0, len(body), 7):
                agent.feed(body[place : place + 7], end=False)
            agent.feed()
        else:
            [choice] = response["choices"]
            delta = {**choice["message"]}
            for index, call in enumerate(delta.get("tool_calls", [])):
                call["index"] = index
            agent.feed({"choices": [{"index": 0, "delta": delta}]}, end=False)
            agent.feed({"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}, end=False)
            agent.feed()

    with Agent(manager, dialect="openai", model="m", system="Be brief.", request={"temperature": 0}) as agent:
        assert agent.next() == {"step": "ask"}
        agent.ask("What is 15 times 27?")
        step = agent.next()
        assert (step["step"], step["path"], step["body"]["temperature"]) == ("request", "/chat/completions", 0)
        say(agent, calls(("i", "calculator", MULTIPLY)))
        step = agent.next(30)
        assert step["step"] == "request"
        assert "405" in step["body"]["messages"][-1]["content"]
        say(agent, answer("405."))
        assert agent.next()["text"] == "405."
        names = [event["event"] for event in agent.events()]
        assert names[:3] == ["iteration", "call_started", "call_finished"]
        assert ("answer_delta" in names) == (form == "events")
        assert agent.events() == []
        kept = agent.transcript()
    with Agent(manager, dialect="openai", model="m", messages=kept) as again:
        assert again.next()["text"] == "405."


def test_approval(manager: SkillManager) -> None:
    with Agent(manager, dialect="openai", approval="ask") as agent:
        agent.ask("Go.", messages=[{"role": "user", "content": "First."}])
        agent.feed(calls(("a", "calculator", MULTIPLY), ("b", "calculator", MULTIPLY)))
        step = agent.next()
        assert [call["call_id"] for call in step["calls"]] == ["a", "b"]
        assert step["calls"][0]["arguments"] == MULTIPLY
        agent.approve("a")
        agent.deny("b", "not twice")
        with pytest.raises(errors.OutOfTurnError, match="waits for approval"):
            agent.approve("b")
        [first, second] = agent.next()["body"]["messages"][-2:]
        assert "405" in first["content"]
        assert second["content"] == "Error: the user did not allow this call: not twice"


def test_faults(agent: Agent, manager: SkillManager) -> None:
    with pytest.raises(errors.OutOfTurnError, match="nothing was asked"):
        agent.feed(answer("x"))
    agent.ask("Go.")
    with pytest.raises(errors.AgentError):
        agent.ask("Go.")
    with pytest.raises(errors.InvalidResponseError, match="quota"):
        agent.feed({"error": {"message": "quota"}})
    assert agent.next()["step"] == "request"
    agent.feed(answer("At last."))
    assert agent.next()["text"] == "At last."
    with pytest.raises(errors.InvalidConfigError, match="dialct"):
        Agent(manager, dialct="openai")
    with pytest.raises(errors.ToolNotFoundError, match="nothing"):
        Agent(manager, dialect="openai", tools=["nothing"])
    agent.close()
    agent.close()
    with pytest.raises(errors.ClosedError):
        agent.next()


def test_a_wait_is_bounded_and_cancelled(sleeper: SkillManager) -> None:
    with Agent(sleeper, dialect="openai") as agent:
        agent.ask("Go.")
        agent.feed(calls(("a", "sleeper", {})))
        step = agent.next(0.05)
        assert (step["step"], step["calls"][0]["tool"]) == ("running", "sleeper")
        timer = threading.Timer(0.05, agent.cancel)
        timer.start()
        assert agent.next()["reason"] == "cancelled"
        timer.join()
        # Closed while a thread waits in it.
        agent.ask("Again.")
        agent.feed(calls(("b", "sleeper", {})))
        assert agent.next(0)["step"] == "running"
        timer = threading.Timer(0.05, agent.close)
        timer.start()
        assert agent.next()["reason"] == "cancelled"
        timer.join()


def test_an_event_loop_waits_for_it(agent: Agent) -> None:
    async def turn() -> str:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(agent.fileno(), readable.set)
        try:
            agent.ask("What is 15 times 27?")
            while True:
                step = agent.next(0)
                if step["step"] == "answer":
                    return str(step["text"])
                if step["step"] == "request":
                    is_first = step["iteration"] == 1
                    agent.feed(calls(("i", "calculator", MULTIPLY)) if is_first else answer("405."))
                else:
                    readable.clear()
                    await asyncio.wait_for(readable.wait(), 30)
        finally:
            loop.remove_reader(agent.fileno())

    assert asyncio.run(turn()) == "405."
