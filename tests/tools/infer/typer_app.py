import json

import typer

app = typer.Typer(help="Manages users.")
groups = typer.Typer()
app.add_typer(groups, name="groups")


@app.command()
def create_user(name: str, admin: bool = False):
    """Makes a user."""
    print(json.dumps({"command": "create-user", "name": name, "admin": admin}))


@app.command("remove")
def remove_user(names: list[str], force: bool = typer.Option(False, prompt="Really?")):
    print(json.dumps({"command": "remove", "names": names, "force": force}))


@groups.command()
def show(limit: int = 10):
    print(json.dumps({"command": "groups", "groups_command": "show", "limit": limit}))


@groups.command()
def clear():
    pass


if __name__ == "__main__":
    app()
