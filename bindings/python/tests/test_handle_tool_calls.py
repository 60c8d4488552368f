"""An LLM's response in, the messages for the next request out."""

from __future__ import annotations

import asyncio
import json
import select
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import WriteSkill, ctrl_c

from skilllite import SkillManager, UnsupportedError, WaitTimeoutError, _handles

# As the Chat Completions API sends it, with fields that do not matter here.
RESPONSE: dict[str, Any] = {
    "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
    "object": "chat.completion",
    "created": 1741570283,
    "model": "gpt-4o-2024-08-06",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "annotations": [],
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "calculator", "arguments": '{"operation":"multiply","a":15,"b":27}'},
                    },
                    {
                        "id": "call_2",
                        "type": "function",
                        "function": {
                            "name": "text-processor",
                            "arguments": '{"text":"grüß dich","operation":"upper"}',
                        },
                    },
                    {
                        "id": "call_3",
                        "type": "function",
                        "function": {"name": "calculator", "arguments": '{"operation":'},
                    },
                    {"id": "call_4", "type": "function", "function": {"name": "teleport", "arguments": "{}"}},
                    {"id": "call_5", "type": "function", "function": {"name": "calculator", "arguments": '{"a": "x"}'}},
                ],
            },
            "logprobs": None,
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 82, "completion_tokens": 17, "total_tokens": 99},
    "service_tier": "default",
    "system_fingerprint": None,
}


class SdkResponse:
    """What the vendor's Python package gives: an object that dumps itself."""

    def model_dump_json(self, *, by_alias: bool, exclude_unset: bool) -> str:
        assert by_alias
        assert exclude_unset
        return json.dumps(RESPONSE)


class OldSdkResponse:
    def model_dump(self, **_options: bool) -> dict[str, Any]:
        return RESPONSE


@pytest.mark.parametrize(
    "response",
    [RESPONSE, json.dumps(RESPONSE), json.dumps(RESPONSE).encode(), SdkResponse(), OldSdkResponse()],
    ids=["dict", "text", "bytes", "sdk", "old sdk"],
)
def test_every_call_is_answered_in_order(manager: SkillManager, response: object) -> None:
    messages = manager.handle_tool_calls(response)
    assert [message["tool_call_id"] for message in messages] == [f"call_{n}" for n in range(1, 6)]
    assert {message["role"] for message in messages} == {"tool"}
    contents = [message["content"] for message in messages]
    assert json.loads(contents[0])["output"]["result"] == 405
    assert json.loads(contents[1])["output"]["processed"] == "GRÜSS DICH"
    assert "JSON" in contents[2]
    assert "teleport" in contents[3]
    assert "calculator" in contents[3]  # the model learns what there is
    assert "/a" in contents[4]


def test_a_response_without_calls(manager: SkillManager) -> None:
    message = {"role": "assistant", "content": "It is 405."}
    assert manager.handle_tool_calls({"choices": [{"message": message, "finish_reason": "stop"}]}) == []


def test_the_timeout_holds_for_each_call(sleeper: SkillManager) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "sleeper", "arguments": "{}"}}
    response = {"choices": [{"message": {"role": "assistant", "tool_calls": [call, {**call, "id": "b"}]}}]}
    messages = sleeper.handle_tool_calls(response, timeout=0.3)
    assert [message["tool_call_id"] for message in messages] == ["a", "b"]
    assert all("timeout" in message["content"] for message in messages)


def test_an_event_loop_goes_on_meanwhile(sleeper: SkillManager) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "sleeper", "arguments": "{}"}}
    response = {"choices": [{"message": {"role": "assistant", "tool_calls": [call]}}]}

    async def both() -> list[Any]:
        answering = asyncio.ensure_future(sleeper.ahandle_tool_calls(response, timeout=0.3))
        await asyncio.sleep(0)
        assert not answering.done()
        return await answering

    [message] = asyncio.run(both())
    assert "timeout" in message["content"]


# Both places of this engine are taken until its scripts end.
STAYS = "import os, signal\nif os.environ.get('STAYS'):\n    signal.pause()\nprint('through')\n"
TWO = {"choices": [{"message": {"role": "assistant", "tool_calls": [
    {"id": name, "type": "function", "function": {"name": "stays", "arguments": "{}"}} for name in ("a", "b")
]}}]}  # fmt: skip


@pytest.fixture
def two_places(write_skill: WriteSkill) -> Iterator[SkillManager]:
    with SkillManager(write_skill("stays", STAYS), config={"max_running": 2}) as manager:
        yield manager
        # In the queue it would wait for its turn in vain.
        assert manager.execute("stays").text == "through\n"


def test_cancelling_the_task_cancels_the_calls(two_places: SkillManager) -> None:
    before = _handles.live()

    async def cancelled() -> None:
        task = asyncio.ensure_future(two_places.ahandle_tool_calls(TWO, env={"STAYS": "1"}))
        await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert _handles.live() == before


def test_ctrl_c_cancels_the_calls(two_places: SkillManager) -> None:
    before = _handles.live()
    with ctrl_c():
        two_places.handle_tool_calls(TWO, env={"STAYS": "1"})
    assert _handles.live() == before


def test_a_round_is_waited_for_and_cancelled(two_places: SkillManager) -> None:
    with two_places.respond(TWO, env={"STAYS": "1"}) as started:
        with pytest.raises(WaitTimeoutError, match="2 of the 2 calls"):
            started.wait(0)
        assert not select.select([started], [], [], 0)[0]
        started.cancel()
        messages = started.wait(60)
        assert select.select([started], [], [], 0)[0]
        assert [message["tool_call_id"] for message in messages] == ["a", "b"]
        assert all("cancelled" in message["content"] for message in messages)
        assert asyncio.run(started.wait_async()) == messages
    with pytest.raises(UnsupportedError, match="skl_engine_call"):
        two_places.respond(TWO, stream=True)


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("print('{\"a\": 1}')\n", {}),
        ("import sys\nprint('half')\nsys.exit('no way')\n", {}),
        ("open('left.txt', 'w').write('x')\n", {}),
        ("import os\nos.mkfifo('pipe')\nos.kill(os.getpid(), 9)\n", {}),
        ("print('x' * 3_000_000)\n", {}),
        ('# /// script\n# dependencies = ["no-such-package"]\n# ///\nimport no_such_package\n', {}),
    ],
    ids=["json", "failure", "files", "signal", "much", "dependencies"],
)
def test_a_result_tells_a_model_the_same(write_skill: WriteSkill, script: str, arguments: dict[str, Any]) -> None:
    with SkillManager(write_skill("same", script)) as manager:
        [message] = manager.handle_tool_calls({"name": "same", "arguments": arguments}, "mcp")
        assert message["structuredContent"] == manager.execute("same", arguments).for_model()


def test_a_result_tells_a_model_of_the_network(manager: SkillManager) -> None:
    arguments = {"url": "http://192.0.2.1/"}
    [message] = manager.handle_tool_calls({"name": "http-request", "arguments": arguments}, "mcp")
    told = manager.execute("http-request", arguments).for_model()
    assert "network" in told
    assert message["structuredContent"] == told
