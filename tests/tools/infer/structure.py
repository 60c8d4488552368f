"""Parents, groups, exclusive sets, loops, classes."""
from argparse import ArgumentParser as AP
from enum import Enum
import json
import sys

COMMON = dict(type=int, default=3)
OPTIONS = {"default": "x", "help": "From a dictionary"}
SERVICES = ["mail", "web"] + ["dns"]


class Mode(str, Enum):
    PLAIN = "plain"
    RICH = "rich"


def positive(text) -> int:
    value = int(text)
    if value <= 0:
        raise ValueError(text)
    return value


def yes_no(text):
    if text.lower() in ("yes", "true", "1"):
        return True
    return False


class Tool:
    def __init__(self):
        base = AP(add_help=False)
        base.add_argument("--config", help="Settings " "in two " f"parts of {len(SERVICES)} ({SERVICES[0]})")
        self.parser = AP(parents=[base], description="Structures")
        self.setup()

    def setup(self):
        group = self.parser.add_argument_group("input")
        group.add_argument("--count", type=positive, default=1)
        group.add_argument("--confirm", type=yes_no, default=False)
        group.add_argument("--named", **OPTIONS)
        for service in SERVICES:
            self.parser.add_argument(f"--{service}-port", type=int, help=f"Port of {service}")
        either = self.parser.add_mutually_exclusive_group(required=True)
        either.add_argument("--url")
        either.add_argument("--file")
        either.add_argument("--stdin", action="store_true")
        self.parser.add_argument("--mode", choices=[m.value for m in Mode], default=Mode.RICH.value)

    def run(self, argv=None):
        args = self.parser.parse_args(argv)
        print(json.dumps(vars(args)))
        return 0


if __name__ == "__main__":
    sys.exit(Tool().run())
