#!/usr/bin/env python3
"""A mock, not a model: a scripted server that speaks OpenAI's Chat Completions on 127.0.0.1.

It lets the demos run where no model is configured. It understands two kinds of questions, by pattern, and asks for a
tool where a model would. What it says last is read from the tool's answer, so it is right only if a skill was run.

    python3 mock_model.py       prints the address and serves until it is interrupted
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional

NAME = "scripted-mock"
HINT = 'I am a scripted mock. Ask me "What is 15 times 27?" or "Reverse \'desserts\'.", or set BASE_URL to ask a model.'

_OPERATIONS = {"times": "multiply", "plus": "add", "minus": "subtract", "divided by": "divide"}
_SUM = re.compile(r"(-?\d+(?:\.\d+)?) +(times|plus|minus|divided by) +(-?\d+(?:\.\d+)?)")
_TEXT = re.compile(r"\b(reverse|count|upper|lower)\b.*?[\"'](.+)[\"']", re.IGNORECASE)


def serve() -> ThreadingHTTPServer:
    """A server on a free port that is not serving yet."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    server.daemon_threads = True
    return server


def address(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}/v1"


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Serves beside the program, and gives the base URL."""
    with serve() as server:
        thread = threading.Thread(target=server.serve_forever, name=NAME)
        thread.start()
        try:
            yield address(server)
        finally:
            server.shutdown()
            thread.join()


def reply(body: dict[str, Any]) -> dict[str, Any]:
    """The message that answers a conversation: a call of a tool, or words."""
    messages = body["messages"]
    told: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        told.insert(0, _gist(message["content"]))
    if told:
        return {"role": "assistant", "content": f"The tool says: {'; '.join(told)}."}
    asked = next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")
    call = _call(asked if isinstance(asked, str) else json.dumps(asked))
    offered = {tool["function"]["name"] for tool in body.get("tools", ())}
    if call is None or call["name"] not in offered or body.get("tool_choice") == "none":
        return {"role": "assistant", "content": HINT}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": f"call_{len(messages)}", "type": "function", "function": call}],
    }


def _call(question: str) -> Optional[dict[str, str]]:
    if found := _SUM.search(question):
        a, operation, b = found.groups()
        a, b = (float(number) if "." in number else int(number) for number in (a, b))
        arguments: dict[str, Any] = {"operation": _OPERATIONS[operation], "a": a, "b": b}
        return {"name": "calculator", "arguments": json.dumps(arguments)}
    if found := _TEXT.search(question):
        arguments = {"operation": found[1].lower(), "text": found[2]}
        return {"name": "text-processor", "arguments": json.dumps(arguments)}
    return None


def _gist(content: str) -> str:
    """What matters in the answer to a call; the whole answer where nothing is known about it."""
    try:
        output = json.loads(content)["output"]
        return next(json.dumps(output[key]) for key in ("result", "processed", "statistics", "error") if key in output)
    except (ValueError, KeyError, TypeError, StopIteration):
        return content


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            message = reply(body)
        except (ValueError, KeyError, TypeError) as error:
            return self._send(400, "application/json", {"error": {"message": f"no chat completion request: {error!r}"}})
        if self.path.partition("?")[0] != "/v1/chat/completions":
            return self._send(404, "application/json", {"error": {"message": f"{self.path} is not here"}})
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        about: dict[str, Any] = {"id": "chatcmpl-mock", "created": 0, "model": NAME}
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": finish}
            return self._send(200, "application/json", {**about, "object": "chat.completion", "choices": [choice]})
        about["object"] = "chat.completion.chunk"
        deltas = [*((piece, None) for piece in _pieces(message)), ({}, finish)]
        choices = [{"index": 0, "delta": delta, "finish_reason": end} for delta, end in deltas]
        return self._send(200, "text/event-stream", *({**about, "choices": [choice]} for choice in choices))

    def _send(self, status: int, kind: str, *documents: dict[str, Any]) -> None:
        texts = [json.dumps(document) for document in documents]
        if kind == "text/event-stream":
            texts = [f"data: {text}\n\n" for text in [*texts, "[DONE]"]]
        data = "".join(texts).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


def _pieces(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A message as the deltas of a stream: a word each, or a call with its arguments in two halves."""
    for index, call in enumerate(message.get("tool_calls", ())):
        function, half = call["function"], len(call["function"]["arguments"]) // 2
        first = {**call, "index": index, "function": {**function, "arguments": function["arguments"][:half]}}
        yield {"role": "assistant", "tool_calls": [first]}
        yield {"tool_calls": [{"index": index, "function": {"arguments": function["arguments"][half:]}}]}
    for word in re.findall(r"\S+\s*", message["content"] or ""):
        yield {"content": word}


if __name__ == "__main__":
    with serve() as mock, contextlib.suppress(KeyboardInterrupt):
        print(address(mock), flush=True)
        mock.serve_forever()
