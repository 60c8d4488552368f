"""Responses built with the vendors' types, handled, and answered in the vendors' types."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic.types as claude
import mcp_types
import vendors
from cases import CASES, Asked, can_run, manager
from google.genai import types as genai
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
from openai.types.responses import Response

from skilllite import SkillManager

BASES = ["openai", "openai-responses", "anthropic", "gemini", "mcp"]


def chat(asked: list[Asked]) -> ChatCompletion:
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
        for call in asked
    ]
    message = {"role": "assistant", "content": "Let me see.", "refusal": None, "annotations": [], "tool_calls": calls}
    choice = {"index": 0, "finish_reason": "tool_calls", "logprobs": None, "message": message}
    return ChatCompletion.model_validate(
        {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}, strict=True
    )


def item(call: Asked, arguments: str | None = None, status: str = "completed") -> dict[str, Any]:
    text = json.dumps(call.arguments) if arguments is None else arguments
    return {
        "type": "function_call",
        "id": f"fc_{call.id}",
        "call_id": call.id,
        "name": call.name,
        "arguments": text,
        "status": status,
    }


def text_item() -> dict[str, Any]:
    part = {"type": "output_text", "text": "Let me see.", "annotations": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def response_document(output: list[Any], status: str = "completed") -> dict[str, Any]:
    return {
        **{
            "id": "resp_1",
            "object": "response",
            "created_at": 1.0,
            "model": "gpt-4o",
            "status": status,
            "output": output,
        },
        **{"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None, "incomplete_details": None},
    }


def response(asked: list[Asked]) -> Response:
    return Response.model_validate(response_document([text_item(), *map(item, asked)]))


def message(asked: list[Asked]) -> claude.Message:
    blocks: list[Any] = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "Let me see.", "citations": None},
        *({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in asked),
    ]
    return claude.Message.model_validate(
        {
            **{"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": blocks},
            **{"stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}},
        }
    )


def candidate(asked: list[Asked], ids: bool) -> genai.GenerateContentResponse:
    parts = [genai.Part(text="Let me see.", thought=True)]
    for number, call in enumerate(asked):
        function = genai.FunctionCall(id=call.id if ids else None, name=call.name, args=call.arguments)
        parts.append(genai.Part(function_call=function, thought_signature=b"s" if number == 0 else None))
    content = genai.Content(role="model", parts=parts)
    return genai.GenerateContentResponse(
        candidates=[genai.Candidate(content=content, finish_reason=genai.FinishReason.STOP, index=0)], model_version="m"
    )


def request(asked: list[Asked]) -> list[Any]:
    return [
        mcp_types.JSONRPCRequest(
            jsonrpc="2.0",
            id=call.id,
            method="tools/call",
            params=mcp_types.CallToolRequestParams(name=call.name, arguments=call.arguments).model_dump(
                mode="json", by_alias=True, exclude_none=True
            ),
        )
        for call in asked
    ]


def forms(dialect: str, asked: list[Asked]) -> dict[str, Any]:
    """The response as a vendor's object, as what its API sends, and as the part of it that hosts keep."""
    match dialect:
        case "openai":
            whole = chat(asked)
            return {"object": whole, "document": whole.to_dict(), "message": whole.choices[0].message}
        case "openai-responses":
            whole = response(asked)
            return {"object": whole, "document": whole.to_dict(), "items": whole.output}
        case "anthropic":
            whole = message(asked)
            return {"object": whole, "document": whole.to_dict(), "blocks": whole.content}
        case "gemini":
            whole = candidate(asked, ids=True)
            document = whole.model_dump(mode="json", by_alias=True, exclude_none=True)
            return {
                "object": whole,
                "document": document,
                "calls": whole.function_calls,
                "no ids": candidate(asked, ids=False),
            }
        case _:
            whole = request(asked)
            params = [mcp_types.CallToolRequestParams(name=call.name, arguments=call.arguments) for call in asked]
            return {"objects": whole, "params": params}


def answered(dialect: str, messages: list[Any]) -> list[tuple[str, Any, bool]]:
    """Each answer: the call's id, what it says, and whether it is an error."""

    def told(text: str) -> tuple[Any, bool]:
        is_error = text.startswith("Error")
        return (text if is_error else json.loads(text)), is_error

    match dialect:
        case "openai":
            return [(one["tool_call_id"], *told(one["content"])) for one in messages]
        case "openai-responses":
            return [(one["call_id"], *told(one["output"])) for one in messages]
        case "anthropic":
            [one] = messages
            return [(block["tool_use_id"], told_block(block), block["is_error"]) for block in one["content"]]
        case "gemini":
            [one] = messages
            responses = [part["functionResponse"] for part in one["parts"]]
            return [
                (answer.get("id", ""), *next((value, key == "error") for key, value in answer["response"].items()))
                for answer in responses
            ]
        case _:
            return [("", one.get("structuredContent", one["content"][0]["text"]), one["isError"]) for one in messages]


def told_block(block: Any) -> Any:
    return block["content"] if block["is_error"] else json.loads(block["content"])


def judge(dialect: str, asked: list[Asked], messages: list[Any], has_ids: bool = True) -> None:
    """The answers are of the vendor's types and say what each call was given."""
    for one in messages:
        vendors.answer(dialect, one)
    answers = answered(dialect, messages)
    assert len(answers) == len(asked)
    for call, (identity, told, is_error) in zip(asked, answers):
        assert identity == (call.id if has_ids and dialect != "mcp" else ""), (call, identity)
        if call.name == "echo":
            assert not is_error and told["output"] == call.arguments, (call, told)
        else:
            assert is_error and call.name in json.dumps(told), (call, told)


def handled(tools: SkillManager, dialect: str, asked: list[Asked], form: str, given: Any) -> None:
    """One response, handled."""
    messages = tools.handle_tool_calls(given, dialect)
    judge(dialect, asked, messages, has_ids=form != "no ids")
    if dialect == "openai":
        said = forms(dialect, asked)["object"].choices[0].message.to_dict()
        said.pop("annotations")
        vendors.adapter(list[ChatCompletionMessageParam]).validate_python([said, *messages])


def silent(tools: SkillManager) -> None:
    """Answers without calls, refusals and blocked prompts ask for nothing."""
    said = chat([])
    said.choices[0].message.tool_calls = None
    refused = said.model_copy(deep=True)
    refused.choices[0].message.refusal = "I cannot."
    refusal = {**text_item(), "content": [{"type": "refusal", "refusal": "I cannot."}]}
    blocked = genai.GenerateContentResponse(
        prompt_feedback=genai.GenerateContentResponsePromptFeedback(block_reason=genai.BlockedReason.SAFETY)
    )
    rows = [
        ("openai", said),
        ("openai", refused),
        ("openai-responses", response([])),
        ("openai-responses", Response.model_validate(response_document([refusal]))),
        ("anthropic", message([])),
        ("anthropic", message([]).model_copy(update={"stop_reason": "refusal", "content": []})),
        ("gemini", candidate([], ids=True)),
        ("gemini", blocked),
        ("mcp", [mcp_types.JSONRPCNotification(jsonrpc="2.0", method="notifications/initialized")]),
    ]
    for dialect, given in rows:
        assert tools.handle_tool_calls(given, dialect) == [], dialect


def bad_arguments(tools: SkillManager) -> None:
    """Arguments that are no JSON become an error answer."""
    call = CASES["one call"][0]
    whole = chat([call])
    whole.choices[0].message.tool_calls[0].function.arguments = '{"x": '  # type: ignore[index,union-attr]
    cut = Response.model_validate(response_document([item(call, '{"x": ', "incomplete")], "incomplete"))
    for dialect, given in [("openai", whole), ("openai-responses", cut)]:
        messages = tools.handle_tool_calls(given, dialect)
        vendors.answer(dialect, messages[0])
        [(identity, told, is_error)] = answered(dialect, messages)
        assert identity == call.id and is_error and "not valid JSON" in told


def checks() -> Iterator[tuple[str, Callable[[], None]]]:
    """The checks of this room."""
    if not can_run():
        print("skipped: no isolation on this host, so no calls are run")
        return
    tools = manager()
    for label, asked in CASES.items():
        for dialect in BASES:
            for form, given in forms(dialect, asked).items():
                yield f"{dialect}: {label}, as {form}", functools.partial(handled, tools, dialect, asked, form, given)
    yield "silence", functools.partial(silent, tools)
    yield "bad arguments", functools.partial(bad_arguments, tools)
