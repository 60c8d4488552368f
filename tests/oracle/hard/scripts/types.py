"""What type= can be."""
import argparse
import functools
import json
from enum import Enum
from pathlib import Path


class Colour(str, Enum):
    RED = "red"
    BLUE = "blue"

    def __str__(self):
        return self.value


class Between:
    def __init__(self, low, high):
        self.low, self.high = low, high

    def __call__(self, text):
        value = float(text)
        if not self.low <= value <= self.high:
            raise argparse.ArgumentTypeError(text)
        return value


def positive(text):
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no number")
    if value <= 0:
        raise argparse.ArgumentTypeError("too small")
    return value


def truth(v):
    if isinstance(v, bool):
        return v
    if v.lower() in ("yes", "true", "t", "1"):
        return True
    elif v.lower() in ("no", "false", "f", "0"):
        return False
    raise argparse.ArgumentTypeError("Boolean value expected.")


def agreed(text):
    return text == "agreed"


def existing(text):
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"{text} is not there")
    return path


def pair(text):
    key, _, value = text.partition("=")
    return key, value


def port(value: str) -> int:
    from math import floor

    return floor(eval(value))


parser = argparse.ArgumentParser()
parser.add_argument("--colour", type=Colour, choices=list(Colour), default=Colour.RED)
parser.add_argument("--shade", type=Colour, default=Colour.BLUE)
parser.add_argument("--share", type=Between(0, 1), default=0.25)
parser.add_argument("--count", type=positive, default="7")
parser.add_argument("--yes", type=truth, nargs="?", const=True, default=False)
parser.add_argument("--word", type=agreed)
parser.add_argument("--input", type=existing)
parser.add_argument("--pair", type=pair, action="append", default=[])
parser.add_argument("--port", type=port)
parser.add_argument("--hex", type=functools.partial(int, base=16))
parser.add_argument("--list", type=lambda text: text.split(","))
parser.add_argument("--flag", type=lambda text: text.lower() == "true", default=True)
parser.add_argument("--whole", type=lambda text: int(text, 0), default=0)
parser.add_argument("--json", type=json.loads, default="{}")
parser.add_argument("--bool", type=bool, default=False)
parser.add_argument("--path", type=Path, default=Path("a") / "b" / "c.txt")
parser.add_argument("--file", type=argparse.FileType("r"))
parser.add_argument("--numbers", type=int, nargs=3, default=(1, 2, 3), metavar=("A", "B", "C"))
parser.add_argument("--floats", type=float, nargs="+", choices=[0.5, 1.0])
parser.parse_args()
