"""A streamed response of an LLM, put together."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Optional, Union

from . import _ffi, _handles, _library
from .manager import plain


class ResponseStream:
    """Puts a streamed response together, for `SkillManager.handle_tool_calls`. It reads nothing by itself.

    with ResponseStream("anthropic") as stream:
        for chunk in http_response.iter_bytes():
            stream.feed(chunk)
        messages = manager.handle_tool_calls(stream.response(), "anthropic")

    Every method may be used from any thread. Use it as a context manager, or `close` it.
    """

    def __init__(self, dialect: str = "openai") -> None:
        functions = _library.functions()
        self._handle = _handles.new(
            _ffi.skl_stream, functions.skl_stream_free, functions.skl_stream_new, *_handles.text(dialect)
        )

    def feed(self, data: Union[bytes, bytearray, memoryview, str, Any]) -> None:
        """Takes the next bytes of the response's body, cut anywhere, or an event: a dict, or an SDK's object.

        Raises InvalidResponseError for what is not of the dialect, and for an error that the vendor reports in the
        stream; a failure is final.
        """
        if isinstance(data, (bytearray, memoryview)):
            data = bytes(data)
        if not isinstance(data, (bytes, str)):
            data = json.dumps(plain(data), ensure_ascii=False)
        error = _ffi.skl_error()
        with self._handle as pointer:
            status = _library.functions().skl_stream_feed(pointer, *_handles.text(data), _handles.reference(error))
            _handles.check(status, error)

    @property
    def is_complete(self) -> bool:
        """Whether the model's turn is over. What comes after it may still be fed."""
        with self._handle as pointer:
            return _library.functions().skl_stream_is_complete(pointer)

    def response(self) -> Any:
        """The response as it would have been without streaming, as far as tool calls are concerned.

        Raises InvalidResponseError before the end: a call that was cut off must not run.
        """
        with self._handle as pointer:
            return _handles.call_json(_library.functions().skl_stream_response, pointer)

    def close(self) -> None:
        """Releases the stream. May be repeated."""
        self._handle.close()

    def __enter__(self) -> ResponseStream:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
