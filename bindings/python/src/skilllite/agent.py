"""The loop between a model and the tools, for any HTTP client."""

from __future__ import annotations

import contextlib
import json
import math
import select
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Optional, Union

from . import _ffi, _handles, _library, errors
from .manager import SkillManager, plain

Step = dict[str, Any]
Event = dict[str, Any]

# The longest wait that poll(2) takes, in milliseconds; about 24 days.
_LONGEST_POLL_MS = 2**31 - 1


class Agent:
    """A conversation with a model, and the calls that it asks for. It opens no connection of its own:

    with Agent(manager, dialect="openai", model="gpt-5-mini") as agent:
        agent.ask("What is 15 times 27?")
        while (step := agent.next())["step"] == "request":
            agent.feed(requests.post(BASE_URL + step["path"], json=step["body"], headers=HEADERS).content)
        print(step["text"])

    docs/agent.md has the config (keyword arguments here), the steps and the events. Every method may be used from any
    thread. Use it as a context manager, or `close` it: that ends what runs. `fileno` makes it fit for `select` and
    `loop.add_reader`: readable means that `next(0)` has something to do.
    """

    def __init__(self, manager: SkillManager, **config: Any) -> None:
        functions = _library.functions()
        with manager._handle as engine:
            self._handle = _handles.new(
                _ffi.skl_agent,
                functions.skl_agent_free,
                functions.skl_agent_new,
                engine,
                *_handles.document(plain(config)),
            )

    def ask(self, words: str = "", messages: Optional[Sequence[Any]] = None) -> None:
        """Begins a turn with what the user says, after `messages` in the dialect's shape. OutOfTurnError in one."""
        with self._handle as pointer:
            document = _handles.document(None if messages is None else plain(list(messages)))
            _handles.run(_library.functions().skl_agent_ask, pointer, *_handles.text(words), *document)

    def next(self, timeout: Optional[float] = None) -> Step:
        """What to do next: a dict whose "step" is "ask", "request", "approval", "running", "answer" or "stopped".

        Waits for calls that run at most `timeout` seconds, without end when None; "running" says that the time was
        over. Signal handlers run meanwhile, so Ctrl-C ends the wait.
        """
        functions = _library.functions()
        deadline = None if timeout is None else time.monotonic() + max(timeout, 0)
        with self._handle as pointer:
            while True:
                step: Step = _handles.call_json(functions.skl_agent_next, pointer, 0)
                left = math.inf if deadline is None else deadline - time.monotonic()
                if step["step"] != "running" or left <= 0:
                    return step
                wait_ms = math.ceil(min(left * 1000, _LONGEST_POLL_MS))
                fd = functions.skl_agent_fd(pointer)
                if fd < 0:
                    # No descriptor is left: the library waits itself.
                    _handles.call_json(functions.skl_agent_next, pointer, wait_ms)
                    continue
                poll = select.poll()
                poll.register(fd, select.POLLIN)
                poll.poll(wait_ms)

    def feed(
        self, data: Union[bytes, bytearray, memoryview, str, Mapping[str, Any], Any] = b"", end: bool = True
    ) -> None:
        """Takes the response to the last "request": its body, a dict, or an SDK's object; or a piece of it.

        With `end=False` more follows: the bytes of a stream, cut anywhere, or its events; the last piece may be empty.
        Raises InvalidResponseError for what is no response; the same request is then open again.
        """
        if isinstance(data, (bytearray, memoryview)):
            data = bytes(data)
        if not isinstance(data, (bytes, str)):
            data = json.dumps(plain(data), ensure_ascii=False)
            if not end:
                data = f"data: {data}\n\n"
        with self._handle as pointer:
            _handles.run(_library.functions().skl_agent_feed, pointer, *_handles.text(data), end)

    def approve(self, call_id: str, allowed: bool = True, reason: str = "") -> None:
        """Decides on a call of an "approval" step; the model reads the `reason` why not."""
        with self._handle as pointer:
            function = _library.functions().skl_agent_approve
            _handles.run(function, pointer, *_handles.text(call_id), allowed, *_handles.text(reason))

    def deny(self, call_id: str, reason: str = "") -> None:
        """`approve` with a no."""
        self.approve(call_id, False, reason)

    def events(self) -> list[Event]:
        """What happened since the last time, oldest first."""
        with self._handle as pointer:
            found: list[Event] = _handles.call_json(_library.functions().skl_agent_events, pointer)
            return found

    def cancel(self) -> None:
        """Ends the turn; the next step is "stopped". Between turns it does nothing. May be repeated."""
        with self._handle as pointer:
            _handles.check(_library.functions().skl_agent_cancel(pointer), _ffi.skl_error())

    def transcript(self) -> list[Any]:
        """The conversation so far; a new agent takes it up as its `messages`."""
        with self._handle as pointer:
            found: list[Any] = _handles.call_json(_library.functions().skl_agent_transcript, pointer)
            return found

    def fileno(self) -> int:
        """A descriptor that is readable while `next` has something to do. The agent's: do not read or close it."""
        with self._handle as pointer:
            return _library.functions().skl_agent_fd(pointer)

    def close(self) -> None:
        """Ends the turn and releases the agent. Repeating it does nothing."""
        if not self._handle.is_closed:
            # Another thread that waits holds the handle; cancelling lets it go.
            with contextlib.suppress(errors.ClosedError, errors.ForkedError):
                self.cancel()
        self._handle.close()

    def __enter__(self) -> Agent:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
