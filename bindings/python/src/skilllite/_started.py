"""What was started and has an end: what a call and the calls of a response have in common."""

from __future__ import annotations

import contextlib
import math
import select
from types import TracebackType
from typing import Any, Optional, TypeVar

from . import _ffi, _handles, _library, errors

# The longest wait that poll(2) takes, in milliseconds; about 24 days.
_LONGEST_POLL_MS = 2**31 - 1

Own = TypeVar("Own", bound="Started")


def milliseconds(timeout: Optional[float]) -> int:
    """Seconds as the library takes a timeout; None is without end."""
    return -1 if timeout is None else math.ceil(min(max(timeout, 0) * 1000, _LONGEST_POLL_MS))


class Started:
    """Owns a handle that ends. Every method may be used from any thread.

    Use it as a context manager, or `close` it: that cancels what still runs.
    `fileno` makes it fit for `select`, `selectors` and `loop.add_reader`: readable means ended.
    """

    def __init__(self, handle: _handles.Handle[_ffi.skl_call]) -> None:
        self._handle = handle
        self._has_ended = False

    def _document(self, timeout: Optional[float]) -> Any:
        """Waits for the end and gives the document. Signal handlers run meanwhile."""
        functions = _library.functions()
        with self._handle as pointer:
            timeout_ms = milliseconds(timeout)
            fd = functions.skl_call_fd(pointer) if timeout_ms else -1
            # Without a descriptor (none is left, or this is a forked child) the library waits or refuses itself.
            if fd >= 0:
                poll = select.poll()
                poll.register(fd, select.POLLIN)
                poll.poll(None if timeout_ms < 0 else timeout_ms)
                timeout_ms = 0
            document = _handles.call_json(functions.skl_call_wait, pointer, timeout_ms)
        self._has_ended = True
        return document

    def cancel(self) -> None:
        """Ends what still runs; the result then says `cancelled`, unless it had ended before. May be repeated."""
        with self._handle as pointer:
            _handles.check(_library.functions().skl_call_cancel(pointer), _ffi.skl_error())

    def fileno(self) -> int:
        """A descriptor that becomes readable at the end. It is the library's: do not read or close it."""
        with self._handle as pointer:
            return _library.functions().skl_call_fd(pointer)

    @property
    def fd(self) -> int:
        """`fileno()`, as an attribute."""
        return self.fileno()

    def close(self) -> None:
        """Cancels what still runs and releases it. Repeating it does nothing."""
        if not self._handle.is_closed:
            if not self._has_ended:
                # Another thread that waits holds the handle; cancelling lets it go.
                with contextlib.suppress(errors.ClosedError, errors.ForkedError):
                    self.cancel()
            self._handle.close()

    def __enter__(self: Own) -> Own:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
