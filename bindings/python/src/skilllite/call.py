"""A started call of a tool."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal, Optional, Union

from . import _handles, _library, errors
from ._asyncio import readable
from ._started import Started, milliseconds
from .result import Result

Stream = Literal["stdout", "stderr"]

_STREAMS = {"stdout": 1, "stderr": 2}


class Call(Started):
    """One running or ended call. Every method may be used from any thread.

    Use it as a context manager, or `close` it: that cancels the call if it still runs and throws its work folder away.
    `fileno` makes it fit for `select`, `selectors` and `loop.add_reader`: readable means ended.
    """

    def wait(self, timeout: Optional[float] = None) -> Result:
        """Waits for the end and gives the result; may be repeated.

        `timeout` is in seconds, and None waits without end. Raises WaitTimeoutError, a TimeoutError; the call then
        goes on. Signal handlers run meanwhile, so Ctrl-C ends the wait.
        """
        return Result(self._document(timeout))

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

    def read(self, stream: Stream = "stdout", timeout: Optional[float] = None) -> Optional[bytes]:
        """What the script has written since the last read, up to 64 KiB; only of a call started with `stream=True`.

        None is the end of the stream. Waits for output, at most `timeout` seconds and without end when that is None,
        and gives `b""` when none came. While 1 MiB is unread the script waits for its reader. A script that was
        started without `stream` raises UnsupportedError.
        """
        with self._handle as pointer:
            function = _library.functions().skl_call_read
            return _handles.call_optional(function, pointer, _STREAMS[stream], milliseconds(timeout))

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
