"""The started calls of a response."""

from __future__ import annotations

from typing import Any, Optional

from ._asyncio import readable
from ._started import Started


class Round(Started):
    """The calls that a response asks for, running or ended, as one. Every method may be used from any thread.

    Use it as a context manager, or `close` it: that cancels the calls that still run.
    `fileno` makes it fit for `select`, `selectors` and `loop.add_reader`: readable means that the last has ended.
    """

    def wait(self, timeout: Optional[float] = None) -> list[dict[str, Any]]:
        """Waits for the end of the last call and gives the messages to append; may be repeated.

        `timeout` is in seconds, and None waits without end. Raises WaitTimeoutError, a TimeoutError; the calls then
        go on. Signal handlers run meanwhile, so Ctrl-C ends the wait.
        """
        return list(self._document(timeout))

    async def wait_async(self) -> list[dict[str, Any]]:
        """`wait` in an event loop of asyncio, which goes on meanwhile. Cancelling the task leaves the calls running."""
        await readable(self.fileno())
        return self.wait(0)
