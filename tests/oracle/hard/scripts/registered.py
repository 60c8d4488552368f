"""Subcommands registered by decorators of the skill's own."""
import argparse

from shared import COMMANDS, command

parser = argparse.ArgumentParser()
subparsers = parser.add_subparsers(dest="action", required=True)


def argument(*names, **keywords):
    return list(names), keywords


def subcommand(arguments=(), parent=subparsers):
    def decorator(function):
        own = parent.add_parser(function.__name__.replace("_", "-"), description=function.__doc__)
        for names, keywords in arguments:
            own.add_argument(*names, **keywords)
        own.set_defaults(func=function)

    return decorator


@subcommand([argument("path"), argument("-n", "--count", type=int, default=3)])
def list_all(args):
    """Lists everything."""


@subcommand()
def reset(args):
    """Starts again."""


@command("export", help="Exports", target=True)
def export(args):
    pass


@command("check", help="Checks")
def check(args):
    pass


def main():
    for name, (function, options) in COMMANDS.items():
        own = subparsers.add_parser(name, help=options.get("help"))
        if options.get("target"):
            own.add_argument("--target", required=True)
        own.set_defaults(func=function)
    args = parser.parse_args()
    args.func(args)


if __name__ == "__main__":
    main()
