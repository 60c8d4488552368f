"""One typer command."""
import json
from enum import Enum
from pathlib import Path
from typing import Annotated, List, Optional

import typer


class Mode(str, Enum):
    fast = "fast"
    slow = "slow"


def main(
    source: Path,
    target: Optional[Path] = typer.Argument(None, help="Where to write"),
    count: int = 1,
    ratio: float = typer.Option(..., "--ratio", "-r", min=0, max=1),
    name: Optional[str] = None,
    force: bool = False,
    cache: Annotated[bool, typer.Option(help="Use the cache")] = True,
    quiet: bool = typer.Option(False, "--quiet", "-q"),
    mode: Mode = Mode.slow,
    tag: List[str] = typer.Option([], help="May be repeated"),
    dry_run: Annotated[bool, typer.Option("--dry-run/--real")] = False,
    verbose: Annotated[int, typer.Option("-v", count=True)] = 0,
):
    """Converts a file.

    More about it."""
    print(json.dumps(locals(), default=str))


if __name__ == "__main__":
    typer.run(main)
