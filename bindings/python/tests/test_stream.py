"""Streams of every dialect become the response that is handled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import MULTIPLY

from skilllite import ResponseStream, SkillManager, errors

ARGUMENTS = json.dumps(MULTIPLY)
HALF = len(ARGUMENTS) // 2

Event = dict[str, Any]


def chat(delta: Event, reason: str | None = None) -> Event:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def chat_call(**call: Any) -> Event:
    return chat({"tool_calls": [{"index": 0, **call}]})


CALL = {"type": "function_call", "id": "f", "call_id": "i", "name": "calculator"}

STREAMS: dict[str, list[Event]] = {
    "openai": [
        chat({"role": "assistant", "content": "15 · 27 is "}),
        chat_call(id="i", type="function", function={"name": "calculator", "arguments": ARGUMENTS[:HALF]}),
        chat_call(function={"arguments": ARGUMENTS[HALF:]}),
        chat({}, "tool_calls"),
    ],
    "openai-responses": [
        {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": ARGUMENTS},
        {"type": "response.completed", "response": {"output": [{**CALL, "arguments": ARGUMENTS}]}},
    ],
    "anthropic": [
        {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": []}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": "i", "name": "calculator", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": ARGUMENTS[:HALF]},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": ARGUMENTS[HALF:]},
        },
        {"type": "message_stop"},
    ],
    "gemini": [
        {"candidates": [{"content": {"parts": [{"text": "15 · 27 is "}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "calculator", "args": MULTIPLY}}]}}]},
        {"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]},
    ],
    "mcp": [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "calculator", "arguments": MULTIPLY},
        }
    ],
}


class SdkEvent:
    """What a vendor's Python package gives: an object that dumps itself."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def model_dump_json(self, **_options: bool) -> str:
        return json.dumps(self._event)


@pytest.mark.parametrize("dialect", STREAMS)
@pytest.mark.parametrize("form", ["events", "sdk", "bytes", "single bytes", "text"])
def test_a_stream_is_handled(manager: SkillManager, dialect: str, form: str) -> None:
    events = STREAMS[dialect]
    text = "".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events)
    data = text.encode()
    chunks: dict[str, list[Any]] = {
        "events": list(events),
        "sdk": [SdkEvent(event) for event in events],
        "bytes": [bytearray(data[:100]), memoryview(data)[100:]],
        "single bytes": [data[place : place + 1] for place in range(len(data))],
        "text": [text],
    }
    with ResponseStream(dialect) as stream:
        for chunk in chunks[form]:
            assert not stream.is_complete
            stream.feed(chunk)
        if form == "text":
            assert stream.is_complete
        [message] = manager.handle_tool_calls(stream.response(), dialect)
    assert "405" in json.dumps(message)


@pytest.mark.parametrize("dialect", STREAMS)
def test_what_is_cut_off_is_no_response(dialect: str) -> None:
    with ResponseStream(dialect) as stream:
        for event in STREAMS[dialect][:-1]:
            stream.feed(event)
        with pytest.raises(errors.InvalidResponseError, match="not at its end"):
            stream.response()


def test_faults() -> None:
    with pytest.raises(errors.UnknownDialectError, match="klingon"):
        ResponseStream("klingon")
    with ResponseStream() as stream:
        with pytest.raises(errors.InvalidResponseError, match="quota"):
            stream.feed({"error": {"message": "quota"}})
        with pytest.raises(errors.InvalidResponseError, match="quota"):
            stream.response()
    with pytest.raises(errors.ClosedError):
        stream.feed(b"")
    stream.close()
    with ResponseStream() as stream, pytest.raises(TypeError):
        stream.feed(object())


def test_output_items_of_an_sdk_are_a_response(manager: SkillManager) -> None:
    items = [SdkEvent({"type": "message"}), SdkEvent({**CALL, "arguments": ARGUMENTS})]
    [message] = manager.handle_tool_calls(items, "openai-responses")
    assert message["call_id"] == "i"
    assert "405" in message["output"]


@pytest.mark.parametrize("dialect", ["openai", "openai-responses", "anthropic"])
def test_strict_definitions(manager: SkillManager, dialect: str) -> None:
    [tool] = [tool for tool in manager.get_tools(f"{dialect}:strict") if "calculator" in json.dumps(tool)]
    assert tool.get("function", tool)["strict"] is True
    assert manager.get_tools(dialect) != manager.get_tools(f"{dialect}:strict")
