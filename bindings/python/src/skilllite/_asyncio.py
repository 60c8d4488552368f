"""Waiting for the library's descriptors in an event loop of asyncio."""

from __future__ import annotations

import asyncio
import os

from . import _ffi, errors


def _set(future: asyncio.Future[None]) -> None:
    # It is called again until the reader is removed.
    if not future.done():
        future.set_result(None)


async def readable(fd: int) -> None:
    """Returns when `fd` is readable. The event loop watches a copy, so several tasks may wait for the same one."""
    if fd < 0:
        raise errors.ResourcesError(
            _ffi.Status.RESOURCES, "SKL_ERR_RESOURCES", "no descriptor to wait for; raise RLIMIT_NOFILE"
        )
    loop = asyncio.get_running_loop()
    is_readable: asyncio.Future[None] = loop.create_future()
    copy = os.dup(fd)
    try:
        loop.add_reader(copy, _set, is_readable)
        try:
            await is_readable
        finally:
            loop.remove_reader(copy)
    finally:
        os.close(copy)
