#!/usr/bin/env python3
"""Shows every kind of argument; prints what the parser made of them."""
import argparse
import json
from pathlib import Path

FORMATS = ("text", "json", "csv")
LEVELS = {"low": 1, "high": 9}
DEFAULT_LIMIT = 5 * 2


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="Where to read from")
    parser.add_argument("target", nargs="?", default="out.txt", help="Where to write (default: %(default)s)")
    parser.add_argument("extra", nargs="*", help="More files")
    parser.add_argument("-f", "--format", choices=FORMATS, default="text", help="One of %(choices)s")
    parser.add_argument("--level", choices=LEVELS.keys())
    parser.add_argument("--limit", type=int, default=DEFAULT_LIMIT, help="At most 100%% of %(default)s")
    parser.add_argument("--base", type=Path)
    parser.add_argument("--ratio", type=float, default=0.5)
    parser.add_argument("-n", "--dry-run", action="store_true", help="Only say what would be done")
    parser.add_argument("--no-cache", dest="cache", action="store_false")
    parser.add_argument("--colour", action=argparse.BooleanOptionalAction, default=None)
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("--tag", action="append", metavar="TAG", help="A tag; may be repeated")
    parser.add_argument("--point", action="append", nargs=2, type=float)
    parser.add_argument("--sizes", nargs="+", type=int)
    parser.add_argument("--words", nargs="*", default=["a", "b"])
    parser.add_argument("--pair", nargs=2)
    parser.add_argument("--more", action="extend", nargs="+")
    parser.add_argument("-x", help="Only a short name")
    parser.add_argument("--fast", dest="mode", action="store_const", const="fast", default="normal")
    parser.add_argument("--slow", dest="mode", action="store_const", const="slow")
    parser.add_argument("--log", nargs="?", const="log.txt")
    parser.add_argument("--data", type=json.loads)
    parser.add_argument("--flag", type=bool, default=True)
    parser.add_argument("--secret", help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version="1")
    args = parser.parse_args()
    print(json.dumps(vars(args), default=str))


if __name__ == "__main__":
    main()
