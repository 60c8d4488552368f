#!/usr/bin/env python3
"""A chat with skills: the library's loop, answers as they come, progress, and a person who may say no.

python3 simple_demo_v2.py [--ask] [QUESTION...]

Questions are asked one after the other, in one conversation. Without any, they are typed until the input ends.
--ask asks the person before each call.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Union

from endpoint import connect
from settings import Settings

from skilllite import AgenticLoop, SkillManager


def main() -> int:
    parser = argparse.ArgumentParser(description="A chat with skills")
    parser.add_argument("--ask", action="store_true", help="ask before each call")
    parser.add_argument("question", nargs="*")
    options = parser.parse_args()
    settings = Settings.read()
    with (
        connect(settings) as model,
        SkillManager(settings.skills_dir, policy=settings.policy) as manager,
        AgenticLoop(
            manager,
            model.client,
            model.name,
            system="Answer briefly. Use the tools for what they are there for.",
            stream=True,
            max_iterations=8,
            approve=approve if options.ask else None,
            on_event=show,
        ) as loop,
    ):
        is_good = True
        for question in options.question or typed():
            print(f"> {question}")
            answer = loop.run(question)
            print(f"\n[stopped: {answer.stopped}]\n" if answer.stopped else "\n")
            is_good = is_good and answer.ok
    return 0 if is_good else 1


def typed() -> Iterator[str]:
    """What the person types, until the end of the input."""
    if not sys.stdin.isatty():
        yield from (line.strip() for line in sys.stdin if line.strip())
        return
    print("Type a question; Ctrl-D ends.")
    while True:
        try:
            question = input("? ").strip()
        except EOFError:
            return
        if question:
            yield question


def approve(call: Mapping[str, Any]) -> Union[bool, str]:
    """Yes, or the reason that the model reads."""
    try:
        said = input(f"  {call['tool']} {json.dumps(call['arguments'])}: run it? [y/N] ").strip()
    except EOFError:
        said = ""
    return said.lower() in ("y", "yes") or "the person said no"


def show(event: Mapping[str, Any]) -> None:
    """Progress as it happens; docs/agent.md#events lists all of it."""
    kind = event["event"]
    if kind == "answer_delta":
        print(event["text"], end="", flush=True)
    elif kind == "call_started":
        print(f"  {event['tool']} {json.dumps(event['arguments'], ensure_ascii=False)} …", flush=True)
    elif kind == "call_finished":
        usage = event.get("usage") or {}
        took = f", {usage['wall_ms']:.0f} ms" if "wall_ms" in usage else ""
        print(f"  {event['tool']}: {event['status']}{took}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
