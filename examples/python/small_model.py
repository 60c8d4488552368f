#!/usr/bin/env python3
"""A real model of 135 million parameters calls a skill, and says what came out: all on this machine.

usage: small_model.py --server LLAMA_SERVER --model GGUF --template JINJA [QUESTION...]        (scripts/demo-llm does)

A model this small does not call a tool by itself. So the first request goes to a server whose template holds it to the
tools' schemas, and the second, with the result, to one with the model's own template. What it says is its own: it may
well be wrong, and is shown as it is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from endpoint import HttpClient
from settings import ROOT

from skilllite import Agent, SkillManager

QUESTIONS = ("Multiply 15 by 27.", "Subtract 3 from 10.", "What is 15 times 27?")
TOOLS = ["calculator", "text-processor"]
# One that calls, one that answers.
REQUESTS = 2
READY_S = 120


def main() -> int:
    parser = argparse.ArgumentParser(description="A small model calls a skill")
    for name in ("server", "model", "template"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("question", nargs="*")
    options = parser.parse_args()
    # The servers end with this program, also where it is asked to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    with (
        serve(options.server, options.model, "--chat-template-file", str(options.template)) as caller,
        serve(options.server, options.model) as speaker,
        SkillManager(ROOT / "skills") as manager,
    ):
        print(f"{options.model.stem} is ready after {time.monotonic() - began:.1f} s, on 127.0.0.1\n", flush=True)
        outcomes = [ask(question, caller, speaker, manager) for question in options.question or QUESTIONS]
    print(f"In {sum(outcomes)} of {len(outcomes)} turns what the model asked for was run, in the sandbox.")
    print("A model this small often asks for the wrong thing, or answers wrongly; all is shown as it came.")
    return 0 if any(outcomes) else 1


def ask(question: str, caller: HttpClient, speaker: HttpClient, manager: SkillManager) -> bool:
    """One question, and whether a call of the model was run."""
    has_run = False
    print(f"you      {question}")
    with Agent(
        manager,
        dialect="openai",
        model="SmolLM2-135M-Instruct",
        tools=TOOLS,
        context=False,
        request={"temperature": 0, "max_tokens": 128},
        limits={"iterations": REQUESTS},
    ) as agent:
        agent.ask(question)
        while (step := agent.next())["step"] == "request":
            body, client = step["body"], caller
            if step["iteration"] == 1:
                body = {**body, "tool_choice": "required"}
            else:
                has_run = has_run or show(agent)
                body, client = without_tools(body), speaker
            began = time.monotonic()
            agent.feed(client.chat.completions.create(**body))
            print(f"         ({time.monotonic() - began:.1f} s of the model)", flush=True)
        print(f"model    {step.get('text') or step}\n", flush=True)
    return has_run


def without_tools(body: dict[str, Any]) -> dict[str, Any]:
    """The request for the answer: the model's own template knows no tools, and what surrounds an output confuses it."""
    messages = [dict(message) for message in body["messages"]]
    for message in messages:
        with contextlib.suppress(ValueError, KeyError):  # an error is told in words
            if message["role"] == "tool":
                message["content"] = json.dumps(json.loads(message["content"])["output"])
    return {**{key: value for key, value in body.items() if key not in ("tools", "tool_choice")}, "messages": messages}


def show(agent: Agent) -> bool:
    """Shows what the model called and what came of it. Whether something was run."""
    has_run = False
    for event in agent.events():
        if event["event"] == "call_started":
            print(f"model    calls {event['tool']} {json.dumps(event['arguments'])}")
        elif event["event"] == "call_finished":
            has_run = has_run or event["status"] == "ok"
            took = f", {event['usage']['wall_ms']:.0f} ms" if event.get("usage") else ""
            print(f"skill    {event['status']}{took}: {agent.transcript()[-1]['content']}")
    return has_run


@contextlib.contextmanager
def serve(server: Path, model: Path, *options: str) -> Iterator[HttpClient]:
    """llama.cpp's server on a free port, from the time that it answers until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    # One thread: several wait for each other by spinning, which on a busy machine takes ten times as long.
    command = [server, "-m", model, "--host", "127.0.0.1", "--port", str(port), "--jinja", "-c", "4096", "-t", "1"]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [*map(str, command), "--no-webui", *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as process,
    ):
        try:
            deadline = time.monotonic() + READY_S
            while not is_ready(address):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise SystemExit(f"{server} did not start:\n{log.read()[-2000:]}")
                time.sleep(0.05)
            yield HttpClient(f"{address}/v1", proxies={})
        finally:
            process.terminate()


def is_ready(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError), opener.open(f"{address}/health", timeout=5) as response:
        return bool(response.status == 200)
    return False


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
