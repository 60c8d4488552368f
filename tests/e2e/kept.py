"""What a model sends beside its calls comes back to it as it was: reasoning and its signatures, by the vendor's names and
without nulls that it did not send. Each SDK in the loop of the Python package, with a server that keeps what it is asked.

usage: kept.py
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import anthropic
import openai
from google import genai
from google.genai import types

from skilllite import AgenticLoop, SkillManager

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = {"operation": "multiply", "a": 81, "b": 5}

Plain = dict[str, Any]

# What each vendor's model says first, and the part of it that must come back.
CHAT_MESSAGE = {
    "role": "assistant",
    "content": "Let me see.",
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "calculator", "arguments": json.dumps(ARGUMENTS)}}
    ],
}
RESPONSES_ITEMS = [
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAABo"},
    {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "c1",
        "name": "calculator",
        "arguments": json.dumps(ARGUMENTS),
    },
]
CLAUDE_BLOCKS = [
    {"type": "thinking", "thinking": "Multiply.", "signature": "EqQBCgIYAhIM"},
    {"type": "tool_use", "id": "c1", "name": "calculator", "input": ARGUMENTS},
]
# The signature has a byte that base64 and its variant for addresses spell differently.
GEMINI_CONTENT = {
    "role": "model",
    "parts": [{"functionCall": {"name": "calculator", "args": ARGUMENTS}, "thoughtSignature": "AAEC/w=="}],
}
SAID = {
    "/v1/chat/completions": {
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": CHAT_MESSAGE, "finish_reason": "tool_calls"}],
    },
    "/v1/responses": {
        "id": "x", "object": "response", "created_at": 1, "model": "m", "status": "completed",
        "output": RESPONSES_ITEMS, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    },
    "/v1/messages": {
        "id": "x", "type": "message", "role": "assistant", "model": "m", "content": CLAUDE_BLOCKS,
        "stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "/v1beta/models/m:generateContent": {
        "candidates": [{"content": GEMINI_CONTENT, "finishReason": "STOP", "index": 0}],
    },
}  # fmt: skip


class Keeper(BaseHTTPRequestHandler):
    """Says the same to everybody, and keeps what it was asked."""

    kept: ClassVar[list[Plain]] = []

    def do_POST(self) -> None:
        self.kept.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        body = json.dumps(SAID[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def same(value: Any) -> Any:
    """A text that stands for a value, where both alphabets of base64 are one."""
    return json.dumps(value, sort_keys=True).replace("-", "+").replace("_", "/")


def main() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    google = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=url, api_version="v1beta"))
    given: list[tuple[str, Any, Any, str, Any]] = [
        (
            "openai",
            openai.OpenAI(base_url=f"{url}/v1", api_key="none"),
            openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none"),
            "messages",
            [CHAT_MESSAGE],
        ),
        (
            "openai-responses",
            openai.OpenAI(base_url=f"{url}/v1", api_key="none"),
            openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none"),
            "input",
            RESPONSES_ITEMS,
        ),
        (
            "anthropic",
            anthropic.Anthropic(base_url=url, api_key="none"),
            anthropic.AsyncAnthropic(base_url=url, api_key="none"),
            "messages",
            [{"role": "assistant", "content": CLAUDE_BLOCKS}],
        ),
        ("gemini", google, google.aio, "contents", [GEMINI_CONTENT]),
    ]
    passed = failed = 0
    with SkillManager(ROOT / "skills") as manager:
        for dialect, client, asynchronous, key, expected in given:
            for one, is_async in ((client, False), (asynchronous, True)):
                Keeper.kept.clear()
                with AgenticLoop(manager, one, "m", dialect=dialect, max_iterations=2, context=False) as loop:
                    asyncio.run(loop.arun("How much?")) if is_async else loop.run("How much?")
                first, second = Keeper.kept
                back = second[key][len(first[key]) : len(first[key]) + len(expected)]
                if same(back) == same(expected):
                    passed += 1
                else:
                    failed += 1
                    print(f"FAILED {dialect}{' asynchronous' * is_async}: {json.dumps(back)}")
    server.shutdown()
    print(f"tests/e2e/kept: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
