"""The vendors' SDKs for Python, each in a whole loop with real skills: the loop written by hand, the library's agent,
and the Python package's loop with the SDK's client and its asynchronous twin.

usage: python.py MOCK_FOLDER        (the node_modules of the mock are in there)
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
from google import genai
from google.genai import types

from skilllite import Agent, AgenticLoop, ResponseStream, SkillManager

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
MODEL = "mock-model"
MAX_ROUNDS = 4
EVENT_LOOP = asyncio.new_event_loop()

# What is asked, and what a model says that has read the right results.
QUESTIONS = {
    "How much is 81 times 5?": "It is 405.",
    "Do two at once.": "405 and cba.",
    "Use no such tool.": "I see.",
    "Please divide by zero.": "That cannot be.",
    "A good morning to you.": "Good morning.",
}

Plain = dict[str, Any]


class Vendor:
    """One SDK: how a request body is posted, whole and streamed, and where the text of an answer is."""

    dialect: str
    client: Any
    asynchronous: Any

    def post(self, body: Plain) -> Any:
        raise NotImplementedError

    def stream(self, body: Plain) -> Iterator[Any]:
        raise NotImplementedError

    def body(self, messages: list[Any], tools: Any) -> Plain:
        raise NotImplementedError

    def said(self, response: Any) -> tuple[list[Any], str]:
        """The messages that a response adds to the conversation, and its text."""
        raise NotImplementedError

    def question(self, text: str) -> Any:
        return {"role": "user", "content": text}


class Chat(Vendor):
    dialect = "openai"

    def __init__(self, url: str) -> None:
        self.client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
        self.asynchronous = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none")

    def post(self, body: Plain) -> Any:
        return self.client.chat.completions.create(**body)

    def stream(self, body: Plain) -> Iterator[Any]:
        yield from self.client.chat.completions.create(**{**body, "stream": True})

    def body(self, messages: list[Any], tools: Any) -> Plain:
        return {"model": MODEL, "messages": messages, "tools": tools}

    def said(self, response: Any) -> tuple[list[Any], str]:
        message = response["choices"][0]["message"]
        return [{key: value for key, value in message.items() if value is not None}], message.get("content") or ""


class Responses(Vendor):
    dialect = "openai-responses"

    def __init__(self, url: str) -> None:
        self.client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
        self.asynchronous = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none")

    def post(self, body: Plain) -> Any:
        return self.client.responses.create(**body)

    def stream(self, body: Plain) -> Iterator[Any]:
        yield from self.client.responses.create(**{**body, "stream": True})

    def body(self, messages: list[Any], tools: Any) -> Plain:
        return {"model": MODEL, "input": messages, "tools": tools}

    def said(self, response: Any) -> tuple[list[Any], str]:
        texts = [
            part.get("text", "")
            for item in response["output"]
            if item["type"] == "message"
            for part in item.get("content", [])
        ]
        return list(response["output"]), "".join(texts)


class Claude(Vendor):
    dialect = "anthropic"

    def __init__(self, url: str) -> None:
        self.client = anthropic.Anthropic(base_url=url, api_key="none")
        self.asynchronous = anthropic.AsyncAnthropic(base_url=url, api_key="none")

    def post(self, body: Plain) -> Any:
        return self.client.messages.create(**{"max_tokens": 100, **body})

    def stream(self, body: Plain) -> Iterator[Any]:
        yield from self.client.messages.create(**{"max_tokens": 100, **body, "stream": True})

    def body(self, messages: list[Any], tools: Any) -> Plain:
        return {"model": MODEL, "max_tokens": 100, "messages": messages, "tools": tools}

    def said(self, response: Any) -> tuple[list[Any], str]:
        texts = [block["text"] for block in response["content"] if block["type"] == "text"]
        return [{"role": "assistant", "content": response["content"]}], "".join(texts)


class Gemini(Vendor):
    dialect = "gemini"

    def __init__(self, url: str) -> None:
        options = types.HttpOptions(base_url=url, api_version="v1beta")
        self.client = genai.Client(api_key="none", http_options=options)
        self.asynchronous = self.client.aio

    def arguments(self, body: Plain) -> Plain:
        config = {"tools": body.get("tools"), "system_instruction": body.get("systemInstruction")}
        config["tool_config"] = body.get("toolConfig")
        config["automatic_function_calling"] = {"disable": True}
        config = {key: value for key, value in config.items() if value is not None}
        return {"model": body.get("model", MODEL), "contents": body["contents"], "config": config}

    def post(self, body: Plain) -> Any:
        return self.client.models.generate_content(**self.arguments(body))

    def stream(self, body: Plain) -> Iterator[Any]:
        yield from self.client.models.generate_content_stream(**self.arguments(body))

    def body(self, messages: list[Any], tools: Any) -> Plain:
        return {"contents": messages, "tools": tools}

    def said(self, response: Any) -> tuple[list[Any], str]:
        content = response["candidates"][0]["content"]
        return [content], "".join(part.get("text") or "" for part in content["parts"])

    def question(self, text: str) -> Any:
        return {"role": "user", "parts": [{"text": text}]}


def document(response: Any) -> Plain:
    """An SDK's object as the vendor's JSON."""
    options = {"by_alias": True} if hasattr(response, "candidates") else {}
    plain: Plain = json.loads(response.model_dump_json(exclude_none=True, **options))
    return plain


def by_hand(manager: SkillManager, vendor: Vendor, question: str, is_streamed: bool) -> str:
    tools, messages = manager.get_tools(vendor.dialect), [vendor.question(question)]
    for _ in range(MAX_ROUNDS):
        body = vendor.body(messages, tools)
        if is_streamed:
            with ResponseStream(vendor.dialect) as stream:
                for event in vendor.stream(body):
                    stream.feed(event)
                response = stream.response()
        else:
            response = document(vendor.post(body))
        said, text = vendor.said(response)
        answers = manager.handle_tool_calls(response, vendor.dialect)
        if not answers:
            return text
        messages += [*said, *answers]
    return "no end"


def by_agent(manager: SkillManager, vendor: Vendor, question: str, is_streamed: bool) -> str:
    with Agent(manager, dialect=vendor.dialect, model=MODEL, system="Be brief.") as agent:
        agent.ask(question)
        for _ in range(4 * MAX_ROUNDS):
            step = agent.next()
            if step["step"] != "request":
                return str(step.get("text", step))
            if is_streamed:
                for event in vendor.stream(step["body"]):
                    agent.feed(event, end=False)
                agent.feed()
            else:
                agent.feed(document(vendor.post(step["body"])))
    return "no end"


def by_loop(manager: SkillManager, vendor: Vendor, question: str, is_streamed: bool) -> str:
    config: Plain = {"dialect": vendor.dialect, "system": "Be brief.", "stream": is_streamed}
    with AgenticLoop(manager, vendor.client, MODEL, **config) as loop:
        return str(loop.run(question))


def by_asyncio(manager: SkillManager, vendor: Vendor, question: str, is_streamed: bool) -> str:
    config: Plain = {"dialect": vendor.dialect, "system": "Be brief.", "stream": is_streamed}
    with AgenticLoop(manager, vendor.asynchronous, MODEL, **config) as loop:
        # One event loop for all: the clients keep their connections in it.
        return str(EVENT_LOOP.run_until_complete(loop.arun(question)))


def main() -> int:
    passed = failed = 0
    script = [*("node", str(HERE / "mock.mjs")), sys.argv[1]]
    with subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as mock:
        assert mock.stdout is not None
        url = mock.stdout.readline().strip()
        ways: list[Callable[[SkillManager, Vendor, str, bool], str]] = [by_hand, by_agent, by_loop, by_asyncio]
        with SkillManager(ROOT / "skills") as manager:
            for vendor in (Chat(url), Responses(url), Claude(url), Gemini(url)):
                for way in ways:
                    for is_streamed in (False, True):
                        for question, expected in QUESTIONS.items():
                            name = f"{vendor.dialect} {way.__name__}{' streamed' * is_streamed}: {question}"
                            try:
                                answer = way(manager, vendor, question, is_streamed)
                            except Exception as error:  # noqa: BLE001 - every row is to be told
                                answer = f"{type(error).__name__}: {error}"
                            if answer == expected:
                                passed += 1
                            else:
                                failed += 1
                                print(f"FAILED {name}: {answer}")
        assert mock.stdin is not None
        mock.stdin.close()
    print(f"tests/e2e/python: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
