"""A started call of a tool."""

from __future__ import annotations

import contextlib
import math
import os
import select
from collections.abc import Iterator
from types import TracebackType
from typing import Literal, Optional, Union

from . import _ffi, _handles, _library, errors
from ._asyncio import readable
from .result import Result

# The longest wait that poll(2) takes, in milliseconds; about 24 days.
_LONGEST_POLL_MS = 2**31 - 1

Stream = Literal["stdout", "stderr"]

_STREAMS = {"stdout": 1, "stderr": 2}


class Call:
    """One running or ended call. Every method may be used from any thread.

    Use it as a context manager, or `close` it: that cancels the call if it still runs and throws its work folder away.
    `fileno` makes it fit for `select`, `selectors` and `loop.add_reader`: readable means ended.
    """

    def __init__(self, handle: _handles.Handle[_ffi.skl_call]) -> None:
        self._handle = handle
        self._has_ended = False

    def wait(self, timeout: Optional[float] = None) -> Result:
        """Waits for the end and gives the result; may be repeated.

        `timeout` is in seconds, and None waits without end. Raises WaitTimeoutError, a TimeoutError; the call then
        goes on. Signal handlers run meanwhile, so Ctrl-C ends the wait.
        """
        functions = _library.functions()
        with self._handle as pointer:
            timeout_ms = -1 if timeout is None else math.ceil(min(max(timeout, 0) * 1000, _LONGEST_POLL_MS))
            fd = functions.skl_call_fd(pointer) if timeout_ms else -1
            # Without a descriptor (none is left, or this is a forked child) the library waits or refuses itself.
            if fd >= 0:
                poll = select.poll()
                poll.register(fd, select.POLLIN)
                poll.poll(None if timeout_ms < 0 else timeout_ms)
                timeout_ms = 0
            document = _handles.call_json(functions.skl_call_wait, pointer, timeout_ms)
        self._has_ended = True
        return Result(document)

    async def wait_async(self) -> Result:
        """`wait` in an event loop of asyncio, which goes on meanwhile. Cancelling the task leaves the call running."""
        await readable(self.fileno())
        return self.wait(0)

    @property
    def result(self) -> Optional[Result]:
        """The result, or None while the call runs. Does not wait."""
        try:
            return self.wait(0)
        except errors.WaitTimeoutError:
            return None

    def cancel(self) -> None:
        """Ends the call; its result then says `cancelled`, unless the script had ended before. May be repeated."""
        with self._handle as pointer:
            _handles.check(_library.functions().skl_call_cancel(pointer), _ffi.skl_error())

    def read(self, stream: Stream = "stdout", timeout: Optional[float] = None) -> Optional[bytes]:
        """What the script has written since the last read, up to 64 KiB; only of a call started with `stream=True`.

        None is the end of the stream. Waits for output, at most `timeout` seconds and without end when that is None,
        and gives `b""` when none came. While 1 MiB is unread the script waits for its reader. A script that was
        started without `stream` raises UnsupportedError.
        """
        with self._handle as pointer:
            function = _library.functions().skl_call_read
            timeout_ms = -1 if timeout is None else math.ceil(min(max(timeout, 0) * 1000, _LONGEST_POLL_MS))
            return _handles.call_optional(function, pointer, _STREAMS[stream], timeout_ms)

    def output(self, stream: Stream = "stdout") -> Iterator[bytes]:
        """Everything that the script writes, as it comes, to the end of the stream; see `read`."""
        while (chunk := self.read(stream)) is not None:
            yield chunk

    def output_fileno(self) -> int:
        """A descriptor that is readable while there is output to `read`, and at the end; -1 without `stream`."""
        with self._handle as pointer:
            return _library.functions().skl_call_output_fd(pointer)

    def read_file(self, path: str, max_bytes: int = 64 * 1024 * 1024) -> bytes:
        """The content of one of the result's `files`. A file larger than `max_bytes` is an error, never cut."""
        with self._handle as pointer:
            function = _library.functions().skl_call_read_file
            return _handles.call(function, pointer, *_handles.text(path), _handles.unsigned(max_bytes))

    def keep(self, dest: Union[str, os.PathLike[str]], path: str = "") -> None:
        """Copies one of the result's `files`, or all of them, to the same path below the folder `dest`, which is there.

        Nothing is replaced (AlreadyExistsError), no link below `dest` is followed, and on failure nothing is left."""
        with self._handle as pointer:
            function = _library.functions().skl_call_keep
            _handles.run(function, pointer, *_handles.text(path), *_handles.path(dest))

    def fileno(self) -> int:
        """A descriptor that becomes readable when the call has ended. It is the call's: do not read or close it."""
        with self._handle as pointer:
            return _library.functions().skl_call_fd(pointer)

    @property
    def fd(self) -> int:
        """`fileno()`, as an attribute."""
        return self.fileno()

    def close(self) -> None:
        """Cancels the call if it still runs and releases it. Repeating it does nothing."""
        if not self._handle.is_closed:
            if not self._has_ended:
                # Another thread that waits holds the handle; cancelling lets it go.
                with contextlib.suppress(errors.ClosedError, errors.ForkedError):
                    self.cancel()
            self._handle.close()

    def __enter__(self) -> Call:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
