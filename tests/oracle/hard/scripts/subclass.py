"""A parser of the script's own class."""
import argparse
import sys


class Parser(argparse.ArgumentParser):
    def __init__(self, **keywords):
        super().__init__(formatter_class=argparse.RawTextHelpFormatter, **keywords)
        self.add_argument("--config", default="app.ini")
        self.ready = False

    def error(self, message):
        sys.stderr.write(message)
        sys.exit(2)

    def add_switch(self, name, default=False, **keywords):
        action = "store_false" if default else "store_true"
        return self.add_argument(f"--{'no-' if default else ''}{name}", dest=name.replace("-", "_"), action=action, **keywords)


class Once(argparse.Action):
    def __init__(self, option_strings, dest, nargs=None, **keywords):
        super().__init__(option_strings, dest, nargs=0, **keywords)

    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, True)


class Pair(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        setattr(namespace, self.dest, dict([values.split("=")]))


parser = Parser(description="Own class")
parser.add_switch("dry-run")
parser.add_switch("cache", default=True)
parser.add_argument("--once", action=Once)
parser.add_argument("--pair", action=Pair, metavar="KEY=VALUE")
optional = parser._action_groups.pop()
required = parser.add_argument_group("required arguments")
required.add_argument("--name", required=True)
optional.add_argument("--title")
parser._action_groups.append(optional)
sub = parser.add_subparsers(dest="what", parser_class=argparse.ArgumentParser)
sub.add_parser("one", aliases=["uno", "1"]).add_argument("x", type=float)

if __name__ == "__main__":
    print(parser.parse_args())
