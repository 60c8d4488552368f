"""The agent loop with clients of the vendors' shape, and asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import MULTIPLY
from test_agent import answer, calls

from skilllite import AgenticLoop, SkillManager, errors
from skilllite.agent import Event


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
    with pytest.raises(ValueError, match="mcp"):
        AgenticLoop(manager, Model(), "m", dialect="mcp")


def test_a_function_is_a_client_too(manager: SkillManager) -> None:
    model = Model(ONE_CALL, answer("405"))
    with AgenticLoop(manager, model.chat.completions.create, "m", dialect="openai") as loop:
        assert loop.run("?").text == "405"


def test_a_client_of_the_other_kind_is_refused(manager: SkillManager) -> None:
    with AgenticLoop(manager, Model(answer("x"), is_async=True), "m") as loop, pytest.raises(TypeError, match="arun"):
        loop.run("?")
    with AgenticLoop(manager, Model(answer("x")), "m") as loop, pytest.raises(TypeError, match="run is for it"):
        asyncio.run(loop.arun("?"))


def test_messages_come_before_the_words(manager: SkillManager) -> None:
    model = Model(answer("x"))
    with AgenticLoop(manager, model, "m", context=False) as loop:
        loop.run("And now?", [{"role": "user", "content": "First."}])
    assert [message["content"] for message in model.asked[0]["messages"]] == ["First.", "And now?"]


def chunks(text: str) -> Iterator[Any]:
    for piece in text:
        yield {"choices": [{"index": 0, "delta": {"content": piece}}]}
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


class Chunks:
    """An SDK's stream, which says when it was closed."""

    def __init__(self, text: str) -> None:
        self.chunks = chunks(text)
        self.is_closed = False

    def __iter__(self) -> Iterator[Any]:
        return self.chunks

    def close(self) -> None:
        self.is_closed = True


class AsyncChunks(Chunks):
    async def __aiter__(self) -> AsyncIterator[Any]:
        for chunk in self.chunks:
            await asyncio.sleep(0)
            yield chunk

    async def close(self) -> None:  # type: ignore[override]
        self.is_closed = True


@pytest.mark.parametrize("is_async", [False, True], ids=["run", "arun"])
def test_a_stream_is_told_piece_by_piece(manager: SkillManager, is_async: bool) -> None:
    stream = AsyncChunks("405!") if is_async else Chunks("405!")
    pieces: list[str] = []

    def tell(event: Event) -> None:
        if event["event"] == "answer_delta":
            pieces.append(event["text"])

    with AgenticLoop(manager, Model(stream, is_async=is_async), "m", stream=True, on_event=tell) as loop:
        assert (asyncio.run(loop.arun("?")) if is_async else loop.run("?")).text == "405!"
    assert pieces == list("405!")
    assert stream.is_closed


@pytest.mark.parametrize("is_async", [False, True], ids=["run", "arun"])
def test_a_turn_is_cancelled_while_the_model_speaks(manager: SkillManager, is_async: bool) -> None:
    stream = AsyncChunks("forever and ever") if is_async else Chunks("forever and ever")

    def cancel(event: Event) -> None:
        if event["event"] == "answer_delta":
            loop.cancel()

    loop: AgenticLoop
    model = Model(stream, answer("again"), is_async=is_async)
    with AgenticLoop(manager, model, "m", stream=True, on_event=cancel) as loop:
        found = asyncio.run(loop.arun("?")) if is_async else loop.run("?")
    assert (found.ok, found.stopped) == (False, "cancelled")
    assert stream.is_closed


@pytest.mark.parametrize("is_async", [False, True], ids=["run", "arun"])
def test_a_turn_is_cancelled_while_a_call_waits_for_approval(manager: SkillManager, is_async: bool) -> None:
    def approve(_call: Mapping[str, Any]) -> bool:
        loop.cancel()
        return True

    loop: AgenticLoop
    two = calls(("c1", "calculator", MULTIPLY), ("c2", "calculator", MULTIPLY))
    with AgenticLoop(manager, Model(two, is_async=is_async), "m", approve=approve) as loop:
        found = asyncio.run(loop.arun("?")) if is_async else loop.run("?")
    assert found.stopped == "cancelled"


def test_what_ended_a_turn_is_raised_also_when_the_loop_is_closed(manager: SkillManager) -> None:
    model = Model(OSError("no network"))
    create = model.chat.completions.create

    def closing(**body: Any) -> Any:
        loop.close()
        return create(**body)

    loop: AgenticLoop
    with AgenticLoop(manager, closing, "m", dialect="openai") as loop, pytest.raises(OSError, match="no network"):
        loop.run("?")


def test_a_turn_is_cancelled_while_a_script_runs(sleeper: SkillManager) -> None:
    started = calls(("c1", "sleeper", {}))

    def cancel(event: Event) -> None:
        if event["event"] == "call_started":
            loop.cancel()

    loop: AgenticLoop
    with AgenticLoop(sleeper, Model(started), "m", on_event=cancel) as loop:
        assert loop.run("?").stopped == "cancelled"


def test_cancelling_the_task_ends_the_turn(sleeper: SkillManager) -> None:
    async def cancelled() -> None:
        started = asyncio.Event()

        def tell(event: Event) -> None:
            if event["event"] == "call_started":
                started.set()

        model = Model(calls(("c1", "sleeper", {})), answer("here"), is_async=True)
        with AgenticLoop(sleeper, model, "m", on_event=tell) as loop:
            task = asyncio.ensure_future(loop.arun("?"))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await loop.arun("Are you there?")).text == "here"
        [told] = [message for message in model.asked[1]["messages"] if message["role"] == "tool"]
        assert "cancelled" in told["content"]

    asyncio.run(cancelled())


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
