"""Streams built with the vendors' types: assembled to the vendors' types, as the vendors' packages assemble them."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import anthropic.types as claude
import pydantic
from anthropic.lib.streaming._messages import accumulate_event
from cases import CASES, Asked, can_run, manager
from conversation import item, judge, request, response_document, text_item
from google.genai import types as genai
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent

from skilllite import ResponseStream, SkillManager

Events = list[Any]
RESPONSE_EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(ResponseStreamEvent)
CLAUDE_EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(claude.RawMessageStreamEvent)


def pieces(text: str, chance: random.Random) -> list[str]:
    """The text cut at random; at least one piece."""
    cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.randrange(6)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)])]


def chat(asked: list[Asked], chance: random.Random) -> Events:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> ChatCompletionChunk:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        return ChatCompletionChunk.model_validate({**head, "choices": [choice]}, strict=True)

    events = [chunk({"role": "assistant", "content": ""}), chunk({"content": "Let me "}), chunk({"content": "see."})]
    for index, call in enumerate(asked):
        function = {"name": call.name, "arguments": ""}
        events.append(
            chunk({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]})
        )
        for piece in pieces(json.dumps(call.arguments, ensure_ascii=False), chance):
            events.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    return [*events, chunk({}, "tool_calls")]


def responses(asked: list[Asked], chance: random.Random, has_output: bool = True) -> Events:
    items = [text_item(), *map(item, asked)]
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response_document([], "in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": {**items[0], "content": []}},
        {
            **{"type": "response.content_part.added", "output_index": 0, "content_index": 0, "item_id": "msg_1"},
            "part": {"type": "output_text", "text": "", "annotations": []},
        },
        *(
            {
                **{"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "msg_1"},
                **{"delta": piece, "logprobs": []},
            }
            for piece in ("Let me ", "see.")
        ),
        {"type": "response.output_item.done", "output_index": 0, "item": items[0]},
    ]
    for index, call in enumerate(asked, 1):
        place = {"output_index": index, "item_id": f"fc_{call.id}"}
        events.append(
            {"type": "response.output_item.added", "output_index": index, "item": item(call, "", "in_progress")}
        )
        for piece in pieces(json.dumps(call.arguments), chance):
            events.append({"type": "response.function_call_arguments.delta", **place, "delta": piece})
        done = {"name": call.name, "arguments": json.dumps(call.arguments)}
        events.append({"type": "response.function_call_arguments.done", **place, **done})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item(call)})
    events.append({"type": "response.completed", "response": response_document(items if has_output else [])})
    return [RESPONSE_EVENT.validate_python({**event, "sequence_number": n}) for n, event in enumerate(events)]


def messages(asked: list[Asked], chance: random.Random) -> Events:
    begun = {
        **{"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []},
        **{"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}},
    }
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "", "citations": None}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Let me see."}},
        {"type": "content_block_stop", "index": 0},
    ]
    for index, call in enumerate(asked, 1):
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        # No arguments come as one empty piece.
        text = json.dumps(call.arguments) if call.arguments else ""
        for piece in pieces(text, chance):
            delta = {"type": "input_json_delta", "partial_json": piece}
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    ended = {"stop_reason": "tool_use", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 9}})
    events.append({"type": "message_stop"})
    return [CLAUDE_EVENT.validate_python(event) for event in events]


def candidates(asked: list[Asked], chance: random.Random) -> Events:
    def chunk(parts: list[genai.Part], reason: genai.FinishReason | None = None) -> genai.GenerateContentResponse:
        content = genai.Content(role="model", parts=parts)
        candidate = genai.Candidate(content=content, finish_reason=reason, index=0)
        return genai.GenerateContentResponse(candidates=[candidate], model_version="m")

    calls = [genai.FunctionCall(id=call.id, name=call.name, args=call.arguments) for call in asked]
    return [
        chunk([genai.Part(text="Let me ")]),
        chunk([genai.Part(text="see.")]),
        *(chunk([genai.Part(function_call=call, thought_signature=b"sig")]) for call in calls),
        chunk([genai.Part(text="")], genai.FinishReason.STOP),
    ]


def paths(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The scalars in a value with their JSON paths."""
    if isinstance(value, dict):
        for key, inner in value.items():
            quoted = key.replace("\\", "\\\\").replace("'", "\\'")
            yield from paths(inner, f"{path}.{key}" if key.isidentifier() else f"{path}['{quoted}']")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, f"{path}[{index}]")
    else:
        yield path, value


def partial_candidates(asked: list[Asked], chance: random.Random) -> Events:
    """Calls whose arguments come value by value, texts in pieces."""

    def chunk(call: genai.FunctionCall | None, reason: genai.FinishReason | None = None) -> Any:
        content = genai.Content(role="model", parts=[genai.Part(function_call=call)] if call else [])
        candidate = genai.Candidate(content=content, finish_reason=reason, index=0)
        return genai.GenerateContentResponse(candidates=[candidate])

    events = []
    for call in asked:
        events.append(chunk(genai.FunctionCall(id=call.id, name=call.name, will_continue=True)))
        for path, value in paths(call.arguments, "$"):
            args: list[genai.PartialArg] = []
            if isinstance(value, str):
                parts = pieces(value, chance)
                for number, piece in enumerate(parts, 1):
                    more = number < len(parts)
                    args.append(genai.PartialArg(json_path=path, string_value=piece, will_continue=more))
            elif value is None:
                args.append(genai.PartialArg(json_path=path, null_value="NULL_VALUE"))
            elif isinstance(value, bool):
                args.append(genai.PartialArg(json_path=path, bool_value=value))
            else:
                args.append(genai.PartialArg(json_path=path, number_value=float(value)))
            events += [chunk(genai.FunctionCall(partial_args=[arg], will_continue=True)) for arg in args]
        events.append(chunk(genai.FunctionCall()))
    return [*events, chunk(None, genai.FinishReason.STOP)]


STREAMS: dict[str, tuple[str, Callable[[list[Asked], random.Random], Events]]] = {
    "openai": ("openai", chat),
    "openai-responses": ("openai-responses", responses),
    "openai-responses without output": ("openai-responses", functools.partial(responses, has_output=False)),
    "anthropic": ("anthropic", messages),
    "gemini": ("gemini", candidates),
    "gemini in pieces": ("gemini", partial_candidates),
    "mcp": ("mcp", lambda asked, _: request(asked)),
}


def written(event: Any) -> str:
    """An event as the API sends it."""
    if isinstance(event, genai.GenerateContentResponse):
        return event.model_dump_json(by_alias=True, exclude_none=True)
    return event.model_dump_json(exclude_unset=True, by_alias=True)


def assembled(dialect: str, chunks: list[Any]) -> Any:
    with ResponseStream(dialect) as stream:
        for chunk in chunks:
            stream.feed(chunk)
        return stream.response()


def calls_of(dialect: str, document: Any) -> list[Asked]:
    """The calls of an assembled document, as the vendor's type reads it."""
    match dialect:
        case "openai":
            whole = ChatCompletion.model_validate(document)
            assert whole.choices[0].message.content == "Let me see."
            calls = whole.choices[0].message.tool_calls or []
            return [Asked(call.id, call.function.name, json.loads(call.function.arguments)) for call in calls]
        case "openai-responses":
            whole = Response.model_validate(document)
            assert whole.output_text == "Let me see."
            calls = [one for one in whole.output if one.type == "function_call"]
            return [Asked(call.call_id, call.name, json.loads(call.arguments)) for call in calls]
        case "anthropic":
            whole = claude.Message.model_validate(document)
            assert whole.content[0].text == "Let me see." and whole.usage.output_tokens == 9
            return [Asked(block.id, block.name, block.input) for block in whole.content if block.type == "tool_use"]
        case "gemini":
            whole = genai.GenerateContentResponse.model_validate(document)
            return [Asked(call.id or "", call.name or "", call.args or {}) for call in whole.function_calls or []]
        case _:
            list_of = document if isinstance(document, list) else [document]
            return [Asked(one["id"], one["params"]["name"], one["params"]["arguments"]) for one in list_of]


def by_the_vendor(dialect: str, events: Events) -> list[Asked] | None:
    """The calls as the vendor's own package assembles them, where it has a part that does."""
    if dialect == "openai":
        state = ChatCompletionStreamState()
        for event in events:
            state.handle_chunk(event)
        return calls_of(dialect, state.get_final_completion().to_dict())
    if dialect == "anthropic":
        whole, texts = None, {}
        for event in events:
            whole = accumulate_event(event=event, current_snapshot=whole, json_bufs=texts)
        return calls_of(dialect, whole.to_dict())  # type: ignore[union-attr]
    return None


def streamed(name: str, label: str) -> None:
    """One stream in every form that hosts feed."""
    dialect, build = STREAMS[name]
    asked = CASES[label]
    chance = random.Random(f"{name} {label}")
    events = build(asked, chance)
    texts = [written(event) for event in events]
    sse = "".join(f"event: x\r\ndata: {text}\r\n\r\n" for text in texts).encode() + b"data: [DONE]\n\n"
    cut = [0, *sorted(chance.sample(range(len(sse)), min(60, len(sse)))), len(sse)]
    forms: dict[str, list[Any]] = {
        "objects": events,
        "bytes": [sse],
        "cut": [sse[start:end] for start, end in zip(cut, cut[1:])],
        "lines": [text + "\n" for text in texts],
        "array": ["[" + ",\n".join(texts) + "]"],
    }
    for form, chunks in forms.items():
        found = calls_of(dialect, assembled(dialect, chunks))
        assert found == asked, (form, found)
    theirs = by_the_vendor(dialect, events)
    assert theirs is None or theirs == asked


def handled(tools: SkillManager, name: str, label: str) -> None:
    """One stream, assembled and handled."""
    dialect, build = STREAMS[name]
    events = build(CASES[label], random.Random(label))
    judge(dialect, CASES[label], tools.handle_tool_calls(assembled(dialect, events), dialect))


def checks() -> Iterator[tuple[str, Callable[[], None]]]:
    """The checks of this room."""
    for name in STREAMS:
        for label in CASES:
            yield f"stream {name}: {label}", functools.partial(streamed, name, label)
    if can_run():
        tools = manager()
        for name in STREAMS:
            for label in ("three calls", "text of all kinds", "a tool that is not there"):
                yield f"stream {name}: {label}, handled", functools.partial(handled, tools, name, label)
