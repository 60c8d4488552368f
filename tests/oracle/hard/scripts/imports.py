#!/usr/bin/env python3
"""Options from other files of the skill."""
import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

import options
from options import Level, add_output, common as base


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, parents=[base()])
    parser.add_argument("--level", choices=[level.value for level in Level], default=Level.MIDDLE.value)
    parser.add_argument("--least", type=int, choices=range(1, 4), default=options.LIMIT)
    add_output(parser, formats=("csv", "tsv"), with_file=False)
    sub = parser.add_subparsers(dest="verb")
    show = sub.add_parser("show", parents=[options.common()], conflict_handler="resolve")
    add_output(show)
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
