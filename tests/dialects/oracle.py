"""What the vendors' own packages say about the dialects. Run by `run`, which installs them.

Three rooms: `definitions` judges the tools of every skill at hand, `conversation` the calls and answers of responses
built with the vendors' types, and `streams` the same in pieces.
"""

from __future__ import annotations

import argparse
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import conversation
import definitions
import streams

# Packages warn about their own types when they write what they have read.
warnings.filterwarnings("ignore")

Check = tuple[str, Callable[[], None]]


def checks(place: Path) -> Iterator[Check]:
    """Every check with its name."""
    yield from definitions.checks(place)
    yield from conversation.checks()
    yield from streams.checks()


def main() -> int:
    """Runs the checks and prints one line that counts them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--place", type=Path, required=True, help="where things are installed and written")
    parser.add_argument("--verbose", action="store_true", help="name the checks that pass")
    options = parser.parse_args()
    passed = failed = 0
    for name, check in checks(options.place):
        try:
            check()
        except Exception:
            failed += 1
            print(f"FAILED {name}\n{traceback.format_exc(limit=-4)}", file=sys.stderr)
        else:
            passed += 1
            if options.verbose:
                print(f"ok     {name}")
    print(f"tests/dialects: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
