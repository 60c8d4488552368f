"""The agent loop with a vendor's SDK: asks the model, runs the tools, until there is an answer."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Callable, Optional, Union

from . import errors
from ._asyncio import readable
from .agent import Agent, Event, Step
from .client import dialect_of, poster
from .manager import SkillManager

# How often a loop looks for output to tell of, while calls run, in seconds.
_PROGRESS_INTERVAL = 0.1

# Whether a call may run: True or False, or a text, which is the reason why not.
Verdict = Union[bool, str]


@dataclass(frozen=True)
class Answer:
    """How a turn ended: with the model's words, or stopped."""

    text: str
    # What stopped the turn ("iterations", "tool_output", "wall", "cancelled", "refused"); None for an answer.
    stopped: Optional[str]
    # How often the model was asked.
    iterations: int

    @property
    def ok(self) -> bool:
        """Whether the model has answered."""
        return self.stopped is None

    def __str__(self) -> str:
        return self.text


class AgenticLoop:
    """A conversation with a model that has the manager's tools.

        loop = AgenticLoop(manager, openai.OpenAI(), "gpt-5-mini", system="Be brief.")
        print(loop.run("What is 15 times 27?"))

    `client` is the vendor's SDK: `openai.OpenAI` or anything of its shape (`client.chat.completions.create`),
    `anthropic.Anthropic`, `google.genai.Client`; their asynchronous twins for `arun`. A function that takes a request's
    members will do too, with its `dialect`. `dialect` also says which API of the client is meant where it is not its
    first one ("openai-responses"). `approve` is asked about every call, with a dict of `call_id`, `tool`, `skill` and
    `arguments`; it may be a coroutine function for `arun`. `on_event` is told what happens, see docs/agent.md#events.
    Other keyword arguments are those of the agent's config (docs/agent.md#config): `system`, `stream`, `limits`,
    `request`, …

    One turn at a time. Use it as a context manager, or `close` it: that ends what runs.
    """

    def __init__(
        self,
        manager: SkillManager,
        client: Any,
        model: str,
        *,
        dialect: Optional[str] = None,
        max_iterations: Optional[int] = None,
        approve: Optional[Callable[[Mapping[str, Any]], Any]] = None,
        on_event: Optional[Callable[[Event], object]] = None,
        **config: Any,
    ) -> None:
        dialect = dialect or dialect_of(client)
        self._post = poster(client, dialect, model)
        self._approve = approve
        self._on_event = on_event
        if max_iterations is not None:
            config["limits"] = {**config.get("limits", {}), "iterations": max_iterations}
        if approve is not None:
            config.setdefault("approval", "ask")
        self.agent = Agent(manager, dialect=dialect, model=model, **config)

    def run(self, words: str = "", messages: Optional[Sequence[Any]] = None) -> Answer:
        """Asks, and goes on until there is an answer. What the client raises ends the turn and is raised here.

        `messages`, in the dialect's shape (images, what went before), come before the words.
        """
        with self._turn(words, messages):
            while True:
                step = self.agent.next(_PROGRESS_INTERVAL if self._on_event else None)
                self._tell()
                if step["step"] == "request":
                    response = self._post(step)
                    if inspect.isawaitable(response):
                        _close(response)
                        raise TypeError("the client is asynchronous: arun is for it")
                    with _until_cancelled():
                        self._read(response, step["is_streamed"])
                elif step["step"] == "approval":
                    with _until_cancelled():
                        for call in step["calls"]:
                            self._decide(call, self._asked(call))
                elif (answer := _answer(step)) is not None:
                    return answer

    async def arun(self, words: str = "", messages: Optional[Sequence[Any]] = None) -> Answer:
        """`run` with an asynchronous client. Cancelling the task ends the turn and its calls."""
        with self._turn(words, messages):
            while True:
                step = self.agent.next(0)
                self._tell()
                if step["step"] == "request":
                    response = self._post(step)
                    if not inspect.isawaitable(response):
                        raise TypeError("the client is not asynchronous: run is for it")
                    response = await response
                    with _until_cancelled():
                        await self._aread(response, step["is_streamed"])
                elif step["step"] == "approval":
                    with _until_cancelled():
                        for call in step["calls"]:
                            verdict = self._asked(call)
                            self._decide(call, await verdict if inspect.isawaitable(verdict) else verdict)
                elif (answer := _answer(step)) is not None:
                    return answer
                else:
                    await readable(self.agent.fileno())

    def transcript(self) -> list[Any]:
        """The conversation so far; another loop takes it up as its `messages`."""
        return self.agent.transcript()

    def cancel(self) -> None:
        """Ends the turn, from any thread; `run` gives an answer that says so, once the client gives its response."""
        self.agent.cancel()

    def close(self) -> None:
        """Ends the turn and releases the agent. May be repeated."""
        self.agent.close()

    def __enter__(self) -> AgenticLoop:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _turn(self, words: str, messages: Optional[Sequence[Any]]) -> Iterator[None]:
        self.agent.ask(words, messages)
        try:
            yield
        except BaseException:
            # The next question begins anew, and nothing runs that nobody waits for.
            with contextlib.suppress(errors.SkillLiteError):
                self.agent.cancel()
                self.agent.next(0)
                self._tell()
            raise
        self._tell()

    def _read(self, response: Any, is_streamed: bool) -> None:
        if not is_streamed:
            self.agent.feed(response)
            return
        try:
            for event in response:
                self._take(event)
        finally:
            _close(response)
        self.agent.feed()

    async def _aread(self, response: Any, is_streamed: bool) -> None:
        if not is_streamed:
            self.agent.feed(response)
            return
        try:
            async for event in response:
                self._take(event)
        finally:
            if inspect.isawaitable(closed := _close(response)):
                await closed
        self.agent.feed()

    def _take(self, event: Any) -> None:
        self.agent.feed(event, end=False)
        self._tell()

    def _tell(self) -> None:
        if self._on_event:
            for event in self.agent.events():
                self._on_event(event)

    def _asked(self, call: Mapping[str, Any]) -> Any:
        # A rule of the config may ask although nobody was named who answers.
        return self._approve(call) if self._approve else "nobody is there to allow it"

    def _decide(self, call: Mapping[str, Any], verdict: Verdict) -> None:
        reason = verdict if isinstance(verdict, str) else ""
        self.agent.approve(call["call_id"], verdict is True, reason)


def _until_cancelled() -> contextlib.AbstractContextManager[None]:
    """Leaves what a turn does that is cancelled meanwhile; the next step says so."""
    return contextlib.suppress(errors.OutOfTurnError)


def _answer(step: Step) -> Optional[Answer]:
    if step["step"] not in ("answer", "stopped"):
        return None
    return Answer(step.get("text") or "", step.get("reason"), step["iterations"])


def _close(response: Any) -> Any:
    """Ends a stream that may not have been read to its end, or a coroutine."""
    for name in ("aclose", "close"):
        if callable(close := getattr(response, name, None)):
            return close()
    return None
