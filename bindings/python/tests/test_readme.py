"""The README's programs run as they are written."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import MULTIPLY, PROJECT, ROOT
from test_agent import answer, calls

from skilllite import AgenticLoop, ResponseStream, SkillManager

PROGRAMS = re.findall(r"^```python\n(.*?)^```$", (PROJECT / "README.md").read_text("utf-8"), re.S | re.M)
RESPONSE = calls(("c1", "calculator", MULTIPLY))
TABLE = "city,visitors\nParis,120\n"


class Model:
    """A vendor that asks for the calculator and then has an answer, behind an SDK and behind HTTP."""

    def __init__(self) -> None:
        self._says = iter([RESPONSE, answer("It is 405.")])
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=lambda **_body: next(self._says)))

    def post(self, _url: str, **_options: Any) -> Any:
        return SimpleNamespace(content=json.dumps(next(self._says)).encode())


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.strip().splitlines()[0] for program in PROGRAMS])
def test_a_program(
    manager: SkillManager, program: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    [choice] = RESPONSE["choices"]
    delta = {**choice["message"], "tool_calls": [{**call, "index": 0} for call in choice["message"]["tool_calls"]]}
    given = {
        "manager": manager,
        "response": RESPONSE,
        "table": TABLE,
        "loop": SimpleNamespace(add_reader=lambda *_given: None),
        "on_end": print,
        "openai": SimpleNamespace(OpenAI=Model),
        "requests": Model(),
        "BASE_URL": "",
        "HEADERS": {},
        "body": [{"choices": [{"index": 0, "delta": delta, "finish_reason": "tool_calls"}]}],
        "create_agent": lambda _model, tools: print([tool.name for tool in tools]),
        "AgenticLoop": AgenticLoop,
        "ResponseStream": ResponseStream,
        "SkillManager": SkillManager,
    }
    if "langchain" in program:
        pytest.importorskip("langchain_core", reason="langchain-core is not installed")
    code = compile(program, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if asyncio.iscoroutine(running := eval(code, given)):
        asyncio.run(running)
    said = capsys.readouterr().out
    if "print(" in program:
        assert re.search(r"405|calculator", said), said
    if "messages" in given:
        assert "405" in str(given["messages"])


def test_the_quick_start_is_short() -> None:
    assert len(PROGRAMS[0].strip().splitlines()) <= 15
