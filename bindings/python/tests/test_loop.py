"""The agent loop with clients of the vendors' shape, and asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import MULTIPLY
from test_agent import answer, calls

from skilllite import AgenticLoop, SkillManager, errors


class Model:
    """A client of OpenAI's shape that says one thing after the other and remembers what it was asked."""

    def __init__(self, *says: Any, is_async: bool = False) -> None:
        self.asked: list[dict[str, Any]] = []
        self._says = iter(says)
        create = self._acreate if is_async else self._create
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=create))

    def _create(self, **body: Any) -> Any:
        self.asked.append(body)
        said = next(self._says)
        if isinstance(said, Exception):
            raise said
        return said

    async def _acreate(self, **body: Any) -> Any:
        await asyncio.sleep(0)
        return self._create(**body)


ONE_CALL = calls(("c1", "calculator", MULTIPLY))


def test_a_turn_ends_with_an_answer(manager: SkillManager) -> None:
    model = Model(ONE_CALL, answer("405"))
    with AgenticLoop(manager, model, "m", system="Be brief.", request={"temperature": 0}) as loop:
        found = loop.run("What is 15 times 27?")
    assert (str(found), found.ok, found.iterations) == ("405", True, 2)
    assert [body["temperature"] for body in model.asked] == [0, 0]
    assert '"result":405' in model.asked[1]["messages"][-1]["content"].replace(" ", "")


def test_a_bound_stops_it(manager: SkillManager) -> None:
    with AgenticLoop(manager, Model(ONE_CALL, ONE_CALL), "m", max_iterations=2) as loop:
        found = loop.run("?")
    assert (found.ok, found.stopped, found.iterations) == (False, "iterations", 2)


@pytest.mark.parametrize(("verdict", "read"), [(True, "405"), (False, "not allow"), ("too late", "too late")])
def test_calls_are_approved(manager: SkillManager, verdict: Any, read: str) -> None:
    asked: list[Mapping[str, Any]] = []

    def approve(call: Mapping[str, Any]) -> Any:
        asked.append(call)
        return verdict

    model = Model(ONE_CALL, answer("done"))
    with AgenticLoop(manager, model, "m", approve=approve) as loop:
        assert loop.run("?").ok
    assert [(call["tool"], call["arguments"]) for call in asked] == [("calculator", MULTIPLY)]
    assert read in model.asked[1]["messages"][-1]["content"]


def test_events_tell_the_progress(manager: SkillManager) -> None:
    events: list[str] = []
    with AgenticLoop(
        manager, Model(ONE_CALL, answer("x")), "m", on_event=lambda event: events.append(event["event"])
    ) as loop:
        loop.run("?")
    assert [event for event in events if event != "message"] == [
        "iteration",
        "call_started",
        "call_finished",
        "iteration",
        "answer",
    ]


def test_a_failing_client_ends_the_turn_and_no_more(manager: SkillManager) -> None:
    model = Model(OSError("no network"), answer("here"))
    with AgenticLoop(manager, model, "m") as loop:
        with pytest.raises(OSError, match="no network"):
            loop.run("?")
        assert loop.run("again").text == "here"


def test_clients_of_no_known_shape_are_refused(manager: SkillManager) -> None:
    with pytest.raises(TypeError, match="shape"):
        AgenticLoop(manager, object(), "m")
    with pytest.raises(TypeError, match=r"messages\.create"):
        AgenticLoop(manager, Model(), "m", dialect="anthropic")
    with pytest.raises(ValueError, match="gemini"):
        AgenticLoop(manager, Model(), "m", dialect="gemini")


def test_an_asynchronous_turn(manager: SkillManager) -> None:
    async def approve(call: Mapping[str, Any]) -> bool:
        await asyncio.sleep(0)
        return bool(call["tool"] == "calculator")

    async def turns() -> list[str]:
        loops = [
            AgenticLoop(manager, Model(ONE_CALL, answer(str(n)), is_async=True), "m", approve=approve) for n in range(8)
        ]
        try:
            return [str(found) for found in await asyncio.gather(*(loop.arun("?") for loop in loops))]
        finally:
            for loop in loops:
                loop.close()

    assert asyncio.run(turns()) == [str(n) for n in range(8)]


def test_aexecute(manager: SkillManager) -> None:
    async def both() -> list[Any]:
        return [
            result.output["result"]
            for result in await asyncio.gather(*(manager.aexecute("calculator", MULTIPLY) for _ in range(8)))
        ]

    # The first call opens what belongs to the engine.
    manager.execute("calculator", MULTIPLY)
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert asyncio.run(both()) == [405] * 8
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_several_tasks_wait_for_one_call(manager: SkillManager) -> None:
    async def waits() -> list[bool]:
        with manager.start("calculator", MULTIPLY) as call:
            return [result.ok for result in await asyncio.gather(*(call.wait_async() for _ in range(4)))]

    assert asyncio.run(waits()) == [True] * 4


def test_cancelling_the_task_cancels_the_call(sleeper: SkillManager) -> None:
    async def cancelled() -> None:
        task = asyncio.ensure_future(sleeper.aexecute("sleeper", {}))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    # Nothing holds the engine up: what ran has ended with its call.
    sleeper.close()
    with pytest.raises(errors.ClosedError):
        sleeper.execute("sleeper", {})
