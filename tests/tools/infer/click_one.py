#!/usr/bin/env python3
"""One click command with every kind of parameter; prints what it was given."""
import json

import click
from click import Choice

SIZES = {"small": 1, "large": 9}


def common(function):
    return click.option("--verbose", "-v", count=True, help="Say more")(function)


@click.command(help="Converts a file.")
@click.argument("source")
@click.argument("others", nargs=-1)
@click.option("--name", "-n", required=True, help="Whose file it is")
@click.option("--times", default=3)
@click.option("--ratio", type=float)
@click.option("--level", type=click.IntRange(1, 5), default=2, show_default=True)
@click.option("--share", type=click.FloatRange(min=0))
@click.option("--size", type=Choice(list(SIZES)), default="small")
@click.option("--tag", "-t", "tags", multiple=True)
@click.option("--pair", nargs=2, type=int)
@click.option("--point", type=(str, int))
@click.option("--shout/--no-shout", default=False)
@click.option("-q", "quiet", is_flag=True)
@click.option("--upper", "case", flag_value="upper", default=True)
@click.option("--lower", "case", flag_value="lower")
@click.option("-x", "short")
@click.option("--log-file", envvar="LOG_FILE", type=click.Path(dir_okay=False))
@click.option("--secret", hidden=True)
@click.version_option("1.0")
@common
def convert(**given):
    click.echo(json.dumps(given))


if __name__ == "__main__":
    convert()
