"""A model for one question, on 127.0.0.1: it asks for the calculator and reads the result. Prints its address.

usage: model.py stream|whole|error
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOW = sys.argv[1]
ARGUMENTS = json.dumps({"operation": "multiply", "a": 15, "b": 27})


def say(body):
    """What the model says to a request: its words, or the arguments of a call."""
    last = body["messages"][-1]
    if last["role"] == "user":
        assert "15 times 27" in last["content"] and body["model"] == "test-model"
        assert [tool["function"]["name"] for tool in body["tools"] if tool["function"]["name"] == "calculator"]
        return None, ARGUMENTS
    assert last["role"] == "tool" and last["tool_call_id"] == "call_1"
    if "did not allow" in last["content"]:
        return "You did not allow it.", None
    return f"It is {json.loads(last['content'])['output']['result']} – 就是这样.", None


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if HOW == "error":
            return self.answer(429, "application/json", [json.dumps({"error": {"message": "quota exceeded for today"}}).encode()])
        assert self.path == "/v1/chat/completions" and self.headers["Authorization"] == "Bearer test-key"
        words, arguments = say(body)
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "calculator", "arguments": arguments}}
        reason = "tool_calls" if arguments else "stop"
        if HOW == "whole":
            message = {"role": "assistant", "content": words, **({"tool_calls": [call]} if arguments else {})}
            return self.answer(200, "application/json", [json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": reason}]}).encode()])
        assert body["stream"] is True
        deltas = [{"tool_calls": [call]}] if arguments else [{"content": word} for word in words.split(" ")]
        deltas = [{"content": delta["content"] + (" " if number + 1 < len(deltas) else "")} if "content" in delta else delta for number, delta in enumerate(deltas)]
        events = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        data = b"".join(b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
        # In pieces that respect neither events nor characters.
        return self.answer(200, "text/event-stream", [data[start : start + 11] for start in range(0, len(data), 11)])

    def answer(self, status, kind, pieces):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in [*pieces, b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
server.serve_forever()
