"""Commands that are objects, options that are data."""
import argparse
from dataclasses import dataclass, field
from typing import NamedTuple, Optional


@dataclass
class Option:
    flag: str
    kind: type = str
    default: Optional[object] = None
    choices: list = field(default_factory=list)

    @property
    def keywords(self):
        keywords = {"type": self.kind, "default": self.default}
        if self.choices:
            keywords["choices"] = self.choices
        return keywords


class Place(NamedTuple):
    name: str
    many: bool = False


class Command:
    name = ""
    options = []
    places = ()

    def register(self, subparsers):
        parser = subparsers.add_parser(self.name, help=self.__doc__)
        for place in self.places:
            parser.add_argument(place.name, nargs="*" if place.many else None)
        for option in self.options:
            parser.add_argument(option.flag, **option.keywords)
        self.extend(parser)
        return parser

    def extend(self, parser):
        pass


class Build(Command):
    """Builds."""

    name = "build"
    options = [Option("--jobs", int, 4), Option("--mode", choices=["debug", "release"], default="debug")]
    places = [Place("targets", many=True)]


class Clean(Command):
    name = "clean"
    places = (Place("where"),)

    def extend(self, parser):
        super().extend(parser)
        parser.add_argument("--all", action="store_true")


class App:
    COMMANDS = (Build, Clean)

    def __init__(self, prog="app"):
        self.parser = argparse.ArgumentParser(prog=prog)
        self.parser.add_argument("--verbose", "-v", action="count", default=0)
        self._commands(self.parser.add_subparsers(dest="command"))

    def _commands(self, subparsers):
        subparsers.required = True
        for command in self.COMMANDS:
            command().register(subparsers)

    @classmethod
    def start(cls):
        app = cls()
        return app.parser.parse_args()


if __name__ == "__main__":
    App.start()
