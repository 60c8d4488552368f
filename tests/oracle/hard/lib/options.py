"""Options that several scripts share."""
import argparse
from enum import Enum

from defaults import LIMIT, REGIONS


class Level(Enum):
    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"


def common():
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--region", choices=sorted(REGIONS), default=REGIONS[0])
    parent.add_argument("--limit", type=int, default=LIMIT)
    return parent


def add_output(parser, *, formats=("text", "json"), with_file=True):
    group = parser.add_argument_group("output")
    group.add_argument("-f", "--format", choices=formats, default=formats[0])
    if with_file:
        group.add_argument("-o", "--output", metavar="FILE")
    return group
