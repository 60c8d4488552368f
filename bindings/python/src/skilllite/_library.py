"""Finds libskilllite.so, checks that it fits the generated declarations, and loads it once.

In this order: the library packaged beside this module; where there is none, as in a checkout, the file that
$SKILLLITE_LIBRARY names; the checkout's release build. An installed package therefore never takes another library from
the environment.
"""

from __future__ import annotations

import ctypes
import functools
import os
from pathlib import Path

from . import _ffi

FILE_NAME = "libskilllite.so"


class LibraryError(ImportError):
    """The shared library is missing, cannot be loaded, or is too old for this package."""


@functools.cache
def functions() -> _ffi.Functions:
    """The functions of the library; loads it the first time. Raises LibraryError."""
    path = find()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise LibraryError(f"cannot load {path}: {error}") from error
    try:
        found = int(library.skl_abi_version())
    except AttributeError:
        raise LibraryError(f"{path} is no SkillLite library: it has no skl_abi_version") from None
    if found < _ffi.ABI_VERSION:
        raise LibraryError(
            f"{path} has ABI {found}, this package needs {_ffi.ABI_VERSION} or later: "
            f"use the library of SkillLite {_ffi.VERSION}"
        )
    try:
        return _ffi.declare(library)
    except AttributeError as error:
        raise LibraryError(f"{path} says ABI {found} and lacks a function of it: {error}") from None


def find() -> Path:
    """The path of the library. Raises LibraryError, which says where it looked."""
    here = Path(__file__).resolve()
    packaged = here.with_name(FILE_NAME)
    if packaged.is_file():
        return packaged
    named = os.environ.get("SKILLLITE_LIBRARY")
    if named:
        if Path(named).is_file():
            return Path(named)
        raise LibraryError(f"SKILLLITE_LIBRARY names {named}, which is no file")
    places = [packaged]
    # <checkout>/bindings/python/src/skilllite/_library.py
    if len(here.parents) > 4 and (here.parents[4] / "include" / "skilllite.h").is_file():
        built = here.parents[4] / "target" / "release" / FILE_NAME
        if built.is_file():
            return built
        places.append(built)
    raise LibraryError(
        f"{FILE_NAME} is not there; looked for {', '.join(map(str, places))}: "
        "install the wheel, or run `make build` in a checkout"
    )
