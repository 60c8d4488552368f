import argparse, json


def add_common(parser):
    parser.add_argument("--verbose", action="store_true", help="Say more")


def build():
    parser = argparse.ArgumentParser(prog="notes", description="Keeps notes")
    parser.add_argument("--store", required=True, help="The file of notes")
    commands = parser.add_subparsers(dest="command", required=True)

    add = commands.add_parser("add", help="Adds a note")
    add.add_argument("title")
    add.add_argument("--tag", action="append", default=[])
    add.add_argument("--priority", type=int, choices=range(1, 4), default=2)
    add_common(add)

    search = commands.add_parser("search", help="Finds notes")
    search.add_argument("words", nargs="+")
    search.add_argument("--limit", type=int, default=10)
    add_common(search)

    remote = commands.add_parser("remote", help="Other stores")
    actions = remote.add_subparsers(dest="action")
    link = actions.add_parser("link")
    link.add_argument("url")
    link.add_argument("--title")
    actions.add_parser("list")
    return parser


args = build().parse_args()
print(json.dumps(vars(args)))
