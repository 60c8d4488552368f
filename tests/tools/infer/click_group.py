"""Keeps notes."""
import json

import click


@click.group()
@click.option("--store", default="notes.json", help="Where the notes are")
@click.pass_context
def cli(ctx, store):
    """Keeps notes in a file."""
    ctx.obj = {"store": store}


@cli.command()
@click.argument("title")
@click.option("--priority", type=click.Choice(["low", "high"]), default="low")
@click.pass_obj
def add(obj, **given):
    """Adds a note.

    More about it."""
    print(json.dumps({**obj, "command": "add", **given}))


@cli.command("drop-all")
@click.confirmation_option(prompt="Really?")
@click.pass_obj
def drop(obj):
    print(json.dumps({**obj, "command": "drop-all", "yes": True}))


@cli.group()
def remote():
    """Other stores."""


@click.command()
@click.argument("urls", nargs=-1, required=True)
def link_command(**given):
    print(json.dumps({"command": "remote", "remote_command": "link", **given}))


remote.add_command(link_command, "link")

if __name__ == "__main__":
    cli()
