"""Steers ships.

Usage:
  ship.py <name> [<x>] [--speed=<kn>] [--moored] [-q]

Options:
  -h --help     Show this screen.
  --speed=<kn>  Speed in knots [default: 10].
  --moored      Moored (anchored) mine.
  -q, --quiet   Say less.
"""
import json

from docopt import docopt

if __name__ == "__main__":
    given = docopt(__doc__)
    print(json.dumps({key.strip("<>-"): value for key, value in given.items()}))
