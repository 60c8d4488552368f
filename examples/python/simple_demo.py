#!/usr/bin/env python3
"""An agent whose loop is written out: the tools go to the model, its calls run in the sandbox, the results go back.

python3 simple_demo.py [QUESTION]
"""

from __future__ import annotations

import sys
from typing import Any

from endpoint import Model, connect, plain
from settings import Settings

from skilllite import SkillManager

# How often the model is asked for one question.
MAX_ROUNDS = 8


def main() -> int:
    settings = Settings.read()
    question = " ".join(sys.argv[1:]) or "What is 15 times 27?"
    with connect(settings) as model, SkillManager(settings.skills_dir, policy=settings.policy) as manager:
        return 0 if converse(model, manager, question) else 1


def converse(model: Model, manager: SkillManager, question: str) -> bool:
    """Asks until the model calls no tool. Whether it came to an answer."""
    # 1. What the model may call.
    tools = manager.get_tools()
    print(f"skills:  {', '.join(skill.name for skill in manager.skills)}")
    print(f"tools:   {', '.join(tool['function']['name'] for tool in tools)}")
    print(f"you:     {question}")

    messages: list[dict[str, Any]] = [{"role": "user", "content": question}]
    for _ in range(MAX_ROUNDS):
        # 2. The request is yours: any client, any endpoint.
        response = plain(model.client.chat.completions.create(model=model.name, messages=messages, tools=tools))
        message = response["choices"][0]["message"]

        # 3. All calls of the response, in parallel, each in a sandbox of its own.
        answers = manager.handle_tool_calls(response)
        if not answers:
            print(f"model:   {message.get('content') or ''}")
            return True
        for call, answer in zip(message["tool_calls"], answers):
            print(f"call:    {call['function']['name']} {call['function']['arguments']}")
            print(f"result:  {answer['content']}")

        # 4. The model reads the results, and goes on.
        messages += [message, *answers]
    print(f"model:   no answer after {MAX_ROUNDS} requests")
    return False


if __name__ == "__main__":
    sys.exit(main())
