"""Ownership of what the library gives, and the way into and out of its functions.

A handle is freed exactly once, and never while a thread is inside a function that has it: `close` during a use takes
effect when the last user leaves. Buffers and errors never leave this room: they become bytes and exceptions here.
"""

from __future__ import annotations

import ctypes
import json
import os
import threading
from collections import Counter
from types import TracebackType
from typing import Any, Callable, Generic, Optional, TypeVar, Union

from . import _ffi, _library, errors

Pointer = TypeVar("Pointer", bound=ctypes.c_void_p)

# JSON text as it is, or a value that becomes JSON; None is the empty document.
Document = Union[None, str, bytes, Any]

# One encoder for all: json.dumps makes a new one for each text that is not plain ASCII.
_encode = json.JSONEncoder(ensure_ascii=False).encode

_live: set[tuple[str, Optional[int]]] = set()


def live() -> dict[str, int]:
    """How many handles of each type are not freed yet. For tests that look for leaks."""
    return dict(Counter(kind for kind, _ in _live.copy()))


class Handle(Generic[Pointer]):
    """Owns one pointer. Using it as a context manager lends the pointer and keeps it from being freed meanwhile."""

    def __init__(self, pointer: Pointer, free: Callable[[Pointer], None], kind: str) -> None:
        self._pointer = pointer
        self._free = free
        self._key = (kind, pointer.value)
        self._lock = threading.Lock()
        self._users = 0
        self._is_closed = False
        self._pid = os.getpid()
        # Bound here because a module may be half torn down when the interpreter ends.
        self._getpid = os.getpid
        self._forget = _live.discard
        _live.add(self._key)

    def __enter__(self) -> Pointer:
        if self._is_foreign:
            # Another thread may have held the lock at the fork. The library answers for this handle: FORKED.
            return self._pointer
        with self._lock:
            if self._is_closed:
                raise errors.ClosedError(_ffi.Status.CLOSED, "SKL_ERR_CLOSED", f"this {self._key[0]} is closed")
            self._users += 1
        return self._pointer

    def __exit__(
        self, kind: Optional[type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        if self._is_foreign:
            return
        with self._lock:
            self._users -= 1
            is_last = self._is_closed and self._users == 0
        if is_last:
            self._release()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._is_closed

    @property
    def _is_foreign(self) -> bool:
        return self._getpid() != self._pid

    def close(self) -> None:
        """Frees the handle, now or when its last user leaves. Repeating it does nothing; so does a forked child."""
        if self._is_foreign:
            return
        with self._lock:
            is_last = not self._is_closed and self._users == 0
            self._is_closed = True
        if is_last:
            self._release()

    def _release(self) -> None:
        # Forgotten first: once freed, the address may come back for a new handle.
        self._forget(self._key)
        self._free(self._pointer)

    def __del__(self) -> None:
        self.close()


def check(status: int, error: _ffi.skl_error) -> None:
    """Raises the exception of a failure and frees the error object."""
    if status == _ffi.Status.OK:
        return
    functions = _library.functions()
    name = (functions.skl_status_name(status) or b"").decode()
    try:
        message = (functions.skl_error_message(error) or b"").decode("utf-8", "replace")
    finally:
        functions.skl_error_free(error)
    raise errors.BY_STATUS.get(status, errors.SkillLiteError)(status, name, message or name)


def run(function: Callable[..., int], *arguments: object) -> None:
    """Calls a function without an output."""
    error = _ffi.skl_error()
    check(function(*arguments, ctypes.byref(error)), error)


def reference(value: ctypes.c_void_p) -> Any:
    """A pointer to `value`, for a function that sets it."""
    return ctypes.byref(value)


def call(function: Callable[..., int], *arguments: object) -> bytes:
    """Calls a function whose output is a buffer, and gives the buffer's bytes."""
    return call_optional(function, *arguments) or b""


def call_optional(function: Callable[..., int], *arguments: object) -> Optional[bytes]:
    """`call` for a function that may give no buffer."""
    functions = _library.functions()
    buffer, error = _ffi.skl_buffer(), _ffi.skl_error()
    check(function(*arguments, ctypes.byref(buffer), ctypes.byref(error)), error)
    if not buffer:
        return None
    key = ("buffer", buffer.value)
    _live.add(key)
    try:
        data = functions.skl_buffer_data(buffer)
        return ctypes.string_at(data, functions.skl_buffer_len(buffer)) if data else b""
    finally:
        _live.discard(key)
        functions.skl_buffer_free(buffer)


def call_json(function: Callable[..., int], *arguments: object) -> Any:
    """`call` for a function whose output is a JSON document."""
    return json.loads(call(function, *arguments))


def new(
    kind: type[Pointer], free: Callable[[Pointer], None], function: Callable[..., int], *arguments: object
) -> Handle[Pointer]:
    """Calls a function whose output is a handle."""
    pointer, error = kind(), _ffi.skl_error()
    check(function(*arguments, ctypes.byref(pointer), ctypes.byref(error)), error)
    return Handle(pointer, free, kind.__name__[4:])


def text(value: Union[str, bytes]) -> tuple[bytes, int]:
    """A string as the pointer and length that the library takes. What is no UTF-8 passes, for the library to refuse."""
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    return data, len(data)


def path(value: Union[str, bytes, os.PathLike[str], os.PathLike[bytes]]) -> tuple[bytes, int]:
    """A path of the host, as `text`."""
    data = os.fsencode(value)
    return data, len(data)


def document(value: Document) -> tuple[bytes, int]:
    """JSON as the pointer and length that the library takes. Raises TypeError for what has no JSON."""
    if value is None:
        return b"", 0
    if isinstance(value, (str, bytes)):
        return text(value)
    return text(_encode(value))


def unsigned(value: int) -> int:
    """A size for the library. Raises ValueError below zero, where ctypes would take a huge number."""
    if value < 0:
        raise ValueError(f"a size is not negative: {value}")
    return min(value, 2**64 - 1)
